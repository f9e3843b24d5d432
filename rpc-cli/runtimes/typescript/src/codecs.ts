// How values of each shape travel. Generated code puts them together; each says in what form programs hold them.

import { EncodeError } from "./errors.js";
import { Reader, utf8, Writer, wrong } from "./wire.js";

/** Writes values of type `In` and reads those of type `T`, which every `In` can hold. */
export interface Codec<T, In = T> {
  write(writer: Writer, value: In): void;
  read(reader: Reader): T;
}

/** A codec of whatever type. */
export type AnyCodec = Codec<unknown, never>;

/** The type of the values that a codec reads. */
export type Out<C> = C extends Codec<infer T, never> ? T : never;

/** The type of the values that a codec writes. */
export type In<C> = C extends { write(writer: Writer, value: infer T): void } ? T : never;

/** The bytes of a value. */
export function encode<T>(codec: Codec<unknown, T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
}

/** The value that bytes are, all of them; a `DecodeError` if they are none. */
export function decode<T>(codec: Codec<T, never>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  reader.finish();
  return value;
}

/** No content. */
export const unit: Codec<null, null | undefined> = {
  write: (_, value: unknown) => {
    if (value !== null && value !== undefined) {
      throw wrong(value, "null");
    }
  },
  read: () => null,
};

/** What a method without a result returns. */
export const nothing: Codec<undefined, unknown> = {
  write: () => undefined,
  read: () => undefined,
};

export const bool: Codec<boolean> = {
  write: (writer, value: unknown) => {
    if (typeof value !== "boolean") {
      throw wrong(value, "a boolean");
    }
    writer.byte(value ? 1 : 0);
  },
  read: (reader) => {
    const byte = reader.byte();
    if (byte > 1) {
      throw reader.error("bool", `a bool must be 0 or 1, not ${String(byte)}`, 1);
    }
    return byte === 1;
  },
};

export const u8: Codec<number> = {
  write: (writer, value) => {
    writer.byte(integer(value, 0, 0xff));
  },
  read: (reader) => reader.byte(),
};

export const i8: Codec<number> = {
  write: (writer, value) => {
    writer.byte(integer(value, -0x80, 0x7f) & 0xff);
  },
  read: (reader) => (reader.byte() << 24) >> 24,
};

export const u16: Codec<number> = unsigned(16);
export const u32: Codec<number> = unsigned(32);
export const i16: Codec<number> = signed(16);
export const i32: Codec<number> = signed(32);
export const u64: Codec<bigint, bigint | number> = bigUnsigned(64);
export const u128: Codec<bigint, bigint | number> = bigUnsigned(128);
export const i64: Codec<bigint, bigint | number> = bigSigned(64);
export const i128: Codec<bigint, bigint | number> = bigSigned(128);

export const f32: Codec<number> = {
  write: (writer, value) => {
    const number = float(value);
    if (Number.isFinite(number) && !Number.isFinite(Math.fround(number))) {
      throw new EncodeError(`${String(number)} is beyond what a float of 32 bits holds`);
    }
    writer.f32(number);
  },
  read: (reader) => reader.f32(),
};

export const f64: Codec<number> = {
  write: (writer, value) => {
    writer.f64(float(value));
  },
  read: (reader) => reader.f64(),
};

/** One code point. */
export const char: Codec<string> = {
  write: (writer, value: unknown) => {
    if (typeof value !== "string") {
      throw wrong(value, "a string");
    }
    const [first, second] = value;
    if (first === undefined || second !== undefined) {
      throw new EncodeError("a character is one code point");
    }
    writer.raw(utf8(first));
  },
  read: (reader) => reader.character(),
};

export const str: Codec<string> = {
  write: (writer, value) => {
    writer.text(value);
  },
  read: (reader) => reader.text(),
};

export const bytes: Codec<Uint8Array> = {
  write: (writer, value: unknown) => {
    if (!(value instanceof Uint8Array)) {
      throw wrong(value, "a Uint8Array");
    }
    writer.length(value.length);
    writer.raw(value);
  },
  read: (reader) => reader.raw(reader.size()),
};

/** So many bytes, without a length. */
export function octets(size: number): Codec<Uint8Array> {
  return {
    write: (writer, value: unknown) => {
      if (!(value instanceof Uint8Array)) {
        throw wrong(value, "a Uint8Array");
      }
      sized(value.length, size);
      writer.raw(value);
    },
    read: (reader) => reader.nested(() => reader.raw(size)),
  };
}

/** A value or `null`, for values that are not `null` themselves. What is left out is `null`. */
export function option<T, I>(content: Codec<T, I>): Codec<T | null, I | null | undefined> {
  return {
    write: (writer, value) => {
      const none = value === null || value === undefined;
      writer.byte(none ? 0 : 1);
      if (!none) {
        writer.enter();
        content.write(writer, value);
        writer.leave();
      }
    },
    read: (reader) => (some(reader) ? reader.nested(() => content.read(reader)) : null),
  };
}

/** A value or `null`, for values that may be `null` themselves. */
export function nestedOption<T, I>(
  content: Codec<T, I>,
): Codec<{ some: T } | null, { some: I } | null | undefined> {
  return {
    write: (writer, value) => {
      const none = value === null || value === undefined;
      writer.byte(none ? 0 : 1);
      if (!none) {
        if (!isObject(value) || !Object.hasOwn(value, "some")) {
          throw wrong(value, "null or an object with some");
        }
        writer.enter();
        content.write(writer, value.some);
        writer.leave();
      }
    },
    read: (reader) => (some(reader) ? reader.nested(() => ({ some: content.read(reader) })) : null),
  };
}

