//! `docs/protocol.md` is held to the code: what code cites exists, every example is a vector.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

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
