//! A member of the chat: keeps a connection, joins again when it is lost, and turns commands into calls.

use std::{collections::VecDeque, time::Duration};

use rpc_core::{Address, AddressError, CallError, DialError, Endpoint, Reconnect, Resume};
use tokio::sync::mpsc::{Receiver, UnboundedSender};

use crate::service::protocol::{
    ChatClient, ChatError, ChatEvents, ChatEventsServer, Event, Line, RoomInfo,
};

/// Pauses between attempts to connect again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The time for which a cable may be cut without anybody being told.
const UNNOTICED: Duration = Duration::from_secs(5);

/// The timeout of a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// Commands that are kept while there is no connection.
pub const KEPT: usize = 16;

/// A message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An event in the room.
    Event(Event),
    /// A message to this member alone.
    Private(Line),
    /// The connection was lost; a new one is tried.
    Lost(String),
    /// The attempt to connect failed; it is repeated.
    Unreachable { address: String, why: String },
    /// A command is kept until there is a connection again.
    Kept,
    /// An answer to a command.
    Answer(Answer),
    /// The reason why a command failed.
    Failed(String),
}

/// An answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Who(Vec<String>),
    Rooms(Vec<RoomInfo>),
    History(Vec<Line>),
    Told(String),
    Left,
}

/// A command of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Say(String),
    Join(String),
    Leave,
    Who,
    Rooms,
    History,
    Tell { nick: String, text: String },
}

/// The service of this member, which the server calls.
struct Inbox(UnboundedSender<Shown>);

impl ChatEvents for Inbox {
    async fn private(&self, line: Line) {
        let _ = self.0.send(Shown::Private(line));
    }
}

/// A member that is in a room, or on its way there.
pub struct Member {
    address: Address,
    nick: String,
    room: Option<String>,
    shown: UnboundedSender<Shown>,
    chat: Option<ChatClient>,
    session: Option<u64>,
    /// True once a room was joined: errors of the server are losses from then on.
    joined_once: bool,
    /// The last message about the connection, while it still holds.
    offline: Option<Shown>,
    /// Commands that came while there was no connection. Bounded by: `KEPT`.
    kept: VecDeque<Command>,
}

/// The reason why a stay in a room ended.
enum End {
    /// The user wants to be in another room, or in none.
    Moved,
    /// The source of commands has ended.
    Quit,
    /// There is no connection; with the message about it.
    Offline(Shown),
}

impl Member {
    /// A member that is to join `room`.
    ///
    /// # Errors
    /// `address` is malformed: trying again would not help.
    pub fn new(
        address: &str,
        nick: String,
        room: String,
        shown: UnboundedSender<Shown>,
    ) -> Result<Self, AddressError> {
        let (address, room) = (address.parse()?, Some(room));
        let (chat, session, offline, kept) = (None, None, None, VecDeque::new());
        let joined_once = false;
        Ok(Self { address, nick, room, shown, chat, session, joined_once, offline, kept })
    }

