//! Tokens of a connection and of single calls, as gRPC's cases have them; who issues them is left to others there too.

use rpc_core::{Code, Endpoint, Principal, Running, Server, StaticTokens};

use crate::service::{TestServiceClient, TestServiceServer, Tested, runtime};

const OF_THE_CHANNEL: &str = "token-of-the-channel";
const OF_THE_CALL: &str = "token-of-the-call";

/// A client whose connection has a token, of a server that knows both.
async fn client(running: &Running) -> TestServiceClient {
    let channel = Endpoint::new().token(OF_THE_CHANNEL).connect(running.address()).await.unwrap();
    TestServiceClient::new(channel)
}

async fn server() -> Running {
    let tokens = StaticTokens::new()
        .with(OF_THE_CHANNEL, Principal::named("channel"))
        .with(OF_THE_CALL, Principal::named("call"));
    let server = Server::new().authenticate(tokens).with(TestServiceServer::new(Tested::default()));
    server.start("127.0.0.1:0").await.unwrap()
}

#[test]
fn oauth2_auth_token() {
    runtime().block_on(async {
        let running = server().await;
        assert_eq!(client(&running).await.who_am_i().await.unwrap(), "channel");
        let strangers = Endpoint::new().token("another").connect(running.address()).await;
        let refused = match strangers {
            Err(error) => error.to_string(),
            Ok(channel) => {
                let error = TestServiceClient::new(channel).empty_call().await.unwrap_err();
                assert_eq!(error.code(), Code::Unauthenticated);
                error.to_string()
            }
        };
        assert!(refused.contains("token"), "{refused}");
    });
}

#[test]
fn per_rpc_creds() {
    runtime().block_on(async {
        let running = server().await;
        let client = client(&running).await;
        assert_eq!(client.who_am_i().token(OF_THE_CALL).await.unwrap(), "call");
        assert_eq!(client.who_am_i().await.unwrap(), "channel", "of that call alone");
        let error = client.who_am_i().token("another").await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated);
    });
}
