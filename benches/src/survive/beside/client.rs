//! A client of any of the frameworks, and one that dials again where the framework's does not.

use std::{future::Future, sync::Arc};

use anyhow::Result;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

/// Makes calls.
pub(super) trait Client: Send + Sync {
    /// Enters a number.
    fn enter(&self, number: u64) -> BoxFuture<'_, Result<()>>;
}

/// What a client of a framework is to have.
pub(super) trait Enters: Sized + Send + Sync + 'static {
    /// Dials.
    fn dial(address: &str) -> impl Future<Output = Result<Self>> + Send;

    fn enter(&self, number: u64) -> impl Future<Output = Result<()>> + Send;
}

/// Dials again for the call behind one that has failed.
pub(super) struct Redialled<C> {
    address: String,
    present: Mutex<Option<Arc<C>>>,
}

impl<C: Enters> Redialled<C> {
    pub(super) const fn new(address: String) -> Self {
        Self { address, present: Mutex::const_new(None) }
    }

    async fn present(&self) -> Result<Arc<C>> {
        let mut present = self.present.lock().await;
        if let Some(client) = &*present {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(C::dial(&self.address).await?);
        *present = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Forgets a client, unless that was done by another call.
    async fn forget(&self, failed: &Arc<C>) {
        let mut present = self.present.lock().await;
        present.take_if(|client| Arc::ptr_eq(client, failed));
    }
}

impl<C: Enters> Client for Redialled<C> {
    fn enter(&self, number: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let client = self.present().await?;
            let entered = client.enter(number).await;
            if entered.is_err() {
                self.forget(&client).await;
            }
            entered
        })
    }
}
