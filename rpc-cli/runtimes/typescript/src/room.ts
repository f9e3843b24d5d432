// What the open calls of one direction take of the limits that the answering side announced; both sides count alike.
// And how many frames that bring nothing are borne.

import { ProtocolError } from "./errors.js";
import type { Limits } from "./hello.js";

/** Which limit counts a call: those without items, with items, without a reply. */
export const Lane = { call: 0, items: 1, oneway: 2 } as const;

/** Requests up to this length are bounded by their number alone. */
const FREE = 256;
/** What a call without a reply costs beside its length. */
export const ONEWAY_COST = 128;

const MOST_IDLE = 10_000;
const IDLE_PER_SECOND = 100;
const BYTES_PER_IDLE = 256;
const MOST_STRAYS = 1000;

/** What a call takes. */
export interface Want {
  readonly lane: number;
  /** Whether a handler makes it, for which the other side waits: it may go twice as far. */
  readonly nested: boolean;
  /** The bytes of its request. */
  readonly length: number;
}

export class Shares {
  readonly #open = [0, 0];
  readonly #bytes = [0, 0];
  /** Bytes of calls without a reply that were not given back. */
  oneway = 0;

  /** Whether there is room for one more call. */
  admits(limits: Limits, { lane, nested, length }: Want): boolean {
    const times = nested ? 2 : 1;
    if (lane === Lane.oneway) {
      // One alone always may go, however long.
      return this.oneway === 0 || this.oneway + length + ONEWAY_COST <= limits.onewayWindow * times;
    }
    const [most, room] =
      lane === Lane.items
        ? [limits.maxStreams, windowOf(limits)]
        : [limits.maxCalls * times, windowOf(limits) * times];
    const bytes = (this.#bytes[lane] ?? 0) + counted(length);
    return (this.#open[lane] ?? 0) < most && bytes <= room;
  }

  /** Whether the bytes of one more request are more than an honest side may ever have sent. */
  overflows(limits: Limits, length: number): boolean {
    const [calls = 0, streams = 0] = this.#bytes;
    return calls + streams + counted(length) > 3 * windowOf(limits);
  }

  take({ lane, length }: Want): void {
    if (lane === Lane.oneway) {
      this.oneway += length + ONEWAY_COST;
    } else {
      this.#add(lane, 1, counted(length));
    }
  }

  giveBack({ lane, length }: Want): void {
    this.#add(lane, -1, -counted(length));
  }

  /** Handlers of calls without a reply have ended that took so many bytes. */
  credit(bytes: number): void {
    this.oneway = Math.max(0, this.oneway - bytes);
  }

  #add(lane: number, calls: number, bytes: number): void {
    this.#open[lane] = (this.#open[lane] ?? 0) + calls;
    this.#bytes[lane] = (this.#bytes[lane] ?? 0) + bytes;
  }
}

/** How many frames that bring nothing are still borne; more by time, and by what else comes. */
export class Patience {
  #left = MOST_IDLE;
  #strays = MOST_STRAYS;
  #madeUp: number | undefined;

  /** Bytes came, at a time in milliseconds. */
  heard(size: number, now: number): void {
    this.#madeUp ??= now;
    const seconds = Math.floor((now - this.#madeUp) / 1000);
    this.#madeUp += seconds * 1000;
    const more = seconds * IDLE_PER_SECOND + Math.floor(size / BYTES_PER_IDLE);
    this.#left = Math.min(MOST_IDLE, this.#left + more);
  }

  /** A frame came that brings nothing. */
  charge(): void {
    this.#left -= 1;
    if (this.#left < 0) {
      throw flood();
    }
  }

  /** A cancel came of a call that is not open: each request may cross one. */
  stray(requests: number): void {
    this.#strays -= 1;
    if (this.#strays + requests < 0) {
      throw flood();
    }
  }
}

/** First in, first out; what waits in it may be taken out at once. */
export class Queue<T extends object> {
  #items: T[] = [];
  #head = 0;
  /** Those that are in it. */
  readonly #live = new Set<T>();

  get size(): number {
    return this.#live.size;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#live.add(item);
  }

  /** The first. */
  peek(): T | undefined {
    for (; this.#head < this.#items.length; this.#head += 1) {
      const item = this.#items[this.#head];
      if (item !== undefined && this.#live.has(item)) {
        return item;
      }
    }
    [this.#items, this.#head] = [[], 0];
    return undefined;
  }

  shift(): T | undefined {
    const item = this.peek();
    if (item !== undefined) {
      this.delete(item);
    }
    return item;
  }

  /** Takes one out; whether it was there. */
  delete(item: T): boolean {
    const found = this.#live.delete(item);
    if (found && this.#items.length > 2 * this.#live.size + 64) {
      this.#items = this.#items.slice(this.#head).filter((other) => this.#live.has(other));
      this.#head = 0;
    }
    return found;
  }

  has(item: T): boolean {
    return this.#live.has(item);
  }

  clear(): void {
    [this.#items, this.#head] = [[], 0];
    this.#live.clear();
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#live[Symbol.iterator]();
  }
}

/** The bytes of requests that may be open; one of the greatest length always may. */
function windowOf(limits: Limits): number {
  return Math.max(limits.requestWindow, limits.maxMessage);
}

function counted(length: number): number {
  return length > FREE ? length : 0;
}

function flood(): ProtocolError {
  return new ProtocolError("the other side sends much that brings nothing", "calm");
}
