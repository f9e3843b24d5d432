//! The same against types that are derived, and against those whose JSON form is text.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr, SocketAddrV6},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Json, MethodKey, codec,
    dynamic::{EncodeError, decode, encode},
    proto::Codec,
    schema::{ContainerKind, Field, Format, MethodKind, Registry, Schema, ServiceBuilder},
};

/// A value travels the same way with its type and by its description.
#[track_caller]
fn agrees<T: Schema + Serialize>(value: &T) {
    let mut types = Registry::new();
    let format = T::format(&mut types);
    let json = serde_json::to_value(value).unwrap();
    let mut bincode = Vec::new();
    codec::encode(Codec::Bincode, value, &mut bincode).unwrap();
    assert_eq!(encode(&format, &types, &json).as_deref(), Ok(&bincode[..]), "{json}");
    assert_eq!(decode(&format, &types, &bincode).unwrap(), json);
}

#[track_caller]
fn encoded<T: Schema>(value: Value) -> Result<Vec<u8>, String> {
    let mut types = Registry::new();
    let format = T::format(&mut types);
    let payload = encode(&format, &types, &value).map_err(|error| error.to_string())?;
    Ok(payload.to_vec())
}

#[track_caller]
fn bincode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(Codec::Bincode, value, &mut bytes).unwrap();
    bytes
}

#[derive(Clone, Serialize, Deserialize, Schema)]
enum Shape {
    Point,
    Circle(f64),
    Line((i32, i32), (i32, i32)),
    Named { name: String, of: Box<Option<Self>> },
}

#[derive(Serialize, Deserialize, Schema)]
struct Drawing {
    #[serde(rename = "what")]
    shapes: Vec<Shape>,
    layers: BTreeMap<u16, Layer>,
    #[serde(default)]
    scale: Scale,
    #[serde(default, alias = "colour")]
    color: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, Schema)]
struct Layer;

#[derive(Serialize, Deserialize, Schema)]
struct Scale(u32);

impl Default for Scale {
    fn default() -> Self {
        Self(100)
    }
}

fn shapes() -> Vec<Shape> {
    let circle = Shape::Named { name: "round".to_owned(), of: Box::new(Some(Shape::Circle(0.1))) };
    vec![Shape::Point, Shape::Line((1, -1), (i32::MIN, i32::MAX)), circle]
}

#[test]
fn derived_types_travel_as_they_do_with_their_code() {
    agrees(&shapes());
    let layers = BTreeMap::from([(1, Layer), (500, Layer)]);
    agrees(&Drawing { shapes: shapes(), layers, scale: Scale(7), color: Some("red".to_owned()) });
    agrees(&(Duration::new(1, 500), SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40)));
    agrees(&Ok::<_, u8>(-1_i128));
    agrees(&HashMap::from([('x', [true; 3])]));
}

#[test]
fn what_is_left_out_has_the_default_that_the_description_knows() {
    let given = json!({ "what": [], "layers": {}, "colour": "blue" });
    let color = Some("blue".to_owned());
    let whole = Drawing { shapes: vec![], layers: BTreeMap::new(), scale: Scale(100), color };
    assert_eq!(encoded::<Drawing>(given), Ok(bincode(&whole)));

    let mut types = Registry::new();
    let format = types.define("T", "T", "", |_| {
        ContainerKind::Struct(vec![Field::new("level", "", Format::U8).optional()])
    });
    let error = encode(&format, &types, &json!({})).unwrap_err();
    assert_eq!(error, EncodeError::NeedsJson("the default of level is not known here".to_owned()));
}

#[test]
fn types_that_are_text_in_json_travel_in_their_own_form() {
    agrees(&["::1", "127.0.0.1"].map(|address| address.parse::<IpAddr>().unwrap()));
    agrees(&["[::1]:80", "1.2.3.4:65535"].map(|address| address.parse::<SocketAddr>().unwrap()));
    agrees(&"[2001:db8::1]:251".parse::<SocketAddrV6>().unwrap());
    agrees(&MethodKey::bare("Calculator.add"));
    agrees(&Json(json!({ "any": [1, null, "thing"] })));
    let wrong = encoded::<IpAddr>(json!("localhost")).unwrap_err();
    assert_eq!(wrong, "the value is \"localhost\" and should be IpAddr");
}

