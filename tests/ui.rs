//! Services and types that the macros accept or refuse, compiled: each file below `ui` is a program of its own.
//! `TRYBUILD=overwrite cargo test -p tests --test ui` writes the expected messages anew.

#[test]
fn programs_with_mistakes_are_refused_in_plain_words_and_others_run() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/schema/*.rs");
    cases.compile_fail("ui/fail/service/*.rs");
}
