//! From an address to a server that has said hello, with the time that each step took; and to the
//! description of what is to be called.

use std::time::{Duration, Instant};

use anyhow::Result;
use rpc_core::{
    Address, CallError, Channel, Code, IntoAddress as _, Status,
    reflect::{ReflectError, ReflectionClient},
    schema::{MethodSchema, ServiceSchema},
};

use crate::{
    access,
    description::{self, Budget, MOST_SERVICES},
    exit::{Failure, is_refusal},
    output,
    patience::Patience,
    suggest,
    wire::Seen,
};

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Connected {
    pub address: String,
    pub channel: Channel,
    pub phases: Phases,
    pub patience: Patience,
    /// What was seen of it from below, where every step is to be explained.
    pub seen: Option<Seen>,
}

/// How long each step took.
#[derive(Debug, Default)]
pub(crate) struct Phases(Vec<(&'static str, Duration)>);

impl Phases {
    /// Takes the time of a step.
    pub(crate) async fn time<T>(&mut self, name: &'static str, step: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = step.await;
        self.0.push((name, started.elapsed()));
        done
    }

    /// Adds the time of a step that was taken elsewhere.
    pub(crate) fn add(&mut self, name: &'static str, took: Duration) {
        self.0.push((name, took));
    }

    /// All steps, in their order.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        self.0.iter().copied()
    }

    /// Prints all steps on one line.
    pub(crate) fn print(&self) {
        let steps: Vec<_> =
            self.0.iter().map(|(name, took)| format!("{name} {}", short(*took))).collect();
        output::note(&steps.join("  "));
    }
}

/// A time in a unit that fits it.
pub(crate) fn short(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        0.0..1e3 => format!("{micros:.0} µs"),
        1e3..1e6 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

/// Connects and waits for the server's hello, so that whatever else listens there is recognised.
pub(crate) async fn connect(text: &str, patience: Patience) -> Result<Connected> {
    patience.connecting(text, reach(text, patience)).await?
}

pub(crate) fn read(text: &str) -> Result<Address> {
    text.into_address().map_err(|error| Failure::usage(error.to_string()).into())
}

/// The addresses of a host.
pub(crate) async fn resolve(address: &Address, host: &str, port: u16) -> Result<Vec<Address>> {
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| Failure::unreachable(format!("cannot resolve {address}: {error}")))?;
    Ok(found.map(Address::from).collect())
}

/// Why a server's hello did not come.
pub(crate) fn refused(address: &Address, status: &Status) -> Failure {
    let message = format!("{address}: {}", status.message());
    Failure::Refused { code: status.code(), message }
}

async fn reach(text: &str, patience: Patience) -> Result<Connected> {
    let mut phases = Phases::default();
    let address = access::address(read(text)?);
    let candidates = match &address {
        Address::Tcp { host, port } => {
            phases.time("resolve", resolve(&address, host, *port)).await?
        }
        _ => vec![address.clone()],
    };
    let endpoint = access::endpoint();
    let mut last = format!("{address} has no addresses");
    for candidate in candidates {
        match phases.time("connect", endpoint.connect(candidate)).await {
            Ok(channel) => {
                let ready = phases.time("hello", channel.ready()).await;
                ready.map_err(|status| refused(&address, &status))?;
                let address = address.to_string();
                return Ok(Connected { address, channel, phases, patience, seen: None });
            }
            Err(error) => last = error.to_string(),
        }
    }
    Err(Failure::unreachable(last).into())
}

impl Connected {
    /// The names of all services; an error in words where the server does not describe itself.
    pub(crate) async fn services(&mut self) -> Result<Vec<String>> {
        let reflection = ReflectionClient::new(self.channel.clone());
        let asked = self.phases.time("describe", reflection.services());
        let what = format!("{} to list its services", self.address);
        let services = self.patience.asking(&what, asked).await?;
        let services = services.map_err(|CallError::Status(status)| self.undescribed(status))?;
        if services.len() > MOST_SERVICES {
            let (address, count) = (&self.address, services.len());
            let message = format!(
                "{address} has {count} services, over the budget of {MOST_SERVICES}: name the one you mean"
            );
            return Err(Failure::misdescribed(message).into());
        }
        Ok(services)
    }

    /// The description of a service.
    pub(crate) async fn describe(&mut self, service: &str) -> Result<ServiceSchema> {
        self.describe_within(service, &mut Budget::default()).await
    }

    /// The same as one of many, which share a budget.
    pub(crate) async fn describe_within(
        &mut self,
        service: &str,
        budget: &mut Budget,
    ) -> Result<ServiceSchema> {
        let reflection = ReflectionClient::new(self.channel.clone());
        let described = reflection.describe(service);
        let asked = self.phases.time("describe", described);
        let what = format!("{} to describe {service}", self.address);
        match self.patience.asking(&what, asked).await? {
            Ok(schema) => self.checked(service, schema, budget),
            Err(CallError::App(ReflectError::UnknownService { name, services })) => {
                let names: Vec<&str> = services.iter().map(String::as_str).collect();
                let instead = suggest::instead(&name, &names);
                let message = format!("no service {name} at {}; {instead}", self.address);
                Err(Failure::unknown(message).into())
            }
            Err(CallError::App(error)) => Err(Failure::unknown(error.to_string()).into()),
            Err(CallError::Status(status)) => Err(self.undescribed(status).into()),
        }
    }

    /// A description that can be used. Everything that a server says of itself comes through here.
    fn checked(
        &self,
        asked: &str,
        schema: ServiceSchema,
        budget: &mut Budget,
    ) -> Result<ServiceSchema> {
        let refused = |why: &dyn std::fmt::Display| {
            let address = &self.address;
            Failure::misdescribed(format!("{address} describes {asked} wrongly: {why}"))
        };
        description::check(&schema, budget).map_err(|refusal| refused(&refusal))?;
        if schema.name != asked {
            return Err(refused(&format!("it describes {}", schema.name)).into());
        }
        Ok(schema)
    }

    /// Why the server did not describe itself.
    fn undescribed(&self, status: Status) -> Failure {
        if status.code() == Code::Unimplemented {
            let message = format!("{} does not describe itself: reflection is off", self.address);
            return Failure::unknown(message);
        }
        self.failed(status)
    }

    pub(crate) fn failed(&self, status: Status) -> Failure {
        Failure::Status { context: self.address.clone(), status }
    }
}

/// Whether a server could not be asked, or not by everybody, rather than that it has no such service.
pub(crate) fn reflection_is_off(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(Failure::Refused { code: Code::Unimplemented, message }) => {
            message.ends_with("reflection is off")
        }
        Some(Failure::Status { status, .. }) => is_refusal(status.code()),
        _ => false,
    }
}

/// A method of a service, or the nearest that there is.
pub(crate) fn method<'a>(schema: &'a ServiceSchema, name: &str) -> Result<&'a MethodSchema> {
    schema.method(name).ok_or_else(|| {
        let names: Vec<&str> = schema.methods.iter().map(|method| method.name.as_str()).collect();
        let instead = suggest::instead(name, &names);
        Failure::unknown(format!("no method {name} in {}; {instead}", schema.name)).into()
    })
}

/// Splits `Service.method`.
pub(crate) fn split(path: &str) -> Result<(&str, &str)> {
    path.split_once('.')
        .filter(|(service, method)| !service.is_empty() && !method.is_empty())
        .ok_or_else(|| {
            Failure::usage(format!("{path:?} is not a method: write Service.method")).into()
        })
}

/// `Service/method` and `Service::method`, as other tools and languages have it, as `Service.method`.
pub(crate) fn path(text: &str) -> String {
    let bare = text.strip_prefix('/').unwrap_or(text);
    let split = bare.split_once("::").or_else(|| bare.split_once('/'));
    match split.filter(|_| !bare.contains('.')) {
        Some((service, method)) => format!("{service}.{method}"),
        None => text.to_owned(),
    }
}
