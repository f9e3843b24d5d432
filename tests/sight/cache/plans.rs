//! Caches that cannot be made, in words.

use rpc_core::layer::CacheError;

use super::shelf::{MINUTE, plan};

#[track_caller]
fn check(made: Result<rpc_core::layer::Cache, CacheError>, words: &str) {
    assert_eq!(made.unwrap_err().to_string(), words);
}

#[test]
fn what_cannot_be_cached_is_refused_when_the_layer_is_made() {
    let method = |name: &str| plan().method(name, MINUTE).build();
    check(
        method("Shelf.list"),
        "Shelf.list cannot be cached: it is not marked #[rpc(idempotent)], so that a call not made may leave something undone",
    );
    check(method("Shelf.note"), "Shelf.note cannot be cached: it is one-way and has no reply");
    check(method("Shelf.keys"), "Shelf.keys cannot be cached: it streams");
    check(method("Shelf.fill"), "Shelf.fill cannot be cached: it streams");
    check(
        method("Shelf.gt"),
        "there is no method Shelf.gt to cache; there are Shelf.get, Shelf.find, Shelf.fail, Shelf.mine, Shelf.greeting, \
         Shelf.blob, Shelf.put, Shelf.put_and_fail, Shelf.put_slowly, Shelf.list, Shelf.note, Shelf.keys, Shelf.fill",
    );
    let get = || plan().method("Shelf.get", MINUTE);
    check(
        get().method("Shelf.get", MINUTE).build(),
        "the cache is told twice what to do with Shelf.get",
    );
    check(
        get().write("Shelf.get", ["Shelf.get"]).build(),
        "the cache is told twice what to do with Shelf.get",
    );
    check(
        get().write("Shelf.put", ["Shelf.find"]).build(),
        "nothing is cached under the name Shelf.find; there are Shelf.get",
    );
    let error = get().write("Shelf.pt", ["Shelf.get"]).build().unwrap_err();
    assert!(matches!(error, CacheError::UnknownMethod(name, _) if name == "Shelf.pt"));
}

#[cfg(test)]
#[test]
fn redis_is_named_by_an_address() {
    use rpc_core::layer::Redis;
    for bad in ["", "localhost", "http://localhost", "rediss://localhost"] {
        let error = Redis::at(bad).unwrap_err().to_string();
        assert!(error.starts_with("no address of Redis: "), "{error}");
    }
    let redis = Redis::at("redis://:s3cret@localhost").unwrap();
    assert!(!format!("{redis:?}").contains("s3cret"));
}
