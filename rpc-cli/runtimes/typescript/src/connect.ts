// How programs reach a server, over sockets or WebSocket.

import { Channel, type ChannelOptions } from "./channel.js";
import type { Connection } from "./connection.js";
import { type ConnectOptions, open } from "./link.js";
import { socketTo } from "./socket.js";
import type { Open } from "./transport.js";
import { webSocketTo, webSocketUrl } from "./websocket.js";

export type { ConnectOptions } from "./link.js";

/**
 * Connects to `host:port`, `[v6]:port`, `unix:/path`, or `ws://host:port/` and `wss:` where a server serves HTTP;
 * resolves when both sides have said hello.
 */
export function connect(address: string, options: ConnectOptions = {}): Promise<Connection> {
  return open(address, find, options);
}

/** A channel to an address as `connect` takes it, which connects when it is needed, and again when that is lost. */
export function channel(address: string, options: ChannelOptions = {}): Channel {
  return new Channel((own) => open(address, find, own), options);
}

function find(address: string): Open {
  const url = webSocketUrl(address);
  return url === undefined ? socketTo(address) : webSocketTo(url);
}
