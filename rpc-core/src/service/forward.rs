//! Calls handed on to another server, encoded as they came: by a server that has none of the services itself. And those that
//! the other server makes, to the client on whose behalf it was called.
//!
//! ```text
//! caller ──▶ Forward ──Router has it──▶ handler here
//!   ▲           └──────otherwise──────▶ Channel ──▶ the other server
//!   └──────────── Downstream ◀──where the caller has a connection of its own──┘
//! ```

use std::{collections::HashMap, fmt, future::ready, sync::Arc};

use futures_util::StreamExt as _;

use super::{Router, item_sink::unread};
use crate::{
    call::{Call, CallError, Channel, Reply, Sent, Streaming, fallible, send_all},
    codec::{CodecError, Source},
    proto::{
        Code, Codec, Failure, Metadata, Opening, Outcome, Payload, Priority, Status,
        connection::Request,
    },
    schema::ServiceSchema,
    seam::{
        HandlerSlot, IncomingCall, Origin, Schedule, Serve, SlowGuard,
        items::{ItemReader, ItemSender},
    },
    time::now,
    transport::DialError,
};

/// Serves what its router has, and hands on all else.
pub(crate) struct Forward {
    own: Router,
    /// For whoever has no other.
    channel: Channel,
    /// Makes one for each connection whose other side can be called.
    each: Option<Each>,
    /// The orders of methods that keep one, by the hashes of their names.
    orders: HashMap<u32, u32>,
    /// Nothing is computed here.
    guard: Arc<SlowGuard>,
}

/// Opens a channel to the other server, whose calls are handed on.
pub(crate) type Each = Arc<dyn Fn(Downstream) -> Result<Channel, DialError> + Send + Sync>;

/// The channel of one connection, which lasts as long as that.
struct Own(Channel);

/// A client of a gateway, as the other server calls it: from [`Server::forward_each`](crate::Server::forward_each), for
/// [`Endpoint::hand_back`](crate::Endpoint::hand_back).
#[derive(Clone)]
pub struct Downstream(Channel);

impl Downstream {
    /// What hands calls on to it.
    pub(crate) fn serving(&self) -> Arc<dyn Serve> {
        Arc::new(HandBack { client: self.0.clone(), guard: Arc::default() })
    }
}

/// Hands on to a client.
struct HandBack {
    client: Channel,
    guard: Arc<SlowGuard>,
}

impl Serve for HandBack {
    fn serve(&self, call: IncomingCall, slot: &mut HandlerSlot) -> Option<Schedule<'_>> {
        slot.run(hand_on(self.client.clone(), call));
        // Whether its methods keep an order is for the client to say.
        Some(Schedule { guard: &self.guard, order: None })
    }
}

impl fmt::Debug for Downstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Downstream").field(&self.0.peer()).finish()
    }
}

impl Forward {
    /// Hands on what `own` does not have, to a channel at whose other end there are these services.
    pub(crate) fn new(
        own: Router,
        (channel, services): (Channel, Vec<ServiceSchema>),
        each: Option<Each>,
    ) -> Self {
        let mut orders = HashMap::new();
        for service in &services {
            // All methods of an ordered service share one.
            let shared = service.methods.first().filter(|_| service.ordered);
            for method in service.methods.iter().filter(|method| method.ordered) {
                let name = method.key.name_hash();
                orders.insert(name, shared.map_or(name, |first| first.key.name_hash()));
            }
        }
        Self { own, channel, each, orders, guard: Arc::default() }
    }

    /// The channel for the calls of a connection, which come one behind the other.
    fn channel_of(&self, origin: &Arc<dyn Origin>) -> Result<Channel, DialError> {
        let Some(each) = self.each.as_ref().filter(|_| origin.takes_encoded()) else {
            return Ok(self.channel.clone());
        };
        if let Some(own) = origin.place().shared::<Own>() {
            return Ok(own.0.clone());
        }
        let client = Channel::of(Arc::clone(origin).caller());
        let channel = each(Downstream(client))?;
        origin.place().insert(Own(channel.clone()));
        Ok(channel)
    }
}

