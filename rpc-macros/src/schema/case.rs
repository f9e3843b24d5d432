//! serde's naming conventions: the names that `rename_all` gives to fields and variants.

use syn::LitStr;

/// A naming convention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Case {
    /// The name as it stands.
    #[default]
    Same,
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const NAMES: [(&str, Case); 8] = [
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

impl Case {
    /// Reads the value of `rename_all`.
    pub(super) fn parse(text: &LitStr) -> syn::Result<Self> {
        let name = text.value();
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, case)| *case).ok_or_else(|| {
            let known = NAMES.map(|(known, _)| known).join(", ");
            syn::Error::new(
                text.span(),
                format!("`{name}` is not a naming convention of serde: write one of {known}"),
            )
        })
    }

    /// The name of a field, written `snake_case` in Rust.
    pub(super) fn field(self, name: &str) -> String {
        match self {
            Self::Same | Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => name.split('_').map(capitalised).collect(),
            Self::Camel => uncapitalised(&Self::Pascal.field(name)),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// The name of a variant, written `PascalCase` in Rust.
    pub(super) fn variant(self, name: &str) -> String {
        match self {
            Self::Same | Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => uncapitalised(name),
            Self::Snake | Self::Kebab | Self::ScreamingSnake | Self::ScreamingKebab => {
                self.field(&snake(name))
            }
        }
    }
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn uncapitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::{Case, NAMES};

    #[test]
    fn fields_follow_each_convention() {
        let names = NAMES.map(|(_, case)| case.field("very_tasty"));
        let expected = [
            "very_tasty",
            "VERY_TASTY",
            "VeryTasty",
            "veryTasty",
            "very_tasty",
            "VERY_TASTY",
            "very-tasty",
            "VERY-TASTY",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn variants_follow_each_convention() {
        let names = NAMES.map(|(_, case)| case.variant("VeryTasty"));
        let expected = [
            "verytasty",
            "VERYTASTY",
            "VeryTasty",
            "veryTasty",
            "very_tasty",
            "VERY_TASTY",
            "very-tasty",
            "VERY-TASTY",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn names_stay_without_a_convention() {
        assert_eq!(Case::Same.field("very_tasty"), "very_tasty");
        assert_eq!(Case::Same.variant("VeryTasty"), "VeryTasty");
    }
}
