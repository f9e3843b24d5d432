//! A server describes itself: an ordinary service, written with our own macro. What `rpc list`, `rpc
//! describe` and `rpc call` ask.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Schema,
    schema::ServiceSchema,
    service,
    service::{BuildError, Dispatch as _, Router},
};

/// Why a server cannot describe what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, Error)]
#[non_exhaustive]
pub enum ReflectError {
    /// The server has no service of that name; these it has.
    #[error("no service {name}; there are {}", .services.join(", "))]
    UnknownService {
        /// What was asked for.
        name: String,
        /// What there is.
        services: Vec<String>,
    },
}

/// Describes the services of a server. On every server, unless it was told otherwise.
#[service]
pub trait Reflection {
    /// The names of all services, this one included.
    async fn services(&self) -> Vec<String>;

    /// Everything about one service: its methods and all types they use.
    async fn describe(&self, service: String) -> Result<ServiceSchema, ReflectError>;
}

/// The services of the server that this is on.
struct Described {
    // Bounded by: the services of the server.
    services: Vec<&'static ServiceSchema>,
}

impl Reflection for Described {
    async fn services(&self) -> Vec<String> {
        self.services.iter().map(|schema| schema.name.clone()).collect()
    }

    async fn describe(&self, service: String) -> Result<ServiceSchema, ReflectError> {
        match self.services.iter().find(|schema| schema.name == service) {
            Some(schema) => Ok((*schema).clone()),
            None => {
                Err(ReflectError::UnknownService { name: service, services: self.services().await })
            }
        }
    }
}

/// Adds the reflection service to a router that has all others.
pub(crate) fn add_to(router: &mut Router) -> Result<(), BuildError> {
    let mut services: Vec<_> = router.schemas().collect();
    services.push(ReflectionClient::schema());
    let server = ReflectionServer::new(Described { services });
    debug_assert_eq!(server.schema().name, "Reflection");
    router.add(Arc::new(server))
}