impl Serve for Forward {
    fn serve(&self, call: IncomingCall, slot: &mut HandlerSlot) -> Option<Schedule<'_>> {
        let name = call.request.opening.key.name_hash();
        if self.own.has(name) {
            return self.own.serve(call, slot);
        }
        match self.channel_of(&call.origin) {
            Ok(channel) => slot.run(hand_on(channel, call)),
            Err(error) => {
                let status = Status::not_started(Code::Unavailable, error.to_string());
                slot.run(ready(Err(Failure::Status(status))));
            }
        }
        Some(Schedule { guard: &self.guard, order: self.orders.get(&name).copied() })
    }

    fn schedule(&self, opening: &Opening) -> Option<Schedule<'_>> {
        self.own.schedule(opening)
    }

    fn connected(&self, origin: &Arc<dyn Origin>) {
        self.own.connected(origin);
    }
}

/// Makes a call once more, and gives its end.
async fn hand_on(channel: Channel, call: IncomingCall) -> Outcome {
    let IncomingCall { request, origin } = call;
    let Request { id, opening, arguments, .. } = request;
    let Opening { key, codec, streams, .. } = opening;
    let upload = streams.up().then(|| {
        let reader = ItemReader::of_upload(Arc::clone(&origin) as _, id);
        let items = Streaming::of_upload(Some(reader), codec, as_it_is);
        fallible(items.map(|item| item.map_err(Status::from)))
    });
    if !streams.down() {
        let mut call = with_head(channel.call_raw(key, codec, &arguments), &opening);
        if let Some(upload) = upload {
            call = call.upload_raw(upload);
        }
        if !id.expects_reply() {
            return call.oneway().await.map_err(failure);
        }
        let Reply { value, metadata } = call.with_reply_metadata().await.map_err(failure)?;
        tell(&*origin, id, &metadata);
        return Ok(value);
    }
    let mut call = with_head(channel.stream_raw(key, codec, &arguments), &opening);
    if let Some(upload) = upload {
        call = call.upload_raw(upload);
    }
    let mut items = call.await.map_err(failure)?;
    let leading = Some(items.leading_metadata()).filter(|metadata| !metadata.is_empty());
    let mut sender = ItemSender::accepted(Arc::clone(&origin) as _, id, codec, leading);
    let sent = send_all(&mut sender, &mut items, codec, append, |item| item).await;
    tell(&*origin, id, items.trailing_metadata());
    match sent {
        Sent::All => Ok(Payload::new()),
        Sent::Failed(error) => Err(failure(error)),
        Sent::Unsendable(status) => Err(Failure::Status(status)),
        Sent::Stopped => unread(),
    }
}

/// The call with what its caller has said beside it.
fn with_head<T, E>(mut call: Call<T, E>, opening: &Opening) -> Call<T, E> {
    if let Some(deadline) = opening.deadline {
        call = call.timeout(deadline.saturating_duration_since(now()));
    }
    if opening.priority != Priority::Normal {
        call = call.priority(opening.priority);
    }
    if let Some(metadata) = &opening.metadata {
        call = call.with_metadata(metadata);
    }
    if let Some(key) = &opening.idempotency {
        call = call.idempotency_key(key.as_bytes());
    }
    match &opening.token {
        Some(token) => call.token(token.clone()),
        None => call,
    }
}

fn tell(origin: &dyn Origin, id: crate::proto::CallId, metadata: &Metadata) {
    if !metadata.is_empty() {
        origin.set_reply_metadata(id, metadata.clone());
    }
}

fn failure(error: CallError<Payload>) -> Failure {
    match error {
        CallError::App(error) => Failure::Application(error),
        CallError::Status(status) => Failure::Status(status),
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it stands where payloads are read")]
fn as_it_is(_: Codec, source: Source<'_>) -> Result<Payload, CodecError> {
    Ok(source.to_payload())
}

#[allow(clippy::unnecessary_wraps, reason = "it stands where payloads are written")]
fn append(_: Codec, item: &Payload, out: &mut Vec<u8>) -> Result<(), CodecError> {
    out.extend_from_slice(item);
    Ok(())
}
