//! Results to compare, whoever trained them: those of this program as they are, logs of others as an experiment.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::exit::UsageError;
use super::logs::NanArgs;
use super::recorded::WATCHED;
use super::replay::ModeArg;
use super::rule::{Defaults, parse_rules};
use crate::compare::foreign::{self, Asked, Pattern};
use crate::compare::{PRIMARY, Pairing};
use crate::console::eprintln;
use crate::logs::{self, STDIN, Training};
use crate::replay::Candidate;
use crate::results::{self, LoadedExperiment};
use crate::stopping::{StoppingRule, larger_is_better, metric};
use crate::text::shell_word;

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
    /// Its direction, and that of a --metric whose name tells none
    #[arg(long, value_enum)]
    pub mode: Option<ModeArg>,
    /// Read every training as this stopping rule would have ended it: 'kind = "patience", patience = 5'
    #[arg(long, value_name = "RULE")]
    pub criterion: Option<String>,
    /// Take the trainings of each arm as a sample of their own, with Welch's interval and a permutation of the labels,
    /// where seeds do not pair
    #[arg(long)]
    pub unpaired: bool,
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

/// By what trainings are read, and what is compared of them.
struct Reading {
    rule: StoppingRule,
    /// The rule, for people.
    label: String,
    /// Columns with whether larger values are better.
    directions: Vec<(String, bool)>,
}

impl LogArgs {
    /// The options that were given, as words of a shell.
    pub(super) fn words(&self) -> Vec<String> {
        let given = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("--{name} {}", shell_word(value)))
        };
        let mut words: Vec<String> = given("seed-key", &self.seed_key).into_iter().collect();
        words.extend(self.factors.iter().map(|key| format!("--factor {}", shell_word(key))));
        let pattern = self.pattern.as_ref().map(ToString::to_string);
        words.extend(given("pattern", &pattern));
        words.extend((self.at == At::Last).then(|| "--at last".to_owned()));
        words.extend(given("monitor", &self.monitor));
        words.extend(self.mode.map(|mode| format!("--mode {}", mode.name())));
        words.extend(given("criterion", &self.criterion));
        words.extend(self.unpaired.then(|| "--unpaired".to_owned()));
        words.extend(self.nan.nan.map(|nan| {
            format!(
                "--nan {}",
                if nan == super::logs::NanArg::Missing { "missing" } else { "diverged" }
            )
        }));
        words
    }

    /// How trainings are held against each other.
    pub(super) fn pairing(&self) -> Pairing {
        if self.unpaired { Pairing::Unpaired } else { Pairing::BySeed }
    }

    /// The rule by which trainings are read; `metric` is asked for beside the monitored column.
    fn reading(&self, trainings: &[Training], metric: Option<&str>) -> Result<Reading> {
        let has = |column: &str| trainings.iter().any(|one| one.table.column(column).is_some());
        let text = self.criterion.as_deref().unwrap_or("kind = \"none\"");
        let of_tool = parse_rules(text, Defaults::default())?;
        let watched = trainings.first().map(|one| one.watched.as_slice()).unwrap_or_default();
        let of_tool =
            of_tool.iter().find_map(|one| one.rule.criterion.inner().column_of_its_tool(watched));
        let monitor = match &self.monitor {
            Some(monitor) => monitor.clone(),
            None if of_tool.is_some_and(has) => of_tool.unwrap_or_default().to_owned(),
            None if has(WATCHED) => WATCHED.to_owned(),
            None => stand_in(trainings)?,
        };
        let mut directions = told(trainings)?;
        let is_told = |column: &str| {
            larger_is_better(column).is_some() || directions.iter().any(|(name, _)| name == column)
        };
        let of_mode = match self.mode {
            Some(ModeArg::Min) => Some(false),
            Some(ModeArg::Max) => Some(true),
            Some(ModeArg::Auto) | None => None,
        };
        let untold = metric.filter(|metric| *metric != monitor && has(metric) && !is_told(metric));
        match (untold, of_mode) {
            (Some(metric), None) => bail!(UsageError(without_direction(metric))),
            (Some(metric), Some(larger)) => directions.push((metric.to_owned(), larger)),
            (None, _) => {}
        }
        // A mode that the metric needs is not about a column that nobody named.
        let mode = self.mode.filter(|_| untold.is_none() || self.monitor.is_some());
        let by_log = directions.iter().find(|(name, _)| *name == monitor);
        let by_log = by_log.map(|(_, larger)| if *larger { "max" } else { "min" });
        let defaults =
            Defaults { monitor: Some(&monitor), mode: mode.map(ModeArg::name).or(by_log) };
        let mut rules = parse_rules(text, defaults)?;
        if rules.len() != 1 {
            bail!(UsageError(
                "--criterion takes one rule here, without lists of values".to_owned()
            ));
        }
        let Candidate { label, mut rule } = rules.remove(0);
        rule.restore_best = self.at == At::Best;
        let columns: Vec<&str> = trainings.iter().flat_map(Training::columns).collect();
        // What is not there has no direction to tell; that it is not there is said of all logs.
        let is_there = has(&rule.monitored.column);
        if let Some(column) = rule.undirected(&columns).filter(|_| is_there) {
            bail!(UsageError(without_direction(column)));
        }
        let monitored = &rule.monitored;
        directions.retain(|(name, _)| *name != monitored.column);
        directions.push((monitored.column.clone(), monitored.maximize));
        Ok(Reading { rule, label, directions })
    }
}

