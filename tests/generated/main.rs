//! Rust that is generated from a description has the keys of the source, for every type that the library knows.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a test fails by it")]

#[rustfmt::skip]
mod expected;
mod services;

use std::{fs, path::Path};

use rpc_core::{
    Endpoint, Server,
    schema::{Document, Format, Registry, ServiceSchema},
};

struct Echo;

impl services::Rich for Echo {
    async fn foreign(&self, value: services::Foreign) -> services::Foreign {
        value
    }

    async fn standard(
        &self,
        value: services::Standard,
    ) -> Result<services::Standard, services::Barcode> {
        Ok(value)
    }

    async fn heap(&self, value: std::collections::BinaryHeap<u8>) -> Vec<u8> {
        value.into_sorted_vec()
    }

    async fn find(&self, id: uuid::Uuid, since: Option<chrono::DateTime<chrono::Utc>>) -> url::Url {
        let since = since.map_or(0, |since| since.timestamp());
        url::Url::parse(&format!("https://example.org/{id}?{since}")).unwrap()
    }
}

#[test]
fn the_module_that_is_compiled_here_is_the_one_that_is_generated() {
    let document = Document::new(vec![services::RichClient::schema().clone()]);
    let files = rpc_cli::generate(document, rpc_cli::Language::Rust).files().unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("generated/expected.rs");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&kept, &files[0].text).unwrap();
    }
    assert!(fs::read_to_string(&kept).unwrap() == files[0].text, "UPDATE=1 writes it anew");
}

#[test]
fn a_module_from_a_description_has_the_same_keys() {
    let keys = |service: &ServiceSchema| -> Vec<_> {
        let key = |method: &rpc_core::schema::MethodSchema| (method.path.clone(), method.key);
        service.methods.iter().map(key).collect()
    };
    let (original, generated) = (services::RichClient::schema(), expected::RichClient::schema());
    assert_eq!(keys(original), keys(generated));
}

/// Names of types, which count in signatures, as the library's own sources have them.
#[test]
fn every_type_with_a_name_of_its_own_is_tried() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rpc-core/src/schema");
    let mut named = Vec::new();
    for file in ["foreign.rs", "primitives.rs"] {
        let source = fs::read_to_string(folder.join(file)).unwrap();
        let library = source.split("#[cfg(test)]").next().unwrap();
        for (before, behind) in [("text(\"", '"'), (" => \"", '"')] {
            let found = library.split(before).skip(1);
            named.extend(found.filter_map(|rest| Some(rest.split_once(behind)?.0.to_owned())));
        }
    }
    assert!(named.len() >= 19, "{named:?}");
    let tried = Document::new(vec![services::RichClient::schema().clone()]).to_json();
    for name in named {
        let text = Format::Text { name: name.clone(), wire: Box::new(Format::Unit) };
        assert_eq!(Registry::new().type_name(&text), name);
        assert!(tried.contains(&format!("\"name\": \"{name}\"")), "{name} is not tried");
    }
}

fn sample() -> expected::Foreign {
    let at = chrono::DateTime::from_timestamp(1_700_000_000, 5_000_000).unwrap();
    let moment = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let id = uuid::Uuid::from_u128(u128::MAX / 3);
    expected::Foreign {
        id,
        link: Some(url::Url::parse("https://example.org/a?b#c").unwrap()),
        price: rust_decimal::Decimal::new(-12_345, 3),
        at: at.fixed_offset(),
        local: at.naive_utc(),
        day: at.date_naive(),
        hour: at.naive_utc().time(),
        moment,
        plain: time::PrimitiveDateTime::new(moment.date(), moment.time()),
        date: moment.date(),
        clock: moment.time(),
        offset: moment.offset(),
        known: [(id, vec![at.date_naive()])].into(),
        code: expected::BarCode(7),
        ordered: [("a".to_owned(), expected::BarCode(8))].into(),
        unique: vec![3, 1],
    }
}

#[tokio::test]
async fn types_of_other_crates_arrive() {
    let channel = Endpoint::new().in_memory(Server::new().with(services::RichServer::new(Echo)));
    let rich = expected::RichClient::new(channel);
    assert_eq!(rich.foreign(sample()).await, Ok(sample()));
    let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let found = rich.find(uuid::Uuid::nil(), Some(at.fixed_offset())).await.unwrap();
    assert_eq!(
        found.as_str(),
        "https://example.org/00000000-0000-0000-0000-000000000000?1700000000"
    );
    assert_eq!(rich.heap(vec![3, 1, 2]).await, Ok(vec![1, 2, 3]));
}

/// Python has types of its own for them. Where there is no Python, nothing is tried.
#[tokio::test(flavor = "multi_thread")]
async fn python_says_them_as_python_does() {
    let document = Document::new(vec![services::RichClient::schema().clone()]);
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("client");
    rpc_cli::generate(document, rpc_cli::Language::Python).write_to(&package).unwrap();
    let server = Server::new().with(services::RichServer::new(Echo));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("generated/natives.py");
    let mut python = tokio::process::Command::new("python3");
    python.arg(script).arg(running.address().to_string());
    python.env("PYTHONPATH", folder.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    let Ok(done) = python.output().await else { return };
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && done.stdout == b"ok\n", "{errors}");
    running.shutdown().await;
}
