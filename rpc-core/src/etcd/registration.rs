//! The entry of one server: made, renewed, made again when etcd has lost it, and taken back at the end.
//!
//! ```text
//! enter: grant a lease, put the key ──▶ renew, three times in its time ──lost──▶ enter
//!                └──────────── etcd is gone: again and again ◀──┘
//! ```

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    Etcd, EtcdError,
    gateway::{encoded, number},
};
use crate::transport::Address;

/// The time that one request may take: etcd that is stuck is asked again.
const REQUEST: Duration = Duration::from_secs(3);

/// The pause before a failed request is made again.
const PAUSE: Duration = Duration::from_millis(500);

/// A server that is to be found.
#[derive(Debug)]
pub(crate) struct Registration {
    etcd: Etcd,
    address: Address,
}

/// The outcome for a lease that was to be renewed.
enum Renewed {
    Held,
    Lost,
}

impl Registration {
    pub(crate) const fn new(etcd: Etcd, address: Address) -> Self {
        Self { etcd, address }
    }

    /// Keeps the server entered until `ends` resolves, then takes the entry back.
    pub(crate) async fn keep(self, ends: impl Future<Output = ()>) {
        let mut lease = None;
        tokio::select! {
            () = ends => {}
            never = self.enter_again_and_again(&mut lease) => match never {},
        }
        if let Some(id) = lease {
            let revoked = self.ask("/v3/lease/revoke", json!({ "ID": id.to_string() })).await;
            if let Err(error) = revoked {
                self.log(
                    &error,
                    "the server's entry could not be taken back: it goes with its lease",
                );
            }
        }
    }

    async fn enter_again_and_again(&self, lease: &mut Option<i64>) -> std::convert::Infallible {
        loop {
            match self.enter().await {
                Ok(id) => {
                    *lease = Some(id);
                    let (etcd, address) = (&self.etcd, &self.address);
                    tracing::info!(target: "rpc_core::etcd", ?etcd, %address, "the server is entered");
                    self.renew_until_lost(id).await;
                    *lease = None;
                }
                Err(error) => {
                    self.log(&error, "the server is not entered; trying again");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Makes the entry; gives its lease.
    async fn enter(&self) -> Result<i64, EtcdError> {
        let seconds = self.etcd.lease.as_secs().max(1);
        let granted = self.ask("/v3/lease/grant", json!({ "TTL": seconds.to_string() })).await?;
        let id = number(&granted["ID"]).ok_or_else(|| self.wrong("it granted no lease"))?;
        let (key, value) = (self.key(), self.address.to_string());
        let entry =
            json!({ "key": encoded(&key), "value": encoded(&value), "lease": id.to_string() });
        self.ask("/v3/kv/put", entry).await?;
        Ok(id)
    }

    /// Renews a lease for as long as etcd has it. An etcd that is gone may come back and have it still.
    async fn renew_until_lost(&self, id: i64) {
        let pause = Duration::from_secs(self.etcd.lease.as_secs().max(1)) / 3;
        let mut next = pause;
        loop {
            sleep(next).await;
            match self.renew(id).await {
                Ok(Renewed::Held) => next = pause,
                Ok(Renewed::Lost) => return,
                Err(error) => {
                    self.log(&error, "the server's entry is not renewed; trying again");
                    next = PAUSE;
                }
            }
        }
    }

    async fn renew(&self, id: i64) -> Result<Renewed, EtcdError> {
        let answer = self.ask("/v3/lease/keepalive", json!({ "ID": id.to_string() })).await?;
        // A lease that is gone has no time left, and the gateway leaves zeros out.
        if number(&answer["result"]["TTL"]).unwrap_or_default() <= 0 {
            return Ok(Renewed::Lost);
        }
        // A lease may be held whose entry somebody has removed.
        let entry = json!({ "key": encoded(&self.key()), "count_only": true });
        let found = self.ask("/v3/kv/range", entry).await?;
        let count = number(&found["count"]).unwrap_or_default();
        Ok(if count > 0 { Renewed::Held } else { Renewed::Lost })
    }

    fn key(&self) -> String {
        format!("{}{}", self.etcd.prefix, self.address)
    }

    async fn ask(&self, path: &str, body: Value) -> Result<Value, EtcdError> {
        let asked = timeout(REQUEST, self.etcd.ask(path, &body)).await;
        asked.unwrap_or_else(|_| Err(self.wrong("it does not answer")))
    }

    fn wrong(&self, reason: &str) -> EtcdError {
        let member = self.etcd.members.first().map(|(host, port)| format!("{host}:{port}"));
        EtcdError { member: member.unwrap_or_default(), reason: reason.to_owned() }
    }

    fn log(&self, error: &EtcdError, what: &str) {
        let address = &self.address;
        tracing::warn!(target: "rpc_core::etcd", %error, %address, "{what}");
    }
}
