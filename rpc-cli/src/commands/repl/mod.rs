//! `rpc repl`: a prompt at which methods are called: what is typed is completed from the server's own description, calls are
//! made as `rpc call` makes them, and Ctrl-C ends the call that runs rather than the program.

mod complete;
mod line;

use std::{io::IsTerminal as _, path::PathBuf, pin::pin, time::Duration};

use anyhow::Result;
use clap::ValueEnum as _;
use rpc_core::schema::ServiceSchema;
use rustyline::{CompletionType, Config, Editor, error::ReadlineError, history::FileHistory};
use tokio::sync::mpsc;

use self::complete::Assistant;
use super::call;
use crate::{
    coding::Wish,
    connect::{Connected, connect, method, split},
    exit::Failure,
    help, output,
    patience::{self, Patience},
    source, template,
};

const EXAMPLES: &str = "\
At the prompt:
  Calculator.add a=1 b=2          call a method; Tab completes services, methods and arguments
  :describe Calculator            its methods and types
  :set timeout 1s                 for every call
  :help                           all of it

Examples:
  rpc repl 127.0.0.1:7000
  printf 'Calculator.add a=1 b=2\\n' | rpc repl 127.0.0.1:7000";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    pub(super) address: String,
}

const HELP: &str = "\
Service.method name=value …     call a method; name:=json and {...} work too, over several lines
                                with quotes as in a shell: name='two words', 'name:=[1, 2]'
:list                           services and methods
:describe [Service[.method]]    signatures and types
:template Service.method        the arguments as JSON to fill in
:set                            what is set
:set timeout 1s                 for every call; `off` for none
:set header key=value           sent with every call; `off` for none
:set codec json                 for every call; `off` for bincode if the method is described
:quit                           leave, as do quit, exit and Ctrl-D

Tab completes. Ctrl-C cancels the running call. A method that takes a stream asks for its items, one a line, until an \
empty line; each is sent as it is typed.";

/// The prompt, and what was set at it.
struct Session {
    address: String,
    server: Connected,
    editor: Option<Prompt>,
    timeout: Option<Duration>,
    headers: Vec<String>,
    codec: Option<Wish>,
    /// What was typed for a call that had ended by then: it is the next line.
    next: Option<String>,
}

/// How long a ping may take before the call is made all the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a line comes to.
enum Next {
    Go,
    Quit,
}

/// Reads and does what is typed until the end.
pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let address = args.address;
    let mut server = connect(&address, patience).await?;
    let services = described(&mut server).await?;
    let config = Config::builder().completion_type(CompletionType::List).build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant { services, items: false }));
    let history = history();
    if let Some(path) = &history {
        // There is none at the first time.
        let _ = editor.load_history(path);
    }
    let editor = Some(editor);
    let mut session = Session {
        address,
        server,
        editor,
        timeout: None,
        headers: Vec::new(),
        codec: None,
        next: None,
    };
    if std::io::stdin().is_terminal() {
        session.greet();
    }
    let failed = session.act_on_lines().await?;
    if let (Some(path), Some(editor)) = (history, &mut session.editor) {
        // A history that cannot be kept is no reason to complain.
        let _ = path.parent().map(std::fs::create_dir_all);
        let _ = editor.save_history(&path);
    }
    match failed {
        // Nobody has read what was told of each: a script goes by how the program ends.
        Some(error) if !std::io::stdin().is_terminal() => Err(Failure::told(error).into()),
        _ => Ok(()),
    }
}

/// Whether a line that begins with this word is about what the server has, or is a call.
fn asks_the_server(word: &str) -> bool {
    let about = [":list", ":l", ":describe", ":d", ":template"];
    about.contains(&word) || (!word.starts_with(':') && word.contains('.'))
}

