//! What a stranger's description becomes: whatever its names and texts are, it is refused, or the same code is
//! generated as with harmless ones but for names, literals and comments.

use proptest::prelude::*;
use rpc_core::{
    MethodKey,
    schema::{
        Argument, ContainerKind, Document, Field, Format, MethodKind, MethodSchema, Registry,
        Repetition, ServiceSchema, Variant,
    },
};
use syn::visit::{self, Visit};

use super::{Api, Form, Language, Output, Platform};
use crate::description::{Budget, check};

/// What names and texts are made of: all that ends strings, comments, lines and blocks somewhere.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("*/EVIL();/*".to_owned()),
        Just("\"\"\"\nEVIL()\n\"\"\"".to_owned()),
        Just("\"); EVIL(); (\"".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\u{2028}\u{2029}\u{85}\u{b}\u{c}\0".to_owned()),
        Just("\u{202e}\u{2066}".to_owned()),
        Just("${EVIL}`".to_owned()),
        Just("<img src=x onerror=EVIL>".to_owned()),
        Just("```\nEVIL\n```".to_owned()),
        Just("] fn evil() {} #![x".to_owned()),
        "[a-z_]{1,6}",
        "[\"'`*/\\\\<>{}()#@$;]{1,4}",
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// Texts that the door lets through as names of fields, variants and types.
fn renamed() -> impl Strategy<Value = String> {
    let shown = |text: String| text.chars().filter(|sign| !is_hidden(*sign)).take(60).collect();
    // A field of that name gives a variant another form.
    hostile().prop_map(shown).prop_filter("has a form of its own", |name: &String| name != "kind")
}

fn is_hidden(sign: char) -> bool {
    crate::output::steers(sign) || matches!(sign, '\u{2028}' | '\u{2029}')
}

/// Names of Rust, mostly.
fn identifier() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-zA-Z_][a-zA-Z0-9_]{0,8}",
        8 => "[\\p{XID_Start}][\\p{XID_Continue}]{0,5}",
        4 => proptest::sample::select(vec!["type", "class", "constructor", "fn", "def", "async", "r", "None", "self_"])
            .prop_map(str::to_owned),
        1 => hostile(),
    ]
}

/// The names and texts that a description is made of.
#[derive(Clone, Debug)]
struct Words {
    renamed: Vec<String>,
    identifiers: Vec<String>,
    texts: Vec<String>,
}

const RENAMED: usize = 16;
const IDENTIFIERS: usize = 7;
const TEXTS: usize = 10;

fn words() -> impl Strategy<Value = Words> {
    use proptest::collection::vec;
    (vec(renamed(), RENAMED), vec(identifier(), IDENTIFIERS), vec(hostile(), TEXTS))
        .prop_map(|(renamed, identifiers, texts)| Words { renamed, identifiers, texts })
}

impl Words {
    /// Harmless words where these are.
    fn replaced(&self) -> Self {
        let text = |text: &String| if text.trim().is_empty() { "" } else { "text" }.to_owned();
        Self {
            renamed: (0..RENAMED).map(|number| format!("Name{number}")).collect(),
            identifiers: (0..IDENTIFIERS).map(|number| format!("name{number}")).collect(),
            texts: self.texts.iter().map(text).collect(),
        }
    }

    fn field(&self, name: usize, text: usize, format: Format) -> Field {
        Field::new(&self.renamed[name], &self.texts[text], format).deprecated(&self.texts[text + 1])
    }

    fn variant(&self, name: usize, kind: ContainerKind) -> Variant {
        Variant::new(&self.renamed[name], &self.texts[name % TEXTS], kind)
    }

    fn types(&self) -> Registry {
        let mut types = Registry::new();
        let (name, text) = (&self.renamed, &self.texts);
        let default = serde_json::to_string(&text[4]).unwrap();
        types.define("T0", &name[0], &text[0], |_| {
            ContainerKind::Struct(vec![
                self.field(1, 0, Format::U8),
                self.field(2, 2, Format::Option(Box::new(named("T1")))),
                self.field(3, 4, Format::Str).default_value(Some(default)),
            ])
        });
        types.deprecate("T0", &text[1]);
        types.define("T1", &name[4], &text[6], |_| {
            let fields = vec![self.field(8, 6, Format::Bytes), self.field(9, 7, seq(named("T1")))];
            ContainerKind::Enum(vec![
                self.variant(5, ContainerKind::Unit),
                self.variant(6, ContainerKind::Newtype(Box::new(named("T0")))),
                self.variant(7, ContainerKind::Struct(fields)),
                self.variant(10, ContainerKind::Tuple(vec![Format::Str, Format::Bool])),
            ])
        });
        types.define("T2", &name[11], &text[8], |_| {
            ContainerKind::Enum(vec![
                self.variant(12, ContainerKind::Unit),
                self.variant(13, ContainerKind::Unit),
            ])
        });
        let text_of = Format::Text { name: name[14].clone(), wire: Box::new(Format::Str) };
        types.define("T3", &name[15], "", |_| ContainerKind::Newtype(Box::new(text_of)));
        types
    }

