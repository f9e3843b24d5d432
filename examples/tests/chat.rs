//! The chat over real sockets: three members through every command, a taken nickname, a lost member, a slow
//! one, and a server that comes back.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]
#![allow(dead_code, reason = "the example has a main of its own")]

#[path = "../chat/client.rs"]
mod client;
#[path = "../chat/service/mod.rs"]
mod service;
#[path = "../chat/terminal.rs"]
mod terminal;

use std::time::Duration;

use client::{Answer, Command, Member, Shown};
use rpc_core::{CallError, Endpoint, Resume, Running, Server};
use service::protocol::{
    ChatClient, ChatError, ChatEvents, ChatEventsServer, Event, Line, RoomInfo,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Sender, UnboundedReceiver},
    task::JoinHandle,
};

fn server() -> Server {
    Server::new().with(service::chat()).resume(Resume::new())
}

struct Guest {
    commands: Sender<Command>,
    shown: UnboundedReceiver<Shown>,
    task: JoinHandle<Result<(), CallError<ChatError>>>,
}

impl Guest {
    fn start(address: &str, nick: &str, room: &str) -> Self {
        let (shown, events) = mpsc::unbounded_channel();
        let (commands, orders) = mpsc::channel(16);
        let member = Member::new(address, nick.to_owned(), room.to_owned(), shown).unwrap();
        Self { commands, shown: events, task: tokio::spawn(member.run(orders)) }
    }

    /// A member that has joined the room, with the members and messages that it found there.
    async fn enter(address: &str, nick: &str, room: &str) -> (Self, Vec<Line>, Vec<String>) {
        let mut guest = Self::start(address, nick, room);
        let (history, members) = guest.welcomed().await;
        (guest, history, members)
    }

    async fn next(&mut self) -> Shown {
        let next = tokio::time::timeout(Duration::from_secs(30), self.shown.recv());
        next.await.expect("nothing is shown").expect("the member is gone")
    }

    async fn welcomed(&mut self) -> (Vec<Line>, Vec<String>) {
        loop {
            match self.next().await {
                Shown::Event(Event::Welcome { history, members, .. }) => return (history, members),
                Shown::Lost(_) | Shown::Unreachable { .. } => {}
                other => panic!("expected a welcome, got {other:?}"),
            }
        }
    }

    async fn order(&self, command: Command) {
        self.commands.send(command).await.unwrap();
    }

    async fn expect(&mut self, expected: Shown) {
        assert_eq!(self.next().await, expected);
    }
}

fn said(nick: &str, text: &str) -> Shown {
    Shown::Event(Event::Said(line(nick, text)))
}

fn line(nick: &str, text: &str) -> Line {
    Line { nick: nick.to_owned(), text: text.to_owned() }
}

fn joined(nick: &str) -> Shown {
    Shown::Event(Event::Joined(nick.to_owned()))
}