fn without_direction(column: &str) -> String {
    format!(
        "the name `{column}` does not tell whether larger or smaller values are better: say --mode max or --mode min"
    )
}

/// The columns of which logs say whether larger is better.
fn told(trainings: &[Training]) -> Result<Vec<(String, bool)>> {
    let mut found: Vec<(String, bool)> = Vec::new();
    for training in trainings {
        for (name, larger) in &training.directions {
            match found.iter().find(|(known, _)| known == name) {
                None => found.push((name.clone(), *larger)),
                Some((_, known)) if known == larger => {}
                Some(_) => bail!(UsageError(format!(
                    "larger values of `{name}` are better in some of these logs and worse in others: compare them one \
                     by one"
                ))),
            }
        }
    }
    Ok(found)
}

/// Logs that call the validation loss differently are compared by one name, where each has one column for it, and all of
/// these are losses or the same metric of sets with names of their own.
fn by_one_name(trainings: &mut [Training]) -> Result<()> {
    let lacks = |one: &Training| one.table.column(WATCHED).is_none();
    let others: Vec<(&str, Vec<String>)> = trainings
        .iter()
        .filter(|one| lacks(one))
        .map(|one| (one.name.as_str(), one.stand_ins()))
        .collect();
    let names: HashSet<&str> =
        others.iter().flat_map(|(_, stand_ins)| stand_ins).map(String::as_str).collect();
    let is_mixed = others.len() < trainings.len();
    if others.is_empty() || (names.len() < 2 && !is_mixed) {
        return Ok(());
    }
    if let Some((name, several)) = others.iter().find(|(_, stand_ins)| stand_ins.len() != 1) {
        if !is_mixed {
            return Ok(());
        }
        let several: Vec<&str> = several.iter().map(String::as_str).collect();
        let told = match several.as_slice() {
            [] => "and none that may stand for it".to_owned(),
            several => format!("but {} may stand for it", crate::text::quoted(several)),
        };
        bail!(UsageError(format!(
            "{name}: no column `{WATCHED}`, which others have, {told}: --monitor takes one that all have"
        )));
    }
    let is_loss = |one: &Training| {
        let losses = one.validation_losses();
        one.stand_ins().iter().all(|name| losses.contains(&name.as_str()))
    };
    let metrics: HashSet<Vec<String>> = names.iter().map(|name| metric(name)).collect();
    let are_losses = trainings.iter().filter(|one| lacks(one)).all(is_loss);
    if are_losses || (metrics.len() == 1 && !is_mixed) {
        for training in trainings.iter_mut().filter(|one| lacks(one)) {
            training.call_validation_loss(WATCHED);
        }
    }
    Ok(())
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
            let columns = trainings.iter().flat_map(Training::columns);
            let columns: std::collections::BTreeSet<&str> =
                columns.filter(|column| logs::is_measure(column)).collect();
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
                // A log that several arguments name is one.
                let known: HashSet<PathBuf> = trainings.iter().map(Training::full_path).collect();
                let of_path = found.trainings.into_iter();
                trainings.extend(of_path.filter(|one| !known.contains(&one.full_path())));
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
        if args.monitor.is_none() {
            by_one_name(&mut trainings)?;
        }
        let Reading { rule, label, directions } = args.reading(&trainings, metric)?;
        let has = |column: &str| {
            trainings.iter().any(|one| one.table.column_of_its_own(column).is_some())
        };
        if experiments.is_empty() && ![PRIMARY, WATCHED].iter().any(|column| has(column)) {
            primary = Some(rule.monitored.column.clone());
        }
        let column = &rule.monitored.column;
        let kept = match args.at {
            At::Best => format!("best {column}"),
            At::Last => "last epoch".to_owned(),
        };
        let kept = if rule.is_none() { kept } else { format!("{kept} under {label}") };
        let asked = Asked {
            seed_key: args.seed_key.clone(),
            factors: args.factors.clone(),
            pattern: args.pattern.clone(),
            rule,
            kept,
            metric: metric.map(str::to_owned),
            directions,
            unpaired: args.unpaired,
        };
        let shown = metric.or(primary.as_deref()).unwrap_or(PRIMARY).to_owned();
        let monitored = asked.rule.monitored.column.clone();
        let derived = trainings.iter().flat_map(|one| {
            [&monitored, &shown].into_iter().filter_map(|column| one.how_derived(column))
        });
        let derived: std::collections::BTreeSet<String> = derived.map(str::to_owned).collect();
        let made = foreign::experiment(trainings, &asked);
        let mut experiment = made.map_err(|error| UsageError(error.to_string()))?;
        experiment.warnings.extend(derived);
        experiment.warnings.extend(problems.iter().map(|error| format!("{error}: left out")));
        experiments.push(experiment);
    }
    Ok((experiments, primary))
}
