//! `docs/protocol.md` is held to the code: what code cites exists, every example is a vector.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use rpc_core::{
    proto::{
        Limits,
        wire::{
            Flags, Hello,
            kinds::{About, Carries, KINDS, Row},
        },
    },
    reflect::ReflectionClient,
};
use tests::wire;

use crate::words::{parse, unhex};

const DOCUMENT: &str = include_str!("../../docs/protocol.md");

/// The numbers of the document's sections.
fn sections() -> Vec<u32> {
    let heading = |line: &str| line.strip_prefix("## ")?.split_once(". ")?.0.parse().ok();
    DOCUMENT.lines().filter_map(heading).collect()
}

/// The numbers that follow `mark` in `text`.
fn cited(text: &str, mark: &str) -> Vec<u32> {
    let number = |rest: &str| -> Option<u32> {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    };
    text.split(mark).skip(1).filter_map(number).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn sections_are_numbered_in_order() {
    let sections = sections();
    assert!(sections.len() >= 19);
    assert_eq!(sections, (1..=sections.len() as u32).collect::<Vec<_>>());
}

#[test]
fn every_section_that_code_cites_exists() {
    let sections: BTreeSet<u32> = sections().into_iter().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rpc-core/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut all = 0;
    for file in files {
        for number in cited(&fs::read_to_string(&file).unwrap(), "PROTOCOL §") {
            assert!(sections.contains(&number), "{} cites §{number}", file.display());
            all += 1;
        }
    }
    assert!(all > 10, "only {all} citations were found");
}

#[test]
fn every_section_that_the_document_refers_to_exists() {
    let sections = sections();
    for number in cited(DOCUMENT, "(§") {
        assert!(sections.contains(&number), "§{number}");
    }
}

/// An example is a block that is marked `vector NAME`: hex, and comments after `;`.
#[test]
fn every_example_is_the_vector_that_it_names() {
    let vectors: HashMap<String, Vec<u8>> = parse(include_str!("frames.txt"))
        .into_iter()
        .map(|vector| (vector.name, vector.bytes))
        .collect();
    let mut examples = 0;
    for block in DOCUMENT.split("```vector ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let (body, _) = rest.split_once("```").unwrap();
        let code = |line: &str| line.split(';').next().unwrap_or_default().to_owned();
        let hex: Vec<String> = body.lines().map(code).collect();
        let vector = vectors.get(name).unwrap_or_else(|| panic!("there is no vector {name}"));
        assert!(unhex(&hex.join(" ")) == *vector, "the example {name} differs from its vector");
        examples += 1;
    }
    assert!(examples >= 10);
}

/// A section, without its heading.
fn section(number: u32) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n## {number}. ")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The rows of all tables of a section, as cells.
fn tables(number: u32) -> Vec<Vec<&'static str>> {
    let rows = section(number).lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(str::trim).collect()).collect()
}

/// The first cells of a kind's row in the document.
fn cells(row: &Row) -> Vec<String> {
    let flag = |flag: Flags| match (row.must.contains(flag), row.may.contains(flag)) {
        (true, _) => "always",
        (false, true) => "may",
        (false, false) => "",
    };
    let flags = [Flags::MORE, Flags::JSON, Flags::EXT, Flags::MINE].map(flag);
    let about = match row.about {
        About::Connection => "zero",
        About::Call => "call",
        About::Either => "zero or call",
        other => panic!("{other:?} has no words"),
    };
    let number = (row.kind as u8).to_string();
    let cells = [&*number, row.name].into_iter().chain(flags).chain([about]);
    cells.map(str::to_owned).collect()
}

#[test]
fn the_table_of_kinds_is_that_of_the_code() {
    let (mut reserved, mut kinds) = (Vec::new(), Vec::new());
    for row in tables(4).into_iter().filter(|row| row.len() == 8) {
        match row[1] {
            "name" | "---" => {}
            "reserved" => {
                let (first, last) = row[0].split_once('–').unwrap_or((row[0], row[0]));
                reserved.extend(first.parse::<usize>().unwrap()..=last.parse().unwrap());
            }
            _ => kinds.push(row[..7].iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>()),
        }
    }
    assert_eq!(kinds, KINDS.iter().map(cells).collect::<Vec<_>>());
    let known: Vec<usize> = KINDS.iter().map(|row| row.kind as usize).collect();
    assert_eq!(reserved, (0..16).filter(|number| !known.contains(number)).collect::<Vec<_>>());
}

#[test]
fn the_kinds_that_may_be_long_are_named() {
    let messages = KINDS.iter().filter(|row| row.carries == Carries::Message);
    let names: Vec<_> = messages.map(|row| row.name).collect();
    assert!(section(3).contains(&format!("- {}: the `max_frame`", names.join(", "))), "{names:?}");
}

/// A limit in words: `16 MiB − 1`, `2^20`, `1,024`.
fn limit(words: &str) -> u32 {
    let (words, less) = words.strip_suffix(" − 1").map_or((words, 0), |words| (words, 1));
    let (number, unit) = words.split_once(' ').unwrap_or((words, ""));
    let shift = ["", "KiB", "MiB", "GiB"].iter().position(|known| *known == unit).unwrap() * 10;
    let number = match number.split_once('^') {
        Some((base, power)) => base.parse::<u32>().unwrap().pow(power.parse().unwrap()),
        None => number.replace(',', "").parse().unwrap(),
    };
    (number << shift) - less
}

#[test]
fn the_limits_of_hello_are_those_of_the_code() {
    let read = |tag, value: u32| Hello::decode(&wire::entry(tag, &value.to_le_bytes()));
    let mut limits = 0;
    for row in tables(5).into_iter().filter(|row| row.len() == 4) {
        let Some((least, most)) = row[2].split_once(" to ") else { continue };
        let (tag, least, most) = (row[0].parse().unwrap(), limit(least), limit(most));
        assert_eq!(read(tag, limit(row[3])), Ok(Hello::default()), "the default of {tag}");
        assert!(read(tag, least).is_ok() && read(tag, most).is_ok(), "{tag}: {least} to {most}");
        assert!(read(tag, least - 1).is_err() && read(tag, most + 1).is_err(), "{tag}");
        limits += 1;
    }
    assert_eq!(limits, 8);
}

/// The formula of §13, and its result.
#[test]
fn what_one_connection_can_make_the_other_side_hold_is_stated() {
    let limits = Limits::default();
    let wide = |limit: u32| u64::from(limit);
    let requests = wide(limits.request_window.max(limits.max_message));
    let most = 3 * requests
        + 256 * (2 * wide(limits.max_calls) + wide(limits.max_streams))
        + 2 * wide(limits.oneway_window)
        + 2 * 8 * (16_384 + 128)
        + wide(limits.max_streams) * wide(limits.initial_window)
        + wide(limits.shared_window)
        + wide(limits.max_message)
        + (768 << 10)
        + wide(limits.max_message)
        + (32 << 10)
        + (128 << 10)
        + (64 << 10);
    let digits = most.to_string();
    let groups =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap());
    let number = groups.collect::<Vec<_>>().join(",");
    assert!(section(13).contains(&format!("that is {number} bytes")), "{number}");
}

#[test]
fn reflection_is_described_as_it_is() {
    let schema = ReflectionClient::schema();
    let keys = tables(15);
    for method in &schema.methods {
        let (path, key) = (format!("`{}`", method.path), format!("`{}`", method.key));
        assert!(keys.iter().any(|row| row[0] == path && row[2] == key), "{path} {key}");
        assert!(section(15).contains(&method.canonical_signature(&schema.types)), "{path}");
    }
}
