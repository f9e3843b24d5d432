// Answers the calls of the other side: finds the handler, runs it, and says how it ended.

import type { PeerCall } from "./calls.js";
import { type Codec, encode } from "./codecs.js";
import type { Connection } from "./connection.js";
import { AppError, DecodeError, StatusError } from "./errors.js";
import { NO_REPLY, PRIORITIES } from "./frames.js";
import type { Limits } from "./hello.js";
import type { Answer, CallContext, ServiceHandler } from "./method.js";
import type { Protocol } from "./protocol.js";

const LOW = 0xffff_ffffn;
const MAX_TIMER = 2 ** 31 - 1;

export class Dispatcher {
  readonly #answers = new Map<bigint, Answer>();
  readonly #services = new Set<string>();
  readonly #most: number;
  /** Handlers of calls with a reply: those of cancelled calls may run on. */
  #running = 0;

  constructor({ maxCalls, maxStreams }: Limits) {
    this.#most = 2 * maxCalls + maxStreams;
  }

  register(handler: ServiceHandler): void {
    this.#services.add(handler.service);
    for (const answer of handler.answers) {
      this.#answers.set(answer.method.key, answer);
    }
  }

  /** Starts the handler of a call. */
  handle(protocol: Protocol, connection: Connection, call: PeerCall): void {
    const found = this.#find(call);
    if (found instanceof StatusError) {
      protocol.refuse(call, found);
      return;
    }
    // It may have been held back since it came.
    const timeout = milliseconds(call.extension.timeout);
    const left = timeout === undefined ? undefined : timeout - (Date.now() - call.arrived);
    const counts = call.id !== NO_REPLY;
    if (counts && left !== undefined && left <= 0) {
      const message = "the time has passed before the handler was started";
      protocol.refuse(call, new StatusError("DEADLINE_EXCEEDED", message, false));
    } else if (counts && this.#running >= this.#most) {
      protocol.refuse(call, new StatusError("RESOURCE_EXHAUSTED", "too many handlers run", false));
    } else {
      this.#running += counts ? 1 : 0;
      void this.#run(protocol, connection, call, found, left).finally(() => {
        this.#running -= counts ? 1 : 0;
      });
    }
  }

  #find(call: PeerCall): Answer | StatusError {
    const refuse = (code: "UNIMPLEMENTED" | "INVALID_ARGUMENT", message: string): StatusError =>
      new StatusError(code, message, false);
    const answer = this.#answers.get(call.key);
    if (call.json) {
      return refuse("INVALID_ARGUMENT", "this side speaks bincode only");
    }
    if (answer === undefined) {
      const same = [...this.#answers.values()].find(
        ({ method }) => method.key >> 32n === call.key >> 32n,
      );
      if (same === undefined) {
        const services = [...this.#services].join(", ");
        return refuse("UNIMPLEMENTED", `no such method; the services are: ${services}`);
      }
      return (call.key & LOW) === 0n
        ? refuse("INVALID_ARGUMENT", "a bare name with bincode")
        : refuse("UNIMPLEMENTED", `${same.method.path} has another signature here`);
    }
    const { sends, expects } = call.extension;
    return answer.sends === sends && answer.expects === expects
      ? answer
      : refuse("INVALID_ARGUMENT", `${answer.method.path} streams otherwise`);
  }

  async #run(
    protocol: Protocol,
    connection: Connection,
    call: PeerCall,
    answer: Answer,
    left: number | undefined,
  ): Promise<void> {
    const controller = new AbortController();
    const stop = (status: StatusError): void => {
      protocol.reply(call, { kind: "status", status });
      call.inbound?.drop(status);
      controller.abort(status);
    };
    call.onCancel = stop;
    const expire = (): void => {
      if (call.id === NO_REPLY) {
        controller.abort(new StatusError("DEADLINE_EXCEEDED", "the time has passed"));
      } else {
        stop(new StatusError("DEADLINE_EXCEEDED", "the time has passed"));
      }
    };
    const timer = left === undefined ? undefined : setTimeout(expire, Math.min(left, MAX_TIMER));
    const context: CallContext = {
      signal: controller.signal,
      metadata: call.extension.metadata,
      deadline: left === undefined ? undefined : Date.now() + left,
      connection,
      id: call.id,
      priority: PRIORITIES[call.extension.priority] ?? "normal",
    };
    if (answer.sends || answer.expects) {
      protocol.accept(call);
    }
    const send = async (item: Uint8Array): Promise<boolean> => {
      const { outbound } = call;
      const sent = outbound?.send(item);
      protocol.flush(outbound);
      await sent;
      return outbound?.isClosed === false;
    };
    try {
      const upload = (): AsyncIterableIterator<Uint8Array> => uploaded(protocol, call);
      const payload = await answer.run(call.arguments, upload, send, context);
      await sentAll(protocol, call);
      protocol.reply(call, { kind: "value", payload });
    } catch (error) {
      await sentAll(protocol, call);
      fail(protocol, call, answer, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Waits until all items of a call have left. */
async function sentAll(protocol: Protocol, { outbound }: PeerCall): Promise<void> {
  if (outbound !== undefined) {
    protocol.flush();
    await outbound.sent();
  }
}

/** Says how a handler failed. */
function fail(protocol: Protocol, call: PeerCall, answer: Answer, error: unknown): void {
  const { fails } = answer.method;
  if (error instanceof AppError && fails !== undefined) {
    try {
      const payload = encode(fails as Codec<unknown>, error.value);
      protocol.reply(call, { kind: "app", payload });
      return;
    } catch {
      // The value is not of the method's error type: the handler failed without saying how.
    }
  }
  const status =
    error instanceof StatusError ? asStarted(error) : new StatusError("INTERNAL", "the handler failed");
  protocol.reply(call, { kind: "status", status });
}

/** The status of a handler: it may say of another call that it was not started, but this one was. */
function asStarted(error: StatusError): StatusError {
  const { code, message, retryAfter, details, cause } = error;
  // Arguments that cannot be read end a call before its handler.
  return cause instanceof DecodeError ? error : new StatusError(code, message, true, { retryAfter, details });
}

/** What the caller sends; leaving early asks it to stop. */
async function* uploaded(
  protocol: Protocol,
  call: PeerCall,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const item = await call.inbound?.next();
      if (item === undefined) {
        return;
      }
      yield item;
    }
  } finally {
    protocol.stopUpload(call);
  }
}

function milliseconds(nanoseconds: bigint | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;
}
