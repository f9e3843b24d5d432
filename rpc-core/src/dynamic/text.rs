//! Types whose JSON form is text while their bincode form is another one: which of them are known, and how both are
//! written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use serde_json::Value;

use super::time_text;
use crate::{
    codec::bincode::{DecodeError, DecodeErrorKind, Reader, Writer},
    schema::{ContainerKind, Format, Registry},
};

/// True if the bincode form of the type called `name` is known: of what is text in both, whatever it is.
pub(super) fn is_known(name: &str, wire: &Format, types: &Registry) -> bool {
    let octets = |size| Format::Array { content: Box::new(Format::U8), size };
    let with_port = |octets| Format::Tuple(vec![octets, Format::U16]);
    let either = |four: Format, six: Format| {
        let Format::Named(key) = wire else { return false };
        let Some(ContainerKind::Enum(variants)) = types.container(key).map(|named| &named.kind)
        else {
            return false;
        };
        let kinds = variants.iter().map(|variant| &variant.kind);
        kinds.eq([four, six].map(|format| ContainerKind::Newtype(Box::new(format))).iter())
    };
    match name {
        "Ipv4Addr" => *wire == octets(4),
        "Ipv6Addr" => *wire == octets(16),
        "IpAddr" => either(octets(4), octets(16)),
        "SocketAddrV4" => *wire == with_port(octets(4)),
        "SocketAddrV6" => *wire == with_port(octets(16)),
        "SocketAddr" => either(with_port(octets(4)), with_port(octets(16))),
        "Uuid" => *wire == Format::Bytes,
        "MethodKey" => *wire == Format::U64,
        name => *wire == Format::Str || time_text::is_known(name, wire),
    }
}

/// The form of the text, for messages, where Rust's name of the type does not say it.
pub(super) fn example(name: &str) -> &'static str {
    match name {
        "Uuid" => ", such as 67e55044-10b1-426f-9247-bb680e5fe0c8",
        "Date" => ", such as 2024-02-29",
        "Time" => ", such as 12:34:56.5",
        "UtcOffset" => ", such as +01:00:00",
        "PrimitiveDateTime" => ", such as 2024-02-29 12:34:56.5",
        "OffsetDateTime" => ", such as 2024-02-29 12:34:56.5 +01:00:00",
        "MethodKey" => ", 16 hex digits",
        _ => "",
    }
}

/// Writes a value of a known type; none if the text is none of it.
pub(super) fn write(name: &str, value: &Value, writer: &mut Writer) -> Option<()> {
    if name == "Json" {
        writer.bytes(value.to_string().as_bytes());
        return Some(());
    }
    let text = value.as_str()?;
    match name {
        "Ipv4Addr" => writer.raw(&text.parse::<Ipv4Addr>().ok()?.octets()),
        "Ipv6Addr" => writer.raw(&text.parse::<Ipv6Addr>().ok()?.octets()),
        "IpAddr" => match text.parse().ok()? {
            IpAddr::V4(address) => {
                writer.byte(0);
                writer.raw(&address.octets());
            }
            IpAddr::V6(address) => {
                writer.byte(1);
                writer.raw(&address.octets());
            }
        },
        "SocketAddrV4" => socket_v4(text.parse().ok()?, writer),
        "SocketAddrV6" => socket_v6(text.parse().ok()?, writer),
        "SocketAddr" => match text.parse().ok()? {
            SocketAddr::V4(address) => {
                writer.byte(0);
                socket_v4(address, writer);
            }
            SocketAddr::V6(address) => {
                writer.byte(1);
                socket_v6(address, writer);
            }
        },
        "Uuid" => writer.bytes(&uuid(text)?.to_be_bytes()),
        "MethodKey" => writer.unsigned(hex(text, 16)?),
        name if time_text::is_name(name) => time_text::write(name, text, writer)?,
        _ => writer.bytes(text.as_bytes()),
    }
    Some(())
}

/// Reads a value of a known type.
pub(super) fn read(name: &str, reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    let v4 = |reader: &mut Reader<'_>| reader.array().map(|octets: [u8; 4]| Ipv4Addr::from(octets));
    let v6 =
        |reader: &mut Reader<'_>| reader.array().map(|octets: [u8; 16]| Ipv6Addr::from(octets));
    let text = match name {
        "Json" => return json(reader),
        "Ipv4Addr" => v4(reader)?.to_string(),
        "Ipv6Addr" => v6(reader)?.to_string(),
        "IpAddr" => match version(reader)? {
            Version::Four => v4(reader)?.to_string(),
            Version::Six => v6(reader)?.to_string(),
        },
        "SocketAddrV4" => SocketAddrV4::new(v4(reader)?, reader.narrow()?).to_string(),
        "SocketAddrV6" => SocketAddrV6::new(v6(reader)?, reader.narrow()?, 0, 0).to_string(),
        "SocketAddr" => match version(reader)? {
            Version::Four => SocketAddrV4::new(v4(reader)?, reader.narrow()?).to_string(),
            Version::Six => SocketAddrV6::new(v6(reader)?, reader.narrow()?, 0, 0).to_string(),
        },
        "Uuid" => {
            let bytes = reader.bytes()?;
            let bytes = bytes.try_into().map_err(|_| {
                let words = format!("a UUID of {} bytes", bytes.len());
                reader.error(DecodeErrorKind::Custom(words))
            })?;
            let hex = format!("{:032x}", u128::from_be_bytes(bytes));
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
        "MethodKey" => format!("{:016x}", reader.unsigned()?),
        name if time_text::is_name(name) => time_text::read(name, reader)?,
        _ => reader.text()?.to_owned(),
    };
    Ok(text.into())
}

fn json(reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    let text = reader.text()?;
    serde_json::from_str(text).map_err(|error| {
        reader.error(DecodeErrorKind::Custom(format!("text that is not JSON: {error}")))
    })
}

enum Version {
    Four,
    Six,
}

fn version(reader: &mut Reader<'_>) -> Result<Version, DecodeError> {
    match reader.narrow::<u32>()? {
        0 => Ok(Version::Four),
        1 => Ok(Version::Six),
        other => {
            let words = format!("variant {other} of an address, which has 2");
            Err(reader.error(DecodeErrorKind::Custom(words)))
        }
    }
}

fn socket_v4(address: SocketAddrV4, writer: &mut Writer) {
    writer.raw(&address.ip().octets());
    writer.unsigned(address.port().into());
}

fn socket_v6(address: SocketAddrV6, writer: &mut Writer) {
    writer.raw(&address.ip().octets());
    writer.unsigned(address.port().into());
}

/// A UUID with its hyphens, or without.
fn uuid(text: &str) -> Option<u128> {
    match text.len() {
        32 => hex(text, 32),
        36 => {
            let hyphens = [8, 13, 18, 23];
            let placed =
                text.char_indices().all(|(place, c)| (c == '-') == hyphens.contains(&place));
            placed.then(|| text.replace('-', "")).and_then(|text| hex(&text, 32))
        }
        _ => None,
    }
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let all = text.len() == digits && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}
