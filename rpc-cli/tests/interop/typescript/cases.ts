// The suite that a generated client is held to: `node cases.js ADDRESS` prints a line for each case.

import { deepStrictEqual, ok, rejects, throws } from "node:assert/strict";
import { getEventListeners } from "node:events";
import { createServer, Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import {
  Answers,
  answersHandler,
  AppError,
  type AnswersHandler,
  type CallContext,
  Colour,
  connect,
  EncodeError,
  Exchange,
  type Figure,
  Nothing,
  type Option,
  type PagePoint,
  Record,
  Refusal,
  rpc,
  StatusError,
  Tree,
  Types,
  type Types_,
  type Code,
} from "./client/index.js";
import { finish, report } from "./report.js";

const [address = "127.0.0.1:7000", unix = ""] = process.argv.slice(2);
/** The client for web pages knows no sockets, and has no codecs but those of its own types. */
const inPages = unix === "";

/**
 * Cases of codecs made by hand: the run-time of a page has other ones, and no more of them than its services need. And of
 * `await using`, which a page does not have.
 */
const reportHere: typeof report = (name, run) => (inPages ? Promise.resolve() : report(name, run));
const connection = await connect(address);
const types = new Types(connection);
const exchange = new Exchange(connection);

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What a call fails with. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call did not fail");
}

/** The status that a call fails with. */
async function status(call: Promise<unknown>, code: Code): Promise<StatusError> {
  const error = await failure(call);
  ok(error instanceof StatusError, String(error));
  deepStrictEqual(error.code, code, error.message);
  return error;
}

/** Asks until the answer is as expected, for a minute: a busy machine takes its time. */
async function eventually(ask: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 3000; round += 1) {
    if (await ask()) {
      return;
    }
    await sleep(20);
  }
  throw new Error("it did not come to be");
}

/**
 * Waits until the server has cancelled another handler. There may be more than one: it may learn late of what other cases
 * left on connections of their own.
 */
async function cancelledSince(before: number): Promise<void> {
  await eventually(async () => (await exchange.cancelled()) > before);
}

/** Sends each value and expects it back. */
async function echoes<T>(
  name: string,
  call: (value: T) => Promise<T>,
  values: readonly T[],
): Promise<void> {
  for (const [index, value] of values.entries()) {
    await report(`${name} ${String(index)}`, async () => {
      deepStrictEqual(await call(value), value);
    });
  }
}

/** Expects that values are refused before they are sent. */
async function unsendable(name: string, calls: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const [index, call] of calls.entries()) {
    await report(`${name} refuses ${String(index)}`, async () => {
      ok((await failure(call())) instanceof EncodeError);
    });
  }
}

const bits = (count: number): bigint => 1n << BigInt(count);

async function numbers(): Promise<void> {
  await report("unit", async () => {
    await types.unit();
  });
  await echoes("bool", (value) => types.bool(value), [true, false]);
  await echoes("i8", (value) => types.i8(value), [0, 1, -1, 127, -128]);
  await echoes("i16", (value) => types.i16(value), [0, -1, 125, -126, 32_767, -32_768]);
  await echoes("i32", (value) => types.i32(value), [0, -1, 65_536, 2 ** 31 - 1, -(2 ** 31)]);
  const wide = [0n, -1n, 1n, -500n, bits(31), bits(53) + 1n];
  await echoes("i64", (value: bigint) => types.i64(value), [...wide, bits(63) - 1n, -bits(63)]);
  await echoes("i128", (value: bigint) => types.i128(value), [
    ...wide,
    bits(64),
    bits(127) - 1n,
    -bits(127),
  ]);
  await echoes("u8", (value) => types.u8(value), [0, 250, 251, 255]);
  await echoes("u16", (value) => types.u16(value), [0, 250, 251, 65_535]);
  await echoes("u32", (value) => types.u32(value), [0, 250, 65_535, 65_536, 2 ** 32 - 1]);
  await echoes("u64", (value: bigint) => types.u64(value), [
    0n,
    250n,
    251n,
    65_536n,
    bits(32),
    bits(64) - 1n,
  ]);
  await echoes("u128", (value: bigint) => types.u128(value), [0n, bits(64), bits(128) - 1n]);
  await echoes("f32", (value) => types.f32(value), [0, -0, 1.5, -2.25, Infinity, NaN]);
  await echoes("f64", (value) => types.f64(value), [
    0,
    -0,
    0.1,
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    -Infinity,
    NaN,
  ]);
  await report("safe integers stand for 64 bits", async () => {
    deepStrictEqual(await types.i64(-7), -7n);
    deepStrictEqual(await types.u64(Number.MAX_SAFE_INTEGER), bits(53) - 1n);
  });
  await unsendable("a number out of range", [
    () => types.u8(256),
    () => types.u8(-1),
    () => types.i8(128),
    () => types.u16(1.5),
    () => types.i32(2 ** 31),
    () => types.u32(NaN),
    () => types.u64(-1n),
    () => types.u64(2 ** 53),
    () => types.i64(bits(63)),
    () => types.i128(-bits(127) - 1n),
    () => types.u128(bits(128)),
  ]);
}

async function texts(): Promise<void> {
  await echoes("char", (value) => types.char(value), ["a", "ü", "€", "🦀", "\0", "\u{10ffff}"]);
  await echoes("string", (value) => types.string(value), [
    "",
    "plain",
    "Zoë 🦀 \0 \u2028",
    "\ufeffmark",
    "x".repeat(251),
    "é".repeat(100_000),
  ]);
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  const blocks: Uint8Array[] = [new Uint8Array(0), all, new Uint8Array(65_536).fill(7)];
  await echoes("bytes", (value) => types.bytes(value), blocks);
  await echoes("byteVec", (value) => types.byteVec(value), blocks);
  await unsendable("text", [
    () => types.string("half \ud83e"),
    () => types.char("ab"),
    () => types.char(""),
    () => types.char("\udd80"),
  ]);
}

