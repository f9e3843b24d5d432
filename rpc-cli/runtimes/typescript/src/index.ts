// All of the run-time that generated code and programs use.

export * from "./addresses.js";
export * from "./answers.js";
export { Channel, type ChannelOptions, type ChannelState } from "./channel.js";
export * from "./codecs.js";
export * from "./composites.js";
export { channel, connect, type ConnectOptions } from "./connect.js";
export { type Caller, type CloseOptions, Connection } from "./connection.js";
export {
  AppError,
  type Code,
  DecodeError,
  type DecodeErrorKind,
  type Detail,
  EncodeError,
  ProtocolError,
  StatusError,
  type StatusOptions,
} from "./errors.js";
export type { Limits } from "./hello.js";
export { ItemStream } from "./items.js";
export { Metadata, type MetadataInput, type MetadataValue } from "./metadata.js";
export type {
  Answer,
  CallContext,
  CallOptions,
  Items,
  Method,
  Send,
  ServiceHandler,
} from "./method.js";
export { type Resume, resume, type ResumeOptions } from "./resume.js";
export { EMPTY_ELEMENTS, MAX_DEPTH, Reader, Writer } from "./wire.js";
