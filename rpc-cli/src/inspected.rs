//! A server that may be looked at while it runs, and its refusals in words.

use std::time::Duration;

use anyhow::Result;
use rpc_core::{
    CallError, Code, Status,
    inspect::{
        CallInFlight, CallList, CallQuery, ConnectionFigures, EndedCall, InspectClient,
        InspectError, Overview,
    },
};

use crate::{
    connect::{self, Connected},
    exit::Failure,
    patience::Patience,
};

/// A server that answers, and its service for those who look.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) server: Connected,
    inspect: InspectClient,
}

/// Connects; whether the server may be looked at is known when it is asked something.
pub(crate) async fn connect(address: &str, patience: Patience) -> Result<Inspected> {
    let server = connect::connect(address, patience).await?;
    let inspect = InspectClient::new(server.channel.clone());
    Ok(Inspected { server, inspect })
}

impl Inspected {
    pub(crate) async fn overview(&self) -> Result<Overview> {
        self.asked("what it does", self.inspect.overview()).await
    }

    pub(crate) async fn calls(&self, query: CallQuery) -> Result<CallList> {
        self.asked("its calls", self.inspect.calls(query)).await
    }

    pub(crate) async fn connections(&self) -> Result<Vec<ConnectionFigures>> {
        self.asked("its connections", self.inspect.connections()).await
    }

    pub(crate) async fn recent(&self) -> Result<Vec<EndedCall>> {
        self.asked("its slow calls", self.inspect.recent()).await
    }

    pub(crate) async fn kill(&self, call: u64) -> Result<CallInFlight> {
        let what = format!("{} to end call {call}", self.server.address);
        match self.server.patience.anew().asking(&what, self.inspect.kill(call)).await? {
            Ok(call) => Ok(call),
            Err(CallError::Status(status)) => Err(self.refused(status)),
            Err(CallError::App(error)) => {
                let code = match &error {
                    InspectError::NoSuchCall(_) => Code::NotFound,
                    InspectError::MayNotKill(_) => Code::PermissionDenied,
                    _ => Code::FailedPrecondition,
                };
                let message = format!("{}: {error}", self.server.address);
                Err(Failure::Refused { code, message }.into())
            }
        }
    }

    async fn asked<T>(
        &self,
        subject: &str,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T> {
        let what = format!("{} to tell {subject}", self.server.address);
        let answer = self.server.patience.anew().asking(&what, call).await?;
        answer.map_err(|CallError::Status(status)| self.refused(status))
    }

    /// The refusal of a server that may not be looked at says how that is changed.
    fn refused(&self, status: Status) -> anyhow::Error {
        let address = &self.server.address;
        if status.code() == Code::Unimplemented
            && status.message().starts_with("this server has no method")
        {
            let message =
                format!("{address} cannot be looked at: its program allows it by Server::inspect");
            return Failure::unknown(message).into();
        }
        self.server.failed(status).into()
    }
}

/// A time of people's scale, in six letters at most.
pub(crate) fn brief(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.0..1e-3 => format!("{:.0}µs", seconds * 1e6),
        1e-3..1e-2 => format!("{:.1}ms", seconds * 1e3),
        1e-2..1.0 => format!("{:.0}ms", seconds * 1e3),
        1.0..10.0 => format!("{seconds:.1}s"),
        10.0..100.0 => format!("{seconds:.0}s"),
        _ => {
            let (minutes, hours) = (time.as_secs() / 60, time.as_secs() / 3600);
            match hours {
                0 => format!("{minutes}m{:02}", time.as_secs() % 60),
                1..48 => format!("{hours}h{:02}", minutes % 60),
                _ => format!("{}d{:02}h", hours / 24, hours % 24),
            }
        }
    }
}

/// A number with a gap between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_short() {
        let brief = |millis: f64| brief(Duration::from_secs_f64(millis / 1e3));
        let shown =
            [0.0, 0.0426, 3.21, 77.7, 1234.0, 65_000.0, 125_000.0, 4_000_000.0, 3e8].map(brief);
        assert_eq!(shown, ["0µs", "43µs", "3.2ms", "78ms", "1.2s", "65s", "2m05", "1h06", "3d11h"]);
        let shown = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
