//! The member's terminal: a line to type on that stays where it is while messages come, or plain lines where
//! there is no terminal.

use std::{
    fmt::Write as _,
    io::{BufRead as _, IsTerminal as _, Write as _, stdin, stdout},
};

use rustyline::{DefaultEditor, ExternalPrinter as _, error::ReadlineError};
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

use crate::{
    client::{Answer, Command, Shown},
    service::protocol::{Event, Line},
};

/// The help text.
pub const HELP: &str = "\
/join ROOM       go to another room
/leave           leave the room
/who             who is in the room
/rooms           which rooms there are
/msg NICK TEXT   say something to one member
/history         what was said in the room
/help            this
/quit            leave the chat; so does Ctrl-D
anything else is said to everybody in the room";

/// The meaning of a typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    Command(Command),
    Help,
    Quit,
    Nothing,
    Wrong(String),
}

/// Reads a typed line.
pub fn parse(line: &str) -> Typed {
    let line = line.trim();
    let Some(command) = line.strip_prefix('/') else {
        return match line {
            "" => Typed::Nothing,
            text => Typed::Command(Command::Say(text.to_owned())),
        };
    };
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    Typed::Command(match (word, rest) {
        ("help" | "?", _) => return Typed::Help,
        ("quit" | "q", _) => return Typed::Quit,
        ("leave", _) => Command::Leave,
        ("who", _) => Command::Who,
        ("rooms", _) => Command::Rooms,
        ("history", _) => Command::History,
        ("join", "") => return Typed::Wrong("write /join ROOM".to_owned()),
        ("join", room) => Command::Join(room.to_owned()),
        ("msg", rest) => match rest.split_once(char::is_whitespace) {
            Some((nick, text)) => {
                Command::Tell { nick: nick.to_owned(), text: text.trim().to_owned() }
            }
            None => return Typed::Wrong("write /msg NICK TEXT".to_owned()),
        },
        (word, _) => return Typed::Wrong(format!("there is no /{word}: see /help")),
    })
}

/// The style of output: with colours on a terminal, unless NO_COLOR is set.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    colours: bool,
}

