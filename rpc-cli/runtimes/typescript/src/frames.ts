// Frames: heads, the payloads of those that are not about values, and the bytes of a connection cut into frames.
// PROTOCOL §2 to §8.

import { codeOf, type Detail, numberOf, ProtocolError, StatusError } from "./errors.js";
import { block, entries, Metadata, PAIR, passOver, unknown, UnknownEntry } from "./metadata.js";
import type { Priority } from "./method.js";
import { Writer } from "./wire.js";

/** The first bytes of each side. */
export const PREFACE = Uint8Array.of(0xa9, 0x52, 0x50, 0x43, 1, 0, 0, 0);

/** The id of calls without a reply. */
export const NO_REPLY = 0xffff_ffff;

export const Flag = { more: 1, json: 2, ext: 4, mine: 8 } as const;

/** The one table of kinds: the flags that a frame may have, those of them that it must have, what it is about, and what it carries. */
export const KINDS = [
  { number: 1, name: "hello", may: "", must: "", about: "connection", carries: "fields" },
  { number: 2, name: "request", may: "more json ext mine", must: "mine", about: "call", carries: "message" },
  { number: 3, name: "response", may: "more json ext", must: "", about: "call", carries: "message" },
  { number: 4, name: "error", may: "more json ext", must: "", about: "call", carries: "message" },
  { number: 5, name: "item", may: "more json ext mine", must: "", about: "call", carries: "message" },
  { number: 6, name: "end", may: "mine", must: "mine", about: "call", carries: "fields" },
  { number: 7, name: "credit", may: "mine", must: "", about: "call", carries: "fields" },
  { number: 8, name: "cancel", may: "mine", must: "", about: "call", carries: "fields" },
  { number: 9, name: "ping", may: "", must: "", about: "connection", carries: "fields" },
  { number: 10, name: "pong", may: "", must: "", about: "connection", carries: "fields" },
  { number: 11, name: "goaway", may: "", must: "", about: "connection", carries: "fields" },
  { number: 12, name: "accept", may: "", must: "", about: "call", carries: "fields" },
  { number: 13, name: "extension", may: "mine", must: "", about: "either", carries: "fields" },
] as const;

/** The numbers of kinds by their names. */
export const Kind = Object.fromEntries(KINDS.map(({ name, number }) => [name, number])) as Readonly<
  Record<(typeof KINDS)[number]["name"], number>
>;

const HEAD = 8;
const MAX_CONTROL = 4096;
/** An accept carries metadata. */
const MAX_ACCEPT = 65_536;

/** What the table says of each number. */
const RULES = new Map(
  KINDS.map(({ number, may, must, about, carries }) => [
    number as number,
    // An id is zero where a frame is about the connection.
    [flagsOf(may), flagsOf(must), about !== "connection", carries === "message"] as const,
  ]),
);

function flagsOf(names: string): number {
  return Object.entries(Flag).reduce(
    (flags, [name, flag]) => (names.split(" ").includes(name) ? flags | flag : flags),
    0,
  );
}

/** One frame. */
export interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** The bytes of a frame. */
export function encodeFrame(
  kind: number,
  flags: number,
  id: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const frame = new Uint8Array(HEAD + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length, true);
  frame[3] = kind | (flags << 4);
  view.setUint32(4, id, true);
  frame.set(payload, HEAD);
  return frame;
}

/** Cuts what arrives into frames. Holds no more than what has arrived of one frame. */
export class FrameDecoder {
  readonly #maxFrame: number;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #head: Omit<Frame, "payload"> | undefined;
  #need = PREFACE.length;
  #prefaced = false;

  constructor(maxFrame: number) {
    this.#maxFrame = maxFrame;
  }

