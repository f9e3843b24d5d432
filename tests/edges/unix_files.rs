//! The file of a Unix socket: who may take its place, and who is told what when it is taken.

use std::{fs, os::unix::net::UnixListener, path::Path, sync::Arc};

use rpc_core::{BindError, Running, ServeError, Server};
use tempfile::TempDir;
use tests::{PlaygroundClient, PlaygroundServer, Toys};
use tokio::sync::Barrier;

/// Leaves the file of a socket that nobody listens at.
fn leave_stale(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
}

fn server() -> Server {
    Server::new().with(PlaygroundServer::new(Toys::default()))
}

fn address(path: &Path) -> String {
    format!("unix:{}", path.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_that_start_over_a_stale_file_listens() {
    const RACERS: usize = 4;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    for round in 0..200 {
        leave_stale(&path);
        let start = Arc::new(Barrier::new(RACERS));
        let racers: Vec<_> = (0..RACERS)
            .map(|_| {
                let (start, address) = (Arc::clone(&start), address(&path));
                tokio::spawn(async move {
                    start.wait().await;
                    server().start(address).await
                })
            })
            .collect();
        let mut winners: Vec<Running> = Vec::new();
        for racer in racers {
            match racer.await.unwrap() {
                Ok(running) => winners.push(running),
                Err(error) => check_taken(&error),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let client = PlaygroundClient::connect(address(&path)).await.unwrap();
        assert_eq!(client.add(1, 2).await, Ok(3), "round {round}");
        drop(client);
        for winner in winners {
            winner.shutdown().await;
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left behind");
    }
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_said_to_be_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "precious").unwrap();
    let error = server().start(address(&path)).await.unwrap_err();
    assert!(error.to_string().contains("a file that is not a socket is there"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

/// Nobody who holds the lock for ever holds up a server for ever; the clock runs ahead while all wait.
#[tokio::test(start_paused = true)]
async fn a_folder_that_stays_locked_is_an_error_in_words() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let locked = fs::File::open(folder.path()).unwrap();
    locked.lock().unwrap();
    let error = server().start(address(&path)).await.unwrap_err();
    assert!(error.to_string().contains("keeps the folder"), "{error}");
    assert!(!path.exists());
    drop(locked);
    server().start(address(&path)).await.unwrap().shutdown().await;
}

#[tokio::test]
async fn the_lock_is_waited_for_and_then_given_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let locked = fs::File::open(folder.path()).unwrap();
    locked.lock().unwrap();
    let starting = tokio::spawn(server().start(address(&path)));
    tokio::task::yield_now().await;
    assert!(!starting.is_finished());
    locked.unlock().unwrap();
    let running = starting.await.unwrap().unwrap();
    locked.try_lock().unwrap();
    running.shutdown().await;
    assert!(!path.exists());
}

#[track_caller]
fn check_taken(error: &ServeError) {
    let text = error.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    let ServeError::Bind(BindError::Taken { process, .. }) = error else { panic!("{error:?}") };
    assert_eq!(*process, Some(std::process::id()));
}
