//! The door through which descriptions enter, from a live server and from a file alike. A server may be a stranger's
//! that means harm: behind this door names are names, types are there, keys are right, and nothing is larger or
//! deeper than what the rest of the program can walk.

mod budget;
mod names;

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use rpc_core::schema::{Document, DocumentError, ServiceSchema};
use thiserror::Error;

pub(crate) use budget::{Budget, MOST_SERVICES};

/// Why a description is not used.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// A name is not one that Rust or serde can have made.
    #[error("{what} {name:?} is not {wanted}")]
    Name {
        /// The thing that it names.
        what: &'static str,
        /// The name, cut where it is long.
        name: String,
        /// The rule for such names.
        wanted: &'static str,
    },
    /// Two of a kind have one name.
    #[error("there are two of {0}")]
    Twice(String),
    /// The path of a method is not made of the names of its service and itself.
    #[error("the path of the method {method} is {path:?}")]
    Path {
        /// The method.
        method: String,
        /// The path, cut where it is long.
        path: String,
    },
    /// Newtypes hold each other without end, or one in another too often.
    #[error("the type {0:?} holds nothing but another one, more than {LONGEST_CHAIN} times over")]
    Chain(String),
    /// A variant that is an enum: there is no such thing in serde.
    #[error("the variant {0:?} is an enum itself")]
    NestedEnum(String),
    /// It is larger than what is walked.
    #[error("it is over the budget of {limit} {of}")]
    Budget {
        /// The things that are counted.
        of: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A rule of all documents.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// How many newtypes may hold each other in a row: readers of values go through them at one value.
const LONGEST_CHAIN: usize = 16;

/// The largest file that is read, and the text that all descriptions of one source may have.
const MOST_BYTES: u64 = 64 << 20;

/// Checks one service; `budget` is that of everything from one source.
pub(crate) fn check(service: &ServiceSchema, budget: &mut Budget) -> Result<(), Refusal> {
    budget.spend(service)?;
    names::check(service)?;
    chains(service)?;
    // Linear in the budget, now that it is known to hold.
    Ok(service.check()?)
}

/// A file that could not be read, or not be used.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Io(io::Error),
    Refused(Refusal),
}

/// Reads a file that is not larger than any schema is.
pub(crate) fn open(path: &Path) -> Result<Document, Unreadable> {
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    if read.map_err(Unreadable::Io)? as u64 > MOST_BYTES {
        let message = format!("it is over the budget of {MOST_BYTES} bytes");
        return Err(Unreadable::Io(io::Error::other(message)));
    }
    self::read(&text).map_err(Unreadable::Refused)
}

/// Reads a file's text.
pub(crate) fn read(text: &str) -> Result<Document, Refusal> {
    // The budget comes before the checks, which cost more.
    if let Ok(document) = serde_json::from_str::<Document>(text) {
        check_all(&document.services)?;
    }
    Ok(Document::from_json(text)?)
}

/// Checks the services of a document.
pub(crate) fn check_all(services: &[ServiceSchema]) -> Result<(), Refusal> {
    let mut budget = Budget::default();
    let mut known = HashSet::new();
    for service in services {
        if !known.insert(&service.name) {
            return Err(Refusal::Twice(format!("the service {}", names::short(&service.name))));
        }
        budget.spend(service)?;
        names::check(service)?;
        chains(service)?;
    }
    Ok(())
}

/// Checks that newtypes come to an end: each leads to one other at most.
fn chains(service: &ServiceSchema) -> Result<(), Refusal> {
    for (_, container) in service.types.iter() {
        let mut next = budget::stands_for(&container.kind);
        let mut length = 0;
        while let Some(key) = next {
            length += 1;
            if length > LONGEST_CHAIN {
                return Err(Refusal::Chain(names::short(&container.name)));
            }
            let container = service.types.container(key);
            next = container.and_then(|container| budget::stands_for(&container.kind));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
