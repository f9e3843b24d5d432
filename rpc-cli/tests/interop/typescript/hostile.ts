// What the run-time does with bytes that no honest side sends: `node hostile.js` prints a line for each case.

import { deepStrictEqual, ok } from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import {
  Colour,
  connect,
  Exchange,
  Figure,
  PagePoint,
  Record,
  rpc,
  StatusError,
  Tree,
} from "./client/index.js";
import { DEFAULT_LIMITS, encodeHello, PREFACE } from "./client/runtime/frames.js";
import { Protocol } from "./client/runtime/protocol.js";
import { finish, report } from "./report.js";

/** Expects that bytes are refused for that reason. */
async function refused(
  name: string,
  codec: rpc.Codec<unknown, never>,
  bytes: readonly number[] | Uint8Array,
  kind: rpc.DecodeErrorKind,
): Promise<void> {
  await report(`${name} (${kind})`, () => {
    try {
      rpc.decode(codec, Uint8Array.from(bytes));
    } catch (error) {
      ok(error instanceof rpc.DecodeError, String(error));
      deepStrictEqual(error.kind, kind, error.message);
      return;
    }
    throw new Error("the bytes were taken for a value");
  });
}

/** Expects what bytes are. */
async function read<T>(
  name: string,
  codec: rpc.Codec<T, never>,
  bytes: readonly number[],
  value: T,
): Promise<void> {
  await report(name, () => {
    deepStrictEqual(rpc.decode(codec, Uint8Array.from(bytes)), value);
  });
}

const huge = [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const million = [0xfc, 0x40, 0x42, 0x0f, 0x00];

async function values(): Promise<void> {
  const lengths = { str: rpc.str, bytes: rpc.bytes, seq: rpc.seq(rpc.u8), map: rpc.map(rpc.u8, rpc.u8) };
  for (const [name, codec] of Object.entries(lengths)) {
    await refused(`${name} of 2^64 - 1`, codec, huge, "length");
    await refused(`${name} of a million`, codec, [...million, 1, 2, 3], "length");
    await refused(`${name} with a length that is cut`, codec, [0xfc, 1], "end");
    await refused(`${name} with a length of 128 bits`, codec, [0xfe], "range");
    await refused(`${name} with a length that begins with 255`, codec, [0xff], "number");
    await refused(`${name} of nothing`, codec, [], "end");
  }
  await refused("seq of seqs of 2^64 - 1", rpc.seq(rpc.seq(rpc.u64)), [2, 1, 1, ...huge], "length");
  await refused("text that ends early", rpc.str, [3, 0x61, 0x62], "length");
  await refused("a seq that ends early", rpc.seq(rpc.u16), [2, 0xfb, 1], "end");
  await refused("elements without content", rpc.seq(rpc.unit), [0xfc, 1, 0, 1, 0], "length");
  const units = rpc.seq(rpc.seq(rpc.unit));
  await refused("elements without content, in two", units, [2, 0xfb, 255, 255, 2, 0, 0, 0], "empty-elements");
  await read("65,535 elements without content", units, [1, 0xfb, 255, 255], [
    Array.from({ length: 65_535 }, () => null),
  ]);
  const keys = rpc.map(rpc.unit, rpc.u8);
  await refused("keys without content", keys, [0xfc, 1, 0, 1, 0, ...new Array<number>(65_537).fill(0)], "empty-elements");

  for (const byte of [2, 255]) {
    await refused(`bool of ${String(byte)}`, rpc.bool, [byte], "bool");
    await refused(`option of ${String(byte)}`, rpc.option(rpc.u8), [byte, 0], "option");
    await refused(`nested option of ${String(byte)}`, rpc.nestedOption(rpc.unit), [byte], "option");
  }
  await refused("u16 as 32 bits", rpc.u16, [0xfc, 1, 0, 0, 0], "range");
  await refused("u32 as 64 bits", rpc.u32, [0xfd, 1, 0, 0, 0, 0, 0, 0, 0], "range");
  await refused("i16 as 32 bits", rpc.i16, [0xfc, 1, 0, 0, 0], "range");
  await refused("u64 as 128 bits", rpc.u64, [0xfe, ...new Array<number>(16).fill(0)], "range");
  for (const [name, codec] of Object.entries({ u16: rpc.u16, i32: rpc.i32, u64: rpc.u64, i128: rpc.i128 })) {
    await refused(`${name} that begins with 255`, codec, [0xff], "number");
    await refused(`${name} that is cut`, codec, [0xfb, 1], "end");
  }
  await read("a number in a longer form than it needs", rpc.u32, [0xfb, 1, 0], 1);
  await refused("u128 that is cut", rpc.u128, [0xfe, 1, 2, 3], "end");
  await refused("f32 that is cut", rpc.f32, [0, 0, 0], "end");
  await refused("f64 that is cut", rpc.f64, [0, 0, 0, 0, 0, 0, 0], "end");
  await refused("octets that are cut", rpc.octets(4), [1, 2, 3], "end");
  await refused("an array that is cut", rpc.array(rpc.u8, 3), [1, 2], "end");

  for (const bytes of [[0x80], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80], [0xc0, 0x80]]) {
    await refused(`text ${bytes.join(" ")}`, rpc.str, [bytes.length, ...bytes], "utf8");
    await refused(`char ${bytes.join(" ")}`, rpc.char, bytes, "char");
  }
  await refused("a char above the last", rpc.char, [0xf4, 0x90, 0x80, 0x80], "char");
  await refused("a char that is cut", rpc.char, [0xe2, 0x82], "end");
  await refused("no char", rpc.char, [], "end");

  await refused("a variant that does not exist", Colour, [3], "variant");
  await refused("a variant of 2^32 - 1", Figure, [0xfc, 255, 255, 255, 255], "variant");
  await refused("a variant of 64 bits", Figure, huge, "range");
  await refused("a result that is neither", rpc.result(rpc.u8, rpc.u8), [2, 0], "variant");
  await refused("an address of a third kind", rpc.ipAddr, [2, 0, 0, 0, 0], "variant");
  await refused("an address that is cut", rpc.socketAddr, [0, 1, 2, 3], "end");
  await refused("bytes behind a value", rpc.u8, [1, 2], "trailing");
  await refused("bytes behind no value", rpc.nothing, [0], "trailing");
  await refused("bytes behind a struct", PagePoint, [0, 0, 0], "trailing");
}

