//! What the person at the terminal has chosen.

use super::rows::Row;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Methods,
    Calls,
    Connections,
}

impl View {
    pub(super) const ALL: [Self; 3] = [Self::Methods, Self::Calls, Self::Connections];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Methods => "Methods",
            Self::Calls => "Calls",
            Self::Connections => "Connections",
        }
    }
}

/// The state of the terminal.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    pub(super) address: String,
    pub(super) view: View,
    /// The method whose calls are shown alone.
    pub(super) method: Option<String>,
    /// The column that rows are sorted by, for each view; the largest first, or the least.
    pub(super) sorted: [(usize, Order); 3],
    pub(super) filter: String,
    /// Whether what is typed goes to the filter.
    pub(super) typing: Typing,
    pub(super) chosen: usize,
    /// The row that was chosen, which is looked for wherever it goes; without one, whatever is at that place is.
    pub(super) held: Option<String>,
    pub(super) paused: bool,
    /// What came of the last command.
    pub(super) said: Option<String>,
    /// Why the server does not answer, if it does not.
    pub(super) lost: Option<String>,
    /// The call that is to be ended once that is confirmed.
    pub(super) ending: Option<u64>,
}

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    Commands,
    Filter,
}

/// How rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Falling,
    Rising,
}

impl Order {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Falling => Self::Rising,
            Self::Rising => Self::Falling,
        }
    }
}

impl Screen {
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            view: View::Methods,
            method: None,
            // By rate, by age, by calls.
            sorted: [(1, Order::Falling), (3, Order::Falling), (4, Order::Falling)],
            filter: String::new(),
            typing: Typing::Commands,
            chosen: 0,
            held: None,
            paused: false,
            said: None,
            lost: None,
            ending: None,
        }
    }

    /// Finds the chosen row among those that are there now.
    pub(super) fn find(&mut self, rows: &[Row]) {
        let held = self.held.as_ref();
        let found = held.and_then(|held| rows.iter().position(|row| row.name() == held));
        self.chosen = found.unwrap_or(self.chosen).min(rows.len().saturating_sub(1));
    }

    pub(super) fn sorted(&mut self) -> &mut (usize, Order) {
        &mut self.sorted[self.view as usize]
    }

    pub(super) fn show(&mut self, view: View, method: Option<String>) {
        (self.view, self.method, self.chosen, self.held) = (view, method, 0, None);
        self.filter.clear();
    }
}
