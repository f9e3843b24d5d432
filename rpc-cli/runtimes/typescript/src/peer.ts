// The calls that the other side opens. PROTOCOL §8 to §10, §14 and §20.

import { Assembly, type PeerCall, type Reply } from "./calls.js";
import { ProtocolError, StatusError } from "./errors.js";
import {
  decodeExtension,
  type Extension,
  Flag,
  type Frame,
  Kind,
  NORMAL,
  NO_REPLY,
  RequestError,
  sendsItems,
  view,
} from "./frames.js";
import { DEFAULT_LIMITS, type Limits } from "./hello.js";
import { Metadata, passOver, UnknownEntry } from "./metadata.js";
import type { Outbox } from "./outbox.js";
import { creditOf, replyFrame, type Hooks } from "./payloads.js";
import { Lane, ONEWAY_COST, type Patience, Queue, Shares } from "./room.js";
import { Inbound, Outbound, type Pool } from "./streams.js";

/** Calls above the limit that are answered before the connection is closed for them. */
const REFUSALS = 1000;
/**
 * Bytes of replies that the other side may leave unread before no further handler is started, and of refusals before
 * the connection ends.
 */
const UNREAD = 1 << 20;
const KEY = 8;

function nothing(): Extension {
  const metadata = new Metadata();
  return { timeout: undefined, metadata, sends: false, expects: false, nested: false, credit: 0, priority: NORMAL, token: undefined };
}

export class PeerCalls {
  /** Whether no further request is accepted. */
  isDraining = false;
  /** Requests that were accepted. */
  accepted = 0;
  /** What the other side accepts. */
  peerLimits: Limits = DEFAULT_LIMITS;
  readonly #limits: Limits;
  readonly #outbox: Outbox;
  readonly #pool: Pool;
  readonly #patience: Patience;
  readonly #hooks: Hooks;
  readonly #calls = new Map<number, PeerCall>();
  /** Calls whose requests are there in part. Bounded by: the limit of partial messages. */
  readonly #partial = new Set<PeerCall>();
  readonly #shares = new Shares();
  /** Calls whose handlers are not started yet. Bounded by: the limits of calls, and the window of those without a reply. */
  readonly #held = new Queue<PeerCall>();
  /** Handlers of calls without a reply that have not ended, and the bytes of those that have. */
  #oneways = 0;
  #owed = 0;
  #refused = 0;