async function collections(): Promise<void> {
  await echoes("option", (value) => types.option(value), [null, 0, 4_000_000_000]);
  await echoes("nested option", (value) => types.nestedOption(value), [
    null,
    { some: null },
    { some: true },
    { some: false },
  ]);
  await echoes("list", (value) => types.list(value), [
    [],
    [1, -2, 3],
    Array.from({ length: 50_000 }, (_, index) => index - 25_000),
  ]);
  await echoes("lists", (value) => types.lists(value), [[], [[]], [["a", ""], [], ["b"]]]);
  await echoes("map", (value) => types.map(value), [
    new Map<string, bigint>(),
    new Map([["__proto__", 1n]]),
    new Map([["a", -1n], ["b", bits(62)]]),
  ]);
  await echoes("number map", (value) => types.numberMap(value), [
    new Map([[7, [true, false]], [65_535, []]]),
  ]);
  await echoes<Colour[]>("set", (value) => types.set(value), [[], ["red", "blue"]]);
  await echoes<[number, string]>("pair", (value) => types.pair(value), [[-1, "x"], [127, ""]]);
  await echoes("array", (value) => types.array(value), [[1, 2, 65_535], [0, 0, 0]]);
  await echoes<Uint8Array>("octets", (value) => types.octets(value), [Uint8Array.of(1, 0, 255, 251)]);
  await unsendable("an array of another length", [
    () => types.array([1, 2]),
    () => types.array([1, 2, 3, 4]),
    () => types.octets(Uint8Array.of(1)),
  ]);
}

async function standard(): Promise<void> {
  await echoes("duration", (value) => types.duration(value), [
    { secs: 0n, nanos: 0 },
    { secs: 1n, nanos: 500_000_000 },
    { secs: bits(40), nanos: 999_999_999 },
  ]);
  await echoes("time", (value) => types.time(value), [
    { secs_since_epoch: 1_700_000_000n, nanos_since_epoch: 5 },
  ]);
  await echoes("ip", (value) => types.ip(value), [
    "127.0.0.1",
    "255.254.0.1",
    "::",
    "::1",
    "2001:db8::1:0:0:1",
    "::ffff:192.0.2.1",
    "1:2:3:4:5:6:7:8",
    "fe80::",
    "1:0:2:0:3:0:4:0",
  ]);
  await report("other spellings of an address", async () => {
    deepStrictEqual(await types.ip("2001:0DB8:0:0:0::1"), "2001:db8::1");
    deepStrictEqual(await types.ip("::1.2.3.4"), "::102:304");
  });
  await echoes("ipv4", (value) => types.ipv4(value), ["0.0.0.0", "192.0.2.33"]);
  await echoes("socket", (value) => types.socket(value), [
    "127.0.0.1:0",
    "127.0.0.1:65535",
    "[::1]:80",
    "[2001:db8::2]:443",
  ]);
  await unsendable("an address", [
    () => types.ip("localhost"),
    () => types.ip("fe80::1%eth0"),
    () => types.ipv4("::1"),
    () => types.ipv4("1.2.3"),
    () => types.socket("127.0.0.1"),
    () => types.socket("127.0.0.1:65536"),
  ]);
  await echoes("path", (value) => types.path(value), ["/tmp/x y", ""]);
  await echoes("result", (value) => types.result(value), [{ ok: 7 }, { err: "no" }]);
  await echoes("range", (value) => types.range(value), [{ start: 1, end: 10 }]);
}

const origin = { x: 0, y: 0 };
const corner = { x: 1.5, y: -2.25 };
const figures: Figure[] = [
  { kind: "Empty" },
  { kind: "Circle", value: 2.5 },
  { kind: "Line", value: [origin, corner] },
  { kind: "Polygon", points: [origin, corner], closed: true },
];
const sample: Record = {
  recordId: bits(64) - 1n,
  displayName: "Zoë 🦀",
  class: null,
  type: "dark-green",
  tags: ["a", ""],
  figure: { kind: "Polygon", points: [origin, corner], closed: true },
  scores: new Map([["x", -1], ["y", 2 ** 31 - 1]]),
  raw: Uint8Array.of(0, 255, 7),
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- it must travel all the same
  lambda: true,
};

