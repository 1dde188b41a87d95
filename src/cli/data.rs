//! `bnes data`: `describe` shows what a data file holds and how it would be taken; `fetch` is a file of its own.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, anyhow};
use serde::Serialize;
use serde_json::{Map, Value, json};

#[cfg(feature = "fetch")]
use super::fetch::{FetchArgs, fetch};
use crate::config::{Experiment, Overrides};
use crate::data::{Description, Doubt, Source};
use crate::report;

/// What can be done with data.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum DataCommand {
    /// Columns, types as taken, missing cells, levels, classes, and what would be left out
    Describe(DescribeArgs),
    /// Download a public data set: mnist, fashion-mnist, adult, california-housing, proben1
    #[cfg(feature = "fetch")]
    Fetch(FetchArgs),
}

/// Arguments of `bnes data describe`.
#[derive(Debug, Clone, clap::Args)]
pub struct DescribeArgs {
    /// A file, a folder of IDX files or a built-in set, as `data.source` names it
    #[arg(value_name = "PATH")]
    pub source: String,
    /// The column to predict; may be given several times for a regression [default: the last]
    #[arg(long, value_name = "COLUMN")]
    pub target: Vec<String>,
    /// Set any other key of `[data]`, such as --set data.split.test=0.3
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// For people, or all of it for programs
    #[arg(long, value_enum, default_value = "table")]
    pub format: DescribeFormat,
}

/// How a description is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DescribeFormat {
    /// Aligned columns.
    Table,
    /// One object.
    Json,
}

/// A description and what a training would make of the data.
#[derive(Serialize)]
struct Described<'a> {
    #[serde(flatten)]
    description: Description,
    /// Rows, inputs and splits, as `bnes run` says them; none where it cannot be trained on.
    summary: Option<&'a String>,
    /// Why it cannot be trained on as it is.
    error: Option<&'a String>,
}

/// Describes data or fetches some.
///
/// # Errors
/// Where an option or the data is at fault, a set cannot be had, or `out` cannot be written.
pub fn data(command: &DataCommand, out: &mut dyn Write) -> Result<()> {
    match command {
        DataCommand::Describe(args) => describe(args, out),
        #[cfg(feature = "fetch")]
        DataCommand::Fetch(args) => fetch(args, out),
    }
}

/// Reads the data as a config would and prints what it holds.
fn describe(args: &DescribeArgs, out: &mut dyn Write) -> Result<()> {
    let experiment = experiment(args)?;
    let first = experiment.trainings.first();
    let config = first.ok_or_else(|| anyhow!("a config without a training"))?.config;
    let source = Source::open(&config.data, &experiment.base)?;
    let mut description = source.describe(&config.data);
    let outcome = match source.into_dataset(&config.data, config.split_seed()) {
        Ok(dataset) => {
            let new = |doubt: &Doubt| !description.doubts.contains(doubt);
            let doubts: Vec<Doubt> = dataset.doubts.into_iter().filter(new).collect();
            description.doubts.extend(doubts);
            Ok(dataset.summary)
        }
        Err(error) => Err(error.to_string()),
    };
    description.doubts.sort_by_key(|doubt| doubt.weight);
    let text = match args.format {
        DescribeFormat::Table => {
            report::data::description(&description, &outcome, super::output::columns())
        }
        DescribeFormat::Json => {
            let (summary, error) = (outcome.as_ref().ok(), outcome.as_ref().err());
            report::json::json(&Described { description, summary, error })?
        }
    };
    super::output::print(out, &text)
}

/// The config that the command line amounts to, so that data is taken here as it is there.
pub(super) fn experiment(args: &DescribeArgs) -> Result<Experiment> {
    let mut data = Map::new();
    data.insert("source".to_owned(), json!(args.source));
    match &args.target[..] {
        [] => {}
        [one] => _ = data.insert("target".to_owned(), json!(one)),
        several => _ = data.insert("target".to_owned(), json!(several)),
    }
    let config = json!({ "name": "data", "data": Value::Object(data) });
    let overrides = Overrides { set: args.set.clone(), seeds: None };
    let text = config.to_string();
    Ok(Experiment::parse("describe.json", &text, Path::new(""), &overrides)?)
}
