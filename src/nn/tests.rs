//! Laws of every engine, and that they agree.

mod agreement;
pub mod golden;
mod resume;
mod same_bytes;
pub mod setup;
mod steps;
