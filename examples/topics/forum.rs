//! The forum: topics with their posts in memory, and the service over them. The list of all topics is computed from all that was
//! ever posted, as it would be by a query that nobody has made fast yet.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use rpc_core::{Schema, service};
use serde::{Deserialize, Serialize};

/// A topic on the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Topic {
    /// Its number.
    pub id: u32,
    /// What it is about.
    pub title: String,
    /// How many posts it has.
    pub posts: u32,
    /// How many people have posted.
    pub authors: u32,
    /// The words that are said most.
    pub words: Vec<String>,
    /// How lively it is: each post counts, and later ones count more.
    pub heat: f64,
    /// The number of the last post of the forum that is in it.
    pub last: u64,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} posts; {})", self.title, self.posts, self.words.join(", "))
    }
}

/// There is no such topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, thiserror::Error)]
#[error("there is no topic {0}")]
pub struct NoTopic(pub u32);

/// A forum.
#[service]
pub trait Topics {
    /// All topics, the liveliest first.
    #[rpc(idempotent)]
    async fn all(&self) -> Vec<Topic>;

    /// The posts of a topic, the latest first, at most so many.
    #[rpc(idempotent)]
    async fn posts(&self, topic: u32, limit: u32) -> Result<Vec<String>, NoTopic>;

    /// Posts in a topic; gives the number of the post.
    async fn post(&self, topic: u32, author: String, text: String) -> Result<u64, NoTopic>;

    /// How often the list was computed.
    async fn computed(&self) -> u64;
}

struct Post {
    number: u64,
    author: String,
    text: String,
}

struct Thread {
    title: String,
    posts: Vec<Post>,
}

#[derive(Default)]
struct Store {
    threads: Vec<Thread>,
    posts: u64,
    /// How often the list was computed.
    computed: AtomicU64,
}

/// The forum, in memory. A clone is the same one.
#[derive(Clone, Default)]
pub struct Forum(Arc<RwLock<Store>>);

/// Topics and posts that the forum begins with.
const THREADS: u32 = 100;
const POSTS: u32 = 30;
/// Later posts count more: one counts half as much as one so many posts later.
const HALF: f64 = 2000.0;

const WORDS: [&str; 24] = [
    "socket", "frame", "borrow", "trait", "future", "waker", "stream", "credit", "window", "queue",
    "latency", "cache", "lock", "thread", "arena", "slab", "bytes", "codec", "schema", "layer",
    "deadline", "retry", "balance", "drain",
];

/// Numbers that look drawn and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // The multiplier of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % sides
    }
}

impl Forum {
    /// One in which much was said.
    pub fn with_history() -> Self {
        let forum = Self::default();
        let mut dice = Dice(7);
        let mut store = forum.write();
        for id in 0..THREADS {
            let title = format!("On {} and {}", WORDS[dice.roll(24)], WORDS[dice.roll(24)]);
            store.threads.push(Thread { title: format!("{title} ({id})"), posts: Vec::new() });
        }
        for _ in 0..THREADS * POSTS {
            let words: Vec<&str> = (0..30).map(|_| WORDS[dice.roll(24)]).collect();
            let (topic, author) = (dice.roll(THREADS as usize), dice.roll(500));
            store.post(topic, format!("member {author}"), words.join(" "));
        }
        drop(store);
        forum
    }

    fn write(&self) -> RwLockWriteGuard<'_, Store> {
        // A panic leaves it as it was: posts are pushed whole.
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn post(&mut self, topic: usize, author: String, text: String) -> u64 {
        self.posts += 1;
        let number = self.posts;
        self.threads[topic].posts.push(Post { number, author, text });
        number
    }
}

impl Thread {
    /// Reads all of its posts: this is what is slow.
    fn topic(&self, id: u32, now: u64) -> Topic {
        let mut words: HashMap<String, u32> = HashMap::new();
        let mut authors: HashMap<&str, u32> = HashMap::new();
        let mut heat = 0.0;
        for post in &self.posts {
            heat += (-((now - post.number) as f64) / HALF).exp2();
            *authors.entry(&post.author).or_default() += 1;
            for word in post.text.split_whitespace() {
                *words.entry(word.to_lowercase()).or_default() += 1;
            }
        }
        let mut words: Vec<(String, u32)> = words.into_iter().collect();
        words.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| one.cmp(other)));
        Topic {
            id,
            title: self.title.clone(),
            posts: self.posts.len() as u32,
            authors: authors.len() as u32,
            words: words.into_iter().take(3).map(|(word, _)| word).collect(),
            heat,
            last: self.posts.last().map_or(0, |post| post.number),
        }
    }
}

impl Topics for Forum {
    async fn all(&self) -> Vec<Topic> {
        let store = self.read();
        store.computed.fetch_add(1, Ordering::Relaxed);
        let threads = (0..).zip(&store.threads);
        let mut all: Vec<Topic> = threads.map(|(id, one)| one.topic(id, store.posts)).collect();
        all.sort_by(|one, other| other.heat.total_cmp(&one.heat));
        all
    }

    async fn posts(&self, topic: u32, limit: u32) -> Result<Vec<String>, NoTopic> {
        let store = self.read();
        let thread = store.threads.get(topic as usize).ok_or(NoTopic(topic))?;
        let posts = thread.posts.iter().rev().take(limit as usize);
        Ok(posts.map(|post| format!("{}: {}", post.author, post.text)).collect())
    }

    async fn post(&self, topic: u32, author: String, text: String) -> Result<u64, NoTopic> {
        let mut store = self.write();
        if topic as usize >= store.threads.len() {
            return Err(NoTopic(topic));
        }
        Ok(store.post(topic as usize, author, text))
    }

    async fn computed(&self) -> u64 {
        self.read().computed.load(Ordering::Relaxed)
    }
}
