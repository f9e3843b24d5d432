//! Every face and whoever is there by mistake or with bad intent, case by case: what it is told, and that the others are
//! served and nothing is kept.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use rpc_core::{Endpoint, Http, Running, Server};
use tests::{
    Authority, PlaygroundClient,
    strangers::{FACES, Face, Io, PATIENCE, Sent, dial, meet, rows},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::ground::serve_with;

/// A port of all faces, with TLS or without.
struct Ground {
    running: Running,
    authority: Option<Authority>,
}

impl Ground {
    async fn new(authority: Option<Authority>) -> Self {
        // Longer than handshakes of TLS take on a busy machine.
        let short = Duration::from_millis(700);
        let mut server = Server::new().handshake_timeout(short);
        if let Some(authority) = &authority {
            server = server.tls(authority.server_tls());
        }
        let http = Http::new().head_timeout(short).body_timeout(short);
        let (running, _) = serve_with(server, http).await;
        Self { running, authority }
    }

    fn address(&self) -> String {
        self.running.address().to_string().replace("tls:", "")
    }

    async fn dial(&self) -> Box<dyn Io> {
        dial(&self.address(), self.authority.as_ref().map(|authority| &*authority.pem)).await
    }

    async fn client(&self) -> PlaygroundClient {
        let mut endpoint = Endpoint::new();
        if let Some(authority) = &self.authority {
            endpoint = endpoint.tls(authority.client_tls());
        }
        PlaygroundClient::new(endpoint.connect(self.running.address()).await.unwrap())
    }

    /// All that comes until the connection ends.
    async fn meet(&self, face: Face, send: &Sent) -> Vec<u8> {
        meet(self.dial().await, face, send).await
    }
}

/// Peers that are there at once.
const AT_ONCE: usize = 24;

/// Kilobytes that this process holds.
fn held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn until_alone(ground: &Ground, left: usize) {
    let end = Instant::now() + PATIENCE;
    while ground.running.connections() > left && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(ground.running.connections() <= left, "{} are left", ground.running.connections());
}

/// Meets all of them; gives what was not as it is to be.
async fn all_are_told(ground: &Ground) -> Vec<String> {
    let rows = rows();
    let met: Vec<_> = rows.iter().map(|row| ground.meet(row.face, &row.send)).collect();
    let met: Vec<_> = futures_util::stream::iter(met).buffered(AT_ONCE).collect().await;
    let mut wrong = Vec::new();
    for (row, answer) in rows.iter().zip(met) {
        if !row.told.fits(&answer).await {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            wrong.push(format!("case {} of {:?}: {answer:?}", row.case, row.face));
        }
    }
    wrong
}

#[test]
fn the_table_has_every_face_in_every_case() {
    let rows = rows();
    // Case 6 and 7 are about TLS alone, 14 about no bytes at all.
    for case in [1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13] {
        for face in FACES {
            // HTTP and HTTP/2 are what the port of the protocol speaks, too.
            let is_other_face = face == Face::Raw && [4, 5].contains(&case);
            let has = rows.iter().any(|row| row.case == case && row.face == face);
            assert!(has || is_other_face, "case {case} of {face:?}");
        }
    }
}

async fn every_case(authority: Option<Authority>) {
    let ground = Ground::new(authority).await;
    let client = ground.client().await;
    let wrong = all_are_told(&ground).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    until_alone(&ground, 1).await;
    let before = held();
    for _ in 0..2 {
        let (_, answer) = tokio::join!(all_are_told(&ground), client.add(1, 2));
        assert_eq!(answer, Ok(3));
    }
    until_alone(&ground, 1).await;
    let grown = held().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB more are held");
}

#[tokio::test]
async fn every_face_tells_every_case_why_and_keeps_nothing() {
    every_case(None).await;
}

#[tokio::test]
async fn every_face_behind_tls_tells_every_case_why_and_keeps_nothing() {
    every_case(Some(Authority::default())).await;
}

#[tokio::test]
async fn tls_where_it_is_not_spoken_and_nothing_where_it_is_are_told_so() {
    let hello = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let plain = Ground::new(None).await;
    let answer = plain.meet(Face::Raw, &Sent::AtOnce(hello)).await;
    assert!(answer.starts_with(&[0x15, 3]), "{answer:?}");
    let secure = Ground::new(Some(Authority::default())).await;
    for face in FACES {
        let mut socket = TcpStream::connect(secure.address()).await.unwrap();
        let opening = [face.opening(), face.request().into_bytes()].concat();
        socket.write_all(&opening).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("an end");
        let said = answer.windows(10).any(|part| part == b"speaks TLS");
        assert!(said || read.is_err(), "{face:?}: {:?}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(secure.client().await.add(1, 2).await, Ok(3));
}

#[tokio::test]
async fn thousands_who_come_and_go_leave_nothing() {
    let ground = Ground::new(None).await;
    let client = ground.client().await;
    for turn in 0..5000_usize {
        let mut socket = TcpStream::connect(ground.address()).await.unwrap();
        // Some say how they would begin.
        let opening = FACES[turn % FACES.len()].opening();
        let _ = socket.write_all(&opening[..opening.len() * (turn % 3) / 2]).await;
        socket.set_zero_linger().unwrap();
    }
    assert_eq!(client.add(1, 2).await, Ok(3));
    until_alone(&ground, 1).await;
}
