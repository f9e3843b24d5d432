// Dials a server over TCP or a Unix socket, and moves bytes between the socket and the protocol.

import { createConnection, type Socket } from "node:net";

import type { PeerCall } from "./calls.js";
import { Connection } from "./connection.js";
import { Dispatcher } from "./dispatch.js";
import { ProtocolError, StatusError } from "./errors.js";
import { DEFAULT_LIMITS, type Limits } from "./hello.js";
import type { ServiceHandler } from "./method.js";
import { forget, listen } from "./ongoing.js";
import { Protocol } from "./protocol.js";
import { utf8 } from "./wire.js";

/** Milliseconds for the connection and the hellos. */
const HANDSHAKE = 5000;
/** Milliseconds of silence, while a reply is awaited, before a ping and then before the end. */
const SILENCE = 20_000;
/** Milliseconds for which nothing that waits to be sent may move. */
const STUCK = 30_000;
/** Milliseconds in which so many bytes must come of a frame or message that has begun. */
const PROGRESS = 30_000;
const LEAST_PROGRESS = 30 * 1024;
const TICK = 1000;
/** The longest that a timer of Node runs. */
const MAX_TIMER = 2 ** 31 - 1;
/** Bytes that are handed to the socket at once. */
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
  /** Gives up while connecting. */
  readonly signal?: AbortSignal;
}

/** Connects to `host:port`, `[v6]:port` or `unix:/path`; resolves when both sides have said hello. */
export function connect(address: string, options: ConnectOptions = {}): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const link = new Link(options, resolve, reject);
    link.dial(address, options.signal);
  });
}

/** The socket of a connection. */
class Link {
  readonly closed: Promise<void>;
  readonly #protocol: Protocol;
  readonly #dispatcher: Dispatcher;
  readonly #connection: Connection;
  readonly #reject: (error: Error) => void;
  #resolveClosed: () => void = () => undefined;
  #socket: Socket | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #handshake: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #scheduled = false;
  #scheduledSoon = false;
  #blocked = false;
  #over = false;
  #ready = false;
  #heard = Date.now();
  #pinged = false;
  /** Whether nothing more comes, and what the other side asked for is still answered. */
  #halfClosed = false;
  #begun: { at: number; bytes: number } | undefined;
  #forget: () => void = () => undefined;
  #moved = { at: Date.now(), bytes: 0 };

  constructor(
    options: ConnectOptions,
    resolve: (connection: Connection) => void,
    reject: (error: Error) => void,
  ) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#reject = reject;
    this.closed = new Promise((done) => {
      this.#resolveClosed = done;
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

  dial(address: string, signal: AbortSignal | undefined): void {
    const place = placeOf(address);
    if (place instanceof Error) {
      this.#reject(place);
      return;
    }
    const socket = createConnection({ ...place, noDelay: true, allowHalfOpen: true });
    this.#socket = socket;
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
    socket.on("connect", () => {
      this.#ticker = setInterval(() => {
        this.#tick();
      }, TICK);
      this.#ticker.unref();
      this.#flush();
    });
    socket.on("data", (bytes: Buffer) => {
      this.#receive(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    });
    socket.on("end", () => {
      this.#halfClosed = this.#protocol.endInput();
      if (!this.#halfClosed) {
        this.#end(`the connection to ${address} is closed`);
      }
    });
    socket.on("drain", () => {
      this.#blocked = false;
      this.#flush();
    });
    socket.on("error", (error) => {
      this.#end(`the connection to ${address} is lost: ${error.message}`, error);
    });
    socket.on("close", () => {
      this.#end(`the connection to ${address} is closed`);
    });
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

  #receive(bytes: Uint8Array): void {
    this.#heard = Date.now();
    this.#pinged = false;
    try {
      this.#protocol.receive(bytes);
    } catch (error) {
      this.#fault(error);
    }
  }

  /** The other side broke a rule: says so, and closes. */
  #fault(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#socket?.write(this.#protocol.farewell(error));
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
      setImmediate(() => {
        this.#scheduledSoon = false;
        this.#flush();
      });
    }
  }

  /** Hands to the socket what it takes. */
  #flush(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#over || socket.connecting) {
      return;
    }
    while (!this.#blocked) {
      const bytes = this.#protocol.take(BATCH);
      if (bytes.length === 0) {
        break;
      }
      this.#blocked = !socket.write(bytes);
    }
    if (this.#protocol.isDraining && this.#protocol.isIdle && !this.#blocked) {
      this.#end("the connection is closed", undefined, true);
    }
  }

  #tick(): void {
    const now = Date.now();
    const silent = now - this.#heard;
    const bytesRead = this.#socket?.bytesRead ?? 0;
    this.#protocol.tick();
    if (this.#protocol.hasCalls && silent > SILENCE) {
      if (!this.#pinged || this.#halfClosed) {
        // After the end of what comes there is no pong: the write tells whether there is anybody.
        this.#pinged = true;
        this.#heard = now;
        this.#protocol.ping();
      } else {
        this.#fault(new ProtocolError("the other side is silent", "timeout"));
      }
    }
    if (!this.#protocol.isPartial || this.#halfClosed) {
      this.#begun = undefined;
    } else if (this.#begun === undefined) {
      this.#begun = { at: now, bytes: bytesRead };
    } else if (now - this.#begun.at >= PROGRESS) {
      if (bytesRead - this.#begun.bytes < LEAST_PROGRESS) {
        this.#fault(new ProtocolError("what the other side began to send does not come on", "timeout"));
      }
      this.#begun = { at: now, bytes: bytesRead };
    }
    const bytes = this.#socket?.bytesWritten ?? 0;
    const pending = this.#socket?.writableLength ?? 0;
    const moved = bytes - pending;
    if (pending === 0 || moved !== this.#moved.bytes) {
      this.#moved = { at: now, bytes: moved };
    } else if (now - this.#moved.at > STUCK) {
      this.#fault(new ProtocolError("the other side does not read", "timeout"));
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
      this.#socket?.end();
    } else {
      this.#socket?.destroySoon();
    }
    this.#resolveClosed();
  }
}

/** What a socket dials. */
function placeOf(address: string): { path: string } | { host: string; port: number } | Error {
  if (address.startsWith("unix:")) {
    return { path: address.slice("unix:".length) };
  }
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || port > 65_535) {
    const message = `${address} is not an address: host:port, [v6]:port or unix:/path`;
    return new StatusError("INVALID_ARGUMENT", message, false);
  }
  return { host, port };
}
