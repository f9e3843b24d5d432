//! Servers that restart under load: by handing their socket over, as systemd starts them, and killed.

#![cfg(unix)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rpc_core::{Address, Channel, Endpoint, Server};
use tests::{Ledger, SuccessionClient, SuccessionServer};
use tokio::task::JoinHandle;

use crate::ground::Place;

const PROGRAM: &str = env!("CARGO_BIN_EXE_successor");

/// What a test with processes may take.
const LONG: Duration = Duration::from_secs(120);

/// Ends a process that a test leaves behind.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Callers that call without a pause until they are told to stop; each call must succeed.
struct Load {
    over: Arc<AtomicBool>,
    numbers: Arc<AtomicU64>,
    calling: Vec<JoinHandle<BTreeSet<u32>>>,
}

#[derive(Clone, Copy)]
enum Calls {
    Plain,
    Idempotent,
}

impl Load {
    fn on(client: &SuccessionClient, callers: usize, calls: Calls) -> Self {
        let (over, numbers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let calling = (0..callers).map(|_| {
            let (client, over, numbers) = (client.clone(), Arc::clone(&over), Arc::clone(&numbers));
            tokio::spawn(async move {
                let mut processes = BTreeSet::new();
                while !over.load(Ordering::SeqCst) {
                    let number = numbers.fetch_add(1, Ordering::SeqCst);
                    let call = match calls {
                        Calls::Plain => client.enter(number),
                        Calls::Idempotent => client.read(number),
                    };
                    processes.insert(call.timeout(LONG).await.unwrap());
                }
                processes
            })
        });
        let calling = calling.collect();
        Self { over, numbers, calling }
    }

    /// The processes that have answered, and how many calls there were.
    async fn end(self) -> (BTreeSet<u32>, u64) {
        self.over.store(true, Ordering::SeqCst);
        let mut processes = BTreeSet::new();
        for caller in self.calling {
            processes.extend(caller.await.unwrap());
        }
        (processes, self.numbers.load(Ordering::SeqCst))
    }
}

/// Waits until another process than `process` answers; gives it.
async fn successor_of(client: &SuccessionClient, process: u32) -> u32 {
    loop {
        let answered = client.read(0).timeout(LONG).await.unwrap();
        if answered != process {
            return answered;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// `RESTARTS=100` restarts as often as that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_hand_over_under_load_and_no_call_fails_or_runs_twice() {
    let restarts = std::env::var("RESTARTS").ok().and_then(|times| times.parse().ok());
    let restarts: usize = restarts.unwrap_or(15);
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("book");
    for address in ["127.0.0.1:0".to_owned(), format!("unix:{}/socket", folder.path().display())] {
        let _ = std::fs::remove_file(&book);
        let mut first = Command::new(PROGRAM);
        first.arg(&address).arg(&book).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut first = Process(first.spawn().unwrap());
        let mut bound = String::new();
        BufReader::new(first.0.stdout.take().unwrap()).read_line(&mut bound).unwrap();
        let client = SuccessionClient::connect(bound.trim()).await.unwrap();
        let load = Load::on(&client, 8, Calls::Plain);
        let mut process = client.read(0).await.unwrap();
        for _ in 0..restarts {
            client.succeed().await.unwrap();
            process = successor_of(&client, process).await;
        }
        let (processes, calls) = load.end().await;
        client.end().await.unwrap();
        assert!(processes.len() > restarts / 2, "{} processes answered", processes.len());
        let mut ran = BTreeMap::<u64, usize>::new();
        for line in std::fs::read_to_string(&book).unwrap().lines() {
            *ran.entry(line.parse().unwrap()).or_default() += 1;
        }
        let twice: Vec<_> = ran.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{twice:?} ran twice of {calls} calls");
        assert_eq!(ran.len() as u64, calls, "what has succeeded has run");
    }
}

/// Starts the program with a listening socket as its standard input, as systemd does with `StandardInput=socket`.
fn start(listener: &TcpListener, book: &std::path::Path) -> Process {
    let socket = OwnedFd::from(listener.try_clone().unwrap());
    let mut program = Command::new(PROGRAM);
    program.arg("127.0.0.1:1").arg(book).stdin(Stdio::from(socket)).stdout(Stdio::null());
    Process(program.spawn().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idempotent_calls_take_no_notice_of_servers_that_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("book");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut process = start(&listener, &book);
    let client = SuccessionClient::connect(listener.local_addr().unwrap()).await.unwrap();
    let load = Load::on(&client, 8, Calls::Idempotent);
    let mut answers = client.read(0).timeout(LONG).await.unwrap();
    for _ in 0..10 {
        process.0.kill().unwrap();
        drop(process);
        process = start(&listener, &book);
        answers = successor_of(&client, answers).await;
    }
    let (processes, _) = load.end().await;
    assert!(processes.len() > 5, "{} processes answered", processes.len());
}

/// What `systemd-socket-activate` does: the socket is number 3, and the process learns of it by its environment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_systemd_passes_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("book");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let activate =
        r#"exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" 127.0.0.1:1 "$1""#;
    let socket = OwnedFd::from(listener.try_clone().unwrap());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(activate).arg(PROGRAM).arg(&book);
    let process = Process(shell.stdin(Stdio::from(socket)).stdout(Stdio::null()).spawn().unwrap());
    let client = SuccessionClient::connect(listener.local_addr().unwrap()).await.unwrap();
    let answered = client.enter(1).timeout(LONG).await.unwrap();
    assert_eq!(answered, process.0.id());
    client.end().await.unwrap();
}

/// The same by systemd's own program, where it is installed.
#[allow(clippy::print_stderr, reason = "says why nothing was tried")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_systemd_itself_passes_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, book) = (folder.path().join("socket"), folder.path().join("book"));
    let mut systemd = Command::new("systemd-socket-activate");
    systemd.arg("--listen").arg(&socket).arg(PROGRAM).arg("127.0.0.1:1").arg(&book);
    let started = systemd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(process) = started.map(Process) else {
        eprintln!("systemd-socket-activate is not here: it was not tried");
        return;
    };
    // It listens soon, and becomes the server when somebody comes.
    let channel = Endpoint::new().connect_lazy(Address::Unix(socket)).unwrap();
    let client = SuccessionClient::new(channel);
    assert_eq!(client.enter(1).timeout(LONG).await, Ok(process.0.id()));
    client.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_does_not_come_up_takes_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _told) = Ledger::open(folder.path().join("book")).unwrap();
    let server = Server::new().with(SuccessionServer::new(ledger));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let error = running.hand_over(&mut Command::new("false")).await.unwrap_err();
    assert!(error.to_string().contains("ended before it served"), "{error}");
    running.hand_over(&mut Command::new("/nowhere/at/all")).await.unwrap_err();
    let client = SuccessionClient::connect(running.address()).await.unwrap();
    assert_eq!(client.read(0).await, Ok(std::process::id()));
    // Nobody listens any more once it has ended, whoever holds what.
    let address = running.address().to_string();
    let handle = running.shutdown_handle();
    handle.shutdown();
    running.wait().await;
    assert!(Channel::connect(address).await.is_err());
    running.hand_over(&mut Command::new("true")).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn connections_end_at_their_age_and_no_call_fails() {
    let (place, folder) = (Place::default(), tempfile::tempdir().unwrap());
    let (ledger, _told) = Ledger::open(folder.path().join("book")).unwrap();
    let server = Server::new().max_connection_age(Some(Duration::from_secs(60)));
    let running = place.serve_by(server.with(SuccessionServer::new(ledger)));
    let client = place.connect(Endpoint::new(), SuccessionClient::new).await;
    for number in 0..600 {
        client.enter(number).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let pauses = place.pauses();
    assert!((9..=11).contains(&pauses.len()), "{pauses:?}");
    let within = pauses.iter().all(|pause| (53..=67).contains(&pause.as_secs()));
    assert!(within, "{pauses:?}");
    drop(client);
    running.shutdown().await;
}
