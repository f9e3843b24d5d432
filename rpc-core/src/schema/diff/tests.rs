//! Each kind of change, and whom it breaks.

use serde::{Deserialize, Serialize};

use super::{Answers, Change, Rule, changes};
use crate::schema::{Document, MethodBuilder, MethodKind, Schema, ServiceBuilder};

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
    let (old, new) = (document(old), document(new));
    changes(&old, &new, Answers::Server).into_iter().map(shown).collect()
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
    let found = changes(&one, &other, Answers::Server);
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
    assert_eq!(
        argument,
        [
            "S.m New.gone is gone: it is ignored B",
            "S.m New.needed is new, which is needed BJ",
            "S.m New.defaulted is new, which may be left out B",
        ]
    );
    assert_eq!(
        result,
        [
            "S.m New.needed is new: it is ignored B",
            "S.m New.defaulted is new: it is ignored B",
            "S.m New.gone is gone, which is needed BJ",
        ]
    );

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
    assert_eq!(argument, ["S.m New.more is new, which may be left out B"]);
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

/// Old and new, of the same names.
macro_rules! versions {
    ({ $($old:item)* } { $($new:item)* }) => {
        mod old {
            #[allow(unused_imports, reason = "some versions need nothing")]
            use super::{Deserialize, Schema, Serialize};
            $(#[derive(Serialize, Deserialize, Schema)] $old)*
        }
        mod new {
            #[allow(unused_imports, reason = "some versions need nothing")]
            use super::{Deserialize, Schema, Serialize};
            $(#[derive(Serialize, Deserialize, Schema)] $new)*
        }
    };
}

#[test]
fn a_type_that_is_wrapped_and_changed_is_looked_into() {
    versions! {
        { pub(super) struct A { pub x: u8 } }
        { pub(super) struct A { pub x: u8, pub y: u8 } }
    }
    let needed = "S.m A.y is new, which is needed BJ";
    let [argument, _] = typed::<old::A, Option<new::A>>();
    assert_eq!(argument, ["S.m argument a was A and is Option<A> B", needed]);
    let [argument, _] = typed::<Option<old::A>, new::A>();
    assert_eq!(argument, ["S.m argument a was Option<A> and is A BJ", needed]);
    let [argument, _] = typed::<[old::A; 1], Vec<new::A>>();
    assert_eq!(argument, ["S.m argument a was [A; 1] and is Vec<A> B", needed]);
}

#[test]
fn names_that_take_the_place_of_others_lose_what_is_sent() {
    versions! {
        { pub(super) struct A { #[serde(default)] pub x: u8 } }
        { pub(super) struct A { #[serde(default)] pub y: u8 } }
    }
    let [argument, _] = typed::<old::A, new::A>();
    assert_eq!(argument, ["S.m A.x is y now: what is sent as x is lost BJ"]);
    let arguments = between(
        |method| {
            method.argument::<Option<u8>>("limit");
        },
        |method| {
            method.argument::<Option<u8>>("most");
        },
    );
    let lost = "S.m argument limit is most now: what is sent as limit is lost BJ";
    assert_eq!(arguments, [lost]);
}

#[test]
fn readers_know_aliases_and_refuse_what_they_do_not_know() {
    versions! {
        { pub(super) struct A { pub x: u8 } pub(super) struct B { pub x: u8, pub y: u8 } }
        { pub(super) struct A { #[serde(alias = "x")] pub z: u8 }
        #[serde(deny_unknown_fields)]
        pub(super) struct B { pub x: u8 } }
    }
    let [argument, result] = typed::<old::A, new::A>();
    assert_eq!(argument, ["S.m A.x is z now, and is understood B"]);
    assert_eq!(result, ["S.m A.z is new: it is ignored B", "S.m A.x is gone, which is needed BJ"]);
    let [argument, _] = typed::<old::B, new::B>();
    assert_eq!(
        argument,
        ["S.m unknown fields of B are refused B", "S.m B.y is gone: it is refused BJ"]
    );
}

#[test]
fn what_looks_the_same_breaks_nobody() {
    versions! {
        { pub(super) struct Id(pub u64);
        pub(super) struct Ids(pub Vec<u64>); }
        { pub(super) struct Pair(pub u8, pub u8);
        pub(super) struct Named { pub x: u8, pub y: u8 } }
    }
    let [argument, result] = typed::<u64, old::Id>();
    assert_eq!(argument, ["S.m argument a was u64 and is Id, which look the same"]);
    assert_eq!(result, ["S.m result was u64 and is Id, which look the same"]);
    let [argument, _] = typed::<Vec<u64>, old::Ids>();
    assert_eq!(argument, ["S.m argument a was Vec<u64> and is Ids, which look the same B"]);
    let [argument, _] = typed::<(u8, u8), new::Pair>();
    assert_eq!(argument, ["S.m has another signature B"]);
    let [argument, result] = typed::<new::Pair, new::Named>();
    assert_eq!(argument, ["S.m argument a was Pair and is Named B"]);
    assert_eq!(result, ["S.m result was Pair and is Named BJ"]);
    let [argument, _] = typed::<std::net::Ipv4Addr, std::net::IpAddr>();
    assert_eq!(argument, ["S.m argument a was Ipv4Addr and is IpAddr B"]);
    type Map<K> = std::collections::BTreeMap<K, u8>;
    let [argument, _] = typed::<Map<u8>, Map<String>>();
    assert_eq!(argument, ["S.m key of argument a was u8 and is String B"]);
}

#[test]
fn a_float_does_not_hold_every_integer() {
    assert_eq!(typed::<i64, f64>()[0], ["S.m argument a was i64 and is f64 BJ"]);
    assert_eq!(typed::<i32, f64>()[0], ["S.m argument a was i32 and is f64 B"]);
    assert_eq!(typed::<i32, f32>()[0], ["S.m argument a was i32 and is f32 BJ"]);
}

const fn two() -> u8 {
    2
}

#[test]
fn defaults_that_change_are_told() {
    mod old {
        use super::{Deserialize, Schema, Serialize};
        #[derive(Serialize, Deserialize, Schema)]
        pub(super) struct A {
            #[serde(default)]
            pub x: u8,
        }
    }
    mod new {
        use super::{Deserialize, Schema, Serialize};
        #[derive(Serialize, Deserialize, Schema)]
        pub(super) struct A {
            #[serde(default = "super::two")]
            pub x: u8,
        }
    }
    let [argument, result] = typed::<old::A, new::A>();
    assert_eq!(argument, ["S.m A.x was 0 where it is left out, and is 2"]);
    assert_eq!(result, Vec::<String>::new());
}

#[test]
fn services_that_clients_answer_are_judged_the_other_way_round() {
    let old = document(|method| {
        method.argument::<u8>("a").returns::<u8>();
    });
    let new = document(|method| {
        method.argument::<u16>("a").returns::<u16>();
    });
    let found = |answers| -> Vec<bool> {
        changes(&old, &new, answers).iter().map(|change| change.breaks_json).collect()
    };
    assert_eq!(found(Answers::Server), [false, true]);
    assert_eq!(found(Answers::Clients), [true, false]);
    let none = Document::new(Vec::new());
    let [added] = &changes(&none, &old, Answers::Clients)[..] else { panic!() };
    assert!(added.rule == Rule::ServiceAdded && added.breaks_bincode && added.breaks_json);
    let [gone] = &changes(&old, &none, Answers::Clients)[..] else { panic!() };
    assert!(gone.rule == Rule::ServiceRemoved && !gone.breaks_bincode && !gone.breaks_json);
}

#[test]
fn types_in_circles_of_newtypes_end() {
    versions! {
        { pub(super) struct Tree(pub Vec<Self>); }
        { pub(super) struct Tree(pub Vec<Option<Self>>); }
    }
    let [argument, _] = typed::<old::Tree, new::Tree>();
    assert_eq!(argument, ["S.m argument a[] was Tree and is Option<Tree> B"]);
}

#[test]
fn callers_go_on_repeating_what_was_idempotent() {
    let never = |_: &mut MethodBuilder<'_>| {};
    let idempotent = |method: &mut MethodBuilder<'_>| _ = method.idempotent();
    let once = |method: &mut MethodBuilder<'_>| _ = method.once();
    assert_eq!(between(idempotent, never), ["S.m is not idempotent any more BJ"]);
    assert_eq!(between(never, idempotent), ["S.m is idempotent"]);
    let changed = ["S.m is not idempotent any more: it runs once with one key BJ"];
    assert_eq!(between(idempotent, once), changed);
    assert_eq!(between(once, never), ["S.m does not run once any more"]);
    assert!(between(once, once).is_empty());
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
