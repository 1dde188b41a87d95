//! `bnes compare`: puts results side by side.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::compared::{LeftOut, filter, means, on_every_core, table_of};
use super::compared_logs::{self, LogArgs};
use super::exit::UsageError;
use super::gate::{self, GateArgs};
use super::{output, paper};
use crate::compare::curves::CurveOf;
use crate::compare::speed::{Speed, Target};
use crate::compare::{CompareError, Filter, Margin, Options};
use crate::config::{Experiment, Overrides};
use crate::history::TEST_PREFIX;
use crate::report;
use crate::report::plot::COLUMN;
use crate::report::{Format, Style, sentences};
use crate::results::LoadedExperiment;
use crate::storage::atomic::write_with;

/// Arguments of `bnes compare`.
#[derive(Debug, Clone, clap::Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct CompareArgs {
    /// Results directories, experiments' directories or trainings' directories; logs of other tools. Of experiments without a
    /// matrix, those at the first path are what the others are held against.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print the comparison. CSV holds the arms, a row per arm and metric; the differences,
    /// what stopping saved and gates are in JSON and Markdown, too.
    #[arg(long, default_value = "table", value_parser = formats())]
    pub format: &'static Format,
    /// Write the comparison to this file, whole, instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Also write every curve of the arms compared into one long CSV file.
    #[arg(long, value_name = "FILE")]
    pub curves: Option<PathBuf>,
    /// Also write what a paper takes into this folder: `table.tex`, `table.md`, `runs.csv` with a row per arm and
    /// seed, `curves.svg`, `methods.md`, `citation.bib`. What was written there before is replaced, other files stay.
    #[arg(long, value_name = "DIR")]
    pub paper: Option<PathBuf>,
    /// Show seconds in CSV, Markdown and --curves too, which leave them out so that the same
    /// trainings give the same bytes.
    #[arg(long)]
    pub clocks: bool,
    /// The metric of the verdict; default: `test_loss`, without test split `val_loss`.
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// Only arms with this level of a factor, for gates too: its name, or its value in TOML; of a
    /// table the keys that tell. May be given several times.
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = filter)]
    pub filters: Vec<Filter>,
    /// Show how soon trainings reach this value of a column, and how low their curves are on the
    /// whole: `val_loss=0.1`, or `val_loss` for what the worse arm reaches.
    #[arg(long, value_name = "COLUMN[=VALUE]", value_parser = target)]
    pub target: Option<Target>,
    /// Also show the median difference and the ratio of means of each effect with bootstrap
    /// intervals, which suppose no normal distribution; from 10 pairs. JSON always has them.
    #[arg(long)]
    pub robust: bool,
    /// Show every pair of levels of a factor, instead of each level against the first. Holm's correction
    /// is over all of them.
    #[arg(long)]
    pub all_pairs: bool,
    /// The smallest difference that matters, in the metric's unit (`0.01`) or as a share of the first level's
    /// mean (`5%`): a difference that is shown to be smaller is called one that does not matter.
    #[arg(long, value_name = "MARGIN", value_parser = margin)]
    pub margin: Option<Margin>,
    /// Limits that the results have to keep.
    #[command(flatten)]
    pub gates: GateArgs,
    /// How logs of other tools are compared.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// The names of the formats there are.
fn formats() -> impl TypedValueParser<Value = &'static Format> {
    let known =
        report::FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.help));
    let format = |name: String| report::format(&name).ok_or("there is no such format");
    PossibleValuesParser::new(known).try_map(format)
}

pub(super) fn margin(text: &str) -> Result<Margin, String> {
    let (number, is_share) = match text.trim().strip_suffix('%') {
        Some(number) => (number, true),
        None => (text, false),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 && is_share => {
            Ok(Margin::Share(value / 100.0))
        }
        Ok(value) if value.is_finite() && value > 0.0 => Ok(Margin::Absolute(value)),
        _ => Err("expected a number above 0 such as 0.01, or a share such as 5%".to_owned()),
    }
}

