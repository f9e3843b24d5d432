//! What a server's HTTP face accepts, and from whom.

use std::time::Duration;

use bytes::Bytes;

use crate::schema::ServiceSchema;

/// The HTTP face of a server: [`Server::http`](crate::Server::http) puts it on the server's own port, beside the
/// protocol of this crate. Clients of both are told apart by their first bytes.
///
/// | request | answer |
/// |---|---|
/// | `POST /` | JSON-RPC 2.0: a call, a notification, or a batch of them |
/// | `POST /Service.method` | one call: arguments as an object or an array, and the result, in JSON |
/// | `GET /` with `Upgrade: websocket` | a WebSocket: the protocol of this crate (`rpc.v1`), or JSON-RPC both ways |
/// | `GET /openrpc.json` | the services as an OpenRPC document; the method `rpc.discover` gives the same |
/// | `GET /metrics` | what the program measures, where [`Self::metrics`] gives it |
/// | `GET /` | the explorer, a page to call methods from |
/// | `GET /client.js`, `/client.d.ts` | a typed client for web pages, with its declarations |
/// | `GET /healthz` | `{"status":"serving"}`, or 503 while the server drains |
///
/// Web pages of other origins are refused unless they are allowed by [`Self::allow_origin`], and so are requests that
/// reach a loopback address under a name of somebody else ([`Self::host`]). What does not come in time is closed, and so is who
/// reads nothing of its answers for [`Server::write_timeout`](crate::Server::write_timeout).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Http, Server, service};
/// use tokio::{io::{AsyncReadExt as _, AsyncWriteExt as _}, net::TcpStream};
///
/// #[service]
/// trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
/// struct Pocket;
/// impl Calculator for Pocket {
///     async fn add(&self, a: i64, b: i64) -> i64 { a + b }
/// }
///
/// let server = Server::new().with(CalculatorServer::new(Pocket)).http(Http::new());
/// let running = server.start("127.0.0.1:0").await?;
/// // curl -d '{"a":1,"b":2}' 127.0.0.1:7000/Calculator.add
/// let mut socket = TcpStream::connect(running.address().to_string()).await?;
/// let request = "POST /Calculator.add HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
///                Content-Length: 13\r\nConnection: close\r\n\r\n{\"a\":1,\"b\":2}";
/// socket.write_all(request.as_bytes()).await?;
/// let mut answer = String::new();
/// socket.read_to_string(&mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n3\n"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Http {
    pub(super) max_body: usize,
    pub(super) max_batch: usize,
    pub(super) head_timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) origins: Vec<String>,
    pub(super) hosts: Vec<String>,
    pub(super) metrics: Option<super::metrics::Render>,
    pub(super) calls: Vec<ServiceSchema>,
    pub(super) files: Vec<File>,
    pub(super) explorer: Explorer,
}

/// The page on which every method can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Explorer {
    Served,
    Left,
}

/// A file of the program's own.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) media_type: &'static str,
    pub(super) content: Bytes,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            max_body: 4 << 20,
            max_batch: 100,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            origins: Vec::new(),
            hosts: Vec::new(),
            metrics: None,
            calls: Vec::new(),
            files: Vec::new(),
            explorer: Explorer::Served,
        }
    }
}

impl Http {
    /// A face with the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// The longest body of a request, and the longest item of an upload, in bytes; longer ones are answered with 413.
    /// All bodies of one connection that are read at once may have as many bytes. Default: 4 MiB.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Calls in one JSON-RPC batch; a longer one is refused as a whole. Zero refuses all batches. Default: 100.
    pub const fn max_batch(mut self, calls: usize) -> Self {
        self.max_batch = calls;
        self
    }

    /// How long the head of a request may take to come, from the end of the request before: so long may a connection
    /// be idle, too, and a WebSocket that speaks JSON-RPC silent before it is pinged, and again before it is closed. That of the first has no more than the server's handshake timeout. Default: 30 s.
    pub const fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// How long a body may take to come, beside a second for each KiB of it; what takes longer is answered with 408.
    /// So long may an upload bring nothing, too, while its handler waits: then its stream ends with `CANCELLED`. Default: 30 s.
    pub const fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Lets the pages of a web origin, such as `https://app.example`, make calls and read the answers (CORS). `*` lets
    /// all pages. Default: those of the server's own origin alone.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// A name, without a port, under which clients on this machine reach the server at a loopback address without TLS:
    /// that by which a proxy in front of it is known, say. Default: `localhost` and loopback addresses alone, since under
    /// any other name it may be a foreign web page that calls (DNS rebinding).
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }

    /// A service of its clients that the server calls: `/client.js` can answer it then. Its generated client knows its
    /// description: `Http::new().calls(ChatEventsClient::schema())`.
    pub fn calls(mut self, service: &ServiceSchema) -> Self {
        self.calls.push(service.clone());
        self
    }

    /// Leaves the explorer out: `GET /` is a page on which every method can be called by whoever may call it.
    pub const fn without_explorer(mut self) -> Self {
        self.explorer = Explorer::Left;
        self
    }

    /// A file for everybody, such as a page that imports `/client.js`: its path, which may be `/`, its media type, and what
    /// is in it. Pages may load nothing of other origins, and no script that stands inside of them.
    ///
    /// ```
    /// use rpc_core::Http;
    ///
    /// let page = "<!doctype html><script type=module src=/app.js></script>";
    /// let script = "import { Calculator } from '/client.js';";
    /// let http = Http::new().file("/", "text/html", page).file("/app.js", "text/javascript", script);
    /// ```
    pub fn file(
        mut self,
        path: impl Into<String>,
        media_type: &'static str,
        content: impl Into<Bytes>,
    ) -> Self {
        self.files.push(File { path: path.into(), media_type, content: content.into() });
        self
    }
}
