// A way to a server that outlives its connections: it opens one when it is needed, and another when that is lost.

import type { AnyCodec, In, Out } from "./codecs.js";
import type { Caller, CloseOptions, Connection } from "./connection.js";
import { type Code, StatusError } from "./errors.js";
import { ItemStream } from "./items.js";
import type { ConnectOptions } from "./link.js";
import type { CallOptions, Items, Method, ServiceHandler } from "./method.js";
import { forget, listen } from "./ongoing.js";
import { MAX_TIMER, type Timer } from "./timers.js";

const FIRST_DELAY = 100;
const LONGEST_DELAY = 30_000;
const PATIENCE = 5000;
const GROWTH = 1.6;
/** Delays are this much more or less by chance, so that not all come back at once. */
const JITTER = 0.2;

/** How a channel stands: `waiting` between attempts to connect, `idle` while nobody needs a connection. */
export type ChannelState = "idle" | "connecting" | "connected" | "waiting" | "closed";

/** What may be said of a channel, beside what holds for each of its connections. */
export interface ChannelOptions extends Omit<ConnectOptions, "signal"> {
  /** Runs on each new connection, before other calls go on it: what the server has forgotten is said again here. */
  readonly onConnected?: (connection: Connection) => void | Promise<void>;
  /** Told of each change, with the reason why there is no connection. */
  readonly onState?: (state: ChannelState, why: Error | undefined) => void;
  /** Milliseconds without a connection after which calls without a timeout fail; 5,000 if left out. */
  readonly patience?: number;
  /** Milliseconds between the first attempts, 100 if left out; 1.6 times as long each time. */
  readonly firstDelay?: number;
  /** The longest of these, 30,000 if left out. */
  readonly longestDelay?: number;
}

/** Opens a connection. */
export type Dial = (options: ConnectOptions) => Promise<Connection>;

/** A call that waits for a connection. */
interface Waiting {
  go(connection: Connection): void;
  fail(error: Error): void;
}

/**
 * Takes calls as a connection does, and lives longer: when its connection is lost, the next call has another one opened.
 * Calls that were certainly not started go again by themselves; those that may have run fail with UNAVAILABLE and say
 * so. A channel with handlers or `onConnected` connects at once and always again, others when they are needed.
 */
export class Channel implements Caller {
  readonly #dial: Dial;
  readonly #options: ChannelOptions;
  readonly #handlers: ServiceHandler[];
  /** Bounded by: calls of this program, each of which waits for `patience` or its own timeout. */
  readonly #waiting = new Set<Waiting>();
  readonly #over = new AbortController();
  readonly #unlisten: () => void;
  #connection: Connection | undefined;
  #state: ChannelState = "idle";
  #dialing = false;
  #delay: number;
  /** Since when attempts to connect have failed. */
  #downSince: number | undefined;
  #why: Error | undefined;
  /** Ends the pause between two attempts. */
  #hurry: () => void = () => undefined;
  /** The pause after a loss: those that come back all at once would find nobody. */
  #rest: Promise<void> | undefined;

