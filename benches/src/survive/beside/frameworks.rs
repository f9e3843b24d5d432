//! The frameworks that are compared, and how each is used.

use std::sync::Arc;

use anyhow::Result;

use super::{
    Record, Upon,
    client::{Client, Redialled},
    jsonrpsee, ours, tarpc, tonic,
};
use crate::transport::Listening;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framework {
    Tonic,
    Tarpc,
    Jsonrpsee,
    Ours(Survival),
}

/// What of this framework is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survival {
    /// Channels that come back.
    Reconnecting,
    /// The same, for a method that runs once.
    Once,
    /// Connections that survive.
    Resuming,
}

/// The rows of the table.
pub(super) fn rows() -> [(&'static str, Framework, Upon); 10] {
    use Framework::{Jsonrpsee, Ours, Tarpc, Tonic};
    use Survival::{Once, Reconnecting, Resuming};
    use Upon::{Failure, Repetition};
    [
        ("tonic", Tonic, Failure),
        ("tonic, failed calls repeated", Tonic, Repetition),
        ("tarpc, dialled again", Tarpc, Failure),
        ("tarpc, dialled again, failed calls repeated", Tarpc, Repetition),
        ("jsonrpsee (WebSocket), dialled again", Jsonrpsee, Failure),
        ("jsonrpsee (WebSocket), dialled again, failed calls repeated", Jsonrpsee, Repetition),
        ("ours", Ours(Reconnecting), Failure),
        ("ours, failed calls repeated", Ours(Reconnecting), Repetition),
        ("ours, `#[rpc(once)]`", Ours(Once), Failure),
        ("ours, resumption", Ours(Resuming), Failure),
    ]
}

impl Framework {
    pub(super) async fn serve(self, record: Record) -> Result<Listening> {
        match self {
            Self::Tonic => tonic::serve(record).await,
            Self::Tarpc => tarpc::serve(record).await,
            Self::Jsonrpsee => jsonrpsee::serve(record).await,
            Self::Ours(_) => ours::serve(record).await,
        }
    }

    pub(super) async fn connect(self, address: String) -> Result<Arc<dyn Client>> {
        Ok(match self {
            Self::Tonic => Arc::new(tonic::connect(&address)?),
            Self::Tarpc => Arc::new(Redialled::<tarpc::Client>::new(address)),
            Self::Jsonrpsee => Arc::new(Redialled::<jsonrpsee::Client>::new(address)),
            Self::Ours(survival) => Arc::new(ours::connect(survival, &address).await?),
        })
    }
}
