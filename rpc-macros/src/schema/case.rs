//! serde's `rename_all` rules: from the names of fields and variants in Rust to those on the wire.

use syn::LitStr;

/// A rule of `rename_all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const RULES: [(&str, Rule); 8] = [
    ("lowercase", Rule::Lower),
    ("UPPERCASE", Rule::Upper),
    ("PascalCase", Rule::Pascal),
    ("camelCase", Rule::Camel),
    ("snake_case", Rule::Snake),
    ("SCREAMING_SNAKE_CASE", Rule::ScreamingSnake),
    ("kebab-case", Rule::Kebab),
    ("SCREAMING-KEBAB-CASE", Rule::ScreamingKebab),
];

impl Rule {
    pub(super) fn read(text: &LitStr) -> syn::Result<Self> {
        let value = text.value();
        let found = RULES.iter().find(|(name, _)| *name == value);
        found.map(|(_, rule)| *rule).ok_or_else(|| {
            let names: Vec<_> = RULES.iter().map(|(name, _)| *name).collect();
            syn::Error::new_spanned(text, format!("unknown case; there are {}", names.join(", ")))
        })
    }

    /// The name of a field that is `snake_case` in Rust.
    pub(super) fn field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => pascal(name),
            Self::Camel => decapitalised(&pascal(name)),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// The name of a variant that is `PascalCase` in Rust.
    pub(super) fn variant(self, name: &str) -> String {
        match self {
            Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => decapitalised(name),
            Self::Snake => snake(name),
            Self::ScreamingSnake => snake(name).to_ascii_uppercase(),
            Self::Kebab => snake(name).replace('_', "-"),
            Self::ScreamingKebab => snake(name).to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn pascal(snake: &str) -> String {
    let mut name = String::new();
    let mut capitalise = true;
    for character in snake.chars() {
        if character == '_' {
            capitalise = true;
        } else if capitalise {
            name.push(character.to_ascii_uppercase());
            capitalise = false;
        } else {
            name.push(character);
        }
    }
    name
}

fn decapitalised(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_ascii_lowercase(), characters.as_str())
    })
}

fn snake(pascal: &str) -> String {
    let mut name = String::new();
    for (index, character) in pascal.char_indices() {
        if index > 0 && character.is_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_serdes_rules() {
        let all = |name: fn(Rule) -> String| RULES.map(|(_, rule)| name(rule)).join(" ");
        assert_eq!(
            all(|rule| rule.field("very_tasty")),
            "very_tasty VERY_TASTY VeryTasty veryTasty very_tasty VERY_TASTY very-tasty VERY-TASTY"
        );
        assert_eq!(
            all(|rule| rule.variant("VeryTasty")),
            "verytasty VERYTASTY VeryTasty veryTasty very_tasty VERY_TASTY very-tasty VERY-TASTY"
        );
    }
}
