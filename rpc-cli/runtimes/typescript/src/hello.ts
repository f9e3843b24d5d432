// What a side accepts, and the hello that says so. PROTOCOL §5 and §13.

import { ProtocolError } from "./errors.js";
import { encodeFrame, Kind, view } from "./frames.js";
import { entries, strict, UnknownEntry, unknown } from "./metadata.js";
import { utf8, Writer } from "./wire.js";

/** What a side accepts. */
export interface Limits {
  /** Longest payload of a frame that carries values. */
  readonly maxFrame: number;
  /** Longest message. */
  readonly maxMessage: number;
  /** Calls without items that the other side may have open; those of its handlers may be as many again. */
  readonly maxCalls: number;
  /** Messages that the other side may have half sent. */
  readonly maxPartial: number;
  /** Bytes of items that the other side may send at the start of each stream. */
  readonly initialWindow: number;
  /** Calls with items that the other side may have open. */
  readonly maxStreams: number;
  /** Bytes of calls without a reply whose handlers have not ended, 128 more for each. */
  readonly onewayWindow: number;
  /** Bytes of requests that the other side may have open. */
  readonly requestWindow: number;
  /** Bytes to which a stream that is read may grow. Not announced. */
  readonly window: number;
  /** Bytes that all streams together may grow by. Not announced. */
  readonly sharedWindow: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxFrame: 65_536,
  maxMessage: 4_194_304,
  maxCalls: 1024,
  maxPartial: 4,
  initialWindow: 8192,
  maxStreams: 1024,
  onewayWindow: 524_288,
  requestWindow: 4_194_304,
  window: 524_288,
  sharedWindow: 1_048_576,
};

const LIMITS = [
  ["maxFrame", 1, 16_384, 16_777_215],
  ["maxMessage", 2, 16_384, 1_073_741_824],
  ["maxCalls", 3, 1, 1_048_576],
  ["maxPartial", 4, 1, 1024],
  ["initialWindow", 6, 8192, 1_073_741_824],
  ["maxStreams", 7, 1, 1_048_576],
  ["onewayWindow", 8, 16_384, 1_073_741_824],
  ["requestWindow", 9, 16_384, 1_073_741_824],
] as const;

const NAME = 5;
const FEATURES = 10;
const TOKEN = 11;
const MAX_NAME = 256;
const MAX_TOKEN = 2048;

/** What the other side has said. */
export interface Hello extends Limits {
  readonly name: string;
  /** What it can beyond what every side can, as a set of bits; what both sides say holds. This side knows none. */
  readonly features: bigint;
  /** What proves who it is. This side passes it over. */
  readonly token: Uint8Array | undefined;
}

/** The hello that announces these limits. */
export function encodeHello(limits: Limits, name = "", token?: Uint8Array): Uint8Array {
  const writer = new Writer();
  for (const [key, tag, low, high] of LIMITS) {
    const limit = limits[key];
    if (!Number.isInteger(limit) || limit < low || limit > high) {
      throw new RangeError(`${key} must be from ${String(low)} to ${String(high)}`);
    }
    writer.byte(tag);
    writer.u16(4);
    writer.u32(limit);
  }
  const text = utf8(name);
  if (text.length > MAX_NAME) {
    throw new RangeError(`a name is at most ${String(MAX_NAME)} bytes long`);
  }
  if (text.length > 0) {
    writer.byte(NAME);
    writer.u16(text.length);
    writer.raw(text);
  }
  if (token !== undefined) {
    if (token.length < 1 || token.length > MAX_TOKEN) {
      throw new RangeError(`a token is 1 to ${String(MAX_TOKEN)} bytes long`);
    }
    writer.byte(TOKEN);
    writer.u16(token.length);
    writer.raw(token);
  }
  return encodeFrame(Kind.hello, 0, 0, writer.finish());
}

/** What a hello says. */
export function decodeHello(payload: Uint8Array): Hello {
  const limits: { -readonly [K in keyof Limits]: number } = { ...DEFAULT_LIMITS };
  let [name, features] = ["", 0n];
  let token: Uint8Array | undefined;
  try {
    for (const [tag, value] of entries(payload)) {
      const limit = LIMITS.find((entry) => entry[1] === tag);
      if (limit !== undefined) {
        const [key, , low, high] = limit;
        const number = value.length === 4 ? view(value).getUint32(0, true) : -1;
        if (number < low || number > high) {
          throw new ProtocolError(`a hello with ${key} out of its range`);
        }
        limits[key] = number;
      } else if (tag === NAME) {
        if (value.length > MAX_NAME) {
          throw new ProtocolError("a hello with a name of more than 256 bytes");
        }
        name = strict(value);
      } else if (tag === FEATURES) {
        features = value.subarray(0, 8).reduceRight((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
      } else if (tag === TOKEN) {
        if (value.length < 1 || value.length > MAX_TOKEN) {
          throw new ProtocolError("a hello with a token that is empty or too long");
        }
        token = value.slice();
      } else {
        unknown(tag);
      }
    }
  } catch (error) {
    if (error instanceof UnknownEntry || error instanceof RangeError) {
      throw new ProtocolError(`a hello that cannot be read: ${error.message}`);
    }
    throw error;
  }
  return { ...limits, name, features, token };
}
