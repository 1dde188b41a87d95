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

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::Value;

    use super::*;
    use crate::results::fixtures::{two_by_two_of, write};

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: CompareArgs,
    }

    fn run(arguments: &[&str]) -> Result<String> {
        let line = Line::try_parse_from([&["bnes"], arguments].concat())?;
        let mut out = Vec::new();
        compare(&line.args, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn files_of_a_two_by_two_design_become_a_table_and_json() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &two_by_two_of(10));
        let path = dir.path().to_str().unwrap();
        let table = run(&[path]).unwrap();
        assert!(table.contains("Better: model.norm.kind batch instead of none"), "{table}");
        let json: Value = serde_json::from_str(&run(&[path, "--format", "json"]).unwrap()).unwrap();
        assert_eq!(json["arms"].as_array().map(Vec::len), Some(4));
        assert_eq!(json["arms"][0]["n"], 10);
        let patience = ["--where", "early_stopping=patience", "--metric", "test_accuracy"];
        let table = run(&[&[path][..], &patience].concat()).unwrap();
        assert!(table.contains("Differences in test_accuracy"), "{table}");
        assert!(!table.contains("averaged over"), "{table}");
    }

    #[test]
    fn what_is_asked_wrongly_is_refused() {
        assert!(
            run(&["results", "--where", "batch"]).unwrap_err().to_string().contains("KEY=VALUE")
        );
        assert!(run(&["results", "--format", "csv"]).is_err());
        assert!(run(&["nowhere"]).unwrap_err().to_string().contains("no such file"));
        assert!(run(&[]).is_err());
    }
}