    /// Lives until `commands` ends.
    ///
    /// # Errors
    /// The server does not let this member in at the first time.
    pub async fn run(
        mut self,
        mut commands: Receiver<Command>,
    ) -> Result<(), CallError<ChatError>> {
        let mut pause = FIRST_PAUSE;
        loop {
            let end = match self.connect(&mut commands).await {
                Ok(chat) => self.stay(&chat, &mut commands).await,
                Err(end) => Ok(end),
            };
            match end {
                Ok(End::Quit) => return Ok(()),
                Ok(End::Moved) => {
                    pause = FIRST_PAUSE;
                    continue;
                }
                Ok(End::Offline(why)) => {
                    self.chat = None;
                    if self.offline.is_none() {
                        pause = FIRST_PAUSE;
                    }
                    // A reason that comes again was shown.
                    if self.offline.as_ref() != Some(&why) {
                        self.show(why.clone());
                    }
                    self.offline = Some(why);
                }
                // The old connection may not be gone yet for the server: the nickname is this member's.
                Err(CallError::App(ChatError::NickTaken(_))) if self.joined_once => {}
                Err(error) => return Err(error),
            }
            if self.meanwhile(tokio::time::sleep(pause), &mut commands).await.is_none() {
                return Ok(());
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&mut self, commands: &mut Receiver<Command>) -> Result<ChatClient, End> {
        if let Some(chat) = &self.chat {
            return Ok(chat.clone());
        }
        let inbox = ChatEventsServer::new(Inbox(self.shown.clone()));
        // It says itself when it is cut off, and comes back by and by.
        let resume = Resume::new().window(UNNOTICED);
        let endpoint = Endpoint::new().reconnect(Reconnect::off()).resume(resume);
        let endpoint = endpoint.name("chat member").with(inbox);
        let address = self.address.clone();
        let channel = match &self.offline {
            None => endpoint.connect(address).await,
            Some(_) => {
                self.meanwhile(endpoint.connect(address), commands).await.ok_or(End::Quit)?
            }
        };
        let channel = channel.map_err(|error| {
            // The address is named already.
            self.unreachable(match error {
                DialError::Refused { .. } => "nothing is listening there".to_owned(),
                DialError::Resolve { reason, .. } | DialError::Connect { reason, .. } => {
                    reason.to_string()
                }
                error => error.to_string(),
            })
        })?;
        let chat = ChatClient::new(channel);
        self.chat = Some(chat.clone());
        Ok(chat)
    }

    fn unreachable(&self, why: String) -> End {
        End::Offline(Shown::Unreachable { address: self.address.to_string(), why })
    }

    /// Awaits something that is to bring the connection back, and keeps the commands that come meanwhile. `None`:
    /// nobody gives any more.
    async fn meanwhile<T>(
        &mut self,
        work: impl Future<Output = T>,
        commands: &mut Receiver<Command>,
    ) -> Option<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                command = commands.recv() => match command {
                    Some(command) => self.keep(command),
                    None => {
                        if !self.kept.is_empty() {
                            self.show(Shown::Failed("what was typed meanwhile is not sent".to_owned()));
                        }
                        return None;
                    }
                },
            }
        }
    }

    fn keep(&mut self, command: Command) {
        if self.kept.len() == KEPT {
            let why = format!("not connected, and {KEPT} lines are kept already: this one is not");
            return self.show(Shown::Failed(why));
        }
        self.kept.push_back(command);
        self.show(Shown::Kept);
    }

    /// Stays in the room, if there is one, and runs commands until something ends the stay.
    async fn stay(
        &mut self,
        chat: &ChatClient,
        commands: &mut Receiver<Command>,
    ) -> Result<End, CallError<ChatError>> {
        self.session = None;
        let mut events = match &self.room {
            None => None,
            Some(room) => match chat.join(&self.nick, room).await {
                Ok(events) => Some(events),
                Err(CallError::Status(status)) if self.joined_once && self.offline.is_none() => {
                    return Ok(End::Offline(Shown::Lost(status.to_string())));
                }
                Err(CallError::Status(status)) => return Ok(self.unreachable(status.to_string())),
                Err(error) => return Err(error),
            },
        };
        loop {
            let obeys = events.is_none() || self.session.is_some();
            let event = async {
                match &mut events {
                    Some(events) => events.next().await,
                    None => std::future::pending().await,
                }
            };
            // Kept commands come first, and none before the session is known: calls need it.
            let command = async {
                match self.kept.pop_front() {
                    Some(command) => Some(command),
                    None => commands.recv().await,
                }
            };
            tokio::select! {
                event = event => match event {
                    Some(Ok(event)) => {
                        if let Event::Welcome { session, .. } = &event {
                            self.session = Some(*session);
                            self.offline = None;
                            self.joined_once = true;
                        }
                        let dropped = matches!(event, Event::Dropped { .. });
                        self.show(Shown::Event(event));
                        if dropped {
                            // In again, with the history of what was missed.
                            return Ok(End::Moved);
                        }
                    }
                    Some(Err(error)) => {
                        return Ok(End::Offline(Shown::Lost(error.to_string())));
                    }
                    None => {
                        self.room = None;
                        return Ok(End::Moved);
                    }
                },
                command = command, if obeys => match command {
                    None => return Ok(End::Quit),
                    Some(Command::Join(room)) => {
                        if let Some(session) = self.session.filter(|_| events.is_some()) {
                            // Told before the new room is asked for: the nickname is free then.
                            let _ = chat.leave(session).timeout(PATIENCE).await;
                        }
                        self.room = Some(room);
                        return Ok(End::Moved);
                    }
                    Some(command) => self.obey(chat, command).await,
                },
            }
        }
    }

    async fn obey(&mut self, chat: &ChatClient, command: Command) {
        let session = self.session.unwrap_or_default();
        let answer = match command {
            Command::Say(text) => chat.say(session, text).timeout(PATIENCE).await.map(|()| None),
            Command::Leave => {
                chat.leave(session).timeout(PATIENCE).await.map(|()| Some(Answer::Left))
            }
            Command::Who => {
                chat.who(session).timeout(PATIENCE).await.map(|who| Some(Answer::Who(who)))
            }
            Command::History => {
                let history = chat.history(session).timeout(PATIENCE).await;
                history.map(|lines| Some(Answer::History(lines)))
            }
            Command::Tell { nick, text } => {
                let told = chat.tell(session, &nick, text).timeout(PATIENCE).await;
                told.map(|()| Some(Answer::Told(nick)))
            }
            Command::Rooms => match chat.rooms().timeout(PATIENCE).await {
                Ok(rooms) => Ok(Some(Answer::Rooms(rooms))),
                Err(error) => return self.show(Shown::Failed(error.to_string())),
            },
            Command::Join(_) => return,
        };
        match answer {
            Ok(Some(answer)) => self.show(Shown::Answer(answer)),
            Ok(None) => {}
            Err(error) => self.show(Shown::Failed(error.to_string())),
        }
    }

    fn show(&self, shown: Shown) {
        // Nobody looks when the program ends.
        let _ = self.shown.send(shown);
    }
}
