//! From what was written on the command line to callers and a pool of arguments: connects, asks what the
//! method takes, and refuses what cannot be loaded before anything is sent.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use fastrand::Rng;
use rpc_core::{
    IntoAddress as _, Metadata,
    proto::Payload,
    schema::{MethodKind, ServiceSchema},
};
use serde_json::{Map, Value};

use super::{
    any,
    caller::RpcCaller,
    cpu::Meter,
    listener,
    pool::Pool,
    random::{Generator, fill},
    results::Target,
};
use crate::{
    arguments::{self, Described},
    coding::{Coding, Wish},
    connect::{Connected, connect, method, path, reflection_is_off, split},
    exit::Failure,
    patience::Patience,
};

/// What is asked for, whatever speaks to the server.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub address: String,
    pub method: String,
    pub items: Vec<String>,
    /// Whether arguments that are not given are drawn.
    pub random: bool,
    pub seed: u64,
    pub timeout: Option<Duration>,
    pub metadata: Metadata,
    pub codec: Option<Wish>,
    pub connections: usize,
    /// Calls in flight over all connections.
    pub callers: usize,
}

/// Everything that a load needs.
#[derive(Debug)]
pub(crate) struct Ready<C> {
    pub callers: Vec<C>,
    pub pool: Pool,
    pub cpu: Meter,
    pub target: Target,
}

/// Connects to a server of ours.
pub(crate) async fn rpc(wanted: &Wanted, patience: Patience) -> Result<Ready<RpcCaller>> {
    let wanted = &Wanted { method: path(&wanted.method), ..wanted.clone() };
    let (service, name) = split(&wanted.method)?;
    let mut server = connect(&wanted.address, patience).await?;
    let schema = match server.describe(service).await {
        Ok(schema) => Some(schema),
        Err(error) if reflection_is_off(&error) => None,
        Err(error) => return Err(error),
    };
    let described = described(schema.as_ref(), name)?;
    // One for all calls: what one of them needs, all have.
    let mut coding = None;
    let drawn = draw(wanted, described, |arguments| match &coding {
        Some(coding) => Coding::arguments(coding, described, arguments),
        None => {
            let (chosen, payload) = Coding::of(wanted.codec, &wanted.method, described, arguments)?;
            coding = Some(chosen);
            Ok(payload)
        }
    })?;
    // A pool is never empty.
    let coding = coding.unwrap_or_else(|| Coding::json(&wanted.method));
    let mut channels = vec![server.channel.clone()];
    for _ in 1..wanted.connections {
        channels.push(connect(&wanted.address, patience).await?.channel);
    }
    let caller = |number: usize| RpcCaller {
        channel: channels[number % channels.len()].clone(),
        coding: coding.clone(),
        streams: described.is_some_and(|described| described.method.kind.streams_reply()),
        timeout: wanted.timeout,
        metadata: Arc::new(wanted.metadata.clone()),
    };
    let target = wanted.target(&server, drawn.words, coding.name());
    let callers = (0..wanted.callers).map(caller).collect();
    let cpu = Meter::new(find_server(&wanted.address).await);
    Ok(Ready { callers, pool: drawn.pool, cpu, target })
}

async fn find_server(address: &str) -> Result<listener::Server, String> {
    match address.into_address() {
        Ok(address) => listener::find(&address).await,
        Err(error) => Err(error.to_string()),
    }
}

impl Wanted {
    fn target(&self, server: &Connected, arguments: String, codec: &str) -> Target {
        let protocol = match server.channel.peer().address() {
            rpc_core::PeerAddress::Tcp(_) => "rpc over TCP",
            _ => "rpc over a Unix socket",
        };
        Target {
            address: self.address.clone(),
            method: self.method.clone(),
            arguments,
            protocol: format!("{protocol} in {codec}"),
        }
    }
}