async function nesting(): Promise<void> {
  const tree = (depth: number): number[] => [
    ...Array.from({ length: depth }, () => [0, 1]).flat(),
    ...[0, 0],
  ];
  // A tree takes two levels: the struct, and the list of its children.
  await report("a tree of 64 levels", () => {
    rpc.decode(Tree, Uint8Array.from(tree(63)));
  });
  await refused("a tree of 65 levels", Tree, tree(64), "depth");
  await refused("a tree of a million levels", Tree, tree(1_000_000), "depth");
  type Nest = { some: Nest } | null;
  const nest: rpc.Codec<Nest> = rpc.nestedOption(rpc.lazy(() => nest));
  await report("options 128 deep", () => {
    rpc.decode(nest, Uint8Array.from([...new Array<number>(128).fill(1), 0]));
  });
  await refused("options 129 deep", nest, [...new Array<number>(129).fill(1), 0], "depth");
  const wrap = (wrapped: rpc.Codec<number>, times: number): rpc.Codec<number> =>
    times === 0 ? wrapped : wrap(rpc.newtype(wrapped), times - 1);
  await read("newtypes 128 deep", wrap(rpc.u8, 128), [7], 7);
  await refused("newtypes 129 deep", wrap(rpc.u8, 129), [7], "depth");
}

/** Every beginning of a value is refused, and every change of a byte is either refused or read. */
async function mutations(): Promise<void> {
  const record = {
    recordId: 2n ** 64n - 1n,
    displayName: "Zoë 🦀",
    class: "c",
    type: "red" as const,
    tags: ["a", "b"],
    figure: { kind: "Polygon" as const, points: [{ x: 1, y: 2 }], closed: true },
    scores: new Map([["x", -70_000]]),
    raw: Uint8Array.of(1, 2, 3),
    lambda: false,
  };
  const bytes = rpc.encode(Record, record);
  await report("a record cut anywhere", () => {
    for (let end = 0; end < bytes.length; end += 1) {
      try {
        rpc.decode(Record, bytes.subarray(0, end));
      } catch (error) {
        ok(error instanceof rpc.DecodeError, String(error));
        continue;
      }
      throw new Error(`${String(end)} bytes were taken for a record`);
    }
  });
  await report("a record with any byte changed", () => {
    for (let at = 0; at < bytes.length; at += 1) {
      for (let value = 0; value < 256; value += 1) {
        const changed = bytes.slice();
        changed[at] = value;
        try {
          rpc.decode(Record, changed);
        } catch (error) {
          ok(error instanceof rpc.DecodeError, String(error));
        }
      }
    }
  });
  await report("200,000 values of random bytes", () => {
    let state = 1;
    const random = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 16;
    };
    for (let round = 0; round < 200_000; round += 1) {
      const noise = Uint8Array.from({ length: random() % 40 }, () => random() & 0xff);
      try {
        rpc.decode<unknown>(round % 2 === 0 ? Record : Figure, noise);
      } catch (error) {
        ok(error instanceof rpc.DecodeError, String(error));
      }
    }
  });
}

