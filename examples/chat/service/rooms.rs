//! The rooms: their members and messages. Knows no connections.

use std::collections::{BTreeMap, HashMap, VecDeque};

use rpc_core::{Broadcast, Subscription};

use super::protocol::{ChatError, ChatEventsClient, Event, Line, RoomInfo};

/// The most messages that a room keeps.
const REMEMBERED: usize = 100;

/// The most events that a member may be behind before it is dropped.
const BEHIND: usize = 256;

/// The most bytes of one message.
const LONGEST: usize = 4 << 10;

struct Room {
    events: Broadcast<Event>,
    /// Bounded by: `REMEMBERED`.
    history: VecDeque<Line>,
    members: Vec<String>,
}

struct Member {
    nick: String,
    room: String,
    client: ChatEventsClient,
}

/// All rooms. A room exists while it has members.
#[derive(Default)]
pub struct Rooms {
    rooms: BTreeMap<String, Room>,
    members: HashMap<u64, Member>,
}

/// The state of a room that a new member receives.
pub struct Entry {
    pub welcome: Event,
    pub events: Subscription<Event>,
}

impl Rooms {
    /// Adds a member.
    pub fn join(
        &mut self,
        session: u64,
        nick: &str,
        room: &str,
        client: ChatEventsClient,
    ) -> Result<Entry, ChatError> {
        for name in [nick, room] {
            check_name(name)?;
        }
        if self.members.values().any(|member| member.nick == nick) {
            return Err(ChatError::NickTaken(nick.to_owned()));
        }
        let entered = self.rooms.entry(room.to_owned()).or_insert_with(|| Room {
            events: Broadcast::new(BEHIND),
            history: VecDeque::new(),
            members: Vec::new(),
        });
        entered.events.send(Event::Joined(nick.to_owned()));
        entered.members.push(nick.to_owned());
        let (nick, room) = (nick.to_owned(), room.to_owned());
        self.members.insert(session, Member { nick, room, client });
        let history = entered.history.iter().cloned().collect();
        let welcome = Event::Welcome { session, history, members: entered.members.clone() };
        Ok(Entry { welcome, events: entered.events.subscribe() })
    }

    /// Removes a member; does nothing if it has left already.
    pub fn leave(&mut self, session: u64) {
        let Some(member) = self.members.remove(&session) else { return };
        let Some(room) = self.rooms.get_mut(&member.room) else { return };
        room.members.retain(|nick| *nick != member.nick);
        room.events.send(Event::Left(member.nick));
        if room.members.is_empty() {
            self.rooms.remove(&member.room);
        }
    }

    /// Sends a message to all members of the room.
    pub fn say(&mut self, session: u64, text: String) -> Result<(), ChatError> {
        check_text(&text)?;
        let member = self.members.get(&session).ok_or(ChatError::NotJoined)?;
        let room = self.rooms.get_mut(&member.room).ok_or(ChatError::NotJoined)?;
        let line = Line { nick: member.nick.clone(), text };
        room.history.push_back(line.clone());
        if room.history.len() > REMEMBERED {
            room.history.pop_front();
        }
        room.events.send(Event::Said(line));
        Ok(())
    }

    /// Returns a private message and the client of its receiver.
    pub fn tell(
        &self,
        session: u64,
        nick: &str,
        text: String,
    ) -> Result<(Line, ChatEventsClient), ChatError> {
        check_text(&text)?;
        let from = self.members.get(&session).ok_or(ChatError::NotJoined)?;
        let to = self.members.values().find(|member| member.nick == nick);
        let to = to.ok_or_else(|| ChatError::NoSuchMember(nick.to_owned()))?;
        Ok((Line { nick: from.nick.clone(), text }, to.client.clone()))
    }

    /// The messages in the member's room.
    pub fn history(&self, session: u64) -> Result<Vec<Line>, ChatError> {
        Ok(self.room_of(session)?.history.iter().cloned().collect())
    }

    /// The members of the member's room.
    pub fn who(&self, session: u64) -> Result<Vec<String>, ChatError> {
        Ok(self.room_of(session)?.members.clone())
    }

    fn room_of(&self, session: u64) -> Result<&Room, ChatError> {
        let member = self.members.get(&session).ok_or(ChatError::NotJoined)?;
        self.rooms.get(&member.room).ok_or(ChatError::NotJoined)
    }

    /// All rooms.
    pub fn list(&self) -> Vec<RoomInfo> {
        let info = |(name, room): (&String, &Room)| RoomInfo {
            name: name.clone(),
            members: u32::try_from(room.members.len()).unwrap_or(u32::MAX),
        };
        self.rooms.iter().map(info).collect()
    }
}

fn check_name(name: &str) -> Result<(), ChatError> {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    match (1..=20).contains(&name.chars().count()) && name.chars().all(plain) {
        true => Ok(()),
        false => Err(ChatError::BadName(name.chars().take(40).collect())),
    }
}

fn check_text(text: &str) -> Result<(), ChatError> {
    match text.len() <= LONGEST {
        true => Ok(()),
        false => Err(ChatError::TooLong { limit: LONGEST as u32 }),
    }
}