async function named(): Promise<void> {
  await echoes("point", (value) => types.point(value), [origin, corner]);
  await echoes("userId", (value) => types.userId(value), [0n, bits(64) - 1n]);
  await echoes<[number, number, string]>("version", (value) => types.version(value), [[1, 2, "x"]]);
  await echoes("nothing", (value) => types.nothing(value), [null]);
  await echoes<Colour>("colour", (value) => types.colour(value), ["red", "dark-green", "blue"]);
  await echoes("figure", (value) => types.figure(value), figures);
  const leaf: Tree = { label: "leaf", children: [] };
  let deep = leaf;
  for (let level = 0; level < 50; level += 1) {
    deep = { label: String(level), children: [deep] };
  }
  await echoes("tree", (value) => types.tree(value), [
    leaf,
    { label: "root", children: [leaf, { label: "", children: [leaf] }] },
    deep,
  ]);
  await echoes<PagePoint>("page", (value) => types.page(value), [
    { items: [], next: null },
    { items: [origin, corner], next: 2 },
  ]);
  await echoes<Record>("record", (value) => types.record(value), [
    sample,
    { ...sample, class: "c", tags: [], figure: { kind: "Empty" }, scores: new Map() },
  ]);
  const options: Option[] = [
    { kind: "Self" },
    { kind: "Self_", value: 1 },
    { kind: "dark-green", type: 1, Type: 2 },
    { kind: "DarkGreen" },
  ];
  await echoes<Types_>(
    "namesakes",
    (value) => types.namesakes(value),
    options.map((option) => ({
      None: 1,
      none: 2,
      self: 3,
      self_: 4,
      "foo-bar": 5,
      fooBar: 6,
      foo_bar: 7,
      option,
    })),
  );
  await report("the sample is the same", async () => {
    deepStrictEqual(await types.sample(), sample);
  });
  await report("a record means the same", async () => {
    const shown = await types.showRecord({ ...sample, class: "x", scores: new Map([["k", 5]]) });
    deepStrictEqual(
      shown,
      'Record { record_id: UserId(18446744073709551615), display_name: "Zoë 🦀", class: Some("x"), ' +
        'type: DarkGreen, tags: ["a", ""], figure: Polygon { points: [Point { x: 0.0, y: 0.0 }, ' +
        'Point { x: 1.5, y: -2.25 }], closed: true }, scores: {"k": 5}, raw: b"\\0\\xff\\x07", ' +
        "lambda: true }",
    );
  });
  await report("numbers mean the same", async () => {
    const shown = await types.showNumbers(-bits(127), bits(128) - 1n, 0.5, -1.25, "🦀");
    deepStrictEqual(shown, `${String(-bits(127))} ${String(bits(128) - 1n)} 0.5 -1.25 🦀`);
  });
  await report("a variant that does not exist", async () => {
    ok((await failure(types.colour("green" as Colour))) instanceof EncodeError);
    const figure = { kind: "Sphere" } as unknown as Figure;
    ok((await failure(types.figure(figure))) instanceof EncodeError);
  });
  await report("a field that is missing", async () => {
    const error = await failure(types.point({ x: 1 } as unknown as { x: number; y: number }));
    ok(error instanceof EncodeError && error.message.includes("y"), String(error));
  });
}

async function calls(): Promise<void> {
  await report("add", async () => {
    deepStrictEqual(await exchange.add(1n, 2), 3n);
  });
  await report("1,000 calls at once", async () => {
    const sums = Array.from({ length: 1000 }, (_, index) => exchange.add(index, 1));
    deepStrictEqual(await Promise.all(sums), Array.from({ length: 1000 }, (_, n) => BigInt(n + 1)));
  });
  await report("3,000 calls at once, above the limit of the server", async () => {
    const sums = await Promise.all(Array.from({ length: 3000 }, (_, n) => exchange.add(n, n)));
    deepStrictEqual(sums[2999], 5998n);
  });
  await report("one-way calls", async () => {
    const before = await exchange.touched();
    await Promise.all(Array.from({ length: 50 }, () => exchange.touch()));
    await eventually(async () => (await exchange.touched()) === before + 50);
  });
  await report("a method that does not fail", async () => {
    deepStrictEqual(await exchange.refuse(null), 42);
  });
  const refusals: Refusal[] = [
    { kind: "NotToday" },
    { kind: "TooMany", value: 9 },
    { kind: "Invalid", field: "f", why: "w" },
  ];
  for (const refusal of refusals) {
    await report(`the method's own error ${refusal.kind}`, async () => {
      const error = await failure(exchange.refuse(refusal));
      ok(AppError.is(error, Refusal), String(error));
      deepStrictEqual(error.value, refusal);
      ok(!AppError.is(error, rpc.str));
    });
  }
  await report("a panic", async () => {
    const error = await status(exchange.panic(), "INTERNAL");
    ok(error.mayHaveRun);
  });
  await report("metadata", async () => {
    const metadata = { tenant: "acme", "a.b-c_1": "Zoë" };
    deepStrictEqual(await exchange.metadata("tenant", { metadata }), "acme");
    deepStrictEqual(await exchange.metadata("a.b-c_1", { metadata }), "Zoë");
    deepStrictEqual(await exchange.metadata("none", { metadata }), null);
  });
  await report("metadata of bytes and of several values", async () => {
    const metadata = { via: ["a", "b"], "trace-bin": Uint8Array.of(0, 255) };
    deepStrictEqual(await exchange.metadata("via", { metadata }), "a|b");
    deepStrictEqual(await exchange.metadata("trace-bin", { metadata }), "[0, 255]");
    const pairs = [["via", "c"], ["other", "x"], ["via", "d"]] as const;
    deepStrictEqual(await exchange.metadata("via", { metadata: pairs }), "c|d");
  });
  await report("many calls without a reply", async () => {
    const before = await exchange.touched();
    await Promise.all(Array.from({ length: 10_000 }, () => exchange.touch()));
    while ((await exchange.touched()) < before + 10_000) {
      // The server counts on.
    }
    deepStrictEqual(await exchange.touched(), before + 10_000);
  });
  await report("metadata that is not allowed", async () => {
    await rejects(exchange.metadata("A", { metadata: { A: "x" } }), RangeError);
    await rejects(exchange.metadata("a", { metadata: { a: "x".repeat(60_000) } }), RangeError);
  });
  await report("metadata that is long", async () => {
    const a = "ä".repeat(29_990);
    deepStrictEqual(await exchange.metadata("a", { metadata: { a } }), a);
  });
  await report("time that is left", async () => {
    deepStrictEqual(await exchange.timeLeft(), null);
    const left = await exchange.timeLeft({ timeout: 60_000 });
    ok(left !== null && left > 50_000n && left <= 60_000n, String(left));
  });
  await reportHere("a call to a method with another signature", async () => {
    const method = {
      path: "Exchange.add",
      key: 0xfc01b33a_00000001n,
      arguments: rpc.tuple(rpc.str),
      returns: rpc.str,
      upload: rpc.unit,
      fails: undefined,
    };
    const error = await status(connection.call(method, ["x"]), "UNIMPLEMENTED");
    ok(!error.mayHaveRun && error.message.endsWith("generate it anew with rpc codegen"), error.message);
    const bare = { ...method, key: 0xfc01b33a_00000000n };
    await status(connection.call(bare, ["x"]), "INVALID_ARGUMENT");
    const unknown = { ...method, key: 0x1234_5678_9abc_def0n };
    const missing = await status(connection.call(unknown, ["x"]), "UNIMPLEMENTED");
    ok(missing.message.includes("Exchange"), missing.message);
  });
  await reportHere("arguments that the server cannot read", async () => {
    const method = {
      path: "Exchange.add",
      key: 0xfc01b33a_d50608e3n,
      arguments: rpc.tuple(rpc.i64),
      returns: rpc.i64,
      upload: rpc.unit,
      fails: undefined,
    };
    const error = await status(connection.call(method, [1n]), "INVALID_ARGUMENT");
    ok(!error.mayHaveRun);
  });
  await reportHere("a reply that is another type than expected", async () => {
    const method = {
      path: "Exchange.add",
      key: 0xfc01b33a_d50608e3n,
      arguments: rpc.tuple(rpc.i64, rpc.i64),
      returns: rpc.tuple(rpc.str, rpc.str),
      upload: rpc.unit,
      fails: undefined,
    };
    await status(connection.call(method, [1n, 2n]), "INTERNAL");
    deepStrictEqual(await exchange.add(1n, 2n), 3n);
  });
  await report("nesting deeper than the server allows is not sent", async () => {
    let deep: Tree = { label: "", children: [] };
    for (let level = 0; level < 200; level += 1) {
      deep = { label: "", children: [deep] };
    }
    ok((await failure(types.tree(deep))) instanceof EncodeError);
  });
}

