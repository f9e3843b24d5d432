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
import type { OwnCall, PeerCall, Reply } from "./client/runtime/calls.js";
import { decodeError, encodeStatus, PREFACE } from "./client/runtime/frames.js";
import { decodeHello, DEFAULT_LIMITS, encodeHello, type Limits } from "./client/runtime/hello.js";
import { Protocol } from "./client/runtime/protocol.js";
import { receiving } from "./client/runtime/sending.js";
import { Inbound, Outbound, Pool } from "./client/runtime/streams.js";
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

/** A protocol, what is asked of it and when it is. */
class Machine {
  readonly requests: PeerCall[] = [];
  readonly protocol: Protocol;
  now = 0;

  constructor(limits: Partial<Limits> = {}) {
    this.protocol = new Protocol(
      { ...DEFAULT_LIMITS, ...limits },
      {
        ready: () => undefined,
        request: (call) => this.requests.push(call),
        wake: () => undefined,
        wakeSoon: () => undefined,
        now: () => this.now,
      },
    );
  }

  /** All that is to be sent. */
  sent(): number[] {
    const all: number[] = [];
    for (let bytes = this.protocol.take(1 << 20); bytes.length > 0; bytes = this.protocol.take(1 << 20)) {
      for (const byte of bytes) {
        all.push(byte);
      }
    }
    return all;
  }

  receive(...bytes: (readonly number[])[]): void {
    this.protocol.receive(Uint8Array.from(bytes.flat()));
  }
}

/** One whose other side has said hello, with these entries. */
function greeted(limits: Partial<Limits> = {}, entries: readonly number[] = []): Machine {
  const machine = new Machine(limits);
  machine.receive([...PREFACE], frame(1, 0, 0, entries));
  machine.sent();
  return machine;
}

/** Room for the items that a call sends. */
const sending = (credit: number): Outbound => new Outbound(credit);

/** A call, and how it ended. */
function plain(replies: Reply[] = [], said: [string, unknown[]][] = []): OwnCall {
  return {
    payload: new Uint8Array(10),
    extended: false,
    oneway: false,
    sending: undefined,
    receiving: undefined,
    nested: false,
    onMetadata: (metadata, when) => said.push([when, [...metadata]]),
    onReply: (reply) => replies.push(reply),
    onSent: () => undefined,
  };
}

/** A protocol with call 0 open, unary, and call 1, which streams both ways; all that it sent was taken. */
function opened(): Protocol {
  const machine = greeted();
  machine.protocol.open(plain());
  machine.protocol.open({ ...plain(), sending, receiving });
  machine.sent();
  return machine.protocol;
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
  return new Machine().protocol;
}

/** An entry, and entries behind their length. */
function entry(tag: number, value: readonly number[] = []): number[] {
  return [tag, value.length & 0xff, value.length >> 8, ...value];
}

function block(...entries: (readonly number[])[]): number[] {
  const all = entries.flat();
  return [all.length & 0xff, all.length >> 8, ...all];
}

function u32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
}

/** An entry that must be understood, and one that need not be. */
const MUST = entry(0x80 | 99, [1, 2]);
const MAY = entry(99, [1, 2]);

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
  await closes("a hello with an entry that must be understood", hello(MUST), fresh);
  await closes("a hello with an initial window of 4 KiB", hello(entry(6, u32(4096))), fresh);
  await closes("a hello with a name of 257 bytes", hello(entry(5, new Array<number>(257).fill(97))), fresh);
  await report("a hello with all that may be said", () => {
    const entries = [entry(7, u32(3)), entry(8, u32(16_384)), entry(9, u32(20_000)), entry(10, [5, 0, 0, 0, 0, 0, 0, 0, 9])];
    const said = decodeHello(Uint8Array.from([...entries.flat(), ...entry(5, [97]), ...entry(11, [7]), ...MAY]));
    const { maxStreams, onewayWindow, requestWindow, initialWindow, name, features } = said;
    deepStrictEqual(
      [maxStreams, onewayWindow, requestWindow, initialWindow, name, features],
      [3, 16_384, 20_000, 8192, "a", 5n],
    );
  });
  await report("a goaway before the hello", () => {
    const machine = new Machine();
    const replies: Reply[] = [];
    machine.protocol.open(plain(replies));
    const message = [...Buffer.from("too many connections")];
    machine.receive([...PREFACE], frame(11, 0, 0, [4, ...new Array<number>(8).fill(0), message.length, 0, ...message]));
    ok(replies[0]?.kind === "status" && replies[0].status.message.includes("too many connections"));
  });
  await report("a hello with an entry that is not known", () => {
    const protocol = fresh();
    protocol.receive(Uint8Array.from(hello([99, 1, 0, 7])));
    ok(protocol.take(1000).length > 16);
  });
}

