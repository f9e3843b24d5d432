// Made by rpc-core of a description of services: make it anew rather than edit it.

/** Why a call failed. The meanings are gRPC's. */
export type Code =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** Something that a status says beside its message, for programs. */
export interface Detail {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A call that failed for a reason that is not its method's own: the connection, a deadline, a limit. */
export declare class StatusError extends Error {
  readonly code: Code;
  /** Whether the handler may have run, in part or whole. If not, repeating the call repeats nothing. */
  readonly mayHaveRun: boolean;
  /** Milliseconds after which it is worth to try again, if the other side said so. */
  readonly retryAfter: number | undefined;
  readonly details: readonly Detail[];
  /** What the other side said beside the status. */
  metadata: Metadata | undefined;
  constructor(
    code: Code,
    message: string,
    mayHaveRun?: boolean,
    options?: ErrorOptions & { retryAfter?: number | undefined; details?: readonly Detail[] },
  );
  /** Whether the same call may succeed later. */
  get isTransient(): boolean;
}

/** A method's own error. */
export declare class AppError<E = unknown> extends Error {
  readonly value: E;
  constructor(value: E);
  /** Whether `error` is a method's own error of that type. */
  static is<T>(error: unknown, type: Codec<T>): error is AppError<T>;
}

/** A value that its type on the wire cannot hold. */
export declare class EncodeError extends RangeError {}

/** Bytes that are not a value of the expected type. */
export declare class DecodeError extends Error {
  readonly kind: string;
  readonly offset: number;
}

/** How values of a type travel. */
export interface Codec<T> {
  write(writer: never, value: T): void;
  read(reader: never): T;
}

/** The bytes of a value. */
export declare function encode<T>(type: Codec<T>, value: T): Uint8Array;

/** The value that bytes are, all of them. */
export declare function decode<T>(type: Codec<T>, bytes: Uint8Array): T;

export type MetadataValue = string | Uint8Array;

/** Pairs as programs give them: text, bytes under keys that end in `-bin`, an array where a key has several values. */
export type MetadataInput =
  | Iterable<readonly [key: string, value: MetadataValue]>
  | { readonly [key: string]: MetadataValue | readonly MetadataValue[] };

/** Pairs that travel beside calls. */
export declare class Metadata {
  constructor(input?: MetadataInput);
  readonly size: number;
  /** The text of a key, the first if there are several. */
  get(key: string): string | undefined;
  /** The bytes of a key that ends in `-bin`, the first if there are several. */
  getBytes(key: string): Uint8Array | undefined;
  getAll(key: string): MetadataValue[];
  [Symbol.iterator](): Iterator<readonly [key: string, value: MetadataValue]>;
}

/** What may be said of one call. */
export interface CallOptions {
  /** Milliseconds after which the call fails with DEADLINE_EXCEEDED. */
  readonly timeout?: number;
  /** Cancels the call, which then fails with CANCELLED. */
  readonly signal?: AbortSignal;
  readonly metadata?: MetadataInput;
  /** Runs with what the other side says beside its reply, and ahead of the items of a stream. */
  readonly onMetadata?: (metadata: Metadata, when: "leading" | "trailing") => void;
  /** Makes the call for whom this proves, in the place of the connection's token. */
  readonly token?: string | Uint8Array;
  /** What a server that has too much to do refuses last, and first; normal if left out. Calls within another are as that is. */
  readonly priority?: Priority;
  /** The call that is being answered, in calls back to its caller. */
  readonly within?: CallContext;
}

/** How much a call matters, from most to least. */
export type Priority = "critical" | "normal" | "low" | "sheddable";

/** What a handler may know of the call that it answers. */
export interface CallContext {
  /** Aborted when the caller does not wait any more. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  /** When the caller stops waiting, in milliseconds as `Date.now()` counts them. */
  readonly deadline: number | undefined;
  /** How much the call matters where there is too much to do. */
  readonly priority: Priority;
  readonly connection: Connection;
  readonly id: number;
}

/** What a program streams. */
export type Items<T> = AsyncIterable<T> | Iterable<T>;

/** Items of a stream, in order. Ending the iteration early, as `break` does, cancels the call. */
export declare class ItemStream<T> implements AsyncIterableIterator<T> {
  private constructor();
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  /** All items that are left. */
  toArray(): Promise<T[]>;
  [Symbol.asyncIterator](): this;
}

/** What this side accepts. */
export interface Limits {
  readonly maxFrame: number;
  readonly maxMessage: number;
  readonly maxCalls: number;
  readonly maxPartial: number;
  readonly initialWindow: number;
  readonly maxStreams: number;
  readonly onewayWindow: number;
  readonly requestWindow: number;
  readonly window: number;
  readonly sharedWindow: number;
}

/** The methods of a service that this side answers. */
export interface ServiceHandler {
  readonly service: string;
}

export interface ConnectOptions {
  /** Services that the server may call, from the first byte on. */
  readonly handlers?: readonly ServiceHandler[];
  readonly limits?: Partial<Limits>;
  /** What this side calls itself, for logs of the other. */
  readonly name?: string;
  /** Proves to the server who calls: text, or 1 to 2,048 bytes. */
  readonly token?: string | Uint8Array;
  /** Gives up while connecting. */
  readonly signal?: AbortSignal;
}

export interface CloseOptions {
  /** Milliseconds for what runs, 5,000 if left out; `Infinity` for as long as it takes. */
  readonly grace?: number;
}

/** What the classes of callers stand on. */
export type Caller = Connection | Channel;

/** One live connection to a server. */
export declare class Connection {
  private constructor();
  /** Resolves when the connection is closed, by either side or by a loss. */
  get closed(): Promise<void>;
  /** Resolves when no further call can be made on it. */
  get draining(): Promise<void>;
  /** Whether no further call can be made on it. */
  get isDraining(): boolean;
  /** Where there is doubt that the server is there: the connection ends within seconds if it is not. */
  probe(): void;
  /** Answers the server's calls of a service from here on. */
  register(handler: ServiceHandler): void;
  /** Opens nothing more, lets what runs end, and closes. Never rejects. */
  close(options?: CloseOptions): Promise<void>;
  /** Closes at once: calls that are open fail with UNAVAILABLE. */
  destroy(why?: string): void;
}

/** How a channel stands: `waiting` between attempts to connect, `idle` while nobody needs a connection. */
export type ChannelState = "idle" | "connecting" | "connected" | "waiting" | "closed";

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

/**
 * Takes calls as a connection does, and lives longer: when its connection is lost, the next call has another one opened.
 * Calls that were certainly not started go again by themselves; those that may have run fail with UNAVAILABLE and say
 * so. A channel with handlers or `onConnected` connects at once and always again, others when they are needed.
 */
export declare class Channel {
  private constructor();
  /** How it stands. */
  get state(): ChannelState;
  /** The connection that calls go on; opens one if there is none. */
  ready(options?: Pick<CallOptions, "timeout" | "signal">): Promise<Connection>;
  /** Answers the server's calls of a service, on this connection and those that come. */
  register(handler: ServiceHandler): void;
  /** Closes as a connection does, and opens none any more. */
  close(options?: CloseOptions): Promise<void>;
}

/** Connects to the server that this is from; resolves when both sides have said hello. */
export declare function connect(options?: ConnectOptions): Promise<Connection>;
/** Connects to another server: `ws://host:port/`, `wss://…`, or the address of a page of it. */
export declare function connect(address: string, options?: ConnectOptions): Promise<Connection>;

/** A channel to the server that this is from, which connects when it is needed, and again when that is lost. */
export declare function channel(options?: ChannelOptions): Channel;
/** A channel to another server. */
export declare function channel(address: string, options?: ChannelOptions): Channel;
