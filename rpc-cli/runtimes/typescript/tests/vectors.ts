// Golden vectors of the protocol, which `tests/vectors` of the repository holds for all languages: their files, and the
// words in which they say what a frame means. Run in the folder of the package.

import { readFileSync } from "node:fs";

import { codeOf, numberOf, StatusError } from "../src/errors.js";
import {
  concat,
  decodeError,
  decodeExtension,
  decodeGoaway,
  encodeFrame,
  encodeGoaway,
  encodeStatus,
  Flag,
  type Frame,
  FrameDecoder,
  Kind,
  KINDS,
  PREFACE,
  view,
} from "../src/frames.js";
import { decodeHello, DEFAULT_LIMITS, encodeHello, type Limits } from "../src/hello.js";
import { block, Metadata, passOver, readPairs } from "../src/metadata.js";
import type { CallContext } from "../src/method.js";
import { encodeExtension, encodeRequest } from "../src/ongoing.js";
import { Writer } from "../src/wire.js";

const FOLDER = "../../../tests/vectors";

const ABOUT_CALLS: readonly number[] = [Kind.cancel, Kind.accept, Kind.end, Kind.credit, Kind.extension];
const EITHER_SIDE: readonly number[] = [Kind.cancel, Kind.item, Kind.credit, Kind.extension];

/** What vectors call the limits of a hello, and what the run-time does. */
const LIMITS = [
  ["max_frame", "maxFrame"],
  ["max_message", "maxMessage"],
  ["max_calls", "maxCalls"],
  ["max_partial", "maxPartial"],
  ["window", "initialWindow"],
  ["max_streams", "maxStreams"],
  ["oneway_window", "onewayWindow"],
  ["request_window", "requestWindow"],
] as const;

/** One entry of a file. */
export interface Vector {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly means: string;
  /** Whether the bytes hold more than is understood, so that they are not what the meaning is written as. */
  readonly decodeOnly: boolean;
}

/** The vectors of a file. */
export function read(file: string): Vector[] {
  const lines = readFileSync(`${FOLDER}/${file}`, "utf8").split("\n");
  const text = lines.filter((line) => !line.startsWith("#")).join("\n");
  const parts = text.split("\n\n").map((part) => part.trim());
  return parts.filter((part) => part !== "").map((part) => {
    const fields = new Map(
      part.split("\n").map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    );
    return {
      name: fields.get("name") ?? "",
      bytes: unhex(fields.get("hex") ?? ""),
      means: fields.get("means") ?? "",
      decodeOnly: fields.get("only") === "decode",
    };
  });
}

/** Hex digits; a long run of one byte is `5a*1000`. */
export function unhex(text: string): Uint8Array {
  const runs = text.split(" ").map((run) => {
    const [digits = "", count = "1"] = run.split("*");
    return Buffer.concat(new Array<Buffer>(Number(count)).fill(Buffer.from(digits, "hex")));
  });
  return new Uint8Array(Buffer.concat(runs));
}

/** What `unhex` reads. */
export function hex(bytes: Uint8Array): string {
  const [first = 0] = bytes;
  const same = bytes.length > 16 && bytes.every((byte) => byte === first);
  return same ? `${Buffer.from([first]).toString("hex")}*${String(bytes.length)}` : Buffer.from(bytes).toString("hex");
}

/** The one frame that bytes are. */
export function cut(bytes: Uint8Array): Frame {
  const decoder = new FrameDecoder(0xff_ffff);
  decoder.push(concat([PREFACE, bytes]));
  const frame = decoder.next();
  if (frame === undefined || decoder.isPartial) {
    throw new Error("it is not one frame");
  }
  return frame;
}

/** What the run-time takes a preface or frame for; `part` says that its message was begun before. */
export function describe(bytes: Uint8Array, part: boolean): string {
  if (Buffer.compare(bytes, PREFACE) === 0) {
    return "preface version=1";
  }
  const frame = cut(bytes);
  const { kind, flags, id, payload } = frame;
  const row = KINDS.find(({ number }) => number === kind);
  const words: string[] = [row?.name ?? "unknown"];
  if (row?.carries === "message" || ABOUT_CALLS.includes(kind)) {
    words.push(`id=${String(id)}`);
  }
  if (EITHER_SIDE.includes(kind) && (flags & Flag.mine) === 0) {
    words.push("theirs");
  }
  words.push(...(["json", "more"] as const).filter((flag) => (flags & Flag[flag]) !== 0));
  words.push(...(part ? [`part=${hex(payload)}`] : content(frame)));
  return words.join(" ");
}

