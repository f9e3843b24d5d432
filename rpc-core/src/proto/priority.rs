//! How much a call matters beside others, where a server has too much to do.

/// How much a call matters: of calls that a server cannot all take, it refuses those of the lowest priority first.
///
/// ```
/// use rpc_core::Priority;
///
/// assert!(Priority::Critical > Priority::Normal && Priority::Low > Priority::Sheddable);
/// assert_eq!(Priority::default(), Priority::Normal);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// What somebody waits for, and what others stand on.
    Critical,
    /// What is said of no call.
    #[default]
    Normal,
    /// What can be done later: batches, prefetching.
    Low,
    /// What need not be done at all.
    Sheddable,
}

impl Priority {
    /// The number on the wire: 0 for what matters most.
    #[must_use]
    pub const fn value(self) -> u8 {
        self as u8
    }

    /// The priority with this number on the wire; those that this version does not know are [`Self::Sheddable`].
    #[must_use]
    pub const fn from_value(value: u8) -> Self {
        match value {
            0 => Self::Critical,
            1 => Self::Normal,
            2 => Self::Low,
            _ => Self::Sheddable,
        }
    }
}

/// What matters more is greater.
impl Ord for Priority {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.value().cmp(&self.value())
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
