//! A one-way method, and a way to see what it did.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use rpc_core::service;

/// A log that keeps the last hundred lines.
#[service]
pub(crate) trait Log {
    /// Writes a line; no reply is sent.
    #[rpc(oneway)]
    async fn write(&self, line: String);
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

    async fn recent(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }

    async fn last(&self) -> Option<String> {
        self.recent().await.pop()
    }
}
