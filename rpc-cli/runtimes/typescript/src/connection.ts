// A connection as programs use it: calls out, answers in.

import { type AnyCodec, type Codec, decode, encode, type In, nothing, type Out } from "./codecs.js";
import type { Dispatcher } from "./dispatch.js";
import { AppError, DecodeError, StatusError } from "./errors.js";
import { ItemStream } from "./items.js";
import type { CallOptions, Items, Method, ServiceHandler } from "./method.js";
import { Ongoing, type Outcome, type Request } from "./ongoing.js";
import type { Protocol } from "./protocol.js";
import { receiving, type Sending, sending } from "./sending.js";

/** How a connection closes. */
export interface Closer {
  /** Finishes what runs, and closes then, or after so many milliseconds. */
  drain(grace: number): void;
  /** Closes at once. */
  abort(why: string): void;
  /** Finds out within seconds if the other side is there. */
  probe(): void;
  /** Whether no call can be opened any more. */
  readonly isDraining: boolean;
  /** Resolves when that is so. */
  readonly draining: Promise<void>;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
}

/** What may be said of a close. */
export interface CloseOptions {
  /** Milliseconds for what runs; `Infinity` for as long as it takes. */
  readonly grace?: number;
}

const GRACE = 5000;

/** What takes calls: a connection, or a channel that has one when it is needed. Generated classes stand on it. */
export interface Caller {
  /** One request, one reply. */
  call<A extends AnyCodec, R extends AnyCodec>(
    method: Method<A, R>,
    args: In<A>,
    options?: CallOptions,
  ): Promise<Out<R>>;
  /** One request, no reply: resolves when the request has been handed on. */
  notify<A extends AnyCodec>(method: Method<A>, args: In<A>, options?: CallOptions): Promise<void>;
  /** Items beside the request, one reply. */
  upload<A extends AnyCodec, R extends AnyCodec, U extends AnyCodec>(
    method: Method<A, R, U>,
    args: In<A>,
    items: Items<In<U>> | undefined,
    options?: CallOptions,
  ): Promise<Out<R>>;
  /** One request, items in reply. */
  stream<A extends AnyCodec, R extends AnyCodec>(
    method: Method<A, R>,
    args: In<A>,
    options?: CallOptions,
  ): ItemStream<Out<R>>;
  /** Items each way. */
  duplex<A extends AnyCodec, R extends AnyCodec, U extends AnyCodec>(
    method: Method<A, R, U>,
    args: In<A>,
    items: Items<In<U>> | undefined,
    options?: CallOptions,
  ): ItemStream<Out<R>>;
}

/** One live link to a server, made by `connect`. Both sides may call. */
export class Connection implements Caller {
  readonly #protocol: Protocol;
  readonly #closer: Closer;
  readonly #dispatcher: Dispatcher;

  constructor(protocol: Protocol, dispatcher: Dispatcher, closer: Closer) {
    this.#protocol = protocol;
    this.#dispatcher = dispatcher;
    this.#closer = closer;
  }

  /** Resolves when the connection is closed, by either side or by a loss. */
  get closed(): Promise<void> {
    return this.#closer.closed;
  }

  /** Whether no further call can be made on it: either side closes it, or it is closed. */
  get isDraining(): boolean {
    return this.#closer.isDraining;
  }

  /** Resolves when no further call can be made on it. */
  get draining(): Promise<void> {
    return this.#closer.draining;
  }

  /** Where there is doubt that the server is there, as after sleep: the connection ends within seconds if it is not. */
  probe(): void {
    this.#closer.probe();
  }

  /** Answers the server's calls of a service from here on. */
  register(handler: ServiceHandler): void {
    this.#dispatcher.register(handler);
  }

  /**
   * Opens nothing more, lets what runs end for as long as `grace` says (5 seconds), and closes: calls that are open then,
   * such as a stream that nobody reads, fail with UNAVAILABLE. Never rejects.
   */
  close({ grace = GRACE }: CloseOptions = {}): Promise<void> {
    this.#closer.drain(grace);
    return this.#closer.closed;
  }

  /** Closes as `close` does where `await using` ends. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Closes at once: calls that are open fail with UNAVAILABLE. */
  destroy(why = "the connection was destroyed"): void {
    this.#closer.abort(why);
  }

