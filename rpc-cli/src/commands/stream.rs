//! `rpc call` of a method that streams: items of the reply go to stdout as they come, one JSON each; items of
//! an upload come from stdin, line by line.

use std::{
    io::{BufRead as _, IsTerminal as _, stdin},
    time::Instant,
};

use anyhow::Result;
use futures_util::{Stream, stream};
use rpc_core::{
    Call, CallError, Streaming,
    dynamic::{self, EncodeError},
    proto::Payload,
    schema::{Argument, Registry},
};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::call::Wrong;
use crate::{
    arguments::{self, Described},
    coding::Coding,
    connect::{Connected, short},
    exit::Failure,
    output,
};

/// How a streaming call ended.
pub(super) enum End {
    /// With a value, if the method has one.
    Value(Option<Value>),
    Failed(CallError<Value>),
}

/// Lines of stdin that are read ahead.
const AHEAD: usize = 64;

/// Makes a call whose reply is a stream, printing items as they come.
pub(super) async fn download(
    server: &Connected,
    call: Call<Streaming<Payload, Payload>, Payload>,
    source: Source,
    coding: &Coding,
    print: impl Fn(Value) -> bool,
    verbose: bool,
) -> Result<End> {
    let started = Instant::now();
    let work = async {
        let mut items = match call.await {
            Ok(items) => items,
            Err(error) => return failed(error, coding),
        };
        let accepted = started.elapsed();
        let (mut first, mut count) = (None, 0_u64);
        let end = loop {
            match items.next().await {
                None => break Ok(End::Value(None)),
                Some(Err(error)) => break failed(error, coding),
                Some(Ok(item)) => {
                    let item = match coding.returned(&item) {
                        Ok(item) => item,
                        Err(error) => break Err(error),
                    };
                    first.get_or_insert_with(|| started.elapsed());
                    count += 1;
                    if !print(item) {
                        // Whoever read stdout has enough.
                        break Ok(End::Value(None));
                    }
                }
            }
        };
        if verbose {
            let first = first.map_or_else(|| "none".to_owned(), short);
            output::note(&format!(
                "accepted {}  first item {first}  items {count}",
                short(accepted)
            ));
        }
        end
    };
    finish(server, work, source).await
}

/// Makes a call whose reply is one value.
pub(super) async fn upload(
    server: &Connected,
    call: Call<Payload, Payload>,
    source: Source,
    coding: &Coding,
) -> Result<End> {
    let work = async {
        match call.await {
            Ok(value) => Ok(End::Value(Some(coding.returned(&value)?))),
            Err(error) => failed(error, coding),
        }
    };
    finish(server, work, source).await
}

/// The end of a call that failed, with its own error as JSON.
fn failed(error: CallError<Payload>, coding: &Coding) -> Result<End> {
    Ok(End::Failed(match error {
        CallError::App(error) => CallError::App(coding.failed(&error)?),
        CallError::Status(status) => CallError::Status(status),
    }))
}

/// Runs a call until it ends, stdin turns out wrong, or the user has enough.
async fn finish(
    server: &Connected,
    work: impl Future<Output = Result<End>>,
    source: Source,
) -> Result<End> {
    let wrong = async {
        match source.wrong.await {
            Ok(error) => error,
            // All lines were right.
            Err(_) => std::future::pending().await,
        }
    };
    let early = tokio::select! {
        end = work => return end,
        error = wrong => error,
        _ = tokio::signal::ctrl_c() => Failure::Interrupted.into(),
    };
    // The call was dropped: the pong comes behind the cancel, so that the handler has been told.
    let told = tokio::time::timeout(std::time::Duration::from_secs(1), server.channel.ping());
    let _ = told.await;
    Err(early)
}

/// What the lines of stdin come to.
pub(super) struct Source {
    items: Option<mpsc::Receiver<Payload>>,
    wrong: oneshot::Receiver<anyhow::Error>,
}

impl Source {
    /// Nothing is read.
    pub(super) fn none() -> Self {
        Self { items: None, wrong: oneshot::channel().1 }
    }

    /// Items as they are typed, each checked against what the method takes.
    pub(super) fn typed(
        described: Described<'_>,
        coding: &Coding,
        mut lines: mpsc::Receiver<String>,
        wrong: Wrong,
    ) -> Self {
        let Some(upload) = described.method.upload.clone() else { return Self::none() };
        let coding = coding.clone();
        let (types, path) = (described.service.types.clone(), described.method.path.clone());
        let (items, receiver) = mpsc::channel(AHEAD);
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let mut number = 0;
            while let Some(line) = lines.recv().await {
                number += 1;
                let item = checked(&line, number, &path, &upload, &types);
                match (item.and_then(|item| coding.item(&item)), wrong) {
                    (Ok(item), _) => {
                        if items.send(item).await.is_err() {
                            return;
                        }
                    }
                    (Err(error), Wrong::Told) => output::error(&format!("{error:#}")),
                    (Err(error), Wrong::Ends) => {
                        let _ = tell.send(error);
                        // The stream stays open, or the call would end as if this had been all.
                        return items.closed().await;
                    }
                }
            }
        });
        Self { items: Some(receiver), wrong: told }
    }

    /// Reads items from stdin, each checked against what the method takes.
    pub(super) fn stdin(described: Described<'_>, coding: &Coding) -> Self {
        let Some(upload) = described.method.upload.clone() else { return Self::none() };
        if stdin().is_terminal() {
            output::note(&format!("{}: one JSON value on each line, Ctrl-D to end", upload.name));
        }
        let coding = coding.clone();
        let (types, path) = (described.service.types.clone(), described.method.path.clone());
        let (items, receiver) = mpsc::channel(AHEAD);
        let (tell, wrong) = oneshot::channel();
        // A thread of its own: reading stdin blocks, and cannot be given up.
        std::thread::spawn(move || {
            for (number, line) in stdin().lock().lines().enumerate() {
                let item = line.map_err(anyhow::Error::from).and_then(|line| {
                    let line = line.trim();
                    if line.is_empty() {
                        return Ok(None);
                    }
                    let item = checked(line, number + 1, &path, &upload, &types)?;
                    coding.item(&item).map(Some)
                });
                match item {
                    Ok(None) => {}
                    Ok(Some(item)) => {
                        if items.blocking_send(item).is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        let _ = tell.send(error);
                        // The stream stays open, or the call would end as if this had been all.
                        std::thread::park();
                        return;
                    }
                }
            }
        });
        Self { items: Some(receiver), wrong }
    }

    /// The items, for the call.
    pub(super) fn take(&mut self) -> Option<impl Stream<Item = Payload> + Send + use<>> {
        let items = self.items.take()?;
        Some(stream::unfold(items, async |mut items| Some((items.recv().await?, items))))
    }
}

/// A line as an item of the stream that `path` takes.
fn checked(
    line: &str,
    number: usize,
    path: &str,
    upload: &Argument,
    types: &Registry,
) -> Result<Value> {
    let value = arguments::item(line.trim(), &upload.format, types);
    match dynamic::encode(&upload.format, types, &value) {
        // What only the server knows, it completes.
        Ok(_) | Err(EncodeError::NeedsJson(_)) => Ok(value),
        Err(mismatch) => {
            let what = format!("{path}: {}, line {number}: {mismatch}", upload.name);
            Err(Failure::argument(what).into())
        }
    }
}