async function large(): Promise<void> {
  for (const size of [65_527, 65_528, 65_536, 70_000, 1_000_000, 4_000_000]) {
    await report(`${String(size)} bytes both ways`, async () => {
      const block = Uint8Array.from({ length: size }, (_, index) => index * 7);
      ok(Buffer.from(await types.bytes(block)).equals(block));
    });
  }
  await report("large calls and small ones at once", async () => {
    const block = new Uint8Array(1_000_000).fill(3);
    const big = Array.from({ length: 10 }, () => types.bytes(block));
    const small = Array.from({ length: 100 }, (_, index) => exchange.add(index, 0));
    deepStrictEqual((await Promise.all(big)).map((bytes) => bytes.length), big.map(() => 1_000_000));
    deepStrictEqual((await Promise.all(small)).length, 100);
  });
  await report("a request above the limit of the server", async () => {
    const error = await status(types.bytes(new Uint8Array(5_000_000)), "RESOURCE_EXHAUSTED");
    ok(!error.mayHaveRun);
    deepStrictEqual(await exchange.add(1n, 1n), 2n);
  });
  await report("a large one-way call goes as an ordinary one", async () => {
    const answers = new Answers(connection);
    await answers.tell("x".repeat(100_000));
    deepStrictEqual(await exchange.add(1n, 1n), 2n);
  });
  await report("a request that is cancelled while it is sent", async () => {
    const controller = new AbortController();
    const block = new Uint8Array(4_000_000);
    const all = [types.bytes(block), types.bytes(block, { signal: controller.signal })];
    setTimeout(() => {
      controller.abort();
    }, 2);
    const [first, second] = await Promise.allSettled(all);
    deepStrictEqual(first?.status, "fulfilled");
    ok(second !== undefined);
    deepStrictEqual(await exchange.add(1n, 1n), 2n);
  });
}

async function cancelling(): Promise<void> {
  await report("an aborted signal cancels the call, and the server sees it", async () => {
    const before = await exchange.cancelled();
    const controller = new AbortController();
    const call = exchange.forever({ signal: controller.signal });
    await exchange.add(1, 1);
    controller.abort(new Error("enough"));
    const error = await status(call, "CANCELLED");
    ok(error.mayHaveRun && error.cause instanceof Error && error.cause.message === "enough");
    await cancelledSince(before);
  });
  await report("a signal that is aborted before", async () => {
    const error = await status(exchange.forever({ signal: AbortSignal.abort() }), "CANCELLED");
    ok(!error.mayHaveRun);
    const items = exchange.count(3, { signal: AbortSignal.abort() });
    await status(items.next(), "CANCELLED");
  });
  await report("a deadline", async () => {
    const before = await exchange.cancelled();
    await status(exchange.forever({ timeout: 50 }), "DEADLINE_EXCEEDED");
    await cancelledSince(before);
  });
  await report("a deadline of nothing", async () => {
    await status(exchange.forever({ timeout: 0 }), "DEADLINE_EXCEEDED");
  });
  await report("ids are free again after many cancelled calls", async () => {
    for (let round = 0; round < 20; round += 1) {
      const controller = new AbortController();
      const { signal } = controller;
      const all = Array.from({ length: 100 }, () => exchange.forever({ signal }));
      controller.abort();
      for (const settled of await Promise.allSettled(all)) {
        deepStrictEqual(settled.status, "rejected");
      }
    }
    deepStrictEqual(await exchange.add(2n, 2n), 4n);
  });
  await report("leaving a stream cancels it, and the server sees it", async () => {
    const before = await exchange.cancelled();
    for await (const item of exchange.endless()) {
      if (item === 10n) {
        break;
      }
    }
    await cancelledSince(before);
  });
  await report("a signal cancels a stream", async () => {
    const before = await exchange.cancelled();
    const controller = new AbortController();
    const items = exchange.endless({ signal: controller.signal });
    deepStrictEqual((await items.next()).value, 0n);
    controller.abort();
    await status(items.toArray(), "CANCELLED");
    await cancelledSince(before);
  });
  await report("a deadline of a stream", async () => {
    await status(
      (async () => {
        for await (const item of exchange.endless({ timeout: 100 })) {
          ok(item >= 0n);
        }
      })(),
      "DEADLINE_EXCEEDED",
    );
  });
}

