//! What the two sides of the chat say to each other: `Chat` is served by the server, `ChatEvents` by each
//! client.

use rpc_core::{Context, Schema, Shared, Stream, service};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Line {
    /// Who said it.
    pub nick: String,
    /// What was said.
    pub text: String,
}

/// What happens in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Event {
    /// The first event: this member is in the room.
    Welcome {
        /// Proves to the server who calls.
        session: u64,
        /// What was said before, oldest first.
        history: Vec<Line>,
        /// Who is in the room, this member included.
        members: Vec<String>,
    },
    /// Somebody said something.
    Said(Line),
    /// Somebody came.
    Joined(String),
    /// Somebody left, or was lost.
    Left(String),
    /// The last event: this member did not keep up.
    Dropped {
        /// How many events it has missed.
        missed: u64,
    },
}

/// A room and how many are in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct RoomInfo {
    /// Its name.
    pub name: String,
    /// How many members it has.
    pub members: u32,
}

/// Why the server does not do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, Error)]
pub enum ChatError {
    /// Somebody else has the nickname.
    #[error("somebody is called {0} already: choose another nickname")]
    NickTaken(String),
    /// Names are short and plain.
    #[error("{0:?} is no name: use 1 to 20 letters, digits, `-` and `_`")]
    BadName(String),
    /// Messages are short.
    #[error("a message has at most {limit} bytes")]
    TooLong {
        /// The most that is taken.
        limit: u32,
    },
    /// The session is over, or never was.
    #[error("join a room first")]
    NotJoined,
    /// Nobody has that nickname.
    #[error("nobody is called {0}")]
    NoSuchMember(String),
    /// The member is there, but its program did not take the message.
    #[error("{0} could not be reached")]
    Unreachable(String),
}

/// A chat with rooms.
#[service]
pub trait Chat {
    /// Joins a room. The stream is the membership: who drops it, or loses the connection, has left.
    async fn join(
        &self,
        cx: &Context,
        nick: String,
        room: String,
    ) -> Result<impl Stream<Item = Shared<Event>>, ChatError>;
    /// Says something in the room, in the order in which it was typed.
    #[rpc(ordered)]
    async fn say(&self, session: u64, text: String) -> Result<(), ChatError>;
    /// Says something to one member, wherever it is. Returns when its program has shown it.
    async fn tell(&self, session: u64, nick: String, text: String) -> Result<(), ChatError>;
    /// Leaves the room.
    async fn leave(&self, session: u64) -> Result<(), ChatError>;
    /// What was said in the room, oldest first.
    async fn history(&self, session: u64) -> Result<Vec<Line>, ChatError>;
    /// Who is in the room.
    async fn who(&self, session: u64) -> Result<Vec<String>, ChatError>;
    /// All rooms that somebody is in.
    async fn rooms(&self) -> Vec<RoomInfo>;
}

/// What the server calls on its members.
#[service]
pub trait ChatEvents {
    /// A private message.
    async fn private(&self, line: Line);
}
