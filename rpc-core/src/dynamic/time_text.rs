//! The types of the crate `time`: text in JSON as its `serde-human-readable` writes it, tuples of numbers in bincode.

use crate::{
    codec::bincode::{DecodeError, DecodeErrorKind, Reader, Writer, unzigzag},
    schema::Format,
};

/// The parts that the types consist of, in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Year, and day of the year.
    Date,
    /// Hour, minute, second, nanosecond.
    Time,
    /// Hours, minutes and seconds east of Greenwich.
    Offset,
}

fn parts(name: &str) -> &'static [Part] {
    match name {
        "Date" => &[Part::Date],
        "Time" => &[Part::Time],
        "UtcOffset" => &[Part::Offset],
        "PrimitiveDateTime" => &[Part::Date, Part::Time],
        "OffsetDateTime" => &[Part::Date, Part::Time, Part::Offset],
        _ => &[],
    }
}

/// True if it is the name of one of the types.
pub(super) fn is_name(name: &str) -> bool {
    !parts(name).is_empty()
}

/// True if it is one of the types, and has its own form.
pub(super) fn is_known(name: &str, wire: &Format) -> bool {
    let numbers = |part: &Part| match part {
        Part::Date => &[Format::I32, Format::U16][..],
        Part::Time => &[Format::U8, Format::U8, Format::U8, Format::U32],
        Part::Offset => &[Format::I8, Format::I8, Format::I8],
    };
    match wire {
        Format::Tuple(contents) if is_name(name) => {
            contents.iter().eq(parts(name).iter().flat_map(numbers))
        }
        _ => false,
    }
}

/// Writes a text of that type; none if it is none.
pub(super) fn write(name: &str, text: &str, writer: &mut Writer) -> Option<()> {
    let (parts, texts) = (parts(name), text.split(' '));
    let texts: Vec<_> = texts.collect();
    if texts.len() != parts.len() {
        return None;
    }
    parts.iter().zip(texts).try_for_each(|(part, text)| match part {
        Part::Date => date(text, writer),
        Part::Time => time(text, writer),
        Part::Offset => offset(text, writer),
    })
}

/// Reads a value of that type.
pub(super) fn read(name: &str, reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let mut texts = Vec::new();
    for part in parts(name) {
        texts.push(match part {
            Part::Date => read_date(reader)?,
            Part::Time => read_time(reader)?,
            Part::Offset => read_offset(reader)?,
        });
    }
    Ok(texts.join(" "))
}

fn date(text: &str, writer: &mut Writer) -> Option<()> {
    // The year may be negative.
    let (rest, day) = text.rsplit_once('-')?;
    let (year, month) = rest.rsplit_once('-')?;
    let (year, month, day) = (whole::<i32>(year)?, digits(month, 12)?, digits(day, 31)?);
    let lengths = months(year);
    let before: u32 = lengths.iter().take(usize::try_from(month).ok()?.checked_sub(1)?).sum();
    let length = lengths[month as usize - 1];
    if day == 0 || day > length {
        return None;
    }
    writer.signed(year.into());
    writer.unsigned((before + day).into());
    Some(())
}

fn read_date(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let year = unzigzag(reader.narrow::<u32>()?.into()) as i32;
    let mut day: u32 = reader.narrow::<u16>()?.into();
    let mut month = 1;
    for length in months(year) {
        if day <= length {
            break;
        }
        (day, month) = (day - length, month + 1);
    }
    if day == 0 || month > 12 {
        return Err(reader.error(DecodeErrorKind::Custom("a day that is in no year".to_owned())));
    }
    let sign = if year < 0 { "-" } else { "" };
    Ok(format!("{sign}{:04}-{month:02}-{day:02}", year.unsigned_abs()))
}

const fn months(year: i32) -> [u32; 12] {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

fn time(text: &str, writer: &mut Writer) -> Option<()> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut fields = clock.split(':');
    for most in [23, 59, 59] {
        writer.byte(digits(fields.next()?, most)? as u8);
    }
    let is_fraction = (1..=9).contains(&fraction.len());
    if fields.next().is_some() || !is_fraction {
        return None;
    }
    writer.unsigned(digits(&format!("{fraction:0<9}"), 999_999_999)?.into());
    Some(())
}

fn read_time(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let [hour, minute, second] = reader.array()?;
    let nanosecond: u32 = reader.narrow()?;
    let fraction = format!("{nanosecond:09}");
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        fraction => fraction,
    };
    Ok(format!("{hour:02}:{minute:02}:{second:02}.{fraction}"))
}

fn offset(text: &str, writer: &mut Writer) -> Option<()> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let mut fields = rest.split(':');
    for most in [25, 59, 59] {
        let field = fields.next().map_or(Some(0), |field| digits(field, most))?;
        writer.byte((sign * i8::try_from(field).ok()?) as u8);
    }
    fields.next().is_none().then_some(())
}

fn read_offset(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let fields: [u8; 3] = reader.array()?;
    let [hours, minutes, seconds] = fields.map(|field| field as i8);
    let sign = if [hours, minutes, seconds].iter().any(|&field| field < 0) { '-' } else { '+' };
    let [hours, minutes, seconds] = [hours, minutes, seconds].map(i8::unsigned_abs);
    Ok(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"))
}

fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// A number of nothing but digits, up to `most`.
fn digits(text: &str, most: u32) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    all.then(|| whole::<u32>(text)).flatten().filter(|&number| number <= most)
}
