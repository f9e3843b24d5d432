// Bincode: bytes of values, written and read in order. The reader trusts nothing: each length is held against the
// bytes that are left before anything is made of it.

import { DecodeError, EncodeError, type DecodeErrorKind } from "./errors.js";

/** How deep values may be nested, counted at every option, struct, enum, sequence, map and tuple. */
export const MAX_DEPTH = 128;

/** Elements without content that one message may hold: they take time to make, and no bytes to send. */
export const EMPTY_ELEMENTS = 65_536;

const U16 = 251;
const U32 = 252;
const U64 = 253;
const U128 = 254;
/** Text up to this length is tried letter by letter; its length takes one byte. */
const SHORT = 64;
const MAX_64 = (1n << 64n) - 1n;
const LONE_SURROGATE = /\p{Surrogate}/u;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Puts values one behind the other. */
export class Writer {
  #bytes = new Uint8Array(128);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #depth = MAX_DEPTH;

  /** Goes one level deeper, as `Reader.nested` does: what is written can be read. */
  enter(): void {
    if (this.#depth === 0) {
      throw new EncodeError(`values are nested more than ${String(MAX_DEPTH)} deep, or contain themselves`);
    }
    this.#depth -= 1;
  }

  /** Comes back from a level. */
  leave(): void {
    this.#depth += 1;
  }

  /** What was written; the writer is of no use then. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  f32(value: number): void {
    const at = this.#take(4);
    this.#view.setFloat32(at, value, true);
  }

  f64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value, true);
  }

  /** An unsigned number of fixed width. */
  u16(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value, true);
  }

  /** An unsigned number of fixed width. */
  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  /** An unsigned number of fixed width. */
  u64(value: bigint): void {
    const at = this.#take(8);
    this.#view.setBigUint64(at, value, true);
  }

  /** An unsigned number below 2^32, in its shortest form. */
  unsigned(value: number): void {
    if (value < U16) {
      this.byte(value);
    } else if (value <= 0xffff) {
      this.byte(U16);
      this.u16(value);
    } else {
      this.byte(U32);
      this.u32(value);
    }
  }

  /** An unsigned number below 2^128, in its shortest form. */
  big(value: bigint): void {
    if (value <= 0xffff_ffffn) {
      this.unsigned(Number(value));
    } else if (value <= MAX_64) {
      this.byte(U64);
      this.u64(value);
    } else {
      this.byte(U128);
      this.u64(value & MAX_64);
      this.u64(value >> 64n);
    }
  }

  /** The number of elements or bytes that follow. */
  length(value: number): void {
    if (value <= 0xffff_ffff) {
      this.unsigned(value);
    } else {
      this.big(BigInt(value));
    }
  }

  text(value: string): void {
    const given: unknown = value;
    if (typeof given !== "string") {
      throw wrong(given, "a string");
    }
    if (value.length > SHORT || !this.#ascii(value)) {
      const bytes = utf8(value);
      this.length(bytes.length);
      this.raw(bytes);
    }
  }

  /** Short text of ASCII, if it is that; a call of the encoder takes as long as many letters. */
  #ascii(value: string): boolean {
    for (let index = 0; index < value.length; index += 1) {
      if (value.charCodeAt(index) >= 0x80) {
        return false;
      }
    }
    this.byte(value.length);
    const at = this.#take(value.length);
    for (let index = 0; index < value.length; index += 1) {
      this.#bytes[at + index] = value.charCodeAt(index);
    }
    return true;
  }

  /** Makes room and gives the place where it begins. */
  #take(size: number): number {
    const at = this.#length;
    const end = at + size;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = end;
    return at;
  }
}

/** The error for a value of another type, which JavaScript and `any` let through. */
export function wrong(value: unknown, expected: string): EncodeError {
  const found = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  return new EncodeError(`${found} where there must be ${expected}`);
}

/** The UTF-8 form of text. */
export function utf8(text: string): Uint8Array {
  if (LONE_SURROGATE.test(text)) {
    throw new EncodeError("text holds half a surrogate pair, which UTF-8 has no form for");
  }
  return encoder.encode(text);
}

