// How calls end when they do not end with a value, and what is wrong with bytes.

import type { AnyCodec, Out } from "./codecs.js";
import type { Metadata } from "./metadata.js";

/** The status codes by their numbers on the wire, less one. The meanings are gRPC's. */
const CODES = [
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** Why a call failed. */
export type Code = (typeof CODES)[number];

/** The code with that number; UNKNOWN for numbers without a meaning. */
export function codeOf(number: number): Code {
  return CODES[number - 1] ?? "UNKNOWN";
}

/** The number of a code on the wire. */
export function numberOf(code: Code): number {
  return CODES.indexOf(code) + 1;
}

/** Something that a status says beside its message, for programs. */
export interface Detail {
  /** The name of its type. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** What a status may say beside its message. */
export interface StatusOptions extends ErrorOptions {
  /** Milliseconds after which it is worth to try again. */
  readonly retryAfter?: number | undefined;
  readonly details?: readonly Detail[];
}

/** A call that failed for a reason that is not its method's own: the connection, a deadline, a limit. */
export class StatusError extends Error {
  /** Why. */
  readonly code: Code;
  /** Whether the handler may have run, in part or whole. If not, repeating the call repeats nothing. */
  readonly mayHaveRun: boolean;
  /** Milliseconds after which it is worth to try again, if the other side said so. */
  readonly retryAfter: number | undefined;
  /** What the other side said for programs. */
  readonly details: readonly Detail[];
  /** What the other side said beside the status, if it said it. */
  metadata: Metadata | undefined;

  constructor(code: Code, message: string, mayHaveRun = true, options: StatusOptions = {}) {
    super(message, options);
    this.name = "StatusError";
    this.code = code;
    this.mayHaveRun = mayHaveRun;
    this.retryAfter = options.retryAfter;
    this.details = options.details ?? [];
  }

  /** Whether the same call may succeed later: with `!mayHaveRun` it is safe to repeat. */
  get isTransient(): boolean {
    return ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"].includes(this.code);
  }
}

/** A method's own error. Handlers throw it to fail with a value of the error type of their method. */
export class AppError<E = unknown> extends Error {
  /** What the method failed with. */
  readonly value: E;
  /** How that value travels; `AppError.is` tells types apart by it. */
  readonly codec: AnyCodec | undefined;

  constructor(value: E, codec?: AnyCodec) {
    super(`the method failed with ${summary(value)}`);
    this.name = "AppError";
    this.value = value;
    this.codec = codec;
  }

  /** Whether `error` is a method's own error of that type: `AppError.is(error, Refusal)`. */
  static is<C extends AnyCodec>(error: unknown, type: C): error is AppError<Out<C>> {
    return error instanceof AppError && error.codec === type;
  }
}

/** The rules that bytes of a value can break. */
export type DecodeErrorKind =
  | "end"
  | "trailing"
  | "length"
  | "range"
  | "number"
  | "bool"
  | "option"
  | "utf8"
  | "char"
  | "depth"
  | "empty-elements"
  | "variant";

/** Bytes that are not a value of the expected type. */
export class DecodeError extends Error {
  /** The rule that is broken. */
  readonly kind: DecodeErrorKind;
  /** Where what breaks it begins. */
  readonly offset: number;

  constructor(kind: DecodeErrorKind, offset: number, message: string) {
    super(`${message}, at offset ${String(offset)}`);
    this.name = "DecodeError";
    this.kind = kind;
    this.offset = offset;
  }
}

/** A value that its type on the wire cannot hold: a number out of range, half a surrogate pair. */
export class EncodeError extends RangeError {
  constructor(message: string) {
    super(message);
    this.name = "EncodeError";
  }
}

/** Why a connection is given up. */
export type Fault = "protocol" | "limit" | "timeout" | "calm";

/** The other side broke a rule of the protocol, a limit, or a time. */
export class ProtocolError extends Error {
  /** What the goaway says that answers it. */
  readonly fault: Fault;

  constructor(message: string, fault: Fault = "protocol") {
    super(message);
    this.name = "ProtocolError";
    this.fault = fault;
  }
}

/** A value in few words, for people. */
function summary(value: unknown): string {
  const plain = (_: string, inner: unknown): unknown =>
    typeof inner === "bigint" ? `${String(inner)}n` : inner;
  let text: string | undefined;
  try {
    text = JSON.stringify(value, plain);
  } catch {
    text = undefined;
  }
  text ??= String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