async function streaming(): Promise<void> {
  await report("a stream of numbers", async () => {
    deepStrictEqual(await exchange.count(5).toArray(), [0, 1, 2, 3, 4]);
  });
  await report("an empty stream", async () => {
    deepStrictEqual(await exchange.count(0).toArray(), []);
  });
  await report("a long stream", async () => {
    const items = await exchange.count(200_000).toArray();
    deepStrictEqual(items.length, 200_000);
    deepStrictEqual(items[199_999], 199_999);
  });
  await report("a stream of figures", async () => {
    deepStrictEqual(await exchange.figures(figures).toArray(), figures);
  });
  await report("a stream that is asked for ahead", async () => {
    const items = exchange.count(3);
    const four = [items.next(), items.next(), items.next(), items.next()];
    const found = await Promise.all(four);
    deepStrictEqual(found.map((result) => result.value), [0, 1, 2, undefined]);
  });
  await report("a stream that fails after some items", async () => {
    const seen: number[] = [];
    const error = await failure(
      (async () => {
        for await (const item of exchange.failsAfter(3)) {
          seen.push(item);
        }
      })(),
    );
    deepStrictEqual(seen, [0, 1, 2]);
    ok(AppError.is(error, Refusal));
    deepStrictEqual(error.value, { kind: "TooMany", value: 3 });
  });
  await report("a stream that fails at once", async () => {
    const error = await failure(exchange.failsAfter(0).next());
    ok(AppError.is(error, Refusal));
    deepStrictEqual(error.value, { kind: "NotToday" });
  });
  await report("blocks of 300 KiB, in parts", async () => {
    const blocks = await exchange.blocks(10, 300_000).toArray();
    deepStrictEqual(blocks.map((block) => block.length), Array.from({ length: 10 }, () => 300_000));
    ok(blocks.every((block, index) => block.every((byte) => byte === index)));
  });
  await report("blocks that are longer than the window", async () => {
    const blocks = await exchange.blocks(3, 2_000_000).toArray();
    deepStrictEqual(blocks.map((block) => block.length), [2_000_000, 2_000_000, 2_000_000]);
  });
  await report("a slow reader", async () => {
    let count = 0;
    for await (const block of exchange.blocks(60, 50_000)) {
      count += block.length;
      if (count % 500_000 === 0) {
        await sleep(20);
      }
    }
    deepStrictEqual(count, 3_000_000);
  });
  await report("a stream that nobody reads holds nothing up", async () => {
    const idle = exchange.endless();
    await sleep(50);
    deepStrictEqual(await exchange.add(1n, 2n), 3n);
    await idle.return();
  });
  await report("many streams at once", async () => {
    const all = Array.from({ length: 50 }, () => exchange.count(1000).toArray());
    for (const items of await Promise.all(all)) {
      deepStrictEqual(items.length, 1000);
    }
  });
}

async function* slowly<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await sleep(1);
    yield item;
  }
}

async function uploading(): Promise<void> {
  await report("an upload of an array", async () => {
    deepStrictEqual(await exchange.sum([1n, 2, 3n]), 6n);
  });
  await report("an upload of nothing", async () => {
    deepStrictEqual(await exchange.sum([]), 0n);
  });
  await report("an upload of an async generator", async () => {
    deepStrictEqual(await exchange.sum(slowly([1n, 2n, 3n])), 6n);
  });
  await report("a long upload", async () => {
    const ones = Array.from({ length: 100_000 }, () => 1n);
    deepStrictEqual(await exchange.sum(ones), 100_000n);
  });
  await report("arguments beside an upload", async () => {
    deepStrictEqual(await exchange.join("-", ["a", "b", "c"]), "a-b-c");
  });
  await report("an upload that the method refuses", async () => {
    const error = await failure(exchange.join("-", ["a", "", "c"]));
    ok(AppError.is(error, Refusal));
    deepStrictEqual(error.value, { kind: "Invalid", field: "words", why: "is empty" });
  });
  await report("an upload of which only the first item is read", async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<number> {
      try {
        for (let number = 5; ; number += 1) {
          await sleep(0);
          yield number;
        }
      } finally {
        closed = true;
      }
    }
    deepStrictEqual(await exchange.first(endless()), 5);
    await eventually(() => Promise.resolve(closed));
    deepStrictEqual(await exchange.first([]), null);
  });
  await report("blocks above the size of frames and of the window", async () => {
    const blocks = [100, 70_000, 600_000, 0, 2_000_000].map((size) => new Uint8Array(size));
    deepStrictEqual(await exchange.measure(blocks), 2_670_100n);
  });
  await report("an upload whose source fails", async () => {
    const source = function* (): Generator<bigint> {
      yield 1n;
      throw new Error("the source failed");
    };
    const error = await failure(exchange.sum(source()));
    ok(error instanceof Error && error.message === "the source failed");
    deepStrictEqual(await exchange.add(1n, 1n), 2n);
  });
  await report("an upload with an item that cannot be sent", async () => {
    ok((await failure(exchange.sum([1n, bits(70)]))) instanceof EncodeError);
  });
  await report("an upload that is cancelled", async () => {
    const controller = new AbortController();
    const call = exchange.sum(slowly(Array.from({ length: 10_000 }, () => 1n)), {
      signal: controller.signal,
    });
    await sleep(20);
    controller.abort();
    await status(call, "CANCELLED");
  });
  await report("both ways", async () => {
    deepStrictEqual(await exchange.double([1n, 2n, 3n]).toArray(), [2n, 4n, 6n]);
    deepStrictEqual(await exchange.double(slowly([5n])).toArray(), [10n]);
    deepStrictEqual(await exchange.double([]).toArray(), []);
  });
  await report("both ways, turn by turn", async () => {
    let answer: (number: bigint) => void = () => undefined;
    async function* questions(): AsyncGenerator<bigint> {
      for (let number = 1n; number < 100n; ) {
        const next = new Promise<bigint>((resolve) => {
          answer = resolve;
        });
        yield number;
        number = await next;
      }
    }
    const seen: bigint[] = [];
    for await (const number of exchange.double(questions())) {
      seen.push(number);
      answer(number);
    }
    deepStrictEqual(seen, [2n, 4n, 8n, 16n, 32n, 64n, 128n]);
  });
  await report("figures both ways, many", async () => {
    const many = Array.from({ length: 5000 }, (_, index) => figures[index % 4] as Figure);
    deepStrictEqual(await exchange.draw(many).toArray(), many);
  });
  await report("leaving both ways", async () => {
    for await (const number of exchange.double(slowly(Array.from({ length: 1000 }, () => 1n)))) {
      deepStrictEqual(number, 2n);
      break;
    }
    deepStrictEqual(await exchange.add(1n, 1n), 2n);
  });
}