async function heads(): Promise<void> {
  for (const kind of [0, 14, 15]) {
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
  await closes("a credit with EXT", frame(7, EXT, 1, [0]));
  await closes("a cancel of half an entry", frame(8, 0, 0, [1]));
  await closes("an accept of half an entry", frame(12, 0, 1, [1]));
  await closes("an extension frame without a subtype", frame(13, 0, 0, [1]));
  await closes("an extension frame that must be understood", frame(13, 0, 0, [1, 0x80]));
  await lives("extension frames", [frame(13, 0, 0, [1, 0]), frame(13, MINE, 7, [9, 9, 9]), frame(13, 0, 7, [1, 1])].flat());
  await lives("a cancel with entries", frame(8, 0, 0, MUST));
  const floods = {
    pings: frame(9, 0, 0, new Array<number>(8).fill(0)),
    "extension frames": frame(13, 0, 0, [0, 0]),
    "credit of a byte": frame(7, 0, 0, u32(1)),
    "cancels of no call": frame(8, MINE, 3),
    "parts of no bytes": frame(3, MORE, 0),
  };
  for (const [name, one] of Object.entries(floods)) {
    await report(`a flood of ${name}`, () => {
      const protocol = opened();
      const hundred = Uint8Array.from(Array.from({ length: 100 }, () => one).flat());
      let sent = 0;
      try {
        for (; sent < 20_000; sent += 100) {
          protocol.receive(hundred);
        }
      } catch (error) {
        ok(error instanceof rpc.ProtocolError && error.fault === "calm", String(error));
        deepStrictEqual(protocol.farewell(error)[8], 5);
      }
      ok(sent >= 1000 && sent < 20_000, String(sent));
    });
  }
  await report("more that brings nothing is borne in time", () => {
    const machine = greeted();
    const pings = Array.from({ length: 100 }, () => frame(9, 0, 0, new Array<number>(8).fill(0))).flat();
    for (let second = 0; second < 500; second += 1) {
      machine.now += 1000;
      machine.receive(pings);
    }
  });
}

async function replies(): Promise<void> {
  await closes("a response for a call that is not open", frame(3, 0, 7, [0]));
  await closes("a second response", [...frame(3, 0, 0, [0]), ...frame(3, 0, 0, [0])]);
  await closes("a response in JSON", frame(3, JSON_, 0, [0x31]));
  await closes("a failure in JSON", frame(4, JSON_, 0, [0]));
  await closes("an empty error", frame(4, 0, 0));
  await closes("a status without an execution", frame(4, 0, 0, [1, 5]));
  await closes("a status without a message", frame(4, 0, 0, [1, 5, 0]));
  await closes("a status whose message is cut", frame(4, 0, 0, [1, 5, 0, 2, 0, 97]));
  await closes("a status with half an entry", frame(4, 0, 0, [1, 5, 0, 0, 0, 1]));
  await endsUnknown("an error of neither kind", frame(4, 0, 0, [2]));
  await endsUnknown("a status with another execution", frame(4, 0, 0, [1, 5, 2, 0, 0]));
  for (const [name, kind, value] of [["response", 3, [1]], ["error", 4, [0, 1]]] as const) {
    await endsUnknown(`a ${name} with an entry that must be understood`, frame(kind, EXT, 0, [...block(MUST), ...value]));
    await closes(`a ${name} with entries that are cut`, frame(kind, EXT, 0, [9, 0, 1]));
    await closes(`a ${name} with half an entry`, frame(kind, EXT, 0, block([1])));
    await closes(`a ${name} with a key in capitals`, frame(kind, EXT, 0, block(entry(2, [1, 65]))));
    await report(`a ${name} with metadata`, () => {
      const machine = greeted();
      const [replies, said]: [Reply[], [string, unknown[]][]] = [[], []];
      machine.protocol.open(plain(replies, said));
      machine.sent();
      const pairs = [entry(2, [1, 97, 120]), MAY, entry(2, [1, 97, 121]), entry(2, [5, 98, 45, 98, 105, 110, 255])];
      machine.receive(frame(kind, EXT, 0, [...block(...pairs), ...value]));
      const [reply] = replies;
      ok(reply !== undefined && reply.kind !== "status");
      deepStrictEqual([...reply.payload], [1]);
      deepStrictEqual(said, [["trailing", [["a", "x"], ["a", "y"], ["b-bin", Uint8Array.of(255)]]]]);
    });
  }
  await report("a status with entries", () => {
    const details = [{ type: "a.B", bytes: Uint8Array.of(1, 2) }, { type: "c", bytes: new Uint8Array(0) }];
    const status = new StatusError("ABORTED", "Zoë", false, { retryAfter: 1500, details });
    const read = decodeError(Uint8Array.from([...encodeStatus(status), ...MUST]));
    ok(read instanceof StatusError);
    deepStrictEqual([read.code, read.message, read.mayHaveRun, read.retryAfter], ["ABORTED", "Zoë", false, 1500]);
    deepStrictEqual(read.details, details);
    const long = new StatusError("ABORTED", "ü".repeat(10_000), true, { details: [{ type: "x", bytes: new Uint8Array(9000) }] });
    const cut = decodeError(encodeStatus(long));
    ok(cut instanceof StatusError);
    deepStrictEqual([cut.message, cut.details], ["ü".repeat(4096), []]);
  });
  await closes("a response that goes on as an error", [...frame(3, MORE, 0, [0]), ...frame(4, 0, 0, [0])]);
  await closes("a pong that no ping asked for", frame(10, 0, 0, [1, 0, 0, 0, 0, 0, 0, 0]));
  await closes("a ping of four bytes", frame(9, 0, 0, [0, 0, 0, 0]));
  await closes("a goaway that is cut", frame(11, 0, 0, [0, 1]));
  await closes("a goaway whose message is cut", frame(11, 0, 0, [0, ...new Array<number>(8).fill(0), 2, 0, 97]));
  await lives("a goaway with entries", frame(11, 0, 0, [0, ...new Array<number>(8).fill(9), 1, 0, 97, ...MUST]));
  await lives("a status that is not known", frame(4, 0, 0, [1, 200, 0, 0, 0]));
  await closes("a cancel of a call that is not open", frame(8, 0, 99));
  await closes("credit for a call that is not open", frame(7, 0, 99, [1, 0, 0, 0]));
  await lives("a cancel that crossed its reply", frame(8, MINE, 99));
  await lives("credit that crossed its reply", frame(7, MINE, 99, [1, 0, 0, 0]));
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
    for (let round = 0; round < 4; round += 1) {
      protocol.receive(parts);
      protocol.receive(items);
    }
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    ok(grown < 400 * 1024, String(grown));
  });
}

