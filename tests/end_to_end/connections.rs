//! Connections as services know them: told of when they come, with a place for what is kept of them, and told of when they
//! go.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rpc_core::{
    Code, Connection, Context, Endpoint, Identity, Peer, Reconnect, Running, Server, service,
};
use tokio::sync::{Notify, mpsc};

#[service]
trait Lobby {
    /// Counts the calls of this connection, from 100 times the number of its guest.
    async fn knock(&self, cx: &Context) -> u32;
    /// Resolves when the connection is over, on the server.
    #[rpc(oneway)]
    async fn watch(&self, cx: &Context);
    /// Asks the caller to go.
    async fn close(&self, cx: &Context);
    /// Panics where the state is dropped.
    async fn trap(&self, cx: &Context);
}

/// What takes long is broken.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it takes long")
}

/// What the client serves.
#[service]
trait Guestbook {
    async fn name(&self) -> String;
}

struct Ada;

impl Guestbook for Ada {
    async fn name(&self) -> String {
        "ada".to_owned()
    }
}

/// Somebody who is connected.
struct Guest {
    number: u32,
    knocks: AtomicU32,
    house: Arc<House>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.house.present.lock().unwrap().retain(|number| *number != self.number);
        self.house.changed.notify_waiters();
    }
}

#[derive(Default)]
struct House {
    guests: AtomicU32,
    present: Mutex<Vec<u32>>,
    changed: Notify,
    over: Mutex<u32>,
}

impl House {
    fn present(&self) -> Vec<u32> {
        self.present.lock().unwrap().clone()
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            soon(changed).await;
        }
    }

    fn welcome(self: &Arc<Self>, connection: &Connection) {
        let number = self.guests.fetch_add(1, Ordering::SeqCst) + 1;
        self.present.lock().unwrap().push(number);
        let guest = Guest { number, knocks: AtomicU32::new(0), house: Arc::clone(self) };
        assert!(connection.insert(guest).is_none());
    }
}

impl Lobby for House {
    async fn knock(&self, cx: &Context) -> u32 {
        let guest = cx.connection().state::<Guest>().unwrap();
        100 * guest.number + guest.knocks.fetch_add(1, Ordering::SeqCst)
    }

    async fn watch(&self, cx: &Context) {
        // The handler itself is dropped with the connection, and what it spawns is not.
        let closed = cx.connection().closed();
        let guest = cx.connection().state::<Guest>().unwrap();
        tokio::spawn(async move {
            closed.await;
            *guest.house.over.lock().unwrap() += 1;
            guest.house.changed.notify_waiters();
        });
    }

    async fn close(&self, cx: &Context) {
        cx.connection().drain();
    }

    async fn trap(&self, cx: &Context) {
        struct Trap;
        impl Drop for Trap {
            fn drop(&mut self) {
                panic!("a trap of the test's");
            }
        }
        cx.connection().insert(Trap);
    }
}

fn house() -> (Arc<House>, Server) {
    let house = Arc::new(House::default());
    let welcoming = Arc::clone(&house);
    let server = Server::new()
        .with(LobbyServer::new(Arc::clone(&house)))
        .on_connection(move |connection| welcoming.welcome(connection));
    (house, server)
}

/// A client whose channel ends with its connection.
async fn once(running: &Running) -> LobbyClient {
    let endpoint = Endpoint::new().reconnect(Reconnect::off());
    LobbyClient::new(endpoint.connect(running.address()).await.unwrap())
}

