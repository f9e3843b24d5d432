//! How this program gets in: what every command shows the servers that it talks to.

mod tls;

use std::{env, path::PathBuf, sync::OnceLock};

use anyhow::Result;
use rpc_core::{Address, Endpoint, Reconnect, Resume, Token, proxy::ProxyHeader, tls::ClientTls};

use crate::exit::Failure;

/// The options that hold for every server of a command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct Access {
    /// Send this token to servers. Other users of this machine can see it in the list of processes, unlike that of the
    /// variable RPC_TOKEN, which is the default.
    #[arg(long, global = true, value_name = "TOKEN", value_parser = token, conflicts_with = "token_file")]
    token: Option<Token>,
    /// Send the token in this file, without its line ending.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    tls: tls::Options,
}

/// The variable that holds a token.
const VARIABLE: &str = "RPC_TOKEN";

/// How servers are reached, once the command line is read. There is one in a process.
static ENDPOINT: OnceLock<Endpoint> = OnceLock::new();

impl Access {
    /// Has every connection from here on made as the options say.
    ///
    /// # Errors
    /// There is no token where one should be.
    pub(crate) fn settle(&self) -> Result<()> {
        // A command says that its connection is lost, in place of waiting for another one.
        let mut endpoint = Endpoint::new()
            .reconnect(Reconnect::off())
            .name(concat!("rpc ", env!("CARGO_PKG_VERSION")));
        if let Some(token) = self.shown()? {
            endpoint = endpoint.token(token);
        }
        if let Some(tls) = self.tls.client()? {
            endpoint = endpoint.tls(tls);
            SECURE.get_or_init(|| ());
        }
        ENDPOINT.get_or_init(|| endpoint);
        Ok(())
    }

    fn shown(&self) -> Result<Option<Token>> {
        if let Some(token) = &self.token {
            return Ok(Some(token.clone()));
        }
        if let Some(path) = &self.token_file {
            let wrong = |why: &dyn std::fmt::Display| {
                Failure::usage(format!("cannot read a token from {}: {why}", path.display()))
            };
            let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            return Ok(Some(token(text).map_err(|why| wrong(&why))?));
        }
        match env::var(VARIABLE) {
            Ok(text) if text.is_empty() => Ok(None),
            Ok(text) => token(&text)
                .map(Some)
                .map_err(|why| Failure::usage(format!("{VARIABLE}: {why}")).into()),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(error) => Err(Failure::usage(format!("{VARIABLE}: {error}")).into()),
        }
    }
}

/// Set if TLS is used with every server, whatever its address says.
static SECURE: OnceLock<()> = OnceLock::new();

/// Whether TLS is used with every server.
pub(crate) fn is_secure() -> bool {
    SECURE.get().is_some()
}

/// The address of a server as the options have it: that of TLS, if they ask for it.
pub(crate) fn address(address: Address) -> Address {
    match address {
        Address::Tcp { host, port } if is_secure() => Address::Tls { host, port },
        other => other,
    }
}

/// Set if connections that are cut are to go on.
static RESUMED: OnceLock<()> = OnceLock::new();

/// Has connections from here on go on when they are cut, where their servers do so too.
pub(crate) fn resume() {
    RESUMED.get_or_init(|| ());
}

/// Set if connections begin with a PROXY header.
static PROXIED: OnceLock<()> = OnceLock::new();

/// Has connections from here on begin with a PROXY header, which says that they are this program's own.
pub(crate) fn say_proxy_header() {
    PROXIED.get_or_init(|| ());
}

/// How servers are reached.
pub(crate) fn endpoint() -> Endpoint {
    let mut endpoint = ENDPOINT.get().cloned().unwrap_or_default();
    if PROXIED.get().is_some() {
        endpoint = endpoint.proxy_header(ProxyHeader::local());
    }
    if RESUMED.get().is_some() { endpoint.resume(Resume::new()) } else { endpoint }
}

/// The same for a server with TLS, whether its address says so or the options.
pub(crate) fn secure_endpoint() -> Result<Endpoint> {
    let endpoint = endpoint();
    if is_secure() {
        return Ok(endpoint);
    }
    let tls = ClientTls::platform().map_err(|error| Failure::usage(error.to_string()))?;
    Ok(endpoint.tls(tls))
}

/// Reads a token; its words do not show it.
fn token(text: &str) -> Result<Token, String> {
    match text.len() {
        1..=Token::MAX_OF_CONNECTION => Ok(Token::from(text)),
        length => Err(format!(
            "a token is 1 to {} bytes long, and this one has {length}",
            Token::MAX_OF_CONNECTION
        )),
    }
}
