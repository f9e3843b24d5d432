// What carries bytes to the other side and back: a socket of Node's, or a WebSocket.

/** An open way for bytes, or one that is being opened. */
export interface Transport {
  /** Bytes that have come. */
  readonly received: number;
  /** Bytes that were given and have left. */
  readonly sent: number;
  /** Bytes that were given and have not left. */
  readonly waiting: number;
  /** Whether it waits for another line to go on over. Nothing is to be given meanwhile, and silence means nothing. */
  readonly isCut?: boolean;
  /** Takes bytes; false if no more are to be given until `drained`. */
  send(bytes: Uint8Array): boolean;
  /** Closes in good order, once what was given has left. */
  close(): void;
  /** Gives up, once what was given has left. */
  abandon(): void;
  /** Takes the line for dead; whether it goes on over another. */
  giveUp?(why: string): boolean;
}

/** What a transport tells of itself. */
export interface TransportEvents {
  /** Bytes may be given. */
  opened(): void;
  received(bytes: Uint8Array): void;
  /** More bytes may be given again. */
  drained(): void;
  /** The other side sends no more, but may read. */
  finished(): void;
  /** It is closed, in good order or not. */
  closed(why?: string, cause?: unknown): void;
}

/** Opens a way. */
export type Open = (events: TransportEvents) => Transport;
