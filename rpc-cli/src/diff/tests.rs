//! Each kind of change, and whom it breaks.

use rpc_core::{
    Schema,
    schema::{Document, MethodBuilder, MethodKind, ServiceBuilder},
};
use serde::{Deserialize, Serialize};

use super::{Change, changes};

fn document(describe: impl FnOnce(&mut MethodBuilder<'_>)) -> Document {
    let mut service = ServiceBuilder::new("S", "");
    describe(&mut service.method("m", "", MethodKind::Unary));
    Document::new(vec![service.build()])
}

/// Each change with whom it breaks: `B` for bincode, `J` for JSON.
fn between(
    old: impl FnOnce(&mut MethodBuilder<'_>),
    new: impl FnOnce(&mut MethodBuilder<'_>),
) -> Vec<String> {
    let shown = |change: Change| {
        let breaks = match (change.breaks_bincode, change.breaks_json) {
            (false, false) => "",
            (true, false) => " B",
            (false, true) => " J",
            (true, true) => " BJ",
        };
        format!("{} {}{breaks}", change.path, change.what)
    };
    changes(&document(old), &document(new)).into_iter().map(shown).collect()
}

/// From a value of one type to a value of another, as argument and as result.
fn typed<Old: Schema, New: Schema>() -> [Vec<String>; 2] {
    let argument = between(
        |method| {
            method.argument::<Old>("a");
        },
        |method| {
            method.argument::<New>("a");
        },
    );
    let result = between(
        |method| {
            method.returns::<Old>();
        },
        |method| {
            method.returns::<New>();
        },
    );
    [argument, result]
}

#[test]
fn nothing_changes_where_names_of_types_do() {
    #[derive(Serialize, Deserialize, Schema)]
    struct Point {
        x: i32,
    }
    #[derive(Serialize, Deserialize, Schema)]
    struct Dot {
        x: i32,
    }
    assert_eq!(typed::<Point, Dot>(), [Vec::<String>::new(), Vec::new()]);
}

#[test]
fn services_and_methods_come_and_go() {
    let one = Document::new(vec![ServiceBuilder::new("A", "").build()]);
    let other = Document::new(vec![ServiceBuilder::new("B", "").build()]);
    let found = changes(&one, &other);
    assert_eq!((found[0].what.as_str(), found[0].breaks_json), ("is gone", true));
    assert_eq!((found[1].what.as_str(), found[1].breaks_bincode), ("is new", false));
}

#[test]
fn a_wider_number_is_understood_by_who_has_it() {
    let [argument, result] = typed::<i32, i64>();
    assert_eq!(argument, ["S.m argument a was i32 and is i64 B"]);
    assert_eq!(result, ["S.m result was i32 and is i64 BJ"]);
    let [argument, result] = typed::<u32, i32>();
    assert_eq!(argument, ["S.m argument a was u32 and is i32 BJ"]);
    assert_eq!(result, ["S.m result was u32 and is i32 BJ"]);
}

#[test]
fn what_may_be_missing_may_come_and_go() {
    let [argument, result] = typed::<u8, Option<u8>>();
    assert_eq!(argument, ["S.m argument a was u8 and is Option<u8> B"]);
    assert_eq!(result, ["S.m result was u8 and is Option<u8> BJ"]);
    let added = |optional: bool| {
        between(
            |_| {},
            |method| {
                if optional {
                    method.argument::<Option<u8>>("a");
                } else {
                    method.argument::<u8>("a");
                }
            },
        )
    };
    assert_eq!(added(true), ["S.m argument a is new, which may be left out B"]);
    assert_eq!(added(false), ["S.m argument a is new, which is needed BJ"]);
}

#[test]
fn fields_and_variants_break_one_way_only() {
    #[derive(Serialize, Deserialize, Schema)]
    struct Old {
        kept: u8,
        gone: u8,
    }
    #[derive(Serialize, Deserialize, Schema)]
    struct New {
        kept: u8,
        needed: u8,
        #[serde(default)]
        defaulted: u8,
    }
    let [argument, result] = typed::<Old, New>();
    let (gone, needed) = ("S.m New.gone is gone", "S.m New.needed is new");
    let defaulted = "S.m New.defaulted is new B";
    assert_eq!(
        argument,
        [format!("{gone} B"), format!("{needed}, which is needed BJ"), defaulted.to_owned()]
    );
    assert_eq!(result, [format!("{gone} BJ"), format!("{needed} B"), defaulted.to_owned()]);

    #[derive(Serialize, Deserialize, Schema)]
    enum Few {
        One,
    }
    #[derive(Serialize, Deserialize, Schema)]
    enum Many {
        One,
        Two(u8),
    }
    let [argument, result] = typed::<Few, Many>();
    assert_eq!(argument, ["S.m Many::Two is new B"]);
    assert_eq!(result, ["S.m Many::Two is new BJ"]);
    let [argument, result] = typed::<Many, Few>();
    assert_eq!(argument, ["S.m Few::Two is gone BJ"]);
    assert_eq!(result, ["S.m Few::Two is gone B"]);
}

#[test]
fn recursive_types_end() {
    #[derive(Serialize, Deserialize, Schema)]
    struct Old {
        next: Option<Box<Self>>,
    }
    #[derive(Serialize, Deserialize, Schema)]
    struct New {
        next: Option<Box<Self>>,
        #[serde(default)]
        more: u8,
    }
    let [argument, _] = typed::<Old, New>();
    assert_eq!(argument, ["S.m New.more is new B"]);
}

#[test]
fn order_is_a_promise() {
    let ordered = |method: &mut MethodBuilder<'_>| {
        method.ordered();
    };
    assert_eq!(between(ordered, |_| {}), ["S.m calls keep no order any more BJ"]);
    assert_eq!(between(|_| {}, ordered), ["S.m calls keep their order"]);
}

#[test]
fn arguments_in_another_order_break_those_who_count_them() {
    let one = |method: &mut MethodBuilder<'_>| {
        method.argument::<u8>("a").argument::<u8>("b");
    };
    let other = |method: &mut MethodBuilder<'_>| {
        method.argument::<u8>("b").argument::<u8>("a");
    };
    assert_eq!(between(one, other), ["S.m arguments are in another order: name them in JSON BJ"]);
}

#[test]
fn a_permission_that_is_needed_from_now_on_shuts_callers_out() {
    let requires = |permissions: &'static [&'static str]| {
        move |method: &mut MethodBuilder<'_>| {
            permissions.iter().for_each(|permission| _ = method.requires(permission));
        }
    };
    assert_eq!(between(requires(&[]), requires(&["a:b"])), ["S.m requires the permission a:b BJ"]);
    let less = ["S.m does not require the permission a:b any more"];
    assert_eq!(between(requires(&["a:b", "c"]), requires(&["c"])), less);
    assert!(between(requires(&["a", "b"]), requires(&["b", "a"])).is_empty());
}