/** The bytes of a frame, with whatever length and flags. */
function frame(kind: number, flags: number, id: number, payload: readonly number[] = [], length = payload.length): number[] {
  const head = [length & 0xff, (length >> 8) & 0xff, (length >> 16) & 0xff, kind | (flags << 4)];
  return [...head, id & 0xff, (id >> 8) & 0xff, (id >> 16) & 0xff, id >>> 24, ...payload];
}

const HELLO = [...PREFACE, ...encodeHello(DEFAULT_LIMITS)];
const MORE = 1;
const JSON_ = 2;
const EXT = 4;
const MINE = 8;

/** A protocol with call 0 open, unary, and call 1, which streams both ways; all that it sent was taken. */
function opened(): Protocol {
  const protocol = new Protocol(DEFAULT_LIMITS, {
    ready: () => undefined,
    request: () => undefined,
    wake: () => undefined,
  });
  const call = {
    payload: new Uint8Array(10),
    extended: false,
    oneway: false,
    sends: false,
    expects: false,
    onReply: (): void => undefined,
    onSent: (): void => undefined,
  };
  protocol.receive(Uint8Array.from(HELLO));
  protocol.open(call);
  protocol.open({ ...call, sends: true, expects: true });
  while (protocol.take(1 << 20).length > 0) {
    // All of it leaves.
  }
  return protocol;
}

/** Expects that the protocol refuses bytes, whole and one by one. */
async function closes(name: string, bytes: readonly number[], start: () => Protocol = opened): Promise<void> {
  await report(name, () => {
    for (const size of [bytes.length, 1]) {
      const protocol = start();
      let error: unknown;
      try {
        for (let at = 0; at < bytes.length; at += size) {
          protocol.receive(Uint8Array.from(bytes.slice(at, at + size)));
        }
      } catch (thrown) {
        error = thrown;
      }
      ok(error instanceof rpc.ProtocolError, `in pieces of ${String(size)}: ${String(error)}`);
      protocol.end(error.message);
    }
  });
}

/** Expects that the protocol lives through bytes, and gives what it sends. */
async function lives(name: string, bytes: readonly number[], sends?: readonly number[]): Promise<void> {
  await report(name, () => {
    const protocol = opened();
    protocol.receive(Uint8Array.from(bytes));
    const sent = protocol.take(1 << 20);
    if (sends !== undefined) {
      deepStrictEqual([...sent], [...sends]);
    }
  });
}

function fresh(): Protocol {
  return new Protocol(DEFAULT_LIMITS, {
    ready: () => undefined,
    request: () => undefined,
    wake: () => undefined,
  });
}

async function handshakes(): Promise<void> {
  await closes("a preface of another protocol", [...Buffer.from("HTTP/1.1 400")], fresh);
  await closes("a preface with version 0", [0xa9, 0x52, 0x50, 0x43, 0, 0, 0, 0], fresh);
  await closes("a preface of zeros", new Array<number>(8).fill(0), fresh);
  await closes("a request before the hello", [...PREFACE, ...frame(2, MINE, 0, new Array<number>(8).fill(0))], fresh);
  await closes("a second hello", [...encodeHello(DEFAULT_LIMITS)]);
  const hello = (entries: readonly number[]): number[] => [...PREFACE, ...frame(1, 0, 0, entries)];
  await closes("a hello with an entry that is cut", hello([1, 4, 0, 0]), fresh);
  await closes("a hello with a limit of two bytes", hello([1, 2, 0, 0, 1]), fresh);
  await closes("a hello with max_frame of 0", hello([1, 4, 0, 0, 0, 0, 0]), fresh);
  await closes("a hello with max_calls of 2^32 - 1", hello([3, 4, 0, 255, 255, 255, 255]), fresh);
  await closes("a hello with a name that is not UTF-8", hello([5, 1, 0, 0xff]), fresh);
  await report("a hello with an entry that is not known", () => {
    const protocol = fresh();
    protocol.receive(Uint8Array.from(hello([99, 1, 0, 7])));
    ok(protocol.take(1000).length > 16);
  });
}

