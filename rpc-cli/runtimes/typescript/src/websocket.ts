// WebSocket, by browsers, Deno, Bun, and Node from 22 on: the bytes of the protocol in binary messages.

import { StatusError } from "./errors.js";
import { type Timer, unref } from "./timers.js";
import type { Open, Transport, TransportEvents } from "./transport.js";

/** The subprotocol whose messages carry the bytes of the protocol. PROTOCOL §24. */
const PROTOCOL = "rpc.v1";
/** Bytes that may wait in a WebSocket: it takes any number, and tells nobody when they have left. */
const MOST_WAITING = 262_144;
/** Milliseconds between looks at whether they have left. */
const LOOK = 4;

/** What is used of a WebSocket. */
interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(bytes: Uint8Array): void;
  close(): void;
}

type SocketClass = new (url: string, protocols: string) => Socket;

/** The address of a WebSocket, if it is one: `ws://host:port/`, `wss:…`, or that of the page which a server serves. */
export function webSocketUrl(address: string): string | undefined {
  const found = /^(ws|http)(s?):(?:\/\/)?(?=[^/])/.exec(address);
  return found === null ? undefined : `ws${found[2] ?? ""}://${address.slice(found[0].length)}`;
}

/** What opens a WebSocket to a `ws:` or `wss:` address. */
export function webSocketTo(url: string): Open {
  const { WebSocket } = globalThis as { WebSocket?: SocketClass };
  if (WebSocket === undefined) {
    throw new StatusError("UNIMPLEMENTED", "there is no WebSocket here: Node has it from 22 on", false);
  }
  return (events) => open(new WebSocket(url, PROTOCOL), events);
}

function open(socket: Socket, events: TransportEvents): Transport {
  let [received, given] = [0, 0];
  let timer: Timer | undefined;
  let over = false;
  const look = (): void => {
    timer = undefined;
    if (socket.bufferedAmount > MOST_WAITING / 2) {
      wait();
    } else {
      events.drained();
    }
  };
  const wait = (): void => {
    timer ??= setTimeout(look, LOOK);
    unref(timer);
  };
  const end = (why?: string): void => {
    over = true;
    clearTimeout(timer);
    events.closed(why);
  };
  const close = (): void => {
    over = true;
    clearTimeout(timer);
    socket.close();
  };
  socket.binaryType = "arraybuffer";
  socket.onopen = (): void => {
    events.opened();
  };
  socket.onmessage = ({ data }): void => {
    if (data instanceof ArrayBuffer) {
      received += data.byteLength;
      events.received(new Uint8Array(data));
    } else {
      end("text came where there must be bytes");
      socket.close();
    }
  };
  socket.onclose = ({ code, reason }): void => {
    // Browsers keep to themselves why an attempt failed.
    end(reason || (code === 1000 ? undefined : `code ${String(code)}`));
  };
  return {
    get received() {
      return received;
    },
    get sent() {
      return given - socket.bufferedAmount;
    },
    get waiting() {
      return socket.bufferedAmount;
    },
    send: (bytes) => {
      if (over) {
        return false;
      }
      socket.send(bytes);
      given += bytes.length;
      const room = socket.bufferedAmount <= MOST_WAITING;
      if (!room) {
        wait();
      }
      return room;
    },
    close,
    abandon: close,
  };
}
