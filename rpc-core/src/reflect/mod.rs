//! The service by which a server describes itself, an ordinary one written with our own macro. `rpc list`,
//! `rpc describe` and `rpc call` use it.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Schema, Shared,
    schema::ServiceSchema,
    service,
    service::{BuildError, Dispatch as _, Router},
};

/// The error of a request for a description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, Error)]
#[non_exhaustive]
pub enum ReflectError {
    /// The server has no service of that name.
    #[error("no service {name}; there are {}", .services.join(", "))]
    UnknownService {
        /// The name in the request.
        name: String,
        /// The names of the services that the server has.
        services: Vec<String>,
    },
}

/// Describes the services of a server. On every server that does not disable it.
#[service]
pub trait Reflection {
    /// The names of all services, this one included.
    async fn services(&self) -> Vec<String>;

    /// The description of one service: its methods and all types they use.
    async fn describe(&self, service: String) -> Result<Shared<ServiceSchema>, ReflectError>;
}

/// The services of this server.
struct Descriptions {
    // Bounded by: the services of the server.
    services: Vec<Described>,
}

/// A service with its encoded description.
struct Described {
    schema: Cow<'static, ServiceSchema>,
    /// The description, once it was asked for. It is encoded once, because a short request has a long reply.
    answer: OnceLock<Shared<ServiceSchema>>,
}

impl Reflection for Descriptions {
    async fn services(&self) -> Vec<String> {
        self.services.iter().map(|service| service.schema.name.clone()).collect()
    }

    async fn describe(&self, service: String) -> Result<Shared<ServiceSchema>, ReflectError> {
        match self.services.iter().find(|described| described.schema.name == service) {
            Some(Described { schema, answer }) => {
                Ok(answer.get_or_init(|| Shared::new(schema.clone().into_owned())).clone())
            }
            None => {
                Err(ReflectError::UnknownService { name: service, services: self.services().await })
            }
        }
    }
}

/// Adds the reflection service to a router that has all others; its callers need these permissions.
pub(crate) fn add_to(router: &mut Router, requires: &[String]) -> Result<(), BuildError> {
    let mut own = ReflectionClient::schema().clone();
    for method in &mut own.methods {
        method.requires.extend_from_slice(requires);
    }
    let schemas = router.schemas().map(Cow::Borrowed).chain([Cow::Owned(own)]);
    let services = schemas.map(|schema| Described { schema, answer: OnceLock::new() }).collect();
    let server = ReflectionServer::new(Descriptions { services });
    debug_assert_eq!(server.schema().name, "Reflection");
    router.add_reflection(Arc::new(server), requires)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_service_is_described_once_for_all_who_ask() {
        let schema = ReflectionClient::schema();
        let services = vec![Described { schema: Cow::Borrowed(schema), answer: OnceLock::new() }];
        let descriptions = Descriptions { services };
        let describe = || descriptions.describe("Reflection".to_owned()).now_or_never();
        let (one, two) = (describe().unwrap().unwrap(), describe().unwrap().unwrap());
        assert_eq!(&*one, schema);
        assert!(std::ptr::eq(&raw const *one, &raw const *two), "both share one encoded form");
    }
}
