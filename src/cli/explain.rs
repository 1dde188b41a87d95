//! `bnes explain KEY` and `bnes schema`: what there is to know of the keys of a config, for people and for editors.

use std::io::Write;

use anyhow::Result;

use crate::config::schema;
use crate::report;

/// Arguments of `bnes explain`.
#[derive(Debug, Clone, clap::Args)]
pub struct ExplainArgs {
    /// A key such as model.norm.momentum, its last part, or a table, whose keys are listed
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
}

/// Prints what a key means.
///
/// # Errors
/// Where there is no such key, or `out` cannot be written.
pub fn explain(args: &ExplainArgs, out: &mut dyn Write) -> Result<()> {
    let columns = super::output::columns();
    let text = report::explain::explain(&schema::reference(), args.key.as_deref(), columns)?;
    super::output::print(out, &text)
}

/// Prints the JSON Schema of a config.
///
/// # Errors
/// Where `out` cannot be written.
pub fn schema(out: &mut dyn Write) -> Result<()> {
    super::output::print(out, &report::json::json(&schema::schema())?)
}