async function heads(): Promise<void> {
  for (const kind of [0, 13, 14, 15]) {
    await closes(`a frame of kind ${String(kind)}`, frame(kind, 0, 0));
  }
  await closes("a response above max_frame", frame(3, 0, 0, [], 65_537));
  await closes("a response of 16 MiB", frame(3, 0, 0, [], 0xff_ffff));
  await closes("a ping above 4 KiB", frame(9, 0, 0, [], 4097));
  await closes("a hello with flags", frame(1, MORE, 0));
  await closes("a ping with an id", frame(9, 0, 5, new Array<number>(8).fill(0)));
  await closes("a request without MINE", frame(2, 0, 0, new Array<number>(8).fill(0)));
  await closes("a response with MINE", frame(3, MINE, 0, [0]));
  await closes("an end without MINE", frame(6, 0, 0));
  await closes("an accept with MORE", frame(12, MORE, 1));
  await closes("an item with EXT", frame(5, EXT, 1, [0]));
}

async function replies(): Promise<void> {
  await closes("a response for a call that is not open", frame(3, 0, 7, [0]));
  await closes("a second response", [...frame(3, 0, 0, [0]), ...frame(3, 0, 0, [0])]);
  await closes("a response in JSON", frame(3, JSON_, 0, [0x31]));
  await closes("an error of neither kind", frame(4, 0, 0, [2]));
  await closes("an empty error", frame(4, 0, 0));
  await closes("a status without an execution", frame(4, 0, 0, [1, 5]));
  await closes("a status with another execution", frame(4, 0, 0, [1, 5, 2]));
  await closes("a response that goes on as an error", [...frame(3, MORE, 0, [0]), ...frame(4, 0, 0, [0])]);
  await closes("a pong that no ping asked for", frame(10, 0, 0, [1, 0, 0, 0, 0, 0, 0, 0]));
  await closes("a ping of four bytes", frame(9, 0, 0, [0, 0, 0, 0]));
  await closes("a goaway that is cut", frame(11, 0, 0, [0, 1]));
  await lives("a status that is not known", frame(4, 0, 0, [1, 200, 0]));
  await lives("a cancel of a call that is not open", frame(8, 0, 99));
  await lives("credit for a call that is not open", frame(7, 0, 99, [1, 0, 0, 0]));
  await lives("a ping", frame(9, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]), frame(10, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]));
  await report("MORE without end", () => {
    const protocol = opened();
    const part = Uint8Array.from(frame(3, MORE, 0, new Array<number>(65_536).fill(1)));
    let parts = 0;
    try {
      for (; parts < 1000; parts += 1) {
        protocol.receive(part);
      }
    } catch (error) {
      ok(error instanceof rpc.ProtocolError && error.fault === "limit", String(error));
    }
    deepStrictEqual(parts, 64);
  });
  await report("empty parts without end take no memory", () => {
    const protocol = opened();
    const parts = Uint8Array.from(Array.from({ length: 1000 }, () => frame(3, MORE, 0)).flat());
    const items = Uint8Array.from(Array.from({ length: 1000 }, () => frame(5, MORE, 1)).flat());
    const collect = collector();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 300; round += 1) {
      protocol.receive(parts);
      protocol.receive(items);
    }
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    ok(grown < 1024 * 1024, String(grown));
  });
}

