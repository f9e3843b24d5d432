//! The errors of layers as the ends of calls: layers of others bring their own.

use tower::{load_shed::error::Overloaded, timeout::error::Elapsed};

use crate::proto::{Code, Failure, Status};

/// An error of any kind, as tower's own layers have it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The end of a call that a layer failed. Ours stay what they are, those of tower's layers have codes of their own, and all
/// others are `INTERNAL`: their words stay in the log, for they may hold what callers must not see.
pub(crate) fn failure_of(error: BoxError) -> Failure {
    let error = match error.downcast::<Failure>() {
        Ok(failure) => return *failure,
        Err(error) => error,
    };
    let error = match error.downcast::<Status>() {
        Ok(status) => return Failure::Status(*status),
        Err(error) => error,
    };
    Failure::Status(if error.is::<Elapsed>() {
        Status::new(Code::DeadlineExceeded, "the time that the server gives the call was over")
    } else if error.is::<Overloaded>() {
        Status::not_started(Code::ResourceExhausted, "too many calls at once")
    } else {
        tracing::error!(target: "rpc_core::layer", %error, "a layer failed a call");
        Status::new(Code::Internal, "a layer failed the call")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Payload;

    #[test]
    fn errors_of_layers_become_ends_of_calls() {
        let own = Failure::Application(Payload::copy_from_slice(b"no"));
        assert_eq!(failure_of(own.clone().into()), own);
        let status = Status::new(Code::Aborted, "later");
        assert_eq!(failure_of(status.clone().into()), Failure::Status(status));
        let code = |error: BoxError| match failure_of(error) {
            Failure::Status(status) => (status.code(), status.may_have_run()),
            failure => panic!("{failure:?}"),
        };
        assert_eq!(code(Elapsed::new().into()), (Code::DeadlineExceeded, true));
        assert_eq!(code(Overloaded::new().into()), (Code::ResourceExhausted, false));
        let Failure::Status(foreign) = failure_of("the password is 1234".into()) else { panic!() };
        assert_eq!(
            (foreign.code(), foreign.message()),
            (Code::Internal, "a layer failed the call")
        );
    }
}
