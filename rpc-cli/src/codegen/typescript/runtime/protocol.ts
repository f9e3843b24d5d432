// The state of one connection, dialer's side: bytes in, bytes out, no socket and no clock. `receive` throws a
// `ProtocolError` when the other side breaks a rule; `end` tells every open call that the connection is gone.

import { Assembly, type OpenCall, type OwnCall, type PeerCall, type Reply } from "./calls.js";
import { ProtocolError, StatusError } from "./errors.js";
import {
  decodeError,
  decodeGoaway,
  decodeHello,
  encodeGoaway,
  encodeHello,
  encodeStatus,
  Flag,
  type Frame,
  FrameDecoder,
  Kind,
  type Limits,
  NO_REPLY,
  PREFACE,
  view,
  concat,
} from "./frames.js";
import { Outbox } from "./outbox.js";
import { PeerCalls } from "./peer.js";
import { Inbound, Outbound } from "./streams.js";

const NOTHING = new Uint8Array(0);

/** What the protocol tells its owner. */
export interface Hooks {
  /** The other side's hello is there. */
  ready(): void;
  /** The other side calls. */
  request(call: PeerCall): void;
  /** There is something to send. */
  wake(): void;
}

export class Protocol {
  readonly #limits: Limits;
  readonly #hooks: Hooks;
  readonly #decoder: FrameDecoder;
  readonly #outbox = new Outbox();
  readonly #calls = new Map<number, OpenCall>();
  readonly #peer: PeerCalls;
  /** One-way calls that have not left. */
  readonly #oneways = new Set<OpenCall>();
  #peerLimits: Limits | undefined;
  #waiting: OpenCall[] = [];
  #freeIds: number[] = [];
  #nextId = 0;
  /** Requests that have left. */
  #sent = 0;
  /** Why no further call is opened. */
  #refusal: StatusError | undefined;
  #ended = false;
  #greeting: Uint8Array[];
  #pingToken = 0n;
  #pongToken = 0n;
  #pong: Uint8Array | undefined;

  constructor(limits: Limits, hooks: Hooks) {
    this.#limits = limits;
    this.#hooks = hooks;
    this.#decoder = new FrameDecoder(limits.maxFrame);
    this.#peer = new PeerCalls(limits, this.#outbox, hooks);
    this.#greeting = [PREFACE, encodeHello(limits)];
  }

