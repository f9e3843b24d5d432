//! Arithmetic, with errors that are typed.

use rpc_core::{Schema, Streaming, service};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why there is no result.
#[derive(Debug, Serialize, Deserialize, Schema, Error)]
pub(super) enum MathError {
    /// The divisor is zero.
    #[error("division by zero")]
    DivisionByZero,
    /// The result does not fit its type.
    #[error("{operation} overflows")]
    Overflow {
        /// What was to be computed.
        operation: String,
    },
}

/// A pocket calculator.
#[service]
pub(crate) trait Calculator {
    /// Adds two integers; the sum wraps around at 64 bits.
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Divides; by zero is an error of its own.
    async fn div(&self, a: f64, b: f64) -> Result<f64, MathError>;
    /// The mean of all numbers that come.
    async fn average(&self, numbers: Streaming<f64>) -> Result<f64, MathError>;
    /// Adds all numbers.
    async fn sum(&self, numbers: Vec<i64>) -> Result<i64, MathError>;
}

pub(super) struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn div(&self, a: f64, b: f64) -> Result<f64, MathError> {
        if b == 0.0 { Err(MathError::DivisionByZero) } else { finite(a / b, "div") }
    }

    async fn average(&self, mut numbers: Streaming<f64>) -> Result<f64, MathError> {
        let (mut sum, mut count) = (0.0, 0_u32);
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
            count = count.saturating_add(1);
        }
        match count {
            0 => Err(MathError::DivisionByZero),
            count => finite(sum / f64::from(count), "average"),
        }
    }

    async fn sum(&self, numbers: Vec<i64>) -> Result<i64, MathError> {
        let sum = numbers.iter().try_fold(0_i64, |sum, &number| sum.checked_add(number));
        sum.ok_or_else(|| overflow("sum"))
    }
}

/// A result that is a number: JSON has no word for others.
fn finite(result: f64, operation: &str) -> Result<f64, MathError> {
    if result.is_finite() { Ok(result) } else { Err(overflow(operation)) }
}

fn overflow(operation: &str) -> MathError {
    MathError::Overflow { operation: operation.to_owned() }
}
