//! Values that are drawn: `a:=@int(1,100)` becomes a generator.

use std::{fmt, ops::RangeInclusive};

use fastrand::Rng;
use serde_json::{Map, Value};

/// Draws a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Generator {
    Int(RangeInclusive<i64>),
    Float { from: f64, to: f64 },
    Choice(Vec<Value>),
    Text { length: usize },
    Bytes { length: usize },
    Bool,
    Uuid,
}

/// What is wrong with the text of a generator, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpecError(String);

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Generator {
    /// Reads `@name(arguments)`.
    pub(crate) fn parse(text: &str) -> Result<Self, SpecError> {
        let (name, arguments) = split(text)?;
        let wrong = |usage: &str| SpecError(format!("{text} is not a generator: write {usage}"));
        match name {
            "int" => {
                let usage = "@int(FROM,TO), two integers in order";
                let (from, to) = pair(&arguments).ok_or_else(|| wrong(usage))?;
                if from > to { Err(wrong(usage)) } else { Ok(Self::Int(from..=to)) }
            }
            "float" => {
                let usage = "@float(FROM,TO), two numbers in order";
                let (from, to) = pair::<f64>(&arguments).ok_or_else(|| wrong(usage))?;
                let fine = from.is_finite() && to.is_finite() && from <= to;
                if fine { Ok(Self::Float { from, to }) } else { Err(wrong(usage)) }
            }
            "choice" if arguments.is_empty() => Err(wrong("@choice(A,B,...)")),
            "choice" => Ok(Self::Choice(arguments.into_iter().map(literal).collect())),
            "string" => Ok(Self::Text { length: length(&arguments, || wrong("@string(LENGTH)"))? }),
            "bytes" => Ok(Self::Bytes { length: length(&arguments, || wrong("@bytes(LENGTH)"))? }),
            "bool" if arguments.is_empty() => Ok(Self::Bool),
            "uuid" if arguments.is_empty() => Ok(Self::Uuid),
            "bool" | "uuid" => Err(wrong(&format!("@{name}, without arguments"))),
            _ => Err(SpecError(format!("{text}: there is no @{name}; {ALL}"))),
        }
    }

    /// Draws.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Value {
        match self {
            Self::Int(range) => rng.i64(range.clone()).into(),
            Self::Float { from, to } => (from + (to - from) * rng.f64()).into(),
            Self::Choice(values) => values[rng.usize(..values.len())].clone(),
            Self::Text { length } => text(rng, *length).into(),
            Self::Bytes { length } => (0..*length).map(|_| Value::from(rng.u8(..))).collect(),
            Self::Bool => rng.bool().into(),
            Self::Uuid => uuid(rng).into(),
        }
    }
}

/// Letters and digits.
pub(super) fn text(rng: &mut Rng, length: usize) -> String {
    (0..length).map(|_| rng.alphanumeric()).collect()
}

/// A random UUID, version 4.
pub(super) fn uuid(rng: &mut Rng) -> String {
    let bits = (rng.u128(..) & !VERSION_AND_VARIANT) | VERSION_4;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

const VERSION_AND_VARIANT: u128 = 0xf000 << 64 | 0xc000 << 48;
const VERSION_4: u128 = 0x4000 << 64 | 0x8000 << 48;

/// `@name(a,b)` as its name and arguments.
fn split(text: &str) -> Result<(&str, Vec<&str>), SpecError> {
    let wrong = || SpecError(format!("{text} is not a generator: write @name(arguments); {ALL}"));
    let body = text.strip_prefix('@').ok_or_else(wrong)?;
    let Some((name, rest)) = body.split_once('(') else { return Ok((body, Vec::new())) };
    let inner = rest.strip_suffix(')').ok_or_else(wrong)?;
    if inner.trim().is_empty() {
        return Ok((name, Vec::new()));
    }
    Ok((name, inner.split(',').map(str::trim).collect()))
}

fn pair<T: std::str::FromStr>(arguments: &[&str]) -> Option<(T, T)> {
    let [from, to] = arguments else { return None };
    Some((from.parse().ok()?, to.parse().ok()?))
}

fn length(arguments: &[&str], wrong: impl Fn() -> SpecError) -> Result<usize, SpecError> {
    let [length] = arguments else { return Err(wrong()) };
    let length = length.parse().map_err(|_| wrong())?;
    if length > LONGEST {
        return Err(SpecError(format!("a length of {length} is more than {LONGEST}")));
    }
    Ok(length)
}

/// A choice is JSON where it can be, else text.
fn literal(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

const ALL: &str = "there are @int(1,100), @float(0,1), @choice(a,b), @string(8), @bytes(8), @bool and \
                   @uuid";

const LONGEST: usize = 1 << 20;

/// Puts what is drawn beside what is given.
pub(crate) fn fill(
    given: &Map<String, Value>,
    drawn: &[(String, Generator)],
    rng: &mut Rng,
) -> Map<String, Value> {
    let mut values = given.clone();
    values.extend(drawn.iter().map(|(name, generator)| (name.clone(), generator.draw(rng))));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generators_are_read_from_their_text() {
        let choice = Generator::Choice(vec!["a".into(), 2.into()]);
        for (text, generator) in [
            ("@int(1,100)", Generator::Int(1..=100)),
            ("@int( -5 , 5 )", Generator::Int(-5..=5)),
            ("@float(0,1.5)", Generator::Float { from: 0.0, to: 1.5 }),
            ("@choice(a,2)", choice),
            ("@string(8)", Generator::Text { length: 8 }),
            ("@bytes(16)", Generator::Bytes { length: 16 }),
            ("@bool", Generator::Bool),
            ("@uuid()", Generator::Uuid),
        ] {
            assert_eq!(Generator::parse(text), Ok(generator), "{text}");
        }
    }

    #[test]
    fn a_wrong_text_is_told_how_it_is_written() {
        for (text, part) in [
            ("@int(1)", "write @int(FROM,TO)"),
            ("@int(9,1)", "two integers in order"),
            ("@int(1,2", "write @name(arguments)"),
            ("@float(0,inf)", "write @float(FROM,TO)"),
            ("@choice", "write @choice(A,B,...)"),
            ("@string(x)", "write @string(LENGTH)"),
            ("@string(99999999)", "is more than"),
            ("@bool(1)", "without arguments"),
            ("@gauss(1)", "there is no @gauss; there are @int(1,100)"),
        ] {
            let error = Generator::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_drawn_is_what_was_asked_for() {
        let mut rng = Rng::with_seed(7);
        for _ in 0..200 {
            let int = Generator::Int(-3..=3).draw(&mut rng).as_i64().unwrap();
            assert!((-3..=3).contains(&int));
            let float = Generator::Float { from: 1.0, to: 2.0 }.draw(&mut rng).as_f64().unwrap();
            assert!((1.0..=2.0).contains(&float));
            let uuid = uuid(&mut rng);
            assert_eq!((uuid.len(), uuid.as_bytes()[14]), (36, b'4'), "{uuid}");
            assert!(b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
        }
        assert_eq!(Generator::Text { length: 12 }.draw(&mut rng).as_str().unwrap().len(), 12);
        assert_eq!(Generator::Bytes { length: 3 }.draw(&mut rng).as_array().unwrap().len(), 3);
        let whole = Generator::Int(i64::MIN..=i64::MAX).draw(&mut rng);
        assert!(whole.is_i64());
    }
}