/// The descriptions of all services; none where the server does not describe itself.
async fn described(server: &mut Connected) -> Result<Vec<ServiceSchema>> {
    match source::all(server).await {
        Ok(services) => Ok(services),
        Err(error) if error.downcast_ref().is_some_and(Failure::is_about_descriptions) => {
            output::note(&format!("{error}: nothing can be completed"));
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Where the history is kept.
fn history() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    // As its specification has it, a path that is empty or relative counts as none.
    let state = state.filter(|path| path.is_absolute());
    let home = || std::env::home_dir().filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(home()?.join(".local/state")));
    Some(state?.join("rpc/history"))
}

impl Session {
    /// Does what is typed up to the end, and gives the last line's failure.
    async fn act_on_lines(&mut self) -> Result<Option<anyhow::Error>> {
        let mut failed = None;
        while let Some(typed) = self.line().await? {
            // What is pasted comes as one, of several lines.
            for line in line::commands(&typed) {
                match self.act(&line).await {
                    Ok(Next::Go) if line.trim().is_empty() => {}
                    Ok(Next::Go) => failed = None,
                    Ok(Next::Quit) => return Ok(failed),
                    Err(error) => {
                        match error.downcast_ref() {
                            Some(Failure::Interrupted) => output::note("cancelled"),
                            _ => output::error(&format!("{error:#}")),
                        }
                        failed = Some(error);
                    }
                }
            }
        }
        Ok(failed)
    }

    async fn line(&mut self) -> Result<Option<String>> {
        match self.next.take() {
            Some(line) => Ok(Some(line)),
            None => read(&mut self.editor, COMMAND).await,
        }
    }

    /// What a person sees first.
    fn greet(&self) {
        let name = self.server.channel.peer_name();
        let who = if name.is_empty() { String::new() } else { format!("{name}, ") };
        let count = self.services().len();
        let services = if count == 1 { "service" } else { "services" };
        output::note(&format!(
            "{who}{}: {count} {services}; Tab completes, :help shows what to type",
            self.server.address
        ));
    }

    /// What `:set` has set.
    fn settings(&self) {
        let time = self
            .timeout
            .map_or_else(|| "off".to_owned(), |time| humantime::format_duration(time).to_string());
        output::line(&format!("timeout {time}"));
        let codec = match self.codec {
            Some(Wish::Json) => "json",
            Some(Wish::Bincode) => "bincode",
            None => "off",
        };
        output::line(&format!("codec {codec}"));
        self.headers.iter().for_each(|header| output::line(&format!("header {header}")));
    }

    async fn act(&mut self, line: &str) -> Result<Next> {
        let words = line::words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.first().is_some_and(|word| asks_the_server(word)) {
            self.renew().await?;
        }
        match words[..] {
            [] => {}
            [":quit" | ":q" | ":exit" | "quit" | "exit"] => return Ok(Next::Quit),
            [":help" | ":h" | "help" | "?"] => output::line(&help::fit_to_terminal(HELP)),
            [":list" | ":l"] => self.list(),
            [":describe" | ":d"] => self.services().iter().for_each(|service| {
                output::rust(&service.render());
            }),
            [":describe" | ":d", what] => self.describe(what)?,
            [":template", path] => self.template(path)?,
            [":set"] => self.settings(),
            [":set", "timeout", "off"] => self.timeout = None,
            [":set", "timeout", time] => {
                let wrong = |error| Failure::argument(format!("{time:?} is not a time: {error}"));
                self.timeout = Some(patience::time(time).map_err(wrong)?);
            }
            [":set", "codec", "off"] => self.codec = None,
            [":set", "codec", name] => {
                let wrong =
                    |_| Failure::argument(format!("{name:?} is not a codec: bincode or json"));
                self.codec = Some(Wish::from_str(name, true).map_err(wrong)?);
            }
            [":set", "header", "off"] => self.headers.clear(),
            [":set", "header", pair] if call::metadata(&[pair.to_owned()]).is_ok() => {
                self.headers.push(pair.to_owned());
            }
            [word, ..] if word.starts_with(':') => {
                let message = format!("{line:?} is not a command; :help lists them");
                return Err(Failure::argument(message).into());
            }
            [path, ..] => {
                let arguments = words[1..].iter().map(|&word| word.to_owned()).collect();
                self.call(path, arguments).await?;
            }
        }
        Ok(Next::Go)
    }

    fn services(&self) -> &[ServiceSchema] {
        let assistant = self.editor.as_ref().and_then(|editor| editor.helper());
        assistant.map_or(&[], |assistant| &assistant.services)
    }

    fn service(&self, name: &str) -> Result<&ServiceSchema> {
        let found = self.services().iter().find(|service| service.name == name);
        let names: Vec<&str> =
            self.services().iter().map(|service| service.name.as_str()).collect();
        found.ok_or_else(|| {
            let instead = crate::suggest::instead(name, &names);
            Failure::unknown(format!("no service {name}; {instead}")).into()
        })
    }

    fn list(&self) {
        for service in self.services() {
            output::line(&service.name);
            for method in &service.methods {
                output::line(&format!("  {}", service.signature(method)));
            }
        }
    }

    fn describe(&self, what: &str) -> Result<()> {
        let text = match what.trim_end_matches('.').split_once('.') {
            None => self.service(what.trim_end_matches('.'))?.render(),
            Some((name, of)) => {
                let service = self.service(name)?;
                service.render_method(method(service, of)?)
            }
        };
        output::rust(text.trim_end());
        Ok(())
    }

    fn template(&self, path: &str) -> Result<()> {
        let (name, of) = split(path)?;
        let service = self.service(name)?;
        let method = method(service, of)?;
        output::pretty(&template::arguments(method, &service.types)?);
        Ok(())
    }

    /// Connects again if the connection was lost, and reads the descriptions anew: the server may be another.
    async fn renew(&mut self) -> Result<()> {
        // A ping finds a loss that this side has not noticed yet. One that is late is no loss: the call will tell.
        let pinged = tokio::time::timeout(PATIENCE, self.server.channel.ping()).await;
        if !matches!(pinged, Ok(Err(_))) {
            return Ok(());
        }
        output::note("the connection was lost: reconnecting");
        let mut server = connect(&self.address, self.server.patience.anew()).await?;
        let services = described(&mut server).await?;
        self.server = server;
        let assistant = self.editor.as_mut().and_then(|editor| editor.helper_mut());
        if let Some(assistant) = assistant {
            assistant.services = services;
        }
        Ok(())
    }

    async fn call(&mut self, path: &str, arguments: Vec<String>) -> Result<()> {
        let takes_stream = split(path).is_ok_and(|(name, of)| {
            let method = self.service(name).ok().and_then(|service| service.method(of));
            method.is_some_and(|method| method.upload.is_some())
        });
        let (timeout, headers, codec) = (self.timeout, &self.headers[..], self.codec);
        let args = call::Args::typed(path, arguments, call::Typed { timeout, headers, codec });
        self.server.patience = self.server.patience.anew().with_timeout(self.timeout);
        let (lines, typed) = mpsc::channel(1);
        let person = std::io::stdin().is_terminal();
        let wrong = if person { call::Wrong::Told } else { call::Wrong::Ends };
        let called = call::make(&mut self.server, &args, call::Items::Typed(typed, wrong));
        if !takes_stream {
            return called.await;
        }
        let mut called = pin!(called);
        let mut typing = pin!(items(&mut self.editor, lines));
        let ended = tokio::select! {
            ended = &mut called => Some(ended),
            _ = &mut typing => None,
        };
        let Some(ended) = ended else { return called.await };
        // A person is shown how it ended at once, and what is typed next is another line. A script's items go on up to
        // the empty line.
        match ended {
            Err(error) if person => output::error(&format!("{error:#}")),
            Ok(()) if person => output::note("the call has ended"),
            ended => {
                typing.await?;
                return ended;
            }
        }
        self.next = typing.await?;
        Ok(())
    }
}

/// The next line that is typed; none at the end.
async fn read(editor: &mut Option<Prompt>, prompt: &'static str) -> Result<Option<String>> {
    let Some(mut taken) = editor.take() else { return Ok(None) };
    // A thread of its own: reading blocks, and calls of the server's may come meanwhile.
    let (taken, line) = tokio::task::spawn_blocking(move || {
        if let Some(assistant) = taken.helper_mut() {
            assistant.items = prompt == ITEM;
        }
        let line = taken.readline(prompt);
        if let Ok(line) = &line
            && prompt == COMMAND
            && !line.trim().is_empty()
        {
            let _ = taken.add_history_entry(line);
        }
        (taken, line)
    })
    .await?;
    *editor = Some(taken);
    match line {
        Ok(line) => Ok(Some(line)),
        // At the prompt it empties the line.
        Err(ReadlineError::Interrupted) => Ok(Some(String::new())),
        Err(ReadlineError::Eof) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Hands on what is typed up to an empty line. Gives the line that came when nobody wanted items any more.
async fn items(editor: &mut Option<Prompt>, lines: mpsc::Sender<String>) -> Result<Option<String>> {
    while let Some(line) = read(editor, ITEM).await?
        && !line.trim().is_empty()
    {
        for item in line.lines() {
            if let Err(mpsc::error::SendError(line)) = lines.send(item.to_owned()).await
                && std::io::stdin().is_terminal()
            {
                return Ok(Some(line));
            }
        }
    }
    Ok(None)
}

type Prompt = Editor<Assistant, FileHistory>;

const COMMAND: &str = "rpc> ";
const ITEM: &str = "item> ";
