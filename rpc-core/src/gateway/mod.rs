//! HTTP on the port of a server: JSON-RPC, plain JSON, streams as events or lines, and what describes the services. A
//! second origin of calls beside connections of the protocol; it never sees a frame.
//!
//! ```text
//! Link ─▶ patient ─┬──────────── brief ───────────▶ jsonrpc, as below
//!                  └─▶ strict ─▶ hyper ─▶ routes ─▶ guard ─┬─▶ jsonrpc ─┬─▶ Exchange ─▶ Serve ─▶ handler
//!                                                          ├─▶ plain ───┘      │ Session: Origin, ItemLink
//!                                                          ├─▶ openrpc         └─▶ stream, upload
//!                                                          ├─▶ pages ─▶ browser
//!                                                          └─▶ upgrade ─┬─▶ Link, for a connection of the protocol
//!                                                                       └─▶ socket: JSON-RPC, both ways
//! ```

mod answer;
mod back;
mod body;
mod brief;
mod browser;
mod catalog;
mod exchange;
mod guard;
mod headers;
mod healthz;
mod items;
mod jsonrpc;
mod kept;
mod listed;
mod metrics;
mod openrpc;
mod options;
mod pages;
mod patient;
mod plain;
mod routes;
mod serve;
mod session;
mod socket;
mod statuses;
mod stream;
mod strict;
mod upgrade;
mod upload;

pub use browser::BrowserClient;
pub use openrpc::openrpc;
pub use options::Http;
pub(crate) use serve::{Ended, serve};

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    health::Probe,
    identity::{Gate, Refusal},
    proto::{Code, Failure, MethodKey, Payload, Status, Streams},
    schema::{Document, ServiceSchema},
    seam::Serve,
};
use catalog::Catalog;
use exchange::{Calling, Exchange};
use headers::Head;
use pages::Pages;
use session::Session;

/// What one server's HTTP connections share.
pub(crate) struct Face {
    options: Http,
    serve: Arc<dyn Serve>,
    gate: Option<Arc<Gate>>,
    /// What the documents call the server.
    title: String,
    services: Vec<ServiceSchema>,
    catalog: Catalog,
    /// The OpenRPC document, once it was asked for.
    document: OnceLock<Bytes>,
    pages: Pages,
    tasks: TaskTracker,
    /// Cancelled when connections are to finish what runs, and start nothing more.
    draining: CancellationToken,
    /// Knows whether the server serves, where anybody does.
    probe: Option<Probe>,
    /// How long the other side may read nothing of what there is for it.
    write_timeout: Duration,
}

/// What a server has beside its services.
pub(crate) struct Ground {
    pub(crate) serve: Arc<dyn Serve>,
    pub(crate) gate: Option<Arc<Gate>>,
    pub(crate) name: String,
    pub(crate) tasks: TaskTracker,
    pub(crate) draining: CancellationToken,
    pub(crate) probe: Option<Probe>,
    pub(crate) write_timeout: Duration,
}

/// The method that everybody may call who may know the services.
const LISTED: MethodKey = MethodKey::bare("Reflection.services");

impl Face {
    pub(crate) fn new(options: Http, services: Vec<ServiceSchema>, ground: Ground) -> Arc<Self> {
        let Ground { serve, gate, name, tasks, draining, probe, write_timeout } = ground;
        let catalog = Catalog::of(&services);
        let title = if name.is_empty() { "rpc-core server".to_owned() } else { name };
        let (document, pages) = (OnceLock::new(), Pages::default());
        Arc::new(Self {
            options,
            serve,
            gate,
            title,
            services,
            catalog,
            document,
            pages,
            tasks,
            draining,
            probe,
            write_timeout,
        })
    }

    /// The end of a call of a method that is not there.
    fn unknown(&self, path: &str) -> Status {
        let shown: String = path.chars().take(64).collect();
        let message =
            format!("this server has no method {shown}: rpc.discover describes those that it has");
        Status::not_started(Code::Unimplemented, message)
    }

    /// Sees to it that a caller without a token was judged, where there is somebody who does. Tokens are judged with the
    /// calls that they come with.
    async fn admit(&self, session: &Session, head: &Head) -> Result<(), Status> {
        let Some(gate) = &self.gate else { return Ok(()) };
        if head.token.is_some() || session.is_known() {
            return Ok(());
        }
        let judged = gate.judge_caller(session.own_peer().clone()).await;
        session.know(judged.map_err(Refusal::into_status)?);
        Ok(())
    }

    /// The OpenRPC document, for those who may list the services.
    async fn discover(&self, session: &Arc<Session>, head: Head) -> Result<Bytes, Status> {
        self.may_list(session, head).await?;
        Ok(self.document.get_or_init(|| self.describe()).clone())
    }

    /// Sees to it that a caller may know the services.
    async fn may_list(&self, session: &Arc<Session>, head: Head) -> Result<(), Status> {
        let arguments = Payload::copy_from_slice(b"{}");
        let calling = Calling { key: LISTED, arguments, streams: Streams::NONE, upload: None };
        match Exchange::start(&*self.serve, session, calling, head).ended().await.0 {
            Ok(_) => Ok(()),
            Err(Failure::Status(status)) if status.code() != Code::Unimplemented => Err(status),
            Err(_) => {
                let message = "this server does not describe itself";
                Err(Status::not_started(Code::Unimplemented, message))
            }
        }
    }

    fn describe(&self) -> Bytes {
        let document = Document::new(self.services.clone());
        format!("{}\n", openrpc(&document, &self.title)).into()
    }
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Face").field("title", &self.title).finish_non_exhaustive()
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}
