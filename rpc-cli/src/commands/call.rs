//! `rpc call`: one call of any method, checked against the server's own description before it is sent.

use std::{
    convert::Infallible,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use anyhow::Result;
use rpc_core::{
    Call, CallError, Code, Codec, Metadata, Priority,
    proto::{Payload, Streams},
    schema::{MethodKind, MethodSchema},
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    explain,
    stream::{self, End, Source},
};
use crate::{
    access,
    arguments::{self, Described},
    by_steps,
    coding::{Coding, Wish},
    connect::{Connected, connect, method, path, reflection_is_off, split},
    dry_run,
    exit::Failure,
    output::{self, Form},
    patience::{Patience, time},
    readable::readable,
    source, template,
};

const EXAMPLES: &str = "\
Arguments:
  name=text     read as the type that the method takes: a number, a string, true, null
  item.name=x   one field of an argument; give its other fields in the same way
  1 2           values alone, in the order of the method's arguments
  name:=json    any JSON value
  name=@file    the content of a file, for bytes; name:={\"base64\":\"AAEC\"} works too
  {...} [...]   all arguments as one JSON object or array
  -             the same from stdin; the default if stdin is not a terminal

Streams:
  Items of the reply are printed as they come, one JSON value a line; Ctrl-C cancels the call.
  A method that takes a stream reads it from stdin, one JSON value a line. Its other arguments are given here.

Time:
  --timeout starts with the command: connecting and reading the description count. What is left when the call is \
sent travels with it, so that the server gives up at the same time.

Examples:
  rpc call 127.0.0.1:7000 Calculator.add a=1 b=2
  rpc call 127.0.0.1:7000 Calculator.sum 'numbers:=[1,2,3]'
  rpc call 127.0.0.1:7000 Calculator.add '{\"a\": 1, \"b\": 2}'
  echo '[1, 2]' | rpc call 127.0.0.1:7000 Calculator.add
  rpc call 127.0.0.1:7000 Clock.ticks every_ms=500
  seq 10 | rpc call 127.0.0.1:7000 Calculator.average
  rpc call --template 127.0.0.1:7000 Inventory.put > item.json
  rpc call 127.0.0.1:7000 Inventory.put - < item.json
  rpc call --explain 127.0.0.1:7000 Inventory.totals
  rpc call --timeout 500ms -H tenant=acme 127.0.0.1:7000 Clock.whoami";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path; for --template and --dry-run, a file from `rpc schema save`
    /// will do.
    pub(super) address: String,
    /// What to call, as Service.method.
    #[arg(value_parser = |text: &str| Ok::<_, Infallible>(path(text)))]
    method: String,
    /// Its arguments: name=value, name:=json, or JSON.
    arguments: Vec<String>,
    /// Give up this long after the start of the command, such as 500ms or 2s.
    #[arg(short, long, value_parser = time)]
    timeout: Option<Duration>,
    /// How much the call matters: an overloaded server refuses what matters least first.
    #[arg(long, value_enum, value_name = "PRIORITY", default_value = "normal")]
    priority: Urgency,
    /// Send this metadata with the call; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "KEY=VALUE")]
    headers: Vec<String>,
    /// How values are encoded; by default, in bincode if the server describes the method.
    #[arg(long, value_enum, hide_possible_values = true, value_name = "bincode|json")]
    codec: Option<Wish>,
    /// Print the result on one line, on a terminal too.
    #[arg(long)]
    compact: bool,
    /// Print strings without quotes, and bytes as the server sent them, on a terminal too.
    #[arg(long)]
    raw: bool,
    /// Print the arguments as JSON to fill in; call nothing.
    #[arg(long, conflicts_with = "dry_run")]
    template: bool,
    /// Print what would be sent, frame by frame; call nothing.
    #[arg(long)]
    dry_run: bool,
    /// Show where the time of the call went, on both sides; the server has to allow it (Server::inspect).
    #[arg(long, conflicts_with_all = ["template", "dry_run", "raw"])]
    explain: bool,
    /// If the connection is cut, dial again and go on with the call; the server has to allow it (Server::resume).
    #[arg(long)]
    resume: bool,
    /// Print errors as JSON too, and with --explain the times.
    #[arg(long)]
    pub(super) json: bool,
    /// Print how long each step took.
    #[arg(short, long)]
    verbose: bool,
}

/// How much a call matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Urgency {
    Critical,
    Normal,
    Low,
    Sheddable,
}

impl From<Urgency> for Priority {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Critical => Self::Critical,
            Urgency::Normal => Self::Normal,
            Urgency::Low => Self::Low,
            Urgency::Sheddable => Self::Sheddable,
        }
    }
}

/// What was set at a prompt for every call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typed<'a> {
    pub timeout: Option<Duration>,
    pub headers: &'a [String],
    pub codec: Option<Wish>,
}

/// Where the items come from that are sent with a call.
pub(crate) enum Items {
    /// From stdin, line by line, while the call runs.
    Stdin,
    /// Line by line, as they are typed at a prompt.
    Typed(mpsc::Receiver<String>, Wrong),
}