  constructor(dial: Dial, options: ChannelOptions = {}) {
    this.#dial = dial;
    this.#options = options;
    this.#handlers = [...(options.handlers ?? [])];
    this.#delay = options.firstDelay ?? FIRST_DELAY;
    this.#unlisten = whenThingsChange(() => {
      this.#hurry();
      this.#connection?.probe();
    });
    if (this.#stays) {
      // Whoever made the channel is told of what comes of it.
      queueMicrotask(() => void this.#work());
    }
  }

  /** How it stands. */
  get state(): ChannelState {
    return this.#state;
  }

  /** The connection that calls go on; opens one if there is none. Fails as a call would. */
  ready(options: Pick<CallOptions, "timeout" | "signal"> = {}): Promise<Connection> {
    const connection = this.#live();
    if (connection !== undefined) {
      return Promise.resolve(connection);
    }
    return new Promise((resolve, reject) => {
      this.#wait(options, resolve, reject);
    });
  }

  /** Answers the server's calls of a service, on this connection and those that come. */
  register(handler: ServiceHandler): void {
    this.#handlers.push(handler);
    this.#connection?.register(handler);
    void this.#work();
  }

  /** Closes as a connection does, and opens none any more. */
  async close(options?: CloseOptions): Promise<void> {
    if (!this.#over.signal.aborted) {
      this.#over.abort();
      this.#unlisten();
      this.#hurry();
      this.#tell("closed", undefined);
      this.#failAll(closed());
    }
    await this.#connection?.close(options);
  }

  /** Closes as `close` does where `await using` ends. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  call<A extends AnyCodec, R extends AnyCodec>(
    method: Method<A, R>,
    args: In<A>,
    options?: CallOptions,
  ): Promise<Out<R>> {
    return this.#run(options, undefined, options?.signal, (caller, own) => caller.call(method, args, own));
  }

  notify<A extends AnyCodec>(method: Method<A>, args: In<A>, options?: CallOptions): Promise<void> {
    return this.#run(options, undefined, options?.signal, (caller, own) => caller.notify(method, args, own));
  }

  upload<A extends AnyCodec, R extends AnyCodec, U extends AnyCodec>(
    method: Method<A, R, U>,
    args: In<A>,
    items: Items<In<U>> | undefined,
    options?: CallOptions,
  ): Promise<Out<R>> {
    const once = items && new Watched(items);
    return this.#run(options, once, options?.signal, (caller, own) => caller.upload(method, args, once, own));
  }

  stream<A extends AnyCodec, R extends AnyCodec>(
    method: Method<A, R>,
    args: In<A>,
    options?: CallOptions,
  ): ItemStream<Out<R>> {
    return this.duplex(method, args, undefined, options);
  }

  duplex<A extends AnyCodec, R extends AnyCodec, U extends AnyCodec>(
    method: Method<A, R, U>,
    args: In<A>,
    items: Items<In<U>> | undefined,
    options: CallOptions = {},
  ): ItemStream<Out<R>> {
    const stop = new AbortController();
    const wait = options.signal === undefined ? stop : following(options.signal, stop);
    const once = items && new Watched(items);
    let stream: ItemStream<Out<R>> | undefined;
    // Until its first item or its end has come, a call may turn out not to have been started.
    const first = this.#run(options, once, wait.signal, (caller, own) => {
      stream = caller.duplex(method, args, once, own);
      return stream.next();
    });
    first.catch(() => undefined);
    let begun = false;
    const pull = (): Promise<IteratorResult<Out<R>, undefined>> => {
      if (begun && stream !== undefined) {
        return stream.next();
      }
      begun = true;
      return first;
    };
    return new ItemStream(pull, () => {
      stop.abort();
      void stream?.return();
    });
  }

  /** Whether it connects though nobody calls: the server is to call, or to be told something. */
  get #stays(): boolean {
    return this.#handlers.length > 0 || this.#options.onConnected !== undefined;
  }

  /** Makes a call, and makes it again as long as it was certainly not started. */
  async #run<T>(
    options: CallOptions = {},
    once: Watched<unknown> | undefined,
    signal: AbortSignal | undefined,
    make: (caller: Caller, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    if (options.within !== undefined) {
      return make(options.within.connection, options);
    }
    const end = options.timeout === undefined ? undefined : Date.now() + options.timeout;
    const left = (): { timeout?: number } =>
      end === undefined ? {} : { timeout: Math.max(end - Date.now(), 0) };
    for (;;) {
      const connection =
        this.#live() ?? (await this.ready({ ...(signal && { signal }), ...left() }));
      try {
        return await make(connection, { ...options, ...left() });
      } catch (error) {
        const unstarted = is(error, "UNAVAILABLE") && !error.mayHaveRun && connection.isDraining;
        if (!unstarted || once?.touched === true || this.#over.signal.aborted) {
          throw error;
        }
      }
    }
  }

  /** The connection, if calls may go on it. */
  #live(): Connection | undefined {
    const connection = this.#connection;
    return connection?.isDraining === false ? connection : undefined;
  }

  #wait(
    { timeout, signal }: Pick<CallOptions, "timeout" | "signal">,
    resolve: (connection: Connection) => void,
    reject: (error: Error) => void,
  ): void {
    let timer: Timer | undefined;
    const clean = (): void => {
      this.#waiting.delete(waiting);
      clearTimeout(timer);
      if (signal !== undefined) {
        forget(signal, abort);
      }
    };
    const fail = (error: Error): void => {
      clean();
      reject(error);
    };
    const waiting: Waiting = {
      go: (connection) => {
        clean();
        resolve(connection);
      },
      fail,
    };
    const abort = (): void => {
      const cause: unknown = signal?.reason;
      fail(new StatusError("CANCELLED", "the caller cancelled the call", false, { cause }));
    };
    const expire = (): void => {
      fail(this.#unreachable(timeout === undefined ? "UNAVAILABLE" : "DEADLINE_EXCEEDED"));
    };
    if (this.#over.signal.aborted) {
      fail(closed());
    } else if (signal?.aborted === true) {
      abort();
    } else {
      const { patience = PATIENCE } = this.#options;
      const down = this.#downSince === undefined ? 0 : Date.now() - this.#downSince;
      timer = setTimeout(expire, Math.min(Math.max(timeout ?? patience - down, 0), MAX_TIMER));
      if (signal !== undefined) {
        listen(signal, abort);
      }
      this.#waiting.add(waiting);
      void this.#work();
    }
  }

  #unreachable(code: Code): StatusError {
    const why = this.#why === undefined ? "there is no connection yet" : this.#why.message;
    return new StatusError(code, why, false, { cause: this.#why });
  }

  /** Opens a connection, for as long as somebody needs one. */
  async #work(): Promise<void> {
    const needed = (): boolean =>
      !this.#over.signal.aborted && (this.#stays || this.#waiting.size > 0);
    if (this.#dialing || !needed()) {
      return;
    }
    this.#dialing = true;
    await this.#rest;
    while (needed() && this.#live() === undefined) {
      try {
        await this.#connect();
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        this.#downSince ??= Date.now();
        if (!passes(error)) {
          this.#failAll(error);
        }
        if (needed()) {
          this.#tell("waiting", error);
          await this.#pause();
        } else {
          this.#tell("idle", error);
        }
      }
    }
    this.#dialing = false;
    if (this.#live() === undefined) {
      this.#downSince = undefined;
    }
  }

  async #connect(): Promise<void> {
    this.#tell("connecting", this.#why);
    const { signal } = this.#over;
    const connection = await this.#dial({ ...this.#options, handlers: this.#handlers, signal });
    try {
      await this.#options.onConnected?.(connection);
      if (connection.isDraining) {
        throw new StatusError("UNAVAILABLE", "the server goes away", false);
      }
      signal.throwIfAborted();
    } catch (error) {
      connection.destroy();
      throw error;
    }
    this.#connection = connection;
    this.#downSince = undefined;
    const began = Date.now();
    void connection.draining.then(() => {
      this.#lost(connection, Date.now() - began);
    });
    this.#tell("connected", undefined);
    for (const waiting of [...this.#waiting]) {
      waiting.go(connection);
    }
  }

  /** Calls go on the connection no more. */
  #lost(connection: Connection, after: number): void {
    if (this.#connection === connection && !this.#over.signal.aborted) {
      if (after >= this.#delay) {
        this.#delay = this.#options.firstDelay ?? FIRST_DELAY;
      }
      this.#tell("idle", new StatusError("UNAVAILABLE", "the connection is lost", false));
      this.#rest = this.#pause();
      void this.#work();
    }
  }

  #pause(): Promise<void> {
    const { longestDelay = LONGEST_DELAY } = this.#options;
    const delay = Math.min(this.#delay, longestDelay);
    this.#delay = delay * GROWTH;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay * (1 + JITTER * (2 * Math.random() - 1)));
      this.#hurry = (): void => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #failAll(error: Error): void {
    for (const waiting of [...this.#waiting]) {
      waiting.fail(error);
    }
  }

  #tell(state: ChannelState, why: Error | undefined): void {
    this.#why = why;
    if (this.#state !== state && this.#state !== "closed") {
      this.#state = state;
      this.#options.onState?.(state, why);
    }
  }
}

