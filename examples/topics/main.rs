//! A forum whose list of topics is slow, made fast by a cache, and measured before and after.
//!
//! ```sh
//! cargo run --release --example topics -- serve --cache memory     # or none, redis
//! cargo run --release --example topics -- measure --plots /tmp     # loads servers of its own, and draws
//! ```
//! Without arguments it shows itself: the slow list, the same from the cache, and what a write does to it.

mod forum;
mod load;
mod measure;
mod plots;
mod report;
mod serve;

use std::{error::Error, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

use self::{
    forum::{Forum, TopicsClient},
    serve::{Kept, Serving},
};

/// A forum whose list of topics is slow.
#[derive(Debug, Parser)]
#[command(name = "topics")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Serve the forum until Ctrl-C.
    Serve(Serving),
    /// Load servers with and without a cache, and say what was found.
    Measure {
        /// How long each load lasts, in seconds.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// Where plots are written, as SVG.
        #[arg(long)]
        plots: Option<PathBuf>,
        /// A Redis to measure as well, such as redis://127.0.0.1:6379.
        #[arg(long)]
        redis: Option<String>,
    },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().role {
        Some(Role::Serve(serving)) => serving.run().await,
        Some(Role::Measure { seconds, plots, redis }) => {
            if !(seconds > 0.0 && seconds <= 3600.0) {
                return Err("a load lasts more than nothing, and an hour at most".into());
            }
            measure::run(Duration::from_secs_f64(seconds), plots.as_deref(), redis).await
        }
        None => show().await,
    }
}

/// The slow list, the same from the cache, and what a write does to it.
async fn show() -> Result<(), Box<dyn Error>> {
    let kept = Kept::default();
    let cache = kept.cache()?;
    let forum = Forum::with_history();
    let topics = TopicsClient::in_memory(serve::server(&forum).layer(cache.clone()));
    let list = async |what: &str| {
        let began = std::time::Instant::now();
        let all = topics.all().await?;
        println!("{what:<32} {:>9.1?}  the liveliest: {}", began.elapsed(), all[0]);
        Ok::<_, Box<dyn Error>>(all)
    };
    list("the first call computes").await?;
    let before = list("the second one is answered").await?;
    let last = before.last().ok_or("a forum without topics")?.id;
    for _ in 0..500 {
        topics.post(last, "ada", "caches caches caches").await?;
    }
    let after = list("after writes it is computed anew").await?;
    assert_eq!(after[0].id, last, "500 posts make a topic the liveliest");
    list("and answered again").await?;
    let figures = cache.figures();
    println!("{} hits, {} misses", figures.hits, figures.misses);
    assert_eq!((figures.hits, figures.misses), (2, 2));
    Ok(())
}
