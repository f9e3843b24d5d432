//! Messages of the gRPC service, as prost writes them from a `.proto`; orders are in `jobs`.

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct AddRequest {
    #[prost(int64, tag = "1")]
    pub a: i64,
    #[prost(int64, tag = "2")]
    pub b: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct WorkRequest {
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    #[prost(uint32, tag = "2")]
    pub amount: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Number {
    #[prost(int64, tag = "1")]
    pub value: i64,
}

/// `bytes`, which prost can share instead of copying.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Payload {
    #[prost(bytes = "bytes", tag = "1")]
    pub data: bytes::Bytes,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Nothing {}

/// An item of a stream: 24 bytes of numbers.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Triple {
    #[prost(double, tag = "1")]
    pub a: f64,
    #[prost(double, tag = "2")]
    pub b: f64,
    #[prost(double, tag = "3")]
    pub c: f64,
}
