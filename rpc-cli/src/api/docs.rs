//! Documentation of a stranger's, as it may stand in source code. It is Markdown, which tools do more with than to
//! show it: `cargo test` runs the code in it, `cargo doc` passes its HTML on, Deno runs it too. Here code is marked as
//! text, HTML is shown as it is written, and links lead to the web.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::output::steers;

/// Languages of code that no tool runs; what is written in them keeps its colours.
const SHOWN: [&str; 6] = ["text", "json", "console", "toml", "xml", "sql"];

/// A change may uncover what another one is needed for; this often it may.
const ROUNDS: usize = 8;

/// The documentation without anything that runs or leads astray, and without surrounding space.
pub(crate) fn harmless(doc: &str) -> String {
    let doc = doc.trim().replace("\r\n", "\n").replace('\r', "\n");
    // Signs that steer a terminal turn the order of source code as well, and compilers refuse it.
    let unseen = |sign: char| steers(sign) && !matches!(sign, '\n' | '\t');
    let mut doc = doc.replace(unseen, "\u{fffd}");
    if !doc.contains(['<', '`', '~', '[', '\\', '&', '\t']) && !doc.contains("    ") {
        return doc;
    }
    for _ in 0..ROUNDS {
        match changes(&doc) {
            Ok(changes) if changes.is_empty() && ends(&doc) => return doc,
            Ok(changes) if changes.is_empty() => break,
            Ok(changes) => doc = applied(&doc, changes),
            Err(Hopeless) => break,
        }
    }
    plain(&doc)
}

/// Markdown for which there are no small changes.
struct Hopeless;

type Change = (Range<usize>, String);

/// The changes that make it harmless.
fn changes(doc: &str) -> Result<Vec<Change>, Hopeless> {
    let mut changes = Vec::new();
    let parser = Parser::new_ext(doc, options());
    // They hold for the whole page that the documentation becomes a part of.
    if parser.reference_definitions().iter().any(|(_, link)| !harmless_link(&link.dest)) {
        return Err(Hopeless);
    }
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language)))
                if !SHOWN.contains(&&*language) =>
            {
                changes.push(marked(doc, range)?);
            }
            // It has no place for a language.
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => return Err(Hopeless),
            Event::Html(_) | Event::InlineHtml(_) => {
                let text = &doc[range.clone()];
                let signs = text.match_indices('<').map(|(place, _)| range.start + place);
                changes.extend(signs.map(|place| (place..place + 1, "&lt;".to_owned())));
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. })
                if !harmless_link(&dest_url) =>
            {
                return Err(Hopeless);
            }
            _ => {}
        }
    }
    Ok(changes)
}

/// True if text behind the documentation is no part of it.
fn ends(doc: &str) -> bool {
    const NEXT: &str = "next";
    let page = format!("{doc}\n\n{NEXT}");
    let events: Vec<_> = Parser::new_ext(&page, options()).collect();
    let last = events.iter().rev().take(3).rev();
    last.eq(&[
        Event::Start(Tag::Paragraph),
        Event::Text(NEXT.into()),
        Event::End(TagEnd::Paragraph),
    ])
}

/// The Markdown of rustdoc; other readers know less.
fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
}

/// To the web, to a place on the page, or to an item by its name: nothing with another scheme.
fn harmless_link(url: &str) -> bool {
    let web = ["https://", "http://"].iter().any(|start| url.starts_with(start));
    web || !url.replace("::", "").contains([':', '\\', '&'])
}

/// The first line of a block of code, with its language as `text`.
fn marked(doc: &str, block: Range<usize>) -> Result<Change, Hopeless> {
    let fence = &doc[block.clone()];
    let length = fence.len() - fence.trim_start_matches(['`', '~']).len();
    if length < 3 {
        return Err(Hopeless);
    }
    let line = fence.find('\n').unwrap_or(fence.len());
    Ok((block.start + length..block.start + line, "text".to_owned()))
}

fn applied(doc: &str, mut changes: Vec<Change>) -> String {
    changes.sort_by_key(|(range, _)| range.start);
    let (mut text, mut from) = (String::with_capacity(doc.len()), 0);
    for (range, by) in changes {
        if range.start >= from {
            text.push_str(&doc[from..range.start]);
            text.push_str(&by);
            from = range.end;
        }
    }
    text + &doc[from..]
}

/// The words alone: nothing of them is Markdown for code, HTML or links any more.
fn plain(doc: &str) -> String {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words
            .join(" ")
            .chars()
            .map(|sign| if "`~<[\\".contains(sign) { '\'' } else { sign })
            .collect()
    };
    doc.lines().map(line).collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_write_stays_as_it_is() {
        for doc in [
            "Adds *two* numbers.\n\n- `a + b`\n- [more](https://example.org), [`Self::add`], [x](y.md#z)",
            "```json\n{}\n```",
            "a < b && c > d",
        ] {
            assert_eq!(harmless(doc), doc);
        }
    }

    #[test]
    fn code_is_marked_as_text() {
        assert_eq!(harmless("```\nlet x;\n```"), "```text\nlet x;\n```");
        assert_eq!(harmless("> ~~~rust,no_run\n> x\n> ~~~"), "> ~~~text\n> x\n> ~~~");
        assert_eq!(harmless("a\n\n    std::process::exit(0);"), "a\n\nstd::process::exit(0);");
    }

    #[test]
    fn html_is_shown_as_it_is_written() {
        assert_eq!(harmless("a <b onclick=x> c"), "a &lt;b onclick=x> c");
        assert_eq!(harmless("<script>\nx\n</script>"), "&lt;script>\nx\n&lt;/script>");
        assert_eq!(harmless("[a](javascript:x)"), "'a](javascript:x)");
        assert_eq!(harmless("[a]: javascript:x"), "'a]: javascript:x");
        assert_eq!(harmless("```text\nopen"), "'''text\nopen");
    }

    /// Texts in which the signs of Markdown are as frequent as letters.
    fn markdown() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z \n\t`~<>\\[\\]()!:\\\\/&#*>_|-]{0,12}",
            Just("```".to_owned()),
            Just("\n    ".to_owned()),
            Just("<script>".to_owned()),
            Just("](javascript:x)".to_owned()),
            any::<String>(),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn nothing_runs_and_nothing_leads_astray(doc in markdown()) {
            let doc = harmless(&doc);
            for event in Parser::new_ext(&doc, options()) {
                match event {
                    Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                        prop_assert!(SHOWN.contains(&&*language), "{doc:?}");
                    }
                    Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))
                    | Event::Html(_)
                    | Event::InlineHtml(_) => prop_assert!(false, "{doc:?}"),
                    Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                        prop_assert!(harmless_link(&dest_url), "{doc:?}");
                    }
                    _ => {}
                }
            }
            prop_assert!(ends(&doc), "{doc:?}");
            prop_assert!(!doc.contains('\r'), "{doc:?}");
        }
    }
}
