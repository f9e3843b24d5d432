//! Every type that the library knows, as argument and as result.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    num::{NonZero, Saturating, Wrapping},
    ops::{Range, RangeInclusive},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use rpc_core::{
    MethodKey, Schema,
    schema::{Format, Registry},
    service,
};
use serde::{Deserialize, Serialize};

/// Text in JSON, known to this module alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Barcode(pub u64);

impl Schema for Barcode {
    fn format(_: &mut Registry) -> Format {
        Format::Text { name: "bar-code".to_owned(), wire: Box::new(Format::U64) }
    }
}

/// Types of other crates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Foreign {
    pub id: uuid::Uuid,
    pub link: Option<url::Url>,
    pub price: rust_decimal::Decimal,
    pub at: chrono::DateTime<chrono::Utc>,
    pub local: chrono::NaiveDateTime,
    pub day: chrono::NaiveDate,
    pub hour: chrono::NaiveTime,
    pub moment: time::OffsetDateTime,
    pub plain: time::PrimitiveDateTime,
    pub date: time::Date,
    pub clock: time::Time,
    pub offset: time::UtcOffset,
    pub known: BTreeMap<uuid::Uuid, Vec<chrono::NaiveDate>>,
    pub code: Barcode,
    pub ordered: indexmap::IndexMap<String, Barcode>,
    pub unique: indexmap::IndexSet<u16>,
}

/// Types of the language and its standard library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Standard {
    pub numbers: (i8, i16, i32, i64, i128, isize),
    pub unsigned: (u8, u16, u32, u64, u128, usize),
    pub floats: (f32, f64),
    pub others: (bool, char, String, PathBuf, ()),
    pub nonzero: (NonZero<i8>, NonZero<u64>, NonZero<u128>),
    pub wrapped: (Wrapping<u8>, Saturating<i32>),
    pub pointers: (Box<u8>, Cow<'static, str>),
    pub nested: Option<Option<bool>>,
    pub bytes: (bytes::Bytes, Vec<u8>, [u8; 4]),
    pub lists: (Vec<u16>, VecDeque<i8>, LinkedList<u8>, BTreeSet<char>),
    pub sets: HashSet<u32>,
    pub maps: (BTreeMap<String, u8>, HashMap<i64, Vec<String>>),
    pub arrays: ([u16; 0], [String; 1], [i64; 32]),
    pub one: (u8,),
    pub twelve: (u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, bool),
    pub ranges: (Range<u32>, RangeInclusive<char>),
    pub times: (Duration, SystemTime),
    pub addresses: (IpAddr, Ipv4Addr, Ipv6Addr),
    pub sockets: (SocketAddr, SocketAddrV4, SocketAddrV6),
    pub results: Result<u8, String>,
    pub key: MethodKey,
    pub any: rpc_core::Json,
}

/// Says them all.
#[service]
pub trait Rich {
    async fn foreign(&self, value: Foreign) -> Foreign;
    async fn standard(&self, value: Standard) -> Result<Standard, Barcode>;
    async fn heap(&self, value: BinaryHeap<u8>) -> Vec<u8>;
    async fn find(&self, id: uuid::Uuid, since: Option<chrono::DateTime<chrono::Utc>>) -> url::Url;
}
