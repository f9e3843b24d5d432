//! One call as one request: `POST /Service.method`, arguments and result in plain JSON; streams where they are asked for.

use std::{future::poll_fn, sync::Arc};

use hyper::{
    Request, StatusCode,
    body::Incoming,
    header::{self, HeaderMap, HeaderValue},
};

use super::{
    Face,
    answer::{Answer, Rejection, json},
    body,
    catalog::Method,
    exchange::{Calling, Event, Exchange},
    guard::{self, Content, Page},
    headers::{Head, add_metadata},
    session::Session,
    statuses,
    stream::{self, Form},
    upload::Upload,
};
use crate::proto::{Code, Failure, Metadata, Outcome, Payload, Status};

/// Makes the call that a request is.
pub(super) async fn answer(
    face: &Face,
    session: &Arc<Session>,
    page: &Page,
    path: &str,
    request: Request<Incoming>,
) -> Result<Answer, Rejection> {
    let (parts, body) = request.into_parts();
    let content = guard::content(&parts.headers)?;
    if content == Content::Unsaid && page.is_foreign() {
        let message = "pages of other origins say Content-Type: application/json";
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let head = Head::of(&parts.headers)?;
    let Some(&method) = face.catalog.get(path) else {
        return Ok(failed(StatusCode::NOT_FOUND, &face.unknown(path).into()));
    };
    let form = form(&parts.headers, method, path)?;
    if let Err(status) = face.admit(session, &head).await {
        return Ok(failed(statuses::http(status.code()), &status.into()));
    }
    let exchange = if method.streams.up() {
        upload(face, session, content, path, method, head, body).await?
    } else {
        if content == Content::Lines {
            let message = format!("{path} takes no stream: its body is to be application/json");
            return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        let whole = body::read(&face.options, session, body).await?;
        let arguments = arguments(&whole.bytes);
        let calling = Calling { key: method.key, arguments, streams: method.streams, upload: None };
        Exchange::start(&*face.serve, session, calling, head)
    };
    Ok(match form {
        Some(form) => streamed(exchange, method, form).await,
        None => {
            let (outcome, metadata) = exchange.ended().await;
            ended(&outcome, method, metadata.as_ref())
        }
    })
}

/// The arguments in a body, which may be left out.
fn arguments(body: &bytes::Bytes) -> Payload {
    match body.trim_ascii() {
        b"" => Payload::copy_from_slice(b"{}"),
        _ => Payload::from(body.clone()),
    }
}

/// A call with a stream of items: its first line has the arguments.
async fn upload(
    face: &Face,
    session: &Arc<Session>,
    content: Content,
    path: &str,
    method: Method,
    head: Head,
    body: Incoming,
) -> Result<Exchange, Rejection> {
    if content == Content::Json {
        let message = format!(
            "{path} takes a stream: Content-Type: application/x-ndjson, the arguments on the first line, an item \
             on each other"
        );
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let mut upload = Upload::new(body, face.options.max_body, face.options.body_timeout);
    let arguments = upload.first_line().await?;
    let arguments = self::arguments(&arguments);
    let calling =
        Calling { key: method.key, arguments, streams: method.streams, upload: Some(upload) };
    Ok(Exchange::start(&*face.serve, session, calling, head))
}

/// How the items are wanted, of a method that answers with a stream.
fn form(headers: &HeaderMap, method: Method, path: &str) -> Result<Option<Form>, Rejection> {
    if !method.streams.down() {
        return Ok(None);
    }
    let mut kinds = headers.get_all(header::ACCEPT).iter().flat_map(|value| {
        value
            .to_str()
            .unwrap_or_default()
            .split(',')
            .map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    });
    let form = kinds.find_map(|kind| match kind.as_str() {
        "text/event-stream" => Some(Form::Events),
        "application/x-ndjson" | "application/jsonl" => Some(Form::Lines),
        _ => None,
    });
    form.map(Some).ok_or_else(|| {
        let message = format!(
            "{path} answers with a stream: say Accept: text/event-stream, or application/x-ndjson"
        );
        Rejection::new(StatusCode::NOT_ACCEPTABLE, message)
    })
}

/// The answer with a stream, or with what the call ended with in its place.
async fn streamed(mut exchange: Exchange, method: Method, form: Form) -> Answer {
    match poll_fn(|cx| exchange.poll_event(cx)).await {
        Event::Accepted(leading) => stream::answer(exchange, form, leading.as_deref()),
        Event::End(outcome, metadata) => ended(&outcome, method, metadata.as_ref()),
        // Items come behind the word that they do.
        Event::Item(_) => {
            let status = Status::new(Code::Internal, "an item came before its stream");
            failed(StatusCode::INTERNAL_SERVER_ERROR, &status.into())
        }
    }
}

/// The answer to a call that has ended.
fn ended(outcome: &Outcome, method: Method, metadata: Option<&Metadata>) -> Answer {
    let mut answer = match outcome {
        Ok(value) => {
            let mut text = statuses::written(value).to_vec();
            text.push(b'\n');
            json(StatusCode::OK, text)
        }
        Err(failure @ Failure::Application(_)) => failed(method.own_error, failure),
        Err(failure @ Failure::Status(status)) => failed(statuses::http(status.code()), failure),
    };
    if let Some(metadata) = metadata {
        add_metadata(answer.headers_mut(), metadata);
    }
    answer
}

/// The answer to a call that failed.
pub(super) fn failed(http: StatusCode, failure: &Failure) -> Answer {
    let mut text = statuses::error(failure);
    text.push(b'\n');
    let mut answer = json(http, text);
    if let Failure::Status(status) = failure {
        let headers = answer.headers_mut();
        if status.code() == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = status.retry_after() {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        add_metadata(headers, status.metadata());
    }
    answer
}
