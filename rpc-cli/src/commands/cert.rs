//! `rpc cert`: certificates to develop with.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use crate::{exit::Failure, output};

const EXAMPLES: &str = "\
Examples:
  rpc cert dev certs
  rpc demo --tls-cert certs/server.pem --tls-key certs/server.key
  rpc list --cacert certs/ca.pem localhost:7000";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an authority, and a server's and a client's certificate signed by it: for development only, since whoever
    /// has its key can pose as any of your servers.
    Dev(Dev),
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Dev {
    /// The folder to write to: ca.pem, ca.key, server.pem, server.key, client.pem, client.key.
    dir: PathBuf,
    /// A name or address of the server, besides localhost, 127.0.0.1 and ::1 (repeatable).
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// The name of the client.
    #[arg(long, value_name = "NAME", default_value = "developer")]
    client: String,
}

/// Where the server is, for whoever develops it.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate or key, and the file that it goes to.
type Written = (&'static str, String, Access);

#[derive(Clone, Copy)]
enum Access {
    Everybody,
    /// The owner alone: a key.
    Owner,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let Command::Dev(dev) = &args.command;
    let files = dev.make()?;
    fs::create_dir_all(&dev.dir)
        .with_context(|| format!("cannot make the folder {}", dev.dir.display()))?;
    let taken = files.iter().map(|(name, ..)| dev.dir.join(name)).find(|path| path.exists());
    if let Some(path) = taken {
        let path = path.display();
        return Err(
            Failure::usage(format!("{path} is there already, and is not overwritten")).into()
        );
    }
    for (name, text, access) in files {
        let path = dev.dir.join(name);
        write(&path, &text, access).with_context(|| format!("cannot write {}", path.display()))?;
        output::line(&path.display().to_string());
    }
    Ok(())
}

impl Dev {
    fn make(&self) -> Result<Vec<Written>> {
        let (authority, authority_key) = (authority(), KeyPair::generate()?);
        let certificate = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, &authority_key);
        let names = LOOPBACK.into_iter().map(str::to_owned).chain(self.name.iter().cloned());
        let server = CertificateParams::new(names.collect::<Vec<_>>())
            .map_err(|error| Failure::usage(format!("a name is not one of a server: {error}")))?;
        let server = leaf(server, "server", ExtendedKeyUsagePurpose::ServerAuth);
        let client =
            leaf(CertificateParams::default(), &self.client, ExtendedKeyUsagePurpose::ClientAuth);
        let (server_key, client_key) = (KeyPair::generate()?, KeyPair::generate()?);
        Ok(vec![
            ("ca.pem", certificate, Access::Everybody),
            ("ca.key", authority_key.serialize_pem(), Access::Owner),
            ("server.pem", server.signed_by(&server_key, &issuer)?.pem(), Access::Everybody),
            ("server.key", server_key.serialize_pem(), Access::Owner),
            ("client.pem", client.signed_by(&client_key, &issuer)?.pem(), Access::Everybody),
            ("client.key", client_key.serialize_pem(), Access::Owner),
        ])
    }
}

fn authority() -> CertificateParams {
    let mut params = named(CertificateParams::default(), "rpc development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(
    params: CertificateParams,
    name: &str,
    usage: ExtendedKeyUsagePurpose,
) -> CertificateParams {
    let mut params = named(params, name);
    params.extended_key_usages = vec![usage];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// With a name, and a year to hold.
fn named(mut params: CertificateParams, name: &str) -> CertificateParams {
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // Clocks of two machines differ: a certificate of today is not to be one of tomorrow.
    let now = std::time::SystemTime::now();
    let day = std::time::Duration::from_secs(86_400);
    params.not_before = (now - day).into();
    params.not_after = (now + 365 * day).into();
    params
}

fn write(path: &Path, text: &str, access: Access) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Access::Owner = access {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = access;
    options.open(path)?.write_all(text.as_bytes())
}