/// What comes of an item that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is told and passed over: somebody is there to type it again.
    Told,
    /// The call ends with it.
    Ends,
}

impl Args {
    const fn calls_nothing(&self) -> bool {
        self.template || self.dry_run
    }

    /// True if a person reads what comes back, and not a program.
    fn is_read(&self) -> bool {
        !self.compact && !self.json && !self.raw && std::io::stdout().is_terminal()
    }

    /// A call that was typed at a prompt.
    pub(crate) fn typed(typed: &str, arguments: Vec<String>, options: Typed<'_>) -> Self {
        Self {
            address: String::new(),
            method: path(typed),
            // Stdin is the prompt.
            arguments: if arguments.is_empty() { vec!["{}".to_owned()] } else { arguments },
            timeout: options.timeout,
            priority: Urgency::Normal,
            headers: options.headers.to_vec(),
            codec: options.codec,
            compact: false,
            raw: false,
            template: false,
            dry_run: false,
            explain: false,
            resume: false,
            json: false,
            verbose: false,
        }
    }
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    // What is wrong with these is wrong before anybody is asked.
    let (service, name) = split(&args.method)?;
    let metadata = metadata(&args.headers)?;
    if args.calls_nothing() && source::is_kept(&args.address) {
        let service = &source::one(&args.address, service, patience).await?;
        let described = Described { service, method: method(service, name)? };
        return preview(&args, &metadata, Some(described));
    }
    if args.resume {
        access::resume();
    }
    let patience = patience.with_timeout(args.timeout);
    let mut server = match args.explain {
        true => by_steps::connect(&args.address, patience).await?,
        false => connect(&args.address, patience).await?,
    };
    make(&mut server, &args, Items::Stdin).await
}

/// Makes one call and prints what comes of it.
pub(crate) async fn make(server: &mut Connected, args: &Args, items: Items) -> Result<()> {
    let (service, name) = split(&args.method)?;
    let metadata = metadata(&args.headers)?;
    let outcome = call(server, args, service, name, &metadata, items).await;
    if args.verbose {
        server.phases.print();
    }
    if let (Some(value), form) = outcome? {
        output::result(&value, form, args.compact || args.json);
    }
    Ok(())
}

async fn call(
    server: &mut Connected,
    args: &Args,
    service: &str,
    name: &str,
    metadata: &Metadata,
    items: Items,
) -> Result<(Option<Value>, Form)> {
    let schema = match server.describe(service).await {
        Ok(schema) => Some(schema),
        Err(error) if reflection_is_off(&error) => None,
        Err(error) => return Err(error),
    };
    let described = match &schema {
        Some(service) => Some(Described { service, method: method(service, name)? }),
        None => {
            if args.verbose {
                output::note("the server does not describe itself: arguments are sent as they are");
            }
            None
        }
    };
    if args.calls_nothing() {
        preview(args, metadata, described)?;
        return Ok((None, Form::Json));
    }
    let form = form(args, described);
    let arguments = arguments::read(&args.arguments, described)?;
    if args.explain {
        explained(server, args, described, &arguments, metadata).await?;
        return Ok((None, form));
    }
    let (coding, arguments) = Coding::of(args.codec, &args.method, described, &arguments)?;
    let mut source = match (described, items) {
        (None, _) => Source::none(),
        (Some(described), Items::Stdin) => Source::stdin(described, &coding),
        (Some(described), Items::Typed(lines, wrong)) => {
            Source::typed(described, &coding, lines, wrong)
        }
    };
    // Who reads a terminal reads times as times.
    let read = described.filter(|_| args.is_read());
    let (key, codec) = (coding.key, coding.codec());
    if described.is_some_and(|described| described.method.kind.streams_reply()) {
        let call = server.channel.stream_raw(key, codec, &arguments);
        let call = prepare(call, args.priority, server.patience.left()?, metadata, &mut source);
        let print = |item: Value| match read {
            Some(_) => output::item_to_read(&as_read(item, read)),
            None => output::item(&item, form),
        };
        let end = stream::download(server, call, source, &coding, print, args.verbose).await?;
        return Ok((value(end, args, described)?, form));
    }
    let call = server.channel.call_raw(key, codec, &arguments);
    let call = prepare(call, args.priority, server.patience.left()?, metadata, &mut source);
    let started = Instant::now();
    let end = stream::upload(server, call, source, &coding).await;
    let step = if codec == Codec::Json { "call in JSON" } else { "call in bincode" };
    server.phases.add(step, started.elapsed());
    let value = value(end?, args, described)?;
    // It was sent; nothing came back that could be printed.
    let value = value.filter(|_| !described.is_some_and(is_oneway));
    Ok((value.map(|value| as_read(value, read)), form))
}

/// What a method returned, or an item of it, as a person reads it.
fn as_read(value: Value, described: Option<Described<'_>>) -> Value {
    match described {
        Some(Described { service, method }) => readable(value, &method.returns, &service.types),
        None => value,
    }
}

