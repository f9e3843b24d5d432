// How structs and enums travel: fields by name, variants by index.

import { type Codec, isObject } from "./codecs.js";
import { EncodeError } from "./errors.js";
import { type Reader, type Writer, wrong } from "./wire.js";

/** A field of `T`: its name, how it travels, and what stands for it where it is left out. */
export type FieldOf<T> = {
  [K in keyof T & string]-?: readonly [
    name: K,
    codec: Codec<Exclude<T[K], undefined>>,
    missing?: Exclude<T[K], undefined>,
  ];
}[keyof T & string];

/** A struct without fields. */
export type Empty = Record<string, never>;

/** A struct: the fields in this order, without names. */
export function struct<T extends object>(fields: readonly FieldOf<T>[]): Codec<T> {
  return {
    write: (writer, value) => {
      writer.enter();
      writeFields(writer, fields, value);
      writer.leave();
    },
    read: (reader) => reader.nested(() => readFields(reader, fields, {}) as T),
  };
}

/** An enum whose variants have no content: the name of the variant. */
export function literals<T extends string>(names: readonly T[]): Codec<T> {
  const indices = new Map(names.map((name, index) => [name, index]));
  return {
    write: (writer, value) => {
      const index = indices.get(value);
      if (index === undefined) {
        const given: unknown = value;
        throw new EncodeError(`no variant ${String(given)}; there are ${names.join(", ")}`);
      }
      writer.unsigned(index);
    },
    read: (reader) => reader.nested(() => chosen(reader, names)),
  };
}

/** One variant of an enum. */
export interface Variant<T> {
  readonly kind: string;
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

/** An enum: an object whose `kind` names the variant. */
export function union<T extends { readonly kind: string }>(
  variants: readonly Variant<T>[],
): Codec<T> {
  const indices = new Map(variants.map((variant, index) => [variant.kind, index]));
  return {
    write: (writer, value) => {
      if (!isObject(value)) {
        throw wrong(value, "an object with kind");
      }
      const index = indices.get(value.kind) ?? -1;
      const variant = variants[index];
      if (variant === undefined) {
        const given: unknown = value.kind;
        throw new EncodeError(`no variant ${String(given)}; there are ${[...indices.keys()].join(", ")}`);
      }
      writer.unsigned(index);
      writer.enter();
      variant.write(writer, value);
      writer.leave();
    },
    read: (reader) => reader.nested(() => chosen(reader, variants).read(reader)),
  };
}

/** A variant without content. */
export function bare<K extends string>(kind: K): Variant<{ kind: K }> {
  return { kind, write: () => undefined, read: () => ({ kind }) };
}

/** A variant whose content is its `value`. */
export function content<K extends string, V>(
  kind: K,
  codec: Codec<V, never>,
): Variant<{ kind: K; value: V }> {
  return {
    kind,
    write: (writer, variant) => {
      codec.write(writer, variant.value as never);
    },
    read: (reader) => ({ kind, value: codec.read(reader) }),
  };
}

/** A variant whose fields stand beside its `kind`. */
export function fields<T extends { kind: string }>(
  kind: T["kind"],
  list: readonly FieldOf<Omit<T, "kind">>[],
): Variant<T> {
  return {
    kind,
    write: (writer, variant) => {
      writer.enter();
      writeFields(writer, list, variant);
      writer.leave();
    },
    read: (reader) => reader.nested(() => readFields(reader, list, { kind }) as T),
  };
}

/** Rust's `Result`. */
export type Result<T, E> = { ok: T } | { err: E };

export function result<T, E, IT, IE>(
  ok: Codec<T, IT>,
  err: Codec<E, IE>,
): Codec<Result<T, E>, Result<IT, IE>> {
  return {
    write: (writer, value) => {
      if (!isObject(value) || !("ok" in value || "err" in value)) {
        throw wrong(value, "an object with ok or err");
      }
      writer.enter();
      if ("ok" in value) {
        writer.unsigned(0);
        ok.write(writer, value.ok);
      } else {
        writer.unsigned(1);
        err.write(writer, value.err);
      }
      writer.leave();
    },
    read: (reader) =>
      reader.nested(() =>
        chosen(reader, [true, false]) ? { ok: ok.read(reader) } : { err: err.read(reader) },
      ),
  };
}

type AnyField = readonly [name: string, codec: Codec<unknown>, missing?: unknown];

function writeFields(writer: Writer, list: readonly unknown[], value: unknown): void {
  if (!isObject(value)) {
    throw wrong(value, "an object");
  }
  for (const [name, codec, missing] of list as readonly AnyField[]) {
    const own = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    const field = own === undefined ? missing : own;
    if (field === undefined) {
      throw new EncodeError(`the field ${name} is missing`);
    }
    codec.write(writer, field);
  }
}

function readFields(reader: Reader, list: readonly unknown[], value: object): object {
  for (const [name, codec] of list as readonly AnyField[]) {
    if (name === "__proto__") {
      // Assigned, it would be something else.
      const field = { value: codec.read(reader), writable: true, enumerable: true, configurable: true };
      Object.defineProperty(value, name, field);
    } else {
      (value as Record<string, unknown>)[name] = codec.read(reader);
    }
  }
  return value;
}

function chosen<T>(reader: Reader, from: readonly T[]): T {
  const before = reader.remaining;
  const index = reader.unsigned(32);
  const found = from[index];
  if (found === undefined) {
    const message = `variant ${String(index)} does not exist`;
    throw reader.error("variant", message, before - reader.remaining);
  }
  return found;
}
