//! The run-time, cut into pieces: statements, and members of classes. A module has those that it needs, and the others are
//! not loaded by anybody. `build.mjs` of the run-time makes the lists: each line says what a piece is called, which other
//! pieces it needs, which members it mentions, and its code; classes are left open for their members.

use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

/// The run-time of one kind of clients.
pub(super) struct Pieces {
    /// The pieces of the names that modules use.
    exported: HashMap<&'static str, &'static str>,
    /// In the order in which they stand.
    pieces: Vec<Piece>,
    places: HashMap<&'static str, usize>,
}

struct Piece {
    name: &'static str,
    /// The class and the name of a member.
    member: Option<(&'static str, &'static str)>,
    needs: &'static str,
    mentions: &'static str,
    code: &'static str,
    /// What stands behind it and its members.
    end: &'static str,
}

/// How a declaration of variables begins.
const LET: &str = "let ";

impl Pieces {
    /// Those of clients that answer calls.
    pub(super) fn whole() -> &'static Self {
        static WHOLE: OnceLock<Pieces> = OnceLock::new();
        WHOLE.get_or_init(|| Self::read(include_str!("runtime/whole.txt")))
    }

    /// Those of clients that answer calls without items.
    pub(super) fn answering() -> &'static Self {
        static ANSWERING: OnceLock<Pieces> = OnceLock::new();
        ANSWERING.get_or_init(|| Self::read(include_str!("runtime/answering.txt")))
    }

    /// Those of clients that only call.
    pub(super) fn calling() -> &'static Self {
        static CALLING: OnceLock<Pieces> = OnceLock::new();
        CALLING.get_or_init(|| Self::read(include_str!("runtime/calling.txt")))
    }

    /// Those of clients whose calls have one request and one reply.
    pub(super) fn plain() -> &'static Self {
        static PLAIN: OnceLock<Pieces> = OnceLock::new();
        PLAIN.get_or_init(|| Self::read(include_str!("runtime/plain.txt")))
    }

    fn read(list: &'static str) -> Self {
        let mut lines = list.lines();
        let exported = lines.next().unwrap_or_default().split(' ');
        let exported = exported.filter_map(|pair| pair.split_once(':')).collect();
        let pieces: Vec<Piece> = lines.filter_map(Piece::read).collect();
        let places = pieces.iter().enumerate().map(|(place, piece)| (piece.name, place)).collect();
        Self { exported, pieces, places }
    }

    /// What a name of the run-time is called in a module: a capital letter, and perhaps another sign.
    pub(super) fn own(&self, name: &str) -> &'static str {
        self.exported.get(name).copied().unwrap_or("undefined")
    }

    /// The code of these names and of all that they need.
    pub(super) fn script<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> String {
        let needed = self.needed(names.into_iter().map(|name| self.own(name)));
        let (mut script, mut open) = (String::new(), "");
        let mut declares = false;
        for piece in self.pieces.iter().filter(|piece| needed.contains(piece.name)) {
            let mut code = piece.code;
            if piece.member.is_none() {
                script.push_str(open);
                open = piece.end;
                // Variables in a row are one list of them, which is shorter.
                let declared = code.strip_prefix(LET);
                if let Some(listed) = declared.filter(|_| declares && script.ends_with(';')) {
                    script.pop();
                    script.push(',');
                    code = listed;
                }
                declares = declared.is_some();
            }
            script.push_str(code);
        }
        script + open + "\n"
    }

    /// The statement by which a module exports names as they are known.
    pub(super) fn exports<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> String {
        let each = names.into_iter().map(|name| format!("{} as {name}", self.own(name)));
        format!("export{{{}}};\n", each.collect::<Vec<_>>().join(","))
    }

    /// What these pieces need, and what that needs: a member is needed where its class is and something mentions its name.
    fn needed(&self, roots: impl Iterator<Item = &'static str>) -> HashSet<&'static str> {
        let mut needed = HashSet::new();
        let mut mentioned = HashSet::new();
        let mut left: Vec<&str> = roots.collect();
        loop {
            while let Some(name) = left.pop() {
                let Some(piece) = self.places.get(name).map(|place| &self.pieces[*place]) else {
                    continue;
                };
                if needed.insert(piece.name) {
                    mentioned.extend(piece.mentions.split(' '));
                    left.extend(piece.needs.split(' '));
                }
            }
            let members = self.pieces.iter().filter(|piece| {
                let wanted = |(class, name)| {
                    needed.contains(class)
                        && (mentioned.contains(name) || mentioned.contains(piece.name))
                };
                piece.member.is_some_and(wanted) && !needed.contains(piece.name)
            });
            left.extend(members.map(|piece| piece.name));
            if left.is_empty() {
                return needed;
            }
        }
    }
}

impl Piece {
    fn read(line: &'static str) -> Option<Self> {
        let mut parts = line.split('\t');
        let mut next = || parts.next();
        let (name, needs, mentions) = (next()?, next()?, next()?);
        let (code, end) = (next()?, next()?);
        Some(Self { name, member: name.split_once('.'), needs, mentions, code, end })
    }
}
