// One call from the caller's side, between its arguments and its outcome: deadline, cancellation, upload.

import type { OpenCall, Reply } from "./calls.js";
import { StatusError, type Code } from "./errors.js";
import { NORMAL, PRIORITIES } from "./frames.js";
import { Metadata } from "./metadata.js";
import type { CallOptions, Method } from "./method.js";
import type { Protocol } from "./protocol.js";
import type { Receiving, Sending } from "./sending.js";
import type { Inbound } from "./streams.js";
import { MAX_TIMER, type Timer } from "./timers.js";
import { utf8, Writer } from "./wire.js";

/** Bytes of the longest token of a call. */
const MAX_TOKEN = 4096;

/** How a call ended: by a reply, or by an error of the program's own upload. */
export type Outcome = Reply | { readonly kind: "thrown"; readonly error: Error };

export interface Request {
  readonly method: Method;
  /** The bytes of the arguments. */
  readonly args: Uint8Array;
  readonly options: CallOptions;
  readonly oneway?: boolean;
  /** The items that the caller sends, if it does. */
  readonly sending?: Sending | undefined;
  /** Room for those that it expects. */
  readonly receiving?: Receiving;
  /** Runs once, with how the call ended. */
  readonly done: (outcome: Outcome) => void;
}

export class Ongoing {
  readonly #protocol: Protocol;
  readonly #request: Request;
  readonly #open: OpenCall | undefined;
  readonly #abort = (): void => {
    const cause: unknown = this.#request.options.signal?.reason;
    this.#fail("CANCELLED", "the caller cancelled the call", { cause });
  };
  #timer: Timer | undefined;
  #over = false;
  #told = false;

  constructor(protocol: Protocol, request: Request) {
    this.#protocol = protocol;
    this.#request = request;
    const { sending, receiving, oneway = false, options } = request;
    const extension = encodeExtension(options, sending !== undefined, receiving !== undefined);
    if (options.signal?.aborted === true) {
      queueMicrotask(this.#abort);
      return;
    }
    this.#open = protocol.open({
      payload: encodeRequest(request.method.key, extension, request.args),
      extended: extension.length > 0,
      oneway,
      sending: sending?.room,
      receiving,
      nested: options.within !== undefined,
      onMetadata: (metadata, when) => {
        if (options.onMetadata !== undefined) {
          // Apart from what is read: what it throws is not the connection's fault.
          queueMicrotask(() => options.onMetadata?.(metadata, when));
        }
      },
      onReply: (reply) => {
        this.#end(reply);
      },
      onSent: () => {
        if (oneway) {
          this.#end({ kind: "value", payload: new Uint8Array(0) });
        } else if (sending !== undefined && this.#open !== undefined) {
          sending.pump(protocol, this.#open).catch((thrown: unknown) => {
            const error = thrown instanceof Error ? thrown : new Error(String(thrown));
            this.#cancel(error);
            this.#end({ kind: "thrown", error });
          });
        }
      },
    });
    if (options.signal !== undefined) {
      listen(options.signal, this.#abort);
    }
    this.#startTimer(options.timeout);
  }

  /** What arrives, if the call expects items. */
  get inbound(): Pick<Inbound, "next" | "finish"> | undefined {
    return this.#open?.inbound ?? never(this.#request.options.signal);
  }

  /** Wants nothing more of the call. */
  abandon(): void {
    this.#cancel(undefined);
  }

  #startTimer(timeout: number | undefined): void {
    if (timeout !== undefined && !this.#over) {
      const expire = (): void => {
        this.#fail("DEADLINE_EXCEEDED", "the time has passed");
      };
      this.#timer = setTimeout(expire, Math.min(Math.max(timeout, 0), MAX_TIMER));
    }
  }

  #fail(code: Code, message: string, options?: ErrorOptions): void {
    const mayHaveRun = this.#open?.number !== undefined;
    const status = new StatusError(code, message, mayHaveRun, options);
    this.#cancel(status);
    this.#end({ kind: "status", status });
  }

  #cancel(reason: Error | undefined): void {
    if (!this.#over && this.#open !== undefined) {
      this.#protocol.cancel(this.#open, reason);
    }
    this.#clean();
  }

  #end(outcome: Outcome): void {
    this.#clean();
    if (!this.#told) {
      this.#told = true;
      this.#request.done(outcome);
    }
  }

  /** Stops what runs for the call. */
  #clean(): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    clearTimeout(this.#timer);
    const { signal } = this.#request.options;
    if (signal !== undefined) {
      forget(signal, this.#abort);
    }
  }
}

