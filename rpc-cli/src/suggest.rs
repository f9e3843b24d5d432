//! "Did you mean": the nearest of the names that there are.

/// The name that `wanted` is most likely a slip of, if there is one.
pub(crate) fn nearest<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let distance =
        |name: &str| strsim::damerau_levenshtein(&wanted.to_lowercase(), &name.to_lowercase());
    let nearest = names.into_iter().min_by_key(|name| distance(name))?;
    (distance(nearest) <= 1 + wanted.len() / 4).then_some(nearest)
}

/// The words that name it, or the list of what there is.
pub(crate) fn instead(wanted: &str, names: &[&str]) -> String {
    match nearest(wanted, names.iter().copied()) {
        Some(name) => format!("did you mean {name}?"),
        None if names.is_empty() => "there is none".to_owned(),
        None if names.len() > SHOWN => {
            let more = names.len() - SHOWN;
            format!("there are {} and {more} more", names[..SHOWN].join(", "))
        }
        None => format!("there are {}", names.join(", ")),
    }
}

/// How many names are listed at most.
const SHOWN: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        assert_eq!(nearest("ad", ["add", "div"]), Some("add"));
        assert_eq!(nearest("calcualtor", ["Clock", "Calculator"]), Some("Calculator"));
        assert_eq!(nearest("subtract", ["add", "div"]), None);
        assert_eq!(instead("subtract", &["add", "div"]), "there are add, div");
    }
}