  /** Whether a frame has begun that is not whole. */
  get isPartial(): boolean {
    return this.#size > 0 || this.#head !== undefined;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length > 0) {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
    }
  }

  /** The next whole frame, if it is there. */
  next(): Frame | undefined {
    if (!this.#prefaced) {
      const preface = this.#take();
      if (preface === undefined) {
        return undefined;
      }
      checkPreface(preface);
      this.#prefaced = true;
      this.#need = HEAD;
    }
    if (this.#head === undefined) {
      const head = this.#take();
      if (head === undefined) {
        return undefined;
      }
      const view = new DataView(head.buffer, head.byteOffset, HEAD);
      const word = view.getUint32(0, true);
      const [kind, flags] = [(word >>> 24) & 0xf, word >>> 28];
      const id = view.getUint32(4, true);
      this.#need = word & 0xff_ffff;
      checkHead(kind, flags, id, this.#need, this.#maxFrame);
      this.#head = { kind, flags, id };
    }
    const payload = this.#take();
    if (payload === undefined) {
      return undefined;
    }
    const frame = { ...this.#head, payload };
    this.#head = undefined;
    this.#need = HEAD;
    return frame;
  }

  /** As many bytes as are needed, if they are there. */
  #take(): Uint8Array | undefined {
    if (this.#size < this.#need) {
      return undefined;
    }
    const [first] = this.#chunks;
    let whole = first ?? new Uint8Array(0);
    if (whole.length < this.#need) {
      whole = concat(this.#chunks);
      this.#chunks = [whole];
    }
    const taken = whole.subarray(0, this.#need);
    const rest = whole.subarray(this.#need);
    this.#size -= this.#need;
    if (rest.length > 0) {
      this.#chunks[0] = rest;
    } else {
      this.#chunks.shift();
    }
    return taken;
  }
}

/** All of the bytes in one piece. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) {
    return first;
  }
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function checkPreface(bytes: Uint8Array): void {
  const right = [0xa9, 0x52, 0x50, 0x43].every((byte, index) => bytes[index] === byte);
  if (!right || bytes[4] === 0) {
    throw new ProtocolError("the other side does not speak this protocol");
  }
}

function checkHead(kind: number, flags: number, id: number, length: number, maxFrame: number): void {
  const rule = RULES.get(kind);
  if (rule === undefined) {
    throw new ProtocolError(`a frame of unknown kind ${String(kind)}`);
  }
  const [may, must, named, message] = rule;
  if ((flags & ~may) !== 0 || (flags & must) !== must || (!named && id !== 0)) {
    throw new ProtocolError(`a frame of kind ${String(kind)} with flags or an id it cannot have`);
  }
  const limit = message ? maxFrame : kind === Kind.accept ? MAX_ACCEPT : MAX_CONTROL;
  if (length > limit) {
    throw new ProtocolError(`a frame of ${String(length)} bytes, above ${String(limit)}`);
  }
}

/** What a request says beside its arguments. */
export interface Extension {
  readonly timeout: bigint | undefined;
  readonly metadata: Metadata;
  readonly sends: boolean;
  readonly expects: boolean;
  /** Whether a handler of a call of this side makes it. */
  readonly nested: boolean;
  /** Bytes of items that may be sent at once beyond the hello. */
  readonly credit: number;
  /** How much the call matters, by its place among the priorities. */
  readonly priority: number;
  /** What proves for whom the call is made. This side passes it over. */
  readonly token: Uint8Array | undefined;
}

/** A request is not started: an answer says why, and the connection lives. */
export class RequestError extends Error {
  readonly code: "INVALID_ARGUMENT" | "UNIMPLEMENTED";

  constructor(code: "INVALID_ARGUMENT" | "UNIMPLEMENTED", message: string) {
    super(message);
    this.code = code;
  }
}

const TIME = 1;
const STREAMS = 3;
const WITHIN = 4;
const CREDIT = 5;
const PRIORITY = 6;
const LEAST = 3;
/** The priority of what says none. */
export const NORMAL = 1;
export const PRIORITIES: readonly Priority[] = ["critical", "normal", "low", "sheddable"];
const TOKEN = 10;
const MAX_TOKEN = 4096;
const LENGTHS = new Map([[TIME, 8], [STREAMS, 1], [WITHIN, 4], [CREDIT, 4], [PRIORITY, 1]]);

/** Reads an extension, and gives how long it is. */
export function decodeExtension(payload: Uint8Array): [extension: Extension, length: number] {
  const metadata = new Metadata();
  let timeout: bigint | undefined;
  let [streams, credit, nested, priority] = [0, 0, false, NORMAL];
  let token: Uint8Array | undefined;
  try {
    const [content, length] = block(payload);
    for (const [tag, value] of entries(content)) {
      const expected = LENGTHS.get(tag);
      if (tag === PAIR) {
        Metadata.read(metadata, value);
      } else if (tag === TOKEN) {
        if (value.length < 1 || value.length > MAX_TOKEN) {
          throw new RangeError("a token that is empty or too long");
        }
        token = value.slice();
      } else if (expected === undefined) {
        unknown(tag);
      } else if (value.length !== expected) {
        throw new RangeError(`entry ${String(tag)} has another length than its own`);
      } else if (tag === TIME) {
        timeout = view(value).getBigUint64(0, true);
      } else if (tag === STREAMS) {
        streams = value[0] ?? 0;
      } else if (tag === WITHIN) {
        nested = true;
      } else if (tag === PRIORITY) {
        priority = Math.min(value[0] ?? NORMAL, LEAST);
      } else {
        credit = view(value).getUint32(0, true);
      }
    }
    const [sends, expects] = [(streams & 1) !== 0, (streams & 2) !== 0];
    return [{ timeout, metadata, sends, expects, nested, credit, priority, token }, length];
  } catch (error) {
    if (error instanceof UnknownEntry) {
      throw new RequestError("UNIMPLEMENTED", error.message);
    }
    if (error instanceof ProtocolError || error instanceof RangeError) {
      throw new RequestError("INVALID_ARGUMENT", error.message);
    }
    throw error;
  }
}

/** Whether the caller of a request that cannot be read sends items: it does not know yet that it is refused. */
export function sendsItems(payload: Uint8Array): boolean {
  try {
    for (const [tag, value] of entries(block(payload)[0])) {
      if (tag === STREAMS) {
        return ((value[0] ?? 0) & 1) !== 0;
      }
    }
  } catch {
    // It says so no further.
  }
  return false;
}

const RETRY_AFTER = 1;
const DETAIL = 2;
const MAX_TEXT = 8192;
const MAX_DETAILS = 8192;
const MAX_64 = (1n << 64n) - 1n;

/** The payload of an error frame that carries a status. */
export function encodeStatus(status: StatusError): Uint8Array {
  const writer = new Writer();
  writer.byte(1);
  writer.byte(numberOf(status.code));
  writer.byte(status.mayHaveRun ? 1 : 0);
  writeText(writer, status.message, MAX_TEXT);
  if (status.retryAfter !== undefined && status.retryAfter >= 0) {
    const milliseconds = Math.min(status.retryAfter, Number.MAX_SAFE_INTEGER);
    const nanoseconds = BigInt(Math.round(milliseconds)) * 1_000_000n;
    writer.byte(RETRY_AFTER);
    writer.u16(8);
    writer.u64(nanoseconds > MAX_64 ? MAX_64 : nanoseconds);
  }
  let left = MAX_DETAILS;
  for (const { type, bytes } of status.details) {
    const name = clip(type, 255);
    left -= name.length + bytes.length + 8;
    if (left >= 0) {
      writer.byte(DETAIL);
      writer.u16(1 + name.length + bytes.length);
      writer.byte(name.length);
      writer.raw(name);
      writer.raw(bytes);
    }
  }
  return writer.finish();
}

/**
 * What an error frame carries: a status, or the bytes of the application's own error. What this side does not know, an
 * origin or an execution, is a failure of unknown kind that may have run.
 */
export function decodeError(payload: Uint8Array): StatusError | Uint8Array {
  const [whose, code = 0, execution] = payload;
  if (whose === 0) {
    return payload.subarray(1);
  }
  if (whose === undefined || (whose === 1 && execution === undefined)) {
    throw new ProtocolError("an error frame that ends early");
  }
  if (whose !== 1) {
    return new StatusError("UNKNOWN", `the other side failed in a way that is unknown here (${String(whose)})`);
  }
  const [message, end] = readText(payload, 3);
  let retryAfter: number | undefined;
  const details: Detail[] = [];
  for (const [tag, value] of entries(payload.subarray(end))) {
    if (tag === RETRY_AFTER) {
      exactly(value, 8);
      retryAfter = Number(view(value).getBigUint64(0, true)) / 1e6;
    } else if (tag === DETAIL) {
      const start = 1 + (value[0] ?? 0xffff);
      if (start > value.length) {
        throw new ProtocolError("a detail of a status that ends early");
      }
      details.push({ type: text(value.subarray(1, start)), bytes: value.slice(start) });
    }
  }
  const known = execution === 0 || execution === 1;
  return new StatusError(known ? codeOf(code) : "UNKNOWN", message, execution !== 0, { retryAfter, details });
}

/** The last of the codes of a goaway that are known. */
const UNAUTHENTICATED = 6;

/** A goaway with its code, 0 for drain. */
export function encodeGoaway(code: number, accepted: number, message: string): Uint8Array {
  const writer = new Writer();
  writer.byte(code);
  writer.u64(BigInt(accepted));
  writeText(writer, message, 1024);
  return encodeFrame(Kind.goaway, 0, 0, writer.finish());
}

/** The code, the number of accepted requests and the message of a goaway. */
export function decodeGoaway(payload: Uint8Array): [code: number, accepted: bigint, message: string] {
  if (payload.length < 9) {
    throw new ProtocolError("a goaway that ends early");
  }
  const [message, end] = readText(payload, 9);
  passOver(payload.subarray(end));
  // Of a code that is not known, it is a rule that was broken.
  const [code = 1] = payload;
  return [code <= UNAUTHENTICATED ? code : 1, view(payload).getBigUint64(1, true), message];
}

/** Reads an extension frame: none is known. */
export function checkExtensionFrame(payload: Uint8Array): void {
  const [low, high] = payload;
  if (low === undefined || high === undefined) {
    throw new ProtocolError("an extension frame that ends early");
  }
  if ((high & 0x80) !== 0) {
    throw new ProtocolError("an extension frame that must be understood, and is not known here");
  }
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function exactly(value: Uint8Array, length: number): void {
  if (value.length !== length) {
    throw new ProtocolError("an entry of another length than its own");
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** As much of a text as fits, cut at a character. */
function clip(whole: string, most: number): Uint8Array {
  const bytes = new TextEncoder().encode(whole);
  let end = Math.min(bytes.length, most);
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) {
    end -= 1;
  }
  return bytes.subarray(0, end);
}

/** Writes a text behind its length, cut to so many bytes. */
export function writeText(writer: Writer, whole: string, most: number): void {
  const bytes = clip(whole, most);
  writer.u16(bytes.length);
  writer.raw(bytes);
}

/** A text behind its length, repaired if it is not UTF-8, and where it ends. */
function readText(payload: Uint8Array, at: number): [message: string, end: number] {
  const [low, high] = payload.subarray(at, at + 2);
  const end = low === undefined || high === undefined ? Number.POSITIVE_INFINITY : at + 2 + low + high * 256;
  if (end > payload.length) {
    throw new ProtocolError("a text that ends early");
  }
  return [text(payload.subarray(at + 2, end)), end];
}
