//! Long bytes of a value on their way out: the encoded form keeps a reference to them in place of a copy. A
//! serializer of such bytes offers them; the writer of the buffer takes the offer, if it is given these very
//! bytes, and leaves a gap.

use std::cell::{Cell, RefCell};

use bytes::Bytes;

use crate::proto::Gap;

/// The shortest bytes that are kept by reference: below, a copy costs less.
const LONG: usize = 16 << 10;

thread_local! {
    static FILLING: Cell<Filling> = const { Cell::new(Filling { buffer: 0, gaps: 0 }) };
    static GAPS: RefCell<Vec<Gap>> = const { RefCell::new(Vec::new()) };
    static OFFERED: RefCell<Option<Bytes>> = const { RefCell::new(None) };
}

/// The buffer that may have gaps. It is known by its address, for a value's own code may fill others meanwhile.
#[derive(Clone, Copy)]
struct Filling {
    /// Its address; 0 if there is none.
    buffer: usize,
    /// The number of its gaps, which are the last ones of `GAPS`.
    gaps: usize,
}

/// Runs `fill`, which may leave gaps in `buffer`, and returns them if there are any.
#[inline]
pub(crate) fn with_gaps<R>(
    buffer: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> R,
) -> (R, Option<Vec<Gap>>) {
    let filling = Filling { buffer: std::ptr::from_ref(buffer).addr(), gaps: 0 };
    let _restore = Restore(FILLING.replace(filling));
    let filled = fill(buffer);
    let Filling { gaps, .. } = FILLING.get();
    if gaps == 0 {
        return (filled, None);
    }
    // Counted as taken before they are: `_restore` drops the gaps that are still counted.
    FILLING.set(filling);
    (filled, Some(take_gaps(gaps)))
}

#[cold]
fn take_gaps(count: usize) -> Vec<Gap> {
    GAPS.with_borrow_mut(|gaps| gaps.split_off(gaps.len() - count))
}

/// Makes the outer buffer current again, even if a type's own code panics.
struct Restore(Filling);

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        let Filling { gaps, .. } = FILLING.replace(self.0);
        if gaps > 0 {
            take_gaps(gaps);
        }
    }
}

/// Runs `write`, which writes `bytes` in one piece.
pub(super) fn offer<R>(bytes: &Bytes, write: impl FnOnce() -> R) -> R {
    if bytes.len() < LONG || FILLING.get().buffer == 0 {
        return write();
    }
    OFFERED.set(Some(bytes.clone()));
    let _withdraw = Withdraw;
    write()
}

/// Forgets an offer that was not taken.
struct Withdraw;

impl Drop for Withdraw {
    fn drop(&mut self) {
        OFFERED.take();
    }
}

/// Leaves a gap at the end of `out` for `bytes`, if they were offered and `out` may have gaps.
#[inline]
pub(super) fn leave_gap(out: &Vec<u8>, bytes: &[u8]) -> bool {
    bytes.len() >= LONG && leave_long_gap(out, bytes)
}

#[cold]
fn leave_long_gap(out: &Vec<u8>, bytes: &[u8]) -> bool {
    let filling = FILLING.get();
    if filling.buffer != std::ptr::from_ref(out).addr() {
        return false;
    }
    let offered = OFFERED.take().filter(|offered| std::ptr::eq(&raw const **offered, bytes));
    let Some(bytes) = offered else { return false };
    GAPS.with_borrow_mut(|gaps| gaps.push(Gap { at: out.len(), bytes }));
    FILLING.set(Filling { gaps: filling.gaps + 1, ..filling });
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Payload;

    fn write(out: &mut Vec<u8>, bytes: &[u8]) {
        if !leave_gap(out, bytes) {
            out.extend_from_slice(bytes);
        }
    }

    #[test]
    fn offered_bytes_leave_a_gap_and_others_do_not() {
        let long = Bytes::from(vec![7; LONG]);
        let other = long.to_vec();
        let short = long.slice(1..);
        let mut buffer = Vec::new();
        let ((), gaps) = with_gaps(&mut buffer, |out| {
            write(out, b"a");
            offer(&long, || write(out, &long));
            offer(&long, || write(out, &other));
            offer(&short, || write(out, &short));
            write(out, &long);
            offer(&long, || write(out, &long));
        });
        let gaps = gaps.unwrap();
        assert_eq!(gaps.iter().map(|gap| gap.at).collect::<Vec<_>>(), [1, 3 * LONG]);
        let parts = Payload::with_gaps(&buffer.into(), gaps).to_parts();
        assert_eq!(parts.len(), 4);
        assert_eq!(parts[1].as_ptr(), long.as_ptr());
        assert_eq!(parts.concat(), [vec![b'a'], vec![7; 5 * LONG - 1]].concat());
    }

    #[test]
    fn another_buffer_that_is_filled_meanwhile_has_none() {
        let long = Bytes::from(vec![7; LONG]);
        let (mut buffer, mut other) = (Vec::new(), Vec::new());
        let ((), gaps) = with_gaps(&mut buffer, |out| {
            offer(&long, || write(&mut other, &long));
            let ((), inner) = with_gaps(&mut Vec::new(), |out| offer(&long, || write(out, &long)));
            assert_eq!(inner.map(|gaps| gaps.len()), Some(1));
            offer(&long, || write(out, &long));
        });
        assert_eq!((buffer.len(), other.len()), (0, LONG));
        assert_eq!(gaps.map(|gaps| gaps.len()), Some(1));
        offer(&long, || write(&mut other, &long));
        assert_eq!(other.len(), 2 * LONG);
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let long = Bytes::from(vec![7; LONG]);
        let mut buffer = Vec::new();
        let filled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            with_gaps(&mut buffer, |out| {
                offer(&long, || write(out, &long));
                panic!("the value's own code");
            })
        }));
        assert!(filled.is_err());
        offer(&long, || write(&mut buffer, &long));
        assert_eq!(buffer.len(), LONG);
        let ((), gaps) = with_gaps(&mut buffer, |_| ());
        assert_eq!(gaps, None);
        assert!(GAPS.take().is_empty());
        assert_eq!(OFFERED.take(), None);
    }
}