  constructor(limits: Limits, outbox: Outbox, pool: Pool, patience: Patience, hooks: Hooks) {
    this.#limits = limits;
    this.#outbox = outbox;
    this.#pool = pool;
    this.#patience = patience;
    this.#hooks = hooks;
  }

  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#oneways === 0;
  }

  /** How many requests are there in part. */
  get partial(): number {
    return this.#partial.size;
  }

  /** A frame about a call of the other side. */
  handle(frame: Frame): void {
    const { kind, id, payload } = frame;
    const call = this.#calls.get(id);
    if (kind === Kind.request) {
      this.#request(frame, call);
    } else if (kind === Kind.credit) {
      const bytes = creditOf(payload);
      call?.outbound?.receiveCredit(bytes);
    } else if (kind === Kind.cancel) {
      passOver(payload);
      if (call === undefined) {
        this.#patience.stray(this.accepted);
      } else {
        this.#cancel(call);
      }
    } else if (call?.inbound !== undefined && !call.request.isPartial) {
      this.#upload(frame, call, call.inbound);
    } else {
      this.#stray();
    }
  }

  #stray(): void {
    if (!this.isDraining) {
      throw new ProtocolError("an item or end of a stream that is not open");
    }
  }

  /** Ends a call. Of one without a reply, that its handler has ended. */
  reply(call: PeerCall, reply: Reply, started = true): void {
    if (call.replied) {
      return;
    }
    call.replied = true;
    if (call.id === NO_REPLY) {
      this.#finishOneway(call);
      return;
    }
    if (call.want !== undefined) {
      this.#shares.giveBack(call.want);
    }
    call.outbound?.close();
    let [kind, payload] = replyFrame(reply);
    if (payload.length > this.peerLimits.maxMessage) {
      const message = "the reply is longer than the caller accepts";
      const status = new StatusError("RESOURCE_EXHAUSTED", message);
      [kind, payload] = replyFrame({ kind: "status", status });
    }
    const sort = started ? "reply" : "refusal";
    this.#outbox.put({ kind, flags: 0, id: call.id, rest: payload, sort });
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

  stopUpload(call: PeerCall, why?: StatusError): void {
    if (call.inbound !== undefined && !call.inbound.isEnded && !call.inbound.isDropped && !call.replied) {
      call.inbound.drop(why);
      this.#outbox.put({ kind: Kind.cancel, flags: 0, id: call.id, rest: new Uint8Array(0) });
    }
  }

  /** Starts calls that were held back, as far as they may start now. */
  release(): void {
    while (this.#outbox.replies <= UNREAD) {
      const call = this.#held.shift();
      if (call === undefined) {
        return;
      }
      this.#start(call);
    }
  }

  /** Nothing more comes, but the other side reads what its calls bring. */
  endInput(status: StatusError): void {
    for (const call of [...this.#calls.values()]) {
      if (call.request.isPartial || call.replied) {
        this.#partial.delete(call);
        this.#calls.delete(call.id);
      } else if (call.inbound?.isEnded === false) {
        call.inbound.ignore(status);
      }
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
    this.#partial.clear();
    this.#held.clear();
  }

  #request(frame: Frame, call: PeerCall | undefined): void {
    const more = (frame.flags & Flag.more) !== 0;
    if (call === undefined) {
      if (!this.isDraining) {
        this.#first(frame, more);
      }
    } else if (call.request.isPartial && ((frame.flags & Flag.json) !== 0) === call.json) {
      this.#part(call, frame.payload, more);
    } else {
      throw new ProtocolError("a request with the id of an open call");
    }
  }

  #first({ flags, id, payload }: Frame, more: boolean): void {
    if (more && id === NO_REPLY) {
      throw new ProtocolError("a request without a reply in parts");
    }
    if (more && this.partial > this.#limits.maxPartial) {
      throw new ProtocolError("too many messages in part", "limit");
    }
    if (this.#calls.size > 2 * this.#limits.maxCalls + 2 * this.#limits.maxStreams + REFUSALS) {
      throw new ProtocolError("too many uploads that go on after their reply", "limit");
    }
    this.accepted += 1;
    const call: PeerCall = {
      id,
      key: 0n,
      json: (flags & Flag.json) !== 0,
      extended: (flags & Flag.ext) !== 0,
      extension: nothing(),
      arrived: this.#hooks.now(),
      want: undefined,
      refusal: undefined,
      request: new Assembly(this.#limits.maxMessage),
      arguments: new Uint8Array(0),
      replied: false,
      inbound: undefined,
      outbound: undefined,
      onCancel: () => undefined,
    };
    if (id !== NO_REPLY) {
      this.#calls.set(id, call);
    }
    this.#part(call, payload, more);
  }

  #part(call: PeerCall, payload: Uint8Array, more: boolean): void {
    const whole = call.request.add(Kind.request, payload, more);
    if (whole === undefined) {
      this.#partial.add(call);
      let size = 0;
      for (const { request } of this.#partial) {
        size += request.size;
      }
      this.#checkOverflow(size);
      return;
    }
    this.#partial.delete(call);
    if (this.#outbox.refusals > UNREAD) {
      throw new ProtocolError("the other side does not read what it is answered", "timeout");
    }
    this.#read(call, whole);
    if (call.id === NO_REPLY) {
      this.#admitOneway(call, whole.length);
    } else {
      call.inbound = call.extension.sends ? this.#inbound(call.id) : undefined;
      if (call.extension.timeout === 0n) {
        call.refusal ??= new StatusError("DEADLINE_EXCEEDED", "the time was over", false);
      }
      call.refusal ??= this.#admit(call, whole.length);
    }
    if (call.refusal !== undefined) {
      this.reply(call, { kind: "status", status: call.refusal }, false);
    } else if (this.#held.size > 0 || this.#outbox.replies > UNREAD) {
      this.#held.push(call);
    } else {
      this.#start(call);
    }
  }

  #start(call: PeerCall): void {
    if (call.extension.expects && call.id !== NO_REPLY) {
      call.outbound = new Outbound(this.peerLimits.initialWindow);
      if (call.extension.credit > 0) {
        call.outbound.receiveCredit(call.extension.credit);
      }
      this.#outbox.addStream(call.id, false, call.outbound);
    }
    this.#hooks.request(call);
  }

  /** Reads key, extension and arguments. */
  #read(call: PeerCall, whole: Uint8Array): void {
    if (whole.length < KEY) {
      call.refusal = new StatusError("INVALID_ARGUMENT", "a request without its key", false);
      return;
    }
    call.key = view(whole).getBigUint64(0, true);
    let length = 0;
    if (call.extended) {
      try {
        [call.extension, length] = decodeExtension(whole.subarray(KEY));
      } catch (error) {
        if (!(error instanceof RequestError)) {
          throw error;
        }
        call.refusal = new StatusError(error.code, error.message, false);
        call.extension = { ...nothing(), sends: sendsItems(whole.subarray(KEY)) };
        return;
      }
    }
    call.arguments = whole.subarray(KEY + length);
    if (call.id === NO_REPLY) {
      call.extension = { ...call.extension, sends: false, expects: false };
    }
  }

  /** Takes a call's share of the limits, or gives why there is none. */
  #admit(call: PeerCall, length: number): StatusError | undefined {
    const { sends, expects, nested } = call.extension;
    const want = { lane: sends || expects ? Lane.items : Lane.call, nested, length };
    this.#checkOverflow(length);
    if (this.#shares.admits(this.#limits, want)) {
      this.#shares.take(want);
      call.want = want;
      return undefined;
    }
    this.#refused += 1;
    if (this.#refused > REFUSALS) {
      throw new ProtocolError("too many calls above the limit", "limit");
    }
    const message = "too many calls are open, or bytes of their requests";
    return new StatusError("RESOURCE_EXHAUSTED", message, false);
  }

  #checkOverflow(length: number): void {
    if (this.#shares.overflows(this.#limits, length)) {
      throw new ProtocolError("more bytes of requests than the limit", "limit");
    }
  }

  #admitOneway(call: PeerCall, length: number): void {
    const { onewayWindow, maxFrame } = this.#limits;
    call.want = { lane: Lane.oneway, nested: call.extension.nested, length };
    this.#shares.take(call.want);
    this.#oneways += 1;
    if (this.#shares.oneway > Math.max(2 * onewayWindow, maxFrame + ONEWAY_COST)) {
      throw new ProtocolError("more bytes of calls without a reply than the limit", "limit");
    }
  }

  /** Gives credit for calls without a reply whose handlers have ended, when it is worth a frame. */
  #finishOneway(call: PeerCall): void {
    this.#oneways -= 1;
    this.#owed += (call.want?.length ?? 0) + ONEWAY_COST;
    if (this.#oneways === 0 || this.#owed * 4 >= this.#limits.onewayWindow) {
      this.#shares.credit(this.#owed);
      this.#putCredit(NO_REPLY, this.#owed);
      this.#owed = 0;
    }
  }

  #upload({ kind, flags, payload, id }: Frame, call: PeerCall, inbound: Inbound): void {
    if (inbound.isEnded || (flags & Flag.json) !== 0) {
      throw new ProtocolError("an item or end of a stream that has ended, or in another codec");
    }
    if (kind === Kind.item) {
      try {
        inbound.receive(payload, (flags & Flag.more) !== 0, (flags & Flag.ext) !== 0);
      } catch (error) {
        if (!(error instanceof UnknownEntry)) {
          throw error;
        }
        this.stopUpload(call, new StatusError("UNKNOWN", error.message));
      }
      return;
    }
    passOver(payload);
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
    } else if (call.request.isPartial || this.#held.delete(call)) {
      call.request.drop();
      this.#partial.delete(call);
      const status = new StatusError("CANCELLED", cancelled.message, false);
      this.reply(call, { kind: "status", status }, false);
    } else {
      call.onCancel(cancelled);
    }
  }

  #inbound(id: number): Inbound {
    return new Inbound(this.#limits, this.#pool, (bytes) => {
      this.#putCredit(id, bytes);
    });
  }

  #putCredit(id: number, bytes: number): void {
    const rest = new Uint8Array(4);
    view(rest).setUint32(0, bytes, true);
    this.#outbox.put({ kind: Kind.credit, flags: 0, id, rest });
    this.#hooks.wake();
  }
}
