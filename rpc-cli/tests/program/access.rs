//! Servers that do not let everybody do everything: tokens on the command line, in a file, in the environment; and how
//! refusals end the program.

use rpc_core::{Context, Credentials, Principal, Refusal, Running, Server, Token, service};
use tempfile::TempDir;

use crate::{Ran, rpc, run, run_with_stdin};

/// Orders of a shop.
#[service]
#[rpc(requires = "orders:read")]
trait Orders {
    /// How many there are.
    async fn count(&self) -> u64;
    /// Cancels one.
    #[rpc(requires = ["orders:write", "audit"])]
    async fn cancel(&self, cx: &Context, number: u64) -> String;
}

struct Book;

impl Orders for Book {
    async fn count(&self) -> u64 {
        7
    }

    async fn cancel(&self, cx: &Context, number: u64) -> String {
        format!("{:?} cancelled {number}", cx.identity())
    }
}

async fn judge(credentials: Credentials) -> Result<Principal, Refusal> {
    match credentials.token.as_ref().and_then(Token::as_str) {
        None => Ok(Principal::anonymous()),
        Some("clerk's") => Ok(Principal::named("clerk").grant("orders:read").grant("describe")),
        Some("chief's") => Ok(Principal::named("chief").grant("*")),
        Some(_) => Err("nobody has this token".into()),
    }
}

/// A server, while the runtime is there.
struct Shop {
    running: Running,
    _runtime: tokio::runtime::Runtime,
}

impl Shop {
    fn open(server: Server) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = server.with(OrdersServer::new(Book)).authenticate(judge);
        let running = runtime.block_on(server.start("127.0.0.1:0")).unwrap();
        Self { running, _runtime: runtime }
    }

    fn address(&self) -> String {
        self.running.address().to_string()
    }

    /// Runs `rpc COMMAND ADDRESS ARGUMENTS…` with a token.
    fn run(&self, token: &str, command: &str, arguments: &[&str]) -> Ran {
        run(&[&["--token", token, command, &self.address()], arguments].concat())
    }

    #[track_caller]
    fn ends(&self, ran: &Ran, code: i32, words: &str) {
        assert_eq!(ran.code, code, "{ran:?}");
        let said = if code == 0 { &ran.stdout } else { &ran.stderr };
        let said = said.replace(&self.address(), "ADDRESS");
        assert!(said.contains(words), "{words:?} is not in {said}");
        for token in ["clerk's", "chief's", "thief's"] {
            assert!(!ran.stderr.contains(token) && !ran.stdout.contains(token), "{ran:?}");
        }
    }
}

#[test]
fn a_token_may_be_an_option_in_a_file_or_in_the_environment() {
    let shop = Shop::open(Server::new());
    let address = shop.address();
    shop.ends(&shop.run("clerk's", "call", &["Orders.count"]), 0, "7");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "chief's\n").unwrap();
    let cancel = ["call", &address, "Orders.cancel", "number=1"];
    let from_file = run(&[&cancel[..], &["--token-file", file.to_str().unwrap()]].concat());
    shop.ends(&from_file, 0, r#"Named(\"chief\") cancelled 1"#);
    let with = |variable: &str, more: &[&str]| -> Ran {
        let mut command = rpc();
        command.args(cancel).args(more).env("RPC_TOKEN", variable);
        command.output().unwrap().into()
    };
    shop.ends(&with("chief's", &[]), 0, r#"Named(\"chief\") cancelled 1"#);
    // What is written counts more, and what is empty is none.
    shop.ends(&with("thief's", &["--token", "chief's"]), 0, "cancelled 1");
    shop.ends(&with("", &[]), 80, "and nothing proves who calls");
}

#[test]
fn refusals_have_the_codes_of_their_statuses() {
    let shop = Shop::open(Server::new());
    let address = shop.address();
    let words = "ADDRESS: peer closed the connection: unauthenticated: nobody has this token";
    for command in ["list", "describe", "ping"] {
        shop.ends(&shop.run("thief's", command, &[]), 80, words);
    }
    shop.ends(&shop.run("thief's", "call", &["Orders.count"]), 80, words);
    shop.ends(&shop.run("thief's", "bench", &["Orders.count", "--duration", "100ms"]), 80, words);
    shop.ends(
        &shop.run("thief's", "codegen", &["--lang", "python", "--out", "/nowhere"]),
        80,
        words,
    );
    shop.ends(&shop.run("thief's", "schema", &[]), 2, "unrecognized subcommand");
    let saved = run(&["schema", "save", &address, "--token", "thief's"]);
    shop.ends(&saved, 80, words);
    let lacks =
        "Orders.cancel requires orders:read and orders:write and audit, and this caller lacks";
    shop.ends(&shop.run("clerk's", "call", &["Orders.cancel", "number=1"]), 71, lacks);
    let json = shop.run("clerk's", "call", &["Orders.cancel", "number=1", "--json"]);
    shop.ends(&json, 71, r#""code":"PERMISSION_DENIED""#);
    shop.ends(&run(&["call", &address, "Orders.count"]), 80, "and nothing proves who calls");
    let typed =
        run_with_stdin(&["repl", &address, "--token", "clerk's"], "Orders.cancel number=1\n");
    shop.ends(&typed, 71, "this caller lacks orders:write and audit");
}

#[test]
fn descriptions_say_what_is_required() {
    let shop = Shop::open(Server::new());
    let described = shop.run("clerk's", "describe", &["Orders"]);
    let words = "    /// Cancels one.\n    \
        #[rpc(requires = [\"orders:read\", \"orders:write\", \"audit\"])]\n    async fn cancel";
    shop.ends(&described, 0, words);
    let openrpc = shop.run("clerk's", "describe", &["Orders", "--format", "openrpc"]);
    shop.ends(&openrpc, 0, "\"x-rpc-requires\"");
    let page = shop.run("clerk's", "describe", &["Orders", "--format", "markdown"]);
    shop.ends(&page, 0, "Requires the permissions `orders:read`, `orders:write`, `audit`.");
    let html = shop.run("clerk's", "describe", &["Orders", "--format", "html"]);
    shop.ends(&html, 0, "Requires the permissions orders:read, orders:write, audit.");
}

#[test]
fn reflection_that_is_guarded_is_told_in_words_and_calls_go_on_without_it() {
    let shop = Shop::open(Server::new().reflection_requires("describe"));
    shop.ends(&shop.run("clerk's", "list", &[]), 0, "Orders");
    let address = shop.address();
    for command in ["list", "describe"] {
        let words = "requires describe, and nothing proves who calls";
        shop.ends(&run(&[command, &address]), 80, words);
    }
    // Without a description the arguments go out as they are: the server says what is wrong.
    shop.ends(&run(&["call", &address, "Orders.count"]), 80, "Orders.count requires orders:read");
}

#[test]
fn tokens_that_cannot_be_shown_are_wrong_usage() {
    let shop = Shop::open(Server::new());
    let long = "x".repeat(2049);
    for token in ["", &long] {
        shop.ends(&shop.run(token, "ping", &[]), 2, "a token is 1 to 2048 bytes long");
    }
    let missing = run(&["ping", &shop.address(), "--token-file", "/nowhere/token"]);
    shop.ends(&missing, 2, "cannot read a token from /nowhere/token");
    let both = run(&["ping", &shop.address(), "--token", "a", "--token-file", "b"]);
    shop.ends(&both, 2, "cannot be used with");
}
