//! What was measured, in words.

use std::{fmt::Write as _, thread::available_parallelism, time::Duration};

use crate::{
    load::{Figures, Shape},
    plots::Curve,
};

/// A part of the cores that is nearly all of them.
const FULL: f64 = 0.85;

/// The side that has no more to give.
fn saturates(figures: &Figures) -> String {
    let cores = available_parallelism().map_or(1, usize::from) as f64;
    let Figures { clients, server, .. } = *figures;
    let side = if clients.is_nan() || server.is_nan() {
        "which side saturates is not known here"
    } else if clients + server < cores * FULL {
        "neither side saturates: calls wait for each other"
    } else if server > 2.0 * clients {
        "the server saturates"
    } else if clients > 2.0 * server {
        "the clients saturate"
    } else {
        "both sides saturate the machine that they share"
    };
    format!("cores: clients {clients:.2}, server {server:.2} of {cores}; {side}")
}

/// One load.
pub fn line(shape: Shape, figures: &Figures) -> String {
    let Shape { clients, connections, in_flight, .. } = shape;
    let Figures { rate, p50, p99, .. } = figures;
    format!(
        "{clients} clients × {connections} connections × {in_flight} calls: {rate:>9.0} lists/s, p50 {p50:>7.1?}, \
         p99 {p99:>7.1?}; {}",
        saturates(figures)
    )
}

/// One load beside which somebody posts.
pub fn posts(between: u64, figures: &Figures) -> String {
    let Figures { rate, p99, stale, hit_rate, .. } = figures;
    format!(
        "a post each {between:>4} ms: {rate:>9.0} lists/s, p99 {p99:>7.1?}, {:.2} % not computed, {stale} reads did not see \
         a post before them; {}",
        hit_rate * 100.0,
        saturates(figures)
    )
}

/// How many times as fast the caches are.
pub fn speed_up(curves: &[Curve]) -> String {
    let best = |curve: &Curve| curve.points.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let mut text = String::new();
    let Some((without, caches)) = curves.split_first() else { return text };
    for cache in caches {
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "speed-up, {}: {:.0} lists/s in the place of {:.0}: {:.0} times",
            cache.name,
            best(cache),
            best(without),
            best(cache) / best(without)
        );
    }
    text
}

/// The part of posts that is not seen yet, over the time since their replies.
pub fn not_seen(name: &str, delays: &[Duration], ttl: u64) -> Curve {
    let part = |time: u64| {
        let later = delays.iter().filter(|delay| **delay > Duration::from_millis(time)).count();
        later as f64 / delays.len().max(1) as f64 * 100.0
    };
    let points = (0..=ttl / 10).map(|step| (step as f64 * 10.0, part(step * 10))).collect();
    Curve { name: name.to_owned(), points }
}