/// The method in its service's description; an error for those that a load cannot be made of.
fn described<'a>(schema: Option<&'a ServiceSchema>, name: &str) -> Result<Option<Described<'a>>> {
    let Some(service) = schema else { return Ok(None) };
    let method = method(service, name)?;
    match method.kind {
        MethodKind::ClientStream | MethodKind::Duplex => {
            let path = &method.path;
            let message = format!(
                "{path} takes a stream, which rpc bench does not send: load a method that takes values"
            );
            Err(Failure::argument(message).into())
        }
        _ => Ok(Some(Described { service, method })),
    }
}

/// Arguments, and how they came about.
pub(crate) struct Drawn {
    pub pool: Pool,
    pub words: String,
}

/// Reads the arguments and encodes what is to be sent, once or as often as it is drawn.
pub(crate) fn draw(
    wanted: &Wanted,
    described: Option<Described<'_>>,
    mut encode: impl FnMut(&Value) -> Result<Payload>,
) -> Result<Drawn> {
    let (mut plain, mut generators) = (Vec::new(), Vec::new());
    for item in &wanted.items {
        match item.split_once(":=@") {
            Some((name, spec)) if !name.starts_with(['{', '[']) => {
                let generator = Generator::parse(&format!("@{spec}"));
                let generator = generator.map_err(|error| {
                    Failure::argument(format!("{}: {name}: {error}", wanted.method))
                })?;
                generators.push((name.to_owned(), generator));
            }
            _ => plain.push(item.clone()),
        }
    }
    if generators.is_empty() && !wanted.random {
        let value = match plain.as_slice() {
            [] => Value::Object(Map::new()),
            items => arguments::read(items, described)?,
        };
        arguments::check(&value, described)?;
        return Ok(Drawn { pool: Pool::of(encode(&value)?), words: value.to_string() });
    }
    let given = given(&plain, described)?;
    let missing = missing(wanted, described, &given, &generators)?;
    let mut rng = Rng::with_seed(wanted.seed);
    let pool = Pool::draw(|| {
        let mut values = fill(&given, &generators, &mut rng);
        for (name, service, format) in &missing {
            let value = any::value(format, &service.types, &mut rng);
            let value = value.map_err(|error| {
                Failure::argument(format!("{}: {name}: {error}", wanted.method))
            })?;
            values.insert(name.clone(), value);
        }
        let value = Value::Object(values);
        arguments::check(&value, described)?;
        encode(&value)
    })?;
    let random = if wanted.random { " --random" } else { "" };
    let (items, number) = (wanted.items.join(" "), pool.len());
    let words = format!("{items}{random} ({number} drawn with seed {})", wanted.seed);
    Ok(Drawn { pool, words: words.trim_start().to_owned() })
}

/// What stands beside drawn arguments: names and values, or one JSON object.
fn given(plain: &[String], described: Option<Described<'_>>) -> Result<Map<String, Value>> {
    match plain {
        [json] if json.trim_start().starts_with('{') => serde_json::from_str(json)
            .map_err(|error| Failure::argument(format!("the arguments: {error}")).into()),
        [other] if other == "-" || other.trim_start().starts_with('[') => {
            let message = "drawn arguments go by name: give the others as name=value";
            Err(Failure::argument(message).into())
        }
        items => arguments::named(items, described),
    }
}

type Missing<'a> = (String, &'a ServiceSchema, &'a rpc_core::schema::Format);

/// The arguments that `--random` is to draw.
fn missing<'a>(
    wanted: &Wanted,
    described: Option<Described<'a>>,
    given: &Map<String, Value>,
    generators: &[(String, Generator)],
) -> Result<Vec<Missing<'a>>> {
    if !wanted.random {
        return Ok(Vec::new());
    }
    let Some(Described { service, method }) = described else {
        let message = "--random needs the method's description, and there is none here: \
                       give each argument, such as a:=@int(1,100)";
        return Err(Failure::argument(message).into());
    };
    let is_there = |name: &String| {
        given.contains_key(name) || generators.iter().any(|(drawn, _)| drawn == name)
    };
    let missing = method.arguments.iter().filter(|argument| !is_there(&argument.name));
    Ok(missing.map(|argument| (argument.name.clone(), service, &argument.format)).collect())
}
