//! Canonical signatures: golden texts and keys, and what changes them.

use serde::{Deserialize, Serialize};

use super::{Address, Tree, User, taking};
use crate::{
    proto::MethodKey,
    schema::{MethodBuilder, MethodKind, Schema, ServiceBuilder},
};

fn method(kind: MethodKind, describe: impl FnOnce(&mut MethodBuilder<'_>)) -> (String, MethodKey) {
    let mut builder = ServiceBuilder::new("Calculator", "A calculator.");
    describe(&mut builder.method("add", "Adds.", kind));
    let service = builder.build();
    let method = &service.methods[0];
    (method.canonical_signature(&service.types), method.key)
}

fn text_of<T: Schema>() -> String {
    let service = taking::<T>();
    service.methods[0].canonical_signature(&service.types)
}

#[test]
fn signatures_and_keys_are_the_published_ones() {
    let (text, key) = method(MethodKind::Unary, |method| {
        method.argument::<i64>("a").argument::<i64>("b").returns::<i64>();
    });
    assert_eq!(text, "(a:i64,b:i64)->i64");
    assert_eq!(key.to_string(), "193fa158d50608e3");
    let (text, key) = method(MethodKind::Oneway, |method| {
        method.argument::<String>("line");
    });
    assert_eq!(text, "(line:str)~>()");
    assert_eq!(key.to_string(), "193fa1583b6133b8");
    assert_eq!(MethodKey::bare("Calculator.add").to_string(), "193fa15800000000");
}

#[test]
fn named_types_are_numbered_as_they_are_met() {
    let (text, _) = method(MethodKind::Unary, |method| {
        method.argument::<User>("user").returns::<Vec<Address>>().fails::<User>();
    });
    let user = "{id:u64,name:str,tags:[str],address:?#1;}";
    let address = "{streetName:str,type:#2,zip:[u8*5]}";
    let kind = "<HOME_ADDRESS|work(str)|IN_TRANSIT(f64,f64)|ELSEWHERE{how-far:u32}>";
    let expected = format!("(user:#0)->[#1]!#0;#0={user};#1={address};#2={kind}");
    assert_eq!(text, expected);
}

#[test]
fn recursive_types_end() {
    assert_eq!(text_of::<Tree<u8>>(), "(it:#0)->();#0={value:u8,children:[#0],parent:?#0;}");
}

#[test]
fn names_of_types_documentation_and_defaults_do_not_count() {
    /// Another documentation.
    #[derive(Serialize, Deserialize, Schema)]
    struct Branch {
        #[serde(default)]
        value: u8,
        /// Below.
        children: Vec<Self>,
        parent: Option<Box<Self>>,
    }
    assert_eq!(text_of::<Branch>(), text_of::<Tree<u8>>());
}

#[test]
fn order_and_names_of_fields_count() {
    #[derive(Serialize, Deserialize, Schema)]
    struct Here {
        x: f64,
        y: f64,
    }
    #[derive(Serialize, Deserialize, Schema)]
    struct Swapped {
        y: f64,
        x: f64,
    }
    assert_eq!(text_of::<Here>(), "(it:#0)->();#0={x:f64,y:f64}");
    assert_eq!(text_of::<Swapped>(), "(it:#0)->();#0={y:f64,x:f64}");
}

#[test]
fn bytes_are_the_same_however_they_are_held() {
    assert_eq!(text_of::<Vec<u8>>(), text_of::<bytes::Bytes>());
    assert_eq!(text_of::<Vec<u8>>(), "(it:bytes)->()");
}

#[test]
fn names_cannot_imitate_syntax() {
    #[derive(Serialize, Deserialize, Schema)]
    struct Odd {
        #[serde(rename = "x:f64,y")]
        x: f64,
    }
    assert_eq!(text_of::<Odd>(), "(it:#0)->();#0={\"x:f64,y\":f64}");
}

#[test]
fn a_method_with_another_signature_keeps_its_name_half() {
    let (_, one) = method(MethodKind::Unary, |method| {
        method.argument::<i64>("a");
    });
    let (_, other) = method(MethodKind::Unary, |method| {
        method.argument::<i32>("a");
    });
    assert_eq!(one.name_hash(), other.name_hash());
    assert_ne!(one.signature_hash(), other.signature_hash());
}
