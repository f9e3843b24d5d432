//! The last bytes of a connection: what is still to be written is, the peer learns that nothing more
//! comes, and has a moment to read it. Closing a socket with unread input would discard the goaway.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    time::timeout,
};

use super::{live::Live, turn::Flushed};
use crate::proto::connection::ConnectionError;

/// How long the peer may take to accept the last bytes, and then to close its side.
const LINGER: Duration = Duration::from_millis(500);

/// Bytes of a peer that does not stop which are read and thrown away.
const MAX_DISCARDED: usize = 256 << 10;

/// Writes what is left and closes the transport in good order, within [`LINGER`] for each step.
pub(super) async fn close(
    live: &Live,
    read: &mut (dyn AsyncRead + Send + Unpin),
    error: &ConnectionError,
) {
    if matches!(error, ConnectionError::Transport(_)) {
        return;
    }
    let flushed = timeout(LINGER, poll_fn(|cx| poll_flush(live, cx))).await;
    if flushed.is_err() || poll_fn(|cx| live.poll_shutdown(cx)).await.is_err() {
        return;
    }
    let peer_may_write = !matches!(error, ConnectionError::Lost);
    if peer_may_write {
        // A peer that takes longer has had its chance to read why.
        let _ = timeout(LINGER, poll_fn(|cx| poll_discard(read, cx))).await;
    }
}

fn poll_flush(live: &Live, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        match live.flush(cx) {
            Flushed::All | Flushed::Quiet | Flushed::Ended => return Poll::Ready(()),
            Flushed::More => {}
            Flushed::Blocked => return Poll::Pending,
        }
    }
}

fn poll_discard(read: &mut (dyn AsyncRead + Send + Unpin), cx: &mut Context<'_>) -> Poll<()> {
    let mut discarded = 0;
    let mut bytes = [0; 1024];
    loop {
        let mut buffer = ReadBuf::new(&mut bytes);
        match std::task::ready!(Pin::new(&mut *read).poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() && discarded < MAX_DISCARDED => {
                discarded += buffer.filled().len();
            }
            _ => return Poll::Ready(()),
        }
    }
}