fn target(text: &str) -> Result<Target, String> {
    let (column, value) = match text.split_once('=') {
        Some((column, value)) => (column, Some(value)),
        None => (text, None),
    };
    let value = value.map(|value| match value.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("expected COLUMN or COLUMN=NUMBER, such as val_loss=0.1".to_owned()),
    });
    let column = column.trim();
    if column.starts_with(TEST_PREFIX) {
        return Err(format!(
            "`{column}` is a test column, which cannot be a target: a target is held against every epoch, \
             and what is chosen so is tuned to the rows it is measured on; take a column of the \
             validation or the training split, such as val_loss"
        ));
    }
    Ok(Target { column: column.to_owned(), value: value.transpose()? })
}

/// Loads, compares, prints and judges the gates.
///
/// # Errors
/// Where nothing can be loaded or compared, or a file or `out` cannot be written.
pub fn compare(args: &CompareArgs, out: &mut dyn Write) -> Result<ExitCode> {
    on_every_core();
    let gates = args.gates.read()?;
    let (mut experiments, primary) =
        compared_logs::load(&args.paths, &args.logs, args.metric.as_deref())?;
    experiments.iter_mut().for_each(LoadedExperiment::read_test_rows);
    check_outputs(args, &experiments)?;
    let judged = gates.judge(&experiments, &args.filters)?;
    if let Some(dir) = &args.paper {
        paper::check(dir, &experiments)?;
    }
    let options = Options {
        metric: args.metric.clone().or(primary),
        filters: args.filters.clone(),
        no_clocks: !args.clocks && !args.format.with_clocks,
        robust: args.robust || args.format.with_medians,
        margin: args.margin,
        all_pairs: args.all_pairs,
        pairing: args.logs.pairing(),
    };
    let mut comparison = match crate::compare::compare(&experiments, &options) {
        // Nothing to show, and nothing to judge.
        Err(CompareError::NothingDone(_)) if !judged.is_empty() => {
            args.gates.write(&judged)?;
            gate::tell(&judged);
            return Ok(gate::ended(&judged));
        }
        Err(error @ CompareError::NothingDone(_)) => bail!(sentences::error(&error)),
        comparison => comparison?,
    };
    if let Some(target) = &args.target {
        comparison.speed = speed(target, &experiments, args)?;
    }
    comparison.gates = judged;
    if args.format.with_curves {
        let curves = crate::compare::curves::curves(&experiments, &args.filters)?;
        comparison.curves = means(&curves, Some(COLUMN));
    }
    if let Some(dir) = &args.paper {
        paper::write(dir, &paper::files(&experiments, &args.filters, &options)?)?;
    }
    let is_shown = args.output.is_none();
    let style = Style {
        characters: output::characters(),
        width: output::columns().filter(|_| is_shown),
        colour: is_shown && output::is_coloured(),
        medians: args.robust,
    };
    let text = (args.format.write)(&comparison, &style)?;
    if let Some(path) = &args.curves {
        curves(path, &experiments, args)?;
    }
    args.gates.write(&comparison.gates)?;
    match &args.output {
        Some(path) => write_with(path, |file| output::print(file, &text))?,
        None => output::print(out, &text)?,
    }
    out.flush()?;
    // A terminal that has just shown them need not show them twice.
    if !(is_shown && args.format.with_gates && output::columns().is_some()) {
        gate::tell(&comparison.gates);
    }
    Ok(gate::ended(&comparison.gates))
}

/// Reads every training once and holds it against the target.
fn speed(
    target: &Target,
    experiments: &[LoadedExperiment],
    args: &CompareArgs,
) -> Result<Vec<Speed>> {
    let mut curves: Vec<CurveOf> = crate::compare::curves::curves(experiments, &args.filters)?;
    let mut known = HashSet::new();
    curves.retain(|curve| known.insert(curve.training.clone()));
    let mut left_out = LeftOut::default();
    let read = |curve: CurveOf| {
        let table = left_out.unless(table_of(&curve, None))?;
        Some((curve, table))
    };
    let curves: Vec<_> = curves.into_iter().filter_map(read).collect();
    let found = crate::compare::speed::speed(&curves, target);
    if found.is_empty() {
        bail!("no training recorded the column `{}` of --target", target.column);
    }
    Ok(found)
}

