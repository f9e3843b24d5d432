//! Which codec a payload is written in: one flag of the frame head.

use std::fmt;

/// How a payload's bytes stand for values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// bincode 2, standard configuration.
    #[default]
    Bincode,
    /// JSON, UTF-8.
    Json,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bincode => "bincode",
            Self::Json => "JSON",
        })
    }
}
