//! `rpc call`: arguments in every form, results, and what is said of each mistake.

use crate::{Demo, expect, rpc, run_with_stdin};

#[test]
fn arguments_are_taken_in_every_form() {
    let demo = Demo::start();
    for arguments in [
        &["Calculator.add", "a=1", "b=2"][..],
        &["Calculator.add", "b:=2", "a:=1"],
        &["Calculator.add", r#"{"a":1,"b":2}"#],
        &["Calculator.add", "[1,2]"],
    ] {
        demo.gives(arguments, "3");
    }
    for arguments in [&["Calculator.add"][..], &["Calculator.add", "-"]] {
        let ran = run_with_stdin(&[&["call", &demo.address], arguments].concat(), "[4, 5]\n");
        assert_eq!(ran.stdout.trim(), "9", "{}", ran.stderr);
    }
    demo.gives(&["Calculator.add", "a=9223372036854775807", "b=0"], "9223372036854775807");
    demo.gives(&["Calculator.sum", "numbers:=[1,2,3]"], "6");
}

#[test]
fn texts_are_read_as_the_type_that_is_wanted() {
    let demo = Demo::start();
    // One way: nothing comes back, and nothing is printed.
    demo.gives(&["Log.write", "line=42"], "");
    demo.gives(&["Log.recent"], r#"["42"]"#);
    demo.gives(&["Inventory.set_picture", "name=lamp", "picture=hi"], "2");
    demo.gives(&["Inventory.picture", "name=lamp"], "[104,105]");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), [0, 255]).unwrap();
    let argument = format!("picture=@{}", file.path().display());
    demo.gives(&["Inventory.set_picture", "name=lamp", &argument], "2");
    demo.gives(&["Inventory.picture", "name=lamp"], "[0,255]");
    let raw = ["call", &demo.address, "--raw", "Inventory.picture", "name=lamp"];
    assert_eq!(rpc().args(raw).output().unwrap().stdout, [0, 255]);
}