class Answering implements AnswersHandler {
  readonly told: string[] = [];
  aborted = 0;

  multiply(a: bigint, b: bigint): bigint {
    return a * b;
  }

  async describe(record: Record): Promise<string> {
    await sleep(1);
    return `${record.displayName}#${String(record.recordId)}`;
  }

  fail(): number {
    throw new AppError<Refusal>({ kind: "TooMany", value: 7 });
  }

  *count(until: number): Generator<number> {
    for (let number = 0; number < until; number += 1) {
      yield number;
    }
  }

  async sum(numbers: AsyncIterableIterator<bigint>): Promise<bigint> {
    let sum = 0n;
    for await (const number of numbers) {
      sum += number;
    }
    return sum;
  }

  wait(context: CallContext): Promise<number> {
    return new Promise((_, reject) => {
      context.signal.addEventListener("abort", () => {
        this.aborted += 1;
        reject(new Error("aborted"));
      });
    });
  }

  tell(text: string): void {
    this.told.push(text);
  }
}

async function answering(): Promise<void> {
  await report("a server that asks where nobody answers", async () => {
    const error = await failure(exchange.ask(6n, 7n));
    ok(AppError.is(error, Refusal));
    ok(error.value.kind === "Invalid" && error.value.field === "peer");
  });
  const handler = new Answering();
  connection.register(answersHandler(handler));
  await report("a server that asks", async () => {
    deepStrictEqual(await exchange.ask(6n, 7n), 43n);
  });
  await report("a server that asks 500 times at once", async () => {
    const all = Array.from({ length: 500 }, (_, index) => exchange.ask(index, 2));
    deepStrictEqual((await Promise.all(all))[499], 999n);
  });
  await report("a server that asks about a record, and tells", async () => {
    deepStrictEqual(await exchange.askAbout(sample), `Zoë 🦀#${String(bits(64) - 1n)}`);
    await eventually(() => Promise.resolve(handler.told.includes("asking")));
  });
  await report("a server that asks for a failure", async () => {
    deepStrictEqual(await exchange.askForFailure(), { kind: "TooMany", value: 7 });
  });
  await report("a server that asks for a stream", async () => {
    deepStrictEqual(await exchange.askForStream(10), 45n);
    deepStrictEqual(await exchange.askForStream(0), 0n);
    deepStrictEqual(await exchange.askForStream(100_000), 4_999_950_000n);
  });
  await report("a server that streams and asks for the sum", async () => {
    deepStrictEqual(await exchange.askToSum([1n, 2n, 3n]), 6n);
    deepStrictEqual(await exchange.askToSum([]), 0n);
    deepStrictEqual(await exchange.askToSum(Array.from({ length: 100_000 }, () => 2n)), 200_000n);
  });
  await report("a server that asks and cancels", async () => {
    deepStrictEqual(await exchange.askAndCancel(), true);
    await eventually(() => Promise.resolve(handler.aborted === 1));
  });
  await report("a handler that fails without saying how", async () => {
    const broken = new Answering();
    broken.multiply = (): bigint => {
      throw new Error("a secret");
    };
    const other = await connect(address, { handlers: [answersHandler(broken)] });
    const error = await failure(new Exchange(other).ask(1n, 1n));
    ok(AppError.is(error, Refusal) && error.value.kind === "Invalid");
    ok(!error.value.why.includes("secret"), error.value.why);
    await other.close();
  });
  await report("a handler that fails as another call that was not started", async () => {
    const broken = new Answering();
    broken.fail = (): number => {
      throw new StatusError("ABORTED", "the other was not begun", false);
    };
    const other = await connect(address, { handlers: [answersHandler(broken)] });
    const error = await failure(new Exchange(other).askForFailure());
    ok(error instanceof AppError && typeof error.value === "string");
    ok(error.value.includes("Aborted") && error.value.includes("MayHaveRun"), error.value);
    await other.close();
  });
  await report("a handler that calls back within its call", async () => {
    const nested = new Answering();
    nested.multiply = (async (a: bigint, b: bigint, context: CallContext) => {
      const sum = await new Exchange(context.connection).add(a, b, { within: context });
      return sum * 10n;
    }) as unknown as Answering["multiply"];
    const other = await connect(address, { handlers: [answersHandler(nested)] });
    deepStrictEqual(await new Exchange(other).ask(1n, 2n), 31n);
    await other.close();
  });
}