function* content({ kind, flags, payload }: Frame): Generator<string> {
  const extended = (flags & Flag.ext) !== 0;
  switch (kind) {
    case Kind.hello:
      yield* hello(payload);
      break;
    case Kind.request:
      yield* request(payload, extended);
      break;
    case Kind.response:
    case Kind.error:
    case Kind.item: {
      const [entries, end] = extended ? block(payload) : [new Uint8Array(0), 0];
      const pairs = readPairs(entries);
      yield* kind === Kind.item ? [] : metadata(pairs);
      const rest = payload.subarray(end);
      yield* kind === Kind.error ? failure(rest) : [`value=${hex(rest)}`];
      break;
    }
    case Kind.accept:
      yield* metadata(readPairs(payload));
      break;
    case Kind.credit:
      yield `bytes=${String(view(payload).getUint32(0, true))}`;
      break;
    case Kind.ping:
    case Kind.pong:
      yield `token=${String(view(payload).getBigUint64(0, true))}`;
      break;
    case Kind.goaway: {
      const [code, accepted, message] = decodeGoaway(payload);
      yield `accepted=${String(accepted)} code=${String(code)} message=${message}`;
      break;
    }
    case Kind.extension:
      yield `subtype=${String(view(payload).getUint16(0, true))} bytes=${hex(payload.subarray(2))}`;
      break;
    default:
      passOver(payload);
  }
}

function* hello(payload: Uint8Array): Generator<string> {
  const said = decodeHello(payload);
  yield* LIMITS.map(([word, limit]) => `${word}=${String(said[limit])}`);
  yield* said.features === 0n ? [] : [`features=${String(said.features)}`];
  yield* said.token === undefined ? [] : [`token=${hex(said.token)}`];
  yield* said.name === "" ? [] : [`name=${said.name}`];
}

function* request(payload: Uint8Array, extended: boolean): Generator<string> {
  let rest = payload.subarray(8);
  yield `key=${view(payload).getBigUint64(0, true).toString(16).padStart(16, "0")}`;
  if (extended) {
    const [extension, length] = decodeExtension(rest);
    rest = rest.subarray(length);
    yield* extension.timeout === undefined ? [] : [`nanoseconds=${String(extension.timeout)}`];
    yield* metadata(extension.metadata);
    yield* extension.sends ? ["up"] : [];
    yield* extension.expects ? ["down"] : [];
    // Which call it is within, this side does not keep.
    yield* extension.nested ? ["within"] : [];
    yield* extension.credit === 0 ? [] : [`credit=${String(extension.credit)}`];
    yield* extension.token === undefined ? [] : [`token=${hex(extension.token)}`];
  }
  yield `arguments=${hex(rest)}`;
}

/** Pairs in their order; values that are bytes in hex. */
function* metadata(pairs: Metadata): Generator<string> {
  for (const [key, value] of pairs) {
    yield `metadata.${key}=${typeof value === "string" ? value : hex(value)}`;
  }
}

function* failure(payload: Uint8Array): Generator<string> {
  const error = decodeError(payload);
  if (!(error instanceof StatusError)) {
    yield `application=${hex(error)}`;
    return;
  }
  yield error.mayHaveRun ? "may_have_run" : "not_started";
  yield `status=${String(numberOf(error.code))}`;
  yield* error.retryAfter === undefined ? [] : [`retry_after=${String(Math.round(error.retryAfter * 1e6))}`];
  yield* error.details.map(({ type, bytes }) => `detail.${type}=${hex(bytes)}`);
  yield `message=${error.message}`;
}

/** A meaning, taken apart. */
class Words {
  readonly kind: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** A name or message, which may have spaces. */
  readonly long: string;

  constructor(means: string) {
    const [, head = "", long = ""] = /^(.*?)(?: (?:name|message)=(.*))?$/s.exec(means) ?? [];
    const [kind = "", ...words] = head.split(" ");
    this.kind = kind;
    this.long = long;
    this.fields = words.map((word) => {
      const [name = "", ...value] = word.split("=");
      return [name, value.join("=")];
    });
  }

