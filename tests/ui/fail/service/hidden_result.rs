//! An alias hides an error from the macro; callers would get it as a value.

use futures_util::{Stream, stream};
use rpc_core::service;

type Res<T> = Result<T, String>;
type Fine<T> = Option<T>;

#[service]
trait Files {
    async fn read(&self, path: String) -> Res<u8>;
    fn lines(&self) -> impl Stream<Item = Res<String>>;
    async fn fine(&self) -> Fine<u8>;
}

struct Disk;

impl Files for Disk {
    async fn read(&self, _path: String) -> Res<u8> {
        Ok(1)
    }

    fn lines(&self) -> impl Stream<Item = Res<String>> {
        stream::empty()
    }

    async fn fine(&self) -> Fine<u8> {
        None
    }
}

fn main() {}
