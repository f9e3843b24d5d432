//! Encoded arguments, drawn before the load begins, so that a call costs no drawing and no encoding.

use rpc_core::proto::Payload;

/// Encoded arguments.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    /// Never empty.
    encoded: Vec<Payload>,
}

/// One caller's way through a pool.
#[derive(Debug)]
pub(crate) struct Draws<'a> {
    encoded: &'a [Payload],
    next: usize,
}

impl Pool {
    /// The same arguments each time.
    pub(crate) fn of(arguments: Payload) -> Self {
        Self { encoded: vec![arguments] }
    }

    /// Encodes what `draw` gives, as often as a pool has room.
    ///
    /// # Errors
    /// The first error of `draw`.
    pub(crate) fn draw<E>(mut draw: impl FnMut() -> Result<Payload, E>) -> Result<Self, E> {
        let (mut encoded, mut bytes) = (Vec::new(), 0);
        while encoded.is_empty() || (encoded.len() < MOST && bytes < MOST_BYTES) {
            let arguments = draw()?;
            bytes += arguments.len();
            encoded.push(arguments);
        }
        Ok(Self { encoded })
    }

    /// How many arguments there are to draw from.
    pub(crate) const fn len(&self) -> usize {
        self.encoded.len()
    }

    /// The draws of a caller; each begins elsewhere.
    pub(crate) fn draws(&self, caller: usize) -> Draws<'_> {
        Draws { encoded: &self.encoded, next: caller.wrapping_mul(STRIDE) % self.encoded.len() }
    }
}

impl Draws<'_> {
    pub(crate) fn next(&mut self) -> &Payload {
        let drawn = &self.encoded[self.next];
        self.next = if self.next + 1 == self.encoded.len() { 0 } else { self.next + 1 };
        drawn
    }
}

const MOST: usize = 4096;
const MOST_BYTES: usize = 32 << 20;
const STRIDE: usize = 61;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_has_many_small_arguments_or_few_large_ones() {
        let small = Pool::draw(|| Ok::<_, ()>(b"[1]".to_vec().into())).unwrap();
        assert_eq!(small.len(), MOST);
        let large = Pool::draw(|| Ok::<_, ()>(vec![0; MOST_BYTES].into())).unwrap();
        assert_eq!(large.len(), 1);
        assert_eq!(Pool::draw(|| Err::<Payload, _>("no")).unwrap_err(), "no");
    }

    #[test]
    fn callers_go_round_the_pool_from_places_of_their_own() {
        let mut number = 0_u8;
        let pool = Pool::draw(|| {
            number = number.wrapping_add(1);
            Ok::<_, ()>(vec![number; 1 << 23].into())
        });
        let pool = pool.unwrap();
        let mut draws = pool.draws(1);
        let drawn: Vec<u8> = (0..5).map(|_| draws.next()[0]).collect();
        assert_eq!(drawn, [2, 3, 4, 1, 2]);
    }
}