/** Collects what is not used any more. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** The examples of the protocol's description that a client sends. */
async function vectors(): Promise<void> {
  const hex = (text: string): number[] => text.split(" ").map((byte) => Number.parseInt(byte, 16));
  const sends = (name: string, run: (connection: rpc.Connection) => unknown, expected: string): Promise<void> =>
    report(`the vector ${name}`, async () => {
      const got: number[] = [];
      await against(HELLO, async (address) => {
        const connection = await connect(address);
        Promise.resolve(run(connection)).catch(() => undefined);
        const wanted = [...HELLO, ...hex(expected)];
        for (let round = 0; round < 100 && got.length < wanted.length; round += 1) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        deepStrictEqual(got, wanted);
        connection.destroy();
      }, (socket) => {
        socket.on("data", (bytes: Buffer) => got.push(...bytes));
      });
    });
  const add = {
    path: "Calculator.add",
    key: 0x193fa158_d50608e3n,
    arguments: rpc.tuple(rpc.i64, rpc.i64),
    returns: rpc.i64,
    upload: rpc.i64,
    fails: undefined,
  };
  const key = "e3 08 06 d5 58 a1 3f 19";
  const request = `0a 00 00 82 00 00 00 00 ${key} 02 04`;
  await sends("request", (connection) => connection.call(add, [1, 2]), request);
  await sends(
    "request_metadata",
    (connection) => connection.call(add, [1, 2], { timeout: 1000, metadata: { tenant: "acme", empty: "" } }),
    `2e 00 00 c2 00 00 00 00 ${key} 22 00 01 08 00 00 ca 9a 3b 00 00 00 00 ` +
      "02 0b 00 06 74 65 6e 61 6e 74 61 63 6d 65 02 06 00 05 65 6d 70 74 79 02 04",
  );
  const tell = { ...add, key: 0x193fa158_3b6133b8n, arguments: rpc.tuple(rpc.str) };
  await sends(
    "request_oneway",
    (connection) => connection.notify(tell, ["hi"]),
    "0b 00 00 82 ff ff ff ff b8 33 61 3b 58 a1 3f 19 02 68 69",
  );
  await sends(
    "request_streams, item_up and end",
    (connection) => connection.duplex(add, [1, 2], [6]),
    `10 00 00 c2 00 00 00 00 ${key} 04 00 03 01 00 03 02 04 01 00 00 85 00 00 00 00 0c 00 00 00 86 00 00 00 00`,
  );
  await sends(
    "cancel",
    (connection) => {
      const controller = new AbortController();
      setTimeout(() => {
        controller.abort();
      }, 50);
      return connection.call(add, [1, 2], { signal: controller.signal });
    },
    `${request} 00 00 00 88 00 00 00 00`,
  );
}

async function pings(): Promise<void> {
  const pong = frame(10, 0, 0, [1, 0, 0, 0, 0, 0, 0, 0]);
  const pinged = (): Protocol => {
    const protocol = opened();
    protocol.ping();
    protocol.take(1000);
    return protocol;
  };
  await report("a pong for a ping", () => {
    pinged().receive(Uint8Array.from(pong));
  });
  await closes("a second pong for a ping", [...pong, ...pong], pinged);
  await closes("a pong for a ping to come", frame(10, 0, 0, [2, 0, 0, 0, 0, 0, 0, 0]), pinged);
}

async function streams(): Promise<void> {
  const item = (size: number, flags = 0): number[] => frame(5, flags, 1, new Array<number>(size).fill(0));
  await closes("an item of a call that expects none", frame(5, 0, 0, [0]));
  await closes("an accept of a call that expects no items", frame(12, 0, 0));
  await closes("an item of a call that is not open", frame(5, 0, 9, [0]));
  await closes("an item in JSON", frame(5, JSON_, 1, [0]));
  await closes("an item behind the reply", [...frame(3, 0, 1), ...item(1)]);
  await closes("items above the credit", Array.from({ length: 9 }, () => item(65_000)).flat());
  await closes("empty items above the credit", Array.from({ length: 65_537 }, () => item(0)).flat());
  await closes("credit of nothing", frame(7, 0, 1, [0, 0, 0, 0]));
  await closes("credit of three bytes", frame(7, 0, 1, [1, 0, 0]));
  await closes("credit above 2^31", frame(7, 0, 1, [0, 0, 0, 0x80]));
  await closes("an upload's item of a call that is not open", frame(5, MINE, 3, [0]));
  await closes("the end of a stream that is not open", frame(6, MINE, 3));
  await lives("a part of an item, and its reply", [...item(3, MORE), ...frame(4, 0, 1, [1, 1, 1])]);
}