  text(name: string): string | undefined {
    return this.fields.find(([known]) => known === name)?.[1];
  }

  has(name: string): boolean {
    return this.text(name) !== undefined;
  }

  number(name: string): number {
    return Number(this.text(name) ?? 0);
  }

  /** The same as bytes. */
  bytes(name: string): Uint8Array | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : unhex(text);
  }

  /** The fields that begin so, without that. */
  below(prefix: string): [name: string, value: string][] {
    const found = this.fields.filter(([name]) => name.startsWith(prefix));
    return found.map(([name, value]) => [name.slice(prefix.length), value]);
  }

  get metadata(): Metadata {
    const pairs = this.below("metadata.");
    return new Metadata(pairs.map(([key, value]) => [key, key.endsWith("-bin") ? unhex(value) : value] as const));
  }
}

/** The bytes that the run-time writes for a meaning. */
export function encode(means: string): Uint8Array {
  const words = new Words(means);
  if (words.kind === "preface") {
    return PREFACE;
  }
  if (words.kind === "hello") {
    const limits: { -readonly [K in keyof Limits]: number } = { ...DEFAULT_LIMITS };
    for (const [word, limit] of LIMITS) {
      limits[limit] = words.number(word);
    }
    return encodeHello(limits, words.long, words.bytes("token"));
  }
  if (words.kind === "goaway") {
    return encodeGoaway(words.number("code"), words.number("accepted"), words.long);
  }
  const kind = Kind[words.kind as keyof typeof Kind];
  let flags = (words.has("json") ? Flag.json : 0) | (words.has("more") ? Flag.more : 0);
  if (kind === Kind.request || kind === Kind.end || (EITHER_SIDE.includes(kind) && !words.has("theirs"))) {
    flags |= Flag.mine;
  }
  const part = words.text("part");
  if (part !== undefined) {
    return encodeFrame(kind, flags, words.number("id"), unhex(part));
  }
  let payload = body(kind, words);
  if (kind === Kind.request) {
    const extension = extensionOf(words);
    flags |= extension.length > 0 ? Flag.ext : 0;
    payload = encodeRequest(BigInt(`0x${words.text("key") ?? ""}`), extension, payload);
  } else if (words.metadata.size > 0 && kind !== Kind.accept) {
    flags |= Flag.ext;
    const pairs = written((writer) => { words.metadata.write(writer); });
    payload = concat([written((writer) => { writer.u16(pairs.length); }), pairs, payload]);
  }
  return encodeFrame(kind, flags, words.number("id"), payload);
}

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.finish();
}

function extensionOf(words: Words): Uint8Array {
  const options = {
    metadata: words.metadata,
    ...(words.has("nanoseconds") ? { timeout: words.number("nanoseconds") / 1e6 } : {}),
    ...(words.has("token") ? { token: words.bytes("token") ?? "" } : {}),
    ...(words.has("within") ? { within: { id: words.number("within") } as CallContext } : {}),
  };
  return encodeExtension(options, words.has("up"), words.has("down"));
}

/** A payload without what goes ahead of it. */
function body(kind: number, words: Words): Uint8Array {
  const value = words.text("value") ?? words.text("arguments");
  if (value !== undefined) {
    return unhex(value);
  }
  switch (kind) {
    case Kind.error: {
      const application = words.text("application");
      return application === undefined ? encodeStatus(statusOf(words)) : concat([Uint8Array.of(0), unhex(application)]);
    }
    case Kind.accept:
      return written((writer) => { words.metadata.write(writer); });
    case Kind.credit:
      return written((writer) => { writer.u32(words.number("bytes")); });
    case Kind.ping:
    case Kind.pong:
      return written((writer) => { writer.u64(BigInt(words.number("token"))); });
    case Kind.extension: {
      const subtype = written((writer) => { writer.u16(words.number("subtype")); });
      return concat([subtype, unhex(words.text("bytes") ?? "")]);
    }
    default:
      return new Uint8Array(0);
  }
}

function statusOf(words: Words): StatusError {
  const retryAfter = words.has("retry_after") ? words.number("retry_after") / 1e6 : undefined;
  const details = words.below("detail.").map(([type, bytes]) => ({ type, bytes: unhex(bytes) }));
  const code = codeOf(words.number("status"));
  return new StatusError(code, words.long, !words.has("not_started"), { retryAfter, details });
}