/** Expects that call 0, or call 1 with items, ends as UNKNOWN and may have run, and that the connection lives. */
async function endsUnknown(name: string, bytes: readonly number[], streams = false): Promise<void> {
  await report(name, () => {
    const machine = greeted();
    const replies: Reply[] = [];
    machine.protocol.open({ ...plain(replies), receiving: streams ? receiving : undefined });
    machine.sent();
    machine.receive(bytes);
    const [reply] = replies;
    ok(reply?.kind === "status");
    deepStrictEqual([reply.status.code, reply.status.mayHaveRun], ["UNKNOWN", true]);
    deepStrictEqual(machine.sent(), streams ? frame(8, MINE, 0) : []);
    machine.receive(frame(9, 0, 0, new Array<number>(8).fill(0)));
    deepStrictEqual(machine.sent().length, 16);
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
  await closes("an item above the credit", item(8185));
  await closes("empty items above the credit", Array.from({ length: 1025 }, () => item(0)).flat());
  await lives("items within the credit", [...item(4088), ...item(4088)]);
  await closes("an item with entries that are cut", frame(5, EXT, 1, [9, 0, 1]));
  await endsUnknown("an item with an entry that must be understood", frame(5, EXT, 0, [...block(MUST), 1]), true);
  await endsUnknown("an accept with an entry that must be understood", frame(12, 0, 0, MUST), true);
  await report("an accept with metadata", () => {
    const machine = greeted();
    const said: [string, unknown[]][] = [];
    machine.protocol.open({ ...plain([], said), receiving });
    machine.sent();
    machine.receive(frame(12, 0, 0, [...entry(2, [1, 97, 120]), ...MAY]));
    deepStrictEqual(said, [["leading", [["a", "x"]]]]);
  });
  await report("items with metadata", async () => {
    const machine = greeted();
    const open = machine.protocol.open({ ...plain(), receiving });
    const content = [...block(entry(2, [1, 97, 120])), 118];
    for (let round = 0; round < 3000; round += 1) {
      machine.receive(frame(5, EXT | MORE, 0, content.slice(0, 3)), frame(5, 0, 0, content.slice(3)));
      deepStrictEqual([...((await open.inbound?.next()) ?? [])], [118]);
    }
  });
  await report("streams share what they may hold", async () => {
    const limits = { ...DEFAULT_LIMITS, initialWindow: 8192, sharedWindow: 1 << 20 };
    const pool = new Pool(limits.sharedWindow);
    const all = Array.from({ length: 500 }, () => new Inbound(limits, pool, () => undefined));
    for (let round = 0; round < 40; round += 1) {
      for (const stream of all) {
        stream.receive(new Uint8Array(4000), false, false);
        deepStrictEqual((await stream.next())?.length, 4000);
      }
    }
    const available = all.reduce((sum, stream) => sum + stream.available, 0);
    ok(available <= 500 * 8192 + (1 << 20), String(available));
    for (const stream of all) {
      stream.drop();
    }
    deepStrictEqual(pool.free, 1 << 20);
  });
  await report("long items come one after the other", async () => {
    const limits = { ...DEFAULT_LIMITS, sharedWindow: 0 };
    const pool = new Pool(0);
    const given: number[] = [];
    const all = [0, 1, 2].map((id) => new Inbound(limits, pool, () => given.push(id)));
    const taken = all.map((stream) => stream.next());
    for (const stream of all) {
      stream.receive(new Uint8Array(8000), true, false);
    }
    deepStrictEqual(given, [0]);
    all[0]?.receive(new Uint8Array(1), false, false);
    deepStrictEqual((await taken[0])?.length, 8001);
    deepStrictEqual(given, [0, 1]);
    all[1]?.drop();
    deepStrictEqual(given, [0, 1, 2]);
  });
  await closes("credit of nothing", frame(7, 0, 1, [0, 0, 0, 0]));
  await closes("credit of three bytes", frame(7, 0, 1, [1, 0, 0]));
  await closes("credit above 2^31", frame(7, 0, 1, [0, 0, 0, 0x80]));
  await closes("an upload's item of a call that is not open", frame(5, MINE, 3, [0]));
  await closes("the end of a stream that is not open", frame(6, MINE, 3));
  await lives("a part of an item, and its reply", [...item(3, MORE), ...frame(4, 0, 1, [1, 1, 1, 0, 0])]);
}

async function requests(): Promise<void> {
  const key = new Array<number>(8).fill(7);
  const streamed = [4, 0, 3, 1, 0, 1];
  const request = (flags: number, id: number, rest: readonly number[] = []): number[] =>
    frame(2, MINE | flags, id, [...key, ...rest]);
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
  await answersWith("a request without a key", frame(2, MINE, 4, [1, 2, 3]), 3);
  await answersWith("a request with an entry that must be understood", request(EXT, 4, block(MUST)), 12);
  await answersWith("129 pairs", request(EXT, 4, block(...Array.from({ length: 129 }, () => entry(2, [1, 97])))), 3);
  await answersWith("a way of two bytes", request(EXT, 4, block(entry(3, [1, 0]))), 3);
  const refusals: (readonly [string, readonly number[]])[] = [
    ["that ends early", [9, 0, 1]],
    ["with a time of four bytes", [7, 0, 1, 4, 0, 1, 0, 0, 0]],
    ["with a key of metadata in capitals", [6, 0, 2, 3, 0, 1, 0x41, 0x42]],
    ["with metadata that is cut", [5, 0, 2, 2, 0, 9, 0x61]],
  ];
  for (const [name, extension] of refusals) {
    await answersWith(`an extension ${name}`, request(EXT, 4, extension), 3);
  }
  await report("a request whose time is over is answered", () => {
    const protocol = opened();
    protocol.receive(Uint8Array.from(request(EXT, 4, [11, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
    const [, , , kind, , , , , , code] = protocol.take(1000);
    deepStrictEqual([kind, code], [4, 4]);
  });
}

/** Expects that call 4 is answered with a status and not started, and that the connection lives. */
async function answersWith(name: string, bytes: readonly number[], code: number): Promise<void> {
  await report(`${name} is answered`, () => {
    const machine = greeted();
    machine.receive(bytes);
    const [, , , kind, id, , , , whose, said, execution] = machine.sent();
    deepStrictEqual([kind, id, whose, said, execution], [4, 4, 1, code, 0]);
    deepStrictEqual(machine.requests, []);
  });
}

/** What each side may have open at once. */
async function limits(): Promise<void> {
  const key = new Array<number>(8).fill(7);
  const request = (flags: number, id: number, rest: readonly number[] = []): number[] =>
    frame(2, MINE | flags, id, [...key, ...rest]);
  const within = block(entry(4, u32(0)));
  const begun = (machine: Machine): number[] => machine.requests.map(({ id }) => id);
  await report("calls of handlers may be twice as many", () => {
    const machine = greeted({ maxCalls: 2 });
    machine.receive(...[0, 1, 2].map((id) => request(0, id)), ...[10, 11, 12].map((id) => request(EXT, id, within)));
    deepStrictEqual(begun(machine), [0, 1, 10, 11]);
  });
  await report("streams are counted apart", () => {
    const machine = greeted({ maxCalls: 1, maxStreams: 2 });
    const streams = [10, 11, 12].map((id) => request(EXT, id, block(entry(3, [2]))));
    machine.receive(request(0, 0), request(0, 1), ...streams);
    deepStrictEqual(begun(machine), [0, 10, 11]);
  });
  await report("bytes of requests are limited", () => {
    const few = { requestWindow: 16_384, maxMessage: 16_384, maxPartial: 100 };
    const body = new Array<number>(6000).fill(1);
    const machine = greeted(few);
    machine.receive(...[0, 1, 2].map((id) => request(0, id, body)));
    deepStrictEqual(begun(machine), [0, 1]);
    let error: unknown;
    try {
      greeted(few).receive(...Array.from({ length: 10 }, (_, id) => request(MORE, id, body)));
    } catch (thrown) {
      error = thrown;
    }
    ok(error instanceof rpc.ProtocolError && error.fault === "limit", String(error));
  });
  await report("a refused upload goes on", () => {
    const machine = greeted();
    machine.receive(request(EXT, 4, block(MUST, entry(3, [1]))), frame(5, MINE, 4, [1]), frame(6, MINE, 4));
    ok(machine.protocol.isIdle || machine.sent().length > 0);
    ok(machine.protocol.isIdle);
  });
  await report("what is reserved in requests is passed over", () => {
    const machine = greeted();
    machine.receive(request(EXT, 4, block(entry(6, [0]), entry(9, key), entry(3, [0xfe]), entry(5, u32(256)))));
    deepStrictEqual(begun(machine), [4]);
  });
  const credit = (bytes: number): number[] => frame(7, 0, 0xffff_ffff, u32(bytes));
  await report("calls without a reply are given back", () => {
    const machine = greeted({ onewayWindow: 16_384 });
    const value: Reply = { kind: "value", payload: new Uint8Array(0) };
    const oneway = request(0, 0xffff_ffff);
    machine.receive(oneway, oneway);
    const [first, second] = machine.requests;
    ok(first !== undefined && second !== undefined);
    machine.protocol.reply(first, value);
    deepStrictEqual(machine.sent(), []);
    machine.protocol.reply(second, value);
    deepStrictEqual(machine.sent(), credit(272));
    machine.receive(request(EXT, 0xffff_ffff, block(MUST)));
    deepStrictEqual(machine.sent(), credit(128 + 8 + 2 + MUST.length));
    machine.receive(...Array.from({ length: 64 }, () => oneway));
    for (const call of machine.requests.slice(2, 33)) {
      machine.protocol.reply(call, value);
    }
    deepStrictEqual(machine.sent(), credit(31 * 136));
  });
  await report("calls without a reply above their window", () => {
    let error: unknown;
    try {
      greeted({ onewayWindow: 16_384 }).receive(...Array.from({ length: 2000 }, () => request(0, 0xffff_ffff)));
    } catch (thrown) {
      error = thrown;
    }
    ok(error instanceof rpc.ProtocolError && error.fault === "limit", String(error));
  });
  await report("requests are held while replies are unread", () => {
    const machine = greeted();
    machine.receive(request(0, 0), request(0, 1));
    for (const call of machine.requests) {
      machine.protocol.reply(call, { kind: "value", payload: new Uint8Array(1 << 20) });
    }
    machine.receive(...[10, 11, 12].map((id) => request(0, id)), frame(8, MINE, 11));
    deepStrictEqual(begun(machine), [0, 1]);
    machine.sent();
    deepStrictEqual(begun(machine), [0, 1, 10, 12]);
  });
  await report("refusals that nobody reads", () => {
    const machine = greeted();
    let error: unknown;
    try {
      for (let id = 0; id < 200; id += 1) {
        machine.receive(request(0, id));
        const call = machine.requests.at(-1);
        ok(call !== undefined);
        machine.protocol.refuse(call, new StatusError("INVALID_ARGUMENT", "x".repeat(8000), false));
      }
    } catch (thrown) {
      error = thrown;
    }
    ok(error instanceof rpc.ProtocolError && error.fault === "timeout", String(error));
  });
  const opens = (machine: Machine, call: Partial<OwnCall>): boolean => {
    const open = machine.protocol.open({ ...plain(), ...call });
    machine.sent();
    return open.number !== undefined;
  };
  await report("ours keep to the other side's limits", () => {
    const said = [entry(2, u32(16_384)), entry(3, u32(2)), entry(7, u32(1)), entry(9, u32(16_384))].flat();
    const machine = greeted({}, said);
    const [open, shut] = [{ payload: new Uint8Array(16_384) }, { payload: new Uint8Array(300) }];
    deepStrictEqual([opens(machine, open), opens(machine, shut), opens(machine, { receiving })], [true, false, true]);
    deepStrictEqual([opens(machine, { sending }), opens(machine, { nested: true })], [false, true]);
    machine.receive(frame(3, 0, 0));
    deepStrictEqual(machine.sent().length, 8 + 300);
  });
  await report("calls with items and calls of handlers do not wait for ever", () => {
    const machine = greeted({}, entry(7, u32(1)));
    opens(machine, { receiving });
    const [replies, patient]: [Reply[], Reply[]] = [[], []];
    machine.protocol.open({ ...plain(replies), receiving });
    machine.now = 4999;
    machine.protocol.tick();
    deepStrictEqual(replies.length, 0);
    machine.now = 5000;
    machine.protocol.tick();
    const [reply] = replies;
    ok(reply?.kind === "status");
    deepStrictEqual([reply.status.code, reply.status.mayHaveRun], ["RESOURCE_EXHAUSTED", false]);
    const full = greeted({}, entry(3, u32(1)));
    opens(full, {});
    full.protocol.open(plain(patient));
    full.now = 60_000;
    full.protocol.tick();
    deepStrictEqual(patient.length, 0);
  });
  await report("ours without a reply wait for credit", () => {
    const machine = greeted({}, entry(8, u32(16_384)));
    let sent = 0;
    while (opens(machine, { oneway: true })) {
      sent += 1;
    }
    deepStrictEqual(sent, Math.floor(16_384 / 138));
    ok(opens(machine, { oneway: true, nested: true }));
    machine.receive(credit(2 * 138));
    deepStrictEqual(machine.sent().length, 18);
  });
  await report("one alone always may go", () => {
    const machine = greeted({}, entry(8, u32(16_384)));
    ok(opens(machine, { oneway: true, payload: new Uint8Array(60_000) }));
    ok(!opens(machine, { oneway: true }));
  });
  await report("a ping follows much that is written", () => {
    const machine = greeted();
    machine.protocol.open({ ...plain(), payload: new Uint8Array(1 << 20) });
    let pings = 0;
    for (let bytes = machine.protocol.take(65_536); bytes.length > 0; bytes = machine.protocol.take(65_536)) {
      pings += bytes.at(-13) === 9 && bytes.at(-16) === 8 ? 1 : 0;
    }
    deepStrictEqual(pings, 4);
  });
  await report("ten thousand calls are cancelled in little time", () => {
    const machine = greeted({}, entry(3, u32(1)));
    const all = Array.from({ length: 40_000 }, () => machine.protocol.open(plain()));
    const started = process.cpuUsage().user;
    for (const open of all) {
      machine.protocol.cancel(open, undefined);
    }
    ok(process.cpuUsage().user - started < 5_000_000, "it takes time by the square of their number");
  });
  await report("metadata that cannot travel", () => {
    for (const wrong of [{ A: "x" }, { a: Uint8Array.of(1) }, { "a-bin": "x" }, { a: "x".repeat(60_000) }, { "": "" }]) {
      let error: unknown;
      try {
        new rpc.Metadata(wrong);
      } catch (thrown) {
        error = thrown;
      }
      ok(error instanceof RangeError, String(error));
    }
    const metadata = new rpc.Metadata({ a: ["x", "y"], "b-bin": Uint8Array.of(1) });
    deepStrictEqual([metadata.get("a"), metadata.getAll("a"), metadata.size], ["x", ["x", "y"], 3]);
    deepStrictEqual([metadata.get("b-bin"), metadata.getBytes("b-bin")], [undefined, Uint8Array.of(1)]);
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
      deepStrictEqual((await failure(connect(address))).code, "UNAVAILABLE");
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
        socket.end(Uint8Array.from(frame(11, 0, 0, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
      }, 100);
    }),
  );
}

for (const suite of [values, nesting, mutations, handshakes, heads, replies, pings, streams]) {
  await suite();
}
for (const suite of [requests, limits, servers, vectors]) {
  await suite();
}
finish();
