//! Servers that are found, that come and go, and whoever tells of them, who may fail.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rpc_core::{
    Address, Endpoint,
    discover::{Dns, File, Instance},
};

use crate::ground::{Told, WorkClient, Yard, all_known, connected, kill, soon};

/// Waits until calls go to these servers alone.
async fn only(client: &WorkClient, servers: &[usize]) {
    soon(async {
        let mut in_a_row = 0;
        while in_a_row < 50 {
            let server = client.look(0).await.unwrap();
            in_a_row = if servers.contains(&server) { in_a_row + 1 } else { 0 };
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn servers_come_and_go_and_no_call_fails() {
    let yard = Yard::plain(4).await;
    let (told, teller) = Told::new();
    teller.tell([yard.address(0), yard.address(1)]);
    let client = WorkClient::new(connected(told).await);
    only(&client, &[0, 1]).await;
    teller.tell([yard.address(1), yard.address(2), yard.address(3)]);
    all_known_of(&client, &[1, 2, 3]).await;
    only(&client, &[1, 2, 3]).await;
    // Its connection is closed in good order.
    soon(async {
        while yard.running[0].as_ref().unwrap().connections() != 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn all_known_of(client: &WorkClient, servers: &[usize]) {
    let mut seen = std::collections::HashSet::new();
    soon(async {
        while !servers.iter().all(|server| seen.contains(server)) {
            seen.insert(client.look(0).await.unwrap());
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_known_last_stays_when_nothing_is_found() {
    let mut yard = Yard::plain(2).await;
    let (told, mut teller) = Told::new();
    teller.tell([yard.address(0), yard.address(1)]);
    let client = WorkClient::new(connected(told).await);
    all_known(&client, 2).await;
    for _ in 0..3 {
        teller.fail("the name server is down");
        only(&client, &[0, 1]).await;
        teller.tell([]);
        only(&client, &[0, 1]).await;
    }
    while teller.wanted.try_recv().is_ok() {}
    kill(yard.running[0].take().unwrap()).await;
    // A look is wanted as soon as a server is gone.
    soon(teller.wanted.recv()).await.unwrap();
    only(&client, &[1]).await;
}

/// Gives nothing, flaps, comes back.
#[tokio::test]
async fn dns_may_fail_and_calls_go_on() {
    let yard = Yard::plain(2).await;
    let addresses: Vec<SocketAddr> =
        (0..2).map(|index| yard.address(index).to_string().parse().unwrap()).collect();
    let answers: Arc<Mutex<Vec<io::Result<Vec<SocketAddr>>>>> = Arc::default();
    let asked = Arc::new(AtomicUsize::new(0));
    let (given, count) = (Arc::clone(&answers), Arc::clone(&asked));
    let all = addresses.clone();
    let dns = Dns::new("api.internal", 7000)
        .every(Duration::ZERO, Duration::from_millis(1))
        .resolver(move |host, port| {
            assert_eq!((host.as_str(), port), ("api.internal", 7000));
            count.fetch_add(1, Ordering::SeqCst);
            let answer = given.lock().unwrap().pop().unwrap_or_else(|| Ok(all.clone()));
            async move { answer }
        });
    // Backwards: an error first, for the one who connects.
    let failed = |kind: io::ErrorKind| Err(kind.into());
    answers.lock().unwrap().extend([failed(io::ErrorKind::NotFound)]);
    let error = Endpoint::new().connect_fleet(dns.clone()).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot find a server of dns:api.internal:7000: "), "{error}");

    let client = WorkClient::new(Endpoint::new().connect_fleet(dns).await.unwrap());
    all_known(&client, 2).await;
    for round in 0..20 {
        let answer = match round % 4 {
            0 => Ok(vec![]),
            1 => failed(io::ErrorKind::TimedOut),
            2 => Ok(vec![addresses[round % 2]]),
            _ => Ok(addresses.clone()),
        };
        let before = asked.load(Ordering::SeqCst);
        answers.lock().unwrap().push(answer);
        soon(async {
            while asked.load(Ordering::SeqCst) < before + 2 {
                client.look(0).await.unwrap();
                client.enter(0).await.unwrap();
            }
        })
        .await;
    }
    all_known(&client, 2).await;
}

#[tokio::test]
async fn the_resolver_of_the_system_is_asked_for_a_name() {
    let yard = Yard::plain(1).await;
    let Address::Tcp { port, .. } = yard.address(0) else { panic!("TCP") };
    let client = WorkClient::connect(format!("dns:localhost:{port}")).await.unwrap();
    assert_eq!(client.look(0).await, Ok(0));
    let error = WorkClient::connect("dns:no-such-host.invalid:1").await.unwrap_err().to_string();
    assert!(error.contains("cannot resolve no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn a_file_names_servers_and_what_is_none_changes_nothing() {
    let yard = Yard::plain(3).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("servers");
    let write = |text: String| {
        let next = folder.path().join("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(next, &path).unwrap();
    };
    let file = File::new(&path).every(Duration::from_millis(1));
    let error = Endpoint::new().connect_fleet(file.clone()).await.unwrap_err().to_string();
    assert!(error.contains("No such file"), "{error}");

    write(format!("# ours\n{}\n{}\n", yard.address(0), yard.address(1)));
    let client = WorkClient::new(Endpoint::new().connect_fleet(file).await.unwrap());
    all_known_of(&client, &[0, 1]).await;
    write("nonsense\n".to_owned());
    only(&client, &[0, 1]).await;
    std::fs::remove_file(&path).unwrap();
    only(&client, &[0, 1]).await;
    write(yard.address(2).to_string());
    all_known_of(&client, &[2]).await;
    only(&client, &[2]).await;
    // By its address, as a user writes it.
    let by_text = WorkClient::connect(format!("file:{}", path.display())).await.unwrap();
    assert_eq!(by_text.look(0).await, Ok(2));
}

#[tokio::test]
async fn an_instance_is_shown_by_its_address() {
    let instance = Instance::new("a:1".parse().unwrap()).server_name("api.internal");
    assert_eq!(
        (instance.address().to_string().as_str(), instance.name()),
        ("a:1", Some("api.internal"))
    );
}
