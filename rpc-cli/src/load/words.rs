//! Figures in words: times in a unit that fits them, numbers in groups.

use crate::connect::short;

/// A time in a unit that fits it.
pub(crate) fn micros(us: f64) -> String {
    if us < 10.0 {
        return format!("{us:.2} µs");
    }
    short(std::time::Duration::from_secs_f64(us.max(0.0) / 1e6))
}

/// Seconds with one decimal.
pub(crate) fn seconds(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

/// A number without decimals, in groups of three.
pub(crate) fn grouped(number: f64) -> String {
    if number != 0.0 && number.abs() < 10.0 && number.fract() != 0.0 {
        return format!("{number:.2}");
    }
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_groups() {
        for (number, text) in [
            (0.0, "0"),
            (2.5, "2.50"),
            (999.4, "999"),
            (1234.0, "1,234"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
