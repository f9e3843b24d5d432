// All of the run-time that generated code and programs use.

export * from "./addresses.js";
export * from "./answers.js";
export * from "./codecs.js";
export * from "./composites.js";
export { connect, type ConnectOptions } from "./connect.js";
export { Connection } from "./connection.js";
export {
  AppError,
  type Code,
  DecodeError,
  type DecodeErrorKind,
  EncodeError,
  ProtocolError,
  StatusError,
} from "./errors.js";
export type { Limits } from "./frames.js";
export { ItemStream } from "./items.js";
export type {
  Answer,
  CallContext,
  CallOptions,
  Items,
  Method,
  Send,
  ServiceHandler,
} from "./method.js";
export { EMPTY_ELEMENTS, MAX_DEPTH, Reader, Writer } from "./wire.js";
