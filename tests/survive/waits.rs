//! How long calls wait for a connection, and how often one is tried.

use std::time::Duration;

use rpc_core::{Code, Endpoint, Reconnect};
use tests::{PlaygroundClient, Toys};

use crate::ground::{Place, kill, soon};

fn lazy(place: &Place, endpoint: &Endpoint) -> PlaygroundClient {
    PlaygroundClient::new(endpoint.connect_lazy_with(place.clone()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn attempts_come_at_longer_and_longer_intervals() {
    let place = Place::default();
    let client = lazy(&place, &Endpoint::new());
    let error = client.add(1, 2).timeout(Duration::from_secs(600)).await.unwrap_err();
    let status = error.status().unwrap();
    assert_eq!((status.code(), status.may_have_run()), (Code::DeadlineExceeded, false));
    assert!(error.to_string().contains("nothing is listening at the place"), "{error}");
    let mut mean = 0.05;
    for pause in place.pauses() {
        let part = pause.as_secs_f64() / mean;
        // A timer rings up to a millisecond late.
        assert!((0.8..=1.225).contains(&part), "{pause:?} where {mean} s was meant");
        mean = f64::min(mean * 1.6, 30.0);
    }
    assert!((26..=37).contains(&place.attempts()), "{} attempts", place.attempts());
}

#[tokio::test(start_paused = true)]
async fn calls_without_a_deadline_wait_as_long_as_patience_says_and_then_fail_at_once() {
    let (place, toys) = (Place::default(), Toys::default());
    let endpoint = Endpoint::new().reconnect(Reconnect::new().patience(Duration::from_secs(2)));
    let client = lazy(&place, &endpoint);
    let began = tokio::time::Instant::now();
    let error = client.add(1, 2).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!error.status().unwrap().may_have_run());
    assert!(error.to_string().ends_with("; the call was not started"), "{error}");
    let waited = began.elapsed();
    assert!((500..=2_500).contains(&waited.as_millis()), "{waited:?}");
    let (attempts, began) = (place.attempts(), tokio::time::Instant::now());
    client.add(1, 2).await.unwrap_err();
    assert_eq!((place.attempts(), began.elapsed()), (attempts, Duration::ZERO));
    // Whoever says how long it may take waits on, beside those who do not.
    let patient = tokio::spawn(client.add(1, 2).timeout(Duration::from_secs(60)));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let _running = place.serve(&toys);
    assert_eq!(soon(patient).await.unwrap(), Ok(3));
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_share_one_attempt() {
    let (place, toys) = (Place::default(), Toys::default());
    let running = place.serve(&toys);
    let client = place.connect(Endpoint::new(), PlaygroundClient::new).await;
    assert_eq!(client.add(1, 2).await, Ok(3));
    kill(running).await;
    let calls: Vec<_> = (0..1000).map(|n| tokio::spawn(client.add(n, n))).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let failed = place.attempts();
    assert!((6..=8).contains(&failed), "{failed} attempts, one of which is the first");
    let _running = place.serve(&toys);
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(soon(call).await.unwrap(), Ok(2 * n as i64));
    }
    assert_eq!(place.attempts(), failed + 1);
}

/// It says hello and hangs up, again and again.
#[tokio::test(start_paused = true)]
async fn connections_that_last_for_a_moment_do_not_follow_each_other_at_once() {
    let place = Place::default();
    let mut ear = place.listen();
    let client = lazy(&place, &Endpoint::new());
    let hang_up = tokio::spawn(async move {
        let mut greeting = Vec::new();
        rpc_core::proto::encode_preface(&mut greeting);
        rpc_core::proto::wire::Hello::default().encode(&mut greeting);
        loop {
            let mut stream = ear.next().await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &greeting).await;
        }
    });
    for _ in 0..20 {
        let _ = client.add(1, 2).timeout(Duration::from_secs(1)).await;
    }
    hang_up.abort();
    assert!(place.attempts() > 3);
    assert!(place.pauses().iter().all(|pause| pause.as_millis() >= 40), "{:?}", place.pauses());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_for_long_is_tried_for_the_calls_alone() {
    let (place, toys) = (Place::default(), Toys::default());
    let running = place.serve(&toys);
    let client = place.connect(Endpoint::new(), PlaygroundClient::new).await;
    assert_eq!(client.add(1, 2).await, Ok(3));
    kill(running).await;
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(place.attempts(), 1, "nobody has needed it");
    let _running = place.serve(&toys);
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
}

/// The attempts of each second from the first one on.
fn by_second(pauses: &[Duration]) -> Vec<usize> {
    let (mut at, mut seconds) = (Duration::ZERO, vec![1]);
    for pause in pauses {
        at += *pause;
        seconds.resize(at.as_secs() as usize + 1, 0);
        *seconds.last_mut().unwrap() += 1;
    }
    seconds
}

/// A thousand clients call once a second while nobody listens for 30 s: they dial less often than they call, and do not come
/// all at once when somebody listens again; each call runs once.
#[tokio::test(start_paused = true)]
async fn a_thousand_clients_of_a_server_that_is_gone_are_no_storm() {
    const CLIENTS: usize = 1000;
    let (place, toys) = (Place::default(), Toys::default());
    let clients: Vec<_> = (0..CLIENTS).map(|_| lazy(&place, &Endpoint::new())).collect();
    let calling = clients.iter().enumerate().map(|(number, client)| {
        let client = client.clone();
        tokio::spawn(async move {
            // Nor do they call all at once.
            tokio::time::sleep(Duration::from_millis(number as u64)).await;
            let mut calls = Vec::new();
            for _ in 0..30 {
                calls.push(tokio::spawn(client.add(1, 2).timeout(Duration::from_secs(300))));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            for call in calls {
                assert_eq!(soon(call).await.unwrap(), Ok(3));
            }
        })
    });
    let calling: Vec<_> = calling.collect();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let while_gone = place.attempts();
    assert!(while_gone <= 30 * CLIENTS / 2, "{while_gone} attempts");
    let _running = place.serve(&toys);
    for caller in calling {
        soon(caller).await.unwrap();
    }
    // Each client was let in at its first attempt.
    assert_eq!(place.attempts() - while_gone, CLIENTS);
    let seconds = by_second(&place.pauses());
    let (gone, back) = seconds.split_at(30);
    let (gone, back) = (gone.iter().max().unwrap(), back.iter().max().unwrap());
    assert!(back <= gone && *back <= CLIENTS / 4, "{back} in a second, after {gone}: {seconds:?}");
}
