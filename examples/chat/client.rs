//! A member of the chat: keeps a connection, joins again when it is lost, and turns what is typed into calls.

use std::time::Duration;

use rpc_core::{CallError, Endpoint};
use tokio::sync::mpsc::UnboundedSender;

use crate::service::protocol::{
    ChatClient, ChatError, ChatEvents, ChatEventsServer, Event, Line, RoomInfo,
};

/// Pauses between attempts to connect again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be shown to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// What happens in the room.
    Event(Event),
    /// A message to this member alone.
    Private(Line),
    /// The connection is gone; it is tried again.
    Lost(String),
    /// An answer to a command.
    Answer(Answer),
    /// What could not be done.
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

/// What a user can do.
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

/// What the server calls on this member.
struct Inbox(UnboundedSender<Shown>);

impl ChatEvents for Inbox {
    async fn private(&self, line: Line) {
        let _ = self.0.send(Shown::Private(line));
    }
}

/// A member that is in a room, or on its way there.
pub struct Member {
    address: String,
    nick: String,
    room: Option<String>,
    shown: UnboundedSender<Shown>,
    chat: Option<ChatClient>,
    session: Option<u64>,
}

/// What ended the time in a room.
enum End {
    /// The user wants to be in another room, or in none.
    Moved,
    /// Nobody gives commands any more.
    Quit,
    /// The connection is gone.
    Lost(String),
}

impl Member {
    /// A member that is to join `room`.
    pub fn new(address: String, nick: String, room: String, shown: UnboundedSender<Shown>) -> Self {
        Self { address, nick, room: Some(room), shown, chat: None, session: None }
    }

    /// Lives until `commands` ends.
    ///
    /// # Errors
    /// The server does not let this member in at the first time.
    pub async fn run(
        mut self,
        mut commands: tokio::sync::mpsc::Receiver<Command>,
    ) -> Result<(), CallError<ChatError>> {
        let mut pause = FIRST_PAUSE;
        let mut joined_once = false;
        loop {
            let end = match self.connect().await {
                Ok(chat) => self.stay(&chat, &mut commands, &mut joined_once).await,
                Err(error) => Ok(End::Lost(error)),
            };
            match end {
                Ok(End::Quit) => return Ok(()),
                Ok(End::Moved) => pause = FIRST_PAUSE,
                Ok(End::Lost(why)) => {
                    self.chat = None;
                    self.show(Shown::Lost(why));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                // The old connection may not be gone yet for the server: the nickname is this member's.
                Err(CallError::App(ChatError::NickTaken(_))) if joined_once => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn connect(&mut self) -> Result<ChatClient, String> {
        if let Some(chat) = &self.chat {
            return Ok(chat.clone());
        }
        let inbox = ChatEventsServer::new(Inbox(self.shown.clone()));
        let endpoint = Endpoint::new().name("chat member").serve(inbox);
        let endpoint = endpoint.map_err(|error| error.to_string())?;
        let channel = endpoint.connect(&*self.address).await.map_err(|error| error.to_string())?;
        let chat = ChatClient::new(channel);
        self.chat = Some(chat.clone());
        Ok(chat)
    }

    /// Is in the room, if there is one, and obeys until something ends that.
    async fn stay(
        &mut self,
        chat: &ChatClient,
        commands: &mut tokio::sync::mpsc::Receiver<Command>,
        joined_once: &mut bool,
    ) -> Result<End, CallError<ChatError>> {
        self.session = None;
        let mut events = match &self.room {
            None => None,
            Some(room) => match chat.join(&self.nick, room).await {
                Ok(events) => Some(events),
                Err(CallError::Status(status)) => return Ok(End::Lost(status.to_string())),
                Err(error) => return Err(error),
            },
        };
        loop {
            let event = async {
                match &mut events {
                    Some(events) => events.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = event => match event {
                    Some(Ok(event)) => {
                        if let Event::Welcome { session, .. } = &event {
                            self.session = Some(*session);
                            *joined_once = true;
                        }
                        let dropped = matches!(event, Event::Dropped { .. });
                        self.show(Shown::Event(event));
                        if dropped {
                            // In again, with the history of what was missed.
                            return Ok(End::Moved);
                        }
                    }
                    Some(Err(error)) => return Ok(End::Lost(error.to_string())),
                    None => {
                        self.room = None;
                        return Ok(End::Moved);
                    }
                },
                command = commands.recv() => match command {
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
