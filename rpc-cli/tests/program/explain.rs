//! `rpc call --explain`: where the time of a call went, on both sides. Times are masked, and their sums are checked.

use rpc_core::{Channel, Context, Principal, Server, StaticTokens, inspect::Inspection, service};
use serde_json::Value;

use crate::{Demo, Ran, expect, run};

#[service]
trait Stock {
    async fn take(&self, item: String) -> u32;
}

#[service]
trait Shop {
    async fn order(&self, cx: &Context, item: String) -> u32;
    #[rpc(requires = "shop:close")]
    async fn close(&self) -> bool;
}

struct Shelf;

impl Stock for Shelf {
    async fn take(&self, item: String) -> u32 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        item.len() as u32
    }
}

struct Counter(StockClient);

impl Shop for Counter {
    async fn order(&self, cx: &Context, item: String) -> u32 {
        self.0.take(item).within(cx).await.unwrap()
    }

    async fn close(&self) -> bool {
        true
    }
}

/// A shop that asks another server, and what keeps both.
struct Street {
    address: String,
    runtime: tokio::runtime::Runtime,
}

impl Street {
    fn open(build: impl FnOnce(Server) -> Server) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let address = runtime.block_on(async {
            let stock = Server::new().with(StockServer::new(Shelf));
            let stock = stock.start("127.0.0.1:0").await.unwrap();
            let channel = Channel::connect(stock.address()).await.unwrap();
            let shop = Server::new().with(ShopServer::new(Counter(StockClient::new(channel))));
            let shop = build(shop).start("127.0.0.1:0").await.unwrap();
            let address = shop.address().to_string();
            // Both are kept as long as the runtime is.
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop((stock, shop));
            });
            address
        });
        Self { address, runtime }
    }

    fn explain(&self, arguments: &[&str]) -> Ran {
        run(&[&["call", "--explain", &self.address], arguments].concat())
    }
}

impl Drop for Street {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
    }
}

/// The lines without their times and bars.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let time = words.iter().position(|word| matches!(*word, "µs" | "ms" | "s"));
        match time {
            Some(unit) => {
                // Bars begin behind the unit.
                masked.push_str(&words[..unit - 1].join(" "));
                masked.push_str(" TIME");
            }
            None => masked.push_str(line),
        }
        masked.push('\n');
    }
    masked
}

/// The JSON of a call, whose parts are checked: each begins where the one before it ends, and together they are what passed.
#[track_caller]
fn parts(ran: &Ran) -> (Value, Vec<(String, String, u64)>) {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let whole: Value = serde_json::from_str(&ran.stdout).unwrap();
    let explain = &whole["explain"];
    let (total, mut sum) = (explain["total_ns"].as_u64().unwrap(), 0);
    let mut parts = Vec::new();
    for part in explain["parts"].as_array().unwrap() {
        assert_eq!(part["begins_ns"], sum);
        let time = part["ns"].as_u64().unwrap();
        sum += time;
        let text = |key: &str| part[key].as_str().unwrap().to_owned();
        parts.push((text("side"), text("part"), time));
    }
    assert_eq!(sum, total);
    (whole, parts)
}

fn names(parts: &[(String, String, u64)]) -> Vec<&str> {
    parts.iter().map(|(_, part, _)| &**part).collect()
}

#[test]
fn a_call_is_shown_from_the_name_of_the_server_to_the_value() {
    let demo = Demo::start();
    let ran = demo.run("call", &["--explain", "Calculator.add", "a=1", "b=2"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "3\n"), "{}", ran.stderr);
    expect("explain.txt", &masked(&ran.stderr));
    let ran = demo.run("call", &["--explain", "--json", "Calculator.add", "a=1", "b=2"]);
    let (whole, parts) = parts(&ran);
    assert_eq!((&whole["value"], &whole["explain"]["server_tells"]), (&3.into(), &true.into()));
    let expected = [
        "resolve", "connect", "hello", "encode", "queue", "send", "wire", "pick up", "route",
        "decode", "queue", "handler", "encode", "back", "receive", "wake", "decode",
    ];
    assert_eq!(names(&parts), expected);
    // JSON by name as well.
    let ran = demo.run("call", &["--explain", "--codec", "json", "Calculator.add", "a=1", "b=2"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "3\n"), "{}", ran.stderr);
}

