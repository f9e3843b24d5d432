// Moves bytes between a transport and the protocol, and watches the time.

import type { PeerCall } from "./calls.js";
import { Connection } from "./connection.js";
import { Dispatcher } from "./dispatch.js";
import { ProtocolError, StatusError } from "./errors.js";
import { DEFAULT_LIMITS, type Limits } from "./hello.js";
import type { ServiceHandler } from "./method.js";
import { forget, listen } from "./ongoing.js";
import { Protocol } from "./protocol.js";
import { MAX_TIMER, soon, type Timer, unref } from "./timers.js";
import type { Open, Transport } from "./transport.js";
import { utf8 } from "./wire.js";

/** Milliseconds for the connection and the hellos. */
const HANDSHAKE = 5000;
/** Milliseconds of silence, while a reply is awaited, before a ping and then before the end. */
const SILENCE = 20_000;
/** Milliseconds of silence before the end where there is doubt that anybody is there. */
const DOUBT = 5000;
/** Milliseconds for which nothing that waits to be sent may move. */
const STUCK = 30_000;
/** Milliseconds in which so many bytes must come of a frame or message that has begun. */
const PROGRESS = 30_000;
const LEAST_PROGRESS = 30 * 1024;
const TICK = 1000;
/** Bytes that are handed to the transport at once. */
const BATCH = 65_536;

export interface ConnectOptions {
  /** Services that the server may call, from the first byte on. */
  readonly handlers?: readonly ServiceHandler[];
  /** What this side accepts. */
  readonly limits?: Partial<Limits>;
  /** What this side calls itself, for logs of the other. */
  readonly name?: string;
  /** Proves to the server who calls: text, or 1 to 2,048 bytes. */
  readonly token?: string | Uint8Array;
  /** Has the connection outlive its transports: what `resume()` gives. */
  readonly resume?: (opens: Open) => Open;
  /** Gives up while connecting. */
  readonly signal?: AbortSignal;
}

/** Opens a connection; resolves when both sides have said hello. `find` says how, or throws if the address is none. */
export function open(
  address: string,
  find: (address: string) => Open,
  options: ConnectOptions,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const found = find(address);
    const opens = options.resume?.(found) ?? found;
    const link = new Link(address, options, resolve, reject);
    link.dial(opens, options.signal);
  });
}

/** The transport of a connection. */
class Link {
  readonly closed: Promise<void>;
  readonly draining: Promise<void>;
  readonly #address: string;
  readonly #protocol: Protocol;
  readonly #dispatcher: Dispatcher;
  readonly #connection: Connection;
  readonly #reject: (error: Error) => void;
  #resolveClosed: () => void = () => undefined;
  #resolveDraining: () => void = () => undefined;
  #transport: Transport | undefined;
  #ticker: Timer | undefined;
  #handshake: Timer | undefined;
  #grace: Timer | undefined;
  #scheduled = false;
  #scheduledSoon = false;
  #opened = false;
  #blocked = false;
  #over = false;
  #ready = false;
  #heard = Date.now();
  #pinged = false;
  /** Whether there is doubt that the other side is there, though nothing is asked of it. */
  #doubted = false;
  /** Whether nothing more comes, and what the other side asked for is still answered. */
  #halfClosed = false;
  #begun: { at: number; bytes: number } | undefined;
  #forget: () => void = () => undefined;
  #moved = { at: Date.now(), bytes: 0 };