/// Makes a call and prints where its time went.
async fn explained(
    server: &Connected,
    args: &Args,
    described: Option<Described<'_>>,
    arguments: &Value,
    metadata: &Metadata,
) -> Result<()> {
    explain::check(described)?;
    let encode = || Coding::of(args.codec, &args.method, described, arguments);
    let prepare = |call, metadata: &Metadata| {
        Ok(prepare(call, args.priority, server.patience.left()?, metadata, &mut Source::none()))
    };
    let explained = explain::call(server, encode, metadata.clone(), prepare).await?;
    match explain::print(explained, args.json, args.compact) {
        Ok(()) => Ok(()),
        Err(error) => value(End::Failed(error), args, described).map(drop),
    }
}

/// How what comes back is printed.
fn form(args: &Args, described: Option<Described<'_>>) -> Form {
    let is_bytes = |described: Described<'_>| arguments::is_bytes(&described.method.returns);
    match args.raw {
        true if described.is_some_and(is_bytes) => Form::RawBytes,
        true => Form::Raw,
        false => Form::Json,
    }
}

fn is_oneway(described: Described<'_>) -> bool {
    described.method.kind == MethodKind::Oneway
}

/// Prints what was asked for instead of a call.
fn preview(args: &Args, metadata: &Metadata, described: Option<Described<'_>>) -> Result<()> {
    if args.template {
        let Some(Described { service, method }) = described else {
            let message =
                "the server does not describe itself: there is nothing to make a template of";
            return Err(Failure::unknown(message).into());
        };
        let (arguments, item) =
            (template::arguments(method, &service.types)?, template::item(method, &service.types)?);
        match item {
            None if args.compact => output::line(&output::one_line(&arguments)),
            None => output::pretty(&arguments),
            // As stdin takes them.
            Some(item) => {
                if !method.arguments.is_empty() {
                    output::note(&format!("arguments: {}", output::one_line(&arguments)));
                }
                output::line(&output::one_line(&item));
            }
        }
        return Ok(());
    }
    let arguments = arguments::read(&args.arguments, described)?;
    let (coding, payload) = Coding::of(args.codec, &args.method, described, &arguments)?;
    let text = dry_run::Request {
        path: &args.method,
        key: coding.key,
        codec: coding.codec(),
        arguments: &arguments,
        payload: &payload,
        timeout: args.timeout,
        priority: args.priority.into(),
        metadata,
        streams: described.map_or(Streams::NONE, |described| streams(described.method)),
    }
    .show()?;
    output::line(text.trim_end());
    Ok(())
}

/// Which ways a call of the method streams.
const fn streams(method: &MethodSchema) -> Streams {
    match (method.upload.is_some(), method.kind.streams_reply()) {
        (false, false) => Streams::NONE,
        (true, false) => Streams::UP,
        (false, true) => Streams::DOWN,
        (true, true) => Streams::BOTH,
    }
}

fn prepare<T>(
    mut call: Call<T, Payload>,
    urgency: Urgency,
    timeout: Option<Duration>,
    metadata: &Metadata,
    source: &mut Source,
) -> Call<T, Payload> {
    if urgency != Urgency::Normal {
        call = call.priority(urgency.into());
    }
    if let Some(timeout) = timeout {
        call = call.timeout(timeout);
    }
    if let Some(items) = source.take() {
        call = call.upload_raw(items);
    }
    call.with_metadata(metadata)
}

pub(super) fn metadata(headers: &[String]) -> Result<Metadata> {
    let mut metadata = Metadata::new();
    for header in headers {
        let Some((key, value)) = pair(header) else {
            let message = format!("-H {header}: write KEY=VALUE, or 'KEY: VALUE'");
            return Err(Failure::usage(message).into());
        };
        metadata.set(key, value).map_err(|error| Failure::usage(error.to_string()))?;
    }
    Ok(metadata)
}

/// `key=value`, or `key: value` as curl has it.
fn pair(header: &str) -> Option<(&str, &str)> {
    let equals = header.split_once('=');
    match (header.split_once(':'), equals) {
        (Some((key, value)), Some((until, _))) if key.len() < until.len() => {
            Some((key, value.trim_start()))
        }
        (Some((key, value)), None) => Some((key, value.trim_start())),
        (_, equals) => equals,
    }
}

/// What a call brought; an error if it failed, with the code that the description gives it.
fn value(end: End, args: &Args, described: Option<Described<'_>>) -> Result<Option<Value>> {
    let method = args.method.clone();
    match end {
        End::Value(value) => Ok(value),
        End::Failed(CallError::App(error)) => {
            let code = described.and_then(|Described { service, method }| {
                method.error_code(&service.types, &error)
            });
            let code = code.unwrap_or(Code::Unknown);
            Err(Failure::Application { method, error, code }.into())
        }
        End::Failed(CallError::Status(status)) => {
            Err(Failure::Status { context: method, status }.into())
        }
    }
}
