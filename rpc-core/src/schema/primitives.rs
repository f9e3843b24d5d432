//! The schemas of types that are not derived: those of the language and its standard library.

use std::{
    any::type_name,
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque},
    convert::Infallible,
    hash::BuildHasher,
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    num::{NonZero, Saturating, Wrapping},
    ops::{Range, RangeInclusive},
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use super::{ContainerKind, Field, Format, Registry, Schema, Variant};
use crate::proto::Code;

macro_rules! plain {
    ($($type:ty => $format:ident),* $(,)?) => {
        $(impl Schema for $type {
            fn format(_: &mut Registry) -> Format {
                Format::$format
            }
        })*
    };
}

plain! {
    () => Unit, bool => Bool, char => Char, String => Str, str => Str, PathBuf => Str,
    i8 => I8, i16 => I16, i32 => I32, i64 => I64, i128 => I128, isize => I64,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64, u128 => U128, usize => U64,
    f32 => F32, f64 => F64, Bytes => Bytes,
    NonZero<i8> => I8, NonZero<i16> => I16, NonZero<i32> => I32, NonZero<i64> => I64,
    NonZero<u8> => U8, NonZero<u16> => U16, NonZero<u32> => U32, NonZero<u64> => U64,
    NonZero<i128> => I128, NonZero<u128> => U128, NonZero<isize> => I64, NonZero<usize> => U64,
}

/// Types that travel as what they hold.
macro_rules! wrapper {
    ($($type:ty),*) => {
        $(impl<T: Schema> Schema for $type {
            fn format(registry: &mut Registry) -> Format {
                T::format(registry)
            }
        })*
    };
}

wrapper!(Wrapping<T>, Saturating<T>, Reverse<T>);

macro_rules! pointer {
    ($($type:ident),*) => {
        $(impl<T: Schema + ?Sized> Schema for $type<T> {
            fn format(registry: &mut Registry) -> Format {
                T::format(registry)
            }

            fn error_code(&self) -> Option<Code> {
                T::error_code(self)
            }
        })*
    };
}

pointer!(Box, Rc, Arc);

/// The error of methods that have none.
impl Schema for Infallible {
    fn format(registry: &mut Registry) -> Format {
        let doc = "The error that does not happen.";
        registry.define(type_name::<Self>(), "Infallible", doc, |_| ContainerKind::Enum(Vec::new()))
    }
}

impl<T: ?Sized> Schema for PhantomData<T> {
    fn format(_: &mut Registry) -> Format {
        Format::Unit
    }
}

impl<T: Schema + ToOwned + ?Sized> Schema for Cow<'static, T> {
    fn format(registry: &mut Registry) -> Format {
        T::format(registry)
    }
}

impl<T: Schema> Schema for Option<T> {
    fn format(registry: &mut Registry) -> Format {
        Format::Option(Box::new(T::format(registry)))
    }
}

macro_rules! sequence {
    ($($type:ty),*) => {
        $(impl<T: Schema> Schema for $type {
            fn format(registry: &mut Registry) -> Format {
                Format::Seq(Box::new(T::format(registry)))
            }
        })*
    };
}

sequence!(Vec<T>, VecDeque<T>, LinkedList<T>, BTreeSet<T>, BinaryHeap<T>, [T]);

impl<T: Schema, S: BuildHasher> Schema for HashSet<T, S> {
    fn format(registry: &mut Registry) -> Format {
        Format::Seq(Box::new(T::format(registry)))
    }
}

impl<K: Schema, V: Schema> Schema for BTreeMap<K, V> {
    fn format(registry: &mut Registry) -> Format {
        map::<K, V>(registry)
    }
}

impl<K: Schema, V: Schema, S: BuildHasher> Schema for HashMap<K, V, S> {
    fn format(registry: &mut Registry) -> Format {
        map::<K, V>(registry)
    }
}

fn map<K: Schema, V: Schema>(registry: &mut Registry) -> Format {
    let (key, value) = (Box::new(K::format(registry)), Box::new(V::format(registry)));
    Format::Map { key, value }
}

/// The lengths for which serde has arrays.
macro_rules! array {
    ($($size:literal)*) => {
        $(impl<T: Schema> Schema for [T; $size] {
            fn format(registry: &mut Registry) -> Format {
                Format::Array { content: Box::new(T::format(registry)), size: $size }
            }
        })*
    };
}

