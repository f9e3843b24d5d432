//! The one table of frame kinds: number, name, flags, what a frame of the kind is about, what it carries (PROTOCOL §4).
//!
//! Encoder, decoder, the table of the document, the vectors and the tables of the generated clients are held to it by
//! `tests/vectors`.

use std::fmt;

use super::Flags;

/// What frames of a kind are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum About {
    /// The connection: the id is zero.
    Connection,
    /// One call: the id is its.
    Call,
    /// Either, as the frame's own subtype says.
    Either,
}

/// What frames of a kind carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carries {
    /// A message, which may be split over several frames, each as long as hello allows.
    Message,
    /// Fields of the protocol's own, in one short frame.
    Fields,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// What it is called.
    pub name: &'static str,
    /// The flags that a frame of this kind may have.
    pub may: Flags,
    /// Of these, the flags that it must have.
    pub must: Flags,
    /// What its frames are about.
    pub about: About,
    /// What they carry.
    pub carries: Carries,
}

macro_rules! kinds {
    ($($number:literal $kind:ident $name:literal [$($may:ident)*] [$($must:ident)*] $about:ident $carries:ident;)*) => {
        /// What a frame is for. Numbers not listed are reserved.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        #[allow(missing_docs)] // docs/protocol.md describes each
        pub enum Kind {
            $($kind = $number,)*
        }

        /// Every kind, in the order of their numbers.
        pub const KINDS: &[Row] = &[
            $(Row {
                kind: Kind::$kind,
                name: $name,
                may: Flags::NONE$(.with(Flags::$may))*,
                must: Flags::NONE$(.with(Flags::$must))*,
                about: About::$about,
                carries: Carries::$carries,
            },)*
        ];
    };
}

kinds! {
    1  Hello     "hello"     []                   []     Connection Fields;
    2  Request   "request"   [MORE JSON EXT MINE] [MINE] Call       Message;
    3  Response  "response"  [MORE JSON EXT]      []     Call       Message;
    4  Error     "error"     [MORE JSON EXT]      []     Call       Message;
    5  Item      "item"      [MORE JSON EXT MINE] []     Call       Message;
    6  End       "end"       [MINE]               [MINE] Call       Fields;
    7  Credit    "credit"    [MINE]               []     Call       Fields;
    8  Cancel    "cancel"    [MINE]               []     Call       Fields;
    9  Ping      "ping"      []                   []     Connection Fields;
    10 Pong      "pong"      []                   []     Connection Fields;
    11 GoAway    "goaway"    []                   []     Connection Fields;
    12 Accept    "accept"    []                   []     Call       Fields;
    13 Extension "extension" [MINE]               []     Either     Fields;
}

/// Where each number stands in [`KINDS`].
const ROWS: [Option<&Row>; 16] = {
    let mut rows = [None; 16];
    let mut at = 0;
    while at < KINDS.len() {
        rows[KINDS[at].kind as usize] = Some(&KINDS[at]);
        at += 1;
    }
    rows
};

impl Kind {
    /// The kind with this number on the wire.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits as usize >= ROWS.len() {
            return None;
        }
        match ROWS[bits as usize] {
            Some(row) => Some(row.kind),
            None => None,
        }
    }

    /// What the table says of this kind.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        match ROWS[self as usize] {
            Some(row) => row,
            // Every kind is made from a row.
            None => &KINDS[0],
        }
    }

    /// Whether frames of this kind carry a message, which may be split over several frames.
    #[must_use]
    pub const fn is_message(self) -> bool {
        matches!(self, Self::Request | Self::Response | Self::Error | Self::Item)
    }

    /// Whether frames of this kind are about the connection rather than a call.
    pub(super) const fn is_about_connection(self) -> bool {
        matches!(self.row().about, About::Connection)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_number_and_what_must_be_may_be() {
        for row in KINDS {
            assert_eq!(Kind::from_bits(row.kind as u8), Some(row.kind));
            assert_eq!(row.kind.row().name, row.name);
            assert!(row.may.contains(row.must), "{}", row.name);
            assert_eq!(row.kind.is_message(), row.carries == Carries::Message, "{}", row.name);
        }
        assert_eq!(KINDS.len(), 13);
        for reserved in [0, 14, 15, 16, 255] {
            assert_eq!(Kind::from_bits(reserved), None);
        }
    }
}
