//! `bnes compare`: puts results side by side.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use crate::compare::{Filter, Options};
use crate::{report, results};

/// Arguments of `bnes compare`.
#[derive(Debug, Clone, clap::Args)]
pub struct CompareArgs {
    /// Results directories, experiments' directories or trainings' directories.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print the comparison.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// The metric of the verdict; default: `test_loss`, without test split `val_loss`.
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// Only arms with this level of a factor; may be given several times.
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = filter)]
    pub filters: Vec<Filter>,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns and sentences.
    Table,
    /// For programs.
    Json,
}

fn filter(text: &str) -> Result<Filter, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok(Filter { key: key.trim().to_owned(), value: value.trim().to_owned() })
        }
        _ => Err("expected KEY=VALUE, such as model.norm.kind=batch".to_owned()),
    }
}

/// Loads, compares and prints.
///
/// # Errors
/// Where nothing can be loaded or compared, or `out` cannot be written.
pub fn compare(args: &CompareArgs, out: &mut dyn Write) -> Result<()> {
    let experiments = results::load(&args.paths)?;
    let options = Options { metric: args.metric.clone(), filters: args.filters.clone() };
    let comparison = crate::compare::compare(&experiments, &options)?;
    let text = match args.format {
        Format::Table => report::text::comparison(&comparison, super::width()),
        Format::Json => report::json::json(&comparison)?,
    };
    super::print(out, &text)
}
