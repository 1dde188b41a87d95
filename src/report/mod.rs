//! A comparison or a replay as text for people, Markdown for reviews, CSV or JSON for programs.
//!
//! No figure is computed here and no file written: a report is a string.

pub mod csv;
pub mod data;
pub mod effective;
pub mod json;
pub mod markdown;
mod naming;
pub mod plan;
pub mod replay;
mod robust;
pub mod status;
mod table;
mod tables;
pub mod text;
