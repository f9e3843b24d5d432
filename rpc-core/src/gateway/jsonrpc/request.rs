//! Text to JSON-RPC requests. Ids and parameters stay the text that they are: ids are given back exactly, and
//! parameters are read once, by the method's own decoder.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// What a body holds.
#[derive(Debug)]
pub(in crate::gateway) enum Message<'t> {
    Single(Request<'t>),
    /// At least one.
    Batch(Vec<Request<'t>>),
}

/// One request, or what stands in the place of one.
pub(in crate::gateway) type Request<'t> = Result<Call<'t>, Invalid<'t>>;

/// A call, or a notification where there is no id.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Call<'t> {
    pub(in crate::gateway) method: Cow<'t, str>,
    /// An object or an array.
    pub(in crate::gateway) params: Option<&'t str>,
    /// A text, a number, or null, as it was written.
    pub(in crate::gateway) id: Option<&'t str>,
}

/// What is not a request.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Invalid<'t> {
    /// Its id, if it has one.
    pub(in crate::gateway) id: Option<&'t str>,
    pub(in crate::gateway) why: &'static str,
    /// It is the answer to a request of this side.
    pub(in crate::gateway) answer: Option<Answer<'t>>,
}

/// How a request of this side ended: the text of its result, or of an error object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Answer<'t> {
    Result(&'t str),
    Error(&'t str),
}

/// Why there is not even that.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Unreadable {
    /// It is no JSON.
    Syntax(String),
    /// It is a batch without calls.
    Empty,
    /// It is a batch of more calls than this.
    TooMany(usize),
}

/// Reads a body.
pub(in crate::gateway) fn read(body: &[u8], max_batch: usize) -> Result<Message<'_>, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|error| Unreadable::Syntax(error.to_string()))?;
    let syntax = |error: serde_json::Error| Unreadable::Syntax(error.to_string());
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {
            let members = serde_json::from_str::<Members<'_>>(text).map_err(syntax)?;
            Ok(Message::Single(members.request()))
        }
        Some(b'[') => batch(text, max_batch),
        _ => {
            serde_json::from_str::<IgnoredAny>(text).map_err(syntax)?;
            Ok(Message::Single(Err(Invalid::new(None, "a request is an object"))))
        }
    }
}

fn batch(text: &str, max_batch: usize) -> Result<Message<'_>, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let syntax = |error: serde_json::Error| Unreadable::Syntax(error.to_string());
    let mut count = 0;
    let read = deserializer.deserialize_seq(Few { count: &mut count, most: max_batch });
    let read = read.and_then(|each| deserializer.end().map(|()| each));
    let each = match read {
        Err(_) if count > max_batch => return Err(Unreadable::TooMany(max_batch)),
        each => each.map_err(syntax)?,
    };
    if each.is_empty() {
        return Err(Unreadable::Empty);
    }
    Ok(Message::Batch(each.into_iter().map(member).collect()))
}

/// A member of a batch, which is JSON.
fn member(raw: &RawValue) -> Request<'_> {
    let not_one = Invalid::new(None, "a request is an object");
    match raw.get().as_bytes().first() {
        Some(b'{') => {
            serde_json::from_str::<Members<'_>>(raw.get()).map_err(|_| not_one)?.request()
        }
        _ => Err(not_one),
    }
}

/// The elements of an array, as long as they are not too many.
struct Few<'c> {
    count: &'c mut usize,
    most: usize,
}

impl<'t> Visitor<'t> for Few<'_> {
    type Value = Vec<&'t RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} calls", self.most)
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut each = Vec::new();
        while let Some(raw) = sequence.next_element()? {
            *self.count += 1;
            if *self.count > self.most {
                return Err(serde::de::Error::invalid_length(*self.count, &self));
            }
            each.push(raw);
        }
        Ok(each)
    }
}

/// The members of an object that count here, as they were written.
#[derive(Default)]
struct Members<'t> {
    version: Option<&'t RawValue>,
    method: Option<&'t RawValue>,
    params: Option<&'t RawValue>,
    id: Option<&'t RawValue>,
    result: Option<&'t RawValue>,
    error: Option<&'t RawValue>,
    /// One of them is there twice.
    doubled: bool,
}

impl<'t> Members<'t> {
    fn request(self) -> Request<'t> {
        let (id, id_is_fine) = match self.id.map(RawValue::get) {
            Some(id) if is_id(id) => (Some(id), true),
            Some(_) => (None, false),
            None => (None, true),
        };
        let invalid = |why| Err(Invalid { answer: self.answer(), ..Invalid::new(id, why) });
        if self.doubled {
            return Err(Invalid::new(None, "a member is there twice"));
        }
        if !id_is_fine {
            return invalid("an id is a text, a number, or null");
        }
        if self.version.and_then(text).as_deref() != Some("2.0") {
            return invalid("the member \"jsonrpc\" has to be \"2.0\"");
        }
        let Some(method) = self.method.and_then(text) else {
            return invalid("the member \"method\" has to be a text");
        };
        let params = self.params.map(RawValue::get);
        if params.is_some_and(|params| !params.starts_with(['[', '{'])) {
            return invalid("the member \"params\" has to be an array or an object");
        }
        Ok(Call { method, params, id })
    }

    /// What an object says without a method, as the answer to a request.
    fn answer(&self) -> Option<Answer<'t>> {
        match (self.method, self.result, self.error) {
            (None, Some(result), None) => Some(Answer::Result(result.get())),
            (None, None, Some(error)) => Some(Answer::Error(error.get())),
            _ => None,
        }
    }
}

