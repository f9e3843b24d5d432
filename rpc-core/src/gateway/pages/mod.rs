//! What browsers read of a server: the client made of its services, the explorer, and the files of the program.

mod explorer;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hyper::{
    Method, Request,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
};

use super::{
    Face,
    answer::{self, Answer, Rejection},
    browser::BrowserClient,
    guard::Page,
    headers::Head,
    options::Explorer,
    plain,
    session::Session,
    statuses, upgrade,
};
use crate::schema::Document;

const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// Browsers show it, and compilers do not care.
const DECLARATIONS: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Nothing but what this server serves is loaded, and nothing that stands inside of a page is run. A WebSocket to the
/// same server is of another scheme, which not all browsers take for the same.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; object-src 'none'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is made of the services, once it was asked for.
#[derive(Debug, Default)]
pub(super) struct Pages {
    script: OnceLock<Bytes>,
    declarations: OnceLock<Bytes>,
    described: OnceLock<Bytes>,
}

/// Answers a request for something that browsers read, if it is one.
pub(super) async fn answer(
    face: &Face,
    session: &Arc<Session>,
    page: &Page,
    request: &Request<Incoming>,
) -> Option<Result<Answer, Rejection>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD)
        || upgrade::is_asked(request.headers())
    {
        return None;
    }
    let path = request.uri().path();
    if let Some(file) = face.options.files.iter().find(|file| file.path == path) {
        return Some(Ok(document(file.media_type, file.content.clone())));
    }
    if face.options.explorer == Explorer::Served
        && let Some((media_type, content)) = explorer::file(path)
    {
        return Some(Ok(document(media_type, content)));
    }
    let made: fn(&Face) -> (HeaderValue, Bytes) = match path {
        "/client.js" => |face| (SCRIPT, face.script()),
        "/client.d.ts" => |face| (DECLARATIONS, face.declarations()),
        explorer::SERVICES if face.options.explorer == Explorer::Served => {
            |face| (answer::JSON, face.described())
        }
        _ => return None,
    };
    let head = match Head::of(request.headers()) {
        Ok(head) => head,
        Err(rejection) => return Some(Err(rejection)),
    };
    let listed = match face.admit(session, &head).await {
        Ok(()) => face.may_list(session, head).await,
        refused => refused,
    };
    Some(Ok(match listed {
        Ok(()) => {
            let (kind, body) = made(face);
            shared(page, request, answer::file(kind, body))
        }
        Err(status) => plain::failed(statuses::http(status.code()), &status.into()),
    }))
}

/// A file of the program, under the policy of pages if it is one.
fn document(media_type: &'static str, content: Bytes) -> Answer {
    let text = media_type.starts_with("text/") && !media_type.contains("charset");
    let kind = if text {
        HeaderValue::try_from(format!("{media_type}; charset=utf-8"))
    } else {
        HeaderValue::try_from(media_type)
    };
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut answer = answer::file(kind, content);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Lets pages on the same machine import a module: they may call as well, but browsers ask for modules with more
/// ceremony than for calls.
fn shared(page: &Page, request: &Request<Incoming>, mut answer: Answer) -> Answer {
    let origin = request.headers().get(header::ORIGIN);
    if let (Page::Near, Some(origin)) = (page, origin) {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    answer
}

impl Face {
    fn script(&self) -> Bytes {
        self.pages.script.get_or_init(|| self.with_client(|client| client.script())).clone()
    }

    fn declarations(&self) -> Bytes {
        self.pages
            .declarations
            .get_or_init(|| self.with_client(|client| client.declarations()))
            .clone()
    }

    fn with_client(&self, write: fn(&BrowserClient<'_>) -> String) -> Bytes {
        // How a server describes itself is for programs that do not know it, and what happens in it for its operators'.
        let for_pages = |name: &str| !["Reflection", "Inspect"].contains(&name);
        let described = self.services.iter().filter(|service| for_pages(&service.name));
        let document = Document::new(described.cloned().collect());
        write(&BrowserClient::of(&document).answering(&self.options.calls).of_port()).into()
    }
}
