// The calls that this side opens. PROTOCOL §4, §10, §12, §14 and §20.

import { Assembly, type OpenCall, type OwnCall, type Reply } from "./calls.js";
import { ProtocolError, StatusError } from "./errors.js";
import { decodeError, Flag, type Frame, Kind, NO_REPLY, view } from "./frames.js";
import type { Hello, Limits } from "./hello.js";
import { block, type Metadata, passOver, readPairs, UnknownEntry } from "./metadata.js";
import type { Outbox } from "./outbox.js";
import { creditOf, type Hooks, unavailable } from "./payloads.js";
import { Lane, ONEWAY_COST, Queue, Shares } from "./room.js";
import type { Pool } from "./streams.js";

/** Milliseconds in which a call of its kind must end while one waits for room that is not to wait for ever. */
const PATIENCE = 5000;

export class OwnCalls {
  readonly #limits: Limits;
  readonly #outbox: Outbox;
  readonly #pool: Pool;
  readonly #hooks: Hooks;
  readonly #calls = new Map<number, OpenCall>();
  /** One-way calls that have not left. */
  readonly #oneways = new Set<OpenCall>();
  /** Calls whose replies are there in part. Bounded by: the limit of partial messages. */
  readonly #partial = new Set<OpenCall>();
  readonly #shares = new Shares();
  #peer: Hello | undefined;
  /** Calls that wait for room. Those of handlers may go further than others: each kind waits in a row of its own. */
  readonly #rows = [Lane.call, Lane.items, Lane.oneway].flatMap((lane) =>
    [true, false].map((nested) => ({ lane, nested, queue: new Queue<OpenCall>() })),
  );
  /** When a call of each kind last ended. */
  readonly #moved = [0, 0, 0];
  #freeIds: number[] = [];
  #nextId = 0;
  /** Requests that have left. */
  #sent = 0;
  /** Why no further call is opened. */
  #refusal: StatusError | undefined;

  constructor(limits: Limits, outbox: Outbox, pool: Pool, hooks: Hooks) {
    this.#limits = limits;
    this.#outbox = outbox;
    this.#pool = pool;
    this.#hooks = hooks;
  }

  get isIdle(): boolean {
    return this.#calls.size === 0;
  }

  /** Whether no further call is opened. */
  get isRefusing(): boolean {
    return this.#refusal !== undefined;
  }

  /** Whether a reply is there in part. */
  get isPartial(): boolean {
    return this.#partial.size > 0;
  }

  /** The other side has said what it accepts. */
  begin(peer: Hello): void {
    this.#peer = peer;
    this.#admit();
  }

  /** Opens a call as soon as there is room for it. */
  open(call: OwnCall): OpenCall {
    const lane = call.oneway ? Lane.oneway : (call.sending ?? call.receiving) ? Lane.items : Lane.call;
    const open: OpenCall = {
      call,
      id: NO_REPLY,
      message: undefined,
      want: { lane, nested: call.nested, length: call.payload.length },
      row: undefined,
      since: this.#hooks.now(),
      number: undefined,
      sent: false,
      settled: false,
      cancelled: false,
      replyFlags: 0,
      reply: new Assembly(this.#limits.maxMessage),
      inbound: undefined,
      outbound: undefined,
    };
    open.inbound = call.receiving?.(this.#limits, this.#pool, (bytes) => {
      if (this.#calls.get(open.id) === open && !open.cancelled) {
        this.#putCredit(open.id, Flag.mine, bytes);
      }
    });
    const status = this.#refusal;
    if (status !== undefined) {
      // Later, so that the caller has the call when it hears of its end.
      queueMicrotask(() => {
        this.#settle(open, { kind: "status", status });
      });
    } else {
      open.row = this.#rows.find((row) => row.lane === lane && row.nested === call.nested)?.queue;
      open.row?.push(open);
      this.#admit();
    }
    return open;
  }

  /** Ends the calls that have waited too long and are not to wait for ever: calls may wait for each other. */
  losePatience(): void {
    const now = this.#hooks.now();
    for (const { lane, nested, queue } of this.#rows) {
      const impatient = nested || lane === Lane.items;
      for (let open = queue.peek(); impatient && open !== undefined; open = queue.peek()) {
        if (Math.max(open.since, this.#moved[lane] ?? 0) + PATIENCE > now || this.#peer === undefined) {
          break;
        }
        queue.shift();
        const kind = ["of our calls", "call with items", "call without a reply"][lane] ?? "call";
        const message = `no ${kind} has ended for ${String(PATIENCE / 1000)} s, and there is no room for one more`;
        this.#settle(open, {
          kind: "status",
          status: new StatusError("RESOURCE_EXHAUSTED", message, false),
        });
      }
    }
  }

  /** Gives a call up for that reason. Nothing is reported of it any more. */
  cancel(open: OpenCall, reason: Error | undefined): void {
    if (open.settled) {
      return;
    }
    open.settled = true;
    this.#stop(open, reason);
  }

  /** Wants nothing more of a call whose caller knows that. */
  #stop(open: OpenCall, reason: Error | undefined): void {
    open.inbound?.ignore(reason);
    open.outbound?.close();
    if (open.number === undefined) {
      open.row?.delete(open);
      if (open.message !== undefined) {
        this.#outbox.drop(open.message);
        if (this.#oneways.delete(open)) {
          this.#shares.credit(open.want.length + ONEWAY_COST);
          this.#admit();
        }
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
      if (id === NO_REPLY) {
        this.#shares.credit(bytes);
        this.#moved[Lane.oneway] = this.#hooks.now();
        this.#admit();
      } else {
        this.#open(id).outbound?.receiveCredit(bytes);
      }
    } else {
      passOver(payload);
      this.finishUpload(this.#open(id));
    }
  }

  /** Those that the other side has not accepted before it said that it goes away were not started. */
  abandon(accepted: bigint, status: StatusError): void {
    for (const open of [...this.#calls.values()]) {
      if (open.number === undefined || BigInt(open.number) >= accepted) {
        if (open.message !== undefined) {
          this.#outbox.drop(open.message);
        }
        this.#settle(open, { kind: "status", status });
        open.outbound?.close();
        this.#calls.delete(open.id);
        this.#partial.delete(open);
        this.#shares.giveBack(open.want);
      }
    }
    this.#refusal ??= status;
    this.refuse(status.message);
  }

  /** Opens no further call; those that wait were not started. */
  refuse(why: string): void {
    this.#refusal ??= unavailable(why, false);
    for (const { queue } of this.#rows) {
      for (let open = queue.shift(); open !== undefined; open = queue.shift()) {
        this.#settle(open, { kind: "status", status: this.#refusal });
      }
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
    this.#partial.clear();
  }

  /** Sends what waits, as far as the other side has room. */
  #admit(): void {
    const peer = this.#peer;
    if (peer !== undefined) {
      for (const { queue } of this.#rows) {
        for (let open = queue.peek(); open !== undefined; open = queue.peek()) {
          // One without a reply that does not fit into one frame is a call whose reply is dropped.
          if (open.want.lane === Lane.oneway && open.want.length > peer.maxFrame) {
            open.want = { ...open.want, lane: Lane.call };
          }
          const tooLong = open.want.length > peer.maxMessage;
          if (!tooLong && !this.#shares.admits(peer, open.want)) {
            break;
          }
          queue.shift();
          this.#request(open, peer, tooLong);
        }
      }
    }
    this.#hooks.wake();
  }

  #request(open: OpenCall, peer: Hello, tooLong: boolean): void {
    const { payload, extended, sending } = open.call;
    if (tooLong) {
      const message = `the request is longer than ${String(peer.maxMessage)} bytes`;
      const status = new StatusError("RESOURCE_EXHAUSTED", message, false);
      queueMicrotask(() => {
        this.#settle(open, { kind: "status", status });
      });
      return;
    }
    this.#shares.take(open.want);
    const oneway = open.want.lane === Lane.oneway;
    open.id = oneway ? NO_REPLY : (this.#freeIds.pop() ?? this.#nextId++);
    if (oneway) {
      this.#oneways.add(open);
    } else {
      this.#calls.set(open.id, open);
    }
    open.outbound = sending?.(peer.initialWindow);
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
    if (!open.reply.isPartial && this.#partial.size + partial > this.#limits.maxPartial) {
      throw new ProtocolError("too many messages in part", "limit");
    }
    const more = (flags & Flag.more) !== 0;
    if (!open.reply.isPartial) {
      open.replyFlags = flags;
    } else if (((flags ^ open.replyFlags) & Flag.json) !== 0) {
      throw new ProtocolError("a message goes on in another codec");
    }
    const whole = open.reply.add(kind, payload, more);
    if (whole === undefined) {
      this.#partial.add(open);
      return;
    }
    this.#partial.delete(open);
    const reply = this.#read(open, kind, whole);
    if (open.outbound === undefined || open.outbound.isClosed || open.cancelled) {
      this.#release(open);
    }
    this.#settle(open, reply);
    this.finishUpload(open);
  }

  /** How a call ended. */
  #read(open: OpenCall, kind: number, whole: Uint8Array): Reply {
    let value = whole;
    let trailing: Metadata | undefined;
    if ((open.replyFlags & Flag.ext) !== 0) {
      const [content, end] = block(whole);
      try {
        trailing = readPairs(content);
      } catch (error) {
        return { kind: "status", status: notUnderstood(error) };
      }
      value = whole.subarray(end);
    }
    const read = kind === Kind.error ? decodeError(value) : value;
    // A status is in no codec.
    if ((open.replyFlags & Flag.json) !== 0 && !(kind === Kind.error && value[0] === 1)) {
      throw new ProtocolError("a reply in another codec than its request");
    }
    if (trailing !== undefined && !open.settled) {
      open.call.onMetadata(trailing, "trailing");
    }
    if (read instanceof StatusError) {
      if (read.details.some(({ type }) => type === "rpc.Signature")) {
        read.message += "; this client is of another version of the server: generate it anew with rpc codegen";
      }
      read.metadata = trailing;
      return { kind: "status", status: read };
    }
    return { kind: kind === Kind.error ? "app" : "value", payload: read };
  }

  #item({ kind, flags, id, payload }: Frame): void {
    const open = this.#open(id);
    const { inbound } = open;
    if (inbound === undefined || (flags & Flag.json) !== 0) {
      throw new ProtocolError("an item or accept that its call does not expect");
    }
    try {
      if (kind === Kind.item) {
        inbound.receive(payload, (flags & Flag.more) !== 0, (flags & Flag.ext) !== 0);
        return;
      }
      const leading = readPairs(payload);
      if (leading.size > 0 && !open.settled) {
        open.call.onMetadata(leading, "leading");
      }
    } catch (error) {
      const status = notUnderstood(error);
      this.#settle(open, { kind: "status", status });
      if (!open.cancelled) {
        this.#stop(open, status);
      }
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

  #release(open: OpenCall): void {
    if (this.#calls.get(open.id) === open) {
      this.#calls.delete(open.id);
      this.#freeIds.push(open.id);
      this.#shares.giveBack(open.want);
      this.#moved[open.want.lane] = this.#hooks.now();
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

/** What becomes of a call of which something that must be understood is not. */
function notUnderstood(error: unknown): StatusError {
  if (error instanceof UnknownEntry) {
    return new StatusError("UNKNOWN", error.message);
  }
  throw error;
}
