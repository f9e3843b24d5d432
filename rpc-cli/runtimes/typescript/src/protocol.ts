// The state of one connection, dialer's side: bytes in, bytes out, no socket and no clock. `receive` throws a
// `ProtocolError` when the other side breaks a rule; `end` tells every open call that the connection is gone.

import type { OpenCall, OwnCall, PeerCall, Reply } from "./calls.js";
import { ProtocolError, StatusError } from "./errors.js";
import {
  checkExtensionFrame,
  concat,
  decodeGoaway,
  encodeFrame,
  encodeGoaway,
  Flag,
  type Frame,
  FrameDecoder,
  Kind,
  PREFACE,
  view,
} from "./frames.js";
import { decodeHello, encodeHello, type Limits } from "./hello.js";
import { Outbox } from "./outbox.js";
import { OwnCalls } from "./own.js";
import { checkLength, type Hooks, unavailable } from "./payloads.js";
import { PeerCalls } from "./peer.js";
import { Patience } from "./room.js";
import { type Outbound, Pool } from "./streams.js";

const NOTHING = new Uint8Array(0);
/** Bytes that have a ping behind them: its pong is a sign of life of a side that reads slowly. */
const STRETCH = 256 * 1024;
/** The code of a goaway to whom nothing proves who it is. */
const REFUSED = 6;

/** Credit for fewer bytes is hardly worth its frame. */
const LEAST_CREDIT = 1024;

export class Protocol {
  readonly #hooks: Hooks;
  readonly #decoder: FrameDecoder;
  readonly #outbox = new Outbox();
  readonly #patience = new Patience();
  readonly #own: OwnCalls;
  readonly #peer: PeerCalls;
  #greeted = false;
  #ended = false;
  #greeting: Uint8Array[];
  #pingToken = 0n;
  #pongToken = 0n;
  #pong: Uint8Array | undefined;
  #unmarked = 0;
  #reason: StatusError | undefined;

  constructor(limits: Limits, hooks: Hooks, name = "", token?: Uint8Array) {
    this.#hooks = hooks;
    this.#decoder = new FrameDecoder(limits.maxFrame);
    const pool = new Pool(limits.sharedWindow);
    this.#own = new OwnCalls(limits, this.#outbox, pool, hooks);
    this.#peer = new PeerCalls(limits, this.#outbox, pool, this.#patience, hooks);
    this.#greeting = [PREFACE, encodeHello(limits, name, token)];
  }

  /** Whether the connection may be closed in order: nothing is owed or awaited, and all has left. */
  get isIdle(): boolean {
    return this.#own.isIdle && this.#peer.isIdle && this.#outbox.isEmpty;
  }

  /** Why the other side has ended the connection at once, if it has. */
  get reason(): StatusError | undefined {
    return this.#reason;
  }

  /** Whether a call is open, of either side. */
  get hasCalls(): boolean {
    return !this.#own.isIdle || !this.#peer.isIdle;
  }

  /** Whether a frame or message has begun that is not whole. */
  get isPartial(): boolean {
    return this.#decoder.isPartial || this.#own.isPartial || this.#peer.partial > 0;
  }

  /** Whether either side has said that it opens no further call. */
  get isDraining(): boolean {
    return this.#own.isRefusing;
  }

