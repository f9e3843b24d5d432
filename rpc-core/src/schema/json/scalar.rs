//! Values without parts: numbers and their ranges, text, bytes, and types whose JSON form is text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use serde_json::Value;

use super::forms;
use crate::schema::{Format, any_json};

/// True if `value` is of the type that `format` describes; false for types that have parts.
pub(super) fn fits(format: &Format, value: &Value) -> bool {
    match (format, value) {
        (Format::Unit, Value::Null)
        | (Format::Bool, Value::Bool(_))
        | (Format::Str | Format::Bytes, Value::String(_)) => true,
        (Format::Char, Value::String(text)) => text.chars().count() == 1,
        (Format::Bytes, Value::Array(values)) => {
            values.iter().all(|value| fits(&Format::U8, value))
        }
        (Format::Text { name, .. }, _) if name == any_json::NAME => true,
        (Format::Text { name, .. }, Value::String(text)) => is_text_of(name, text),
        (format, Value::Number(number)) => match format {
            Format::F32 | Format::F64 => number.as_f64().is_some(),
            Format::U128 => number.as_u128().is_some(),
            format => bounds(format)
                .zip(number.as_i128())
                .is_some_and(|((least, most), number)| (least..=most).contains(&number)),
        },
        _ => false,
    }
}

/// True if `value` is one of the forms that values without a form in JSON have all the same: bytes in base64, and
/// floats that are not numbers.
pub(super) fn is_said(format: &Format, value: &Value) -> bool {
    match format {
        Format::F32 | Format::F64 => forms::float(value).is_some(),
        Format::Bytes => forms::base64(value).is_some(),
        Format::Seq(content) if **content == Format::U8 => forms::base64(value).is_some(),
        _ => false,
    }
}

/// The range of an integer type, for messages about a number that is out of it.
pub(super) fn range(format: &Format, value: &Value) -> &'static str {
    match format {
        _ if !is_whole(value) => "",
        Format::I8 => " (-128 to 127)",
        Format::I16 => " (-32768 to 32767)",
        Format::I32 => " (-2147483648 to 2147483647)",
        Format::I64 => " (-9223372036854775808 to 9223372036854775807)",
        Format::I128 => {
            " (-170141183460469231731687303715884105728 to 170141183460469231731687303715884105727)"
        }
        Format::U8 => " (0 to 255)",
        Format::U16 => " (0 to 65535)",
        Format::U32 => " (0 to 4294967295)",
        Format::U64 => " (0 to 18446744073709551615)",
        Format::U128 => " (0 to 340282366920938463463374607431768211455)",
        _ => "",
    }
}

/// True for an integer, also for one that serde_json cannot keep: a float beyond 63 bits stands for it then, unless
/// serde_json has arbitrary precision.
fn is_whole(value: &Value) -> bool {
    let Value::Number(number) = value else { return false };
    let digits = number.to_string();
    let digits = digits.strip_prefix('-').unwrap_or(&digits);
    digits.bytes().all(|byte| byte.is_ascii_digit())
        || number.as_f64().is_some_and(|number| number.abs() >= BEYOND)
}

/// The least number that 63 bits do not hold.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

/// The least and the most that an integer type holds, of those that an `i128` holds.
fn bounds(format: &Format) -> Option<(i128, i128)> {
    Some(match format {
        Format::I8 => (i8::MIN.into(), i8::MAX.into()),
        Format::I16 => (i16::MIN.into(), i16::MAX.into()),
        Format::I32 => (i32::MIN.into(), i32::MAX.into()),
        Format::I64 => (i64::MIN.into(), i64::MAX.into()),
        Format::I128 => (i128::MIN, i128::MAX),
        Format::U8 => (0, u8::MAX.into()),
        Format::U16 => (0, u16::MAX.into()),
        Format::U32 => (0, u32::MAX.into()),
        Format::U64 => (0, u64::MAX.into()),
        _ => return None,
    })
}

/// True if the type called `name` can be parsed from `text`, or is not known here: the peer then decides.
fn is_text_of(name: &str, text: &str) -> bool {
    match name {
        "IpAddr" => text.parse::<IpAddr>().is_ok(),
        "Ipv4Addr" => text.parse::<Ipv4Addr>().is_ok(),
        "Ipv6Addr" => text.parse::<Ipv6Addr>().is_ok(),
        "SocketAddr" => text.parse::<SocketAddr>().is_ok(),
        "SocketAddrV4" => text.parse::<SocketAddrV4>().is_ok(),
        "SocketAddrV6" => text.parse::<SocketAddrV6>().is_ok(),
        _ => true,
    }
}
