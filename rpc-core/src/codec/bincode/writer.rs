//! Values in order, without a type of Rust's behind them: the other side of the reader. Typed values are written by the
//! crate, to which a property test holds this.

/// First bytes that announce a number of 2, 4, 8 or 16 bytes; lower ones are the number itself.
const U16: u8 = 251;
const U32: u8 = 252;
const U64: u8 = 253;
const U128: u8 = 254;

/// Appends values to a buffer.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// All that was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A byte: a `u8`, an `i8`, a `bool`, or the tag of an option.
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes as they are: floats, characters, arrays of `u8`.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes or text, preceded by their length.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.unsigned(bytes.len() as u128);
        self.raw(bytes);
    }

    /// An unsigned number of 16 bits or more, a length, or the index of a variant: the narrowest form that holds it.
    pub(crate) fn unsigned(&mut self, number: u128) {
        let (first, width) = match number {
            0..=250 => return self.byte(number as u8),
            251..=0xffff => (U16, 2),
            0x1_0000..=0xffff_ffff => (U32, 4),
            0x1_0000_0000..=0xffff_ffff_ffff_ffff => (U64, 8),
            _ => (U128, 16),
        };
        self.byte(first);
        self.raw(&number.to_le_bytes()[..width]);
    }

    /// A signed number of 16 bits or more: its sign goes to the lowest bit.
    pub(crate) fn signed(&mut self, number: i128) {
        self.unsigned((number << 1 ^ number >> 127) as u128);
    }
}
