//! The chat as a service: its protocol, the rooms, and `Chat` over them. `rpc demo` serves it too.

pub mod protocol;
mod rooms;

use std::{
    collections::hash_map::RandomState,
    future,
    hash::BuildHasher as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{StreamExt as _, stream};
use rpc_core::{Context, Shared, Stream};

use protocol::{Chat, ChatError, ChatServer, Event, Line, RoomInfo};
use rooms::{Entry, Rooms};

/// The service, without rooms.
pub fn chat() -> ChatServer<impl Chat> {
    ChatServer::new(Hall::default())
}

/// The implementation of `Chat`.
#[derive(Clone, Default)]
struct Hall {
    rooms: Arc<Mutex<Rooms>>,
    sessions: Arc<Sessions>,
}

/// Numbers that nobody can guess from the outside of this process.
#[derive(Default)]
struct Sessions {
    next: AtomicU64,
    hasher: RandomState,
}

impl Sessions {
    fn next(&self) -> u64 {
        self.hasher.hash_one(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Removes a member when its stream ends, however it ends.
struct Presence {
    hall: Hall,
    session: u64,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.hall.rooms().leave(self.session);
    }
}

impl Hall {
    /// Never held across an `.await`.
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chat for Hall {
    async fn join(
        &self,
        cx: &Context,
        nick: String,
        room: String,
    ) -> Result<impl Stream<Item = Shared<Event>>, ChatError> {
        let session = self.sessions.next();
        let Entry { welcome, events } = self.rooms().join(session, &nick, &room, cx.peer())?;
        let presence = Presence { hall: self.clone(), session };
        // After a lag the notice is the last event.
        let events = events.scan(false, |dropped, event| {
            let next = match event {
                _ if *dropped => None,
                Ok(event) => Some(event),
                Err(lagged) => {
                    *dropped = true;
                    Some(Shared::new(Event::Dropped { missed: lagged.missed }))
                }
            };
            future::ready(next)
        });
        // The end of the stream tells a member that its `leave` is done.
        let left = move |event: &Shared<Event>| match &**event {
            Event::Left(who) => *who == nick,
            _ => false,
        };
        let events = events.take_while(move |event| future::ready(!left(event)));
        let welcome = stream::once(future::ready(Shared::new(welcome)));
        Ok(welcome.chain(events).map(move |event| {
            let _presence = &presence;
            event
        }))
    }

    async fn say(&self, session: u64, text: String) -> Result<(), ChatError> {
        self.rooms().say(session, text)
    }

    async fn tell(&self, session: u64, nick: String, text: String) -> Result<(), ChatError> {
        let (line, client) = self.rooms().tell(session, &nick, text)?;
        client.private(line).await.map_err(|_| ChatError::Unreachable(nick))
    }

    async fn leave(&self, session: u64) -> Result<(), ChatError> {
        let mut rooms = self.rooms();
        rooms.who(session)?;
        rooms.leave(session);
        Ok(())
    }

    async fn history(&self, session: u64) -> Result<Vec<Line>, ChatError> {
        self.rooms().history(session)
    }

    async fn who(&self, session: u64) -> Result<Vec<String>, ChatError> {
        self.rooms().who(session)
    }

    async fn rooms(&self) -> Vec<RoomInfo> {
        Self::rooms(self).list()
    }
}