fn left(nick: &str) -> Shown {
    Shown::Event(Event::Left(nick.to_owned()))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

async fn serve() -> (Running, String) {
    let running = server().start("127.0.0.1:0").await.unwrap();
    let address = running.address().to_string();
    (running, address)
}

#[tokio::test]
async fn three_members_through_every_command() {
    let (_running, address) = serve().await;
    let (mut ada, history, members) = Guest::enter(&address, "ada", "lobby").await;
    assert_eq!((history, members), (vec![], names(&["ada"])));
    let (mut bob, ..) = Guest::enter(&address, "bob", "lobby").await;
    ada.expect(joined("bob")).await;
    for text in ["one", "two", "three"] {
        ada.order(Command::Say(text.to_owned())).await;
    }
    for text in ["one", "two", "three"] {
        ada.expect(said("ada", text)).await;
        bob.expect(said("ada", text)).await;
    }
    let (mut eve, history, members) = Guest::enter(&address, "eve", "lobby").await;
    assert_eq!(history, ["one", "two", "three"].map(|text| line("ada", text)));
    assert_eq!(members, names(&["ada", "bob", "eve"]));
    ada.expect(joined("eve")).await;
    bob.expect(joined("eve")).await;

    bob.order(Command::Tell { nick: "eve".to_owned(), text: "psst".to_owned() }).await;
    eve.expect(Shown::Private(line("bob", "psst"))).await;
    bob.expect(Shown::Answer(Answer::Told("eve".to_owned()))).await;
    bob.order(Command::Tell { nick: "zoe".to_owned(), text: "psst".to_owned() }).await;
    bob.expect(Shown::Failed("nobody is called zoe".to_owned())).await;

    eve.order(Command::Join("tea".to_owned())).await;
    assert_eq!(eve.welcomed().await, (vec![], names(&["eve"])));
    ada.expect(left("eve")).await;
    bob.expect(left("eve")).await;
    eve.order(Command::Rooms).await;
    let room = |name: &str, members| RoomInfo { name: name.to_owned(), members };
    eve.expect(Shown::Answer(Answer::Rooms(vec![room("lobby", 2), room("tea", 1)]))).await;
    ada.order(Command::Who).await;
    ada.expect(Shown::Answer(Answer::Who(names(&["ada", "bob"])))).await;
    ada.order(Command::History).await;
    let said = ["one", "two", "three"].map(|text| line("ada", text)).to_vec();
    ada.expect(Shown::Answer(Answer::History(said))).await;
    ada.order(Command::Say("x".repeat(5000))).await;
    ada.expect(Shown::Failed("a message has at most 4096 bytes".to_owned())).await;

    bob.order(Command::Leave).await;
    bob.expect(Shown::Answer(Answer::Left)).await;
    ada.expect(left("bob")).await;
    bob.order(Command::Say("anybody?".to_owned())).await;
    bob.expect(Shown::Failed("join a room first".to_owned())).await;
    // Quitting is leaving.
    drop(eve.commands);
    eve.task.await.unwrap().unwrap();
    bob.order(Command::Join("tea".to_owned())).await;
    assert_eq!(bob.welcomed().await.1.last().unwrap(), "bob");
}

#[tokio::test]
async fn a_nickname_is_one_members_and_plain() {
    let (_running, address) = serve().await;
    let (_ada, ..) = Guest::enter(&address, "ada", "lobby").await;
    let second = Guest::start(&address, "ada", "tea");
    let taken = CallError::App(ChatError::NickTaken("ada".to_owned()));
    assert_eq!(second.task.await.unwrap(), Err(taken));
    let odd = Guest::start(&address, "a b", "tea");
    let bad = CallError::App(ChatError::BadName("a b".to_owned()));
    assert_eq!(odd.task.await.unwrap(), Err(bad));
}

#[tokio::test]
async fn a_member_that_is_lost_is_seen_off() {
    let (_running, address) = serve().await;
    let (mut ada, ..) = Guest::enter(&address, "ada", "lobby").await;
    let (bob, ..) = Guest::enter(&address, "bob", "lobby").await;
    ada.expect(joined("bob")).await;
    bob.task.abort();
    ada.expect(left("bob")).await;
}

/// A cable to the server, which can be cut.
struct Cable {
    address: String,
    carrying: mpsc::UnboundedReceiver<JoinHandle<()>>,
}

impl Cable {
    async fn lay(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (carried, carrying) = mpsc::unbounded_channel();
        let server = server.to_owned();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(&server).await.unwrap();
                let carry = async move { drop(copy_bidirectional(&mut near, &mut far).await) };
                carried.send(tokio::spawn(carry)).unwrap();
            }
        });
        Self { address, carrying }
    }

    /// Cuts the connection that was made next.
    async fn cut(&mut self) {
        self.carrying.recv().await.unwrap().abort();
    }
}

#[tokio::test]
async fn a_cable_that_is_cut_is_not_noticed_by_anybody() {
    let (_running, address) = serve().await;
    let mut cable = Cable::lay(&address).await;
    let (mut ada, ..) = Guest::enter(&address, "ada", "lobby").await;
    let (mut bob, ..) = Guest::enter(&cable.address, "bob", "lobby").await;
    ada.expect(joined("bob")).await;
    for text in ["one", "two"] {
        cable.cut().await;
        ada.order(Command::Say(text.to_owned())).await;
        bob.order(Command::Say(format!("{text}, I hear"))).await;
        // Each sees both lines, in the same order, and nothing else: nobody was lost, and nobody came back.
        let seen = [ada.next().await, ada.next().await];
        assert_eq!([bob.next().await, bob.next().await], seen);
        assert!(seen.contains(&said("ada", text)), "{seen:?}");
        assert!(seen.contains(&said("bob", &format!("{text}, I hear"))), "{seen:?}");
    }
}

struct Deaf;

