//! Methods that stream, and those whose calls have an order: their descriptions, signatures and Rust.

use super::{AddressType, User};
use crate::schema::{Argument, Format, MethodKind, ServiceBuilder, ServiceSchema};

fn feed() -> ServiceBuilder {
    let mut builder = ServiceBuilder::new("Feed", "");
    builder
        .method("ticks", "Ticks on.", MethodKind::ServerStream)
        .argument::<u64>("every_ms")
        .returns::<AddressType>();
    builder
        .method("watch", "", MethodKind::ServerStream)
        .argument::<String>("key")
        .returns::<u8>()
        .fails::<AddressType>();
    builder
        .method("sum", "", MethodKind::ClientStream)
        .argument::<i64>("scale")
        .upload::<i64>("numbers")
        .returns::<i64>();
    builder.method("echo", "", MethodKind::Duplex).upload::<String>("lines").returns::<String>();
    builder
}

fn signatures(service: &ServiceSchema) -> Vec<String> {
    service.methods.iter().map(|method| method.canonical_signature(&service.types)).collect()
}

#[test]
fn streamed_arguments_are_apart_from_those_of_the_request() {
    let service = feed().build();
    let sum = service.method("sum").unwrap();
    let names: Vec<&str> = sum.arguments.iter().map(|argument| argument.name.as_str()).collect();
    assert_eq!(names, ["scale"]);
    assert_eq!(sum.upload, Some(Argument { name: "numbers".into(), format: Format::I64 }));
    assert_eq!(service.method("ticks").unwrap().upload, None);
}

#[test]
fn a_star_marks_what_is_streamed_in_a_signature() {
    let kind = "<HOME_ADDRESS|work(str)|IN_TRANSIT(f64,f64)|ELSEWHERE{how-far:u32}>";
    let expected = [
        format!("(every_ms:u64)->*#0;#0={kind}"),
        format!("(key:str)->*u8!#0;#0={kind}"),
        "(scale:i64,*numbers:i64)->i64".to_owned(),
        "(*lines:str)->*str".to_owned(),
    ];
    assert_eq!(signatures(&feed().build()), expected);
}

#[test]
fn a_stream_and_a_value_of_the_same_type_have_different_keys() {
    let service = feed().build();
    let mut builder = ServiceBuilder::new("Feed", "");
    builder.method("echo", "", MethodKind::Unary).argument::<String>("lines").returns::<String>();
    let unary = builder.build();
    let (streamed, plain) = (service.method("echo").unwrap().key, unary.methods[0].key);
    assert_eq!(streamed.name_hash(), plain.name_hash());
    assert_ne!(streamed.signature_hash(), plain.signature_hash());
}

#[test]
fn the_order_of_a_service_is_that_of_each_method_and_changes_no_key() {
    let plain = feed().build();
    assert!(!plain.ordered && plain.methods.iter().all(|method| !method.ordered));
    let mut builder = feed();
    builder.ordered();
    let ordered = builder.build();
    assert!(ordered.ordered && ordered.methods.iter().all(|method| method.ordered));
    let keys = |service: &ServiceSchema| -> Vec<_> {
        service.methods.iter().map(|method| method.key).collect()
    };
    assert_eq!(keys(&plain), keys(&ordered));
}

#[test]
fn streams_read_as_people_declare_them() {
    let service = feed().build();
    let signatures: Vec<String> =
        service.methods.iter().map(|method| service.signature(method)).collect();
    let expected = [
        "fn ticks(&self, every_ms: u64) -> impl Stream<Item = AddressType>",
        "fn watch(&self, key: String) -> impl Stream<Item = Result<u8, AddressType>>",
        "async fn sum(&self, scale: i64, numbers: Streaming<i64>) -> i64",
        "fn echo(&self, lines: Streaming<String>) -> impl Stream<Item = String>",
    ];
    assert_eq!(signatures, expected);
}

#[test]
fn an_order_is_written_on_its_methods_or_once_above_the_trait() {
    let chat = || {
        let mut builder = ServiceBuilder::new("Chat", "");
        builder.method("say", "", MethodKind::Unary).ordered();
        builder.method("log", "", MethodKind::Oneway).ordered();
        builder
    };
    let methods = "    #[rpc(ordered)]\n    async fn say(&self);\n\n    #[rpc(oneway, ordered)]\n    \
        async fn log(&self);\n";
    let expected = format!("#[service]\npub trait Chat {{\n{methods}}}\n");
    assert_eq!(chat().build().render(), expected);
    let mut builder = chat();
    builder.ordered();
    let service = builder.build();
    let methods = "    async fn say(&self);\n\n    #[rpc(oneway)]\n    async fn log(&self);\n";
    let expected = format!("#[service]\n#[rpc(ordered)]\npub trait Chat {{\n{methods}}}\n");
    assert_eq!(service.render(), expected);
    let alone = service.render_method(&service.methods[0]);
    assert_eq!(alone, "#[rpc(ordered)]\nasync fn say(&self);\n");
}

#[test]
fn types_of_streamed_items_are_defined_with_the_method() {
    let mut builder = ServiceBuilder::new("Import", "");
    builder.method("users", "", MethodKind::ClientStream).upload::<User>("users");
    let service = builder.build();
    let text = service.render_method(&service.methods[0]);
    assert!(text.starts_with("async fn users(&self, users: Streaming<User>);\n"), "{text}");
    assert!(text.contains("pub struct User {"), "{text}");
}
