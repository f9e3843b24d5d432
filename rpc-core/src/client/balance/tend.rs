//! The task of one server: keeps a connection to it, and lets calls go there while that stands.

use std::{future::pending, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use tokio::sync::watch;

use super::{Fleet, member::Member};
use crate::{
    client::{
        discover::Instance,
        reconnect::{Line, Need, Whose},
    },
    connection::Connection,
    seam::{Caller as _, Course, Phase, Remote as _, Supply as _},
    time::now,
};

/// For how long a server is left alone the first time, and at most.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How a connection of a fleet ended, or what is to be done with it.
enum Told {
    /// No more calls can be made on it.
    Ended,
    /// Something has changed on its line.
    Changed,
    /// Its calls fail.
    Fails,
}

impl Fleet {
    pub(super) async fn tend(self: Arc<Self>, key: (Instance, usize), line: Arc<Line>) {
        let mut changes = line.changes();
        let mut need = None;
        while !line.is_done() {
            let Some((_, connection)) = line.current() else {
                need.get_or_insert_with(|| Need::of(&line, Whose::Line));
                self.look_at(&line);
                let _ = changes.changed().await;
                continue;
            };
            need = None;
            if let Some(server) = self.state.lock().servers.get_mut(&key) {
                server.memory = connection.peer_memory();
            }
            self.attend(&line, connection, &mut changes).await;
        }
        // Its end may be what those wait for who wait for nothing else.
        self.look_at(&line);
    }

    /// Takes note of why a server is not connected, if that is known.
    fn look_at(&self, line: &Line) {
        let Some(trouble) = line.trouble() else { return };
        self.refresh.want();
        self.state.lock().failure = Some(trouble.status);
        self.tell();
    }

    /// Lets calls go to a connection for as long as it stands.
    async fn attend(
        self: &Arc<Self>,
        line: &Arc<Line>,
        connection: Arc<Connection>,
        changes: &mut watch::Receiver<Course>,
    ) {
        let member = Member::new(self, connection);
        let mut alone = Duration::ZERO;
        self.enter(&member);
        let mut until = None;
        loop {
            let left_alone = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => pending().await,
                }
            };
            let told = pin!(told(&member, changes));
            let Either::Left((told, _)) = select(told, pin!(left_alone)).await else {
                until = None;
                self.enter(&member);
                continue;
            };
            match told {
                Told::Ended => break,
                Told::Changed if is_current(line, &member) => {}
                Told::Changed => break,
                Told::Fails if until.is_none() && self.may_eject() => {
                    alone = (alone * 2).clamp(FIRST, LONGEST);
                    let peer = member.connection.peer();
                    tracing::warn!(%peer, ?alone, "calls fail at a server, which is left alone");
                    until = Some(tokio::time::Instant::from_std(now() + alone));
                    self.remove(&member);
                }
                Told::Fails => {}
            }
        }
        self.remove(&member);
        line.retire(&(Arc::clone(&member.connection) as _));
        self.refresh.want();
    }

    /// Whether one more server may be left alone.
    fn may_eject(&self) -> bool {
        let ready = self.ready.read().len();
        let all = self.state.lock().servers.len();
        ready > 1 && (ready - 1) * 2 >= all
    }
}

async fn told(member: &Arc<Member>, changes: &mut watch::Receiver<Course>) -> Told {
    let ended = pin!(member.phases().reach(Phase::Draining));
    let changed = pin!(changes.changed());
    let fails = pin!(member.fails.notified());
    match select(ended, select(changed, fails)).await {
        Either::Left(_) => Told::Ended,
        Either::Right((Either::Left(_), _)) => Told::Changed,
        Either::Right((Either::Right(_), _)) => Told::Fails,
    }
}

fn is_current(line: &Line, member: &Member) -> bool {
    line.current().is_some_and(|(_, current)| Arc::ptr_eq(&current, &member.connection))
}
