// Stands for `peer.ts` in clients of servers that call nobody: refuses every call, and keeps count.

import { type PeerCall, type Reply } from "../src/calls.js";
import { StatusError } from "../src/errors.js";
import { Flag, type Frame, Kind, NO_REPLY, view } from "../src/frames.js";
import { DEFAULT_LIMITS, type Limits } from "../src/hello.js";
import type { Outbox } from "../src/outbox.js";
import { replyFrame } from "../src/payloads.js";
import { ONEWAY_COST } from "../src/room.js";

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
    const status = new StatusError("UNIMPLEMENTED", "this client answers no calls", false);
    let [answer, rest] = replyFrame({ kind: "status", status });
    if (id === NO_REPLY) {
      [answer, rest] = [Kind.credit, new Uint8Array(4)];
      view(rest).setUint32(0, payload.length + ONEWAY_COST, true);
    }
    this.#outbox.put({ kind: answer, flags: 0, id, rest, sort: "refusal" });
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
