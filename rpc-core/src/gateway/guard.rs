//! Who may ask at all: requests under a name of this server, and pages of origins that are let in.

use std::net::IpAddr;

use hyper::{
    Request, StatusCode, Version,
    body::Incoming,
    header::{self, HeaderMap, HeaderValue},
    http::uri::Authority,
};

use super::{answer::Rejection, headers::single, options::Http};
use crate::transport::{Peer, PeerAddress};

/// The web page that a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// None: what calls is not a browser, or does not say.
    None,
    /// One of the server's own origin.
    Own,
    /// One of this origin, which is let in.
    Allowed(HeaderValue),
    /// One on the same machine as the server, which is let in where browsers ask nobody.
    Near,
}

impl Page {
    /// Whether it is of another origin than the server.
    pub(super) const fn is_foreign(&self) -> bool {
        matches!(self, Self::Allowed(_) | Self::Near)
    }
}

/// Says which page a request comes from, if it may come.
pub(super) fn admit(
    options: &Http,
    peer: &Peer,
    request: &Request<Incoming>,
) -> Result<Page, Rejection> {
    let headers = request.headers();
    let host = host(request)?;
    if !host.as_ref().is_none_or(|host| is_known(options, peer, host)) {
        let message = "this server is not known by that name: a foreign page may have sent this \
                       (`Http::host` adds a name)";
        return Err(Rejection::new(StatusCode::MISDIRECTED_REQUEST, message));
    }
    let Some(origin) = single(headers, &header::ORIGIN)? else {
        return match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            None | Some(b"none" | b"same-origin") => Ok(Page::None),
            Some(_) => Ok(Page::Near),
        };
    };
    page(options, origin, host.as_ref()).ok_or_else(|| {
        let message =
            "pages of that origin may not call this server (`Http::allow_origin` lets them)";
        Rejection::new(StatusCode::FORBIDDEN, message)
    })
}

/// The name under which the server is asked. Only HTTP/1.0 may leave it out.
fn host(request: &Request<Incoming>) -> Result<Option<Authority>, Rejection> {
    let field = single(request.headers(), &header::HOST)?;
    let wrong = || Rejection::bad("the header Host is not the name of a host");
    let named = |value: &HeaderValue| named(value.as_bytes()).ok_or_else(wrong);
    let field = field.map(named).transpose()?;
    let target = request.uri().authority().cloned();
    match (field, target) {
        (Some(field), Some(target)) if field != target => {
            Err(Rejection::bad("the header Host and the target differ"))
        }
        (None, None) if request.version() != Version::HTTP_10 => {
            Err(Rejection::bad("there is no header Host"))
        }
        (field, target) => Ok(target.or(field)),
    }
}

/// The name in a header Host, if it is one of a host.
fn named(field: &[u8]) -> Option<Authority> {
    Authority::try_from(field).ok().filter(|name| !name.as_str().contains('@'))
}

/// Whether a peer may ask under the name in its header Host, where no page has a part in it.
pub(super) fn may_ask(options: &Http, peer: &Peer, field: &[u8]) -> bool {
    named(field).is_some_and(|host| is_known(options, peer, &host))
}

/// Whether the server is known to a peer by this name.
fn is_known(options: &Http, peer: &Peer, host: &Authority) -> bool {
    !is_near(peer) || options.answers_to(host.host())
}

fn page(options: &Http, origin: &HeaderValue, host: Option<&Authority>) -> Option<Page> {
    let text = origin.to_str().ok()?;
    let (scheme, authority) = text.split_once("://").unwrap_or(("", text));
    let web = matches!(scheme, "http" | "https");
    if web && host.is_some_and(|host| is_same(authority, host.as_str(), scheme)) {
        return Some(Page::Own);
    }
    if options.origins.iter().any(|allowed| allowed == "*" || allowed == text) {
        return Some(Page::Allowed(origin.clone()));
    }
    let name = Authority::try_from(authority).ok()?;
    let near = web && is_loopback(name.host()) && host.is_some_and(|host| is_loopback(host.host()));
    near.then_some(Page::Near)
}