/** Items that know whether some of them were taken: they cannot be sent a second time then. */
class Watched<T> implements AsyncIterable<T> {
  touched = false;
  readonly #items: Items<T>;

  constructor(items: Items<T>) {
    this.#items = items;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    this.touched = true;
    yield* this.#items;
  }
}

function is(error: unknown, code: Code): error is StatusError {
  return error instanceof StatusError && error.code === code;
}

/** Whether another attempt may go better than one that failed so. */
function passes(error: Error): boolean {
  return error instanceof StatusError && error.isTransient;
}

function closed(): StatusError {
  return new StatusError("UNAVAILABLE", "the channel is closed", false);
}

/** Aborts a controller when a signal is aborted. */
function following(signal: AbortSignal, controller: AbortController): AbortController {
  const abort = (): void => {
    controller.abort(signal.reason);
  };
  if (signal.aborted) {
    abort();
  } else {
    signal.addEventListener("abort", abort, { once: true, signal: controller.signal });
  }
  return controller;
}

/** What browsers tell a page of the world. */
interface Surroundings {
  readonly document?: EventTarget & { readonly visibilityState: string };
  readonly addEventListener?: EventTarget["addEventListener"];
}

/** Runs something when the network has come back, or a page is looked at again. Gives what ends that. */
function whenThingsChange(run: () => void): () => void {
  const place = globalThis as Surroundings;
  const over = new AbortController();
  const { signal } = over;
  place.addEventListener?.("online", run, { signal });
  const { document } = place;
  document?.addEventListener(
    "visibilitychange",
    () => {
      if (document.visibilityState === "visible") {
        run();
      }
    },
    { signal },
  );
  return () => {
    over.abort();
  };
}