/// Refuses to write over what nobody means to lose: the other output, a config, a result.
fn check_outputs(args: &CompareArgs, experiments: &[LoadedExperiment]) -> Result<(), UsageError> {
    let outputs =
        [("--output", &args.output), ("--curves", &args.curves), ("--junit", &args.gates.junit)];
    let outputs: Vec<(&str, &PathBuf)> =
        outputs.iter().filter_map(|(flag, path)| Some((*flag, path.as_ref()?))).collect();
    for (at, (flag, path)) in outputs.iter().enumerate() {
        let same = |(_, other): &&(&str, &PathBuf)| output::place(other) == output::place(path);
        if let Some((other, _)) = outputs[..at].iter().find(same) {
            let told = format!(
                "{other} and {flag} both name {}: give each a file of its own",
                path.display()
            );
            return Err(UsageError(told));
        }
        let of_results =
            experiments.iter().any(|e| output::place(path).starts_with(output::place(&e.path)));
        let what = if path.is_file() && of_results {
            "a file of the results"
        } else if is_config(path) {
            "a config"
        } else {
            continue;
        };
        let told = format!("{flag} names {}, which is {what}: name another file", path.display());
        return Err(UsageError(told));
    }
    Ok(())
}

/// Whether there is an experiment's config at a path.
fn is_config(path: &Path) -> bool {
    let named = path.extension().is_some_and(|ending| ending == "toml" || ending == "json");
    named && Experiment::load(path, &Overrides::default()).is_ok()
}

