//! How sure intervals and tests are.

/// Coverage of every interval.
pub const CONFIDENCE: f64 = 0.95;

/// The level of the tests.
pub const ALPHA: f64 = 0.05;