impl ChatEvents for Deaf {
    async fn private(&self, _line: Line) {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_member_that_is_too_slow_is_dropped_with_notice() {
    let (_running, address) = serve().await;
    let limits = rpc_core::Limits::default().window(16 << 10);
    let endpoint = Endpoint::new().limits(limits).with(ChatEventsServer::new(Deaf));
    let slow = ChatClient::new(endpoint.connect(&*address).await.unwrap());
    let mut events = slow.join("slow", "lobby").await.unwrap();
    let (mut ada, ..) = Guest::enter(&address, "ada", "lobby").await;
    // Enough to fill the window and the room's buffer for members that are behind.
    for number in 0..400 {
        ada.order(Command::Say(format!("{number} {}", "x".repeat(1000)))).await;
        assert!(matches!(ada.next().await, Shown::Event(Event::Said(_))));
    }
    let mut seen = 0;
    let missed = loop {
        match events.next().await.unwrap().unwrap() {
            Event::Dropped { missed } => break missed,
            Event::Said(_) => seen += 1,
            _ => {}
        }
    };
    assert!(missed > 0 && seen < 400, "{missed} {seen}");
    assert!(events.next().await.is_none());
    ada.expect(left("slow")).await;
}

#[tokio::test]
async fn members_come_back_when_the_server_does() {
    let (running, address) = serve().await;
    let (mut ada, ..) = Guest::enter(&address, "ada", "tea").await;
    running.shutdown_handle().abort();
    running.wait().await;
    assert!(matches!(ada.next().await, Shown::Lost(_)));
    // The port may be in use for a moment; members keep trying meanwhile.
    let _running = loop {
        match server().start(&*address).await {
            Ok(running) => break running,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(ada.welcomed().await.1, names(&["ada"]));
    ada.order(Command::Say("back".to_owned())).await;
    ada.expect(said("ada", "back")).await;
}

#[tokio::test]
async fn a_bad_address_is_an_error_at_once() {
    let (shown, _events) = mpsc::unbounded_channel();
    let member = Member::new("foo", "zed".to_owned(), "lobby".to_owned(), shown);
    let error = member.err().unwrap().to_string();
    assert!(error.starts_with("\"foo\" is not an address"), "{error}");
}

#[tokio::test]
async fn a_reason_that_comes_again_is_shown_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut ada = Guest::start(&address, "ada", "tea");
    for _ in 0..3 {
        let (mut refused, _) = listener.accept().await.unwrap();
        refused.shutdown().await.unwrap();
        refused.read_to_end(&mut Vec::new()).await.unwrap();
    }
    // The message about the third attempt is there when the fourth is made.
    let _fourth = listener.accept().await.unwrap();
    assert!(matches!(ada.next().await, Shown::Unreachable { .. }));
    assert_eq!(ada.shown.try_recv().ok(), None);
}

#[tokio::test]
async fn a_member_that_is_early_keeps_what_is_typed() {
    let (running, address) = serve().await;
    running.shutdown_handle().abort();
    running.wait().await;
    let mut ada = Guest::start(&address, "ada", "tea");
    let why = "nothing is listening there".to_owned();
    ada.expect(Shown::Unreachable { address: address.clone(), why }).await;
    for number in 0..client::KEPT {
        ada.order(Command::Say(number.to_string())).await;
        ada.expect(Shown::Kept).await;
    }
    ada.order(Command::Who).await;
    assert!(matches!(ada.next().await, Shown::Failed(why) if why.starts_with("not connected")));
    let _running = server().start(&*address).await.unwrap();
    assert_eq!(ada.welcomed().await.1, names(&["ada"]));
    for number in 0..client::KEPT {
        ada.expect(said("ada", &number.to_string())).await;
    }
}

#[tokio::test]
async fn who_is_not_connected_can_leave() {
    let (running, address) = serve().await;
    running.shutdown_handle().abort();
    running.wait().await;
    let mut ada = Guest::start(&address, "ada", "tea");
    assert!(matches!(ada.next().await, Shown::Unreachable { .. }));
    ada.order(Command::Say("lost".to_owned())).await;
    ada.expect(Shown::Kept).await;
    drop(ada.commands);
    assert_eq!(ada.task.await.unwrap(), Ok(()));
    assert_eq!(
        ada.shown.recv().await,
        Some(Shown::Failed("what was typed meanwhile is not sent".to_owned()))
    );
}
