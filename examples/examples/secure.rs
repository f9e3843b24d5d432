//! Two roles, by token and by certificate: a clerk reads orders, a manager cancels them, and whoever shows nothing is
//! refused. First by tokens, then with mutual TLS, where a certificate says who calls.
//!
//! `cargo run --example secure` plays all of it in one process. With an address it serves there until it is ended, for
//! the `rpc` program: `cargo run --example secure -- 127.0.0.1:7001`.

use std::{collections::BTreeSet, sync::Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rpc_core::{
    Address, CallError, Code, Context, Credentials, Endpoint, Identity, Principal, Refusal, Server,
    Status, service,
    tls::{ClientTls, ServerTls},
};

/// The orders of a shop.
#[service]
#[rpc(requires = "orders:read")]
trait Orders {
    /// How many orders are open.
    async fn count(&self) -> u64;
    /// Cancels an order.
    #[rpc(requires = "orders:write")]
    async fn cancel(&self, cx: &Context, number: u64) -> Result<String, Status>;
}

/// The open orders, by number.
struct Book(Mutex<BTreeSet<u64>>);

impl Orders for Book {
    async fn count(&self) -> u64 {
        self.0.lock().map_or(0, |open| open.len() as u64)
    }

    async fn cancel(&self, cx: &Context, number: u64) -> Result<String, Status> {
        // What depends on the arguments is for the method itself to check.
        if number == 1 && !cx.permits("orders:first") {
            return Err(Status::new(Code::PermissionDenied, "the first order stays"));
        }
        let mut open = self.0.lock().map_err(|_| Status::new(Code::Internal, "poisoned"))?;
        match open.remove(&number) {
            true => Ok(format!("{:?} cancelled order {number}", cx.identity())),
            false => Err(Status::new(Code::NotFound, format!("no order {number}"))),
        }
    }
}

const CLERK: &str = "token-of-the-clerk";
const MANAGER: &str = "token-of-the-manager";

/// Who may do what, by name. A service of your own asks its accounts instead: see `rpc_core::Authenticator`.
fn role(name: &str) -> Result<Principal, Refusal> {
    match name {
        "clerk" => Ok(Principal::named(name).grant("orders:read")),
        "manager" => Ok(Principal::named(name).grant_all(["orders:read", "orders:write"])),
        _ => Err("nobody here has this name".into()),
    }
}

/// Whom the caller's token stands for, or else its certificate. That an authority of ours vouches for the certificate
/// was checked before.
async fn judge(credentials: Credentials) -> Result<Principal, Refusal> {
    match (credentials.token, credentials.peer.identity()) {
        (Some(token), _) if token == CLERK.into() => role("clerk"),
        (Some(token), _) if token == MANAGER.into() => role("manager"),
        (Some(_), _) => Err("nobody has this token".into()),
        (None, Identity::Certificate(certificate)) => {
            role(certificate.common_name().unwrap_or_default())
        }
        (None, _) => Ok(Principal::anonymous()),
    }
}

/// How the server lets in.
fn guarded() -> Server {
    let book = Book(Mutex::new((1..=3).collect()));
    Server::new()
        .with(OrdersServer::new(book))
        .authenticate(judge)
        .reflection_requires("orders:read")
}

/// How clients get in.
fn endpoint(token: &str) -> Endpoint {
    Endpoint::new().name("secure").token(token)
}

/// The code of a refusal, and its words.
fn refusal<T>(result: Result<T, CallError>) -> Option<(Code, String)> {
    match result {
        Err(CallError::Status(status)) => Some((status.code(), status.message().to_owned())),
        _ => None,
    }
}

async fn play(address: &Address) -> Result<(), Box<dyn std::error::Error>> {
    let clerk = OrdersClient::new(endpoint(CLERK).connect(address).await?);
    println!("the clerk counts {} orders", clerk.count().await?);
    let (code, words) = refusal(clerk.cancel(2).await).ok_or("the clerk cancels an order")?;
    println!("the clerk may not cancel: {code}: {words}");
    assert_eq!(code, Code::PermissionDenied);

    // One call in the manager's name, over the clerk's connection.
    let cancelled = clerk.cancel(2).token(MANAGER).await?;
    println!("with the manager's token: {cancelled}");

    let manager = OrdersClient::new(endpoint(MANAGER).connect(address).await?);
    println!("the manager: {}", manager.cancel(3).await?);
    let (code, words) = refusal(manager.cancel(1).await).ok_or("the first order is gone")?;
    println!("even the manager is told: {code}: {words}");
    assert_eq!(manager.count().await?, 1);

    let stranger = OrdersClient::connect(address).await?;
    let (code, words) = refusal(stranger.count().await).ok_or("a stranger counts")?;
    println!("a stranger: {code}: {words}");
    assert_eq!(code, Code::Unauthenticated);
    Ok(())
}

/// An authority that vouches for whom it is told to. Outside of examples, `rpc cert dev` makes one, or your company has it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// A certificate of that name, and its key.
    fn vouch(&self, name: &str, addresses: &[&str]) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate()?;
        let addresses: Vec<_> = addresses.iter().map(|&address| address.to_owned()).collect();
        let mut params = CertificateParams::new(addresses)?;
        params.distinguished_name.push(DnType::CommonName, name);
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

/// The same roles by certificates: nobody without one gets as far as a call.
async fn play_with_certificates() -> Result<(), Box<dyn std::error::Error>> {
    let authority = Authority::new()?;
    let (certificate, key) = authority.vouch("the shop", &["127.0.0.1"])?;
    let tls = ServerTls::from_pem(certificate, key)?.client_certificates(authority.pem.clone())?;
    let server = guarded().tls(tls).start("127.0.0.1:0").await?;

    let trusting = ClientTls::roots_pem(authority.pem.clone())?;
    for name in ["clerk", "manager"] {
        let (certificate, key) = authority.vouch(name, &[])?;
        let tls = trusting.clone().identity_pem(certificate, key)?;
        let orders = OrdersClient::new(Endpoint::new().tls(tls).connect(server.address()).await?);
        let outcome = match refusal(orders.cancel(2).await) {
            Some((code, words)) => format!("{code}: {words}"),
            None => "cancels order 2".to_owned(),
        };
        println!("by certificate, the {name}: {} open, {outcome}", orders.count().await?);
    }
    let stranger = Endpoint::new().tls(trusting).connect(server.address()).await?;
    let (code, words) =
        refusal(OrdersClient::new(stranger).count().await).ok_or("a stranger counts")?;
    println!("by certificate, a stranger: {code}: {words}");
    server.shutdown().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(address) = std::env::args().nth(1) {
        guarded().listen(address).await?;
        return Ok(());
    }
    let server = guarded().start("127.0.0.1:0").await?;
    play(server.address()).await?;
    server.shutdown().await;
    play_with_certificates().await?;
    Ok(())
}