/** Takes values one behind the other, and throws a `DecodeError` where the bytes break a rule. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #depth = MAX_DEPTH;
  #empty = EMPTY_ELEMENTS;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Checks that nothing is left. */
  finish(): void {
    if (this.remaining > 0) {
      throw this.error("trailing", `${String(this.remaining)} bytes follow the value`);
    }
  }

  /** An error about what comes next, or about what began `back` bytes before. */
  error(kind: DecodeErrorKind, message: string, back = 0): DecodeError {
    return new DecodeError(kind, this.#offset - back, message);
  }

  byte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** So many bytes, copied. */
  raw(size: number): Uint8Array {
    const at = this.#take(size);
    const copy = new Uint8Array(size);
    copy.set(this.#bytes.subarray(at, at + size));
    return copy;
  }

  /** An unsigned number of 16 or 32 bits. A wider form is refused even where the number would fit. */
  unsigned(bits: 16 | 32): number {
    const first = this.byte();
    if (first < U16) {
      return first;
    }
    if (first > U128) {
      throw this.error("number", `a number cannot begin with byte ${String(first)}`, 1);
    }
    if (first > (bits === 16 ? U16 : U32)) {
      throw this.error("range", "a number is wider than its type", 1);
    }
    return first === U16
      ? this.#view.getUint16(this.#take(2), true)
      : this.#view.getUint32(this.#take(4), true);
  }

  /** An unsigned number of 64 or 128 bits. */
  big(bits: 64 | 128): bigint {
    const first = this.#bytes[this.#offset];
    if (first === U64) {
      this.#offset += 1;
      return this.#fixed();
    }
    if (first === U128) {
      if (bits === 64) {
        throw this.error("range", "a number is wider than its type");
      }
      this.#offset += 1;
      const low = this.#fixed();
      return low | (this.#fixed() << 64n);
    }
    return BigInt(this.unsigned(32));
  }

  /** The number of bytes that follow, which are there. */
  size(): number {
    return this.#length(0);
  }

  text(): string {
    const size = this.size();
    const at = this.#take(size);
    return this.#decode(at, at + size, "utf8", "text is not UTF-8");
  }

  /** A character: its UTF-8 form, whose first byte tells its length. */
  character(): string {
    const first = this.#bytes[this.#offset];
    if (first === undefined) {
      throw this.error("end", "the bytes end inside a value");
    }
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4) {
      throw this.error("char", "a character is not UTF-8");
    }
    const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const at = this.#take(size);
    return this.#decode(at, at + size, "char", "a character is not UTF-8");
  }

  /** Runs `read` one level deeper. */
  nested<T>(read: (reader: this) => T): T {
    if (this.#depth === 0) {
      throw this.error("depth", `values are nested more than ${String(MAX_DEPTH)} deep`);
    }
    this.#depth -= 1;
    const value = read(this);
    this.#depth += 1;
    return value;
  }

  /**
   * Reads as many elements as the bytes claim, one level deeper. `head` reads what is counted if it took no bytes:
   * an element, or the key of an entry.
   */
  elements<T>(head: (reader: this) => T, element: (head: T) => void): void {
    // Each element takes a byte at least, or is one of the few that may take none.
    const count = this.#length(this.#empty);
    this.nested(() => {
      for (let index = 0; index < count; index += 1) {
        const before = this.#offset;
        const value = head(this);
        if (this.#offset === before) {
          if (this.#empty === 0) {
            const limit = String(EMPTY_ELEMENTS);
            throw this.error("empty-elements", `more than ${limit} elements without content`);
          }
          this.#empty -= 1;
        }
        element(value);
      }
    });
  }

  #length(more: number): number {
    const start = this.#offset;
    const first = this.#bytes[start];
    if (first !== undefined && first < U16 && first <= this.remaining - 1 + more) {
      this.#offset += 1;
      return first;
    }
    const claimed = this.big(64);
    if (claimed > BigInt(this.remaining + more)) {
      const message = `a length of ${String(claimed)} is more than the bytes that are left`;
      throw this.error("length", message, this.#offset - start);
    }
    return Number(claimed);
  }

  #decode(from: number, to: number, kind: DecodeErrorKind, message: string): string {
    if (to - from <= SHORT) {
      let text = "";
      for (let at = from; at < to; at += 1) {
        const byte = this.#bytes[at] ?? 0x80;
        if (byte >= 0x80) {
          break;
        }
        text += String.fromCharCode(byte);
      }
      if (text.length === to - from) {
        return text;
      }
    }
    try {
      return decoder.decode(this.#bytes.subarray(from, to));
    } catch {
      throw new DecodeError(kind, from, message);
    }
  }

  #fixed(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** Passes so many bytes and gives the place where they begin. */
  #take(size: number): number {
    if (size > this.remaining) {
      throw this.error("end", "the bytes end inside a value");
    }
    const at = this.#offset;
    this.#offset += size;
    return at;
  }
}