async function connections(): Promise<void> {
  await report("a connection that is refused", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const place = server.address();
    const port = typeof place === "object" ? (place?.port ?? 0) : 0;
    await new Promise((resolve) => server.close(resolve));
    const error = await status(connect(`${inPages ? "ws:" : ""}127.0.0.1:${String(port)}`), "UNAVAILABLE");
    ok(!error.mayHaveRun);
  });
  await report("a token that proves nothing", async () => {
    for (const token of ["wrong", Uint8Array.of(0xff)]) {
      const error = await status(connect(address, { token }), "UNAUTHENTICATED");
      ok(error.message.includes("nobody has this token"));
      ok(!error.mayHaveRun);
    }
  });
  await report("tokens that let in", async () => {
    const other = await connect(address, { token: "let me in" });
    const judged = new Exchange(other);
    deepStrictEqual(await judged.add(1n, 2n), 3n);
    deepStrictEqual(await judged.add(1n, 2n, { token: "let me in" }), 3n);
    await status(judged.add(1n, 2n, { token: "wrong" }), "UNAUTHENTICATED");
    await other.close();
  });
  await report("addresses that are none", async () => {
    for (const wrong of ["", "localhost", "127.0.0.1:99999", ":1", "a:b"]) {
      await status(connect(wrong), "INVALID_ARGUMENT");
    }
    await status(connect("unix:/nowhere/at/all"), inPages ? "INVALID_ARGUMENT" : "UNAVAILABLE");
  });
  if (!inPages) {
    await report("a connection over a Unix socket", async () => {
      const other = await connect(unix);
      deepStrictEqual(await new Exchange(other).add(1n, 2n), 3n);
      await other.close();
    });
  }
  await report("a signal for connecting is of no use after it", async () => {
    const controller = new AbortController();
    const other = await connect(address, { signal: controller.signal });
    controller.abort();
    deepStrictEqual(await new Exchange(other).add(1n, 2n), 3n);
    await other.close();
  });
  await report("a connection that is given up while connecting", async () => {
    await status(connect(address, { signal: AbortSignal.abort() }), "UNAVAILABLE");
  });
  await report("a connection that is lost", async () => {
    const other = await connect(address);
    const [call, items] = [new Exchange(other).forever(), new Exchange(other).endless()];
    await new Exchange(other).add(1n, 1n);
    other.destroy();
    ok((await status(call, "UNAVAILABLE")).mayHaveRun);
    await status(items.toArray(), "UNAVAILABLE");
    ok(!(await status(new Exchange(other).add(1n, 1n), "UNAVAILABLE")).mayHaveRun);
    await other.closed;
  });
  await report("a connection that is closed in order finishes what runs", async () => {
    const other = await connect(address);
    const all = Array.from({ length: 200 }, (_, index) => new Exchange(other).add(index, 1));
    const stream = new Exchange(other).count(1000).toArray();
    const closed = other.close();
    deepStrictEqual((await Promise.all(all))[199], 200n);
    deepStrictEqual((await stream).length, 1000);
    await closed;
    await status(new Exchange(other).add(1n, 1n), "UNAVAILABLE");
  });
  await report("limits of one's own", async () => {
    const limits = { maxFrame: 16_384, window: 16_384, maxMessage: 100_000, maxCalls: 1 };
    const other = new Exchange(await connect(address, { limits }));
    deepStrictEqual((await other.blocks(20, 50_000).toArray()).length, 20);
    deepStrictEqual((await other.count(20_000).toArray()).length, 20_000);
    await rejects(other.blocks(1, 200_000).toArray(), StatusError);
  });
  await report("limits that are none", async () => {
    await rejects(connect(address, { limits: { maxFrame: 1 } }), RangeError);
  });
}

/** Values that TypeScript refuses, as JavaScript and `any` let them through. */
async function mistakes(): Promise<void> {
  const wrong: [name: string, codec: rpc.AnyCodec, value: unknown][] = [
    ["text for bytes", rpc.bytes, "abc"],
    ["an array for bytes", rpc.bytes, [1, 2]],
    ["text for four bytes", rpc.octets(4), "abcd"],
    ["nothing for text", rpc.str, undefined],
    ["a number for text", rpc.str, 5],
    ["an array for a character", rpc.char, ["a"]],
    ["true for a number", rpc.u64, true],
    ["true for a short number", rpc.u8, true],
    ["text for a number", rpc.u64, "5"],
    ["text for a float", rpc.f64, "x"],
    ["nothing for a float", rpc.f64, undefined],
    ["NaN for a whole number", rpc.u32, NaN],
    ["NaN for a long number", rpc.i64, NaN],
    ["a float beyond 32 bits", rpc.f32, 1e39],
    ["a number for a bool", rpc.bool, 1],
    ["text for a list", rpc.seq(rpc.str), "ab"],
    ["a set for a list", rpc.seq(rpc.u8), new Set([1])],
    ["an object for a map", rpc.map(rpc.str, rpc.u8), { a: 1 }],
    ["text for a tuple", rpc.tuple(rpc.str, rpc.str), "ab"],
    ["a value for nothing", rpc.unit, 5],
    ["a bare value for an option in an option", rpc.nestedOption(rpc.option(rpc.u8)), 5],
    ["nothing for a struct", Record, undefined],
    ["text for a struct", Record, "record"],
    ["nothing for an enum", Colour, undefined],
    ["a symbol for an enum", Colour, Symbol("red")],
    ["text for a result", rpc.result(rpc.u8, rpc.str), "ok"],
  ];
  for (const [name, codec, value] of wrong) {
    await report(name, () => {
      throws(() => rpc.encode(codec, value as never), EncodeError);
    });
  }
  await report("a value that contains itself", () => {
    const tree: Tree = { label: "a", children: [] };
    tree.children.push(tree);
    throws(() => rpc.encode(Tree, tree), EncodeError);
  });
  await report("a value that is nested as deep as can be read", () => {
    const nested = (depth: number): Tree => ({ label: "", children: depth === 0 ? [] : [nested(depth - 1)] });
    const deepest = nested(rpc.MAX_DEPTH / 2 - 1);
    deepStrictEqual(rpc.decode(Tree, rpc.encode(Tree, deepest)), deepest);
    throws(() => rpc.encode(Tree, nested(rpc.MAX_DEPTH / 2)), EncodeError);
  });
  await report("what may be left out", async () => {
    const short: Record = { ...sample };
    delete short.class;
    delete short.tags;
    deepStrictEqual(await types.record(short), { ...sample, class: null, tags: [] });
    deepStrictEqual(await types.option(), null);
  });
}

