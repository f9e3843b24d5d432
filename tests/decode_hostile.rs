//! Values that claim more than they are: refused in words, within the memory stated here, and the connection
//! they came over goes on. Memory is the peak of what decoding holds at once on this thread.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::{BTreeMap, HashSet};

use allocation_counter::measure;
use rpc_core::{
    Code, Codec, codec,
    proto::{Failure, Payload, wire::Kind},
};
use serde::{Deserialize, de::DeserializeOwned};
use tests::{PlaygroundClient, RawPeer, Served, Transport};

const KIB: u64 = 1 << 10;

/// Decodes and demands an error within a limit of memory.
#[track_caller]
fn refused<T: DeserializeOwned>(name: &str, bytes: &[u8], most: u64) {
    let payload = Payload::copy_from_slice(bytes);
    let mut accepted = false;
    let memory =
        measure(|| accepted = codec::decode::<T>(Codec::Bincode, (&payload).into()).is_ok());
    assert!(!accepted, "{name} was accepted");
    assert!(memory.bytes_max <= most, "{name}: {} bytes at once", memory.bytes_max);
}

/// A length in its nine-byte form.
fn length(length: u64) -> Vec<u8> {
    [&[253][..], &length.to_le_bytes()].concat()
}

#[test]
fn giant_lengths_cost_nothing() {
    for claimed in [1 << 30, 1 << 34, 1 << 50, u64::MAX] {
        let bytes = length(claimed);
        refused::<String>("text", &bytes, 64 * KIB);
        refused::<Vec<u64>>("a vector", &bytes, 64 * KIB);
        refused::<Vec<[u64; 32]>>("a vector of large elements", &bytes, 64 * KIB);
        refused::<BTreeMap<u64, String>>("a map", &bytes, 64 * KIB);
        refused::<bytes::Bytes>("bytes", &bytes, 64 * KIB);
    }
}

/// Vectors in vectors, as deep as the input has it.
#[derive(Deserialize)]
struct Deep(#[allow(dead_code)] Vec<Self>);

#[test]
fn nested_lengths_do_not_multiply() {
    // 1,024 lengths, each of which the bytes behind it justify.
    let bytes: Vec<u8> =
        (0..1024_u16).flat_map(|n| [251, (7000 - n) as u8, ((7000 - n) >> 8) as u8]).collect();
    let padded = [bytes, vec![0; 8192]].concat();
    refused::<Deep>("nested vectors", &padded, 16 * KIB * KIB);
}

/// The same with elements so wide that room for a few thousand at each level would be tens of MiB.
#[derive(Deserialize)]
struct Wide {
    #[allow(dead_code)]
    within: Vec<Self>,
    #[allow(dead_code)]
    numbers: [u64; 32],
}

#[test]
fn nested_lengths_of_wide_elements_do_not_multiply() {
    let bytes = [[251, 0, 32].repeat(1000), vec![0; 8192]].concat();
    // Every byte may stand for an element, and no more than that.
    let most = (bytes.len() * size_of::<Wide>()) as u64 + 64 * KIB;
    refused::<Wide>("nested vectors of wide elements", &bytes, most);
}

/// A type that quotes the value it refuses.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Quoting;

impl TryFrom<String> for Quoting {
    type Error = String;

    fn try_from(value: String) -> Result<Self, String> {
        Err(format!("{value:?} is not a name"))
    }
}

#[test]
fn an_error_does_not_repeat_the_value() {
    let bytes = [&[252, 0, 0, 16, 0][..], &[b'a'; 1 << 20]].concat();
    let payload = Payload::from(bytes);
    let error =
        codec::decode::<Quoting>(Codec::Bincode, (&payload).into()).err().unwrap().to_string();
    assert!(error.starts_with("\"aaa") && error.len() < 300, "{} bytes", error.len());
}

/// Recursion that takes one byte a level.
#[derive(Deserialize)]
enum Chain {
    #[allow(dead_code)]
    Next(Box<Self>),
    #[allow(dead_code)]
    Maybe(Option<Box<Self>>),
}

#[test]
fn recursion_ends_long_before_the_stack_does() {
    for byte in [0, 1] {
        refused::<Chain>("a chain", &vec![byte; 5_000_000], KIB * KIB);
    }
}

#[test]
fn elements_without_content_are_not_made_by_the_billion() {
    let bytes = length(1 << 30);
    refused::<Vec<()>>("units", &bytes, 64 * KIB);
    refused::<HashSet<()>>("a set of units", &bytes, 64 * KIB);
    let inner = [251, 0xff, 0xff].repeat(10_000);
    refused::<Vec<Vec<()>>>(
        "vectors of units",
        &[&[251, 0x10, 0x27][..], &inner].concat(),
        KIB * KIB,
    );
}

#[test]
fn bad_content_is_refused() {
    refused::<String>("bad UTF-8", &[2, 0xc3, 0x28], 64 * KIB);
    refused::<bool>("a bool of two", &[2], 64 * KIB);
    refused::<Option<u8>>("an option of two", &[2, 0], 64 * KIB);
    refused::<Result<u8, u8>>("a third variant", &[2, 0], 64 * KIB);
    refused::<char>("a surrogate", &[0xed, 0xa0, 0x80], 64 * KIB);
    let overflow = [&length(u64::MAX)[..], &[252, 0, 202, 154, 59]].concat();
    refused::<std::time::Duration>("a duration that overflows", &overflow, 64 * KIB);
    refused::<std::time::SystemTime>("a time that overflows", &overflow, 64 * KIB);
    refused::<u8>("trailing bytes", &[1, 2], 64 * KIB);
    refused::<(u8, u8)>("a short payload", &[1], 64 * KIB);
}

#[tokio::test]
async fn the_connection_goes_on_after_each() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let mut peer = RawPeer::connect(served.address()).await.unwrap();
    peer.send(&RawPeer::greeting()).await.unwrap();
    let key = |method: &str| PlaygroundClient::schema().method(method).unwrap().key;
    let hostile = [
        ("echo", length(1 << 50)),
        ("echo_vec", length(u64::MAX)),
        ("panic", vec![2, 0xc3, 0x28]),
        ("order", vec![7]),
        ("add", vec![2]),
        ("add", vec![2, 4, 6]),
    ];
    for (id, (method, arguments)) in hostile.into_iter().enumerate() {
        peer.send(&RawPeer::request(id as u32, key(method), &arguments)).await.unwrap();
        let (head, payload) = peer.next(Kind::Error).await.unwrap();
        assert_eq!(head.id.value(), id as u32);
        let Failure::Status(status) = Failure::decode(&payload).unwrap() else {
            panic!("{method}: not a status")
        };
        assert_eq!(status.code(), Code::InvalidArgument, "{method}: {status}");
        assert!(!status.may_have_run());
        assert!(status.message().contains(method), "{status}");
    }
    peer.send(&RawPeer::request(99, key("add"), &[2, 4])).await.unwrap();
    assert_eq!(peer.next(Kind::Response).await.unwrap().1, [6]);
}