/** Stands for the items of a call that was cancelled before it was made. */
function never(signal: AbortSignal | undefined): Pick<Inbound, "next" | "finish"> {
  return {
    next: () => {
      const options = { cause: signal?.reason as unknown };
      return Promise.reject(new StatusError("CANCELLED", "the caller cancelled the call", false, options));
    },
    finish: () => undefined,
  };
}

/** What runs when a signal is aborted. One listener serves all that share a signal: Node warns of more than ten. */
const listeners = new WeakMap<AbortSignal, { all: Set<() => void>; abort: () => void }>();

/** Runs something when a signal is aborted. */
export function listen(signal: AbortSignal, run: () => void): void {
  const known = listeners.get(signal);
  if (known !== undefined) {
    known.all.add(run);
    return;
  }
  const all = new Set([run]);
  const abort = (): void => {
    for (const each of [...all]) {
      each();
    }
  };
  listeners.set(signal, { all, abort });
  signal.addEventListener("abort", abort, { once: true });
}

/** Leaves nothing with a signal that outlives its calls. */
export function forget(signal: AbortSignal, run: () => void): void {
  const known = listeners.get(signal);
  if (known?.all.delete(run) === true && known.all.size === 0) {
    listeners.delete(signal);
    signal.removeEventListener("abort", known.abort);
  }
}

/** The payload of a request. */
export function encodeRequest(key: bigint, extension: Uint8Array, args: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.u64(key);
  if (extension.length > 0) {
    writer.u16(extension.length);
    writer.raw(extension);
  }
  writer.raw(args);
  return writer.finish();
}

/** The entries of a header extension. */
export function encodeExtension(options: CallOptions, sends: boolean, expects: boolean): Uint8Array {
  const writer = new Writer();
  if (options.timeout !== undefined) {
    const milliseconds = Math.max(options.timeout, 0);
    if (Number.isNaN(milliseconds)) {
      throw new RangeError("a timeout is a number of milliseconds");
    }
    if (milliseconds < 2 ** 53) {
      writer.byte(1);
      writer.u16(8);
      writer.u64(BigInt(Math.round(milliseconds * 1000)) * 1000n);
    }
  }
  new Metadata(options.metadata).write(writer);
  if (sends || expects) {
    writer.byte(3);
    writer.u16(1);
    writer.byte((sends ? 1 : 0) | (expects ? 2 : 0));
  }
  if (options.within !== undefined) {
    writer.byte(4);
    writer.u16(4);
    writer.u32(options.within.id);
  }
  const priority = PRIORITIES.indexOf(options.priority ?? options.within?.priority ?? "normal");
  if (priority < 0) {
    throw new RangeError(`a priority is one of ${PRIORITIES.join(", ")}`);
  }
  if (priority !== NORMAL) {
    writer.byte(6);
    writer.u16(1);
    writer.byte(priority);
  }
  if (options.token !== undefined) {
    const token = typeof options.token === "string" ? utf8(options.token) : options.token;
    if (token.length < 1 || token.length > MAX_TOKEN) {
      throw new RangeError(`a token is 1 to ${String(MAX_TOKEN)} bytes long`);
    }
    writer.byte(10);
    writer.u16(token.length);
    writer.raw(token);
  }
  return writer.finish();
}