  /** Takes what has arrived. */
  receive(bytes: Uint8Array): void {
    this.#patience.heard(bytes.length, this.#hooks.now());
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
    for (const { length } of frames) {
      this.#unmarked += length;
    }
    if (this.#unmarked >= STRETCH) {
      this.#unmarked = 0;
      frames.push(this.#nextPing());
    }
    this.#peer.release();
    return frames.length === 0 ? NOTHING : concat(frames);
  }

  /** Opens a call as soon as there is room for it. */
  open(call: OwnCall): OpenCall {
    return this.#own.open(call);
  }

  /** Gives a call up for that reason. Nothing is reported of it any more. */
  cancel(open: OpenCall, reason: Error | undefined): void {
    this.#own.cancel(open, reason);
  }

  /** Ends an upload after what was sent of it. */
  finishUpload(open: OpenCall): void {
    this.#own.finishUpload(open);
  }

  /** Answers a call of the other side; of one without a reply, that its handler has ended. */
  reply(call: PeerCall, reply: Reply): void {
    this.#peer.reply(call, reply);
    this.#hooks.wake();
  }

  /** Answers a call whose handler is not started. */
  refuse(call: PeerCall, status: StatusError): void {
    this.#peer.reply(call, { kind: "status", status }, false);
    this.#hooks.wake();
  }

  /** Does what is due. To be called each second or so. */
  tick(): void {
    this.#own.losePatience();
    this.#peer.release();
  }

  /**
   * Nothing more comes. Whether the connection goes on: in an orderly end, the other side may still read what its calls
   * bring.
   */
  endInput(): boolean {
    if (!this.isDraining || this.#peer.isIdle) {
      return false;
    }
    const why = "the other side has ended the connection";
    this.#own.end(why);
    this.#peer.endInput(unavailable(why, true));
    this.#hooks.wake();
    return true;
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

  /** Something was given to a stream, which has room for more or not. */
  flush(outbound?: Outbound): void {
    if (outbound?.hasRoom === true) {
      this.#hooks.wakeSoon();
    } else {
      this.#hooks.wake();
    }
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
      this.#own.refuse("the connection is closing");
      this.#hooks.wake();
    }
  }

  /** The last words to a side that broke a rule; nothing else is sent with or after them. */
  farewell(error: ProtocolError): Uint8Array {
    const code = { protocol: 1, limit: 2, timeout: 3, calm: 5 }[error.fault];
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
    this.#own.end(why);
    this.#peer.end(unavailable(why, true));
  }

  /** Asks for a sign of life. */
  ping(): void {
    const rest = this.#nextPing().subarray(8);
    this.#outbox.put({ kind: Kind.ping, flags: 0, id: 0, rest });
    this.#hooks.wake();
  }

  #nextPing(): Uint8Array {
    this.#pingToken += 1n;
    const payload = new Uint8Array(8);
    view(payload).setBigUint64(0, this.#pingToken, true);
    return encodeFrame(Kind.ping, 0, 0, payload);
  }

  /** Charges the other side for a frame that brings nothing. */
  #charge({ kind, flags, payload }: Frame): void {
    const empty = (flags & Flag.more) !== 0 && payload.length === 0;
    const little =
      kind === Kind.credit && payload.length === 4 && view(payload).getUint32(0, true) < LEAST_CREDIT;
    if (empty || little || kind === Kind.ping || kind === Kind.extension) {
      this.#patience.charge();
    }
  }

  #handle(frame: Frame): void {
    const { kind, flags, payload } = frame;
    const mine = (flags & Flag.mine) !== 0;
    // Before its hello, a side may say why it closes.
    if ((kind === Kind.hello) === this.#greeted && kind !== Kind.goaway) {
      throw new ProtocolError("the first frame, and no other, is a hello");
    }
    this.#charge(frame);
    if (kind === Kind.extension) {
      checkExtensionFrame(payload);
      return;
    }
    if (mine) {
      this.#peer.handle(frame);
    } else if (kind === Kind.hello) {
      this.#hello(payload);
    } else if (kind === Kind.ping) {
      checkLength(payload, 8);
      this.#pong = encodeFrame(Kind.pong, 0, 0, payload);
    } else if (kind === Kind.pong) {
      checkLength(payload, 8);
      const token = view(payload).getBigUint64(0, true);
      if (token <= this.#pongToken || token > this.#pingToken) {
        throw new ProtocolError("a pong that no ping asked for");
      }
      this.#pongToken = token;
    } else if (kind === Kind.goaway) {
      this.#goaway(payload);
    } else {
      this.#own.handle(frame, this.#peer.partial);
    }
  }

  #hello(payload: Uint8Array): void {
    const limits = decodeHello(payload);
    this.#greeted = true;
    this.#outbox.maxFrame = limits.maxFrame;
    this.#peer.peerLimits = limits;
    this.#own.begin(limits);
    this.#hooks.ready();
  }

  #goaway(payload: Uint8Array): void {
    const [code, accepted, message] = decodeGoaway(payload);
    const why = message === "" ? "the other side is going away" : message;
    const status = new StatusError(code === REFUSED ? "UNAUTHENTICATED" : "UNAVAILABLE", why, false);
    this.#own.abandon(accepted, status);
    if (code !== 0) {
      this.#reason = status;
      this.end(why);
    }
  }
}
