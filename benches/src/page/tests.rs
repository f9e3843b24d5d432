//! The page from made-up results: each figure is in it, and so is what others do better.

use serde_json::json;

use super::*;
use crate::{plan::Pace, record::LaneSample, wire::WireCell};

fn cell(part: Part, transport: &str, role: Role, load: &str, cpu: f64) -> Cell {
    let lane = LaneSample {
        calls: 10,
        calls_per_second: 1e6 / cpu,
        p50_us: cpu,
        p99_us: cpu * 2.0,
        p999_us: cpu * 3.0,
    };
    let (client_cpu_us, server_cpu_us) = (cpu / 4.0, cpu * 3.0 / 4.0);
    let sample = Sample { seconds: 1.0, client_cpu_us, server_cpu_us, lanes: vec![lane] };
    Cell {
        part,
        group: "some job".to_owned(),
        load: load.to_owned(),
        pinned: false,
        transport: transport.to_owned(),
        role,
        samples: vec![sample],
        failures: Vec::new(),
    }
}

fn results() -> Results {
    let mut failed = cell(Part::Jobs, "slow", Role::Http, "1x1", 1.0);
    failed.samples.clear();
    failed.failures.push("it broke".to_owned());
    let mut cells = vec![
        cell(Part::Jobs, "ours-tcp", Role::Ours, "1x64", 8.0),
        cell(Part::Jobs, "other", Role::Peer, "1x64", 4.0),
        failed,
    ];
    for load in ["1", "10", "100"] {
        cells.push(cell(Part::InFlight, "ours-tcp", Role::Ours, load, 2.0));
        cells.push(cell(Part::InFlight, "other", Role::Peer, load, 30.0));
    }
    let mut results = Results::new(Pace::QUICK, cells, Vec::new());
    let (transport, job) = ("ours-tcp".to_owned(), "add".to_owned());
    results.wire.push(WireCell { transport, job, sent: 18.0, received: 9.0 });
    let row = json!({"name": "other", "cuts": 9, "calls": 80, "failed": 7, "ran": 4, "lost": 3, "doubled": 2, "hung": 1});
    let under_cutter = json!({"machine": results.machine, "rows": [row]});
    results.under_cutter = Some(serde_json::from_value(under_cutter).unwrap());
    results
}

fn page(results: &Results) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    write(results, folder.path()).unwrap();
    let text = fs::read_to_string(folder.path().join("benchmarks.md")).unwrap();
    let plots = fs::read_dir(folder.path().join("benchmarks")).unwrap();
    let mut plots: Vec<_> =
        plots.map(|plot| plot.unwrap().file_name().into_string().unwrap()).collect();
    plots.sort();
    (text, plots)
}

#[test]
fn every_chapter_has_its_tables_plots_and_command() {
    let (text, plots) = page(&results());
    assert_eq!(plots, ["in-flight-calls-s.svg", "in-flight-cpu.svg", "jobs-some-job.svg"]);
    for plot in &plots {
        assert!(text.contains(&format!("](benchmarks/{plot})")), "{plot}: {text}");
    }
    assert!(text.contains("| ours-tcp | 8.00 (2.00 + 6.00) |"), "{text}");
    assert!(text.contains("![some job, 1x64: CPU per call, client and server]("), "{text}");
    assert!(text.contains("| ours-tcp | 18.0 / 9.0 |"), "{text}");
    assert!(text.contains("| other | 9 | 80 | 7 | 4 | 3 | 2 | 1 |"), "{text}");
    assert!(text.contains("`cargo run --release -p benches -- in-flight`"), "{text}");
}

#[test]
fn titles_say_their_load_once_and_colours_mean_the_same_everywhere() {
    let mut results = results();
    for cell in results.cells.iter_mut().filter(|cell| cell.part == Part::Jobs) {
        cell.group = "some job, 1x64, on one thread".to_owned();
    }
    let (text, _) = page(&results);
    assert!(text.contains("![some job, 1x64, on one thread: CPU per call"), "{text}");
    let roles = [Role::Peer, Role::Ours].into_iter();
    assert_eq!(legend(roles), [("#d9480f", "rpc-core"), ("#1971c2", "other frameworks")]);
}

#[test]
fn what_others_do_better_is_said() {
    let (text, _) = page(&results());
    let (_, losses) = text.split_once("## Where we lose").unwrap();
    let (losses, _) = losses.split_once("##").unwrap();
    assert!(losses.contains("| some job, 1x64 | CPU us/call | 8.00 | other | 4.00 | 2.00x |"));
    assert!(!losses.contains("some job, 10 "), "{losses}");
}

#[test]
fn what_could_not_be_measured_is_named() {
    let (text, _) = page(&results());
    assert!(text.contains("| slow |") && text.contains("- some job: it broke"), "{text}");
}

#[test]
fn results_that_are_read_back_make_the_same_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    let results = results();
    results.write(&file).unwrap();
    assert_eq!(page(&Results::read(&file).unwrap()), page(&results));
}
