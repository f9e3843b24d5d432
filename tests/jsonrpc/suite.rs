//! The cases of `cases.json`, over HTTP and over WebSocket.

use tests::suite::{Score, over_http, over_websocket};

use crate::ground;

#[track_caller]
fn all_pass(Score { of, wrong }: &Score) {
    assert!(*of >= 120, "{of} cases");
    assert!(wrong.is_empty(), "{} of {of}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_case_is_answered_as_the_specification_says() {
    let (running, _) = ground::serve().await;
    all_pass(&over_http(&running.address().to_string()).await);
}

#[tokio::test]
async fn over_a_web_socket_the_same_is_answered() {
    let (running, _) = ground::serve().await;
    all_pass(&over_websocket(&running.address().to_string()).await);
}
