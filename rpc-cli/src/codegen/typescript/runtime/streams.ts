// The two halves of a stream below its values: credit, and items in parts. PROTOCOL §20 and §21.

import { ProtocolError } from "./errors.js";
import { concat } from "./frames.js";

/** What an item costs beyond its bytes. */
const ITEM = 8;
/** What may wait to be sent before its sender does. */
const AHEAD = 16_384;
const MAX_CREDIT = 2 ** 31;

/** Items that arrive. Holds no more than a window of them that the program has not taken. */
export class Inbound {
  readonly #window: number;
  readonly #maxMessage: number;
  readonly #grant: (bytes: number) => void;
  // Bounded by: the window, which each item pays from.
  #queue: { bytes: Uint8Array; cost: number }[] = [];
  #parts: Uint8Array[] = [];
  #inside = false;
  #partSize = 0;
  #partCost = 0;
  /** What the other side may still send. */
  #available: number;
  /** The cost of what the program has not taken. */
  #held = 0;
  #waiter: (() => void) | undefined;
  #end: { error: Error | undefined } | undefined;
  #ignored = false;
  #complete = false;

  constructor(window: number, maxMessage: number, grant: (bytes: number) => void) {
    this.#window = window;
    this.#available = window;
    this.#maxMessage = maxMessage;
    this.#grant = grant;
  }

  /** Whether a part of an item is there that is not whole. */
  get isInsideItem(): boolean {
    return this.#inside;
  }

  /** Whether nothing can arrive any more. */
  get isEnded(): boolean {
    return this.#complete;
  }

  receive(payload: Uint8Array, more: boolean): void {
    if (this.#ignored) {
      return;
    }
    const cost = payload.length + (this.isInsideItem ? 0 : ITEM);
    if (cost > this.#available) {
      throw new ProtocolError("an item that exceeds its credit");
    }
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
    if (!more) {
      this.#queue.push({ bytes: concat(this.#parts), cost: this.#partCost });
      [this.#parts, this.#partSize, this.#partCost] = [[], 0, 0];
      this.#wake();
    } else if (this.#waiter !== undefined) {
      this.#replenish();
    }
  }

  /** The next item; `undefined` after the last. Throws what the stream failed with. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const item = this.#queue.shift();
      if (item !== undefined) {
        this.#held -= item.cost;
        this.#replenish();
        return item.bytes;
      }
      if (this.#end !== undefined) {
        if (this.#end.error !== undefined) {
          throw this.#end.error;
        }
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
        this.#replenish();
      });
    }
  }

  /** Says that nothing more comes; what is there can still be taken. */
  finish(error?: Error): void {
    this.#complete = true;
    this.#end ??= { error };
    this.#wake();
  }

  /** Drops what is there and passes over what comes, until the end. */
  drop(error?: Error): void {
    [this.#ignored, this.#inside] = [true, false];
    [this.#queue, this.#parts] = [[], []];
    this.#end ??= { error };
    this.#wake();
  }

  /** Drops what is there; nothing comes any more. */
  ignore(error?: Error): void {
    this.#complete = true;
    this.drop(error);
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }

  /** Gives credit for what was taken, when it is worth a frame. */
  #replenish(): void {
    if (this.#end !== undefined) {
      return;
    }
    // While somebody waits for an item that is not whole, its parts do not count: it may be longer than the window.
    const awaited = this.#waiter !== undefined && this.#queue.length === 0;
    const free = this.#window - this.#available - (awaited ? 0 : this.#held);
    if (free * 2 >= this.#window) {
      this.#available += free;
      this.#grant(free);
    }
  }
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