impl<'t> Invalid<'t> {
    const fn new(id: Option<&'t str>, why: &'static str) -> Self {
        Self { id, why, answer: None }
    }
}

fn is_id(text: &str) -> bool {
    text == "null" || text.starts_with(|first: char| matches!(first, '"' | '-' | '0'..='9'))
}

/// The text that a value is, if it is one.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(raw.get()).ok().map(Cow::Owned)
}

impl<'t: 'de, 'de: 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'t> Visitor<'t> for Each {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a request")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Members<'t>, A::Error> {
                let mut members = Members::default();
                while let Some(name) = map.next_key::<Name>()? {
                    let place = match name {
                        Name::Version => &mut members.version,
                        Name::Method => &mut members.method,
                        Name::Params => &mut members.params,
                        Name::Id => &mut members.id,
                        Name::Result => {
                            members.result = Some(map.next_value()?);
                            continue;
                        }
                        Name::Error => {
                            members.error = Some(map.next_value()?);
                            continue;
                        }
                        Name::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    members.doubled |= place.replace(map.next_value()?).is_some();
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Each)
    }
}

/// The name of a member.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    #[serde(rename = "jsonrpc")]
    Version,
    Method,
    Params,
    Id,
    Result,
    Error,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(text: &str) -> Request<'_> {
        match read(text.as_bytes(), 9) {
            Ok(Message::Single(request)) => request,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn ids_and_parameters_stay_as_they_were_written() {
        for id in ["1", "-1.50e3", "123456789012345678901234567890", "\"\\u0061\"", "null", "\"\""]
        {
            let text =
                format!(r#"{{"jsonrpc":"2.0","id": {id} ,"method":"a.b","params": [1, 2.50]}}"#);
            let call = single(&text).unwrap();
            assert_eq!((call.id, call.params, &*call.method), (Some(id), Some("[1, 2.50]"), "a.b"));
        }
        let notification = single(r#"{"method":"\u0061","jsonrpc":"2.0","more":[{}]}"#).unwrap();
        assert_eq!((notification.id, &*notification.method), (None, "a"));
    }

    #[test]
    fn what_is_no_request_keeps_its_id_if_that_can_be_read() {
        let rows = [
            (r#"{"jsonrpc":"2.0","method":1,"id":7}"#, Some("7")),
            (r#"{"jsonrpc":"2.0","id":"x"}"#, Some("\"x\"")),
            (r#"{"jsonrpc":2.0,"method":"a","id":7}"#, Some("7")),
            (r#"{"method":"a","id":7}"#, Some("7")),
            (r#"{"jsonrpc":"2.0","method":"a","params":1,"id":7}"#, Some("7")),
            (r#"{"jsonrpc":"2.0","method":"a","params":null,"id":7}"#, Some("7")),
            (r#"{"jsonrpc":"2.0","method":"a","id":{}}"#, None),
            (r#"{"jsonrpc":"2.0","method":"a","id":true}"#, None),
            (r#"{"jsonrpc":"2.0","method":"a","id":1,"id":2}"#, None),
            ("{}", None),
            ("1", None),
            ("null", None),
        ];
        for (text, id) in rows {
            assert_eq!(single(text).unwrap_err().id, id, "{text}");
        }
    }

    #[test]
    fn batches_have_their_members_judged_one_by_one() {
        let Ok(Message::Batch(each)) = read(br#" [1, {"jsonrpc":"2.0","method":"a"}, []]"#, 3)
        else {
            panic!("it is a batch")
        };
        assert!(each[0].is_err() && each[1].is_ok() && each[2].is_err());
        assert_eq!(read(b"[1,2,3,4]", 3).unwrap_err(), Unreadable::TooMany(3));
        assert_eq!(read(b"[]", 3).unwrap_err(), Unreadable::Empty);
        for text in ["", "[1,", "[1] 2", "{\"a\"", "{} {}", "\u{feff}{}", "nul", "[1 2]"] {
            assert!(matches!(read(text.as_bytes(), 3), Err(Unreadable::Syntax(_))), "{text:?}");
        }
        assert!(matches!(read(b"{\"a\":\"\xff\"}", 3), Err(Unreadable::Syntax(_))));
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = "[".repeat(1 << 20);
        assert!(matches!(read(deep.as_bytes(), 3), Err(Unreadable::Syntax(_))));
        let closed = format!("{deep}{}", "]".repeat(1 << 20));
        assert!(matches!(read(closed.as_bytes(), 3), Ok(Message::Batch(_))));
    }
}
