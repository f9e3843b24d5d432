//! Bytes in order: fixed widths, variable-length numbers, lengths that the bytes justify.

use super::error::{DecodeError, DecodeErrorKind};

/// First bytes that announce a number of 2, 4, 8 or 16 bytes; lower ones are the number itself.
const U16: u8 = 251;
const U32: u8 = 252;
const U64: u8 = 253;
const U128: u8 = 254;

/// The bytes that are not read yet.
#[derive(Debug)]
pub(crate) struct Reader<'de> {
    rest: &'de [u8],
    total: usize,
}

impl<'de> Reader<'de> {
    pub(crate) const fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes, total: bytes.len() }
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The number of bytes that were read.
    pub(crate) const fn offset(&self) -> usize {
        self.total - self.rest.len()
    }

    /// An error at the next byte.
    #[cold]
    pub(crate) const fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { offset: self.offset(), kind }
    }

    /// An error at the byte that was read last.
    #[cold]
    pub(crate) const fn error_before(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { offset: self.offset() - 1, kind }
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        match self.rest {
            [first, rest @ ..] => {
                self.rest = rest;
                Ok(*first)
            }
            [] => Err(self.error(DecodeErrorKind::End)),
        }
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((array, rest)) => {
                self.rest = rest;
                Ok(*array)
            }
            None => Err(self.error(DecodeErrorKind::End)),
        }
    }

    /// A run of bytes preceded by its length.
    pub(crate) fn bytes(&mut self) -> Result<&'de [u8], DecodeError> {
        let start = self.offset();
        let length = self.unsigned()?;
        // A slice of bytes that are here, before anything is allocated: nine bytes can claim any length.
        let split =
            usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((bytes, rest)) = split else {
            return Err(DecodeError { offset: start, kind: DecodeErrorKind::Length(length) });
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// Text preceded by its length.
    pub(crate) fn text(&mut self) -> Result<&'de str, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|error| DecodeError {
            offset: self.offset() - bytes.len() + error.valid_up_to(),
            kind: DecodeErrorKind::Utf8,
        })
    }

    /// A character: its UTF-8 form, whose first byte tells its length.
    pub(crate) fn character(&mut self) -> Result<char, DecodeError> {
        let Some(&first) = self.rest.first() else { return Err(self.error(DecodeErrorKind::End)) };
        let length = match first {
            0..=0x7f => 1,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Err(self.error(DecodeErrorKind::Char)),
        };
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.error(DecodeErrorKind::End));
        };
        let text = std::str::from_utf8(bytes).ok();
        let character = text.and_then(|text| text.chars().next());
        let Some(character) = character else { return Err(self.error(DecodeErrorKind::Char)) };
        self.rest = rest;
        Ok(character)
    }

    /// An unsigned number of up to 64 bits.
    #[inline]
    pub(crate) fn unsigned(&mut self) -> Result<u64, DecodeError> {
        match self.byte()? {
            small @ 0..U16 => Ok(small.into()),
            U16 => Ok(u16::from_le_bytes(self.array()?).into()),
            U32 => Ok(u32::from_le_bytes(self.array()?).into()),
            U64 => Ok(u64::from_le_bytes(self.array()?)),
            U128 => Err(self.error_before(DecodeErrorKind::Range)),
            first => Err(self.error_before(DecodeErrorKind::Number(first))),
        }
    }

    /// An unsigned number of a narrower type. Wider forms than the type's own are refused, as the crate
    /// does, even where the number would fit.
    #[inline]
    pub(crate) fn narrow<T: TryFrom<u64>>(&mut self) -> Result<T, DecodeError> {
        let widest = match size_of::<T>() {
            2 => U16,
            4 => U32,
            _ => U64,
        };
        if let Some(&first @ U16..=U128) = self.rest.first()
            && first > widest
        {
            return Err(self.error(DecodeErrorKind::Range));
        }
        let start = self.offset();
        let number = self.unsigned()?;
        T::try_from(number).map_err(|_| DecodeError { offset: start, kind: DecodeErrorKind::Range })
    }

    /// An unsigned number of up to 128 bits.
    pub(crate) fn unsigned_128(&mut self) -> Result<u128, DecodeError> {
        if self.rest.first() == Some(&U128) {
            self.rest = &self.rest[1..];
            return Ok(u128::from_le_bytes(self.array()?));
        }
        self.unsigned().map(u128::from)
    }
}

/// Signed numbers travel with their sign in the lowest bit.
#[inline]
pub(crate) const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

pub(crate) const fn unzigzag_128(number: u128) -> i128 {
    (number >> 1) as i128 ^ -((number & 1) as i128)
}