/// Over every transport that is looked into, with much to send and much to read.
#[test]
fn all_of_the_time_has_a_name() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(folder.path().join("big"), vec![7; 200_000]).unwrap();
    let made = run(&["cert", "dev", folder.path().to_str().unwrap()]);
    assert_eq!(made.code, 0, "{made:?}");
    let (cert, key, authority) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let tls = ["--listen", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key];
    let socket = format!("unix:{}", file("socket"));
    let picture = format!("picture=@{}", file("big"));
    let places: [(&[&str], &[&str], &[&str]); 3] = [
        (&["--listen", "127.0.0.1:0"], &[], &["resolve", "connect", "hello"]),
        (&tls, &["--cacert", &authority], &["resolve", "trust", "connect", "tls", "hello"]),
        (&["--listen", &socket], &[], &["connect", "hello"]),
    ];
    for (listening, trusting, set_up) in places {
        let demo = Demo::with(listening);
        let item: &[&str] = &["Inventory.put", "item.name=x", "item.kind=Plain", "item.stock:={}"];
        let put = demo.run("call", &[trusting, item].concat());
        assert_eq!(put.code, 0, "{put:?}");
        for call in [
            &["Calculator.add", "a=1", "b=2"][..],
            &["Clock.sleep", "ms=20"],
            &["Inventory.set_picture", "name=x", &picture],
            &["Inventory.picture", "name=x"],
        ] {
            let ran = demo.run("call", &[&["--explain", "--json"], trusting, call].concat());
            let (_, parts) = parts(&ran);
            let names = names(&parts);
            assert_eq!(&names[..set_up.len()], set_up, "{call:?}");
            for name in ["queue", "send", "wire", "pick up", "route", "back", "receive", "wake"] {
                assert!(names.contains(&name), "{name} is not in {names:?}");
            }
        }
    }
}

#[test]
fn what_a_handler_waits_for_is_told() {
    let demo = Demo::start();
    let ran = demo.run("call", &["--explain", "--json", "Clock.sleep", "ms=30"]);
    let (_, waited) = parts(&ran);
    let wait = waited.iter().find(|(side, part, _)| side == "server" && part == "wait").unwrap();
    assert!(wait.2 >= 29_000_000, "{wait:?}");

    let street = Street::open(|shop| shop.inspect(Inspection::new()));
    let (whole, called) = parts(&street.explain(&["--json", "Shop.order", "item=apple"]));
    assert_eq!(whole["value"], 5);
    let call = called.iter().find(|(_, part, _)| part == "call Stock.take").unwrap();
    assert!(call.2 >= 19_000_000, "{call:?}");
    expect("explain-own-call.txt", &masked(&street.explain(&["Shop.order", "item=apple"]).stderr));
}

#[test]
fn a_server_that_does_not_tell_is_shown_from_outside() {
    let street = Street::open(|shop| shop);
    let ran = street.explain(&["Shop.order", "item=apple"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "5\n"), "{}", ran.stderr);
    expect("explain-not-told.txt", &masked(&ran.stderr));
    let (whole, told) = parts(&street.explain(&["--json", "Shop.order", "item=apple"]));
    assert_eq!(whole["explain"]["server_tells"], false);
    assert!(names(&told).contains(&"not told"));
}

#[test]
fn times_are_told_to_those_who_may_look() {
    let clerk = Principal::named("clerk").grant("shop:*");
    let tokens =
        StaticTokens::new().with("clerk", clerk.clone()).with("watch", clerk.grant("ops:look"));
    let street = Street::open(|shop| {
        shop.authenticate(tokens).inspect(Inspection::new().requires("ops:look"))
    });
    for (token, tells) in [("clerk", false), ("watch", true)] {
        for method in [&["Shop.order", "item=apple"][..], &["Shop.close"]] {
            let ran = street.explain(&[&["--token", token, "--json"], method].concat());
            let (whole, _) = parts(&ran);
            assert_eq!(whole["explain"]["server_tells"], tells, "{token} {method:?}");
        }
    }
}

#[test]
fn a_call_that_fails_is_shown_too() {
    let demo = Demo::start();
    let ran = demo.run("call", &["--explain", "Calculator.div", "a=1", "b=0"]);
    assert_ne!(ran.code, 0);
    assert_eq!(ran.stdout, "");
    assert!(masked(&ran.stderr).contains("client decode TIME\ntotal TIME\n"), "{}", ran.stderr);
    assert!(ran.stderr.lines().last().unwrap().starts_with("error: "), "{}", ran.stderr);
    let ran = demo.run("call", &["--explain", "Clock.sleep", "ms=60000", "--timeout", "2s"]);
    assert_eq!(ran.code, 68, "{}", ran.stderr);
}

#[test]
fn what_cannot_be_explained_is_refused_in_words() {
    let demo = Demo::start();
    for (arguments, code, words) in [
        (&["Clock.ticks", "every_ms=5"][..], 2, "Clock.ticks streams"),
        (&["Calculator.average"], 2, "Calculator.average streams"),
        (&["--template", "Calculator.add"], 2, "cannot be used with"),
        (&["--dry-run", "Calculator.add", "1", "2"], 2, "cannot be used with"),
        (&["--raw", "Calculator.add", "1", "2"], 2, "cannot be used with"),
        (&["--explain", "Calculator.add", "1", "2"], 2, "cannot be used multiple times"),
        (&["--explain=yes", "Calculator.add", "1", "2"], 2, "unexpected value"),
        (&["Calculator.ad", "1", "2"], 76, "did you mean"),
        (&["Calculator.add", "1"], 67, "b is missing"),
        (&["Calculator.add", "1", "2", "-H", "key"], 2, "KEY=VALUE"),
        (&["add"], 2, "write Service.method"),
    ] {
        let ran = demo.run("call", &[&["--explain"], arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}
