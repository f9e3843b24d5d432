// The calls that the other side opens. PROTOCOL §8 to §10, §14 and §20.

import { Assembly, type PeerCall, type Reply } from "./calls.js";
import { ProtocolError, StatusError } from "./errors.js";
import {
  decodeExtension,
  type Extension,
  ExtensionError,
  Flag,
  type Frame,
  Kind,
  type Limits,
  NO_REPLY,
  view,
} from "./frames.js";
import type { Outbox } from "./outbox.js";
import { checkLength, creditOf, replyFrame, type Hooks } from "./payloads.js";
import { Inbound, Outbound } from "./streams.js";

/** Calls above the limit that are answered before the connection is closed for them. */
const PATIENCE = 1000;
const NO_EXTENSION: Extension = {
  timeout: undefined,
  metadata: new Map(),
  sends: false,
  expects: false,
};

export class PeerCalls {
  /** Whether no further request is accepted. */
  isDraining = false;
  /** Requests that were accepted. */
  accepted = 0;
  /** What the other side accepts. */
  peerLimits: Limits;
  readonly #limits: Limits;
  readonly #outbox: Outbox;
  readonly #hooks: Hooks;
  readonly #calls = new Map<number, PeerCall>();
  #refused = 0;

  constructor(limits: Limits, outbox: Outbox, hooks: Hooks) {
    this.#limits = limits;
    this.peerLimits = limits;
    this.#outbox = outbox;
    this.#hooks = hooks;
  }

  get isIdle(): boolean {
    return this.#calls.size === 0;
  }

  /** How many requests are there in part. */
  get partial(): number {
    let count = 0;
    for (const call of this.#calls.values()) {
      count += call.request.isPartial ? 1 : 0;
    }
    return count;
  }

  /** A frame about a call of the other side. */
  handle(frame: Frame): void {
    const { kind, id, payload } = frame;
    const call = this.#calls.get(id);
    if (kind === Kind.request) {
      this.#request(frame, call);
    } else if (kind === Kind.credit) {
      call?.outbound?.receiveCredit(creditOf(payload));
    } else if (kind === Kind.cancel) {
      checkLength(payload, 0);
      if (call !== undefined) {
        this.#cancel(call);
      }
    } else if (call?.inbound !== undefined && !call.request.isPartial) {
      this.#upload(frame, call, call.inbound);
    } else if (!this.isDraining) {
      throw new ProtocolError("an item or end of a stream that is not open");
    }
  }

  reply(call: PeerCall, reply: Reply): void {
    if (call.replied || call.id === NO_REPLY) {
      return;
    }
    call.replied = true;
    call.outbound?.close();
    let [kind, payload] = replyFrame(reply);
    if (payload.length > this.peerLimits.maxMessage) {
      const message = "the reply is longer than the caller accepts";
      const status = new StatusError("RESOURCE_EXHAUSTED", message);
      [kind, payload] = replyFrame({ kind: "status", status });
    }
    this.#outbox.put({ kind, flags: 0, id: call.id, rest: payload });
    if (call.inbound === undefined || call.inbound.isEnded) {
      this.#calls.delete(call.id);
    } else {
      // The id is taken until the upload has ended too; what comes of it is passed over.
      call.inbound.drop();
    }
  }

  accept(call: PeerCall): void {
    if (!call.replied) {
      this.#outbox.put({ kind: Kind.accept, flags: 0, id: call.id, rest: new Uint8Array(0) });
    }
  }

  stopUpload(call: PeerCall): void {
    if (call.inbound !== undefined && !call.inbound.isEnded && !call.replied) {
      call.inbound.drop();
      this.#outbox.put({ kind: Kind.cancel, flags: 0, id: call.id, rest: new Uint8Array(0) });
    }
  }

  /** The connection is gone. */
  end(status: StatusError): void {
    for (const call of this.#calls.values()) {
      call.replied = true;
      call.inbound?.ignore(status);
      call.outbound?.close();
      call.onCancel(status);
    }
    this.#calls.clear();
  }