#[test]
fn bytes_may_be_text_numbers_or_base64() {
    for bytes in [json!([0, 255]), json!({ "base64": "AP8=" })] {
        assert_eq!(encoded::<Vec<u8>>(bytes.clone()), Ok(vec![2, 0, 255]));
        assert_eq!(encoded::<bytes::Bytes>(bytes), Ok(vec![2, 0, 255]));
    }
    assert_eq!(encoded::<bytes::Bytes>(json!("hi")), Ok(b"\x02hi".to_vec()));
    let wrong = encoded::<Vec<u8>>(json!({ "base64": "?" })).unwrap_err();
    assert_eq!(wrong, "the value is an object and should be Vec<u8>");
}

#[test]
fn floats_that_are_no_numbers_have_names_and_maps_of_all_keys_are_pairs() {
    for (name, float) in [("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)] {
        assert_eq!(encoded::<f64>(json!(name)), Ok(bincode(&float)));
    }
    assert_eq!(encoded::<f32>(json!("NaN")), Ok(bincode(&f32::NAN)));
    assert!(encoded::<f64>(json!("nan")).is_err());

    let map = BTreeMap::from([((1_u8, 2_u16), true), ((3, 400), false)]);
    let pairs = json!([[[1, 2], true], [[3, 400], false]]);
    assert_eq!(encoded::<BTreeMap<(u8, u16), bool>>(pairs.clone()), Ok(bincode(&map)));
    let mut types = Registry::new();
    let format = BTreeMap::<(u8, u16), bool>::format(&mut types);
    assert_eq!(decode(&format, &types, &bincode(&map)).unwrap(), pairs);
}

#[test]
fn arguments_go_by_name_or_by_position() {
    let mut builder = ServiceBuilder::new("Files", "");
    builder
        .method("write", "", MethodKind::Unary)
        .argument::<String>("path")
        .argument::<Vec<u8>>("content")
        .argument::<Option<u32>>("mode");
    let service = builder.build();
    let encode = |value| service.methods[0].encode_arguments(&service.types, &value);
    let expected = bincode(&("a", b"xyz".to_vec(), None::<u32>));
    for value in [
        json!({ "path": "a", "content": "xyz" }),
        json!({ "content": [120, 121, 122], "path": "a", "mode": null }),
        json!(["a", { "base64": "eHl6" }, null]),
    ] {
        assert_eq!(encode(value).as_deref(), Ok(&expected[..]));
    }
    let error = encode(json!({ "path": "a" })).unwrap_err();
    assert_eq!(error.to_string(), "content is missing and should be Bytes");
    assert_eq!(service.methods[0].needs_json(&service.types), None);
}

#[test]
fn a_type_of_unknown_form_needs_json() {
    let mut builder = ServiceBuilder::new("S", "");
    builder.method("m", "", MethodKind::Unary).argument::<Vec<String>>("at");
    let mut service = builder.build();
    let odd = Format::Text { name: "Odd".to_owned(), wire: Box::new(Format::U8) };
    let named =
        service.types.define("T", "T", "", |_| ContainerKind::Newtype(Box::new(odd.clone())));
    service.methods[0].arguments[0].format = Format::Option(Box::new(named));
    let why = "the bincode form of Odd is not known here";
    assert_eq!(service.methods[0].needs_json(&service.types).as_deref(), Some(why));
    let error = encode(&odd, &service.types, &json!("x")).unwrap_err();
    assert_eq!(error, EncodeError::NeedsJson(why.to_owned()));
}

#[cfg(all(
    feature = "chrono",
    feature = "rust_decimal",
    feature = "time",
    feature = "url",
    feature = "uuid"
))]
#[test]
fn types_of_other_crates_travel_in_their_own_form() {
    agrees(&uuid::Uuid::from_u128(u128::MAX / 3));
    agrees(&url::Url::parse("https://example.org/a?b#c").unwrap());
    agrees(&rust_decimal::Decimal::new(-12_345, 3));
    agrees(&chrono::DateTime::from_timestamp(1_700_000_000, 5_000_000).unwrap());
    for seconds in
        [0, 951_782_400, 1_709_210_096, 1_735_689_599, -1, -62_135_596_800, -70_000_000_000]
    {
        for offset in [0, 3600, -19_800 - 7] {
            let moment = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let moment = moment.to_offset(time::UtcOffset::from_whole_seconds(offset).unwrap());
            let moment = moment + Duration::from_nanos(120_000_000);
            agrees(&moment);
            agrees(&(moment.date(), moment.time(), moment.offset()));
            agrees(&time::PrimitiveDateTime::new(moment.date(), moment.time()));
        }
    }
}
