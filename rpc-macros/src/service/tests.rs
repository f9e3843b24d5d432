//! The whole expansion of one service as a snapshot, and the messages for refused ones. The places where
//! they are shown are checked in the workspace's `tests/ui`. `UPDATE=1 cargo test` writes the snapshots anew.

use std::{env, fs, path::PathBuf};

use proc_macro2::TokenStream;
use quote::quote;

use super::expand;

#[track_caller]
fn snapshot(name: &str, options: TokenStream, item: TokenStream) {
    let file: syn::File = syn::parse2(expand(options, item)).unwrap();
    let text = prettyplease::unparse(&file);
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "snapshots", name].iter().collect();
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert!(text == expected, "{} differs; the expansion is\n{text}", path.display());
}

#[test]
fn methods_say_how_their_calls_may_be_made_again() {
    let expanded = expand(
        quote!(idempotent),
        quote! {
            trait Shelf {
                async fn look(&self);
                #[rpc(once)]
                async fn take(&self);
                #[rpc(oneway)]
                async fn note(&self);
            }
        },
    )
    .to_string();
    let after =
        |method: &str| expanded.split(&format!("service . method ({method:?}")).nth(1).unwrap();
    let repetition = |method: &str| after(method).split(';').next().unwrap().to_owned();
    assert!(repetition("look").ends_with(". idempotent () "), "{}", repetition("look"));
    assert!(repetition("take").ends_with(". once () "), "{}", repetition("take"));
    assert!(!repetition("note").contains("idempotent"), "{}", repetition("note"));
}

#[test]
fn a_service_expands_to_trait_client_and_server() {
    let item = quote! {
        /// A pocket calculator.
        pub trait Calculator: Debug {
            /// Adds two integers.
            async fn add(&self, a: i64, b: i64) -> i64;
            #[deprecated]
            async fn div(&self, a: f64, cx: &Context, b: f64) -> Result<f64, MathError>;
            #[rpc(oneway)]
            async fn log(&self, cx: &Context, line: String);
            async fn reset(&self);
        }
    };
    snapshot("calculator.rs", TokenStream::new(), item);
}

