//! Cap'n Proto RPC by capnp-rpc, as its examples use it.
//!
//! Its objects stay on one thread, so each side has as many threads with a runtime of their own as
//! the others have workers, and a connection lives on one of them.

use std::{net::TcpStream as Socket, rc::Rc, sync::Arc};

use anyhow::{Context, Result};
use bytes::Bytes;
use capnp::message::ReaderOptions;
use capnp_rpc::{RpcSystem, new_client, rpc_twoparty_capnp::Side, twoparty::VatNetwork};
use futures_util::future::BoxFuture;
use rpc_cli::load::record::{Recorder, Tally};
use tokio::{
    io::{BufReader, BufWriter},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::{JoinSet, spawn_local},
};
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use super::{
    Info, Link, Listening, Role, Transport,
    callers::{LocalCaller, repeat},
    generated::peer_capnp::{self, jobs},
    threads::Place,
};
use crate::{
    jobs::{Address, Customer, Item, Order, perform},
    meter::{DIGITS, Meter, SHARDS},
    plan::Lane,
};

/// capnp-rpc on both sides.
#[derive(Debug)]
pub(super) struct CapnpRpc;

impl Transport for CapnpRpc {
    fn info(&self) -> Info {
        Info {
            name: "capnp-rpc",
            role: Role::Peer,
            settings: "two-party over TCP, TCP_NODELAY, buffered both ways as in its examples, no traversal limit; connections are \
         shared out over as many single-threaded runtimes as the others have workers; the server \
         copies an order from message to message, the client reads it into the struct of all others",
        }
    }

    fn has_own_threads(&self) -> bool {
        true
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?.to_string();
            Ok(Listening::new(address, tokio::spawn(accept(listener))))
        })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let socket = TcpStream::connect(address).await?.into_std()?;
            let (orders, taken) = mpsc::unbounded_channel();
            let running = Place::next().run_local(move || async move {
                // A connection that cannot be made drops its orders, which the link reports.
                if let Ok(system) = system(socket, Side::Client, None) {
                    take(system, taken).await;
                }
            })?;
            drop(running);
            Ok(Box::new(Pinned { orders }) as Box<dyn Link>)
        })
    }
}

async fn accept(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(socket) = stream.into_std() else { continue };
        drop(Place::next().run_local(move || async move {
            let jobs: jobs::Client = new_client(Worker);
            if let Ok(system) = system(socket, Side::Server, Some(jobs.client)) {
                // An error here is a client that went away.
                let _ = system.await;
            }
        }));
    }
}

/// The connection's own task, to be polled on this thread.
fn system(
    socket: Socket,
    side: Side,
    bootstrap: Option<capnp::capability::Client>,
) -> Result<RpcSystem<Side>> {
    let stream = TcpStream::from_std(socket)?;
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let mut options = ReaderOptions::new();
    options.traversal_limit_in_words(None);
    let network = VatNetwork::new(
        BufReader::new(read).compat(),
        BufWriter::new(write).compat_write(),
        side,
        options,
    );
    Ok(RpcSystem::new(Box::new(network), bootstrap))
}

/// What a link asks of its connection's thread.
struct Task {
    lanes: Vec<Lane>,
    meter: Arc<Meter>,
    done: oneshot::Sender<Result<Vec<Tally>>>,
}

/// The door to a connection that lives on another thread.
struct Pinned {
    orders: mpsc::UnboundedSender<Task>,
}

impl Link for Pinned {
    fn drive(&self, lanes: Vec<Lane>, meter: Arc<Meter>) -> BoxFuture<'static, Result<Vec<Tally>>> {
        let (done, result) = oneshot::channel();
        let sent = self.orders.send(Task { lanes, meter, done });
        Box::pin(async move {
            sent.ok().context("the connection is gone")?;
            result.await.context("the connection's thread is gone")?
        })
    }
}

/// Does what the link asks for until the link is dropped, and closes the connection.
async fn take(mut system: RpcSystem<Side>, mut orders: mpsc::UnboundedReceiver<Task>) {
    let client: jobs::Client = system.bootstrap(Side::Server);
    let running = spawn_local(system);
    while let Some(Task { lanes, meter, done }) = orders.recv().await {
        // Who asked may have stopped waiting.
        let _ = done.send(drive(&client, lanes, meter).await);
    }
    running.abort();
}

