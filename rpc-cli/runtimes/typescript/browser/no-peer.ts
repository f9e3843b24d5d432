// Stands for `peer.ts` in clients of servers that call nobody: refuses every call, and keeps count.

import { type PeerCall, type Reply } from "../src/calls.js";
import { numberOf, type StatusError } from "../src/errors.js";
import { Flag, type Frame, Kind, NO_REPLY, view, writeText } from "../src/frames.js";
import { DEFAULT_LIMITS, type Limits } from "../src/hello.js";
import type { Outbox } from "../src/outbox.js";
import { ONEWAY_COST } from "../src/room.js";
import { Writer } from "../src/wire.js";

export class PeerCalls {
  isDraining = false;
  accepted = 0;
  peerLimits: Limits = DEFAULT_LIMITS;
  readonly isIdle = true;
  readonly #outbox: Outbox;
  /** Requests that are there in part. */
  readonly #partial = new Set<number>();

  constructor(_limits: Limits, outbox: Outbox) {
    this.#outbox = outbox;
  }

  get partial(): number {
    return this.#partial.size;
  }

  handle({ kind, flags, id, payload }: Frame): void {
    if (kind !== Kind.request) {
      // What was under way of a call that is refused.
      return;
    }
    this.accepted += this.#partial.has(id) ? 0 : 1;
    if ((flags & Flag.more) !== 0) {
      this.#partial.add(id);
      return;
    }
    this.#partial.delete(id);
    const isOneway = id === NO_REPLY;
    const rest = isOneway ? creditFor(payload.length + ONEWAY_COST) : refusal();
    this.#outbox.put({ kind: isOneway ? Kind.credit : Kind.error, flags: 0, id, rest, sort: "refusal" });
  }

  reply(_call: PeerCall, _reply: Reply, _started?: boolean): void {
    // There are none.
  }

  accept(_call: PeerCall): void {
    // There are none.
  }

  stopUpload(_call: PeerCall): void {
    // There are none.
  }

  release(): void {
    // None is held.
  }

  endInput(_status: StatusError): void {
    this.#partial.clear();
  }

  end(_status: StatusError): void {
    this.#partial.clear();
  }
}

function creditFor(bytes: number): Uint8Array {
  const rest = new Uint8Array(4);
  view(rest).setUint32(0, bytes, true);
  return rest;
}

/** A status of a call that was not started. */
function refusal(): Uint8Array {
  const writer = new Writer();
  writer.raw(Uint8Array.of(1, numberOf("UNIMPLEMENTED"), 0));
  writeText(writer, "this client answers no calls", 64);
  return writer.finish();
}