#[test]
fn bytes_and_options_are_honoured() {
    let item = quote! {
        trait Files {
            async fn swap(&self, r#type: Bytes, old: std::vec::Vec<u8>) -> Result<Vec<u8>, Bytes>;
        }
    };
    snapshot("files.rs", quote!(crate = my::engine, name = "Storage"), item);
}

#[test]
fn streams_and_orders_are_honoured() {
    let item = quote! {
        /// News.
        #[rpc(ordered)]
        trait Feed {
            fn ticks(&self, every_ms: u64) -> impl Stream<Item = Tick>;
            async fn open(&self) -> impl futures::Stream<Item = Bytes> + Send + Unpin;
            fn risky(&self) -> impl Stream<Item = Result<Tick, FeedError>>;
            async fn watch(&self, key: String) -> Result<impl Stream<Item = Tick>, FeedError>;
            fn both(&self, cx: &Context)
                -> Result<impl Stream<Item = Result<Shared<Tick>, FeedError>>, FeedError>;
            async fn sum(&self, cx: &Context, arguments: rpc_core::Streaming<i64>, scale: i64)
                -> Result<i64, FeedError>;
            async fn store(&self, blocks: Streaming<Vec<u8>>);
            fn echo(&self, lines: Streaming<Shared<String>>) -> impl Stream<Item = String>;
            #[rpc(ordered)]
            async fn say(&self, line: String) -> Shared<Tick>;
            #[rpc(oneway, ordered)]
            async fn log(&self, line: String);
        }
    };
    snapshot("feed.rs", TokenStream::new(), item);
}

#[test]
fn statuses_are_no_part_of_a_signature() {
    let item = quote! {
        trait Stock {
            async fn price(&self, name: String) -> Result<u64, Status>;
            fn prices(&self) -> impl Stream<Item = Result<Shared<u64>, rpc_core::Status>>;
            async fn watch(&self, name: String) -> Result<impl Stream<Item = Result<u64, Status>>, Status>;
            async fn own(&self) -> Result<u64, Status<u8>>;
        }
    };
    snapshot("stock.rs", TokenStream::new(), item);
}

#[test]
fn an_order_of_all_methods_may_be_an_option_of_either_attribute() {
    let beside = expand(
        quote!(ordered),
        quote!(
            trait X {
                async fn a(&self);
            }
        ),
    )
    .to_string();
    let below = quote!(
        #[rpc(ordered)]
        trait X {
            async fn a(&self);
        }
    );
    assert_eq!(beside, expand(TokenStream::new(), below).to_string());
    assert!(beside.contains("service . ordered ()"), "{beside}");
}

#[test]
fn permissions_are_described_and_nothing_else_changes() {
    let guarded = quote! {
        #[rpc(requires = "orders:read")]
        trait X {
            #[rpc(requires = ["orders:write", "audit"], ordered)]
            async fn a(&self);
            async fn b(&self);
        }
    };
    let options = quote!(requires = ["orders:read"]);
    let beside = quote! {
        trait X {
            #[rpc(ordered)]
            #[rpc(requires = ["orders:write", "audit",])]
            async fn a(&self);
            async fn b(&self);
        }
    };
    let open = quote! {
        trait X {
            #[rpc(ordered)]
            async fn a(&self);
            async fn b(&self);
        }
    };
    let expanded = expand(TokenStream::new(), guarded).to_string();
    assert_eq!(expanded, expand(options, beside).to_string());
    let words = [
        r#"service . requires ("orders:read") ; "#,
        r#" . requires ("orders:write") . requires ("audit")"#,
    ];
    let without = words.iter().fold(expanded.clone(), |text, word| {
        assert!(text.contains(word), "{text}");
        text.replace(word, "")
    });
    assert_eq!(without, expand(TokenStream::new(), open).to_string());
}

/// Members of a trait that are refused, with words of the message.
const REFUSED: &[(&str, &str)] = &[
    ("async fn a();", "takes `&self`"),
    ("async fn a(self);", "one value serves many calls"),
    ("async fn a(&mut self);", "`Mutex`"),
    ("async fn a(self: Arc<Self>);", "write `&self`"),
    ("async fn a(&'static self);", "no lifetimes"),
    ("fn a(&self);", "write `async fn`, or return a stream"),
    ("async fn a<T>(&self, x: T);", "cannot be generic"),
    ("async fn a(&self) where u8: Copy;", "where clause"),
    ("async fn a(&self, x: &str);", "use `String`"),
    ("async fn a(&self, x: &[User]);", "use `Vec<User>`"),
    ("async fn a(&self, x: Option<&my::User<u8>>);", "use `my::User<u8>`"),
    ("async fn a(&self, x: Cow<'a, str>);", "use an owned type"),
    ("async fn a(&self) -> &str;", "answer travels"),
    ("async fn a(&self, (x, y): (u8, u8));", "write `name: Type`"),
    ("async fn a(&self, _: u8);", "write `name: Type`"),
    ("async fn a(&self, mut x: u8);", "`mut` belongs"),
    ("async fn a(&self, #[serde(default)] x: u8);", "no attributes"),
    ("async fn a(&self) {}", "end it with `;`"),
    ("async fn a(&self); async fn a(&self);", "second method"),
    ("async fn a(&self, x: u8, x: u8);", "second argument"),
    ("#[rpc(oneway)] async fn a(&self) -> u8;", "one-way method has no reply"),
    ("#[rpc(twoway)] async fn a(&self);", "no such option of `rpc`"),
    ("#[cfg_attr(test, inline)] async fn a(&self);", "may be left out"),
    ("#[cfg(test)] async fn a(&self); async fn a(&self);", "second method"),
    ("#[inline] async fn a(&self);", "means nothing"),
    ("const async fn a(&self);", "cannot be `const`"),
    ("async unsafe fn a(&self);", "ordinary one"),
    (r#"async extern "C" fn a(&self);"#, "remove `extern`"),
    ("async fn a(&self, c: &Context, d: &Context);", "one context"),
    ("async fn a(&self, c: Context);", "write `&Context`"),
    ("async fn a(&self, c: &mut rpc_core::Context);", "write `&Context`"),
    ("async fn connect(&self);", "method `connect` of its own"),
    ("async fn into(&self);", "method `into` of its own"),
    ("async fn clone(&self);", "method `clone` of its own"),
    ("async fn to_owned(&self);", "method `to_owned` of its own"),
    ("async fn fmt(&self);", "method `fmt` of its own"),
    ("async fn drop(&self);", "method `drop` of its own"),
    ("async fn r#from(&self);", "method `from` of its own"),
    ("async fn __a(&self);", "reserved"),
    ("async fn a(&self, x: impl Display);", "instead of `impl`"),
    ("async fn a(&self, x: Box<dyn Display>);", "instead of `dyn`"),
    ("async fn a(&self) -> kind!();", "a macro hides it"),
    ("async fn a(&self) -> Vec<Self>;", "`Self` is a different type"),
    ("async fn a(&self, x: *const u8);", "a pointer means nothing"),
    ("async fn a(&self, x: [u8]);", "use `Vec<u8>`"),
    ("async fn a(&self, x: Box<[&str]>);", "use `String`"),
    ("async fn a(&self, x: Option<[u8]>);", "use `Vec<u8>`"),
    ("async fn a(&self, x: Streaming<u8>, y: Streaming<u8>);", "one streamed argument"),
    ("async fn a(&self, x: &Streaming<u8>);", "write `Streaming<u8>` without `&`"),
    ("async fn a(&self, x: &mut Streaming<u8>);", "write `Streaming<u8>` without `&`"),
    ("async fn a(&self, x: Streaming);", "write `Streaming<T>`"),
    ("async fn a(&self, x: Streaming<u8, E>);", "one type, that of its items"),
    ("async fn a(&self, x: Streaming<&str>);", "use `String`"),
    ("async fn a(&self, x: Streaming<Streaming<u8>>);", "cannot be a stream itself"),
    ("async fn a(&self, x: Vec<rpc_core::Streaming<u8>>);", "`name: Streaming<u8>`"),
    ("async fn a(&self, x: impl Stream<Item = u8>);", "write `name: Streaming<u8>`"),
    ("async fn a(&self) -> Streaming<u8>;", "return `impl Stream<Item = u8>`"),
    ("fn a(&self) -> rpc_core::Streaming<u8>;", "return `impl Stream<Item = u8>`"),
    ("fn a(&self) -> Result<Streaming<u8>, E>;", "return `impl Stream<Item = u8>`"),
    ("fn a(&self) -> impl Stream;", "needs the type of its items"),
    ("async fn a(&self) -> Result<impl Stream, E>;", "needs the type of its items"),
    ("fn a(&self) -> Option<impl Stream<Item = u8>>;", "cannot be inside another type"),
    ("fn a(&self) -> impl Stream<Item = impl Stream<Item = u8>>;", "cannot be a stream itself"),
    ("fn a(&self) -> impl Stream<Item = &str>;", "an item travels"),
    ("fn a(&self) -> impl Stream<Item = io::Result<u8>>;", "write out both types"),
    ("fn a(&self) -> io::Result<impl Stream<Item = u8>>;", "write out both types"),
    ("fn a(&self) -> impl Iterator<Item = u8>;", "instead of `impl`"),
    ("fn a(&self) -> Result<impl Stream<Item = Result<u8, D>>, E>;", "with `D` and its start with"),
    ("#[rpc(oneway)] fn a(&self) -> impl Stream<Item = u8>;", "one-way method has no reply"),
    ("#[rpc(oneway)] async fn a(&self, x: Streaming<u8>);", "a single message"),
    ("#[rpc(ordered, ordered)] async fn a(&self);", "given twice"),
    ("#[rpc(idempotent, idempotent)] async fn a(&self);", "given twice"),
    ("#[rpc(once = true)] async fn a(&self);", "has no value"),
    ("#[rpc(once, idempotent)] async fn a(&self);", "exclude each other"),
    ("#[rpc(oneway, idempotent)] async fn a(&self);", "remove `idempotent`, or `oneway`"),
    ("#[rpc(oneway, once)] async fn a(&self);", "remove `once`, or `oneway`"),
    ("#[rpc(once)] fn a(&self) -> impl Stream<Item = u8>;", "no stream: return a `Vec`"),
    ("#[rpc(once)] async fn a(&self, x: Streaming<u8>);", "cannot be sent a second time"),
    ("#[rpc(ordered)] #[rpc(ordered)] async fn a(&self);", "given twice"),
    ("#[rpc(ordered = true)] async fn a(&self);", "has no value"),
    ("#[rpc(ordered(yes))] async fn a(&self);", "has no value"),
    ("#[rpc(requires)] async fn a(&self);", "write `requires = "),
    (r#"#[rpc(requires("a"))] async fn a(&self);"#, "write `requires = "),
    ("#[rpc(requires = a)] async fn a(&self);", "write `requires = "),
    ("#[rpc(requires = [a])] async fn a(&self);", "write `requires = "),
    ("#[rpc(requires = [])] async fn a(&self);", "names no permission"),
    (r#"#[rpc(requires = "")] async fn a(&self);"#, "such as"),
    (r#"#[rpc(requires = "a b")] async fn a(&self);"#, "such as"),
    (r#"#[rpc(requires = "a:")] async fn a(&self);"#, "such as"),
    (r#"#[rpc(requires = "a:*")] async fn a(&self);"#, "belongs into what callers are granted"),
    (r#"#[rpc(requires = ["a", "a"])] async fn a(&self);"#, "required twice"),
    (r#"#[rpc(requires = "a", requires = "b")] async fn a(&self);"#, "write one list"),
    ("async fn a(&self) -> io::Result<u8>;", "write out both types"),
    ("const A: u8;", "cannot have constants"),
    ("type A;", "cannot have associated types"),
    ("methods!();", "consists of methods only"),
];

/// Options and items that are refused, with words of the message.
const REFUSED_ITEMS: &[(&str, &str, &str)] = &[
    ("", "trait X<T> { async fn a(&self); }", "a service cannot be generic"),
    ("", "trait X where u8: Copy {}", "where clause"),
    ("", "unsafe trait X {}", "remove `unsafe`"),
    ("", "auto trait X {}", "remove `auto`"),
    ("", "struct X;", "goes on a trait"),
    ("", "impl X { fn a() {} }", "goes on a trait"),
    ("retries = 3", "trait X {}", "no such option of `service`"),
    ("ordered = true", "trait X {}", "has no value"),
    ("ordered", "#[rpc(ordered)] trait X {}", "given twice"),
    ("idempotent", "#[rpc(idempotent)] trait X {}", "given twice"),
    ("", "#[rpc(once)] trait X {}", "no such option of `rpc` on a service"),
    ("", "#[rpc(oneway)] trait X {}", "no such option of `rpc` on a service"),
    (r#"name = "a.b""#, "trait X {}", "letters, digits and `_`"),
];

#[track_caller]
fn check(options: &str, item: &str, expected: &str) {
    let expanded = expand(options.parse().unwrap(), item.parse().unwrap()).to_string();
    let mistakes = expanded.matches("compile_error").count();
    assert_eq!(mistakes, 1, "{item} gives {mistakes} errors: {expanded}");
    assert!(expanded.contains(expected), "{item} gives {expanded}");
}

#[test]
fn each_mistake_gives_one_error_that_says_what_to_write() {
    for (member, expected) in REFUSED {
        check("", &format!("pub trait X {{ {member} }}"), expected);
    }
    for (options, item, expected) in REFUSED_ITEMS {
        check(options, item, expected);
    }
}

#[test]
fn all_mistakes_are_reported_at_once_and_the_trait_stays() {
    let item = quote! {
        trait Bad {
            fn not_async(&self);
            async fn no_self();
        }
    };
    let expanded = expand(TokenStream::new(), item).to_string();
    assert_eq!(expanded.matches("compile_error").count(), 2, "{expanded}");
    assert!(expanded.contains("trait Bad"), "{expanded}");
}