  constructor(
    address: string,
    options: ConnectOptions,
    resolve: (connection: Connection) => void,
    reject: (error: Error) => void,
  ) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#address = address;
    this.#reject = reject;
    this.closed = new Promise((done) => {
      this.#resolveClosed = done;
    });
    this.draining = new Promise((done) => {
      this.#resolveDraining = done;
    });
    this.#dispatcher = new Dispatcher(limits);
    for (const handler of options.handlers ?? []) {
      this.#dispatcher.register(handler);
    }
    const hooks = {
      ready: (): void => {
        clearTimeout(this.#handshake);
        this.#forget();
        this.#ready = true;
        // A refusal comes right behind the hello: what has come with that is looked at first.
        queueMicrotask(() => {
          const { reason } = this.#protocol;
          if (reason === undefined) {
            resolve(this.#connection);
          } else {
            reject(reason);
          }
        });
      },
      request: (call: PeerCall): void => {
        this.#dispatcher.handle(this.#protocol, this.#connection, call);
      },
      wake: (): void => {
        this.#schedule();
      },
      wakeSoon: (): void => {
        this.#scheduleSoon();
      },
      now: (): number => Date.now(),
    };
    const { name, token } = options;
    const shown = typeof token === "string" ? utf8(token) : token;
    this.#protocol = new Protocol(limits, hooks, name, shown);
    this.#connection = new Connection(this.#protocol, this.#dispatcher, this);
  }

  dial(opens: Open, signal: AbortSignal | undefined): void {
    const address = this.#address;
    const lost = (why?: string): string =>
      why === undefined ? `the connection to ${address} is closed` : `the connection to ${address} is lost: ${why}`;
    this.#transport = opens({
      opened: () => {
        this.#opened = true;
        this.#ticker = setInterval(() => {
          this.#tick();
        }, TICK);
        unref(this.#ticker);
        this.#flush();
      },
      received: (bytes) => {
        this.#receive(bytes);
      },
      drained: () => {
        this.#blocked = false;
        this.#flush();
      },
      finished: () => {
        this.#halfClosed = this.#protocol.endInput();
        if (!this.#halfClosed) {
          this.#end(lost());
        }
      },
      closed: (why, cause) => {
        this.#end(lost(why), cause);
      },
    });
    const give = (why: string) => (): void => {
      if (!this.#ready) {
        this.#end(`cannot connect to ${address}: ${why}`);
      }
    };
    this.#handshake = setTimeout(give("no answer in time"), HANDSHAKE);
    const giveUp = give("given up");
    if (signal !== undefined) {
      listen(signal, giveUp);
      this.#forget = (): void => {
        forget(signal, giveUp);
      };
      if (signal.aborted) {
        giveUp();
      }
    }
  }

  get isDraining(): boolean {
    return this.#over || this.#protocol.isDraining;
  }

  drain(grace: number): void {
    this.#protocol.drain("the client closes");
    this.#schedule();
    if (!this.#over && grace <= MAX_TIMER) {
      clearTimeout(this.#grace);
      const end = (): void => {
        this.#end("the connection was closed before its calls had ended");
      };
      this.#grace = setTimeout(end, Math.max(grace, 0));
    }
  }

  abort(why: string): void {
    this.#end(why);
  }

  probe(): void {
    if (this.#ready && !this.#over && !this.#doubted) {
      this.#doubted = true;
      this.#pinged = true;
      this.#heard = Date.now() + DOUBT - SILENCE;
      this.#protocol.ping();
    }
  }

  #receive(bytes: Uint8Array): void {
    this.#heard = Date.now();
    this.#pinged = false;
    this.#doubted = false;
    try {
      this.#protocol.receive(bytes);
    } catch (error) {
      this.#fault(error);
    }
  }

  /** The other side broke a rule: says so, and closes. */
  #fault(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#transport?.send(this.#protocol.farewell(error));
      this.#end(`the connection is given up: ${error.message}`, error);
    } else {
      this.#end(`the connection is given up: ${String(error)}`, error);
    }
  }

  #schedule(): void {
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
  }

  /** Writes when what runs now has run: items of an upload come one by one, with promises between them. */
  #scheduleSoon(): void {
    if (!this.#scheduled && !this.#scheduledSoon) {
      this.#scheduledSoon = true;
      soon(() => {
        this.#scheduledSoon = false;
        this.#flush();
      });
    }
  }

  /** Hands to the transport what it takes. */
  #flush(): void {
    const transport = this.#transport;
    if (transport === undefined || this.#over || !this.#opened || transport.isCut === true) {
      return;
    }
    while (!this.#blocked) {
      const bytes = this.#protocol.take(BATCH);
      if (bytes.length === 0) {
        break;
      }
      this.#blocked = !transport.send(bytes);
    }
    if (this.#protocol.isDraining) {
      this.#resolveDraining();
      if (this.#protocol.isIdle && !this.#blocked) {
        this.#end("the connection is closed", undefined, true);
      }
    }
  }

  #tick(): void {
    const now = Date.now();
    const { received = 0, sent = 0, waiting = 0, isCut } = this.#transport ?? {};
    this.#protocol.tick();
    if (isCut === true) {
      this.#alive(now);
      return;
    }
    if ((this.#protocol.hasCalls || this.#doubted) && now - this.#heard > SILENCE) {
      if (!this.#pinged || this.#halfClosed) {
        // After the end of what comes there is no pong: the write tells whether there is anybody.
        this.#pinged = true;
        this.#heard = now;
        this.#protocol.ping();
      } else {
        this.#dead("the other side is silent");
      }
    }
    if (!this.#protocol.isPartial || this.#halfClosed) {
      this.#begun = undefined;
    } else if (this.#begun === undefined) {
      this.#begun = { at: now, bytes: received };
    } else if (now - this.#begun.at >= PROGRESS) {
      if (received - this.#begun.bytes < LEAST_PROGRESS) {
        this.#dead("what the other side began to send does not come on");
      }
      this.#begun = { at: now, bytes: received };
    }
    if (waiting === 0 || sent !== this.#moved.bytes) {
      this.#moved = { at: now, bytes: sent };
    } else if (now - this.#moved.at > STUCK) {
      this.#dead("the other side does not read");
    }
  }

  /** There is no line that could be silent. */
  #alive(now: number): void {
    this.#heard = now;
    this.#pinged = false;
    this.#doubted = false;
    this.#begun = undefined;
    this.#moved = { at: now, bytes: 0 };
  }

  /** One of the times is over: the connection is, unless it goes on over another line. */
  #dead(why: string): void {
    if (this.#transport?.giveUp?.(why) !== true) {
      this.#fault(new ProtocolError(why, "timeout"));
    }
  }

  /** The connection is gone, for whatever reason. */
  #end(why: string, cause?: unknown, orderly = false): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    clearTimeout(this.#handshake);
    clearTimeout(this.#grace);
    clearInterval(this.#ticker);
    this.#forget();
    this.#protocol.end(why);
    this.#reject(this.#protocol.reason ?? new StatusError("UNAVAILABLE", why, false, { cause }));
    if (orderly) {
      this.#transport?.close();
    } else {
      this.#transport?.abandon();
    }
    this.#resolveDraining();
    this.#resolveClosed();
  }
}
