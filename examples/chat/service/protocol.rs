//! The services of the chat's two sides: `Chat` is served by the server, `ChatEvents` by each client.

use rpc_core::{Context, Schema, Shared, Stream, service};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A message that was said in a room, or to one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Line {
    /// The nickname of its sender.
    pub nick: String,
    /// The text.
    pub text: String,
}

/// An event in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Event {
    /// The first event: this member is in the room.
    Welcome {
        /// The proof of membership, for later calls.
        session: u64,
        /// The messages before, oldest first.
        history: Vec<Line>,
        /// The nicknames of the members, this one included.
        members: Vec<String>,
    },
    /// A message.
    Said(Line),
    /// A member came.
    Joined(String),
    /// A member left, or lost its connection.
    Left(String),
    /// The last event: this member did not keep up.
    Dropped {
        /// The number of events that it has missed.
        missed: u64,
    },
}

/// A room and the number of its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct RoomInfo {
    /// Its name.
    pub name: String,
    /// The number of its members.
    pub members: u32,
}

/// The reason why the server refuses a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, Error)]
pub enum ChatError {
    /// Another member has the nickname.
    #[error("somebody is called {0} already: choose another nickname")]
    NickTaken(String),
    /// Names are short and plain.
    #[error("{0:?} is not a name: use 1 to 20 letters, digits, `-` and `_`")]
    BadName(String),
    /// Messages are short.
    #[error("a message has at most {limit} bytes")]
    TooLong {
        /// The most bytes that are accepted.
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
    /// Joins a room. The stream is the membership: a client that drops it, or loses the connection, has left.
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
    /// Returns the messages in the room, oldest first.
    async fn history(&self, session: u64) -> Result<Vec<Line>, ChatError>;
    /// Returns the nicknames of the room's members.
    async fn who(&self, session: u64) -> Result<Vec<String>, ChatError>;
    /// Returns all rooms that have members.
    async fn rooms(&self) -> Vec<RoomInfo>;
}

/// The calls of the server to its members.
#[service]
pub trait ChatEvents {
    /// A private message.
    async fn private(&self, line: Line);
}
