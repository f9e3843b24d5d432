// What waits to be sent, and in which order it leaves: small messages first, then by turns a frame of the first
// large message and of the streams that have credit. PROTOCOL §10.

import { encodeFrame, Flag, Kind } from "./frames.js";
import { Queue } from "./room.js";
import type { Outbound } from "./streams.js";

/** A message on its way, in one frame or several. */
export interface Message {
  readonly kind: number;
  /** The flags of the first frame, without MORE. */
  readonly flags: number;
  readonly id: number;
  rest: Uint8Array;
  /** What it is: the other side may leave replies of handlers and refusals unread. */
  readonly sort?: "reply" | "refusal";
  /** Whether a frame of it has left. */
  begun?: boolean;
  /** Runs when the first frame leaves. */
  onBegun?: () => void;
  /** Runs when the last frame leaves. */
  onDone?: () => void;
}

interface Stream {
  readonly id: number;
  readonly flags: number;
  readonly outbound: Outbound;
}

/** The bytes of a head. */
const HEAD = 8;

export class Outbox {
  /** Longest payload of a frame that the other side takes. */
  maxFrame = 16_384;
  // Bounded by: the other side's limits for requests, ours for replies, and `refusals` for refusals.
  readonly #small = new Queue<Message>();
  readonly #large = new Queue<Message>();
  #replies = 0;
  #refusals = 0;
  #streams: Stream[] = [];
  #last: Message | undefined;
  #streamsNext = false;

  /** Whether all that was put here has left, items of streams apart. */
  get isEmpty(): boolean {
    return this.#small.size === 0 && this.#large.size === 0 && this.#last === undefined;
  }

  /** Bytes of replies of handlers that have not left. */
  get replies(): number {
    return this.#replies;
  }

  /** Bytes of refusals that have not left. */
  get refusals(): number {
    return this.#refusals;
  }

  put(message: Message): void {
    this.#count(message, message.rest.length + HEAD);
    (message.rest.length <= this.maxFrame ? this.#small : this.#large).push(message);
  }

  /** Sends a message behind all that is there and comes. */
  putLast(message: Message): void {
    this.#last = message;
  }

  /** Takes back what has not left of a message. */
  drop(message: Message): void {
    if (this.#small.delete(message) || this.#large.delete(message)) {
      this.#count(message, -message.rest.length - HEAD);
    }
  }

  addStream(id: number, mine: boolean, outbound: Outbound): void {
    this.#streams.push({ id, flags: mine ? Flag.mine : 0, outbound });
  }

  /** Forgets everything. */
  clear(): void {
    this.#small.clear();
    this.#large.clear();
    [this.#last, this.#replies, this.#refusals] = [undefined, 0, 0];
    for (const stream of this.#streams) {
      stream.outbound.close();
    }
    this.#streams = [];
  }

  /** The bytes of as many frames as are ready, up to about `size` bytes. */
  take(size: number): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let taken = 0;
    while (taken < size) {
      const message = this.#small.shift();
      const frame = message === undefined ? this.#long() : this.#frame(message);
      if (frame === undefined) {
        break;
      }
      taken += frame.length;
      frames.push(frame);
    }
    return frames;
  }

  #long(): Uint8Array | undefined {
    this.#streamsNext = !this.#streamsNext;
    const found = this.#streamsNext
      ? (this.#item() ?? this.#part())
      : (this.#part() ?? this.#item());
    if (found === undefined && this.#last !== undefined) {
      const last = this.#last;
      this.#last = undefined;
      return this.#frame(last);
    }
    return found;
  }

  #part(): Uint8Array | undefined {
    const message = this.#large.peek();
    if (message === undefined) {
      return undefined;
    }
    if (message.rest.length <= this.maxFrame) {
      this.#large.shift();
    }
    return this.#frame(message);
  }

  #item(): Uint8Array | undefined {
    this.#streams = this.#streams.filter((stream) => !stream.outbound.isClosed);
    const index = this.#streams.findIndex((stream) => stream.outbound.isReady);
    const [stream] = index < 0 ? [] : this.#streams.splice(index, 1);
    const next = stream?.outbound.next(this.maxFrame);
    if (stream === undefined || next === undefined) {
      return undefined;
    }
    this.#streams.push(stream);
    const [part, more] = next;
    return encodeFrame(Kind.item, stream.flags | (more ? Flag.more : 0), stream.id, part);
  }

  /** The next frame of a message. */
  #frame(message: Message): Uint8Array {
    const part = message.rest.subarray(0, this.maxFrame);
    message.rest = message.rest.subarray(this.maxFrame);
    const more = message.rest.length > 0;
    this.#count(message, -part.length - (more ? 0 : HEAD));
    const kept = message.begun === true ? message.flags & ~Flag.ext : message.flags;
    const frame = encodeFrame(message.kind, kept | (more ? Flag.more : 0), message.id, part);
    if (message.begun !== true) {
      message.begun = true;
      message.onBegun?.();
    }
    if (!more) {
      message.onDone?.();
    }
    return frame;
  }

  #count(message: Message, bytes: number): void {
    if (message.sort === "reply") {
      this.#replies += bytes;
    } else if (message.sort === "refusal") {
      this.#refusals += bytes;
    }
  }
}
