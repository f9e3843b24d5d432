//! Certificates for servers of a bench, and how their clients learn of the authority: it is a file, whose path stands
//! behind the address.

use std::fmt::Display;

use anyhow::{Context, Result};
use rpc_core::tls::ServerTls;
use tempfile::NamedTempFile;
use tests::{Authority, Leaf};

/// What a server shows, and the file of the authority that vouches for it.
pub(crate) struct Certificates {
    pub(crate) leaf: Leaf,
    authority: NamedTempFile,
}

impl Certificates {
    pub(crate) fn new() -> Result<Self> {
        let authority = Authority::default();
        let file = NamedTempFile::new()?;
        std::fs::write(file.path(), &authority.pem)?;
        Ok(Self { leaf: authority.server(&["localhost", "127.0.0.1"]), authority: file })
    }

    /// What clients are told.
    pub(crate) fn address(&self, address: impl Display) -> String {
        format!("{address} {}", self.authority.path().display())
    }
}

/// Those of a server of this framework.
pub(crate) fn ours() -> Result<(Certificates, ServerTls)> {
    let certificates = Certificates::new()?;
    let tls = ServerTls::from_pem(&certificates.leaf.certificates, &certificates.leaf.key)?;
    Ok((certificates, tls))
}

/// The address of a server, and the authority that vouches for it.
pub(crate) fn read(address: &str) -> Result<(&str, String)> {
    let (address, path) = address.split_once(' ').context("an address without an authority")?;
    let authority = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    Ok((address, authority))
}