  #request(frame: Frame, call: PeerCall | undefined): void {
    const more = (frame.flags & Flag.more) !== 0;
    if (call === undefined) {
      if (!this.isDraining) {
        this.#first(frame, more);
      }
    } else if (call.request.isPartial) {
      this.#part(call, frame.payload, more);
    } else {
      throw new ProtocolError("a request with the id of an open call");
    }
  }

  #first({ flags, id, payload }: Frame, more: boolean): void {
    if (payload.length < 8 || (more && id === NO_REPLY)) {
      throw new ProtocolError("a request without its key, or one without a reply in parts");
    }
    if (more && this.partial > this.#limits.maxPartial) {
      throw new ProtocolError("too many messages in part", "limit");
    }
    if (this.#calls.size > 2 * this.#limits.maxCalls + 8) {
      throw new ProtocolError("too many uploads that go on after their reply", "limit");
    }
    this.accepted += 1;
    const [extension, length, refusal] = extensionOf(payload.subarray(8), flags);
    const call: PeerCall = {
      id,
      key: view(payload).getBigUint64(0, true),
      json: (flags & Flag.json) !== 0,
      extension,
      refusal: refusal ?? this.#full(),
      request: new Assembly(this.#limits.maxMessage),
      arguments: new Uint8Array(0),
      replied: false,
      inbound: extension.sends ? this.#inbound(id) : undefined,
      outbound: extension.expects ? new Outbound(this.peerLimits.window) : undefined,
      onCancel: () => undefined,
    };
    if (id !== NO_REPLY) {
      this.#calls.set(id, call);
    }
    this.#part(call, payload.subarray(8 + length), more);
  }

  #part(call: PeerCall, payload: Uint8Array, more: boolean): void {
    const whole = call.request.add(Kind.request, payload, more);
    if (whole === undefined) {
      return;
    }
    call.arguments = whole;
    if (call.extension.timeout === 0n) {
      call.refusal ??= new StatusError("DEADLINE_EXCEEDED", "the time was over", false);
    }
    if (call.refusal !== undefined) {
      this.reply(call, { kind: "status", status: call.refusal });
      return;
    }
    if (call.outbound !== undefined) {
      this.#outbox.addStream(call.id, false, call.outbound);
    }
    this.#hooks.request(call);
  }

  #upload({ kind, flags, payload, id }: Frame, call: PeerCall, inbound: Inbound): void {
    if (inbound.isEnded || (flags & Flag.json) !== 0) {
      throw new ProtocolError("an item or end of a stream that has ended, or in another codec");
    }
    if (kind === Kind.item) {
      inbound.receive(payload, (flags & Flag.more) !== 0);
      return;
    }
    checkLength(payload, 0);
    if (inbound.isInsideItem) {
      throw new ProtocolError("the end of a stream inside an item");
    }
    inbound.finish();
    if (call.replied) {
      this.#calls.delete(id);
    }
  }

  #cancel(call: PeerCall): void {
    const cancelled = new StatusError("CANCELLED", "the caller cancelled the call");
    call.inbound?.ignore(cancelled);
    if (call.replied) {
      this.#calls.delete(call.id);
    } else if (call.request.isPartial) {
      call.request.drop();
      const status = new StatusError("CANCELLED", cancelled.message, false);
      this.reply(call, { kind: "status", status });
    } else {
      call.onCancel(cancelled);
    }
  }

  /** Why there is no room for one call more. */
  #full(): StatusError | undefined {
    let open = 0;
    for (const call of this.#calls.values()) {
      open += call.replied ? 0 : 1;
    }
    if (open < this.#limits.maxCalls) {
      return undefined;
    }
    this.#refused += 1;
    if (this.#refused > PATIENCE) {
      throw new ProtocolError("too many calls above the limit", "limit");
    }
    return new StatusError("RESOURCE_EXHAUSTED", "too many calls are open", false);
  }

  #inbound(id: number): Inbound {
    const { window, maxMessage } = this.#limits;
    return new Inbound(window, maxMessage, (bytes) => {
      const rest = new Uint8Array(4);
      view(rest).setUint32(0, bytes, true);
      this.#outbox.put({ kind: Kind.credit, flags: 0, id, rest });
      this.#hooks.wake();
    });
  }
}

/** The extension of a request, its length, and what is wrong with it. */
function extensionOf(
  payload: Uint8Array,
  flags: number,
): [extension: Extension, length: number, refusal: StatusError | undefined] {
  if ((flags & Flag.ext) === 0) {
    return [NO_EXTENSION, 0, undefined];
  }
  try {
    return [...decodeExtension(payload), undefined];
  } catch (error) {
    if (!(error instanceof ExtensionError)) {
      throw error;
    }
    const refusal = new StatusError("INVALID_ARGUMENT", error.message, false);
    return [NO_EXTENSION, payload.length, refusal];
  }
}
