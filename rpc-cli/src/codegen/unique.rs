//! Names that are given once each: one that is taken gets a number.

use std::collections::HashSet;

/// The names that are taken.
#[derive(Debug, Default)]
pub(super) struct Unique(HashSet<String>);

impl Unique {
    /// Where these are taken.
    pub(super) fn with<'n>(taken: impl IntoIterator<Item = &'n str>) -> Self {
        Self(taken.into_iter().map(str::to_owned).collect())
    }

    /// The name itself, or with the first number that makes it unique; it is taken then.
    pub(super) fn take(&mut self, name: &str) -> String {
        self.take_with(name, name, &[])
    }

    /// The same, where the number is put behind `base` and each name with a suffix is to be free, too.
    pub(super) fn take_with(&mut self, name: &str, base: &str, suffixes: &[&str]) -> String {
        let mut free = name.to_owned();
        let mut number = 2_u32;
        loop {
            let beside: Vec<_> = suffixes.iter().map(|suffix| format!("{free}{suffix}")).collect();
            if !std::iter::once(&free).chain(&beside).any(|name| self.0.contains(name)) {
                self.0.extend(beside);
                self.0.insert(free.clone());
                return free;
            }
            free = format!("{base}{number}");
            number += 1;
        }
    }
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
}
