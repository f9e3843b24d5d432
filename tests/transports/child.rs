//! Over the standard streams of another process, as with `ssh host program`.

use std::process::{ExitStatus, Stdio};

use tests::TourClient;
use tokio::{
    io::join,
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::adapters::ByteWise;

fn start() -> (Child, ChildStdout, ChildStdin) {
    let program = env!("CARGO_BIN_EXE_serve_stdio");
    let mut command = Command::new(program);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (stdout, stdin) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    (child, stdout, stdin)
}

/// The child ends by itself once its only client has closed the connection.
async fn ended(mut child: Child) -> ExitStatus {
    child.wait().await.unwrap()
}

#[tokio::test]
async fn a_process_is_toured() {
    let (child, stdout, stdin) = start();
    let client = TourClient::over(join(stdout, stdin)).unwrap();
    assert!(client.who().await.unwrap().starts_with("parent "));
    client.tour(1 << 20).await;
    assert!(ended(child).await.success());
}

#[tokio::test]
async fn a_process_is_toured_a_byte_at_a_time() {
    let (child, stdout, stdin) = start();
    TourClient::over(ByteWise::new(join(stdout, stdin))).unwrap().tour(10_000).await;
    assert!(ended(child).await.success());
}

#[tokio::test]
async fn the_end_of_a_process_ends_its_calls() {
    let (mut child, stdout, stdin) = start();
    let client = TourClient::over(join(stdout, stdin)).unwrap();
    client.who().await.unwrap();
    child.kill().await.unwrap();
    assert!(client.channel().closed().await.is_err());
}
