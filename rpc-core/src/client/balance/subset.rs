//! Which of many servers one channel keeps to: those that score highest for it, so that each channel has others, and
//! keeps them as servers come and go (rendezvous hashing, Thaler and Ravishankar 1996).

use std::hash::{BuildHasher, RandomState};

use crate::client::discover::Instance;

/// The number by which a channel chooses; another one for each.
#[derive(Debug, Default)]
pub(super) struct Subset(RandomState);

impl Subset {
    /// `most` of the instances, or all of them for zero; each once.
    pub(super) fn of(&self, mut instances: Vec<Instance>, most: usize) -> Vec<Instance> {
        instances.sort_by_cached_key(|instance| self.0.hash_one(instance));
        // Those that are equal stand side by side now.
        instances.dedup();
        if most != 0 {
            instances.truncate(most);
        }
        instances
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::transport::Address;

    fn instances(ports: std::ops::Range<u16>) -> Vec<Instance> {
        let address = |port| Address::Tcp { host: "a".to_owned(), port };
        ports.map(|port| Instance::new(address(port))).collect()
    }

    #[test]
    fn what_a_channel_has_changes_by_what_came_and_went_alone() {
        let subset = Subset::default();
        let before: HashSet<_> = subset.of(instances(0..100), 20).into_iter().collect();
        assert_eq!(before.len(), 20);
        // Ten of a hundred are gone, and ten others have come.
        let after: HashSet<_> = subset.of(instances(10..110), 20).into_iter().collect();
        let gone = before.iter().filter(|old| instances(0..10).contains(old)).count();
        let new = after.iter().filter(|one| instances(100..110).contains(one)).count();
        assert!(before.difference(&after).count() <= gone + new);
    }

    #[test]
    fn each_is_there_once_and_channels_differ() {
        let twice = [instances(0..50), instances(0..50)].concat();
        assert_eq!(Subset::default().of(twice.clone(), 0).len(), 50);
        let sets: Vec<_> = (0..8).map(|_| Subset::default().of(twice.clone(), 10)).collect();
        assert!(sets.windows(2).any(|two| two[0] != two[1]), "by chance they cannot all be equal");
    }
}
