//! A service whose servers follow each other: it writes down what it has run, where all of them do.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use rpc_core::service;
use tokio::sync::mpsc;

/// Runs calls and gives the number of the process that did.
#[service]
pub trait Succession {
    /// Writes a number down.
    async fn enter(&self, number: u64) -> u32;
    /// Writes nothing.
    #[rpc(idempotent)]
    async fn read(&self, number: u64) -> u32;
    /// Hands over to another process of the same program.
    async fn succeed(&self);
    /// Ends in good order.
    async fn end(&self);
}

/// What the program of a server is told by its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succeeding {
    /// To hand over.
    HandOver,
    /// To end.
    End,
}

/// A book that all processes write to.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    orders: mpsc::UnboundedSender<Succeeding>,
}

impl Ledger {
    /// Opens the book; gives what the program is told as well.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> io::Result<(Self, mpsc::UnboundedReceiver<Succeeding>)> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let (orders, told) = mpsc::unbounded_channel();
        Ok((Self { file, orders }, told))
    }
}

impl Succession for Ledger {
    async fn enter(&self, number: u64) -> u32 {
        // One write for each line: lines of several processes do not mix.
        (&self.file).write_all(format!("{number}\n").as_bytes()).expect("the disk has room");
        std::process::id()
    }

    async fn read(&self, _number: u64) -> u32 {
        std::process::id()
    }

    async fn succeed(&self) {
        let _ = self.orders.send(Succeeding::HandOver);
    }

    async fn end(&self) {
        let _ = self.orders.send(Succeeding::End);
    }
}