/// Whether two authorities are one; the port of the scheme may be left out.
fn is_same(one: &str, other: &str, scheme: &str) -> bool {
    let port = if scheme == "https" { ":443" } else { ":80" };
    let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
    bare(one) == bare(other)
}

/// Whether a peer reaches this server over the loopback interface and without TLS, by which it would have made sure of
/// its name.
fn is_near(peer: &Peer) -> bool {
    #[cfg(feature = "tls")]
    if peer.tls().is_some() {
        return false;
    }
    matches!(peer.address(), PeerAddress::Tcp(address) if address.ip().to_canonical().is_loopback())
}

impl Http {
    /// Whether a server at a loopback address is known by this name.
    fn answers_to(&self, host: &str) -> bool {
        is_loopback(host) || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// Whether a name of a host always means the machine itself.
fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let name = bare.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    /// One JSON value a line.
    Lines,
    /// What `curl -d` says of whatever it sends, or nothing: a page could say that without asking anybody.
    Unsaid,
}

/// The way in which a body is written, if it is one that is read here.
pub(super) fn content(headers: &HeaderMap) -> Result<Content, Rejection> {
    let unsupported = |message: &str| Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(
            unsupported("compressed bodies are not read").with(header::ACCEPT_ENCODING, "identity")
        );
    }
    let Some(kind) = single(headers, &header::CONTENT_TYPE)? else { return Ok(Content::Unsaid) };
    let text = kind.to_str().unwrap_or_default();
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let charset = parameters.split(';').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"'))
    });
    let mut charset = charset.filter(|charset| !charset.eq_ignore_ascii_case("utf-8"));
    match kind.trim().to_ascii_lowercase().as_str() {
        _ if charset.next().is_some() => Err(unsupported("JSON is written in UTF-8")),
        "application/json" => Ok(Content::Json),
        "application/x-ndjson" | "application/jsonl" => Ok(Content::Lines),
        "application/x-www-form-urlencoded" => Ok(Content::Unsaid),
        _ => Err(unsupported("the body is to be application/json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_let_in_by_origin() {
        let options = Http::new().allow_origin("https://app.example");
        let of = |origin: &'static str, host: &str| {
            let host = Authority::try_from(host).unwrap();
            page(&options, &HeaderValue::from_static(origin), Some(&host))
        };
        assert_eq!(of("http://api.example:7000", "api.example:7000"), Some(Page::Own));
        assert_eq!(of("https://api.example", "api.example:443"), Some(Page::Own));
        assert_eq!(of("http://API.example", "api.example"), Some(Page::Own));
        let allowed = Page::Allowed(HeaderValue::from_static("https://app.example"));
        assert_eq!(of("https://app.example", "api.example"), Some(allowed));
        assert_eq!(of("http://localhost:3000", "127.0.0.1:7000"), Some(Page::Near));
        for foreign in
            ["null", "https://evil.example", "http://app.example", "http://localhost:1", "x"]
        {
            assert_eq!(of(foreign, "api.example"), None, "{foreign}");
        }
        assert_eq!(of("http://api.example:7001", "api.example:7000"), None);
        let all = Http::new().allow_origin("*");
        let null = HeaderValue::from_static("null");
        assert_eq!(page(&all, &null, None), Some(Page::Allowed(null.clone())));
    }

    #[test]
    fn loopback_has_names_of_its_own() {
        for host in ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "example", "10.0.0.1", "[::2]", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn bodies_say_how_they_are_written() {
        let of = |kind: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            content(&headers).ok()
        };
        assert_eq!(of("application/json"), Some(Content::Json));
        assert_eq!(of("Application/JSON; charset=UTF-8"), Some(Content::Json));
        assert_eq!(of("application/x-ndjson"), Some(Content::Lines));
        assert_eq!(of("application/x-www-form-urlencoded"), Some(Content::Unsaid));
        for kind in ["text/plain", "application/json; charset=latin1", "application/jsonx", ""] {
            assert_eq!(of(kind), None, "{kind}");
        }
    }
}