/// Writes the curves one training at a time: all of them need not fit into memory.
fn curves(path: &Path, experiments: &[LoadedExperiment], args: &CompareArgs) -> Result<()> {
    let curves = crate::compare::curves::curves(experiments, &args.filters)?;
    write_with(path, |out| {
        let mut table = report::curves::Curves::new(&curves, args.clocks, out)?;
        let mut left_out = LeftOut::default();
        for curve in &curves {
            if let Some(epochs) = left_out.unless(table_of(curve, None)) {
                table.push(curve, &epochs)?;
            }
        }
        Ok(table.finish()?)
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::Value;

    use super::*;
    use crate::results::fixtures::{two_by_two_of, write};
    use crate::results::layout::epochs_file;

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
        assert!(table.contains("Better: batch norm instead of no norm"), "{table}");
        let json: Value = serde_json::from_str(&run(&[path, "--format", "json"]).unwrap()).unwrap();
        assert_eq!(json["arms"].as_array().map(Vec::len), Some(4));
        assert_eq!(json["arms"][0]["n"], 10);
        let patience = ["--where", "early_stopping=patience", "--metric", "test_accuracy"];
        let table = run(&[&[path][..], &patience].concat()).unwrap();
        assert!(table.contains("Differences in test_accuracy"), "{table}");
        assert!(!table.contains("averaged over"), "{table}");
    }

    #[test]
    fn a_test_column_is_refused_as_a_target_with_the_reason() {
        let error = run(&["results", "--target", "test_loss=0.05"]).unwrap_err();
        let clap = error.downcast::<clap::Error>().unwrap();
        assert_eq!(clap.exit_code(), 2);
        let told = "`test_loss` is a test column, which cannot be a target";
        assert!(clap.to_string().contains(told), "{clap}");
    }

    #[test]
    fn a_file_takes_the_place_of_standard_output() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &two_by_two_of(3));
        let path = dir.path().to_str().unwrap();
        let file = dir.path().join("arms.csv");
        let output = ["--format", "csv", "--output", file.to_str().unwrap()];
        assert_eq!(run(&[&[path][..], &output].concat()).unwrap(), "");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("experiment,model.norm.kind,early_stopping,n,diverged,metric,"));
        assert!(!text.contains("elapsed_s"), "{text}");
        let with = run(&[path, "--format", "csv", "--clocks"]).unwrap();
        assert!(with.contains(",elapsed_s,"), "{with}");
        let missing = dir.path().join("nowhere").join("a.csv");
        let message = run(&[path, "--output", missing.to_str().unwrap()]).unwrap_err();
        let told = format!(
            "cannot write {}: there is no folder {}: create it first",
            missing.display(),
            dir.path().join("nowhere").display()
        );
        assert_eq!(format!("{message:#}"), told);
    }

    #[test]
    fn an_output_never_takes_the_place_of_a_config_a_result_or_another_output() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &two_by_two_of(3));
        let path = dir.path().to_str().unwrap();
        let config = dir.path().join("a.toml");
        std::fs::write(&config, "data.source = \"digits\"").unwrap();
        let record = dir.path().join("digits").join("experiment.json");
        let new = dir.path().join("new.csv");
        let name = |path: &Path| path.to_str().unwrap().to_owned();
        for (args, told) in [
            (vec!["--output", &name(&config)], "--output names"),
            (vec!["--curves", &name(&record)], "which is a file of the results"),
            (vec!["--output", &name(&new), "--curves", &name(&new)], "both name"),
        ] {
            let before = std::fs::read(&record).unwrap();
            let error = run(&[&[path][..], &args].concat()).unwrap_err();
            assert!(error.is::<UsageError>() && error.to_string().contains(told), "{error}");
            assert_eq!(std::fs::read(&record).unwrap(), before);
            assert!(!new.exists());
        }
        assert_eq!(std::fs::read_to_string(&config).unwrap(), "data.source = \"digits\"");
    }

    #[test]
    fn curves_of_the_arms_compared_go_to_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let experiment = two_by_two_of(3);
        write(dir.path(), &experiment);
        for run in &experiment.runs {
            let text = "epoch,train_loss,val_loss\n1,1.0,1.0\n2,0.5,2.0\n";
            let file = epochs_file(&dir.path().join("digits").join(&run.dir));
            std::fs::write(file, text).unwrap();
        }
        let path = dir.path().to_str().unwrap();
        let file = dir.path().join("curves.csv");
        let curves = ["--curves", file.to_str().unwrap(), "--where", "early_stopping=none"];
        run(&[&[path][..], &curves].concat()).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 1 + 2 * 3 * 2 * 2, "{text}");
        assert!(text.contains("digits,batch,none,2,2,validation,loss,2.0\n"), "{text}");
        std::fs::remove_file(epochs_file(&dir.path().join("digits").join("training-0"))).unwrap();
        run(&[&[path][..], &curves].concat()).unwrap();
        let without = std::fs::read_to_string(&file).unwrap();
        assert_eq!(without.lines().count(), 1 + 2 * (3 * 2 - 1) * 2, "{without}");
        assert!(without.lines().all(|line| text.contains(line)));
    }

    #[test]
    fn a_target_shows_who_reaches_it_first() {
        let dir = tempfile::tempdir().unwrap();
        let experiment = two_by_two_of(3);
        write(dir.path(), &experiment);
        for run in &experiment.runs {
            let text = "epoch,train_loss,val_loss\n1,1.0,1.0\n2,0.5,0.25\n";
            let file = epochs_file(&dir.path().join("digits").join(&run.dir));
            std::fs::write(file, text).unwrap();
        }
        let path = dir.path().to_str().unwrap();
        let table = run(&[path, "--target", "val_loss=0.5"]).unwrap();
        assert!(table.contains("Reaching val_loss 0.500, over 2 epochs"), "{table}");
        let json = run(&[path, "--target", "val_loss", "--format", "json"]).unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["speed"][0]["target"], 0.25);
        assert_eq!(json["speed"][0]["cells"][1]["epochs_to_target"], serde_json::json!([2, 2, 2]));
        let missing = run(&[path, "--target", "val_f1"]).unwrap_err();
        assert!(missing.to_string().contains("`val_f1`"), "{missing}");
        assert!(run(&[path, "--target", "val_loss=low"]).is_err());
    }

    #[test]
    fn what_is_asked_wrongly_is_refused() {
        assert!(
            run(&["results", "--where", "batch"]).unwrap_err().to_string().contains("KEY=VALUE")
        );
        assert!(run(&["results", "--format", "yaml"]).is_err());
        assert!(run(&["nowhere"]).unwrap_err().to_string().contains("no such file"));
        assert!(run(&[]).is_err());
    }
}