#[tokio::test]
async fn state_is_that_of_the_connection_and_goes_with_it() {
    let (house, server) = house();
    let running = server.start("127.0.0.1:0").await.unwrap();
    let first = LobbyClient::connect(running.address()).await.unwrap();
    // The hook has run before the first call, which comes with the hello.
    assert_eq!(first.knock().await, Ok(100));
    let second = once(&running).await;
    assert_eq!((second.knock().await, first.knock().await), (Ok(200), Ok(101)));
    assert_eq!(house.present(), [1, 2]);

    // In good order.
    soon(first.channel().close()).await.unwrap();
    house.until(|house| house.present() == [2]).await;
    // By the server.
    second.close().await.unwrap();
    soon(second.channel().closed()).await.unwrap();
    house.until(|house| house.present().is_empty()).await;
    // With the server.
    let third = LobbyClient::connect(running.address()).await.unwrap();
    assert_eq!(third.knock().await, Ok(300));
    running.shutdown_handle().abort();
    house.until(|house| house.present().is_empty()).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_is_over_for_all_who_watch_it() {
    let (house, server) = house();
    let running = server.start("127.0.0.1:0").await.unwrap();
    let (near, far) = tokio::io::duplex(4096);
    drop(running.serve_io(far, Peer::new("cable")));
    let elsewhere = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let channel = {
        let _entered = elsewhere.enter();
        Endpoint::new().keepalive(None).over(near, Peer::new("cable")).unwrap()
    };
    let lobby = LobbyClient::new(channel);
    lobby.watch().await.unwrap();
    assert_eq!(lobby.knock().await, Ok(100));
    assert_eq!(house.present(), [1]);
    // The cable is gone without a goodbye, with the runtime that held its other end.
    elsewhere.shutdown_background();
    house.until(|house| house.present().is_empty() && *house.over.lock().unwrap() == 1).await;
}

#[tokio::test]
async fn what_is_put_in_after_the_end_is_dropped_at_once() {
    let (connections, mut came) = mpsc::unbounded_channel();
    let server = Server::new().on_connection(move |connection| {
        let _ = connections.send(connection.clone());
    });
    let channel = Endpoint::new().name("somebody").in_memory(server);
    channel.ready().await.unwrap();
    let connection = soon(came.recv()).await.unwrap();
    assert_eq!((connection.peer_name(), connection.is_closed()), ("somebody".to_owned(), false));
    assert_eq!(*connection.peer().identity(), Identity::Unknown);
    let (value, again) = (Arc::new(1_u8), Arc::new(2_u8));
    assert!(connection.insert(Arc::clone(&value)).is_none());
    let before = connection.insert(Arc::clone(&again)).unwrap();
    assert_eq!((**before, connection.state::<Arc<u8>>().map(|held| **held)), (1, Some(2)));
    assert_eq!(connection.remove::<Arc<u8>>().map(|held| **held), Some(2));
    assert!(connection.state::<Arc<u8>>().is_none());
    connection.insert(Arc::clone(&value));
    drop(channel);
    soon(connection.closed()).await;
    assert!(connection.is_closed());
    while connection.state::<Arc<u8>>().is_some() {
        tokio::task::yield_now().await;
    }
    drop(before);
    assert_eq!(Arc::strong_count(&value), 1);
    connection.insert(Arc::clone(&again));
    assert_eq!(Arc::strong_count(&again), 1);
}

#[tokio::test]
async fn a_hook_may_call_whoever_has_come() {
    let (names, mut came) = mpsc::unbounded_channel();
    let server = Server::new().on_connection(move |connection| {
        let (guest, names): (GuestbookClient, _) = (connection.client(), names.clone());
        tokio::spawn(async move { names.send(guest.name().await) });
    });
    let channel = Endpoint::new().with(GuestbookServer::new(Ada)).in_memory(server);
    channel.ready().await.unwrap();
    assert_eq!(soon(came.recv()).await, Some(Ok("ada".to_owned())));
}

#[tokio::test]
async fn a_hook_that_panics_ends_that_connection_alone() {
    let (first, server) = (AtomicU32::new(0), house().1);
    let server = server.on_connection(move |_| {
        assert!(first.fetch_add(1, Ordering::SeqCst) > 0, "the first one is not welcome");
    });
    let running = server.start("127.0.0.1:0").await.unwrap();
    let refused = once(&running).await;
    let error = soon(refused.channel().closed()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    let lobby = LobbyClient::connect(running.address()).await.unwrap();
    lobby.channel().ready().await.unwrap();
}

#[tokio::test]
async fn a_state_that_panics_when_it_is_dropped_holds_up_nobody() {
    let (house, server) = house();
    let running = server.start("127.0.0.1:0").await.unwrap();
    let lobby = LobbyClient::connect(running.address()).await.unwrap();
    lobby.trap().await.unwrap();
    soon(lobby.channel().close()).await.unwrap();
    house.until(|house| house.present().is_empty()).await;
    let next = LobbyClient::connect(running.address()).await.unwrap();
    assert_eq!(next.knock().await, Ok(200));
    tokio::time::timeout(Duration::from_secs(60), running.shutdown()).await.unwrap();
}