/** Counts how many elements are gone through while something runs, as a measure of its work. */
async function counted(run: () => Promise<void>): Promise<number> {
  let steps = 0;
  const restore: (() => void)[] = [];
  const watch = (prototype: object, name: PropertyKey, size: (of: unknown) => number): void => {
    const own = Object.getOwnPropertyDescriptor(prototype, name);
    const plain = own?.value as (...given: unknown[]) => unknown;
    const watched = function (this: unknown, ...given: unknown[]): unknown {
      steps += size(this);
      return plain.apply(this, given);
    };
    Object.defineProperty(prototype, name, { ...own, value: watched });
    restore.push(() => Object.defineProperty(prototype, name, own ?? {}));
  };
  const length = (of: unknown): number => (of as unknown[]).length;
  const size = (of: unknown): number => (of as Set<unknown>).size;
  for (const name of ["filter", "findIndex", "find", "indexOf", "splice", "shift", "includes"]) {
    watch(Array.prototype, name, length);
  }
  for (const name of ["values", "forEach", "keys", Symbol.iterator]) {
    watch(Set.prototype, name, size);
    watch(Map.prototype, name, size);
  }
  try {
    await run();
  } finally {
    for (const again of restore) {
      again();
    }
  }
  return steps;
}

async function resources(): Promise<void> {
  await report("aborting many calls takes a step or so for each", async () => {
    const steps: number[] = [];
    for (const count of [1000, 10_000]) {
      const other = await connect(address);
      const forever = new Exchange(other);
      const controller = new AbortController();
      const { signal } = controller;
      const all = Array.from({ length: count }, () => forever.forever({ signal }));
      const settled = Promise.allSettled(all);
      await exchange.add(1n, 1n);
      const taken = await counted(async () => {
        controller.abort();
        ok((await settled).every(({ status }) => status === "rejected"));
        deepStrictEqual(await forever.add(2n, 2n), 4n);
      });
      steps.push(taken);
      deepStrictEqual(getEventListeners(signal, "abort"), []);
      await other.close();
    }
    const [few = 0, many = 0] = steps;
    ok(many < 20 * (few + 1000), `${String(few)} steps for 1,000, ${String(many)} for 10,000`);
  });
  await report("a signal that is shared keeps nothing of calls and connections", async () => {
    const { signal } = new AbortController();
    const others = await Promise.all(Array.from({ length: 12 }, () => connect(address, { signal })));
    for (const other of others) {
      deepStrictEqual(await new Exchange(other).add(1n, 2n, { signal }), 3n);
      await other.close();
    }
    deepStrictEqual(getEventListeners(signal, "abort"), []);
  });
  await report("a connection closes although a stream is not read", async () => {
    const other = await connect(address);
    const items = new Exchange(other).endless();
    const call = status(new Exchange(other).forever(), "UNAVAILABLE");
    deepStrictEqual((await items.next()).value, 0n);
    await other.close({ grace: 20 });
    ok((await call).mayHaveRun);
    await status(items.toArray(), "UNAVAILABLE");
  });
  await reportHere("connections and streams can be disposed of", async () => {
    const other = await connect(address);
    const before = await exchange.cancelled();
    const items = new Exchange(other).endless();
    await items.next();
    await items[Symbol.asyncDispose]();
    await cancelledSince(before);
    await other[Symbol.asyncDispose]();
    await other.closed;
  });
  await report("a stream that nobody has any more ends, and the server sees it", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    // What earlier cases have left ends as well, and ahead of this one.
    let before = -1;
    await eventually(async () => {
      gc();
      const [earlier, now] = [before, await exchange.cancelled()];
      before = now;
      return now === earlier;
    });
    await (async (): Promise<void> => {
      deepStrictEqual((await exchange.endless().next()).value, 0n);
    })();
    await eventually(async () => {
      gc();
      return (await exchange.cancelled()) > before;
    });
  });
  await report("items of an upload leave many in one write", async () => {
    const above = Object.getPrototypeOf(Socket.prototype) as { write: (...given: unknown[]) => boolean };
    const { write } = above;
    let writes = 0;
    Object.defineProperty(Socket.prototype, "write", {
      configurable: true,
      value: function (this: unknown, ...given: unknown[]): boolean {
        writes += 1;
        return write.apply(this, given);
      },
    });
    async function* quickly(): AsyncGenerator<bigint> {
      for (let index = 0; index < 2000; index += 1) {
        yield await Promise.resolve(1n);
      }
    }
    try {
      deepStrictEqual(await exchange.sum(quickly()), 2000n);
    } finally {
      Reflect.deleteProperty(Socket.prototype, "write");
    }
    ok(writes < 100, `${String(writes)} writes`);
  });
}

for (const suite of [numbers, texts, collections, standard, named, calls, large, cancelling]) {
  await suite();
}
if (!inPages) {
  await mistakes();
}
for (const suite of [streaming, uploading, answering, connections, resources]) {
  await suite();
}
await reportHere("nothing is a type and a codec", () => {
  deepStrictEqual(rpc.encode(Nothing, null), new Uint8Array(0));
  deepStrictEqual(rpc.decode(Record, rpc.encode(Record, sample)), sample);
});
await connection.close();
finish();
