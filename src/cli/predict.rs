//! `bnes predict`: the weights kept, on other rows.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use super::exit::UsageError;
use super::kept::{KeptArgs, check_output};
use crate::config::training::{Loss, TrainingConfig};
use crate::console::eprintln;
use crate::data::TargetCoding;
use crate::report::predictions::{Predictions, metrics_json, metrics_lines};
use crate::runner::{Compute, DeviceChoice};
use crate::storage::atomic::write_with;
use crate::text::{counted, quoted};

/// Arguments of `bnes predict`.
#[derive(Debug, Clone, clap::Args)]
pub struct PredictArgs {
    /// Which weights.
    #[command(flatten)]
    pub kept: KeptArgs,
    /// The rows: a file or folder of any format that bnes reads, or a built-in set. Columns are found by
    /// their names; others than those trained on are not read
    #[arg(long, value_name = "FILE")]
    pub data: String,
    /// Write the predictions into a file instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Add the probability of each class
    #[arg(long)]
    pub proba: bool,
    /// A line for each row, in the order of the rows
    #[arg(long, value_enum, default_value = "csv")]
    pub format: PredictFormat,
    /// Also write the loss and the metrics into a file, as JSON, where the rows hold the target
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
}

/// How predictions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PredictFormat {
    /// A column for the target, with a line of names.
    Csv,
    /// An object a line.
    Json,
}

/// Predicts, prints, and tells how good it is where the rows hold the target.
///
/// # Errors
/// Where weights or rows cannot be read or do not suit each other, or a file or `out` cannot be written.
pub fn predict(args: &PredictArgs, out: &mut dyn Write) -> Result<()> {
    let kept = args.kept.read()?;
    for (flag, file) in [("--output", &args.output), ("--metrics", &args.metrics)] {
        if let Some(file) = file {
            check_output(flag, file, &kept, Some(&args.data))?;
        }
    }
    let target = &kept.preprocessing.target;
    let are_classes = matches!(target, TargetCoding::Classes { .. });
    if args.proba && !are_classes {
        let message = "--proba is for classes, and the network predicts numbers: leave it out";
        return Err(UsageError(message.to_owned()).into());
    }
    let rows = kept.rows(&args.data)?;
    for note in &rows.notes {
        eprintln(format_args!("note: {note}"));
    }
    let compute = Compute::new(DeviceChoice::Cpu.open()?, 1)?;
    let training = TrainingConfig::default();
    let mut engine = compute.evaluator(&kept.network(&training, &rows.data))?;
    let outputs = kept.evaluate(engine.as_mut(), &rows)?;
    let (loss, with_probabilities) = (kept.loss, args.proba);
    let predictions = Predictions { target, loss, outputs: &outputs, with_probabilities };
    let write = |out: &mut dyn Write| match args.format {
        PredictFormat::Csv => Ok(predictions.csv(out)?),
        PredictFormat::Json => Ok(predictions.json(out)?),
    };
    if let Some(file) = &args.output {
        write_with(file, write)?;
    } else {
        write(out)?;
        // Before what is told of them.
        out.flush()?;
    }
    if args.proba && kept.loss == Loss::Mse {
        eprintln(format_args!(
            "note: trained by squared errors: probabilities are the outputs, which need not lie between 0 and 1 or add up to 1"
        ));
    }
    let undefined = predictions.undefined();
    if undefined > 0 {
        let rows = counted(undefined, "row");
        eprintln(format_args!("warning: {rows} left empty: the network gives no number for them"));
    }
    let Some(measured) = kept.measured(&rows, &outputs) else {
        if let Some(file) = &args.metrics {
            let names = quoted(&target.names());
            let message = format!("{} was not written: no row holds {names}", file.display());
            return Err(UsageError(message).into());
        }
        return Ok(());
    };
    eprintln(format_args!(
        "{} with {} by {}:\n{}",
        counted(measured.rows, "row"),
        quoted(&target.names()),
        kept.file.display(),
        metrics_lines(&measured).trim_end()
    ));
    match &args.metrics {
        Some(file) => {
            write_with(file, |out| Ok(out.write_all(metrics_json(&measured).as_bytes())?))
        }
        None => Ok(()),
    }
}