export function seq<T, I>(content: Codec<T, I>): Codec<T[], readonly I[]> {
  return {
    write: (writer, value) => {
      list(value);
      writer.length(value.length);
      writer.enter();
      for (const element of value) {
        content.write(writer, element);
      }
      writer.leave();
    },
    read: (reader) => {
      const elements: T[] = [];
      reader.elements(
        () => content.read(reader),
        (element) => elements.push(element),
      );
      return elements;
    },
  };
}

export function map<K, V, IK, IV>(
  key: Codec<K, IK>,
  value: Codec<V, IV>,
): Codec<Map<K, V>, ReadonlyMap<IK, IV>> {
  return {
    write: (writer, entries) => {
      if (!((entries as unknown) instanceof Map)) {
        throw wrong(entries, "a Map");
      }
      writer.length(entries.size);
      writer.enter();
      for (const [name, content] of entries) {
        key.write(writer, name);
        value.write(writer, content);
      }
      writer.leave();
    },
    read: (reader) => {
      const entries = new Map<K, V>();
      reader.elements(
        () => key.read(reader),
        (name) => entries.set(name, value.read(reader)),
      );
      return entries;
    },
  };
}

/** So many elements, without a length. */
export function array<T, I>(content: Codec<T, I>, size: number): Codec<T[], readonly I[]> {
  return {
    write: (writer, value) => {
      list(value);
      sized(value.length, size);
      writer.enter();
      for (const element of value) {
        content.write(writer, element);
      }
      writer.leave();
    },
    read: (reader) =>
      reader.nested(() => {
        const elements: T[] = [];
        for (let index = 0; index < size; index += 1) {
          elements.push(content.read(reader));
        }
        return elements;
      }),
  };
}

/** The parts in order; arguments travel so too. */
export function tuple<C extends readonly AnyCodec[]>(
  ...parts: C
): Codec<{ -readonly [I in keyof C]: Out<C[I]> }, { readonly [I in keyof C]: In<C[I]> }> {
  type Parts = { -readonly [I in keyof C]: Out<C[I]> };
  return {
    write: (writer, value) => {
      list(value);
      sized(value.length, parts.length);
      writer.enter();
      for (const [index, part] of parts.entries()) {
        part.write(writer, value[index] as never);
      }
      writer.leave();
    },
    read: (reader) => reader.nested(() => parts.map((part) => part.read(reader)) as Parts),
  };
}

/** One unnamed field, which stands for the whole. */
export function newtype<T, I>(content: Codec<T, I>): Codec<T, I> {
  return {
    write: (writer, value) => {
      writer.enter();
      content.write(writer, value);
      writer.leave();
    },
    read: (reader) => reader.nested(() => content.read(reader)),
  };
}

/** A codec that is defined further down, or that contains itself. */
export function lazy<T, I>(content: () => Codec<T, I>): Codec<T, I> {
  return {
    write: (writer, value) => {
      content().write(writer, value);
    },
    read: (reader) => content().read(reader),
  };
}

function unsigned(bits: 16 | 32): Codec<number> {
  const max = 2 ** bits - 1;
  return {
    write: (writer, value) => {
      writer.unsigned(integer(value, 0, max));
    },
    read: (reader) => reader.unsigned(bits),
  };
}

/** Signed numbers travel with their sign in the lowest bit. */
function signed(bits: 16 | 32): Codec<number> {
  const half = 2 ** (bits - 1);
  return {
    write: (writer, value) => {
      const number = integer(value, -half, half - 1);
      writer.unsigned(number < 0 ? -2 * number - 1 : 2 * number);
    },
    read: (reader) => {
      const number = reader.unsigned(bits);
      return number % 2 === 1 ? -(number + 1) / 2 : number / 2;
    },
  };
}

function bigUnsigned(bits: 64 | 128): Codec<bigint, bigint | number> {
  const max = (1n << BigInt(bits)) - 1n;
  return {
    write: (writer, value) => {
      writer.big(bigInteger(value, 0n, max));
    },
    read: (reader) => reader.big(bits),
  };
}

function bigSigned(bits: 64 | 128): Codec<bigint, bigint | number> {
  const half = 1n << BigInt(bits - 1);
  return {
    write: (writer, value) => {
      const number = bigInteger(value, -half, half - 1n);
      writer.big(number < 0n ? -2n * number - 1n : 2n * number);
    },
    read: (reader) => {
      const number = reader.big(bits);
      return (number & 1n) === 1n ? -((number + 1n) >> 1n) : number >> 1n;
    },
  };
}

function integer(value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    const range = `${String(min)} to ${String(max)}`;
    throw new EncodeError(`${String(value)} is not a whole number from ${range}`);
  }
  return value;
}

function bigInteger(value: bigint | number, min: bigint, max: bigint): bigint {
  const given: unknown = value;
  if (typeof given !== "number" && typeof given !== "bigint") {
    throw wrong(given, "a bigint or a number");
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new EncodeError(`${String(value)} is not a safe integer; write it as a bigint`);
  }
  const number = BigInt(value);
  if (number < min || number > max) {
    throw new EncodeError(`${String(value)} is not from ${String(min)} to ${String(max)}`);
  }
  return number;
}

function float(value: unknown): number {
  if (typeof value !== "number") {
    throw wrong(value, "a number");
  }
  return value;
}

function list(value: unknown): void {
  if (!Array.isArray(value)) {
    throw wrong(value, "an array");
  }
}

/** Whether it has properties that can be looked at. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function sized(length: number, size: number): void {
  if (length !== size) {
    throw new EncodeError(`${String(length)} elements where there must be ${String(size)}`);
  }
}

function some(reader: Reader): boolean {
  const byte = reader.byte();
  if (byte > 1) {
    throw reader.error("option", `the tag of an option must be 0 or 1, not ${String(byte)}`, 1);
  }
  return byte === 1;
}
