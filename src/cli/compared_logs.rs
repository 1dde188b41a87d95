//! Results to compare, whoever trained them: those of this program as they are, logs of others as an experiment.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::exit::UsageError;
use super::logs::NanArgs;
use super::recorded::WATCHED;
use super::replay::ModeArg;
use super::rule::{Defaults, parse_rules};
use crate::compare::PRIMARY;
use crate::compare::foreign::{self, Asked, Pattern};
use crate::console::eprintln;
use crate::logs::{self, STDIN, Training};
use crate::results::{self, LoadedExperiment};
use crate::stopping::larger_is_better;

/// How logs of other tools are compared; results of bnes say it themselves.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Logs of other tools")]
pub struct LogArgs {
    /// The parameter that pairs trainings; default: seed, `random_seed`, `random_state` or `manual_seed`
    #[arg(long, value_name = "KEY")]
    pub seed_key: Option<String>,
    /// A parameter that is a factor; default: all that vary, but for those that name the run
    #[arg(long = "factor", value_name = "KEY")]
    pub factors: Vec<String>,
    /// Parameters in paths or names, seed included: 'runs/{norm}/seed{seed}/metrics.csv'
    #[arg(long, value_name = "PATTERN")]
    pub pattern: Option<Pattern>,
    /// The epoch whose values are compared: the best of the monitored column, or the last
    #[arg(long, value_enum, default_value = "best")]
    pub at: At,
    /// The column by which the best epoch is chosen; default: the validation loss
    #[arg(long, value_name = "COLUMN")]
    pub monitor: Option<String>,
    /// Its direction
    #[arg(long, value_enum)]
    pub mode: Option<ModeArg>,
    /// Read every training as this stopping rule would have ended it: 'kind = "patience", patience = 5'
    #[arg(long, value_name = "RULE")]
    pub criterion: Option<String>,
    /// What a NaN is
    #[command(flatten)]
    pub nan: NanArgs,
}

/// Which epoch of a training is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum At {
    /// That with the best monitored value
    #[default]
    Best,
    /// The last one
    Last,
}

impl LogArgs {
    /// The rule by which trainings are read.
    fn rule(&self, trainings: &[Training]) -> Result<crate::stopping::StoppingRule> {
        let has = |column: &str| trainings.iter().any(|one| one.table.column(column).is_some());
        let monitor = match &self.monitor {
            Some(monitor) => monitor.clone(),
            None if has(WATCHED) => WATCHED.to_owned(),
            None => stand_in(trainings)?,
        };
        let told =
            trainings.iter().flat_map(|one| &one.directions).find(|(name, _)| *name == monitor);
        let told = told.map(|(_, larger)| if *larger { "max" } else { "min" });
        let told = told.filter(|_| larger_is_better(&monitor).is_none());
        let mode = self.mode.map(ModeArg::name).or(told);
        let defaults = Defaults { monitor: Some(&monitor), mode };
        let text = self.criterion.as_deref().unwrap_or("kind = \"none\"");
        let mut rules = parse_rules(text, defaults)?;
        if rules.len() != 1 {
            bail!(UsageError(
                "--criterion takes one rule here, without lists of values".to_owned()
            ));
        }
        let mut rule = rules.remove(0).rule;
        rule.restore_best = self.at == At::Best;
        if let Some(column) = rule.undirected() {
            bail!(UsageError(format!(
                "the name `{column}` does not tell whether larger or smaller values are better: say --mode max or \
                 --mode min"
            )));
        }
        Ok(rule)
    }
}

/// The one column that is a validation loss, in logs without a `val_loss`.
fn stand_in(trainings: &[Training]) -> Result<String> {
    let mut found: Vec<String> = Vec::new();
    for training in trainings {
        for name in training.stand_ins() {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    match found.as_slice() {
        [only] => {
            eprintln(format_args!("note: no column `{WATCHED}`: `{only}` chooses the best epoch"));
            Ok(only.clone())
        }
        [] => {
            let columns: std::collections::BTreeSet<&str> =
                trainings.iter().flat_map(Training::columns).collect();
            let columns: Vec<&str> = columns.into_iter().collect();
            let told = crate::text::quoted(&columns);
            bail!(UsageError(format!("no column `{WATCHED}`: --monitor takes one of {told}")))
        }
        several => {
            let names: Vec<&str> = several.iter().map(String::as_str).collect();
            let told = crate::text::quoted(&names);
            bail!(UsageError(format!(
                "no column `{WATCHED}`, but several that may stand for it: {told}; --monitor takes one"
            )))
        }
    }
}

/// The experiments at the paths, and the metric of the verdict where the logs call for another than `test_loss`
/// or `val_loss`.
///
/// # Errors
/// Where a path holds nothing, or logs cannot be compared as asked.
pub(super) fn load(
    paths: &[PathBuf],
    args: &LogArgs,
    metric: Option<&str>,
) -> Result<(Vec<LoadedExperiment>, Option<String>)> {
    let is_log = |path: &&PathBuf| {
        path.as_path() == Path::new(STDIN) || (path.exists() && !results::is_ours(path))
    };
    let (logs, mut ours): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(is_log);
    let mut trainings = Vec::new();
    let mut below: Vec<PathBuf> = Vec::new();
    let mut problems = Vec::new();
    for path in logs {
        match crate::logs::read(path, args.nan.meaning()) {
            Ok(found) => {
                trainings.extend(found.trainings);
                problems.extend(found.problems);
                below.extend(found.ours);
            }
            // What is neither is said as it was before there were logs.
            Err(error) if error.fault == logs::Fault::NotALog && paths.len() == 1 => {
                return Ok((results::load(paths)?, None));
            }
            Err(error) => problems.push(error),
        }
    }
    ours.extend(&below);
    if trainings.is_empty() && ours.is_empty() {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        bail!("{}", told.join("\n"));
    }
    let ours: Vec<PathBuf> = ours.into_iter().cloned().collect();
    let mut experiments = if ours.is_empty() { Vec::new() } else { results::load(&ours)? };
    let mut primary = None;
    if trainings.is_empty() {
        if let Some(first) = experiments.first_mut() {
            first.warnings.extend(problems.iter().map(|error| format!("{error}: left out")));
        }
    } else {
        let rule = args.rule(&trainings)?;
        let has = |column: &str| {
            trainings.iter().any(|one| one.table.column_of_its_own(column).is_some())
        };
        if experiments.is_empty() && ![PRIMARY, WATCHED].iter().any(|column| has(column)) {
            primary = Some(rule.monitored.column.clone());
        }
        let shown = metric.or(primary.as_deref());
        if let Some(shown) = shown.filter(|shown| larger_is_better(shown).is_none() && has(shown)) {
            bail!(UsageError(format!(
                "the name `{shown}` does not tell whether larger or smaller values are better: --metric takes a \
                 column whose name does"
            )));
        }
        let asked = Asked {
            seed_key: args.seed_key.clone(),
            factors: args.factors.clone(),
            pattern: args.pattern.clone(),
            rule,
        };
        let made = foreign::experiment(trainings, &asked);
        let mut experiment = made.map_err(|error| UsageError(error.to_string()))?;
        experiment.warnings.extend(problems.iter().map(|error| format!("{error}: left out")));
        experiments.push(experiment);
    }
    Ok((experiments, primary))
}
