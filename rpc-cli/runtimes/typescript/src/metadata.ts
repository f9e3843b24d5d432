// Entries, and the pairs beside arguments, values and statuses: text, and bytes under keys that end in `-bin`.

import { ProtocolError } from "./errors.js";
import { utf8, Writer } from "./wire.js";

/** A value: text; bytes under a key that ends in `-bin`. */
export type MetadataValue = string | Uint8Array;

/** What a program may give: an object of keys with one value or several, or pairs. */
export type MetadataInput =
  | Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>
  | Iterable<readonly [key: string, value: MetadataValue]>;

/** What all pairs of a call may take, 8 bytes more for each, and how many they may be. */
const MAX_BYTES = 60_000;
const MAX_PAIRS = 128;
const KEY = /^[a-z0-9\-_.]{1,64}$/;
/** The tag of an entry that is a pair. */
export const PAIR = 2;
/** The bit of a tag that whoever does not know it must not pass over. */
const MUST_KNOW = 0x80;

/** Pairs in their order. A key may have several values. */
export class Metadata implements Iterable<readonly [key: string, value: MetadataValue]> {
  readonly #pairs: (readonly [string, MetadataValue])[] = [];
  #size = 0;

  /** Throws a `RangeError` for pairs that cannot travel. */
  constructor(pairs: MetadataInput = []) {
    const given = Symbol.iterator in pairs ? (pairs as Iterable<readonly [string, MetadataValue]>) : flat(pairs);
    for (const [key, value] of given) {
      this.#add(key, value);
    }
  }

  /** Reads the pair of an entry into it. */
  static read(into: Metadata, content: Uint8Array): void {
    const end = 1 + (content[0] ?? 0xffff);
    if (end > content.length) {
      throw new RangeError("a pair of metadata that ends early");
    }
    const key = strict(content.subarray(1, end));
    const value = content.slice(end);
    into.#add(key, key.endsWith("-bin") ? value : strict(value));
  }

  /** How many pairs there are. */
  get size(): number {
    return this.#pairs.length;
  }

  /** The text of a key, the first if there are several. */
  get(key: string): string | undefined {
    const found = this.#pairs.find(([known]) => known === key)?.[1];
    return typeof found === "string" ? found : undefined;
  }

  /** The bytes of a key that ends in `-bin`, the first if there are several. */
  getBytes(key: string): Uint8Array | undefined {
    const found = this.#pairs.find(([known]) => known === key)?.[1];
    return typeof found === "string" ? undefined : found;
  }

  /** All values of a key, in their order. */
  getAll(key: string): MetadataValue[] {
    return this.#pairs.filter(([known]) => known === key).map(([, value]) => value);
  }

  has(key: string): boolean {
    return this.#pairs.some(([known]) => known === key);
  }

  [Symbol.iterator](): Iterator<readonly [key: string, value: MetadataValue]> {
    return this.#pairs[Symbol.iterator]();
  }

  /** Appends the entries that the pairs are. */
  write(writer: Writer): void {
    for (const [key, value] of this.#pairs) {
      const [name, content] = [utf8(key), typeof value === "string" ? utf8(value) : value];
      writer.byte(PAIR);
      writer.u16(1 + name.length + content.length);
      writer.byte(name.length);
      writer.raw(name);
      writer.raw(content);
    }
  }

  #add(key: string, value: MetadataValue): void {
    if (!KEY.test(key)) {
      throw new RangeError("a key of metadata is 1 to 64 of a-z 0-9 - _ .");
    }
    if (key.endsWith("-bin") !== value instanceof Uint8Array) {
      throw new RangeError(`metadata under keys that end in -bin is bytes, all other text: ${key}`);
    }
    this.#size += key.length + (typeof value === "string" ? utf8(value) : value).length + 8;
    if (this.#size > MAX_BYTES || this.#pairs.length === MAX_PAIRS) {
      throw new RangeError("metadata of a call is limited to 128 pairs and 8 KiB");
    }
    this.#pairs.push([key, value]);
  }
}

/** An entry that must be understood is not known here. */
export class UnknownEntry extends Error {
  constructor(tag: number) {
    super(`an entry with tag ${String(tag)} must be understood, and is not known here`);
    this.name = "UnknownEntry";
  }
}

/** Passes over an entry, unless it must be understood. */
export function unknown(tag: number): void {
  if ((tag & MUST_KNOW) !== 0) {
    throw new UnknownEntry(tag);
  }
}

/** Tagged entries, one after the other. */
export function* entries(payload: Uint8Array): Generator<[tag: number, value: Uint8Array]> {
  let at = 0;
  while (at < payload.length) {
    const [tag = 0, low = 0, high = 0] = payload.subarray(at, at + 3);
    const end = at + 3 + low + high * 256;
    if (end > payload.length) {
      throw new ProtocolError("an entry that ends early");
    }
    yield [tag, payload.subarray(at + 3, end)];
    at = end;
  }
}

/** Reads entries of which none is known, where nobody could refuse them. */
export function passOver(payload: Uint8Array): void {
  const all = entries(payload);
  while (all.next().done !== true) {
    // Each is as long as it says.
  }
}

/** The entries at the front of a message, and where the rest begins. */
export function block(payload: Uint8Array): [entries: Uint8Array, end: number] {
  const [low, high] = payload;
  const end = low === undefined || high === undefined ? Number.POSITIVE_INFINITY : 2 + low + high * 256;
  if (end > payload.length) {
    throw new ProtocolError("a header extension that ends early");
  }
  return [payload.subarray(2, end), end];
}

/** Entries of which only metadata is known. Throws an `UnknownEntry`. */
export function readPairs(payload: Uint8Array): Metadata {
  const metadata = new Metadata();
  for (const [tag, value] of entries(payload)) {
    if (tag !== PAIR) {
      unknown(tag);
      continue;
    }
    try {
      Metadata.read(metadata, value);
    } catch (error) {
      throw new ProtocolError(error instanceof Error ? error.message : String(error));
    }
  }
  return metadata;
}

/** Text that must be UTF-8. */
export function strict(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new RangeError("text that is not UTF-8");
  }
}

function* flat(
  given: Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>,
): Generator<readonly [string, MetadataValue]> {
  for (const [key, values] of Object.entries(given)) {
    const all = typeof values === "string" || values instanceof Uint8Array ? [values] : values;
    for (const value of all) {
      yield [key, value];
    }
  }
}
