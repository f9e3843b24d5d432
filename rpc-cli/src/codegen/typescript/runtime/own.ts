// The calls that this side opens. PROTOCOL §4, §10, §12, §14 and §20.

import { Assembly, type OpenCall, type OwnCall, type Reply } from "./calls.js";
import { ProtocolError, StatusError } from "./errors.js";
import { decodeError, Flag, type Frame, Kind, type Limits, NO_REPLY, view } from "./frames.js";
import type { Outbox } from "./outbox.js";
import { checkLength, creditOf, type Hooks, unavailable } from "./payloads.js";
import { Inbound, Outbound } from "./streams.js";

export class OwnCalls {
  readonly #limits: Limits;
  readonly #outbox: Outbox;
  readonly #hooks: Hooks;
  readonly #calls = new Map<number, OpenCall>();
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

  constructor(limits: Limits, outbox: Outbox, hooks: Hooks) {
    this.#limits = limits;
    this.#outbox = outbox;
    this.#hooks = hooks;
  }

  get isIdle(): boolean {
    return this.#calls.size === 0;
  }

  /** Whether no further call is opened. */
  get isRefusing(): boolean {
    return this.#refusal !== undefined;
  }

  /** The other side has said what it accepts. */
  begin(limits: Limits): void {
    this.#peerLimits = limits;
    this.#admit();
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
    this.#put(Kind.end, Flag.mine, open.id, new Uint8Array(0), () => {
      if (open.settled) {
        this.#release(open);
      }
    });
  }

  /** A frame about one of these calls; `partial` messages of other calls are there in part. */
  handle(frame: Frame, partial: number): void {
    const { kind, id, payload } = frame;
    if (kind === Kind.response || kind === Kind.error) {
      this.#reply(frame, partial);
    } else if (kind === Kind.item || kind === Kind.accept) {
      this.#item(frame);
    } else if (kind === Kind.credit) {
      const bytes = creditOf(payload);
      this.#calls.get(id)?.outbound?.receiveCredit(bytes);
    } else {
      checkLength(payload, 0);
      const open = this.#calls.get(id);
      if (open !== undefined) {
        this.finishUpload(open);
      }
    }
  }

  /** Those that the other side has not accepted before it said that it goes away were not started. */
  abandon(accepted: bigint, why: string): void {
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
    this.refuse(why);
  }

  /** Opens no further call; those that wait were not started. */
  refuse(why: string): void {
    this.#refusal ??= unavailable(why, false);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const open of waiting) {
      this.#settle(open, { kind: "status", status: this.#refusal });
    }
  }

  /** The connection is gone. */
  end(why: string): void {
    this.refuse(why);
    for (const open of [...this.#calls.values(), ...this.#oneways]) {
      const mayHaveRun = open.number !== undefined;
      this.#settle(open, { kind: "status", status: unavailable(why, mayHaveRun) });
    }
    this.#calls.clear();
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

  #reply({ kind, flags, id, payload }: Frame, partial: number): void {
    const open = this.#open(id);
    if (!open.sent && !open.cancelled) {
      throw new ProtocolError("a reply before the end of its request");
    }
    if (!open.reply.isPartial && this.#partial + partial > this.#limits.maxPartial) {
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

  /** The open call with that id, which has had no reply. */
  #open(id: number): OpenCall {
    const open = this.#calls.get(id);
    const replied = open?.settled === true && !open.cancelled;
    if (open === undefined || replied) {
      throw new ProtocolError("a frame about a call that is not open");
    }
    return open;
  }

  /** How many replies are there in part. */
  get #partial(): number {
    let count = 0;
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

  #put(kind: number, flags: number, id: number, rest = new Uint8Array(0), onDone?: () => void): void {
    this.#outbox.put({ kind, flags, id, rest, ...(onDone === undefined ? {} : { onDone }) });
    this.#hooks.wake();
  }
}
