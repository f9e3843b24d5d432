// What frames about calls carry beside values, and what the protocol tells its owner.

import type { PeerCall, Reply } from "./calls.js";
import { ProtocolError, StatusError } from "./errors.js";
import { concat, encodeStatus, Kind, view } from "./frames.js";

/** What the protocol tells its owner. */
export interface Hooks {
  /** The other side's hello is there. */
  ready(): void;
  /** The other side calls. */
  request(call: PeerCall): void;
  /** There is something to send. */
  wake(): void;
  /** There is something to send, and more may follow at once: one write takes it all. */
  wakeSoon(): void;
  /** The time in milliseconds. */
  now(): number;
}

/** The bytes that a credit frame gives. */
export function creditOf(payload: Uint8Array): number {
  checkLength(payload, 4);
  const bytes = view(payload).getUint32(0, true);
  if (bytes === 0) {
    throw new ProtocolError("credit of nothing");
  }
  return bytes;
}

export function checkLength(payload: Uint8Array, length: number): void {
  if (payload.length !== length) {
    throw new ProtocolError("a frame of another length than its kind has");
  }
}

/** The payload of an error or response frame, and its kind. */
export function replyFrame(reply: Reply): [kind: number, payload: Uint8Array] {
  switch (reply.kind) {
    case "value":
      return [Kind.response, reply.payload];
    case "app":
      return [Kind.error, concat([Uint8Array.of(0), reply.payload])];
    case "status":
      return [Kind.error, encodeStatus(reply.status)];
  }
}

/** The connection ends or is gone. */
export function unavailable(why: string, mayHaveRun: boolean): StatusError {
  return new StatusError("UNAVAILABLE", why, mayHaveRun);
}
