//! Both ends of a WebSocket as echoes, which `.ci/websocket` has judged by the cases of Autobahn.
//!
//! `RPC_WEBSOCKET_ECHO=HOST:PORT` has the server's end echo there until it is ended; `RPC_WEBSOCKET_CASES=HOST:PORT` has the
//! client's end run the cases that a server there has. Without them each end is the other's echo.

use std::{future::poll_fn, io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{accept_async_with_config, client_async_with_config};

use super::{Message, Received, Socket, gathered};

const LONGEST: usize = 32 << 20;

/// Sends back what comes, until the other side ends or breaks a rule.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: Socket<S>) -> io::Result<()> {
    let ended = loop {
        let message = match poll_fn(|cx| socket.poll_receive(cx)).await {
            Ok(Received::Text(text)) => Message::Text(text),
            Ok(Received::Binary(bytes)) => Message::Binary(bytes),
            Ok(Received::Sign) => continue,
            Ok(Received::End) => break Ok(()),
            Err(error) => break Err(error),
        };
        send(&mut socket, message).await?;
    };
    let end = async {
        poll_fn(|cx| socket.poll_end(cx)).await?;
        socket.linger().await;
        io::Result::Ok(())
    };
    let _ = timeout(Duration::from_secs(1), end).await;
    ended
}

async fn send<S>(socket: &mut Socket<S>, message: Message) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| socket.poll_ready(cx)).await?;
    socket.start_send(message)?;
    poll_fn(|cx| socket.poll_flush(cx)).await
}

async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let accepted = accept_async_with_config(stream, Some(gathered(LONGEST))).await;
            if let Ok(accepted) = accepted {
                let _ = echo(Socket::new(accepted)).await;
            }
        });
    }
}

async fn dial(address: &str, path: &str) -> Socket<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}{path}");
    let dialled = client_async_with_config(url, stream, Some(gathered(LONGEST))).await;
    Socket::new(dialled.unwrap().0)
}

/// Runs every case that a server has, one behind the other.
async fn run_cases(address: &str) {
    let mut counting = dial(address, "/getCaseCount").await;
    let Received::Text(count) = poll_fn(|cx| counting.poll_receive(cx)).await.unwrap() else {
        panic!("the number of cases is a text")
    };
    for case in 1..=count.parse::<usize>().unwrap() {
        let socket = dial(address, &format!("/runCase?case={case}&agent=rpc-core")).await;
        // Many cases are there to break rules.
        let _ = timeout(Duration::from_secs(20), echo(socket)).await;
    }
    let socket = dial(address, "/updateReports?agent=rpc-core").await;
    let _ = timeout(Duration::from_secs(20), echo(socket)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_echo_what_they_are_sent() {
    if let Ok(address) = std::env::var("RPC_WEBSOCKET_ECHO") {
        return serve(TcpListener::bind(address).await.unwrap()).await;
    }
    if let Ok(address) = std::env::var("RPC_WEBSOCKET_CASES") {
        return run_cases(&address).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(serve(listener));
    let mut socket = dial(&address, "/").await;
    for length in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        send(&mut socket, Message::binary(vec![7; length])).await.unwrap();
        send(&mut socket, Message::text("ř".repeat(length / 2))).await.unwrap();
        let mut back = Vec::new();
        for _ in 0..2 {
            back.push(poll_fn(|cx| socket.poll_receive(cx)).await.unwrap());
        }
        let [Received::Binary(bytes), Received::Text(text)] = &*back else { panic!("{back:?}") };
        assert_eq!((bytes.len(), text.chars().count()), (length, length / 2));
    }
}
