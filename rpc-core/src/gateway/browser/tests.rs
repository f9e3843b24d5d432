//! Clients as text. That browsers run them and compilers take them is seen where there are such (`.ci/browser`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BrowserClient;
use crate::{
    Schema,
    schema::{Document, MethodKind, ServiceBuilder},
};

#[derive(Serialize, Deserialize, Schema)]
struct Item {
    /// What it is.
    name: String,
    count: u64,
    note: Option<Option<String>>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Serialize, Deserialize, Schema)]
enum Shape {
    Empty,
    Circle(f64),
    Polygon { points: Vec<(i32, i32)> },
}

fn shop() -> Document {
    let mut shop = ServiceBuilder::new("Shop", "Sells */ things.");
    shop.method("put_item", "Puts it.", MethodKind::Unary)
        .argument::<Item>("item")
        .argument::<Option<u8>>("class")
        .returns::<()>();
    shop.method("stock", "", MethodKind::Unary).returns::<BTreeMap<String, Item>>();
    shop.method("draw", "", MethodKind::ServerStream).argument::<i64>("from").returns::<Shape>();
    Document::new(vec![shop.build()])
}

#[test]
fn declarations_have_the_types_of_values() {
    let document = shop();
    let text = BrowserClient::of(&document).declarations();
    for line in [
        "/** Sells *\\/ things. */\nexport declare class Shop {",
        "  putItem(item: Item, class_?: number | null, options?: CallOptions): Promise<void>;",
        "  stock(options?: CallOptions): Promise<Map<string, Item>>;",
        "  draw(from: bigint | number, options?: CallOptions): ItemStream<Shape>;",
        "  count: bigint;",
        "  note?: { some: string | null } | null;",
        "  /** What it is. */\n  name: string;",
        "export declare class ItemStream<T>",
        "export declare const Item: Codec<Item>;",
        "  | { kind: \"Empty\" }\n  | { kind: \"Circle\"; value: number }",
        "      kind: \"Polygon\";\n      points: [number, number][];",
    ] {
        assert!(text.contains(line), "{line}\n---\n{text}");
    }
    assert!(!text.contains("ShopHandler"));
}

#[test]
fn a_client_answers_what_its_server_calls() {
    let (document, mut back) = (shop(), ServiceBuilder::new("News", ""));
    back.method("tell", "", MethodKind::Oneway).argument::<String>("text").returns::<()>();
    let back = back.build();
    let client = BrowserClient::of(&document).answering([&back]);
    let (script, declared) = (client.script(), client.declarations());
    assert!(declared.contains("  tell(text: string, context: CallContext): void | Promise<void>;"));
    assert!(declared.contains("function newsHandler(handler: NewsHandler): ServiceHandler;"));
    assert!(script.contains(" as newsHandler"));
    assert!(!script.contains(" as News,"));
    // Of those that answer nothing the run-time is smaller.
    assert!(script.len() > BrowserClient::of(&document).script().len() + 5000);
}

#[test]
fn scripts_are_text_of_ascii_that_descriptions_cannot_leave() {
    let mut odd = ServiceBuilder::new("Class", "");
    odd.method("a'b\"\\\n\u{2028}\u{159}`${}", "", MethodKind::Unary).returns::<()>();
    odd.method("__proto__", "", MethodKind::Unary).returns::<()>();
    let document = Document::new(vec![odd.build()]);
    let script = BrowserClient::of(&document).script();
    assert!(script.is_ascii());
    let literal = script.lines().find(|line| line.starts_with("const $m0=")).unwrap();
    assert!(literal.contains(r#"("Class.a'b\"\\\n\u{2028}\u{159}`${}","#), "{literal}");
    let class = script.lines().find(|line| line.starts_with("class $s0 extends ")).unwrap();
    assert!(class.contains(r#"[["a_b____\u{159}____",0,"#), "{class}");
    assert!(class.contains(r#",$m0[0]],["proto",0,"#), "{class}");
}

/// What they are with gzip, `.ci/browser` sees to.
#[test]
fn a_module_has_no_more_of_the_run_time_than_its_service_needs() {
    let mut plain = ServiceBuilder::new("Calculator", "");
    plain.method("add", "", MethodKind::Unary).argument::<i64>("a").returns::<i64>();
    let plain = Document::new(vec![plain.build()]);
    let (plain, streams) =
        (BrowserClient::of(&plain).script(), BrowserClient::of(&shop()).script());
    assert!(plain.len() < 33_000, "{} bytes", plain.len());
    assert!(streams.len() < 44_000, "{} bytes", streams.len());
    assert!(!plain.contains("FinalizationRegistry") && streams.contains("FinalizationRegistry"));
    assert!(
        !BrowserClient::of(&Document::new(Vec::new())).declarations().contains("class ItemStream")
    );
}