#[test]
fn what_hands_type_is_understood() {
    let demo = Demo::start();
    for path in ["Calculator.add", "Calculator/add", "Calculator::add", "/Calculator/add"] {
        demo.gives(&[path, "1", "2"], "3");
    }
    let item = [
        "item.name=nut",
        "item.kind=Plain",
        "item.stock.main=9",
        "item.note=small",
        "item.tags:=[]",
    ];
    demo.gives(&[&["Inventory.put"], &item[..]].concat(), "4");
    demo.gives(
        &["Inventory.item", "nut"],
        r#"{"name":"nut","kind":"Plain","stock":{"main":9},"tags":[],"note":"small"}"#,
    );
    let twice = ["Inventory.put", "item.name=x", "item:={}"];
    demo.fails(&twice, 67, "error: item is given twice");
    for header in ["tenant=acme", "tenant: acme", "tenant:acme"] {
        let ran = demo.run("call", &["-H", header, "--timeout", "60", "Clock.whoami"]);
        assert!(
            ran.stdout.contains(r#""metadata":{"tenant":"acme"},"remaining_ms":59"#),
            "{ran:?}"
        );
    }
    // What is behind the first `=` is the value, whatever is in it.
    let ran = demo.run("call", &["-H", "url=http://x", "Clock.whoami"]);
    assert!(ran.stdout.contains(r#""url":"http://x""#), "{ran:?}");

    let listed = demo.run("list", &["Calculator"]).stdout;
    assert!(listed.contains("  async fn add(&self, a: i64, b: i64) -> i64"), "{listed}");
    let described = demo.run("describe", &["Item"]).stdout;
    assert!(described.starts_with("/// Something in stock.\npub struct Item {"), "{described}");
    assert!(described.contains("pub enum Kind {"), "{described}");
    let method = demo.run("describe", &["Calculator/add"]).stdout;
    assert!(method.contains("async fn add"), "{method}");
}

#[test]
fn the_address_may_come_from_the_environment() {
    let demo = Demo::start();
    let ran = |arguments: &[&str]| -> crate::Ran {
        rpc().args(arguments).env("RPC_ADDRESS", &demo.address).output().unwrap().into()
    };
    assert_eq!(ran(&["call", "Calculator.add", "1", "2"]).stdout, "3\n");
    assert_eq!(
        ran(&["--max-time", "60", "call", "-v", "Calculator/add", "a=1", "b=2"]).stdout,
        "3\n"
    );
    assert!(ran(&["list"]).stdout.contains("Calculator"));
    assert!(ran(&["list", "Calculator"]).stdout.contains("async fn add"));
    assert!(ran(&["describe", "Calculator.add"]).stdout.contains("async fn add"));
    assert!(ran(&["ping", "-c", "1"]).stdout.contains("min "));
    assert_eq!(ran(&["health"]).stdout, "SERVING\n");
    assert!(ran(&["schema", "save", "--service", "Calculator"]).stdout.contains("rpc_schema"));
    // An address that is given comes first, and what is wrong anyway is told as it was typed.
    assert_eq!(ran(&["call", "127.0.0.1:1", "Calculator.add", "1", "2"]).code, 78);
    let wrong = ran(&["call"]);
    assert_eq!((wrong.code, wrong.stderr.contains("<METHOD>")), (2, true), "{wrong:?}");
}

#[test]
fn a_large_file_goes_as_the_bytes_that_it_is() {
    let demo = Demo::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|number| number as u8).collect();
    std::fs::write(file.path(), &bytes).unwrap();
    let argument = format!("picture=@{}", file.path().display());
    demo.gives(&["Inventory.set_picture", "name=lamp", &argument], "1048576");
    // The demo keeps the first megabyte of the five that it was sent.
    let raw = ["call", &demo.address, "--raw", "Inventory.picture", "name=lamp"];
    assert_eq!(rpc().args(raw).output().unwrap().stdout, bytes[..1 << 20]);
}

#[test]
fn the_codec_is_bincode_unless_json_is_asked_for() {
    let demo = Demo::start();
    let sent = |arguments: &[&str]| {
        let ran = demo.run("call", &[&["--dry-run"], arguments].concat());
        ran.stdout.lines().next().unwrap_or_default().to_owned()
    };
    let put = ["Inventory.set_picture", "name=lamp", r#"picture:={"base64":"aGk="}"#];
    assert!(sent(&put).starts_with("request Inventory.set_picture, bincode, key "));
    let json = [&["--codec", "json"], &put[..]].concat();
    assert!(sent(&json).starts_with("request Inventory.set_picture, JSON, key "));
    for arguments in [&put[..], &json] {
        demo.gives(arguments, "2");
        demo.gives(&["Inventory.picture", "name=lamp"], "[104,105]");
        demo.gives(&["--codec", "json", "Inventory.picture", "name=lamp"], "[104,105]");
    }
    for codec in ["bincode", "json"] {
        let ran = demo.run("call", &["-v", "--codec", codec, "Calculator.div", "a=1", "b=0"]);
        assert_eq!(ran.code, 66, "{ran:?}");
        assert!(ran.stderr.to_lowercase().contains(&format!("call in {codec} ")), "{ran:?}");
        assert!(ran.stderr.contains(r#"Calculator.div failed: "DivisionByZero""#), "{ran:?}");
        let sum = ["call", &demo.address, "--codec", codec, "Calculator.average"];
        assert_eq!(run_with_stdin(&sum, "1\n2\n").stdout.trim(), "1.5");
    }
    // JSON has no such number: the demo refuses the result that comes of it.
    let overflow = r#"error: Calculator.div failed: {"Overflow":{"operation":"div"}}"#;
    demo.fails(&["Calculator.div", "a=Infinity", "b=2"], 66, overflow);
}

#[test]
fn structs_and_enums_travel() {
    let demo = Demo::start();
    let item = r#"item:={"name":"box","kind":{"Boxed":[1,2,3]},"stock":{"main":9},"note":null}"#;
    demo.gives(&["Inventory.put", item], "4");
    demo.gives(
        &["Inventory.find", r#"filter:={"name":"box"}"#],
        r#"[{"name":"box","kind":{"Boxed":[1,2,3]},"stock":{"main":9},"tags":[],"note":null}]"#,
    );
}

#[test]
fn metadata_and_timeout_reach_the_handler() {
    let demo = Demo::start();
    let ran = demo.run("call", &["-H", "tenant=acme", "--timeout", "60s", "Clock.whoami"]);
    assert!(ran.stdout.contains(r#""metadata":{"tenant":"acme"},"remaining_ms":59"#), "{ran:?}");
}

#[test]
fn a_text_can_be_printed_bare_and_steps_be_timed() {
    let demo = Demo::start();
    let ran = demo.run("call", &["-v", "Calculator.add", "a=1", "b=2"]);
    for step in ["resolve ", "connect ", "hello ", "describe ", "call "] {
        assert!(ran.stderr.contains(step), "{}", ran.stderr);
    }
    assert_eq!(ran.stdout, "3\n");
    demo.gives(&["Log.write", "line=plain words"], "");
    demo.gives(&["Log.last"], r#""plain words""#);
    demo.gives(&["--raw", "Log.last"], "plain words");
}

#[test]
fn the_methods_own_error_is_shown_as_it_is() {
    let demo = Demo::start();
    let words = r#"error: Calculator.div failed: "DivisionByZero""#;
    demo.fails(&["Calculator.div", "a=1", "b=0"], 66, words);
}

#[test]
fn errors_are_json_where_that_is_asked_for() {
    let demo = Demo::start();
    let fails = |arguments: &[&str], code: i32, error: &str| {
        let arguments = [&["--json"], arguments].concat();
        demo.fails(&arguments, code, &format!(r#"{{"error":{{{error}}}}}"#));
    };
    let words = r#""message":"Calculator.div failed: \"DivisionByZero\"","value":"DivisionByZero""#;
    let application = format!(r#""kind":"application","code":"UNKNOWN",{words}"#);
    fails(&["Calculator.div", "a=1", "b=0"], 66, &application);
    let words = r#""message":"Inventory.item failed: {\"Unknown\":\"unicorn\"}","value":{"Unknown":"unicorn"}"#;
    let not_found = format!(r#""kind":"application","code":"NOT_FOUND",{words}"#);
    fails(&["Inventory.item", "name=unicorn"], 69, &not_found);
    let missing = r#""message":"Calculator.add: b is missing and should be i64""#;
    let refused = format!(r#""kind":"refused","code":"INVALID_ARGUMENT",{missing}"#);
    fails(&["Calculator.add", "a=1"], 67, &refused);
    let unknown = r#""message":"no method ad in Calculator; did you mean add?""#;
    fails(&["Calculator.ad"], 76, &format!(r#""kind":"refused","code":"UNIMPLEMENTED",{unknown}"#));
    let usage = r#""kind":"usage","message":"\"add\" is not a method: write Service.method""#;
    fails(&["add"], 2, usage);

    let late = demo.run("call", &["--json", "--timeout", "1s", "Clock.sleep", "ms=60000"]);
    let error: serde_json::Value = serde_json::from_str(&late.stderr).unwrap();
    assert_eq!(late.code, 68);
    assert_eq!(
        (&error["error"]["kind"], &error["error"]["code"]),
        (&"status".into(), &"DEADLINE_EXCEEDED".into())
    );
    assert!(error["error"]["may_have_run"].is_boolean(), "{error}");
}

#[test]
fn a_result_that_is_no_number_is_an_error_of_the_demos() {
    let demo = Demo::start();
    let words = |method: &str, operation: &str| {
        let error = format!(r#"{{"Overflow":{{"operation":"{operation}"}}}}"#);
        format!("error: Calculator.{method} failed: {error}")
    };
    demo.fails(&["Calculator.div", "a=1e308", "b=1e-308"], 66, &words("div", "div"));
    let average = run_with_stdin(&["call", &demo.address, "Calculator.average"], "1e308\n1e308\n");
    assert_eq!((average.code, average.stderr.trim()), (66, &*words("average", "average")));
}

#[test]
fn unknown_names_suggest_the_nearest() {
    let demo = Demo::start();
    demo.fails(
        &["Calculator.ad", "a=1"],
        76,
        "error: no method ad in Calculator; did you mean add?",
    );
    demo.fails(
        &["Calculatr.add"],
        76,
        "error: no service Calculatr at ADDRESS; did you mean Calculator?",
    );
    demo.fails(
        &["Calculator.subtract"],
        76,
        "error: no method subtract in Calculator; there are add, div, average, sum",
    );
    demo.fails(&["add"], 2, r#"error: "add" is not a method: write Service.method"#);
}

#[test]
fn wrong_arguments_name_the_field_and_its_type() {
    let demo = Demo::start();
    for (arguments, words) in [
        (&["a=1", "b=x"][..], r#"Calculator.add: b is "x" and should be i64"#),
        (&["a=1"], "Calculator.add: b is missing and should be i64"),
        (
            &["a=1", "b=2", "c=3"],
            "Calculator.add: c is unknown and should be one of a, b; did you mean a?",
        ),
        (
            &["a=99999999999999999999", "b=2"],
            "Calculator.add: a is 99999999999999999999 and should be i64 (-9223372036854775808 to 9223372036854775807)",
        ),
        (
            &["a=9223372036854775808", "b=2"],
            "Calculator.add: a is 9223372036854775808 and should be i64 (-9223372036854775808 to 9223372036854775807)",
        ),
        (
            &["a:=-1e20", "b=2"],
            "Calculator.add: a is -1e+20 and should be i64 (-9223372036854775808 to 9223372036854775807)",
        ),
        (&["a=1.5", "b=2"], "Calculator.add: a is 1.5 and should be i64"),
        (&["a=1", "a=2"], "a is given twice"),
        (&["1", "2", "3"], "Calculator.add takes 2 arguments (a, b), and 3 values were given"),
        (&["a:=oops"], "a: expected value at line 1 column 1"),
    ] {
        let arguments = [&["Calculator.add"], arguments].concat();
        demo.fails(&arguments, 67, &format!("error: {words}"));
    }
    demo.gives(&["Calculator.div", "a=99999999999999999999", "b=1"], "1e+20");
    let none =
        "error: Clock.now: x is unknown and should be left out: the method takes no arguments";
    demo.fails(&["Clock.now", "x=1"], 67, none);
    let stream = "numbers is a stream: give its items on stdin, one a line";
    for numbers in ["numbers:=[1,2,3]", r#"{"numbers": [1]}"#, "numbers=1"] {
        let words = format!("error: Calculator.average: {stream}");
        demo.fails(&["Calculator.average", numbers], 67, &words);
    }
    demo.fails(
        &["Inventory.put", r#"item:={"name":"x","kind":"Plian","stock":{}}"#],
        67,
        r#"error: Inventory.put: item.kind is "Plian" and should be a variant of Kind: Plain, Loose, Boxed, Kit; did you mean Plain?"#,
    );
}

#[test]
fn a_deadline_is_an_exit_code() {
    let demo = Demo::start();
    // Either side may notice it first, and says so in its own words.
    let ran = demo.run("call", &["--timeout", "1s", "Clock.sleep", "ms=60000"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (68, ""), "{}", ran.stderr);
    let words = "error: Clock.sleep: DEADLINE_EXCEEDED: the deadline passed ";
    assert!(ran.stderr.starts_with(words), "{}", ran.stderr);
}

#[test]
fn a_template_can_be_filled_in_and_sent() {
    let demo = Demo::start();
    let ran = demo.run("call", &["--template", "Inventory.put"]);
    expect("template.json", &ran.stdout);
    let compact = demo.run("call", &["--template", "--compact", "Calculator.add"]);
    assert_eq!(compact.stdout, "{\"a\":0,\"b\":0}\n");
    // A method that takes a stream takes items on stdin.
    assert_eq!(demo.run("call", &["--template", "Calculator.average"]).stdout, "0.0\n");
    let filled = ran.stdout.replace("\"name\": \"\"", "\"name\": \"pen\"");
    let ran = run_with_stdin(&["call", &demo.address, "Inventory.put", "-"], &filled);
    assert_eq!(ran.code, 0, "{ran:?}");
    demo.gives(&["--compact", "Inventory.item", "name=pen"], &{
        let value: serde_json::Value = serde_json::from_str(&filled).unwrap();
        value["item"].to_string()
    });
}

#[test]
fn a_dry_run_shows_the_frame_and_calls_nothing() {
    let demo = Demo::start();
    let arguments = ["--dry-run", "-t", "2s", "-H", "who=me", "Log.write", "line=hello"];
    expect("dry-run.txt", &demo.run("call", &arguments).stdout);
    demo.gives(&["Log.recent"], "[]");
    let stream = demo.run("call", &["--dry-run", "Clock.ticks", "every_ms=5"]);
    assert!(stream.stdout.contains("items from the server"), "{stream:?}");
    // Wrong arguments are wrong here too.
    let wrong = demo.run("call", &["--dry-run", "Calculator.add", "a=x"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (67, ""));
}
