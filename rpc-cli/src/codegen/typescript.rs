//! TypeScript.
use super::{Api, GeneratedFile};
pub(super) fn generate(_: &Api<'_>) -> Vec<GeneratedFile> {
    Vec::new()
}
