// Frames: heads, the payloads of those that are not about values, and the bytes of a connection cut into frames.
// PROTOCOL §2 to §8.

import { codeOf, numberOf, ProtocolError, StatusError } from "./errors.js";
import { Writer } from "./wire.js";

/** The first bytes of each side. */
export const PREFACE = Uint8Array.of(0xa9, 0x52, 0x50, 0x43, 1, 0, 0, 0);

/** The id of calls without a reply. */
export const NO_REPLY = 0xffff_ffff;

export const Kind = {
  hello: 1,
  request: 2,
  response: 3,
  error: 4,
  item: 5,
  end: 6,
  credit: 7,
  cancel: 8,
  ping: 9,
  pong: 10,
  goaway: 11,
  accept: 12,
} as const;

export const Flag = { more: 1, json: 2, ext: 4, mine: 8 } as const;

const HEAD = 8;
const MAX_CONTROL = 4096;

/** The flags that each kind may have, the flags it must have, and whether it is about a call. */
const RULES: readonly (readonly [may: number, must: number, call: boolean] | undefined)[] = [
  undefined,
  [0, 0, false],
  [15, 8, true],
  [3, 0, true],
  [3, 0, true],
  [11, 0, true],
  [8, 8, true],
  [8, 0, true],
  [8, 0, true],
  [0, 0, false],
  [0, 0, false],
  [0, 0, false],
  [0, 0, true],
];

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
  const rule = RULES[kind];
  if (rule === undefined) {
    throw new ProtocolError(`a frame of unknown kind ${String(kind)}`);
  }
  const [may, must, call] = rule;
  if ((flags & ~may) !== 0 || (flags & must) !== must || (!call && id !== 0)) {
    throw new ProtocolError(`a frame of kind ${String(kind)} with flags or an id it cannot have`);
  }
  const limit = kind >= Kind.request && kind <= Kind.item ? maxFrame : MAX_CONTROL;
  if (length > limit) {
    throw new ProtocolError(`a frame of ${String(length)} bytes, above ${String(limit)}`);
  }
}

/** What a side accepts. */
export interface Limits {
  /** Longest payload of a frame that carries values. */
  readonly maxFrame: number;
  /** Longest message. */
  readonly maxMessage: number;
  /** Calls that the other side may have open. */
  readonly maxCalls: number;
  /** Messages that the other side may have half sent. */
  readonly maxPartial: number;
  /** Bytes of items in one stream that the other side may send ahead. */
  readonly window: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxFrame: 65_536,
  maxMessage: 4_194_304,
  maxCalls: 1024,
  maxPartial: 4,
  window: 524_288,
};

const LIMITS = [
  ["maxFrame", 1, 16_384, 16_777_215],
  ["maxMessage", 2, 16_384, 1_073_741_824],
  ["maxCalls", 3, 1, 1_048_576],
  ["maxPartial", 4, 1, 1024],
  ["window", 6, 16_384, 1_073_741_824],
] as const;

/** The hello that announces these limits. */
export function encodeHello(limits: Limits): Uint8Array {
  const writer = new Writer();
  for (const [name, tag, low, high] of LIMITS) {
    const limit = limits[name];
    if (!Number.isInteger(limit) || limit < low || limit > high) {
      throw new RangeError(`${name} must be from ${String(low)} to ${String(high)}`);
    }
    writer.byte(tag);
    writer.u16(4);
    writer.u32(limit);
  }
  return encodeFrame(Kind.hello, 0, 0, writer.finish());
}

/** The limits that a hello announces. */
export function decodeHello(payload: Uint8Array): Limits {
  const limits: { -readonly [K in keyof Limits]: number } = { ...DEFAULT_LIMITS };
  for (const [tag, value] of entries(payload)) {
    if (tag === 5) {
      strictText(value);
      if (value.length > 256) {
        throw new ProtocolError("a hello with a name of more than 256 bytes");
      }
    }
    const limit = LIMITS.find((entry) => entry[1] === tag);
    if (limit === undefined) {
      continue;
    }
    const [name, , low, high] = limit;
    const number = value.length === 4 ? view(value).getUint32(0, true) : -1;
    if (number < low || number > high) {
      throw new ProtocolError(`a hello with ${name} out of its range`);
    }
    limits[name] = number;
  }
  return limits;
}

