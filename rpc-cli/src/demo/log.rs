//! A one-way method, a way to see what it did, and a stream both ways.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use futures_util::{Stream, StreamExt as _, future};
use rpc_core::{Streaming, service};

/// A log that keeps the last hundred lines.
#[service]
pub(crate) trait Log {
    /// Writes a line; no reply is sent. Lines are kept in the order sent.
    #[rpc(oneway, ordered)]
    async fn write(&self, line: String);
    /// Each line in upper case, as it comes.
    fn shout(&self, lines: Streaming<String>) -> impl Stream<Item = String>;
    /// The last lines, oldest first.
    async fn recent(&self) -> Vec<String>;
    /// The last line.
    async fn last(&self) -> Option<String>;
}

#[derive(Default)]
pub(super) struct Notebook {
    // Bounded by: KEPT lines.
    lines: Mutex<VecDeque<String>>,
}

const KEPT: usize = 100;

impl Log for Notebook {
    async fn write(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line);
        if lines.len() > KEPT {
            lines.pop_front();
        }
    }

    fn shout(&self, lines: Streaming<String>) -> impl Stream<Item = String> {
        lines.filter_map(|line| future::ready(line.ok().map(|line| line.to_uppercase())))
    }

    async fn recent(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }

    async fn last(&self) -> Option<String> {
        self.recent().await.pop()
    }
}