array!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);

macro_rules! tuple {
    ($($($name:ident)+;)*) => {
        $(impl<$($name: Schema),+> Schema for ($($name,)+) {
            fn format(registry: &mut Registry) -> Format {
                Format::Tuple(vec![$($name::format(registry)),+])
            }
        })*
    };
}

tuple! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
    A B C D E F G H I; A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L;
}

impl<T: Schema, E: Schema> Schema for Result<T, E> {
    fn format(registry: &mut Registry) -> Format {
        let name = format!("Result<{}, {}>", registry.name_of::<T>(), registry.name_of::<E>());
        registry.define(type_name::<Self>(), &name, "", |registry| {
            let (ok, error) = (T::format(registry), E::format(registry));
            ContainerKind::Enum(vec![variant("Ok", ok), variant("Err", error)])
        })
    }
}

macro_rules! range {
    ($($type:ident),*) => {
        $(impl<T: Schema> Schema for $type<T> {
            fn format(registry: &mut Registry) -> Format {
                let name = format!(concat!(stringify!($type), "<{}>"), registry.name_of::<T>());
                registry.define(type_name::<Self>(), &name, "", |registry| {
                    let bound = T::format(registry);
                    let (start, end) = (field("start", bound.clone()), field("end", bound));
                    ContainerKind::Struct(vec![start, end])
                })
            }
        })*
    };
}

range!(Range, RangeInclusive);

impl Schema for Duration {
    fn format(registry: &mut Registry) -> Format {
        registry.define("core::time::Duration", "Duration", "A span of time.", |_| {
            ContainerKind::Struct(vec![field("secs", Format::U64), field("nanos", Format::U32)])
        })
    }
}

impl Schema for SystemTime {
    fn format(registry: &mut Registry) -> Format {
        let doc = "A point in time, counted from 1970-01-01 UTC.";
        registry.define("std::time::SystemTime", "SystemTime", doc, |_| {
            ContainerKind::Struct(vec![
                field("secs_since_epoch", Format::U64),
                field("nanos_since_epoch", Format::U32),
            ])
        })
    }
}

impl Schema for Ipv4Addr {
    fn format(_: &mut Registry) -> Format {
        text("Ipv4Addr", octets(4))
    }
}

impl Schema for Ipv6Addr {
    fn format(_: &mut Registry) -> Format {
        text("Ipv6Addr", octets(16))
    }
}

impl Schema for IpAddr {
    fn format(registry: &mut Registry) -> Format {
        let wire = registry.define("core::net::IpAddr", "IpAddr", "", |_| {
            ContainerKind::Enum(vec![variant("V4", octets(4)), variant("V6", octets(16))])
        });
        text("IpAddr", wire)
    }
}

impl Schema for SocketAddr {
    fn format(registry: &mut Registry) -> Format {
        let with_port = |octets| Format::Tuple(vec![octets, Format::U16]);
        let wire = registry.define("core::net::SocketAddr", "SocketAddr", "", |_| {
            ContainerKind::Enum(vec![
                variant("V4", with_port(octets(4))),
                variant("V6", with_port(octets(16))),
            ])
        });
        text("SocketAddr", wire)
    }
}

impl Schema for SocketAddrV4 {
    fn format(_: &mut Registry) -> Format {
        text("SocketAddrV4", Format::Tuple(vec![octets(4), Format::U16]))
    }
}

impl Schema for SocketAddrV6 {
    fn format(_: &mut Registry) -> Format {
        text("SocketAddrV6", Format::Tuple(vec![octets(16), Format::U16]))
    }
}

fn octets(size: u32) -> Format {
    Format::Array { content: Box::new(Format::U8), size }
}

pub(super) fn text(name: &str, wire: Format) -> Format {
    Format::Text { name: name.to_owned(), wire: Box::new(wire) }
}

fn field(name: &str, format: Format) -> Field {
    Field::new(name, "", format)
}

fn variant(name: &str, format: Format) -> Variant {
    Variant::new(name, "", ContainerKind::Newtype(Box::new(format)))
}

impl Schema for crate::proto::MethodKey {
    fn format(_: &mut Registry) -> Format {
        text("MethodKey", Format::U64)
    }
}