/** What a request says beside its arguments. */
export interface Extension {
  readonly timeout: bigint | undefined;
  readonly metadata: ReadonlyMap<string, string>;
  readonly sends: boolean;
  readonly expects: boolean;
}

/** The rules of an extension are broken: an answer says so, and the connection lives. */
export class ExtensionError extends Error {}

/** Reads an extension, and gives how long it is. */
export function decodeExtension(payload: Uint8Array): [extension: Extension, length: number] {
  const length = payload.length < 2 ? Number.POSITIVE_INFINITY : 2 + view(payload).getUint16(0, true);
  if (length > payload.length) {
    throw new ExtensionError("the extension ends early");
  }
  const metadata = new Map<string, string>();
  let timeout: bigint | undefined;
  let [streams, size] = [0, 0];
  try {
    for (const [tag, value] of entries(payload.subarray(2, length))) {
      if (tag === 1) {
        exactly(value, 8);
        timeout = view(value).getBigUint64(0, true);
      } else if (tag === 2) {
        const end = 1 + (value[0] ?? 0xffff);
        size += value.length + 7;
        if (end > value.length || size > 8192) {
          throw new ProtocolError("metadata that is cut or too long");
        }
        const key = strictText(value.subarray(1, end));
        if (!METADATA_KEY.test(key)) {
          throw new ProtocolError("a key of metadata with other characters than a-z 0-9 - _ .");
        }
        metadata.set(key, strictText(value.subarray(end)));
      } else if (tag === 3) {
        exactly(value, 1);
        streams = value[0] ?? 0;
      } else if (tag === 4) {
        exactly(value, 4);
      }
    }
  } catch (error) {
    throw error instanceof ProtocolError ? new ExtensionError(error.message) : error;
  }
  const [sends, expects] = [(streams & 1) !== 0, (streams & 2) !== 0];
  return [{ timeout, metadata, sends, expects }, length];
}

/** What a key of metadata consists of. */
export const METADATA_KEY = /^[a-z0-9\-_.]{1,64}$/;

/** The tagged entries of a hello or an extension. */
function* entries(payload: Uint8Array): Generator<[tag: number, value: Uint8Array]> {
  let at = 0;
  while (at < payload.length) {
    const head = payload.subarray(at, at + 3);
    const end = head.length === 3 ? at + 3 + view(head).getUint16(1, true) : Number.POSITIVE_INFINITY;
    if (end > payload.length) {
      throw new ProtocolError("an entry that ends early");
    }
    yield [head[0] ?? 0, payload.subarray(at + 3, end)];
    at = end;
  }
}

/** The payload of an error frame that carries a status. */
export function encodeStatus(status: StatusError): Uint8Array {
  const message = new TextEncoder().encode(status.message.slice(0, 2048));
  return concat([Uint8Array.of(1, numberOf(status.code), status.mayHaveRun ? 1 : 0), message]);
}

/** What an error frame carries: a status, or the bytes of the application's own error. */
export function decodeError(payload: Uint8Array): StatusError | Uint8Array {
  const [whose, code = 0, execution] = payload;
  if (whose === 0) {
    return payload.subarray(1);
  }
  if (whose !== 1 || (execution !== 0 && execution !== 1)) {
    throw new ProtocolError("an error frame that is neither of the application nor a status");
  }
  return new StatusError(codeOf(code), text(payload.subarray(3)), execution === 1);
}

/** A goaway with its code, 0 for drain. */
export function encodeGoaway(code: number, accepted: number, message: string): Uint8Array {
  const writer = new Writer();
  writer.byte(code);
  writer.u64(BigInt(accepted));
  writer.raw(new TextEncoder().encode(message.slice(0, 256)));
  return encodeFrame(Kind.goaway, 0, 0, writer.finish());
}

/** The code, the number of accepted requests and the message of a goaway. */
export function decodeGoaway(payload: Uint8Array): [code: number, accepted: bigint, message: string] {
  if (payload.length < 9) {
    throw new ProtocolError("a goaway that ends early");
  }
  const message = text(payload.subarray(9));
  return [payload[0] ?? 1, view(payload).getBigUint64(1, true), message];
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

function strictText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ProtocolError("text that is not UTF-8");
  }
}
