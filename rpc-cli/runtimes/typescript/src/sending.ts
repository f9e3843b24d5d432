// The items that a caller sends and those that it expects, apart from calls that have none: what a page loads for those
// has nothing of this.

import type { OpenCall } from "./calls.js";
import { type AnyCodec, type Codec, encode } from "./codecs.js";
import type { Limits } from "./hello.js";
import type { Items } from "./method.js";
import type { Protocol } from "./protocol.js";
import { Inbound, Outbound, type Pool } from "./streams.js";

/** Makes room for the items that come. */
export type Receiving = (limits: Limits, pool: Pool, grant: (bytes: number) => void) => Inbound;

/** Sends the items of a program. */
export interface Sending {
  /** Makes room for them, with the credit that is there from the start. */
  readonly room: (credit: number) => Outbound;
  /** Sends them one by one, as fast as they are taken. Fails as the program's own iterator does. */
  readonly pump: (protocol: Protocol, open: OpenCall) => Promise<void>;
}

export const receiving: Receiving = (limits, pool, grant) => new Inbound(limits, pool, grant);

export function sending(items: Items<unknown> | undefined, codec: AnyCodec): Sending | undefined {
  return items && { room: (credit) => new Outbound(credit), pump: (...at) => pump(items, codec, ...at) };
}

async function pump(items: Items<unknown>, codec: AnyCodec, protocol: Protocol, open: OpenCall): Promise<void> {
  const { outbound } = open;
  if (outbound === undefined) {
    return;
  }
  const send = async (item: unknown): Promise<boolean> => {
    if (!outbound.isClosed) {
      const sent = outbound.send(encode(codec as Codec<unknown>, item));
      protocol.flush(outbound);
      await sent;
    }
    return !outbound.isClosed;
  };
  for await (const item of items) {
    if (!(await send(item))) {
      break;
    }
  }
  protocol.flush();
  await outbound.sent();
  protocol.finishUpload(open);
}
