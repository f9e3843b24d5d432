//! What is done with the calls of each method, once it is known that it can be.

use std::{
    collections::{BTreeSet, HashMap},
    hash::BuildHasherDefault,
    sync::Arc,
    time::Duration,
};

use thiserror::Error;

use super::{CacheBuilder, Cacheable, Keep, options::For};
use crate::{
    proto::IdHasher,
    schema::{MethodKind, MethodSchema, Repetition},
};

/// A cache that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CacheError {
    /// None of the services has such a method.
    #[error("there is no method {0} to cache; there are {methods}", methods = .1.join(", "))]
    UnknownMethod(String, Vec<String>),
    /// The method is not marked as idempotent.
    #[error(
        "{0} cannot be cached: it is not marked #[rpc(idempotent)], so that a call not made may leave something undone"
    )]
    NotIdempotent(String),
    /// The method streams.
    #[error("{0} cannot be cached: it streams")]
    Streams(String),
    /// The method has no reply.
    #[error("{0} cannot be cached: it is one-way and has no reply")]
    Oneway(String),
    /// A method is to be kept twice, or kept and to forget.
    #[error("the cache is told twice what to do with {0}")]
    Twice(String),
    /// Nothing is kept under this name.
    #[error("nothing is cached under the name {0}; there are {names}", names = .1.join(", "))]
    UnknownName(String, Vec<String>),
}

/// A method whose answers are kept.
pub(super) struct Read {
    pub(super) method: String,
    pub(super) fresh: Duration,
    pub(super) stale: Duration,
    pub(super) errors: Duration,
    /// By number, in order.
    pub(super) tags: Box<[usize]>,
    pub(super) by: For,
    pub(super) metadata: Box<[String]>,
}

/// A method after whose calls something is forgotten.
pub(super) struct Write {
    pub(super) tags: Box<[usize]>,
}

/// What is done with calls of a method.
#[derive(Clone)]
pub(super) enum Rule {
    Read(Arc<Read>),
    Write(Arc<Write>),
}

pub(super) struct Plan {
    /// By the hash of the name.
    rules: HashMap<u32, Rule, BuildHasherDefault<IdHasher>>,
    tags: Vec<String>,
}

impl Plan {
    pub(super) fn of(options: &CacheBuilder) -> Result<Self, CacheError> {
        let mut plan = Self { rules: HashMap::default(), tags: Vec::new() };
        let own = options.reads.iter().map(|(method, _)| method);
        let more = options.reads.iter().flat_map(|(_, keep)| &keep.tags);
        let names: BTreeSet<&String> = own.chain(more).collect();
        plan.tags = names.into_iter().cloned().collect();
        for (name, keep) in &options.reads {
            let method = checked(options, name)?;
            let read = plan.read(name, keep)?;
            plan.insert(method, Rule::Read(Arc::new(read)))?;
        }
        for (name, forgets) in &options.writes {
            let method = find(options, name)?;
            let tags: Result<Vec<_>, _> = forgets.iter().map(|name| plan.tag(name)).collect();
            plan.insert(method, Rule::Write(Arc::new(Write { tags: tags?.into() })))?;
        }
        Ok(plan)
    }

    fn read(&self, name: &str, keep: &Keep) -> Result<Read, CacheError> {
        let tags: Result<BTreeSet<usize>, _> =
            keep.tags.iter().map(String::as_str).chain([name]).map(|tag| self.tag(tag)).collect();
        Ok(Read {
            method: name.to_owned(),
            fresh: keep.fresh,
            stale: keep.stale,
            errors: keep.errors,
            tags: tags?.into_iter().collect(),
            by: keep.by.clone(),
            metadata: keep.metadata.clone().into(),
        })
    }

    fn insert(&mut self, method: &MethodSchema, rule: Rule) -> Result<(), CacheError> {
        match self.rules.insert(method.key.name_hash(), rule) {
            None => Ok(()),
            Some(_) => Err(CacheError::Twice(method.path.clone())),
        }
    }

    /// The number of a tag.
    pub(super) fn tag(&self, name: &str) -> Result<usize, CacheError> {
        let found = self.tags.iter().position(|tag| tag == name);
        found.ok_or_else(|| CacheError::UnknownName(name.to_owned(), self.tags.clone()))
    }

    pub(super) fn tags(&self) -> &[String] {
        &self.tags
    }

    /// What is done with this call, if anything is. A call that streams after all is left alone, whatever it calls.
    pub(super) fn rule<R: Cacheable>(&self, request: &R) -> Option<Rule> {
        let rule = self.rules.get(&request.key().name_hash())?;
        let is_plain = request.expects_reply() && !request.streams_reply();
        (is_plain || matches!(rule, Rule::Write(_))).then(|| rule.clone())
    }
}

fn find<'a>(options: &'a CacheBuilder, name: &str) -> Result<&'a MethodSchema, CacheError> {
    let mut methods = options.services.iter().flat_map(|service| &service.methods);
    methods.find(|method| method.path == name).ok_or_else(|| {
        let methods = options.services.iter().flat_map(|service| &service.methods);
        CacheError::UnknownMethod(
            name.to_owned(),
            methods.map(|method| method.path.clone()).collect(),
        )
    })
}

/// The method of this name, if its answers can be kept.
fn checked<'a>(options: &'a CacheBuilder, name: &str) -> Result<&'a MethodSchema, CacheError> {
    let method = find(options, name)?;
    if method.kind == MethodKind::Oneway {
        return Err(CacheError::Oneway(name.to_owned()));
    }
    if method.kind != MethodKind::Unary || method.upload.is_some() {
        return Err(CacheError::Streams(name.to_owned()));
    }
    if method.repetition != Repetition::Idempotent {
        return Err(CacheError::NotIdempotent(name.to_owned()));
    }
    Ok(method)
}
