// The two halves of a stream below its values: credit, and items in parts. PROTOCOL §20 and §21.

import { ProtocolError } from "./errors.js";
import { concat } from "./frames.js";
import type { Limits } from "./hello.js";
import { block, readPairs } from "./metadata.js";

/** What an item costs beyond its bytes. */
const ITEM = 8;
/** What may wait to be sent before its sender does. */
const AHEAD = 16_384;
const MAX_CREDIT = 2 ** 31;

/**
 * What all streams of a connection may hold together beyond what each may from its start. An item that is longer than
 * its stream has room for comes in while somebody waits for it, of one stream at a time.
 */
export class Pool {
  #free: number;
  #long: Inbound | undefined;
  /** Streams that wait for their turn. Bounded by: the streams that are read. */
  readonly #next = new Set<Inbound>();

  constructor(size: number) {
    this.#free = size;
  }

  get free(): number {
    return this.#free;
  }

  /** Gives up to so many bytes, but half of what is left at most, so that other streams can grow too. */
  take(wanted: number): number {
    const taken = Math.max(0, Math.min(wanted, Math.floor(this.#free / 2)));
    this.#free -= taken;
    return taken;
  }

  giveBack(bytes: number): void {
    this.#free += bytes;
  }

  /** Whether the long item of this stream may come in; otherwise it waits for its turn. */
  beginLong(stream: Inbound): boolean {
    this.#long ??= stream;
    if (this.#long !== stream) {
      this.#next.add(stream);
    }
    return this.#long === stream;
  }

  /** The long item of this stream was taken, or nobody waits for it: it is another's turn. */
  endLong(stream: Inbound): void {
    this.#next.delete(stream);
    if (this.#long === stream) {
      const [next] = this.#next;
      this.#long = next;
      if (next !== undefined) {
        this.#next.delete(next);
        next.replenish();
      }
    }
  }
}

/** Items that arrive. Holds no more than a window of them that the program has not taken, apart from one long one. */
export class Inbound {
  readonly #most: number;
  readonly #first: number;
  readonly #maxMessage: number;
  readonly #pool: Pool;
  readonly #grant: (bytes: number) => void;
  // Bounded by: the window, which each item pays from.
  #queue: { bytes: Uint8Array; cost: number }[] = [];
  #parts: Uint8Array[] = [];
  #inside = false;
  #extended = false;
  #partSize = 0;
  #partCost = 0;
  /** What it has of the pool. */
  #extra = 0;
  /** What the other side may still send. */
  #available: number;
  /** The cost of what the program has not taken. */
  #held = 0;
  #waiter: (() => void) | undefined;
  #end: { error: Error | undefined } | undefined;
  #ignored = false;
  #complete = false;

  constructor(limits: Limits, pool: Pool, grant: (bytes: number) => void) {
    this.#first = limits.initialWindow;
    this.#most = Math.max(limits.window, limits.initialWindow);
    this.#available = limits.initialWindow;
    this.#maxMessage = limits.maxMessage;
    this.#pool = pool;
    this.#grant = grant;
  }

  /** Whether a part of an item is there that is not whole. */
  get isInsideItem(): boolean {
    return this.#inside;
  }

  /** Whether what comes is passed over. */
  get isDropped(): boolean {
    return this.#ignored;
  }

  /** Whether nothing can arrive any more. */
  get isEnded(): boolean {
    return this.#complete;
  }

  /** What the other side may still send. */
  get available(): number {
    return this.#available;
  }

  /** Takes a part of an item; with the first it is told whether entries go ahead. Throws an `UnknownEntry`. */
  receive(payload: Uint8Array, more: boolean, extended: boolean): void {
    if (this.#ignored) {
      return;
    }
    const begins = !this.#inside;
    const cost = payload.length + (begins ? ITEM : 0);
    if (cost > this.#available) {
      throw new ProtocolError("an item that exceeds its credit");
    }
    this.#extended = begins ? extended : this.#extended;
    this.#available -= cost;
    this.#held += cost;
    // Parts may be empty, and are not kept then: they would cost memory without paying for it.
    if (payload.length > 0) {
      this.#parts.push(payload);
    }
    this.#partSize += payload.length;
    this.#partCost += cost;
    this.#inside = more;
    if (this.#partSize > this.#maxMessage) {
      throw new ProtocolError("an item above the limit of messages", "limit");
    }
    if (more) {
      this.replenish();
      return;
    }
    const [whole, total] = [concat(this.#parts), this.#partCost];
    [this.#parts, this.#partSize, this.#partCost] = [[], 0, 0];
    this.#queue.push({ bytes: this.#extended ? withoutPairs(whole) : whole, cost: total });
    this.#wake();
  }

  /** The next item; `undefined` after the last. Throws what the stream failed with. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const item = this.#queue.shift();
      if (item !== undefined) {
        this.#held -= item.cost;
        this.#pool.endLong(this);
        this.replenish();
        return item.bytes;
      }
      if (this.#end !== undefined) {
        this.#leave();
        if (this.#end.error !== undefined) {
          throw this.#end.error;
        }
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
        this.replenish();
      });
    }
  }

  /** Says that nothing more comes; what is there can still be taken. */
  finish(error?: Error): void {
    this.#complete = true;
    this.#end ??= { error };
    if (this.#queue.length === 0) {
      this.#leave();
    }
    this.#wake();
  }

  /** Drops what is there and passes over what comes, until the end. */
  drop(error?: Error): void {
    [this.#ignored, this.#inside] = [true, false];
    [this.#queue, this.#parts] = [[], []];
    this.#end ??= { error };
    this.#leave();
    this.#wake();
  }

  /** Drops what is there; nothing comes any more. */
  ignore(error?: Error): void {
    this.#complete = true;
    this.drop(error);
  }

  /** Gives credit for what was taken, when it is worth a frame. */
  replenish(): void {
    if (this.#end !== undefined) {
      return;
    }
    const window = this.#first + this.#extra;
    const awaited = this.#waiter !== undefined && this.#queue.length === 0 && this.#inside;
    if (awaited && this.#available + window / 4 <= window) {
      // Somebody waits for an item that is longer than what is left of the window.
      if (this.#pool.beginLong(this)) {
        this.#grow();
        this.#grantUpTo(this.#first + this.#extra);
      }
      return;
    }
    if (window - this.#held >= this.#available + window / 4) {
      this.#grow();
    }
    this.#grantUpTo(this.#first + this.#extra - this.#held);
  }

  #grow(): void {
    const window = this.#first + this.#extra;
    this.#extra += this.#pool.take(Math.min(window, this.#most - window));
  }

  #grantUpTo(target: number): void {
    const bytes = target - this.#available;
    if (bytes >= Math.floor((this.#first + this.#extra) / 4)) {
      this.#available += bytes;
      this.#grant(bytes);
    }
  }

  /** Gives back what it has of the pool. */
  #leave(): void {
    this.#pool.giveBack(this.#extra);
    this.#extra = 0;
    this.#pool.endLong(this);
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }
}

/** An item without the entries ahead of it. */
function withoutPairs(item: Uint8Array): Uint8Array {
  const [entries, end] = block(item);
  readPairs(entries);
  return item.subarray(end);
}

/** Items that leave. */
export class Outbound {
  #credit: number;
  // Bounded by: senders wait while there is more than `AHEAD`.
  #queue: { rest: Uint8Array; begun: boolean }[] = [];
  #queued = 0;
  #waiters: { least: number; resolve: () => void }[] = [];
  #closed = false;

  constructor(credit: number) {
    this.#credit = credit;
  }

  /** Whether no further item leaves. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether another item may be sent before these have left. */
  get hasRoom(): boolean {
    return this.#queued <= AHEAD;
  }

  /** Whether a frame can leave now. */
  get isReady(): boolean {
    const [item] = this.#queue;
    if (item === undefined) {
      return false;
    }
    const least = item.rest.length === 0 ? 0 : 1;
    return this.#credit >= (item.begun ? 1 : ITEM + least);
  }

  /** Sends one item; settles when there is room for another, or none is wanted. */
  send(bytes: Uint8Array): Promise<void> {
    if (!this.#closed) {
      this.#queue.push({ rest: bytes, begun: false });
      this.#queued += bytes.length + ITEM;
    }
    return this.#below(AHEAD);
  }

  /** Settles when all items have left, or none is wanted. */
  sent(): Promise<void> {
    return this.#below(0);
  }

  /** The next part and whether more of its item follows. */
  next(maxFrame: number): [part: Uint8Array, more: boolean] | undefined {
    const [item] = this.#queue;
    if (item === undefined || !this.isReady) {
      return undefined;
    }
    const head = item.begun ? 0 : ITEM;
    const size = Math.min(item.rest.length, maxFrame, this.#credit - head);
    const part = item.rest.subarray(0, size);
    item.rest = item.rest.subarray(size);
    item.begun = true;
    this.#credit -= size + head;
    this.#queued -= size + head;
    const more = item.rest.length > 0;
    if (!more) {
      this.#queue.shift();
    }
    this.#wake();
    return [part, more];
  }

  receiveCredit(bytes: number): void {
    this.#credit += bytes;
    if (bytes === 0 || this.#credit > MAX_CREDIT) {
      throw new ProtocolError("credit of nothing, or of more than 2^31 bytes");
    }
  }

  /** Drops what has not left. */
  close(): void {
    this.#closed = true;
    [this.#queue, this.#queued] = [[], 0];
    this.#wake();
  }

  #below(least: number): Promise<void> {
    if (this.#queued <= least) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiters.push({ least, resolve });
    });
  }

  #wake(): void {
    if (this.#waiters.length === 0) {
      return;
    }
    for (const waiter of this.#waiters) {
      if (this.#queued <= waiter.least) {
        waiter.resolve();
      }
    }
    this.#waiters = this.#waiters.filter((waiter) => this.#queued > waiter.least);
  }
}
