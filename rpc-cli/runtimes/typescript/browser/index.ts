// The run-time for pages and workers, with nothing of Node: what the port of a server serves in front of its services.

import { Channel, type ChannelOptions } from "../src/channel.js";
import type { Connection } from "../src/connection.js";
import { StatusError } from "../src/errors.js";
import { type ConnectOptions, open } from "../src/link.js";
import type { Open } from "../src/transport.js";
import { webSocketTo, webSocketUrl } from "../src/websocket.js";

export { Channel } from "../src/channel.js";
export { decode, encode } from "../src/codecs.js";
export { Connection } from "../src/connection.js";
export { AppError, DecodeError, EncodeError, StatusError } from "../src/errors.js";
export { ItemStream } from "../src/items.js";
export { Metadata } from "../src/metadata.js";

/** Connects to a server; `address` is one of WebSocket, or of HTTP. */
export function connect(address: string, options: ConnectOptions = {}): Promise<Connection> {
  return open(address, find, options);
}

/** A channel that connects when it is needed, and again when the connection is lost. */
export function channel(address: string, options: ChannelOptions = {}): Channel {
  return new Channel((own) => open(address, find, own), options);
}

function find(address: string): Open {
  const url = webSocketUrl(address);
  if (url === undefined) {
    const message = `${address} is not an address: ws://host:port/, wss://… or that of a page`;
    throw new StatusError("INVALID_ARGUMENT", message, false);
  }
  return webSocketTo(url);
}
