//! TLS from the command line: certificates to develop with, whom to believe, what to show, and what is said when it
//! does not fit.

use std::{fs, path::Path};

use rpc_core::{
    Running, Server, service,
    tls::{KeyPin, Pem, ServerTls},
};
use tempfile::TempDir;

use crate::{Ran, run};

#[service]
trait Vault {
    async fn open(&self) -> String;
}

struct Steel;

impl Vault for Steel {
    async fn open(&self) -> String {
        "open".to_owned()
    }
}

/// A server with certificates that `rpc cert dev` has made, while the runtime is there.
struct Bank {
    running: Running,
    certificates: TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Bank {
    fn open(secure: impl FnOnce(ServerTls, &Path) -> ServerTls) -> Self {
        let certificates = TempDir::new().unwrap();
        let made = run(&["cert", "dev", certificates.path().to_str().unwrap()]);
        assert_eq!(made.code, 0, "{made:?}");
        let file = |name| certificates.path().join(name);
        let tls = ServerTls::from_files(file("server.pem"), file("server.key")).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = Server::new().with(VaultServer::new(Steel));
        let server = server.tls(secure(tls, certificates.path()));
        let running = runtime.block_on(server.start("127.0.0.1:0")).unwrap();
        Self { running, certificates, _runtime: runtime }
    }

    /// Where it is, without a word of TLS.
    fn place(&self) -> String {
        let address = self.running.address().to_string();
        address.strip_prefix("tls:").unwrap_or(&address).to_owned()
    }

    fn file(&self, name: &str) -> String {
        self.certificates.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs `rpc list ADDRESS` with options.
    fn list(&self, options: &[&str]) -> Ran {
        run(&[&["list", &self.place()], options].concat())
    }
}

#[track_caller]
fn ends(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, code, "{ran:?}");
    let said = if code == 0 { &ran.stdout } else { &ran.stderr };
    assert!(said.contains(words), "{words:?} is not in {said}");
}

#[test]
fn a_server_is_believed_by_its_authority_by_its_key_or_not_at_all() {
    let bank = Bank::open(|tls, _| tls);
    ends(&bank.list(&["--cacert", &bank.file("ca.pem")]), 0, "Vault");
    let pin = KeyPin::of_certificate(Pem::file(bank.file("server.pem"))).unwrap().to_string();
    ends(&bank.list(&["--pin", &pin]), 0, "Vault");
    ends(&bank.list(&["--insecure"]), 0, "Vault");
    ends(&bank.list(&["--tls"]), 78, "an authority that the client does not know");
    let other = format!("sha256//{}=", "A".repeat(43));
    ends(&bank.list(&["--pin", &other]), 78, "key");
    let named = ["--cacert", &bank.file("ca.pem"), "--server-name", "other.example"];
    ends(&bank.list(&named), 78, "is not for other.example");
    ends(&bank.list(&[]), 78, "this port speaks TLS: connect to tls:host:port");
}

#[test]
fn a_call_over_tls_is_like_any_other() {
    let bank = Bank::open(|tls, _| tls);
    let address = format!("tls:{}", bank.place());
    let authority = bank.file("ca.pem");
    ends(&run(&["call", "--cacert", &authority, &address, "Vault.open"]), 0, "open");
    ends(&run(&["describe", "--cacert", &authority, &address, "Vault"]), 0, "trait Vault");
}

#[test]
fn a_client_shows_its_certificate() {
    let bank =
        Bank::open(|tls, made| tls.client_certificates(Pem::file(made.join("ca.pem"))).unwrap());
    let (authority, cert, key) =
        (bank.file("ca.pem"), bank.file("client.pem"), bank.file("client.key"));
    let shown = ["--cacert", &authority, "--cert", &cert, "--key", &key];
    ends(&bank.list(&shown), 0, "Vault");
    ends(&bank.list(&shown[..2]), 78, "asks for a certificate of the client");
    ends(&bank.list(&shown[..4]), 2, "--key");
    let swapped = ["--cacert", &authority, "--cert", &key, "--key", &cert];
    ends(&bank.list(&swapped), 2, "has no certificate");
}

#[test]
fn a_ping_tells_how_what_is_said_is_kept_secret() {
    let bank = Bank::open(|tls, _| tls);
    let ran = run(&["ping", "-v", "-n", "1", "--cacert", &bank.file("ca.pem"), &bank.place()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for words in ["TLS 1.3", "X25519MLKEM768", "rpc/1", "CN=server", "localhost", "in 364 days"] {
        assert!(ran.stderr.contains(words), "{words:?} is not in {ran:?}");
    }
}

#[test]
fn certificates_are_not_overwritten_and_keys_are_their_owners() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().to_str().unwrap();
    ends(&run(&["cert", "dev", path, "--name", "db.internal"]), 0, "server.pem");
    let before = fs::read(dir.path().join("server.key")).unwrap();
    ends(&run(&["cert", "dev", path]), 2, "is there already");
    assert_eq!(fs::read(dir.path().join("server.key")).unwrap(), before);
    #[cfg(unix)]
    for key in ["ca.key", "server.key", "client.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(dir.path().join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    let odd = TempDir::new().unwrap();
    ends(&run(&["cert", "dev", odd.path().to_str().unwrap(), "--name", "ä b"]), 2, "name");
    assert_eq!(fs::read_dir(odd.path()).unwrap().count(), 0);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let both = run(&["list", "--insecure", "--cacert", "ca.pem", "127.0.0.1:1"]);
    ends(&both, 2, "cannot be used with");
    ends(&run(&["list", "--pin", "abc", "127.0.0.1:1"]), 2, "--pin");
    ends(&run(&["list", "--cacert", "/nowhere/ca.pem", "127.0.0.1:1"]), 2, "/nowhere/ca.pem");
}

#[test]
fn the_demo_says_what_clients_need() {
    use std::io::{BufRead as _, BufReader};
    let folder = TempDir::new().unwrap();
    assert_eq!(run(&["cert", "dev", folder.path().to_str().unwrap()]).code, 0);
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut demo = crate::rpc();
    demo.args(["demo", "--listen", "127.0.0.1:0", "--tls-cert", &file("server.pem")]);
    demo.args(["--tls-key", &file("server.key"), "--client-ca", &file("ca.pem")]);
    let mut demo = demo.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(demo.stdout.as_mut().unwrap()).lines();
    let lines: Vec<_> = lines.take(5).map(Result::unwrap).collect();
    // The line for `Calculator.add`, as it stands there.
    let words: Vec<_> = lines[4].split_whitespace().skip(1).collect();
    let ran = run(&words);
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert_eq!((ran.code, ran.stdout.trim()), (0, "3"), "{words:?}: {}", ran.stderr);
}

#[test]
fn a_handshake_is_a_step_of_its_own_in_what_is_explained() {
    let bank = Bank::open(|tls, _| tls);
    let place = bank.place();
    let address = format!("tls:{place}");
    let ca = bank.file("ca.pem");
    for address in [&place, &address] {
        let call = ["call", "--explain", "--json", address, "Vault.open", "--cacert", &ca];
        let ran = run(&call);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let whole: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let parts = whole["explain"]["parts"].as_array().unwrap();
        let names: Vec<_> = parts.iter().map(|part| part["part"].as_str().unwrap()).collect();
        assert_eq!(names[..5], ["resolve", "trust", "connect", "tls", "hello"]);
        assert!(parts[2]["ns"].as_u64().unwrap() > 0);
    }
    // Whoever is not believed is not called.
    let ran = run(&["call", "--explain", &address, "Vault.open"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
}
