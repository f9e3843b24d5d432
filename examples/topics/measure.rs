//! What the cache brings: the same loads with and without it, and how long what was posted is not seen.

use std::{error::Error, path::Path, time::Duration};

use crate::{
    load::{self, Figures, Remote, Shape},
    plots::{self, Curve},
    report,
    serve::{Kept, Place},
};

/// Clients and connections of each.
const SHAPES: [(usize, usize); 5] = [(1, 1), (1, 2), (2, 2), (4, 2), (4, 4)];
/// Calls in flight on each connection.
const IN_FLIGHT: usize = 2;
/// The time that answers are kept where writes make nothing be forgotten.
const TTL: u64 = 200;
/// Times between posts.
const BETWEEN: [u64; 5] = [1000, 300, 100, 30, 10];

/// Measures all of it, prints it, and draws it if there is a folder for that.
pub async fn run(
    time: Duration,
    folder: Option<&Path>,
    redis: Option<String>,
) -> Result<(), Box<dyn Error>> {
    let kept = |cache| Kept { cache, redis: redis.clone().unwrap_or_default(), ..Kept::default() };
    let mut places = vec![Place::None, Place::Memory];
    places.extend(redis.is_some().then_some(Place::Redis));
    let mut throughput = Vec::new();
    for &place in &places {
        println!("\ncache: {}", place.name());
        let remote = Remote::start(&kept(place))?;
        let mut points = Vec::new();
        for (clients, connections) in SHAPES {
            let shape = Shape { clients, connections, in_flight: IN_FLIGHT, posts: None };
            let figures = measured(&remote, shape, time).await?;
            println!("{}", report::line(shape, &figures));
            points.push(((clients * connections) as f64, figures.rate));
        }
        throughput.push(Curve { name: place.name().to_owned(), points });
    }
    println!("\n{}", report::speed_up(&throughput));

    let (mut loaded, mut hits) = (Vec::new(), Vec::new());
    for &place in &places {
        println!("\ncache: {}, somebody posts", place.name());
        let (mut points, mut rates) = (Vec::new(), Vec::new());
        for between in BETWEEN {
            let posts = Some(Duration::from_millis(between));
            let shape = Shape { clients: 2, connections: 2, in_flight: IN_FLIGHT, posts };
            let remote = Remote::start(&kept(place))?;
            let figures = measured(&remote, shape, time).await?;
            println!("{}", report::posts(between, &figures));
            // What a server promises that forgets is that nobody sees the old.
            if figures.stale > 0 {
                return Err(format!("{} reads did not see what was posted", figures.stale).into());
            }
            let posts = 1000.0 / between as f64;
            points.push((posts, figures.rate));
            rates.push((posts, figures.hit_rate * 100.0));
        }
        loaded.push(Curve { name: place.name().to_owned(), points });
        hits.push(Curve { name: place.name().to_owned(), points: rates });
    }

    let stale = staleness(&kept(Place::Memory), time).await?;
    if let Some(folder) = folder {
        plots::draw(folder, &throughput, &loaded, &hits, &stale)?;
    }
    Ok(())
}

async fn measured(
    remote: &Remote,
    shape: Shape,
    time: Duration,
) -> Result<Figures, Box<dyn Error>> {
    load::load(remote, shape, time).await.map_err(|error| error.to_string().into())
}

/// How long posts are not seen: where writes make answers be forgotten, and where time alone does.
async fn staleness(kept: &Kept, time: Duration) -> Result<Vec<Curve>, Box<dyn Error>> {
    let mut curves = Vec::new();
    println!("\nhow long what was posted is not seen");
    for (name, never_forget) in [("forgotten by writes", false), ("by time alone", true)] {
        let remote = Remote::start(&Kept { ttl: TTL, never_forget, ..kept.clone() })?;
        let posts = (time.as_millis() as u64 * 10 / TTL).max(5) as usize;
        let delays = load::staleness(&remote, posts).await.map_err(|error| error.to_string())?;
        let most = delays.last().copied().unwrap_or_default();
        println!("{name:<20} {posts} posts, at most {most:.1?}");
        // What it says is that an answer is kept for that time, and forgotten at once by a write.
        let bound = Duration::from_millis(if never_forget { TTL } else { 0 });
        if most > bound {
            return Err(format!("a read was {most:?} behind, and {bound:?} was promised").into());
        }
        curves.push(report::not_seen(name, &delays, TTL));
    }
    Ok(curves)
}