  /** Whether the connection may be closed in order: nothing is owed or awaited, and all has left. */
  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#peer.isIdle && this.#outbox.isEmpty;
  }

  /** Whether a reply is awaited. */
  get isWaiting(): boolean {
    return this.#calls.size > 0;
  }

  /** Whether either side has said that it opens no further call. */
  get isDraining(): boolean {
    return this.#refusal !== undefined;
  }

  /** Takes what has arrived. */
  receive(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
    while (!this.#ended) {
      const frame = this.#decoder.next();
      if (frame === undefined) {
        break;
      }
      this.#handle(frame);
    }
    this.#hooks.wake();
  }

  /** What is to be sent, up to about `size` bytes; nothing if there is nothing. */
  take(size: number): Uint8Array {
    const frames = this.#greeting;
    this.#greeting = [];
    if (this.#pong !== undefined) {
      frames.push(this.#pong);
      this.#pong = undefined;
    }
    frames.push(...this.#outbox.take(size));
    return frames.length === 0 ? NOTHING : concat(frames);
  }

  /** Opens a call as soon as there is room for it. */
  open(call: OwnCall): OpenCall {
    const open: OpenCall = {
      call,
      id: NO_REPLY,
      message: undefined,
      number: undefined,
      sent: false,
      settled: false,
      cancelled: false,
      reply: new Assembly(this.#limits.maxMessage),
      inbound: undefined,
      outbound: undefined,
    };
    const { window, maxMessage } = this.#limits;
    if (call.expects) {
      open.inbound = new Inbound(window, maxMessage, (bytes) => {
        this.#putCredit(open.id, Flag.mine, bytes);
      });
    }
    const status = this.#refusal;
    if (status !== undefined) {
      // Later, so that the caller has the call when it hears of its end.
      queueMicrotask(() => {
        this.#settle(open, { kind: "status", status });
      });
    } else {
      this.#waiting.push(open);
      this.#admit();
    }
    return open;
  }

  /** Gives a call up for that reason. Nothing is reported of it any more. */
  cancel(open: OpenCall, reason: Error | undefined): void {
    if (open.settled) {
      return;
    }
    open.settled = true;
    open.inbound?.ignore(reason);
    open.outbound?.close();
    if (open.number === undefined) {
      this.#waiting = this.#waiting.filter((other) => other !== open);
      if (open.message !== undefined) {
        this.#outbox.drop(open.message);
        this.#oneways.delete(open);
        this.#release(open);
      }
      return;
    }
    if (this.#calls.get(open.id) === open) {
      open.cancelled = true;
      if (!open.sent && open.message !== undefined) {
        this.#outbox.drop(open.message);
      }
      this.#put(Kind.cancel, Flag.mine, open.id);
    }
  }

  /** Ends an upload after what was sent of it. */
  finishUpload(open: OpenCall): void {
    const { outbound, sent, cancelled } = open;
    if (outbound === undefined || outbound.isClosed || !sent || cancelled) {
      return;
    }
    outbound.close();
    this.#put(Kind.end, Flag.mine, open.id, NOTHING, () => {
      if (open.settled) {
        this.#release(open);
      }
    });
  }

  /** Answers a call of the other side. */
  reply(call: PeerCall, reply: Reply): void {
    this.#peer.reply(call, reply);
    this.#hooks.wake();
  }

  /** The handler of a streaming call has begun. */
  accept(call: PeerCall): void {
    this.#peer.accept(call);
    this.#hooks.wake();
  }

  /** Wants no more of an upload of the other side. */
  stopUpload(call: PeerCall): void {
    this.#peer.stopUpload(call);
    this.#hooks.wake();
  }

  /** Something was given to a stream. */
  flush(): void {
    this.#hooks.wake();
  }

  /** Opens and starts no further call; finishes what runs. */
  drain(message: string): void {
    if (!this.#peer.isDraining) {
      this.#peer.isDraining = true;
      this.#outbox.putLast({
        kind: Kind.goaway,
        flags: 0,
        id: 0,
        rest: encodeGoaway(0, this.#peer.accepted, message).subarray(8),
      });
      this.#refuse("the connection is closing");
      this.#hooks.wake();
    }
  }

  /** The last words to a side that broke a rule; nothing else is sent with or after them. */
  farewell(error: ProtocolError): Uint8Array {
    const code = { protocol: 1, limit: 2, timeout: 3 }[error.fault];
    const greeting = this.#greeting;
    this.#greeting = [];
    return concat([...greeting, encodeGoaway(code, this.#peer.accepted, error.message)]);
  }

  /** The connection is gone: ends every call. */
  end(why: string): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#outbox.clear();
    this.#refuse(why);
    for (const open of [...this.#calls.values(), ...this.#oneways]) {
      const mayHaveRun = open.number !== undefined;
      this.#settle(open, { kind: "status", status: unavailable(why, mayHaveRun) });
    }
    this.#calls.clear();
    this.#peer.end(unavailable(why, true));
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.#pingToken += 1n;
    const payload = new Uint8Array(8);
    view(payload).setBigUint64(0, this.#pingToken, true);
    this.#put(Kind.ping, 0, 0, payload);
  }

  #handle(frame: Frame): void {
    const { kind, flags, id, payload } = frame;
    const mine = (flags & Flag.mine) !== 0;
    if ((kind === Kind.hello) !== (this.#peerLimits === undefined)) {
      throw new ProtocolError("the first frame, and no other, is a hello");
    }
    if (mine) {
      this.#peer.handle(frame);
    } else if (kind === Kind.hello) {
      this.#hello(payload);
    } else if (kind === Kind.response || kind === Kind.error) {
      this.#reply(frame);
    } else if (kind === Kind.item || kind === Kind.accept) {
      this.#item(frame);
    } else if (kind === Kind.credit) {
      const bytes = creditOf(payload);
      this.#calls.get(id)?.outbound?.receiveCredit(bytes);
    } else if (kind === Kind.cancel) {
      const open = this.#calls.get(id);
      if (open !== undefined) {
        this.finishUpload(open);
      }
    } else if (kind === Kind.ping) {
      checkLength(payload, 8);
      this.#pong = concat([Uint8Array.of(8, 0, 0, Kind.pong, 0, 0, 0, 0), payload]);
    } else if (kind === Kind.pong) {
      checkLength(payload, 8);
      const token = view(payload).getBigUint64(0, true);
      if (token <= this.#pongToken || token > this.#pingToken) {
        throw new ProtocolError("a pong that no ping asked for");
      }
      this.#pongToken = token;
    } else {
      this.#goaway(payload);
    }
  }

  #hello(payload: Uint8Array): void {
    const limits = decodeHello(payload);
    this.#peerLimits = limits;
    this.#outbox.maxFrame = limits.maxFrame;
    this.#peer.peerLimits = limits;
    this.#admit();
    this.#hooks.ready();
  }

  /** Sends what waits, as far as the other side has room. */
  #admit(): void {
    const limits = this.#peerLimits;
    while (limits !== undefined && this.#calls.size < limits.maxCalls) {
      const open = this.#waiting.shift();
      if (open === undefined) {
        break;
      }
      this.#request(open, limits);
    }
    this.#hooks.wake();
  }

  #request(open: OpenCall, limits: Limits): void {
    const { payload, extended, sends } = open.call;
    if (payload.length > limits.maxMessage) {
      const message = `the request is longer than ${String(limits.maxMessage)} bytes`;
      const status = new StatusError("RESOURCE_EXHAUSTED", message, false);
      queueMicrotask(() => {
        this.#settle(open, { kind: "status", status });
      });
      return;
    }
    const oneway = open.call.oneway && payload.length <= limits.maxFrame;
    open.id = oneway ? NO_REPLY : (this.#freeIds.pop() ?? this.#nextId++);
    if (oneway) {
      this.#oneways.add(open);
    } else {
      this.#calls.set(open.id, open);
    }
    if (sends) {
      open.outbound = new Outbound(limits.window);
    }
    open.message = {
      kind: Kind.request,
      flags: Flag.mine | (extended ? Flag.ext : 0),
      id: open.id,
      rest: payload,
      onBegun: () => {
        open.number = this.#sent;
        this.#sent += 1;
      },
      onDone: () => {
        open.sent = true;
        this.#oneways.delete(open);
        open.message = undefined;
        if (open.outbound !== undefined) {
          this.#outbox.addStream(open.id, true, open.outbound);
        }
        open.call.onSent();
      },
    };
    this.#outbox.put(open.message);
  }

  #reply({ kind, flags, id, payload }: Frame): void {
    const open = this.#open(id);
    if (!open.sent && !open.cancelled) {
      throw new ProtocolError("a reply before the end of its request");
    }
    if (!open.reply.isPartial && this.#countPartial() > this.#limits.maxPartial) {
      throw new ProtocolError("too many messages in part", "limit");
    }
    const more = (flags & Flag.more) !== 0;
    const whole = open.reply.add(kind, payload, more);
    if (whole === undefined) {
      return;
    }
    const read: Uint8Array | StatusError = kind === Kind.error ? decodeError(whole) : whole;
    if ((flags & Flag.json) !== 0) {
      throw new ProtocolError("a reply in another codec than its request");
    }
    if (open.outbound === undefined || open.outbound.isClosed || open.cancelled) {
      this.#release(open);
    }
    if (read instanceof StatusError) {
      this.#settle(open, { kind: "status", status: read });
    } else {
      this.#settle(open, { kind: kind === Kind.error ? "app" : "value", payload: read });
    }
    this.finishUpload(open);
  }

  #item({ kind, flags, id, payload }: Frame): void {
    const { inbound } = this.#open(id);
    if (inbound === undefined || (flags & Flag.json) !== 0) {
      throw new ProtocolError("an item or accept that its call does not expect");
    }
    if (kind === Kind.item) {
      inbound.receive(payload, (flags & Flag.more) !== 0);
    } else {
      checkLength(payload, 0);
    }
  }

  #goaway(payload: Uint8Array): void {
    const [code, accepted, message] = decodeGoaway(payload);
    const why = message === "" ? "the other side is going away" : message;
    for (const open of [...this.#calls.values()]) {
      if (open.number === undefined || BigInt(open.number) >= accepted) {
        if (open.message !== undefined) {
          this.#outbox.drop(open.message);
        }
        this.#settle(open, { kind: "status", status: unavailable(why, false) });
        open.outbound?.close();
        this.#calls.delete(open.id);
      }
    }
    this.#refuse(why);
    if (code !== 0) {
      this.end(why);
    }
  }

  /** Opens no further call; those that wait were not started. */
  #refuse(why: string): void {
    this.#refusal ??= unavailable(why, false);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const open of waiting) {
      this.#settle(open, { kind: "status", status: this.#refusal });
    }
  }

  /** The open call with that id, which has had no reply. */
  #open(id: number): OpenCall {
    const open = this.#calls.get(id);
    const replied = open?.settled === true && !open.cancelled;
    if (open === undefined || replied) {
      throw new ProtocolError("a frame about a call that is not open");
    }
    return open;
  }

  #countPartial(): number {
    let count = this.#peer.partial;
    for (const open of this.#calls.values()) {
      count += open.reply.isPartial ? 1 : 0;
    }
    return count;
  }

  #release(open: OpenCall): void {
    if (this.#calls.get(open.id) === open) {
      this.#calls.delete(open.id);
      this.#freeIds.push(open.id);
      this.#admit();
    }
  }

  #settle(open: OpenCall, reply: Reply): void {
    if (!open.settled) {
      open.settled = true;
      open.call.onReply(reply);
    }
  }

  #putCredit(id: number, flags: number, bytes: number): void {
    const payload = new Uint8Array(4);
    view(payload).setUint32(0, bytes, true);
    this.#put(Kind.credit, flags, id, payload);
  }

  #put(kind: number, flags: number, id: number, rest = NOTHING, onDone?: () => void): void {
    this.#outbox.put({ kind, flags, id, rest, ...(onDone === undefined ? {} : { onDone }) });
    this.#hooks.wake();
  }
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

function unavailable(why: string, mayHaveRun: boolean): StatusError {
  return new StatusError("UNAVAILABLE", why, mayHaveRun);
}
