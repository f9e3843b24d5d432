//! Tokens are secrets: neither logs nor `Debug` nor the words of any error show them.

use std::{
    fmt::{Debug, Write as _},
    sync::{Mutex, OnceLock},
    time::Duration,
};

use rpc_core::{
    Credentials, Endpoint, Principal, Refusal, StaticTokens, Token,
    proto::{Codec, Opening, connection::Config, wire::Hello},
};
use tracing::{Event, Metadata, Subscriber, field::Field, field::Visit, span};

use crate::orders::{LobbyClient, connect, server, soon};

/// All that is logged by this process, at every level.
static LOG: OnceLock<Mutex<String>> = OnceLock::new();

struct Everything;

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

fn log() -> std::sync::MutexGuard<'static, String> {
    LOG.get_or_init(Mutex::default).lock().unwrap()
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut Line(&mut log()));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Line(&mut log()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut log()));
        log().push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

const SECRET: &str = "xyzzy-plugh";

fn secret(kind: &str) -> String {
    format!("{kind}-{SECRET}")
}

async fn judge(credentials: Credentials) -> Result<Principal, Refusal> {
    let token = credentials.token.as_ref().and_then(Token::as_str).unwrap_or_default().to_owned();
    match token.split('-').next() {
        Some("good") => Ok(Principal::named("ada").grant("orders:read")),
        Some("panic") => panic!("out of order: {token}"),
        Some("hang") => std::future::pending().await,
        _ => Err(format!("refused: {credentials:?}").into()),
    }
}

#[tokio::test]
async fn tokens_never_show_up() {
    tracing::subscriber::set_global_default(Everything).unwrap();
    // The runtime's own words about a panic are the program's concern.
    std::panic::set_hook(Box::new(|_| {}));
    let (server, _) = server();
    let server = server.handshake_timeout(Duration::from_millis(400)).authenticate(judge);
    let shown = format!("{server:?}");
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut seen = vec![shown];
    for kind in ["good", "bad", "panic", "hang"] {
        let (orders, lobby) = connect(&running, secret(kind)).await;
        seen.push(format!("{:?}", soon(orders.count()).await));
        seen.push(format!("{:?}", soon(orders.cancel(1)).await));
        seen.push(format!("{:?} {:?}", orders.channel(), lobby.channel().ready().await));
    }
    let (orders, lobby) = connect(&running, secret("good")).await;
    for kind in ["good", "bad", "panic", "hang"] {
        let call = lobby.who().token(secret(kind));
        seen.push(format!("{call:?}"));
        seen.push(format!("{:?}", soon(call).await));
        seen.push(format!("{:?}", soon(orders.cancel(1).token(secret(kind))).await));
    }
    let long = Endpoint::new().token(secret("long").repeat(500));
    seen.push(format!("{long:?} {:?}", long.connect(running.address()).await));
    let call = lobby.who().token(secret("long").repeat(500)).await;
    seen.push(format!("{call:?}"));
    let token = Token::from(secret("shown"));
    let key = LobbyClient::schema().methods[0].key;
    let opening = Opening { token: Some(token.clone()), ..Opening::new(key, Codec::Json) };
    let hello = Hello { token: Some(token.clone()), ..Hello::default() };
    let config = Config { token: Some(token.clone()), ..Config::default() };
    let tokens = StaticTokens::new().with(token.clone(), Principal::anonymous());
    seen.push(format!("{token:?} {opening:?} {hello:?} {config:?} {tokens:?}"));
    running.shutdown().await;
    let log = log().clone();
    assert!(log.contains("the authenticator panicked"), "{log}");
    assert!(seen.iter().any(|text| text.contains("refused: Credentials")), "{seen:?}");
    for text in seen.iter().chain([&log]) {
        assert!(!text.contains(SECRET), "{text}");
    }
}
