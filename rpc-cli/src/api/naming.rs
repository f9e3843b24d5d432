//! Names: which signs they can have, of which words they consist, and that each is given once.

use std::collections::{HashMap, HashSet};

/// True if a character may stand inside of a name in every language.
pub(crate) fn is_word(character: char) -> bool {
    unicode_ident::is_xid_continue(character)
}

/// True if a name may begin with a character in every language; but for `_`, which has a meaning of its own in some.
pub(crate) fn starts_word(character: char) -> bool {
    unicode_ident::is_xid_start(character)
}

/// The words as one, each beginning with a capital.
pub(crate) fn capitals<'n>(words: impl Iterator<Item = &'n str>) -> String {
    let mut name = String::new();
    for word in words {
        let mut characters = word.chars();
        name.extend(characters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(characters);
    }
    name
}

/// The words of a name in small letters, with `_` between them: they begin behind other signs, and at capitals behind
/// small letters and digits.
pub(crate) fn snake_words(name: &str) -> String {
    let mut words = String::new();
    let (mut previous, mut begins) = ('_', false);
    for character in name.chars() {
        let part = is_word(character) && character != '_';
        let capital = character.is_uppercase();
        begins |= !part || (capital && (previous.is_lowercase() || previous.is_ascii_digit()));
        if part {
            if begins && !words.is_empty() {
                words.push('_');
            }
            words.extend(character.to_lowercase());
            begins = false;
        }
        previous = character;
    }
    words
}

/// The names that are taken.
#[derive(Debug, Default)]
pub(crate) struct Unique {
    taken: HashSet<String>,
    /// The first number behind a name that may be free: those before were found taken, and stay so. A stranger's
    /// description may have one name some ten thousand times.
    next: HashMap<String, u32>,
}

impl Unique {
    /// The names of which these are taken, with spaces between them.
    pub(crate) fn of(taken: &str) -> Self {
        Self::with(taken.split_whitespace())
    }

    /// Where these are taken.
    pub(crate) fn with<'n>(taken: impl IntoIterator<Item = &'n str>) -> Self {
        Self { taken: taken.into_iter().map(str::to_owned).collect(), next: HashMap::new() }
    }

    /// True while a name is free.
    pub(crate) fn is_free(&self, name: &str) -> bool {
        !self.taken.contains(name)
    }

    /// The name itself, or with the first number that makes it unique; it is taken then.
    pub(crate) fn take(&mut self, name: &str) -> String {
        self.take_with(name, name, &[])
    }

    /// The same, where the number is put behind `base` and each name with a suffix is to be free, too.
    pub(crate) fn take_with(&mut self, name: &str, base: &str, suffixes: &[&str]) -> String {
        let mut free = name.to_owned();
        let mut number = None;
        while !self.try_take(&free, suffixes) {
            let next = number.unwrap_or_else(|| self.next.get(base).copied().unwrap_or(2));
            free = format!("{base}{next}");
            number = Some(next + 1);
        }
        if let Some(number) = number {
            self.next.insert(base.to_owned(), number);
        }
        free
    }

    fn try_take(&mut self, name: &str, suffixes: &[&str]) -> bool {
        let beside: Vec<_> = suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect();
        #[cfg(test)]
        LOOKS.set(LOOKS.get() + 1);
        let free =
            !self.taken.contains(name) && !beside.iter().any(|name| self.taken.contains(name));
        if free {
            self.taken.extend(beside);
            self.taken.insert(name.to_owned());
        }
        free
    }
}

#[cfg(test)]
thread_local! {
    /// How often names were looked at.
    static LOOKS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names = Unique::with(["a"]);
        assert_eq!([names.take("a"), names.take("a"), names.take("b")], ["a2", "a3", "b"]);
        let mut names = Unique::default();
        assert_eq!(["A", "A", "A2", "A"].map(|name| names.take(name)), ["A", "A2", "A22", "A3"]);
    }

    #[test]
    fn what_comes_behind_a_name_is_free_as_well() {
        let mut names = Unique::with(["aX"]);
        assert_eq!(names.take_with("a", "a", &["X"]), "a2");
        assert_eq!(names.take("a2X"), "a2X2");
        assert_eq!(names.take_with("r#a2", "a", &[]), "r#a2");
    }

    #[test]
    fn one_name_many_times_is_looked_at_a_few_times_each() {
        const TIMES: u32 = 30_000;
        let mut names = Unique::default();
        LOOKS.set(0);
        let last = (0..TIMES).map(|_| names.take_with("a", "a", &["Client"])).last();
        assert_eq!(last, Some(format!("a{TIMES}")));
        assert!(LOOKS.get() <= 2 * TIMES, "{} looks", LOOKS.get());
        // Nor do names help that are taken before.
        let taken: Vec<String> = (0..TIMES).map(|number| format!("b{number}")).collect();
        let mut names = Unique::with(taken.iter().map(String::as_str));
        LOOKS.set(0);
        for _ in 0..TIMES {
            names.take("b1");
        }
        assert!(LOOKS.get() <= 4 * TIMES, "{} looks", LOOKS.get());
    }
}
