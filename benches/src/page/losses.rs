//! Where another transport does better than ours over TCP, found in the figures themselves.

use crate::{
    plan::Part,
    record::{Cell, Sample},
    report::number,
    results::Results,
    transport::Role,
};

/// One figure in which somebody does better.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loss {
    pub where_: String,
    pub figure: &'static str,
    pub ours: f64,
    pub better: String,
    pub theirs: f64,
}

impl Loss {
    /// As a row of a table.
    pub(super) fn row(&self) -> String {
        let Self { where_, figure, ours, better, theirs } = self;
        let factor = (ours / theirs).max(theirs / ours);
        let (ours, theirs, factor) = (number(*ours), number(*theirs), number(factor));
        format!("| {where_} | {figure} | {ours} | {better} | {theirs} | {factor}x |")
    }
}

/// Every figure in which the best of the others, the limit apart, beats ours by more than noise.
pub(super) fn find(results: &Results) -> Vec<Loss> {
    let mut losses = Vec::new();
    for ours in results.cells.iter().filter(|cell| cell.transport == OURS) {
        let beside: Vec<&Cell> = results
            .cells
            .iter()
            .filter(|cell| {
                (cell.part, &cell.group, &cell.load) == (ours.part, &ours.group, &ours.load)
            })
            .filter(|cell| is_rival(cell.role) && !cell.samples.is_empty())
            .collect();
        let where_ = format!("{}, {}", ours.group, ours.load);
        let mut compare = |figure, of: fn(&Sample) -> f64, better: Better| {
            let theirs = beside.iter().map(|cell| (cell.transport.clone(), cell.spread(of).median));
            losses.extend(against(&where_, figure, ours.spread(of).median, theirs, better));
        };
        // Beside another lane, calls and CPU depend on how much of the other was done.
        if ours.samples.iter().all(|sample| sample.lanes.len() == 1) {
            compare("calls/s", Sample::calls_per_second, Better::More);
            compare("CPU us/call", Sample::cpu_us, Better::Less);
        }
        compare("p99 us", |sample| sample.lanes[0].p99_us, Better::Less);
        if ours.part == Part::Mixed && ours.samples.iter().all(|sample| sample.lanes.len() > 1) {
            let echoes = |sample: &Sample| sample.lanes.last().map_or(0.0, |l| l.calls_per_second);
            compare("1 MiB echoes/s", echoes, Better::More);
        }
    }
    losses.extend(counted(results));
    losses
}

fn counted(results: &Results) -> Vec<Loss> {
    let mut losses = Vec::new();
    for ours in results.wire.iter().filter(|cell| cell.transport == OURS) {
        let beside =
            results.wire.iter().filter(|cell| cell.job == ours.job && rival(&cell.transport));
        let theirs = beside.map(|cell| (cell.transport.clone(), cell.sent + cell.received));
        let mine = ours.sent + ours.received;
        losses.extend(against(&ours.job, "bytes on the wire", mine, theirs, Better::Less));
    }
    for ours in results.allocations.iter().filter(|cell| cell.transport == OURS) {
        let beside = results
            .allocations
            .iter()
            .filter(|cell| cell.job == ours.job && rival(&cell.transport));
        let theirs = beside.map(|cell| (cell.transport.clone(), cell.client + cell.server));
        let mine = ours.client + ours.server;
        losses.extend(against(&ours.job, "allocations", mine, theirs, Better::Less));
    }
    for ours in results.idle.iter().filter(|cell| cell.transport == OURS) {
        let beside = results.idle.iter().filter(|cell| is_rival(cell.role));
        let theirs = beside.map(|cell| (cell.transport.clone(), cell.spread().median / 1024.0));
        let mine = ours.spread().median / 1024.0;
        losses.extend(against("an idle connection", "KiB", mine, theirs, Better::Less));
    }
    if let Some(flow) = results.streams {
        let theirs = |figure: f64| [("tonic".to_owned(), figure)].into_iter();
        let (ours, tonic, where_) = (flow.ours, flow.tonic, "a stream of 24-byte items");
        let rate = against(where_, "items/s", ours.rate, theirs(tonic.rate), Better::More);
        let (mine, other) = (ours.cpu * 1e9, theirs(tonic.cpu * 1e9));
        losses.extend(rate.into_iter().chain(against(
            where_,
            "CPU ns/item",
            mine,
            other,
            Better::Less,
        )));
    }
    losses
}

#[derive(Clone, Copy)]
enum Better {
    More,
    Less,
}

/// The best of the others, where it is better by more than noise.
fn against(
    where_: &str,
    figure: &'static str,
    ours: f64,
    theirs: impl Iterator<Item = (String, f64)>,
    better: Better,
) -> Option<Loss> {
    let gain = |value: f64| match better {
        Better::More => value / ours,
        Better::Less => ours / value,
    };
    let (name, best) = theirs
        .filter(|(_, value)| value.is_finite() && *value > 0.0)
        .max_by(|(_, a), (_, b)| gain(*a).total_cmp(&gain(*b)))?;
    let loss = Loss { where_: where_.to_owned(), figure, ours, better: name, theirs: best };
    (gain(best) > NOISE).then_some(loss)
}

fn is_rival(role: Role) -> bool {
    matches!(role, Role::Http | Role::Peer)
}

/// Where a cell has no role: by name.
fn rival(name: &str) -> bool {
    name != "limit" && !name.starts_with("ours")
}

/// What all others are set against.
const OURS: &str = "ours-tcp";
/// What is less apart than this is the same.
const NOISE: f64 = 1.05;

#[cfg(test)]
mod tests {
    use super::*;

    fn best(theirs: f64, better: Better) -> Option<f64> {
        let theirs = [("slow".to_owned(), 1.0), ("other".to_owned(), theirs)].into_iter();
        against("here", "figure", 100.0, theirs, better).map(|loss| loss.theirs)
    }

    #[test]
    fn only_what_is_better_by_more_than_noise_is_a_loss() {
        assert_eq!(best(150.0, Better::More), Some(150.0));
        assert_eq!(best(103.0, Better::More), None);
        assert_eq!(best(50.0, Better::Less), Some(1.0));
    }
}