async fn drive(client: &jobs::Client, lanes: Vec<Lane>, meter: Arc<Meter>) -> Result<Vec<Tally>> {
    let mut tallies = Vec::new();
    let mut running = JoinSet::new();
    for lane in lanes {
        let tally = Arc::new(Recorder::new(SHARDS, DIGITS));
        for number in 0..lane.in_flight {
            let (client, meter, tally) = (client.clone(), Arc::clone(&meter), Arc::clone(&tally));
            running.spawn_local(async move { repeat(client, number, lane, &meter, &tally).await });
        }
        tallies.push(tally);
    }
    while let Some(joined) = running.join_next().await {
        joined??;
    }
    Ok(tallies.iter().map(|tally| tally.take()).collect())
}

impl LocalCaller for jobs::Client {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        let mut request = self.add_request();
        request.get().set_a(a);
        request.get().set_b(b);
        Ok(request.send().promise.await?.get()?.get_sum())
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        let mut request = self.work_request();
        request.get().set_kind(kind);
        request.get().set_amount(amount);
        Ok(request.send().promise.await?.get()?.get_result())
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let mut request = self.echo_request();
        request.get().set_payload(&payload);
        Ok(Bytes::copy_from_slice(request.send().promise.await?.get()?.get_payload()?))
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        let mut request = self.record_request();
        write(order, request.get().init_order());
        read(request.send().promise.await?.get()?.get_order()?)
    }
}

struct Worker;

impl jobs::Server for Worker {
    async fn add(
        self: Rc<Self>,
        params: jobs::AddParams,
        mut results: jobs::AddResults,
    ) -> Result<(), capnp::Error> {
        let params = params.get()?;
        results.get().set_sum(params.get_a().wrapping_add(params.get_b()));
        Ok(())
    }

    async fn work(
        self: Rc<Self>,
        params: jobs::WorkParams,
        mut results: jobs::WorkResults,
    ) -> Result<(), capnp::Error> {
        let params = params.get()?;
        results.get().set_result(perform(params.get_kind(), params.get_amount()).await);
        Ok(())
    }

    async fn echo(
        self: Rc<Self>,
        params: jobs::EchoParams,
        mut results: jobs::EchoResults,
    ) -> Result<(), capnp::Error> {
        results.get().set_payload(params.get()?.get_payload()?);
        Ok(())
    }

    async fn record(
        self: Rc<Self>,
        params: jobs::RecordParams,
        mut results: jobs::RecordResults,
    ) -> Result<(), capnp::Error> {
        results.get().set_order(params.get()?.get_order()?)
    }
}

fn write(order: &Order, mut to: peer_capnp::order::Builder<'_>) {
    to.set_id(order.id);
    to.set_placed(order.placed);
    to.set_paid(order.paid);
    to.set_note(&order.note);
    let mut customer = to.reborrow().init_customer();
    customer.set_id(order.customer.id);
    customer.set_name(&order.customer.name);
    customer.set_email(&order.customer.email);
    let mut address = customer.init_address();
    address.set_street(&order.customer.address.street);
    address.set_city(&order.customer.address.city);
    address.set_postcode(&order.customer.address.postcode);
    address.set_country(&order.customer.address.country);
    let mut items = to.init_items(order.items.len() as u32);
    for (index, item) in order.items.iter().enumerate() {
        let mut to = items.reborrow().get(index as u32);
        to.set_sku(&item.sku);
        to.set_title(&item.title);
        to.set_quantity(item.quantity);
        to.set_cents(item.cents);
    }
}

fn read(from: peer_capnp::order::Reader<'_>) -> Result<Order> {
    let text = |text: capnp::text::Reader<'_>| text.to_string();
    let customer = from.get_customer()?;
    let address = customer.get_address()?;
    let item = |item: peer_capnp::item::Reader<'_>| {
        anyhow::Ok(Item {
            sku: item.get_sku()?.to_string()?,
            title: item.get_title()?.to_string()?,
            quantity: item.get_quantity(),
            cents: item.get_cents(),
        })
    };
    Ok(Order {
        id: from.get_id(),
        placed: from.get_placed(),
        paid: from.get_paid(),
        note: text(from.get_note()?)?,
        customer: Customer {
            id: customer.get_id(),
            name: text(customer.get_name()?)?,
            email: text(customer.get_email()?)?,
            address: Address {
                street: text(address.get_street()?)?,
                city: text(address.get_city()?)?,
                postcode: text(address.get_postcode()?)?,
                country: text(address.get_country()?)?,
            },
        },
        items: from.get_items()?.iter().map(item).collect::<Result<_>>()?,
    })
}
