// TCP and Unix sockets, by Node, Deno and Bun.

import { StatusError } from "./errors.js";
import type { Open, Transport, TransportEvents } from "./transport.js";

/** What opens a socket to `host:port`, `[v6]:port` or `unix:/path`. */
export function socketTo(address: string): Open {
  const place = placeOf(address);
  return (events) => open(place, events);
}

type Place = { path: string } | { host: string; port: number };

/** Sockets are found, not imported: a page that is bundled with this has no such module. */
function sockets(): typeof import("node:net") {
  if (typeof process === "undefined") {
    throw new StatusError("INVALID_ARGUMENT", "there are no sockets here: use ws://host or wss://host", false);
  }
  return process.getBuiltinModule("node:net");
}

function open(place: Place, events: TransportEvents): Transport {
  const socket = sockets().createConnection({ ...place, noDelay: true, allowHalfOpen: true });
  socket.on("connect", () => {
    events.opened();
  });
  socket.on("data", (bytes: Buffer) => {
    events.received(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
  socket.on("end", () => {
    events.finished();
  });
  socket.on("drain", () => {
    events.drained();
  });
  socket.on("error", (error) => {
    events.closed(error.message, error);
  });
  socket.on("close", () => {
    events.closed();
  });
  return {
    get received() {
      return socket.bytesRead;
    },
    get sent() {
      return socket.bytesWritten - socket.writableLength;
    },
    get waiting() {
      return socket.writableLength;
    },
    send: (bytes) => socket.write(bytes),
    close: () => {
      socket.end();
    },
    abandon: () => {
      socket.destroySoon();
    },
  };
}

function placeOf(address: string): Place {
  if (address.startsWith("unix:")) {
    return { path: address.slice("unix:".length) };
  }
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || port > 65_535) {
    const forms = "host:port, [v6]:port, unix:/path, ws://host or wss://host";
    throw new StatusError("INVALID_ARGUMENT", `${address} is not an address: ${forms}`, false);
  }
  return { host, port };
}
