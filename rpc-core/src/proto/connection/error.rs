//! Why a connection ended.

use thiserror::Error;

use crate::proto::{
    CallId, Code, DecodeError, Execution, Status,
    wire::{CloseCode, FrameError, GoAway, Kind},
};

/// Why a connection ended: a rule that was broken and by whom, or an orderly end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// Both sides finished their calls, or the handles on this side are gone.
    #[error("connection closed")]
    Closed,
    /// The peer closed the transport without a goaway.
    #[error("connection lost: the peer closed it")]
    Lost,
    /// The transport failed.
    #[error("connection lost: {0}")]
    Transport(String),
    /// The peer closed the connection and said why.
    #[error("peer closed the connection: {}: {}", .0.code, .0.message)]
    ByPeer(GoAway),
    /// The peer speaks another protocol, which was recognised by what it sent.
    #[error("peer does not speak this protocol: it sent {0}")]
    Foreign(&'static str),
    /// The peer refused this side before the protocol began: over its certificate, say.
    #[error("peer refused the connection: {0}")]
    Refused(String),
    /// The peer speaks TLS, and this side does not.
    #[error("peer does not speak this protocol: it sent TLS; its address is tls:host:port")]
    TlsRequired,
    /// This port takes TLS alone, and the peer does not speak it.
    #[error("this port speaks TLS: connect to tls:host:port")]
    Unencrypted,
    /// The peer's bytes are not frames.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A frame's payload breaks a rule of its kind.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A second hello came.
    #[error("peer sent a second hello")]
    SecondHello,
    /// A frame about a call lacks the flag that says who opened it.
    #[error("{0} frame about call {1} says that the wrong side opened it")]
    WrongOpener(Kind, CallId),
    /// A request has the id of a call that is still open.
    #[error("request has the id {0} of a call that is still open")]
    DuplicateId(CallId),
    /// A reply names a call that is not open.
    #[error("reply to call {0}, which is not open")]
    UnknownReply(CallId),
    /// An item or the end of a stream that was never opened, or is over.
    #[error("{0} frame for call {1}, which has no such stream")]
    UnknownStream(Kind, CallId),
    /// More bytes of items came than this side allowed.
    #[error("peer sent more items of call {0} than it had credit for")]
    CreditExceeded(CallId),
    /// The peer allowed more bytes than a stream can have.
    #[error("peer gave call {0} more credit than a stream can have")]
    CreditOverflow(CallId),
    /// A frame goes on with a message in another codec or of another kind than it began in.
    #[error("message of call {0} changes its codec or kind midway")]
    MixedMessage(CallId),
    /// A message is larger than announced.
    #[error("message of call {id} is over the limit of {limit} bytes")]
    MessageTooLong {
        /// The call.
        id: CallId,
        /// The announced limit.
        limit: u32,
    },
    /// More messages are half received than announced.
    #[error("peer sent more than {0} messages in part")]
    TooManyPartial(u32),
    /// The peer kept opening calls above the announced limit.
    #[error("peer kept opening calls above the limit of {0}")]
    TooManyCalls(u32),
    /// More bytes of requests are open than announced.
    #[error("peer sent more bytes of requests at once than this side allows")]
    RequestWindow,
    /// More one-way calls came than this side gave credit for.
    #[error("peer sent more one-way calls than it had credit for")]
    OnewayWindow,
    /// A reply is in another codec than its request.
    #[error("reply to call {0} is in another codec than the request")]
    ReplyCodec(CallId),
    /// Too many frames came that bring nothing: pings, empty parts, cancels of calls that are not open.
    #[error("peer sends too many frames that bring nothing")]
    Flood,
    /// A frame or message was begun and does not go on.
    #[error("peer began a message and does not go on with it")]
    Stalled,
    /// A pong came for no ping.
    #[error("pong for a ping that was not sent")]
    UnknownPong,
    /// The peer did not say hello in time.
    #[error("peer did not complete the handshake in time")]
    HandshakeTimeout,
    /// The peer did not answer a keep-alive ping in time.
    #[error("peer does not respond")]
    KeepaliveTimeout,
    /// The peer does not read what it asked for.
    #[error("peer does not read its replies")]
    WriteStalled,
    /// The peer has not proved who it is, in the words of whoever judged that.
    #[error("{0}")]
    Unauthenticated(String),
    /// It could not be judged who the peer is.
    #[error("{0}")]
    Unjudged(String),
    /// The peer says to have received what was not sent.
    #[error("peer acknowledged bytes that this side has not sent")]
    Acknowledged,
    /// The connection was cut, and did not go on over another transport.
    #[error("connection lost and not resumed: {0}")]
    NotResumed(String),
    /// This side ended the connection at once.
    #[error("connection aborted by this side")]
    Aborted,
    /// What drove the connection on this side is gone.
    #[error(
        "connection lost: the runtime that it was opened on has ended, or its task has panicked"
    )]
    Undriven,
}

impl ConnectionError {
    /// What the peer is to be told, if telling it makes sense.
    pub(super) const fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Closed
            | Self::Lost
            | Self::Transport(_)
            | Self::Refused(_)
            | Self::TlsRequired
            | Self::NotResumed(_)
            | Self::ByPeer(_)
            | Self::Undriven => None,
            Self::Aborted | Self::Unjudged(_) => Some(CloseCode::Abort),
            Self::Unauthenticated(_) => Some(CloseCode::Unauthenticated),
            Self::HandshakeTimeout
            | Self::KeepaliveTimeout
            | Self::WriteStalled
            | Self::Stalled => Some(CloseCode::Timeout),
            Self::MessageTooLong { .. }
            | Self::TooManyPartial(_)
            | Self::TooManyCalls(_)
            | Self::RequestWindow
            | Self::OnewayWindow => Some(CloseCode::Limit),
            Self::Flood => Some(CloseCode::Calm),
            _ => Some(CloseCode::Protocol),
        }
    }

    /// The same in words that are true of the peer, who reads them.
    pub(super) fn for_peer(&self) -> String {
        match self {
            Self::Aborted => "it did not wait for the calls that run".to_owned(),
            error => error.to_string(),
        }
    }

    /// The kind of rule that the peer broke, if it did.
    pub(crate) const fn violation(&self) -> Option<&'static str> {
        match self.close_code() {
            Some(CloseCode::Protocol) => Some("protocol"),
            Some(CloseCode::Limit) => Some("limit"),
            Some(CloseCode::Calm) => Some("calm"),
            _ => None,
        }
    }

    /// Whether the peer has shown that it does not speak this protocol.
    pub(crate) const fn is_foreign(&self) -> bool {
        matches!(
            self,
            Self::Foreign(_)
                | Self::Refused(_)
                | Self::TlsRequired
                | Self::Unencrypted
                | Self::Decode(DecodeError::Preface | DecodeError::Version(_))
        )
    }

    /// The code of calls that this end of the connection ended.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Self::ByPeer(goaway) => goaway.code.of_calls(),
            _ => Code::Unavailable,
        }
    }

    /// The status of a call that this end of the connection ended.
    pub(super) fn status(&self, execution: Execution) -> Status {
        let message = format!("{self}; {}", outcome(execution));
        match execution {
            Execution::NotStarted => Status::not_started(self.code(), message),
            Execution::MayHaveRun => Status::new(self.code(), message),
        }
    }
}

/// What a caller needs to know before it repeats a call.
pub(super) const fn outcome(execution: Execution) -> &'static str {
    match execution {
        Execution::NotStarted => "the call was not started",
        Execution::MayHaveRun => "the call may have run",
    }
}
