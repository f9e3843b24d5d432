//! The reading of a driver: into the thread's buffer, or straight to the end of a long message.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead as _, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::{Driver, scratch::Scratch};
use crate::{
    proto::{
        Connection, Decoder,
        connection::{ConnectionError, Event, Lent, SHORT_READ},
    },
    time::now,
    transport::{NotEstablished, Protocol, Stranger},
};

impl Driver {
    /// Reads once and handles what came; whether anything did. While a long message arrives, its bytes are read
    /// where they stay, and of what is between them not much at a time.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        short: bool,
        scratch: &mut Scratch,
    ) -> bool {
        if short
            && let Some(lent) = self.live.with(|state| state.machine.lend_message(&self.decoder))
        {
            return self.poll_read_lent(cx, lent, scratch);
        }
        let Scratch { read: buffer, events, wakes, .. } = scratch;
        let length = if short { SHORT_READ } else { buffer.len() };
        let mut buffer = ReadBuf::new(&mut buffer[..length]);
        let read = match Pin::new(&mut self.read).poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(read) => read,
        };
        self.handle(events, wakes, |machine, decoder| match read {
            Ok(()) if buffer.filled().is_empty() => machine.handle_eof(),
            Ok(()) => machine.handle_input(now(), decoder, buffer.filled()),
            Err(error) => machine.lose(failed(&error)),
        });
        true
    }

    /// Reads once to the end of a message that is to be given back.
    fn poll_read_lent(
        &mut self,
        cx: &mut Context<'_>,
        mut lent: Lent,
        scratch: &mut Scratch,
    ) -> bool {
        let Poll::Ready(read) = poll_read_buf(Pin::new(&mut self.read), cx, &mut lent.buffer())
        else {
            // What others have noted meanwhile stays where it is: this turn may end here.
            let decoder = &mut self.decoder;
            self.live.with(|state| state.machine.handle_lent(now(), decoder, lent));
            return false;
        };
        self.handle(&mut scratch.events, &mut scratch.wakes, |machine, decoder| {
            machine.handle_lent(now(), decoder, lent);
            match read {
                Ok(0) => machine.handle_eof(),
                Err(error) => machine.lose(failed(&error)),
                Ok(_) => {}
            }
        });
        true
    }

    /// Has the machine handle what a read brought, under one lock.
    fn handle(
        &mut self,
        events: &mut VecDeque<Event>,
        wakes: &mut Vec<Waker>,
        input: impl FnOnce(&mut Connection, &mut Decoder),
    ) {
        let decoder = &mut self.decoder;
        self.error = self.live.with(|state| {
            state.machine.lend(events, wakes);
            input(&mut state.machine, decoder);
            state.machine.reclaim(events, wakes);
            state.collect(events, wakes);
            state.machine.error().cloned()
        });
    }
}

/// Why a connection ends that cannot be read any more.
fn failed(error: &io::Error) -> ConnectionError {
    let inner = error.get_ref();
    if let Some(NotEstablished(reason)) = inner.and_then(|inner| inner.downcast_ref()) {
        return ConnectionError::Refused(reason.clone());
    }
    match inner.and_then(|inner| inner.downcast_ref()) {
        // Who dials without TLS and meets it is to learn how to go on.
        Some(Stranger(Protocol::Tls)) => ConnectionError::TlsRequired,
        Some(Stranger(protocol)) => ConnectionError::Foreign(protocol.sent()),
        None => ConnectionError::Transport(error.to_string()),
    }
}
