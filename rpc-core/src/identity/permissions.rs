//! What a caller may do: a set of words.

/// A set of granted permissions.
///
/// A permission is text in parts, divided by `:`, such as `orders:write`. In what is granted a part may be `*`: the
/// last one stands for one or more parts, any other for exactly one. So `orders:*` grants `orders:write` and
/// `orders:items:write`, but not `orders`; `*:read` grants `orders:read`; and `*` grants all. Apart from that, case and
/// every character count. What has an empty part is not a permission: nobody has it.
///
/// ```
/// use rpc_core::Permissions;
///
/// let permissions = Permissions::from_iter(["orders:*", "stock:read"]);
/// assert!(permissions.permits("orders:write") && permissions.permits("stock:read"));
/// assert!(!permissions.permits("orders") && !permissions.permits("stock:write"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Bounded by: what the program grants.
    granted: Vec<Box<str>>,
}

impl Permissions {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { granted: Vec::new() }
    }

    /// Grants one more, or all that a pattern with `*` stands for.
    pub fn grant(&mut self, permission: &str) {
        if !self.iter().any(|granted| granted == permission) {
            self.granted.push(permission.into());
        }
    }

    /// Tells whether a permission is granted.
    #[must_use]
    pub fn permits(&self, permission: &str) -> bool {
        let is_one = !permission.split(':').any(str::is_empty);
        is_one && self.iter().any(|granted| covers(granted, permission))
    }

    /// What was granted, patterns as they are, in that order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.granted.iter().map(|granted| &**granted)
    }
}

impl<S: AsRef<str>> Extend<S> for Permissions {
    fn extend<I: IntoIterator<Item = S>>(&mut self, permissions: I) {
        permissions.into_iter().for_each(|permission| self.grant(permission.as_ref()));
    }
}

impl<S: AsRef<str>> FromIterator<S> for Permissions {
    fn from_iter<I: IntoIterator<Item = S>>(permissions: I) -> Self {
        let mut all = Self::new();
        all.extend(permissions);
        all
    }
}

/// Tells whether `granted` stands for `permission`.
fn covers(granted: &str, permission: &str) -> bool {
    let (mut granted, mut permission) = (granted.split(':').peekable(), permission.split(':'));
    loop {
        match (granted.next(), permission.next()) {
            (Some("*"), Some(_)) if granted.peek().is_none() => return true,
            (Some("*"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(granted: &str, permits: &[&str], refuses: &[&str]) {
        let permissions = Permissions::from_iter([granted]);
        for permission in permits {
            assert!(permissions.permits(permission), "{granted} does not permit {permission}");
        }
        for permission in refuses {
            assert!(!permissions.permits(permission), "{granted} permits {permission}");
        }
    }

    #[test]
    fn a_star_stands_for_parts() {
        check(
            "orders:write",
            &["orders:write"],
            &["orders", "orders:write:all", "orders:Write", "*"],
        );
        check(
            "orders:*",
            &["orders:a", "orders:a:b", "orders:*"],
            &["orders", "order:a", "orders:"],
        );
        check("*", &["a", "a:b", "*"], &["", ":", "a:", ":a"]);
        check("*:read", &["orders:read", "*:read"], &["read", "a:b:read", "orders:read:all"]);
        check("a:*:c", &["a:b:c"], &["a:c", "a:b:b:c", "a:b"]);
        check("orders*", &["orders*"], &["orders", "orders:a", "orders1"]);
        check("", &[], &["", "a"]);
    }

    /// A few words, so that many of them meet.
    fn parts(word: &'static str) -> impl Strategy<Value = Vec<&'static str>> {
        proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just(word)], 1..4)
    }

    /// The rule once more, part by part from the end: what `*` may stand for is tried.
    fn stands_for(granted: &[&str], permission: &[&str]) -> bool {
        match granted {
            [] => permission.is_empty(),
            ["*"] => !permission.is_empty(),
            [first, rest @ ..] => match permission {
                [one, others @ ..] => (*first == "*" || first == one) && stands_for(rest, others),
                [] => false,
            },
        }
    }

    proptest! {
        #[test]
        fn the_rule_holds_for_any_parts(
            granted in proptest::collection::vec(parts("*"), 0..4),
            permission in parts("c"),
        ) {
            let permissions = Permissions::from_iter(granted.iter().map(|parts| parts.join(":")));
            let expected = granted.iter().any(|granted| stands_for(granted, &permission));
            prop_assert_eq!(permissions.permits(&permission.join(":")), expected);
        }

        /// Who is asked for all that a pattern stands for must have been granted all of it.
        #[test]
        fn no_pattern_is_permitted_of_which_an_instance_is_not(
            granted in proptest::collection::vec(parts("*"), 1..4),
            pattern in parts("*"),
            fill in proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c")], 6),
            last in 1..4_usize,
        ) {
            let permissions = Permissions::from_iter(granted.iter().map(|parts| parts.join(":")));
            if !permissions.permits(&pattern.join(":")) {
                return Ok(());
            }
            let mut instance = Vec::new();
            for (index, part) in pattern.iter().enumerate() {
                match *part {
                    "*" if index + 1 == pattern.len() => instance.extend(&fill[..last]),
                    "*" => instance.push(fill[3 + index]),
                    part => instance.push(part),
                }
            }
            prop_assert!(permissions.permits(&instance.join(":")), "{:?}", instance);
        }
    }
}
