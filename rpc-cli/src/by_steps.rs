//! Connecting with every step explained: each begins where the one before it ended, so that together they are all of the time.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use anyhow::Result;
use rpc_core::{Address, Channel, Connector, DialError, Endpoint, Link};

use crate::{
    access,
    connect::{self, Connected, Phases},
    exit::Failure,
    patience::Patience,
    wire::{Recorded, Seen, Wire},
};

/// Connects and waits for the server's hello.
pub(crate) async fn connect(text: &str, patience: Patience) -> Result<Connected> {
    let address = access::address(connect::read(text)?);
    patience.connecting(text, reach(text, address, patience)).await?
}

async fn reach(text: &str, address: Address, patience: Patience) -> Result<Connected> {
    let began = Instant::now();
    let mut steps = Steps { phases: Phases::default(), last: began };
    let (candidates, host) = match &address {
        Address::Tcp { host, port } | Address::Tls { host, port } => {
            let found = connect::resolve(&address, host, *port).await;
            steps.end("resolve");
            (found?, Some(Address::Tcp { host: host.clone(), port: *port }))
        }
        Address::Unix(_) if !access::is_secure() => (vec![address.clone()], None),
        // These bring protocols of their own, which are not looked into.
        _ => return connect::connect(text, patience).await,
    };
    let is_secure = matches!(address, Address::Tls { .. });
    let endpoint = if is_secure { access::secure_endpoint()? } else { access::endpoint() };
    if is_secure {
        steps.end("trust");
    }
    let mut last = format!("{address} has no addresses");
    for candidate in candidates {
        let host = host.clone().unwrap_or_else(|| candidate.clone());
        match steps.dial(&endpoint, host, candidate, is_secure).await {
            Ok((channel, wire)) => {
                let refused = channel.ready().await;
                steps.end("hello");
                let set_up = steps.last - began;
                refused.map_err(|status| connect::refused(&address, &status))?;
                return Ok(Connected {
                    address: address.to_string(),
                    channel,
                    phases: steps.phases,
                    patience,
                    seen: Some(Seen { wire, set_up }),
                });
            }
            Err(error) => last = error.to_string(),
        }
    }
    Err(Failure::unreachable(last).into())
}

struct Steps {
    phases: Phases,
    last: Instant,
}

impl Steps {
    /// What went on since the last step ended was this one.
    fn end(&mut self, name: &'static str) {
        self.end_at(name, Instant::now());
    }

    fn end_at(&mut self, name: &'static str, now: Instant) {
        self.phases.add(name, now - std::mem::replace(&mut self.last, now));
    }

    async fn dial(
        &mut self,
        endpoint: &Endpoint,
        host: Address,
        candidate: Address,
        is_secure: bool,
    ) -> Result<(Channel, Arc<Wire>), DialError> {
        let (connected, wire) = (Arc::default(), Arc::new(Wire::default()));
        let socket =
            Socket { host, candidate, connected: Arc::clone(&connected), wire: Arc::clone(&wire) };
        let dialed = endpoint.connect_with(socket).await;
        if let Some(connected) = connected.get() {
            self.end_at("connect", *connected);
        }
        if is_secure {
            self.end("tls");
        }
        Ok((dialed?, wire))
    }
}

/// Dials one address, and says when the socket was there: TLS is put around it by the endpoint.
struct Socket {
    host: Address,
    candidate: Address,
    connected: Arc<OnceLock<Instant>>,
    wire: Arc<Wire>,
}

impl Connector for Socket {
    fn address(&self) -> Address {
        self.host.clone()
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let link = self.candidate.connect().await;
        self.connected.get_or_init(Instant::now);
        Ok(Recorded::link(link?, Arc::clone(&self.wire)))
    }
}