  /** One request, one reply. */
  call<A extends AnyCodec, R extends AnyCodec>(
    method: Method<A, R>,
    args: In<A>,
    options?: CallOptions,
  ): Promise<Out<R>> {
    return this.#call(method, args, undefined, options);
  }

  /** One request, no reply: resolves when the request has been handed on. */
  notify<A extends AnyCodec>(
    method: Method<A>,
    args: In<A>,
    options: CallOptions = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (outcome: Outcome): void => {
        if (outcome.kind === "thrown" || outcome.kind === "status") {
          reject(errorOf(outcome));
        } else {
          resolve();
        }
      };
      this.#begin({ method, args: this.#arguments(method, args), options, oneway: true, done });
    });
  }

  /** Items beside the request, one reply. */
  upload<A extends AnyCodec, R extends AnyCodec, U extends AnyCodec>(
    method: Method<A, R, U>,
    args: In<A>,
    items: Items<In<U>> | undefined,
    options?: CallOptions,
  ): Promise<Out<R>> {
    return this.#call(method, args, sending(items, method.upload), options);
  }

  /** One request, items in reply. */
  stream<A extends AnyCodec, R extends AnyCodec>(
    method: Method<A, R>,
    args: In<A>,
    options?: CallOptions,
  ): ItemStream<Out<R>> {
    return this.duplex(method, args, undefined, options);
  }

  /** Items each way. */
  duplex<A extends AnyCodec, R extends AnyCodec, U extends AnyCodec>(
    method: Method<A, R, U>,
    args: In<A>,
    items: Items<In<U>> | undefined,
    options: CallOptions = {},
  ): ItemStream<Out<R>> {
    const done = (outcome: Outcome): void => {
      try {
        valueOf(nothing, method, outcome);
        ongoing.inbound?.finish();
      } catch (error) {
        ongoing.inbound?.finish(error as Error);
      }
    };
    const encoded = this.#arguments(method, args);
    const sends = sending(items, method.upload);
    const ongoing = this.#begin({ method, args: encoded, sending: sends, receiving, options, done });
    const pull = async (): Promise<IteratorResult<Out<R>, undefined>> => {
      const bytes = await ongoing.inbound?.next();
      if (bytes === undefined) {
        return { done: true, value: undefined };
      }
      try {
        return { done: false, value: decode(method.returns, bytes) as Out<R> };
      } catch (error) {
        ongoing.abandon();
        throw unreadable(error);
      }
    };
    return new ItemStream(pull, () => {
      ongoing.abandon();
    });
  }

  #call<A extends AnyCodec, R extends AnyCodec>(
    method: Method<A, R>,
    args: In<A>,
    sends: Sending | undefined,
    options: CallOptions = {},
  ): Promise<Out<R>> {
    return new Promise((resolve, reject) => {
      const done = (outcome: Outcome): void => {
        try {
          resolve(valueOf(method.returns, method, outcome) as Out<R>);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#begin({ method, args: this.#arguments(method, args), sending: sends, options, done });
    });
  }

  #begin(request: Request): Ongoing {
    return new Ongoing(this.#protocol, request);
  }

  #arguments<A extends AnyCodec>(method: Method<A>, args: In<A>): Uint8Array {
    return encode(method.arguments as unknown as Codec<unknown, In<A>>, args);
  }
}

/** The value that a call ended with; throws if it ended with none. */
function valueOf(codec: AnyCodec, method: Method, outcome: Outcome): unknown {
  try {
    if (outcome.kind === "value") {
      return decode(codec, outcome.payload);
    }
    if (outcome.kind === "app" && method.fails !== undefined) {
      throw new AppError(decode(method.fails, outcome.payload), method.fails);
    }
  } catch (error) {
    throw unreadable(error);
  }
  throw errorOf(outcome);
}

function errorOf(outcome: Outcome): Error {
  switch (outcome.kind) {
    case "thrown":
      return outcome.error;
    case "status":
      return outcome.status;
    default:
      return new StatusError("INTERNAL", "the method failed with an error that it does not declare");
  }
}

/** What a program gets to know of bytes that are not a value. */
function unreadable(error: unknown): unknown {
  return error instanceof DecodeError
    ? new StatusError("INTERNAL", `cannot read the reply: ${error.message}`, true, { cause: error })
    : error;
}
