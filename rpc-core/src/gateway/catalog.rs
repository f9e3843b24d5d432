//! The methods that can be called, by their names, and what has to be known of them before they are.

use std::collections::HashMap;

use hyper::StatusCode;

use super::statuses;
use crate::{
    proto::{Code, MethodKey, Streams},
    schema::{Format, MethodSchema, ServiceSchema},
};

/// All methods of a server.
#[derive(Debug)]
pub(super) struct Catalog(HashMap<String, Method>);

/// A method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    pub(super) key: MethodKey,
    /// The ways in which it streams.
    pub(super) streams: Streams,
    /// The status of an answer with the method's own error.
    pub(super) own_error: StatusCode,
}

impl Catalog {
    pub(super) fn of<'a>(services: impl IntoIterator<Item = &'a ServiceSchema>) -> Self {
        let methods = services.into_iter().flat_map(|service| {
            service.methods.iter().map(|method| (method.path.clone(), Method::of(service, method)))
        });
        Self(methods.collect())
    }

    /// The method with this name, as `Service.method`.
    pub(super) fn get(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }
}

impl Method {
    fn of(service: &ServiceSchema, method: &MethodSchema) -> Self {
        let streams = match (method.upload.is_some(), method.kind.streams_reply()) {
            (false, false) => Streams::NONE,
            (true, false) => Streams::UP,
            (false, true) => Streams::DOWN,
            (true, true) => Streams::BOTH,
        };
        let code = match &method.fails {
            Some(Format::Named(key)) => service.types.container(key),
            _ => None,
        };
        let code = code.and_then(|container| Code::from_name(container.code.as_deref()?));
        let own_error = code.map_or(StatusCode::UNPROCESSABLE_ENTITY, statuses::http);
        Self { key: MethodKey::bare(&method.path), streams, own_error }
    }
}
