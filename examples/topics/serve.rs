//! A server of the forum, with the cache that is asked for.

use std::{error::Error, time::Duration};

use clap::{Args, ValueEnum};
use rpc_core::{
    Server,
    inspect::Inspection,
    layer::{Cache, Keep, Redis},
};

use crate::forum::{Forum, TopicsClient, TopicsServer};

/// Where answers are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// Nowhere: each call computes.
    None,
    /// In the memory of the server.
    #[default]
    Memory,
    /// In Redis.
    Redis,
}

impl Place {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Memory => "memory",
            Self::Redis => "redis",
        }
    }
}

/// What is kept, and how.
#[derive(Clone, Debug, Args)]
pub struct Kept {
    /// Where answers are kept.
    #[arg(long, value_enum, default_value_t)]
    pub cache: Place,
    /// For how long, in milliseconds.
    #[arg(long, default_value_t = 60_000)]
    pub ttl: u64,
    /// Let what was posted be seen when the time is over, and not before.
    #[arg(long)]
    pub never_forget: bool,
    /// The Redis to keep them in.
    #[arg(long, default_value = "redis://127.0.0.1:6379")]
    pub redis: String,
}

impl Default for Kept {
    fn default() -> Self {
        Self { cache: Place::Memory, ttl: 60_000, never_forget: false, redis: String::new() }
    }
}

impl Kept {
    /// The cache.
    pub fn cache(&self) -> Result<Cache, Box<dyn Error>> {
        let time = Keep::new(Duration::from_millis(self.ttl)).shared();
        let mut cache = Cache::of([TopicsClient::schema()]);
        if self.cache != Place::None {
            let posts = time.clone().errors(Duration::from_secs(1));
            cache = cache.method("Topics.all", time).method("Topics.posts", posts);
            if !self.never_forget {
                cache = cache.write("Topics.post", ["Topics.all", "Topics.posts"]);
            }
        }
        if self.cache == Place::Redis {
            cache = cache.redis(Redis::at(&self.redis)?.prefix("topics"));
        }
        Ok(cache.build()?)
    }
}

/// A server that runs until Ctrl-C.
#[derive(Clone, Debug, Args)]
pub struct Serving {
    /// The address to listen on.
    #[arg(default_value = "127.0.0.1:7005")]
    listen: String,
    #[command(flatten)]
    kept: Kept,
}

impl Serving {
    /// Serves, and says at which address.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        let cache = self.kept.cache()?;
        let server = server(&Forum::with_history()).layer(cache.clone());
        let server = server.start(self.listen.as_str()).await?;
        println!("{}", server.address());
        tokio::signal::ctrl_c().await?;
        server.shutdown().await;
        let figures = cache.figures();
        eprintln!("{} hits, {} misses, {} waited", figures.hits, figures.misses, figures.waited);
        Ok(())
    }
}

/// A server of the forum that may be looked at.
pub fn server(forum: &Forum) -> Server {
    Server::new().name("topics").with(TopicsServer::new(forum.clone())).inspect(Inspection::new())
}
