//! `rpc repl`: a prompt at which methods are called: what is typed is completed from the server's own description, calls are
//! made as `rpc call` makes them, and Ctrl-C ends the call that runs rather than the program.

mod complete;
mod line;
mod typed;

use std::{path::PathBuf, pin::pin, time::Duration};

use anyhow::Result;
use clap::ValueEnum as _;
use rpc_core::schema::ServiceSchema;
use rustyline::{CompletionType, Config, Editor};
use tokio::sync::mpsc;

use self::{
    complete::Assistant,
    typed::{COMMAND, Lines},
};
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

Scripts:
  Lines from a file or a pipe are run to the end, those that begin with # are comments, and the exit code is that of \
the first line that failed.

Examples:
  rpc repl 127.0.0.1:7000
  rpc repl 127.0.0.1:7000 < script
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
empty line; each is sent as it is typed. A line that begins with # is a comment.";

/// The prompt, and what was set at it.
struct Session {
    address: String,
    server: Connected,
    lines: Lines,
    timeout: Option<Duration>,
    headers: Vec<String>,
    codec: Option<Wish>,
    /// The first failure of a script or of what was pasted: the program ends with it.
    failed: Option<anyhow::Error>,
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
    editor.set_helper(Some(Assistant::of(services)));
    let history = history();
    if let Some(path) = &history {
        // There is none at the first time.
        let _ = editor.load_history(path);
    }
    let mut session = Session {
        address,
        server,
        lines: Lines::of(editor),
        timeout: None,
        headers: Vec::new(),
        codec: None,
        failed: None,
    };
    if session.lines.person {
        session.greet();
    }
    let ended = session.act_on_lines().await;
    if let Some(path) = history {
        // A history that cannot be kept is no reason to complain.
        let _ = path.parent().map(std::fs::create_dir_all);
        session.lines.save(&path);
    }
    ended?;
    // Nobody has read what was told of each: a script goes by how the program ends.
    session.failed.map_or(Ok(()), |error| Err(Failure::told(error).into()))
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
    /// Does what is typed up to the end.
    async fn act_on_lines(&mut self) -> Result<()> {
        while let Some(line) = self.lines.read(COMMAND).await? {
            match self.act(&line).await {
                Ok(Next::Go) => {}
                Ok(Next::Quit) => break,
                Err(error) => self.fail(error)?,
            }
        }
        Ok(())
    }

    /// Tells what a line came to. Whoever interrupts a script means all of it.
    fn fail(&mut self, error: anyhow::Error) -> Result<()> {
        match error.downcast_ref() {
            Some(Failure::Interrupted) if self.lines.person => {
                output::note("cancelled");
                return Ok(());
            }
            Some(Failure::Interrupted) => return Err(error),
            _ => output::error(&format!("{error:#}")),
        }
        self.remember(error);
        Ok(())
    }

    fn remember(&mut self, error: anyhow::Error) {
        if self.lines.is_script() {
            self.failed.get_or_insert(error);
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
        if line::is_comment(line) {
            return Ok(Next::Go);
        }
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
        self.lines.assistant().map_or(&[], |assistant| &assistant.services)
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
        // A ping finds a loss that this side has not noticed yet. One that is late is not a loss: the call will tell.
        let pinged = tokio::time::timeout(PATIENCE, self.server.channel.ping()).await;
        if !matches!(pinged, Ok(Err(_))) {
            return Ok(());
        }
        output::note("the connection was lost: reconnecting");
        let mut server = connect(&self.address, self.server.patience.anew()).await?;
        let services = described(&mut server).await?;
        self.server = server;
        self.lines.offer(services);
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
        let person = self.lines.person;
        let wrong = if person { call::Wrong::Told } else { call::Wrong::Ends };
        let called = call::make(&mut self.server, &args, call::Items::Typed(typed, wrong));
        if !takes_stream {
            return called.await;
        }
        let ended = {
            // In this order: a call that is given up ends before its items do, and does not look whole.
            let mut typing = pin!(self.lines.items(lines));
            let mut called = pin!(called);
            let ended = tokio::select! {
                ended = &mut called => ended,
                typed = &mut typing => {
                    typed?;
                    return called.await;
                }
            };
            // A person is shown how it ended at once, and what is typed next is another line. A script's items go on up
            // to the empty line.
            match &ended {
                Err(error) if person => output::error(&format!("{error:#}")),
                Ok(()) if person => output::note("the call has ended"),
                _ => {}
            }
            typing.await?;
            ended
        };
        match ended {
            Err(error) if person => {
                self.remember(error);
                Ok(())
            }
            ended => ended,
        }
    }
}
