// Addresses of the internet: text for people, a few bytes on the wire.

import { octets, u16, type Codec } from "./codecs.js";
import { EncodeError } from "./errors.js";
import type { Reader, Writer } from "./wire.js";

const four = octets(4);
const sixteen = octets(16);

const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;
const GROUP = /^[0-9a-fA-F]{1,4}$/;

/** `192.0.2.1` */
export const ipv4Addr: Codec<string> = {
  write: (writer, value) => {
    four.write(writer, parseIpv4(value));
  },
  read: (reader) => four.read(reader).join("."),
};

/** `2001:db8::1` */
export const ipv6Addr: Codec<string> = {
  write: (writer, value) => {
    sixteen.write(writer, parseIpv6(value));
  },
  read: (reader) => showIpv6(sixteen.read(reader)),
};

/** Either. */
export const ipAddr: Codec<string> = either(isIPv4, ipv4Addr, ipv6Addr);

/** `192.0.2.1:80` */
export const socketAddrV4: Codec<string> = withPort(ipv4Addr, /^([0-9.]+):([0-9]{1,5})$/, (ip) => ip);

/** `[2001:db8::1]:80` */
export const socketAddrV6: Codec<string> = withPort(
  ipv6Addr,
  /^\[([0-9a-fA-F:.]+)\]:([0-9]{1,5})$/,
  (ip) => `[${ip}]`,
);

/** Either. */
export const socketAddr: Codec<string> = either(
  (text) => !text.startsWith("["),
  socketAddrV4,
  socketAddrV6,
);

function either(isFirst: (text: string) => boolean, v4: Codec<string>, v6: Codec<string>): Codec<string> {
  return {
    write: (writer: Writer, value: string) => {
      const first = isFirst(value);
      writer.unsigned(first ? 0 : 1);
      (first ? v4 : v6).write(writer, value);
    },
    read: (reader: Reader) =>
      reader.nested(() => {
        const index = reader.unsigned(32);
        if (index > 1) {
          throw reader.error("variant", `variant ${String(index)} does not exist`);
        }
        return (index === 0 ? v4 : v6).read(reader);
      }),
  };
}

function withPort(ip: Codec<string>, form: RegExp, show: (ip: string) => string): Codec<string> {
  return {
    write: (writer, value) => {
      const found = form.exec(value);
      if (found === null) {
        throw new EncodeError(`${value} is not an address with a port`);
      }
      ip.write(writer, found[1] ?? "");
      u16.write(writer, Number(found[2]));
    },
    read: (reader) =>
      reader.nested(() => {
        const address = show(ip.read(reader));
        return `${address}:${String(u16.read(reader))}`;
      }),
  };
}

function isIPv4(text: string): boolean {
  return IPV4.test(text);
}

function parseIpv4(text: string): Uint8Array {
  if (!isIPv4(text)) {
    throw new EncodeError(`${text} is no IPv4 address`);
  }
  return Uint8Array.from(text.split("."), Number);
}

function parseIpv6(text: string): Uint8Array {
  const halves = text.split("::");
  const [front, back] = [groups(halves[0], halves.length === 1), groups(halves[1], true)];
  const zeros = 16 - front.length - back.length;
  // What is left out are two bytes at least.
  const fits = halves.length === 1 ? zeros === 0 : halves.length === 2 && zeros >= 2;
  if (!fits || front.concat(back).some(Number.isNaN)) {
    throw new EncodeError(`${text} is no IPv6 address`);
  }
  return Uint8Array.from([...front, ...new Array<number>(zeros).fill(0), ...back]);
}

/** The bytes of some groups of an IPv6 address, the very last of which may be an IPv4 address; `NaN` for what is none. */
function groups(text = "", last: boolean): number[] {
  const parts = text === "" ? [] : text.split(":");
  return parts.flatMap((part, index) => {
    if (last && index === parts.length - 1 && isIPv4(part)) {
      return part.split(".").map(Number);
    }
    const group = GROUP.test(part) ? Number.parseInt(part, 16) : NaN;
    return [group >> 8, Number.isNaN(group) ? NaN : group & 0xff];
  });
}

/** The form of RFC 5952: the longest run of two or more zero groups is left out. */
function showIpv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => view.getUint16(at));
  if (parts.slice(0, 5).every((part) => part === 0) && parts[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join(".")}`;
  }
  let longest = { at: 0, size: 1 };
  let run = { at: 0, size: 0 };
  for (const [at, part] of parts.entries()) {
    run = part !== 0 ? { at: at + 1, size: 0 } : { at: run.at, size: run.size + 1 };
    longest = run.size > longest.size ? run : longest;
  }
  const hex = (from: number, to: number): string =>
    parts
      .slice(from, to)
      .map((part) => part.toString(16))
      .join(":");
  return longest.size === 1
    ? hex(0, 8)
    : `${hex(0, longest.at)}::${hex(longest.at + longest.size, 8)}`;
}
