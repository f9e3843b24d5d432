//! What becomes of calls when a connection is lost.

use std::time::Duration;

use rpc_core::{Code, Endpoint, Execution, Reconnect};
use tests::{PlaygroundClient, Toys};

use crate::ground::{Place, Script, kill, soon};

#[tokio::test(start_paused = true)]
async fn restarts_are_not_noticed_by_the_calls_between_them() {
    let (place, toys) = (Place::default(), Toys::default());
    let mut running = place.serve(&toys);
    let client = place.connect(Endpoint::new(), PlaygroundClient::new).await;
    for restart in 0..10 {
        assert_eq!(soon(client.add(restart, 2)).await, Ok(restart + 2));
        match restart % 2 {
            0 => kill(running).await,
            _ => running.shutdown().await,
        }
        running = place.serve(&toys);
    }
    // Each was needed once, and none more than that.
    assert_eq!(place.attempts(), 10);
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_not_started_go_again_by_themselves() {
    let (place, toys) = (Place::default(), Toys::default());
    let mut ear = place.listen();
    let client = place.connect(Endpoint::new(), PlaygroundClient::new).await;
    let calls = (0..50).map(|n| tokio::spawn(client.add(n, 1)));
    let calls: Vec<_> = calls.collect();
    let note = tokio::spawn(client.note("one way"));
    let long = tokio::spawn(client.echo(vec![7; 100_000].into()));
    let mut script = Script::greet(ear.next().await).await;
    script.requests(50).await;
    let _running = place.serve(&toys);
    // The first three run on and are lost; all others were not started.
    script.goaway(3).await;
    let mut lost = 0;
    for (n, call) in calls.into_iter().enumerate() {
        match soon(call).await.unwrap() {
            Ok(sum) => assert_eq!(sum, n as i64 + 1),
            Err(error) => {
                let status = error.status().unwrap();
                assert_eq!(
                    (status.code(), status.execution()),
                    (Code::Unavailable, Execution::MayHaveRun)
                );
                lost += 1;
            }
        }
    }
    assert_eq!(lost, 3);
    soon(note).await.unwrap().unwrap();
    assert_eq!(soon(long).await.unwrap().unwrap(), vec![7; 100_000]);
    assert_eq!(place.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_run_fails_and_says_so() {
    let (place, toys) = (Place::default(), Toys::default());
    let running = place.serve(&toys);
    let client = place.connect(Endpoint::new(), PlaygroundClient::new).await;
    let waiting = tokio::spawn(client.wait());
    soon(toys.until_waiting(1)).await;
    kill(running).await;
    let _running = place.serve(&toys);
    let error = soon(waiting).await.unwrap().unwrap_err();
    let status = error.status().unwrap();
    assert_eq!((status.code(), status.may_have_run()), (Code::Unavailable, true));
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_does_not_come_back_fails_what_comes_after() {
    let (place, toys) = (Place::default(), Toys::default());
    let running = place.serve(&toys);
    let endpoint = Endpoint::new().reconnect(Reconnect::off());
    let client = place.connect(endpoint, PlaygroundClient::new).await;
    assert_eq!(client.add(1, 2).await, Ok(3));
    kill(running).await;
    let _running = place.serve(&toys);
    let error = soon(client.add(1, 2)).await.unwrap_err();
    assert!(!error.status().unwrap().may_have_run());
    assert!(client.channel().is_closed());
    assert_eq!(place.attempts(), 1);
}

/// Its caller has let go of the channel, not of the call.
#[tokio::test(start_paused = true)]
async fn a_call_goes_again_whose_channel_is_gone() {
    let (place, toys) = (Place::default(), Toys::default());
    let mut ear = place.listen();
    let client = place.connect(Endpoint::new(), PlaygroundClient::new).await;
    let call = tokio::spawn(client.add(1, 2));
    let mut script = Script::greet(ear.next().await).await;
    script.requests(1).await;
    drop(client);
    let mut ear = place.listen();
    script.goaway(0).await;
    let mut again = Script::greet(ear.next().await).await;
    again.requests(1).await;
    drop(ear);
    let running = place.serve(&toys);
    again.goaway(0).await;
    assert_eq!(soon(call).await.unwrap(), Ok(3));
    // Nothing holds the connection any more.
    running.shutdown().await;
}

/// It gets the items of the call itself, or an error, and nothing in between.
#[tokio::test(start_paused = true)]
async fn an_upload_of_which_items_were_taken_does_not_go_again() {
    let place = Place::default();
    let mut ear = place.listen();
    let client = place.connect(Endpoint::new(), tests::TourClient::new).await;
    let call = tokio::spawn(client.sum(futures_util::stream::iter(0..10)));
    let mut script = Script::greet(ear.next().await).await;
    script.requests(1).await;
    script.goaway(0).await;
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(!error.status().unwrap().may_have_run(), "{error}");
    assert_eq!(place.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_leaves_nothing_behind() {
    let (place, toys) = (Place::default(), Toys::default());
    let client = PlaygroundClient::new(Endpoint::new().connect_lazy_with(place.clone()).unwrap());
    let waiting = tokio::time::timeout(Duration::from_secs(1), client.add(1, 2)).await;
    assert!(waiting.is_err() && client.channel().open_calls() == 0);
    let attempts = place.attempts();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(place.attempts(), attempts, "nobody needs a connection");
    let _running = place.serve(&toys);
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
}
