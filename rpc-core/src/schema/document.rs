//! Descriptions as a document that outlives the server: versioned JSON, in a stable order. `docs/schema.md`
//! specifies it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ServiceSchema;

/// The version of the form that this crate writes, and the newest that it reads.
const VERSION: u32 = 1;

/// The descriptions of services, in the form that is kept in a file.
///
/// ```
/// use rpc_core::schema::{Document, ServiceBuilder};
///
/// let document = Document::new(vec![ServiceBuilder::new("Clock", "").build()]);
/// let read = Document::from_json(&document.to_json())?;
/// assert_eq!(read, document);
/// # Ok::<(), rpc_core::schema::DocumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The version of the form.
    rpc_schema: u32,
    /// The services, ordered by name.
    pub services: Vec<ServiceSchema>,
}

/// The reason why a text is not a document.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is not JSON, or not of that form.
    #[error("this is not a schema document: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A later release wrote it.
    #[error(
        "the schema document is of version {0}, and this program reads up to {VERSION}: update it"
    )]
    TooNew(u32),
    /// A method's key does not follow from its signature, so that calls by it would go wrong.
    #[error(
        "the key of {path} is {key}, and its signature gives {expected}: save the schema again"
    )]
    WrongKey {
        /// The method.
        path: String,
        /// The key in the document.
        key: String,
        /// The right one.
        expected: String,
    },
    /// A shape names a type that the service does not describe.
    #[error("{service} uses the type {key:?}, which is not among its types")]
    MissingType {
        /// The service.
        service: String,
        /// The key of the type.
        key: String,
    },
}

/// The version alone, which is read first: later forms may differ in everything else.
#[derive(Deserialize)]
struct Versioned {
    rpc_schema: u32,
}

impl Document {
    /// A document of these services.
    #[must_use]
    pub fn new(mut services: Vec<ServiceSchema>) -> Self {
        services.sort_by(|one, other| one.name.cmp(&other.name));
        Self { rpc_schema: VERSION, services }
    }

    /// Reads a document, and checks that it is whole.
    ///
    /// # Errors
    /// The first fault that was found.
    pub fn from_json(json: &str) -> Result<Self, DocumentError> {
        let Versioned { rpc_schema } = serde_json::from_str(json)?;
        if rpc_schema > VERSION {
            return Err(DocumentError::TooNew(rpc_schema));
        }
        let document: Self = serde_json::from_str(json)?;
        document.services.iter().try_for_each(ServiceSchema::check)?;
        Ok(Self::new(document.services))
    }

    /// The text of the document: the same for the same services.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Cannot fail: all keys of maps are text, and no type has a serializer of its own that fails.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl ServiceSchema {
    /// Checks that a description is whole, as a document's is when it is read: all types that it uses are there, and
    /// the keys of its methods follow from their signatures. For a description from a peer.
    ///
    /// # Errors
    /// The first fault that was found.
    pub fn check(&self) -> Result<(), DocumentError> {
        let roots = self.methods.iter().flat_map(super::MethodSchema::formats);
        if let Some(key) = self.types.undescribed(roots) {
            return Err(DocumentError::MissingType { service: self.name.clone(), key });
        }
        for method in &self.methods {
            let expected = method.expected_key(&self.types);
            if method.key != expected {
                return Err(DocumentError::WrongKey {
                    path: method.path.clone(),
                    key: method.key.to_string(),
                    expected: expected.to_string(),
                });
            }
        }
        Ok(())
    }
}