    fn service(&self) -> ServiceSchema {
        let types = self.types();
        let name = &self.identifiers;
        let map = Format::Map { key: Box::new(named("T2")), value: Box::new(named("T3")) };
        let methods = [
            (1, MethodKind::Unary, vec![(2, named("T0")), (3, map)], None, Some(named("T1"))),
            (4, MethodKind::Oneway, vec![(5, named("T3"))], None, None),
            (6, MethodKind::Duplex, vec![(2, Format::I64)], Some((3, named("T1"))), None),
        ];
        let methods = methods.map(|(own, kind, arguments, upload, fails)| {
            let argument =
                |(own, format): (usize, Format)| Argument { name: name[own].clone(), format };
            let path = format!("{}.{}", name[0], name[own]);
            let mut method = MethodSchema {
                name: name[own].clone(),
                key: MethodKey::bare(&path),
                path,
                doc: self.texts[own].clone(),
                deprecated: Some(self.texts[own + 1].clone()),
                kind,
                arguments: arguments.into_iter().map(argument).collect(),
                upload: upload.map(argument),
                returns: if kind == MethodKind::Oneway { Format::Unit } else { named("T1") },
                fails,
                ordered: kind == MethodKind::Unary,
                repetition: Repetition::Once,
                requires: vec![name[own].clone()],
            };
            method.key = MethodKey::new(&method.path, &method.canonical_signature(&types));
            method
        });
        ServiceSchema {
            name: name[0].clone(),
            doc: self.texts[0].clone(),
            deprecated: Some(self.texts[9].clone()),
            methods: methods.into(),
            ordered: false,
            types,
        }
    }

    /// The generated files, the run-time left out; none if the description is refused.
    fn generated(&self, output: impl Into<Output>) -> Option<Vec<(String, String)>> {
        let service = self.service();
        check(&service, &mut Budget::default()).ok()?;
        let document = Document::new(vec![service]);
        let files = output.into().files(Platform::Node, &Api::new(&document), &self.texts[3])?;
        let own = files.into_iter().filter(|file| !file.path.contains("runtime/"));
        Some(own.map(|file| (file.path, file.text)).collect())
    }
}

fn named(key: &str) -> Format {
    Format::Named(key.to_owned())
}

fn seq(content: Format) -> Format {
    Format::Seq(Box::new(content))
}

/// A language, as far as it is needed to tell code from what is none.
struct Lexis {
    /// What opens a string or comment, what closes it, whether it can be escaped and whether it may have lines.
    quoted: &'static [(&'static str, &'static str, bool, bool)],
}

const TYPESCRIPT: Lexis = Lexis {
    quoted: &[
        ("/*", "*/", false, true),
        ("//", "\n", false, true),
        ("\"", "\"", true, false),
        ("'", "'", true, false),
        ("`", "`", true, true),
    ],
};

const PYTHON: Lexis = Lexis {
    quoted: &[
        ("\"\"\"", "\"\"\"", true, true),
        ("'''", "'''", true, true),
        ("#", "\n", false, true),
        ("\"", "\"", true, false),
        ("'", "'", true, false),
    ],
};

impl Lexis {
    /// The code alone, without space, names and strings as `N`.
    fn skeleton(&self, text: &str) -> Result<String, String> {
        let (mut bones, mut rest) = (String::new(), text);
        while let Some(first) = rest.chars().next() {
            let quoted = self.quoted.iter().find(|(open, ..)| rest.starts_with(open));
            if let Some((open, close, escapes, lines)) = quoted {
                rest = behind(&rest[open.len()..], close, *escapes, *lines)
                    .ok_or_else(|| format!("{open} is not closed: {rest}"))?;
                if *escapes {
                    bones.push('N');
                }
            } else if is_name(first) {
                rest = rest.trim_start_matches(is_name);
                bones.push('N');
            } else {
                rest = &rest[first.len_utf8()..];
                bones.extend(Some(first).filter(|first| !first.is_whitespace()));
            }
        }
        // Lists over several lines end with a comma, which depends on how long names are.
        Ok(bones.replace(",)", ")"))
    }
}

fn is_name(sign: char) -> bool {
    unicode_ident::is_xid_continue(sign)
}

/// What comes behind a string or comment.
fn behind<'t>(text: &'t str, close: &str, escapes: bool, lines: bool) -> Option<&'t str> {
    let mut rest = text;
    loop {
        if let Some(rest) = rest.strip_prefix(close) {
            return Some(rest);
        }
        let mut signs = rest.chars();
        let sign = signs.next()?;
        let ends_line = matches!(sign, '\n' | '\r' | '\u{2028}' | '\u{2029}');
        if ends_line && !lines {
            return None;
        }
        if escapes && sign == '\\' {
            signs.next()?;
        }
        rest = signs.as_str();
    }
}

#[track_caller]
fn same_code(lexis: &Lexis, language: Language, words: &Words) -> Result<(), TestCaseError> {
    let Some(files) = words.generated(language) else { return Ok(()) };
    let harmless = words.replaced().generated(language).unwrap();
    for ((path, text), (_, expected)) in files.iter().zip(&harmless) {
        let bones = lexis.skeleton(text).map_err(TestCaseError::fail)?;
        prop_assert_eq!(bones, lexis.skeleton(expected).unwrap(), "{}:\n{}", path, text);
    }
    Ok(())
}

