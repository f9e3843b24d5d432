//! The kinds of changes, each with a name by which it can be left out of a comparison.

use std::{fmt, str::FromStr};

use thiserror::Error;

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal,)*) => {
        /// A kind of change, by a name that does not change: `field-added`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// The name of the rule.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }
        }
    };
}

rules! {
    /// A service is not there any more.
    ServiceRemoved = "service-removed",
    /// A service was not there before.
    ServiceAdded = "service-added",
    /// A method is not there any more.
    MethodRemoved = "method-removed",
    /// A method was not there before.
    MethodAdded = "method-added",
    /// A method streams other ways than before.
    MethodKind = "method-kind",
    /// Calls are not kept in their order any more.
    OrderRemoved = "order-removed",
    /// Calls are kept in their order, and were not before.
    OrderAdded = "order-added",
    /// Calls that may have run could be made again, and cannot any more.
    RepetitionRemoved = "repetition-removed",
    /// Calls that may have run can be made again, and could not before.
    RepetitionAdded = "repetition-added",
    /// A method requires a permission that it did not require before.
    PermissionAdded = "permission-added",
    /// A method does not require a permission any more.
    PermissionRemoved = "permission-removed",
    /// A method is deprecated, and was not before.
    Deprecated = "deprecated",
    /// An argument is not there any more.
    ArgumentRemoved = "argument-removed",
    /// An argument was not there before.
    ArgumentAdded = "argument-added",
    /// One argument that may be left out has taken the place of another.
    ArgumentRenamed = "argument-renamed",
    /// Arguments are in another order.
    ArgumentOrder = "argument-order",
    /// A method can fail with an error of its own, and could not before.
    ErrorAdded = "error-added",
    /// A method has no error of its own any more.
    ErrorRemoved = "error-removed",
    /// A value has another type.
    ValueType = "value-type",
    /// A value is wrapped in a struct of one unnamed field, or no longer.
    Newtype = "newtype",
    /// A field is not there any more.
    FieldRemoved = "field-removed",
    /// A field was not there before.
    FieldAdded = "field-added",
    /// A field could be left out, and must not be any more.
    FieldNeeded = "field-needed",
    /// One field that may be left out has taken the place of another.
    FieldRenamed = "field-renamed",
    /// Fields are in another order.
    FieldOrder = "field-order",
    /// A field that is left out gets another value than before.
    DefaultChanged = "default-changed",
    /// Fields that a type does not know are refused, or no longer.
    UnknownFields = "unknown-fields",
    /// A variant is not there any more.
    VariantRemoved = "variant-removed",
    /// A variant was not there before.
    VariantAdded = "variant-added",
    /// Variants are in another order.
    VariantOrder = "variant-order",
    /// A signature has changed, and JSON does not carry all values exactly, so that calls do not evolve.
    JsonInexact = "json-inexact",
    /// The signature differs in what no other rule names.
    Signature = "signature",
}

/// A name that no rule has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no rule is called {0:?}")]
pub struct UnknownRule(
    /// The name.
    pub String,
);

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        let named = Self::ALL.iter().find(|rule| rule.name() == name);
        named.copied().ok_or_else(|| UnknownRule(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_found_by_its_name() {
        for rule in Rule::ALL {
            assert_eq!(rule.name().parse(), Ok(*rule));
            assert_eq!(rule.to_string(), rule.name());
        }
        assert_eq!("fields".parse::<Rule>(), Err(UnknownRule("fields".to_owned())));
    }
}
