//! Descriptions and bytes of a peer that means no good: an error, soon, and little memory.

use serde_json::json;

use crate::{
    dynamic::{decode, encode},
    schema::{ContainerKind, Field, Format, Registry},
};

fn array(content: Format, size: u32) -> Format {
    Format::Array { content: Box::new(content), size }
}

#[test]
fn values_without_bytes_are_counted_whatever_the_description_says() {
    let bomb = (0..8).fold(Format::Unit, |content, _| array(content, u32::MAX));
    let error = decode(&bomb, &Registry::new(), &[]).unwrap_err().to_string();
    assert_eq!(error, "more than 65536 elements without content, at offset 0");
    let mut types = Registry::new();
    for place in 0..60 {
        let next = Format::Named(format!("T{}", place + 1));
        types.define(&format!("T{place}"), "T", "", |_| {
            ContainerKind::Tuple(vec![next.clone(), next])
        });
    }
    types.define("T60", "T", "", |_| ContainerKind::Unit);
    assert!(decode(&Format::Named("T0".to_owned()), &types, &[]).is_err());
    let many = Format::Seq(Box::new(array(Format::U8, 0)));
    assert!(decode(&many, &types, &[253, 255, 255, 255, 255, 255, 255, 255, 255]).is_err());
    assert_eq!(decode(&many, &types, &[2]).unwrap(), json!([[], []]));
}

#[test]
fn types_that_hold_themselves_end() {
    let mut types = Registry::new();
    let own = Format::Named("Own".to_owned());
    types.define("Own", "Own", "", |_| ContainerKind::Newtype(Box::new(own.clone())));
    let error = decode(&own, &types, &[1, 2, 3]).unwrap_err().to_string();
    assert_eq!(error, "values are nested more than 128 deep, at offset 0");
    assert!(encode(&own, &types, &json!(1)).is_err());

    let deep = Format::Option(Box::new(Format::Named("Deep".to_owned())));
    types.define("Deep", "Deep", "", |_| ContainerKind::Newtype(Box::new(deep.clone())));
    assert!(decode(&deep, &types, &[1; 1000]).is_err());
}

#[test]
fn defaults_inside_of_defaults_end() {
    let mut types = Registry::new();
    for place in 0..100 {
        let next = Format::Named(format!("T{}", place + 1));
        let field =
            |name: &str| Field::new(name, "", next.clone()).default_value(Some("{}".to_owned()));
        let fields = ["a", "b", "c", "d"].map(field);
        types.define(&format!("T{place}"), "T", "", |_| ContainerKind::Struct(fields.to_vec()));
    }
    types.define("T100", "T", "", |_| ContainerKind::Unit);
    assert!(encode(&Format::Named("T0".to_owned()), &types, &json!({})).is_err());
    let same = Format::Named("Same".to_owned());
    let field = Field::new("same", "", same.clone()).default_value(Some("{}".to_owned()));
    types.define("Same", "Same", "", |_| ContainerKind::Struct(vec![field]));
    assert!(encode(&same, &types, &json!({})).is_err());
}

#[test]
fn bytes_that_are_no_value_say_where() {
    let types = Registry::new();
    let said =
        |format: &Format, bytes: &[u8]| decode(format, &types, bytes).unwrap_err().to_string();
    assert_eq!(said(&Format::Bool, &[2]), "a bool must be 0 or 1, not 2, at offset 0");
    assert_eq!(
        said(&Format::Str, &[9, b'a']),
        "a length of 9 is more than the bytes that are left, at offset 0"
    );
    assert_eq!(
        said(&Format::U8, &[1, 2]),
        "1 bytes follow the value, which must end where they begin, at offset 1"
    );
    assert_eq!(
        said(&Format::U16, &[252, 1, 0, 0, 0]),
        "a number is wider than its type, at offset 0"
    );
    let text = Format::Text { name: "Json".to_owned(), wire: Box::new(Format::Str) };
    assert!(said(&text, b"\x01{").starts_with("text that is not JSON: "));
    let unknown = Format::Named("Ghost".to_owned());
    assert_eq!(said(&unknown, &[]), "the type Ghost is not described, at offset 0");
}
