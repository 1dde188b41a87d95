//! A comparison or a replay as text for people or JSON for programs.
//!
//! No figure is computed here and no file written: a report is a string.

pub mod json;
mod naming;
pub mod replay;
pub mod status;
mod table;
pub mod text;