async function requests(): Promise<void> {
  const key = new Array<number>(8).fill(7);
  const streamed = [4, 0, 3, 1, 0, 1];
  const request = (flags: number, id: number, rest: readonly number[] = []): number[] =>
    frame(2, MINE | flags, id, [...key, ...rest]);
  await closes("a request without a key", frame(2, MINE, 0, [1, 2, 3]));
  await closes("a request with the id of an open one", [...request(0, 0), ...request(0, 0)]);
  await closes("a one-way request in parts", request(MORE, 0xffff_ffff));
  await closes("requests in part above max_partial", [1, 2, 3, 4, 5, 6].flatMap((id) => request(MORE, id)));
  await closes("an end inside an item", [
    ...request(EXT, 2, streamed),
    ...frame(5, MINE | MORE, 2, [1]),
    ...frame(6, MINE, 2),
  ]);
  await closes("an item behind the end", [
    ...request(EXT, 2, streamed),
    ...frame(6, MINE, 2),
    ...frame(5, MINE, 2, [1]),
  ]);
  await closes("requests above max_calls without end", Array.from({ length: 2100 }, (_, id) => request(0, id)).flat());
  const refusals: (readonly [string, readonly number[]])[] = [
    ["that ends early", [9, 0, 1]],
    ["with a time of four bytes", [7, 0, 1, 4, 0, 1, 0, 0, 0]],
    ["with a key of metadata in capitals", [6, 0, 2, 3, 0, 1, 0x41, 0x42]],
    ["with metadata that is cut", [5, 0, 2, 2, 0, 9, 0x61]],
  ];
  for (const [name, extension] of refusals) {
    await report(`an extension ${name} is answered`, () => {
      const protocol = opened();
      protocol.receive(Uint8Array.from(request(EXT, 4, extension)));
      const [, , , kind, id, , , , whose, code, execution] = protocol.take(1000);
      deepStrictEqual([kind, id, whose, code, execution], [4, 4, 1, 3, 0]);
    });
  }
  await report("a request whose time is over is answered", () => {
    const protocol = opened();
    protocol.receive(Uint8Array.from(request(EXT, 4, [11, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
    const [, , , kind, , , , , , code] = protocol.take(1000);
    deepStrictEqual([kind, code], [4, 4]);
  });
}

/** A server that says these bytes to whoever connects, and may close then. */
async function against(
  bytes: readonly number[],
  run: (address: string) => Promise<void>,
  said: (socket: Socket) => void = () => undefined,
): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(Uint8Array.from(bytes));
    said(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const place = server.address();
  try {
    await run(`127.0.0.1:${String(typeof place === "object" ? place?.port : 0)}`);
  } finally {
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  }
}

/** What a promise fails with. */
async function failure(promise: Promise<unknown>): Promise<StatusError> {
  try {
    await promise;
  } catch (error) {
    ok(error instanceof StatusError, String(error));
    return error;
  }
  throw new Error("it did not fail");
}

async function servers(): Promise<void> {
  await report("a server of another protocol", () =>
    against([...Buffer.from("SSH-2.0-x\r\n")], async (address) => {
      const error = await failure(connect(address));
      deepStrictEqual([error.code, error.mayHaveRun], ["UNAVAILABLE", false]);
    }),
  );
  await report("a server that closes before its hello", () =>
    against(
      [],
      async (address) => {
        deepStrictEqual((await failure(connect(address))).code, "UNAVAILABLE");
      },
      (socket) => socket.end(),
    ),
  );
  await report("a server that says nothing", () =>
    against([], async (address) => {
      const started = Date.now();
      deepStrictEqual((await failure(connect(address))).code, "UNAVAILABLE");
      ok(Date.now() - started < 10_000);
    }),
  );
  await report("a server that breaks a rule while calls are open", () =>
    against(HELLO, async (address) => {
      const connection = await connect(address);
      const exchange = new Exchange(connection);
      const error = failure(exchange.add(1n, 2n));
      const items = failure(exchange.count(3).toArray());
      deepStrictEqual((await error).code, "UNAVAILABLE");
      ok((await error).mayHaveRun);
      deepStrictEqual((await items).code, "UNAVAILABLE");
      await connection.closed;
    }, (socket) => {
      setTimeout(() => socket.write(Uint8Array.from(frame(15, 0, 0))), 100);
    }),
  );
  await report("a server that goes away with a number of requests", () =>
    against(HELLO, async (address) => {
      const exchange = new Exchange(await connect(address));
      const [first, second] = [failure(exchange.add(1n, 2n)), failure(exchange.add(1n, 2n))];
      ok(!(await second).mayHaveRun);
      ok((await first).mayHaveRun);
    }, (socket) => {
      setTimeout(() => {
        socket.end(Uint8Array.from(frame(11, 0, 0, [0, 1, 0, 0, 0, 0, 0, 0, 0])));
      }, 100);
    }),
  );
}

for (const suite of [values, nesting, mutations, handshakes, heads, replies, pings, streams]) {
  await suite();
}
for (const suite of [requests, servers, vectors]) {
  await suite();
}
finish();
