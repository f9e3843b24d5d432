//! The interop cases of gRPC (<https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md>), those of its wish list
//! among them, said with this framework: what people expect of calls, streams, statuses, metadata, credentials and many calls
//! at once there holds here. Left out, each for its reason:
//!
//! | case | reason |
//! |---|---|
//! | `cacheable_unary` | a matter of HTTP's GET; answers are cached by a layer here |
//! | `client_compressed_unary`, `server_compressed_unary`, `client_compressed_streaming`, `server_compressed_streaming` | the wire has a number for compression, and no side uses it |
//! | `compute_engine_creds`, `jwt_token_creds`, `google_default_credentials`, `compute_engine_channel_credentials` | Google's own; a token is a token here, whoever issued it |
//! | `orca_per_rpc`, `orca_oob` | Envoy's reports of load; `Channel::peer_load` has its own |

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod cancels;
mod credentials;
mod many;
mod metadata;
mod payloads;
mod service;
mod statuses;
