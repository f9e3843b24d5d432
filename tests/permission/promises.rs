//! Every promise of SECURITY.md names tests that are there.

use std::{fs, path::Path};

#[test]
fn promises_are_held_by_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let (_, promises) = text.split_once("## What is promised").unwrap();
    let (promises, _) = promises.split_once("## What is not promised").unwrap();
    let rows = promises.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut tests = 0;
    for row in rows {
        let (_, named) = row.trim_end_matches('|').rsplit_once('|').unwrap();
        let before = tests;
        for link in named.split("[`").skip(1) {
            let (name, rest) = link.split_once("`](").unwrap();
            let (path, _) = rest.split_once(')').unwrap();
            let source = fs::read_to_string(root.join(path)).unwrap_or_else(|error| {
                panic!("{path}: {error}");
            });
            assert!(source.contains(&format!("fn {name}(")), "{path} has no {name}");
            tests += 1;
        }
        assert!(tests > before, "{row} names no test");
    }
    assert!(tests >= 20, "{tests} tests are named");
}
