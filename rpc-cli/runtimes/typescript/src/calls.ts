// What both sides remember of one call.

import type { StatusError } from "./errors.js";
import { ProtocolError } from "./errors.js";
import { concat, type Extension } from "./frames.js";
import type { Metadata } from "./metadata.js";
import type { Message } from "./outbox.js";
import type { Queue, Want } from "./room.js";
import type { Receiving, Sending } from "./sending.js";
import type { Inbound, Outbound } from "./streams.js";

/** How a call ended. */
export type Reply =
  | { readonly kind: "value"; readonly payload: Uint8Array }
  | { readonly kind: "app"; readonly payload: Uint8Array }
  | { readonly kind: "status"; readonly status: StatusError };

/** A call that this side opens. */
export interface OwnCall {
  /** Key, extension and arguments. */
  readonly payload: Uint8Array;
  readonly extended: boolean;
  readonly oneway: boolean;
  /** Makes room for the items of this side, if it sends some. */
  readonly sending: Sending["room"] | undefined;
  /** The same for those of the other side, if this one expects some. */
  readonly receiving: Receiving | undefined;
  /** Whether a handler makes it, for a call of the other side. */
  readonly nested: boolean;
  /** Runs with what comes ahead of the items, or beside the reply before that is told. */
  onMetadata: (metadata: Metadata, when: "leading" | "trailing") => void;
  /** Runs once, when the call has ended for its caller. */
  onReply: (reply: Reply) => void;
  /** Runs when the request has left, before any item may. */
  onSent: () => void;
}

/** Such a call with its place in the protocol. */
export interface OpenCall {
  readonly call: OwnCall;
  id: number;
  message: Message | undefined;
  /** What it takes of the other side's limits. */
  want: Want;
  /** Where it waits for room, and since when. */
  row: Queue<OpenCall> | undefined;
  since: number;
  /** The number of its request, when the first frame has left. */
  number: number | undefined;
  /** Whether the whole request has left. */
  sent: boolean;
  /** Whether its caller has been told how it ended, or does not wait any more. */
  settled: boolean;
  cancelled: boolean;
  /** The flags of the first frame of its reply. */
  replyFlags: number;
  readonly reply: Assembly;
  inbound: Inbound | undefined;
  outbound: Outbound | undefined;
}

/** A call that the other side opened. */
export interface PeerCall {
  readonly id: number;
  key: bigint;
  readonly json: boolean;
  readonly extended: boolean;
  extension: Extension;
  /** When its request began, in milliseconds. */
  readonly arrived: number;
  /** What it takes of this side's limits, while it does. */
  want: Want | undefined;
  /** Why it is not started, if it is not. */
  refusal: StatusError | undefined;
  readonly request: Assembly;
  arguments: Uint8Array;
  replied: boolean;
  inbound: Inbound | undefined;
  outbound: Outbound | undefined;
  /** Runs when the other side does not wait any more, or is gone. */
  onCancel: (status: StatusError) => void;
}

/** A message that arrives in several frames. */
export class Assembly {
  readonly #maxMessage: number;
  #parts: Uint8Array[] = [];
  #size = 0;
  #kind: number | undefined;

  constructor(maxMessage: number) {
    this.#maxMessage = maxMessage;
  }

  /** Whether some of it is there, but not all. */
  get isPartial(): boolean {
    return this.#kind !== undefined;
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  /** Adds a part; gives the whole with the last one. */
  add(kind: number, part: Uint8Array, more: boolean): Uint8Array | undefined {
    if (this.#kind !== undefined && this.#kind !== kind) {
      throw new ProtocolError("a message goes on as another kind of frame");
    }
    this.#size += part.length;
    if (this.#size > this.#maxMessage) {
      throw new ProtocolError("a message above the limit", "limit");
    }
    this.#kind = kind;
    // Parts may be empty, and are not kept then: they would cost memory without end.
    if (part.length > 0) {
      this.#parts.push(part);
    }
    if (more) {
      return undefined;
    }
    const whole = concat(this.#parts);
    this.drop();
    return whole;
  }

  drop(): void {
    [this.#parts, this.#size, this.#kind] = [[], 0, undefined];
  }
}
