//! Rust from a description compiles, and calls the same methods by the same keys.

mod cases;

use rpc_core::schema::ServiceSchema;

use crate::{beside_server, generate, generated, services};

fn keys(service: &ServiceSchema) -> Vec<(String, String)> {
    let pair =
        |method: &rpc_core::schema::MethodSchema| (method.path.clone(), method.key.to_string());
    service.methods.iter().map(pair).collect()
}

#[tokio::test]
async fn generated_rust_is_what_is_compiled_here() {
    beside_server(async |address| {
        let folder = tempfile::TempDir::new().unwrap();
        generate(&address, "rust", folder.path()).await;
        let made = std::fs::read_to_string(folder.path().join("services.rs")).unwrap();
        let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/expected/rust/services.rs");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&kept, &made).unwrap();
        }
        assert!(
            std::fs::read_to_string(&kept).unwrap() == made,
            "differs: UPDATE=1 writes it anew"
        );
    })
    .await;
}

#[test]
fn generated_rust_has_the_same_keys() {
    let pairs = [
        (services::TypesClient::schema(), generated::TypesClient::schema()),
        (services::ExchangeClient::schema(), generated::ExchangeClient::schema()),
        (services::AnswersClient::schema(), generated::AnswersClient::schema()),
    ];
    for (original, generated) in pairs {
        assert_eq!(keys(original), keys(generated));
        assert_eq!(original.doc, generated.doc);
    }
}

#[tokio::test]
async fn generated_rust_calls_the_server() {
    beside_server(async |address| {
        let types = generated::TypesClient::connect(address.clone()).await.unwrap();
        let sample = types.sample().await.unwrap();
        assert_eq!(sample.display_name, "Zoë 🦀");
        assert_eq!(types.record(sample.clone()).await, Ok(sample));
        let exchange = generated::ExchangeClient::connect(address).await.unwrap();
        let refused = exchange.refuse(Some(generated::Refusal::TooMany(3))).await.unwrap_err();
        assert_eq!(refused, rpc_core::CallError::App(generated::Refusal::TooMany(3)));
        let mut count = exchange.count(3).await.unwrap();
        let mut sum = 0;
        while let Some(number) = count.next().await {
            sum += number.unwrap();
        }
        assert_eq!(sum, 3);
        let numbers = futures_util::stream::iter([1, 2, 3]);
        assert_eq!(exchange.sum(numbers).await, Ok(6));
    })
    .await;
}