impl Look {
    /// The style that suits stdout.
    pub fn of_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { colours: wanted && stdout().is_terminal() }
    }

    /// Without colours.
    pub const fn plain() -> Self {
        Self { colours: false }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A nickname, in a colour of its own.
    fn nick(self, nick: &str) -> String {
        let sum: u32 = nick.bytes().map(u32::from).sum();
        self.paint(&format!("1;{}", 31 + sum % 6), nick)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn line(self, line: &Line) -> String {
        format!("{}: {}", self.nick(&line.nick), printable(&line.text))
    }

    fn lines(self, lines: &[Line]) -> String {
        lines.iter().map(|line| self.line(line)).collect::<Vec<_>>().join("\n")
    }

    /// A message as text.
    pub fn show(self, shown: &Shown) -> String {
        match shown {
            Shown::Event(Event::Welcome { history, members, .. }) => {
                let mut text = self.lines(history);
                if !text.is_empty() {
                    text.push('\n');
                }
                let _ = write!(text, "{}", self.dim(&format!("* here: {}", members.join(", "))));
                text
            }
            Shown::Event(Event::Said(line)) => self.line(line),
            Shown::Event(Event::Joined(nick)) => self.dim(&format!("* {nick} joined")),
            Shown::Event(Event::Left(nick)) => self.dim(&format!("* {nick} left")),
            Shown::Event(Event::Dropped { missed }) => self.dim(&format!(
                "* this program was too slow and missed {missed} events; joining again"
            )),
            Shown::Private(line) => format!("{} {}", self.dim("(to you)"), self.line(line)),
            Shown::Lost(why) => self.dim(&format!("* connection lost ({why}); trying again")),
            Shown::Unreachable { address, why } => {
                self.dim(&format!("* cannot reach {address} ({why}); trying again"))
            }
            Shown::Kept => self.dim("* not connected: it will be sent when the connection is back"),
            Shown::Failed(why) => self.paint("31", &format!("! {why}")),
            Shown::Answer(Answer::Who(members)) => {
                self.dim(&format!("* here: {}", members.join(", ")))
            }
            Shown::Answer(Answer::Rooms(rooms)) => {
                let rooms: Vec<_> =
                    rooms.iter().map(|room| format!("{} ({})", room.name, room.members)).collect();
                self.dim(&format!("* rooms: {}", rooms.join(", ")))
            }
            Shown::Answer(Answer::History(lines)) if lines.is_empty() => {
                self.dim("* nothing was said yet")
            }
            Shown::Answer(Answer::History(lines)) => self.lines(lines),
            Shown::Answer(Answer::Told(nick)) => self.dim(&format!("* {nick} got it")),
            Shown::Answer(Answer::Left) => self.dim("* you left the room; /join another one"),
        }
    }
}

/// A text without the characters that move the cursor or change colours.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Shows messages and reads lines until the user quits. Reading blocks, so it has a thread of its own, which
/// ends with the program.
pub async fn run(nick: &str, commands: Sender<Command>, mut shown: UnboundedReceiver<Shown>) {
    let look = Look::of_stdout();
    let interactive = stdin().is_terminal() && stdout().is_terminal();
    let editor = if interactive { DefaultEditor::new().ok() } else { None };
    let mut print: Box<dyn FnMut(String) + Send> = Box::new(|text| {
        // An error means that stdout is closed: there is nobody left to read the line.
        let _ = writeln!(stdout(), "{text}");
    });
    let prompt = format!("{nick}> ");
    let mut editor = editor;
    if let Some(mut printer) =
        editor.as_mut().and_then(|editor| editor.create_external_printer().ok())
    {
        print = Box::new(move |text| {
            let _ = printer.print(format!("{text}\n"));
        });
    }
    let (typed, mut lines) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || read_lines(editor, &prompt, &typed));
    loop {
        tokio::select! {
            event = shown.recv() => match event {
                Some(event) => print(look.show(&event)),
                None => return,
            },
            line = lines.recv() => match line.as_deref().map(parse) {
                None | Some(Typed::Quit) => break,
                Some(Typed::Nothing) => {}
                Some(Typed::Help) => print(HELP.to_owned()),
                Some(Typed::Wrong(why)) => print(look.show(&Shown::Failed(why))),
                Some(Typed::Command(command)) => {
                    if commands.send(command).await.is_err() {
                        return;
                    }
                }
            },
        }
    }
    // Commands that were given are still answered.
    drop(commands);
    while let Some(event) = shown.recv().await {
        print(look.show(&event));
    }
}

fn read_lines(editor: Option<DefaultEditor>, prompt: &str, typed: &Sender<String>) {
    let Some(mut editor) = editor else {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                return;
            }
        }
        return;
    };
    loop {
        match editor.readline(prompt) {
            Ok(line) => {
                // A full history drops its oldest line.
                let _ = editor.add_history_entry(&line);
                if typed.blocking_send(line).is_err() {
                    return;
                }
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "cannot read the terminal: {error}");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_commands() {
        assert_eq!(parse("  hello all "), Typed::Command(Command::Say("hello all".to_owned())));
        assert_eq!(parse("/join  tea"), Typed::Command(Command::Join("tea".to_owned())));
        let tell = Command::Tell { nick: "bob".to_owned(), text: "hi there".to_owned() };
        assert_eq!(parse("/msg bob  hi there"), Typed::Command(tell));
        assert!(matches!(parse("/msg bob"), Typed::Wrong(_)));
        assert!(matches!(parse("/dance"), Typed::Wrong(why) if why.contains("/dance")));
        assert_eq!(
            (parse(""), parse("/quit"), parse("/help")),
            (Typed::Nothing, Typed::Quit, Typed::Help)
        );
    }

    #[test]
    fn what_others_write_cannot_move_the_cursor() {
        let line = Line { nick: "eve".to_owned(), text: "a\x1b[2Jb\nc".to_owned() };
        let shown = Look::plain().show(&Shown::Event(Event::Said(line)));
        assert_eq!(shown, "eve: a [2Jb c");
    }
}