/// What stands in a file of Rust.
#[derive(Debug, Default, PartialEq, Eq)]
struct Items {
    /// Of each item, what it is and how many parts it has.
    kinds: Vec<(&'static str, usize)>,
    /// The names of methods and arguments, as they are written.
    names: Vec<String>,
    /// The first words of attributes, but for docs.
    attributes: Vec<String>,
    macros: Vec<String>,
    /// Expressions, which only the code for errors has.
    expressions: usize,
}

impl Items {
    fn of(text: &str) -> Result<Self, String> {
        let file = syn::parse_file(text).map_err(|error| format!("{error}:\n{text}"))?;
        let mut items = Self::default();
        for item in &file.items {
            items.kinds.push(match item {
                syn::Item::Trait(item) => ("trait", item.items.len()),
                syn::Item::Struct(item) => ("struct", item.fields.len()),
                syn::Item::Enum(item) => ("enum", item.variants.len()),
                syn::Item::Impl(item) => ("impl", item.items.len()),
                _ => ("other", 0),
            });
        }
        items.visit_file(&file);
        Ok(items)
    }
}

impl<'ast> Visit<'ast> for Items {
    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.names.push(signature.ident.to_string());
        visit::visit_signature(self, signature);
    }

    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.names.push(name.ident.to_string());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let path: Vec<_> =
            attribute.path().segments.iter().map(|part| part.ident.to_string()).collect();
        if path != ["doc"] && path != ["serde"] {
            self.attributes.push(path.join("::"));
        } else if let syn::Meta::NameValue(doc) = &attribute.meta {
            let is_text =
                matches!(&doc.value, syn::Expr::Lit(text) if matches!(text.lit, syn::Lit::Str(_)));
            assert!(is_text, "a doc that is not text");
        }
    }

    fn visit_macro(&mut self, used: &'ast syn::Macro) {
        self.macros
            .push(used.path.segments.last().map(|part| part.ident.to_string()).unwrap_or_default());
    }

    fn visit_expr(&mut self, expression: &'ast syn::Expr) {
        self.expressions += 1;
        visit::visit_expr(self, expression);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn python_has_nothing_of_a_strangers_but_names_and_texts(words in words()) {
        same_code(&PYTHON, Language::Python, &words)?;
    }

    #[test]
    fn typescript_has_nothing_of_a_strangers_but_names_and_texts(words in words()) {
        same_code(&TYPESCRIPT, Language::Typescript, &words)?;
    }

    #[test]
    fn rust_parses_to_the_items_that_are_described(words in words()) {
        if let Some(files) = words.generated(Language::Rust) {
            let items = Items::of(&files[0].1).map_err(TestCaseError::fail)?;
            let harmless = words.replaced().generated(Language::Rust).unwrap();
            let mut expected = Items::of(&harmless[0].1).unwrap();
            // Their names are the server's own, but for words that Rust keeps for itself.
            let own = |name: &String| match name.strip_prefix("name") {
                Some(number) => words.identifiers[number.parse::<usize>().unwrap()].clone(),
                None => name.clone(),
            };
            expected.names = expected.names.iter().map(own).collect();
            let unraw = |name: &String| name.strip_prefix("r#").unwrap_or(name).to_owned();
            let names: Vec<String> = items.names.iter().map(unraw).collect();
            prop_assert_eq!(&names, &expected.names);
            // A service whose name is not a name of a trait is renamed; the option is part of the attribute.
            prop_assert_eq!(items.kinds, expected.kinds);
            prop_assert_eq!(items.attributes, expected.attributes);
            prop_assert_eq!(items.macros, expected.macros);
            prop_assert_eq!(items.expressions, expected.expressions);
        }
    }

    #[test]
    fn documents_are_made_of_anything(words in words()) {
        for form in [Form::Openrpc, Form::Markdown, Form::Html] {
            if let Some(files) = words.generated(form) {
                let text = &files[0].1;
                match form {
                    Form::Openrpc => prop_assert!(serde_json::from_str::<serde_json::Value>(text).is_ok()),
                    // The page has a script of its own, the last thing in it.
                    Form::Html => prop_assert!(
                        text.matches("<script").count() == 1 && !text.contains("<img")
                    ),
                    _ => prop_assert!(!has_html(text), "{}", text),
                }
            }
        }
    }
}

fn has_html(markdown: &str) -> bool {
    use pulldown_cmark::{Event, Parser};
    Parser::new(markdown).any(|event| matches!(event, Event::Html(_) | Event::InlineHtml(_)))
}

#[test]
fn most_descriptions_that_are_tried_are_let_through() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let passes = (0..100).filter(|_| {
        let words = words().new_tree(&mut runner).unwrap().current();
        check(&words.service(), &mut Budget::default()).is_ok()
    });
    let passes = passes.count();
    assert!(passes > 20, "only {passes}");
}
