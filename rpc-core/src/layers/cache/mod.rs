//! Answers that are kept: a call whose answer is known is not made, and many callers of one that is not known wait for one
//! run of its handler.
//!
//! ```text
//!             ┌─ fresh ──────────────────────────────▶ answered
//!  a read ─▶ look ─ stale ─▶ answered, and one call refreshes it behind
//!             └─ nothing ─▶ the first of its key runs ─▶ fill ─▶ answered
//!                           others wait for that one; where it is given up, the next of them runs
//!
//!  a write ─▶ runs ─▶ all that it touches is forgotten ─▶ answered
//! ```
//!
//! Nothing is searched for when something is forgotten: every tag has a generation, and an answer counts as long as the
//! generations of its tags are those that its call began with. So a read that was under way when a write ended fills the
//! cache with what nobody finds.

mod figures;
mod flights;
mod key;
mod memory;
mod options;
mod plan;
#[cfg(feature = "redis")]
mod redis;
mod request;
mod run;
mod store;

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{
    TryFutureExt as _,
    future::{Either, MapErr},
};
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

#[cfg(feature = "redis")]
pub use self::redis::{Redis, RedisError};
pub use self::{
    figures::CacheFigures,
    options::{CacheBuilder, Keep},
    plan::CacheError,
    request::{Cacheable, Caller},
};
use self::{key::Key, plan::Rule, run::Shared};
use super::{BoxError, LayerFuture, failure_of};
use crate::{proto::Failure, schema::ServiceSchema};

/// Keeps the answers of methods that are named, in memory or in Redis: on a server for all its callers, on a client for the
/// calls of a channel. A clone is the same cache.
///
/// Only methods that are marked `#[rpc(idempotent)]` can be kept, and neither streams nor one-way calls. What is kept is found
/// by the method and its signature, the encoded arguments, and the caller: by identity and permissions, unless
/// [`Keep::shared`] says that all have the same answer.
///
/// ```
/// use std::time::Duration;
/// use rpc_core::{Server, layer::{Cache, Keep}, service};
///
/// #[service]
/// trait Topics {
///     #[rpc(idempotent)]
///     async fn all(&self) -> Vec<String>;
///     async fn post(&self, title: String);
/// }
/// # struct Forum;
/// # impl Topics for Forum {
/// #     async fn all(&self) -> Vec<String> { vec!["rust".to_owned()] }
/// #     async fn post(&self, _title: String) {}
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = Cache::of([TopicsClient::schema()])
///     .method("Topics.all", Keep::new(Duration::from_secs(60)).shared())
///     .write("Topics.post", ["Topics.all"])
///     .build()?;
/// let topics = TopicsClient::in_memory(Server::new().with(TopicsServer::new(Forum)).layer(cache.clone()));
/// topics.all().await?;
/// topics.all().await?;
/// assert_eq!((cache.figures().misses, cache.figures().hits), (1, 1));
/// topics.post("layers".to_owned()).await?;
/// topics.all().await?;
/// assert_eq!(cache.figures().misses, 2);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Cache {
    shared: Arc<Shared>,
}

impl Cache {
    /// A cache for methods of these services, as `TopicsClient::schema()` gives them.
    pub fn of(services: impl IntoIterator<Item = &'static ServiceSchema>) -> CacheBuilder {
        CacheBuilder::new(services.into_iter().collect())
    }

    /// Forgets what is kept under this name, of a method or a tag: for what changes without a call of a method that
    /// [`CacheBuilder::write`] names. Calls that begin after this has resolved do not get it.
    ///
    /// Where Redis cannot be reached it resolves all the same: nothing is read from there before it was told.
    ///
    /// # Errors
    /// Nothing is kept under this name.
    ///
    /// # Cancel safety
    /// Dropped, it may have forgotten or not.
    pub async fn forget(&self, name: &str) -> Result<(), CacheError> {
        let tags = [self.shared.plan.tag(name)?];
        self.shared.forget(&tags).await;
        Ok(())
    }

    /// What has become of calls so far.
    #[must_use]
    pub fn figures(&self) -> CacheFigures {
        self.shared.figures()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("figures", &self.figures()).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for Cache {
    type Service = Cached<S>;

    fn layer(&self, inner: S) -> Cached<S> {
        let (shared, life) = (Arc::clone(&self.shared), Arc::default());
        Cached { inner, space: shared.space(), shared, life }
    }
}

/// The service of [`Cache`].
#[derive(Clone)]
pub struct Cached<S> {
    inner: S,
    shared: Arc<Shared>,
    /// Tells the channels of clients apart.
    space: u64,
    life: Arc<Life>,
}

/// Cancelled with the last clone: what is refreshed behind the backs of callers ends with the server.
#[derive(Default)]
struct Life(CancellationToken);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl<S> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").finish_non_exhaustive()
    }
}

/// Makes the end of a call of an inner error.
type Ends<E> = fn(E) -> Failure;

impl<R, S> Service<R> for Cached<S>
where
    R: Cacheable,
    S: Service<R, Response = R::Answer, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
{
    type Response = R::Answer;
    type Error = Failure;
    type Future = Either<MapErr<S::Future, Ends<S::Error>>, LayerFuture<R::Answer>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx).map_err(|error| failure_of(error.into()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let rule = self.shared.plan.rule(&request);
        let Some(rule) = rule else {
            return Either::Left(self.inner.call(request).map_err(ends));
        };
        // The service that was ready is the one that is called.
        let spare = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, spare);
        let shared = Arc::clone(&self.shared);
        Either::Right(match rule {
            Rule::Write(write) => Box::pin(run::write(shared, write, request, inner)),
            Rule::Read(read) => match Key::of(&request, &read, self.space) {
                Some(key) => {
                    let life = self.life.0.clone();
                    Box::pin(run::read(shared, read, key, request, inner, life))
                }
                None => {
                    shared.pass_by(&read);
                    return Either::Left(self.inner.call(request).map_err(ends));
                }
            },
        })
    }
}

fn ends<E: Into<BoxError>>(error: E) -> Failure {
    failure_of(error.into())
}
