//! Which types lead to which: what contains itself, and an order in which what is inside comes first. One walk over all
//! types, however they hang together.

use rpc_core::schema::Format;

use super::Api;

/// The types of an API by their places, with what each names directly.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    leads_to: Vec<Vec<usize>>,
    /// The number of the circle that a type is part of: two types lead to each other if theirs is the same.
    circles: Vec<usize>,
    /// All places, those that a type leads to before it, unless they lead back.
    inside_first: Vec<usize>,
}

impl Graph {
    pub(crate) fn new(api: &Api<'_>) -> Self {
        let leads_to = api.types.iter().map(|named| {
            let mut found = Vec::new();
            for format in named.container.kind.formats() {
                each_named(format, &mut |key| {
                    found.extend(api.named(named.service, key).map(|to| to.id))
                });
            }
            found
        });
        let leads_to: Vec<Vec<usize>> = leads_to.collect();
        let (circles, inside_first) = Search::all(&leads_to);
        Self { leads_to, circles, inside_first }
    }

    /// All places, what is inside of a type before it, as far as there is such an order.
    pub(crate) fn inside_first(&self) -> &[usize] {
        &self.inside_first
    }

    /// True if a type that names another is led back to from there.
    pub(crate) fn leads_back(&self, from: usize, to: usize) -> bool {
        self.circles[from] == self.circles[to]
    }

    /// True if a type contains itself.
    pub(crate) fn contains_itself(&self, place: usize) -> bool {
        self.leads_to[place].iter().any(|to| self.leads_back(place, *to))
    }

    /// The types that have something, or lead to one that has it.
    pub(crate) fn having(&self, something: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut has: Vec<bool> = (0..self.leads_to.len()).map(something).collect();
        let mut led_from = vec![Vec::new(); has.len()];
        for (from, all) in self.leads_to.iter().enumerate() {
            all.iter().for_each(|to| led_from[*to].push(from));
        }
        let mut waiting: Vec<usize> = (0..has.len()).filter(|place| has[*place]).collect();
        while let Some(place) = waiting.pop() {
            for from in &led_from[place] {
                if !std::mem::replace(&mut has[*from], true) {
                    waiting.push(*from);
                }
            }
        }
        has
    }
}

/// The keys of the types that a shape names itself.
fn each_named(format: &Format, found: &mut impl FnMut(&str)) {
    match format {
        Format::Named(key) => found(key),
        Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
            each_named(content, found);
        }
        Format::Map { key, value } => {
            each_named(key, found);
            each_named(value, found);
        }
        Format::Tuple(contents) => contents.iter().for_each(|content| each_named(content, found)),
        // Text is written without what it is on the wire.
        _ => {}
    }
}

/// Tarjan's search for circles, without recursion: types may nest as deep as there are types.
struct Search<'a> {
    leads_to: &'a [Vec<usize>],
    /// When a type was met, from one on.
    met: Vec<usize>,
    /// The earliest that it leads back to.
    earliest: Vec<usize>,
    /// Types that may yet turn out to be in one circle.
    open: Vec<usize>,
    circles: Vec<usize>,
    inside_first: Vec<usize>,
}

const NONE: usize = usize::MAX;

impl<'a> Search<'a> {
    fn all(leads_to: &'a [Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
        let count = leads_to.len();
        let mut search = Self {
            leads_to,
            met: vec![0; count],
            earliest: vec![0; count],
            open: Vec::new(),
            circles: vec![NONE; count],
            inside_first: Vec::with_capacity(count),
        };
        let mut time = 0;
        for root in 0..count {
            if search.met[root] == 0 {
                search.from(root, &mut time);
            }
        }
        (search.circles, search.inside_first)
    }

    fn from(&mut self, root: usize, time: &mut usize) {
        // Each with how many of those it leads to were looked at.
        let mut way = vec![(root, 0)];
        while let Some((place, next)) = way.last_mut() {
            let place = *place;
            if *next == 0 {
                *time += 1;
                (self.met[place], self.earliest[place]) = (*time, *time);
                self.open.push(place);
            }
            let to = self.leads_to[place].get(*next).copied();
            *next += 1;
            match to {
                Some(to) if self.met[to] == 0 => way.push((to, 0)),
                Some(to) if self.circles[to] == NONE => {
                    self.earliest[place] = self.earliest[place].min(self.met[to]);
                }
                Some(_) => {}
                None => {
                    way.pop();
                    self.leave(place);
                    if let Some((above, _)) = way.last() {
                        self.earliest[*above] = self.earliest[*above].min(self.earliest[place]);
                    }
                }
            }
        }
    }

    fn leave(&mut self, place: usize) {
        self.inside_first.push(place);
        if self.earliest[place] == self.met[place] {
            while let Some(open) = self.open.pop() {
                self.circles[open] = place;
                if open == place {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(leads_to: &[&[usize]]) -> Graph {
        let leads_to: Vec<Vec<usize>> = leads_to.iter().map(|all| all.to_vec()).collect();
        let (circles, inside_first) = Search::all(&leads_to);
        Graph { leads_to, circles, inside_first }
    }

    #[test]
    fn circles_are_found_and_what_is_inside_comes_first() {
        // 0 → 1 → 2 → 1, 2 → 3, 4 → 4.
        let graph = graph(&[&[1], &[2], &[1, 3], &[], &[4]]);
        assert_eq!(graph.inside_first(), [3, 2, 1, 0, 4]);
        assert_eq!(
            [0, 1, 2, 3, 4].map(|place| graph.contains_itself(place)),
            [false, true, true, false, true]
        );
        assert!(graph.leads_back(1, 2) && !graph.leads_back(0, 1) && !graph.leads_back(2, 3));
        assert_eq!(graph.having(|place| place == 3), [true, true, true, true, false]);
    }

    #[test]
    fn types_may_nest_as_deep_as_there_are_types() {
        const DEEP: usize = 100_000;
        let chain: Vec<Vec<usize>> = (1..=DEEP).map(|to| vec![to % DEEP]).collect();
        let (circles, _) = Search::all(&chain);
        assert!(circles.iter().all(|circle| *circle == circles[0]));
    }
}
