//! Reading a header: how long it is, by the bytes that have come, and what it says. The fields of a whole one are read by the
//! crate `ppp`; where one ends, and that it ends, is decided here, for the crate takes some whole headers for others that
//! are cut, and some cut ones for wrong.
//!
//! ```text
//! version 1    PROXY TCP4 203.0.113.7 198.51.100.1 4711 7000\r\n          at most 107 bytes
//! version 2    signature (12)  version, command  family, protocol  length (2)  addresses  TLVs
//! ```

use std::net::SocketAddr;

use ppp::{PartialResult as _, v1, v2};
use thiserror::Error;

/// The contents of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedHeader {
    /// Its bytes.
    pub length: usize,
    /// The client for whom the stream is carried; `None` if the proxy speaks for itself, or does not know.
    pub source: Option<Source>,
    /// The address that it had connected to.
    pub destination: Option<SocketAddr>,
}

/// The client for whom a stream is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A client of TCP.
    Tcp(SocketAddr),
    /// A process on the machine of the proxy, over a Unix socket.
    Unix,
}

/// The reason why a header does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The stream begins with something else.
    #[error("there is no PROXY header")]
    Absent,
    /// It is longer than headers are.
    #[error("the PROXY header is longer than {0} bytes")]
    TooLong(usize),
    /// A line of version 1 that does not hold.
    #[error("the PROXY header (version 1) is wrong: {0}")]
    Line(String),
    /// Bytes of version 2 that do not hold.
    #[error("the PROXY header (version 2) is wrong: {0}")]
    Binary(String),
    /// It is about datagrams, and this is a stream.
    #[error("the PROXY header is about datagrams")]
    Datagrams,
}

/// The longest line of version 1, its end included.
const LONGEST_LINE: usize = 107;

/// The longest header of version 2 that is taken. Addresses have 216 bytes at most; what a proxy adds on TLS and on itself
/// are some hundreds.
const LONGEST_BINARY: usize = 4096;

/// The beginning of version 2, and all that goes before its addresses.
const SIGNATURE: &[u8] = v2::PROTOCOL_PREFIX;
const FIXED: usize = SIGNATURE.len() + 4;

/// Version 2, and the command of a stream that is the proxy's own.
const LOCAL: u8 = 0x20;

/// The beginning of version 1.
const WORD: &[u8] = b"PROXY ";

/// Reads the header at the start of these bytes; `None` while they are too few.
///
/// # Errors
/// They begin with none, or with one that does not hold.
pub fn parse(bytes: &[u8]) -> Option<Result<ReceivedHeader, HeaderError>> {
    if begins(bytes, SIGNATURE) {
        binary(bytes)
    } else if begins(bytes, WORD) {
        line(bytes)
    } else {
        Some(Err(HeaderError::Absent))
    }
}

/// Tells whether bytes begin with these, as far as they have come.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    bytes.iter().zip(with).all(|(one, other)| one == other)
}

fn line(bytes: &[u8]) -> Option<Result<ReceivedHeader, HeaderError>> {
    let wrong = |why: &dyn ToString| Some(Err(HeaderError::Line(why.to_string())));
    let within = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        let too_long = bytes.len() >= LONGEST_LINE;
        return too_long.then_some(Err(HeaderError::TooLong(LONGEST_LINE)));
    };
    let line = &bytes[..=end];
    // Whoever reads a line to its first CR, or to its first LF, is to read the same.
    let ends = line.iter().position(|byte| *byte == b'\r') == end.checked_sub(1);
    if !ends || !line[..end - 1].iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return wrong(&"its line is not one of plain text that ends with CR LF");
    }
    let header = match v1::Header::try_from(line) {
        Ok(header) => header,
        Err(error) => return wrong(&error),
    };
    let (source, destination): (SocketAddr, SocketAddr) = match header.addresses {
        v1::Addresses::Unknown => return said(line.len(), None, None),
        v1::Addresses::Tcp4(ip) => (
            (ip.source_address, ip.source_port).into(),
            (ip.destination_address, ip.destination_port).into(),
        ),
        v1::Addresses::Tcp6(ip) => (
            (ip.source_address, ip.source_port).into(),
            (ip.destination_address, ip.destination_port).into(),
        ),
    };
    // Rust reads a sign in front of a number, and nobody else does.
    if line.contains(&b'+') {
        return wrong(&"its ports are not numbers");
    }
    said(line.len(), Some(Source::Tcp(source)), Some(destination))
}

fn binary(bytes: &[u8]) -> Option<Result<ReceivedHeader, HeaderError>> {
    let fixed = bytes.get(..FIXED)?;
    let length = FIXED + usize::from(u16::from_be_bytes([fixed[FIXED - 2], fixed[FIXED - 1]]));
    if length > LONGEST_BINARY {
        return Some(Err(HeaderError::TooLong(LONGEST_BINARY)));
    }
    // Whatever else the header of a proxy's own stream says is passed over, even what nobody knows.
    if fixed[SIGNATURE.len()] == LOCAL {
        return if bytes.len() < length { None } else { said(length, None, None) };
    }
    // What is wrong is said before all of it has come.
    let whole = bytes.get(..length);
    let header = match v2::Header::try_from(whole.unwrap_or(fixed)) {
        Ok(header) => header,
        Err(error) if error.is_incomplete() => return None,
        Err(error) => return Some(Err(HeaderError::Binary(error.to_string()))),
    };
    if header.protocol == v2::Protocol::Datagram {
        return Some(Err(HeaderError::Datagrams));
    }
    let (source, destination) = match header.addresses {
        _ if header.protocol == v2::Protocol::Unspecified => (None, None),
        v2::Addresses::Unspecified => (None, None),
        v2::Addresses::Unix(_) => (Some(Source::Unix), None),
        v2::Addresses::IPv4(ip) => (
            Some(Source::Tcp((ip.source_address, ip.source_port).into())),
            Some((ip.destination_address, ip.destination_port).into()),
        ),
        v2::Addresses::IPv6(ip) => (
            Some(Source::Tcp((ip.source_address, ip.source_port).into())),
            Some((ip.destination_address, ip.destination_port).into()),
        ),
    };
    said(length, source, destination)
}

#[allow(clippy::unnecessary_wraps, reason = "it stands where headers are read")]
fn said(
    length: usize,
    source: Option<Source>,
    destination: Option<SocketAddr>,
) -> Option<Result<ReceivedHeader, HeaderError>> {
    Some(Ok(ReceivedHeader { length, source, destination }))
}
