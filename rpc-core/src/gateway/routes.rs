//! What a request asks for, by its method and path.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use hyper::{
    Method, Request, StatusCode,
    body::Incoming,
    header::{self, HeaderMap, HeaderValue},
};

use super::{
    Face,
    answer::{self, Answer, Rejection, json},
    body,
    guard::{self, Content, Page},
    headers::{Head, IDEMPOTENCY, METADATA, TIMEOUT, add_metadata},
    healthz,
    jsonrpc::{self, Answered},
    metrics, pages, plain,
    session::Session,
    statuses, upgrade,
};
use crate::proto::Metadata;

/// Answers one request.
pub(super) async fn respond(
    face: Arc<Face>,
    session: Arc<Session>,
    request: Request<Incoming>,
) -> Answer {
    // What goes on with another protocol is told of by whoever serves that.
    match upgrade::is_asked(request.headers()) {
        true => session.hear(),
        false => session.greet(&*face.serve),
    }
    let page = match guard::admit(&face.options, session.own_peer(), &request) {
        Ok(page) => page,
        Err(rejection) => return rejection.closing().into(),
    };
    let answer = route(&face, &session, &page, request).await;
    let mut answer = answer.unwrap_or_else(Answer::from);
    if let Page::Allowed(origin) = page {
        allow(answer.headers_mut(), origin);
    }
    answer
}

async fn route(
    face: &Face,
    session: &Arc<Session>,
    page: &Page,
    request: Request<Incoming>,
) -> Result<Answer, Rejection> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    if let (Some(render), "/metrics", &(Method::GET | Method::HEAD)) =
        (&face.options.metrics, &*path, &method)
    {
        return metrics::answer(render, face, session, request.headers()).await;
    }
    if let Some(answer) = pages::answer(face, session, page, &request).await {
        return answer;
    }
    match (&*path, method) {
        (_, Method::OPTIONS) => Ok(preflight(request.headers(), page)),
        ("/", Method::POST) => rpc(face, session, request).await,
        ("/", Method::GET) if upgrade::is_asked(request.headers()) => {
            upgrade::answer(session, request)
        }
        ("/", _) => {
            let message = "JSON-RPC is POST /, and one call is POST /Service.method; GET /openrpc.json describes them, GET /client.js is a client for web pages";
            Err(wrong_method(message, "GET, HEAD, POST, OPTIONS"))
        }
        ("/openrpc.json", Method::GET | Method::HEAD) => {
            let head = Head::of(request.headers())?;
            if let Err(status) = face.admit(session, &head).await {
                return Ok(plain::failed(statuses::http(status.code()), &status.into()));
            }
            Ok(match face.discover(session, head).await {
                Ok(document) => json(StatusCode::OK, document),
                Err(status) => plain::failed(statuses::http(status.code()), &status.into()),
            })
        }
        ("/healthz", Method::GET | Method::HEAD) => {
            Ok(healthz::answer(face, session, request.uri()).await)
        }
        ("/openrpc.json" | "/healthz" | "/client.js" | "/client.d.ts", _) => {
            Err(wrong_method("this is read by GET", "GET, HEAD, OPTIONS"))
        }
        (path, Method::POST) => {
            let path = decoded(path.strip_prefix('/').unwrap_or(path));
            plain::answer(face, session, page, &path, request).await
        }
        _ => Err(wrong_method("methods are called by POST", "POST, OPTIONS")),
    }
}

fn wrong_method(message: &str, allowed: &'static str) -> Rejection {
    Rejection::new(StatusCode::METHOD_NOT_ALLOWED, message).with(header::ALLOW, allowed)
}

/// Answers a body of JSON-RPC.
async fn rpc(
    face: &Face,
    session: &Arc<Session>,
    request: Request<Incoming>,
) -> Result<Answer, Rejection> {
    let (parts, body) = request.into_parts();
    if guard::content(&parts.headers)? != Content::Json {
        let message = "JSON-RPC is Content-Type: application/json";
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let head = Head::of(&parts.headers)?;
    let whole = body::read(&face.options, session, body).await?;
    Ok(called(face, session, &head, &whole.bytes).await.into())
}

/// The answer to a body of JSON-RPC, before it is one of HTTP.
pub(super) struct Called {
    pub(super) status: StatusCode,
    /// What is said in JSON, if there is anything.
    pub(super) text: Option<Vec<u8>>,
    pub(super) metadata: Option<Metadata>,
}

/// Makes the calls of a body of JSON-RPC that has come.
pub(super) async fn called(
    face: &Face,
    session: &Arc<Session>,
    head: &Head,
    body: &Bytes,
) -> Called {
    if let Err(status) = face.admit(session, head).await {
        let text = Some(jsonrpc::refused(&status));
        return Called { status: statuses::http(status.code()), text, metadata: None };
    }
    let Answered { text, metadata } = jsonrpc::answer(face, session, head, body).await;
    let status = if text.is_some() { StatusCode::OK } else { StatusCode::NO_CONTENT };
    Called { status, text, metadata }
}

impl From<Called> for Answer {
    fn from(Called { status, text, metadata }: Called) -> Self {
        let mut answer = match text {
            Some(text) => json(status, text),
            None => answer::empty(),
        };
        if let Some(metadata) = &metadata {
            add_metadata(answer.headers_mut(), metadata);
        }
        answer
    }
}

/// The answer to a browser that asks what a page may do.
fn preflight(headers: &HeaderMap, page: &Page) -> Answer {
    let mut answer = answer::empty();
    let told = answer.headers_mut();
    told.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
    if !matches!(page, Page::Allowed(_)) {
        return answer;
    }
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let asked = asked.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let granted: Vec<&str> = asked.split(',').map(str::trim).filter(|name| is_read(name)).collect();
    if let Ok(granted) = HeaderValue::try_from(granted.join(", ")) {
        told.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, granted);
    }
    let methods = HeaderValue::from_static("GET, POST");
    told.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    told.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    answer
}

/// Whether a header of a request means something here.
fn is_read(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let known = [header::CONTENT_TYPE, header::AUTHORIZATION, header::ACCEPT, TIMEOUT, IDEMPOTENCY];
    known.iter().any(|known| known.as_str() == name) || name.starts_with(METADATA)
}

/// Lets the pages of an origin read an answer.
fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// A path whose `%` signs are read; what is not text then stays as it is, and names nothing.
pub(super) fn decoded(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return path.into();
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(path), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn paths_name_methods_in_every_script() {
        assert_eq!(decoded("Shop.buy"), "Shop.buy");
        assert_eq!(decoded("Obchod.p%C5%99idej"), "Obchod.přidej");
        assert_eq!(decoded("a%2Eb"), "a.b");
        for odd in ["%", "%zz", "%f", "%ff"] {
            assert_eq!(decoded(odd), odd);
        }
    }
}
