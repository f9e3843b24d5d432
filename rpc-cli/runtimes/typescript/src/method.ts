// What generated code says of methods, and what programs say of calls.

import type { AnyCodec } from "./codecs.js";
import type { Connection } from "./connection.js";
import type { Metadata, MetadataInput } from "./metadata.js";

/** A method: its key on the wire, and how what travels with its calls does. */
export interface Method<
  A extends AnyCodec = AnyCodec,
  R extends AnyCodec = AnyCodec,
  U extends AnyCodec = AnyCodec,
> {
  /** `Service.method` */
  readonly path: string;
  readonly key: bigint;
  readonly arguments: A;
  /** The value, or an item if the method streams its reply. */
  readonly returns: R;
  /** An item of the upload. */
  readonly upload: U;
  /** The method's own error. */
  readonly fails: AnyCodec | undefined;
}

/** How much a call matters, from most to least. */
export type Priority = "critical" | "normal" | "low" | "sheddable";

/** What may be said of one call. */
export interface CallOptions {
  /** Milliseconds after which the call fails with DEADLINE_EXCEEDED. */
  readonly timeout?: number;
  /** Cancels the call, which then fails with CANCELLED. */
  readonly signal?: AbortSignal;
  /** Pairs for the handler to see: text, or bytes under keys that end in `-bin`. */
  readonly metadata?: MetadataInput;
  /** Runs with what the other side says beside its reply, and ahead of the items of a stream. */
  readonly onMetadata?: (metadata: Metadata, when: "leading" | "trailing") => void;
  /** Makes the call for whom this proves, in the place of the connection's token: text, or 1 to 4,096 bytes. */
  readonly token?: string | Uint8Array;
  /** What a server that has too much to do refuses last, and first; normal if left out. Calls within another are as that is. */
  readonly priority?: Priority;
  /** The call that is being answered, in calls back to its caller. */
  readonly within?: CallContext;
}

/** What a handler may know of the call that it answers. */
export interface CallContext {
  /** Aborted when the caller does not wait any more. */
  readonly signal: AbortSignal;
  /** What the caller says beside the arguments. */
  readonly metadata: Metadata;
  /** How much the call matters where there is too much to do. */
  readonly priority: Priority;
  /** When the caller stops waiting, in milliseconds as `Date.now()` counts them. */
  readonly deadline: number | undefined;
  /** The connection to the caller. */
  readonly connection: Connection;
  /** The id of the call, which calls made within it name. */
  readonly id: number;
}

/** What a program streams. */
export type Items<T> = AsyncIterable<T> | Iterable<T>;

/** Sends the items of an answer. */
export type Send = (item: Uint8Array) => Promise<boolean>;

/** Answers one method. */
export interface Answer {
  readonly method: Method;
  /** Whether the caller sends items. */
  readonly sends: boolean;
  /** Whether the caller expects items. */
  readonly expects: boolean;
  /** Runs the handler: gives the bytes of its value, or sends those of its items. */
  run(
    payload: Uint8Array,
    upload: () => AsyncIterableIterator<Uint8Array>,
    send: Send,
    context: CallContext,
  ): Promise<Uint8Array>;
}

/** The methods of a service that this side answers. */
export interface ServiceHandler {
  readonly service: string;
  readonly answers: readonly Answer[];
}
