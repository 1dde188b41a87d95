//! `bnes replay`: what other stopping rules would have done.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::exit::UsageError;
use super::logs::{Format, NanArgs};
use super::recorded::{self, Recorded, WATCHED};
use super::rule::{Defaults, parse_rules};
use crate::console::eprintln;
use crate::logs::NotANumber;
use crate::replay::{Candidate, RecordedTraining, ReplayError, Replays, RuleOutcome, Summary};
use crate::report::sentences;
use crate::stopping::{Monitored, larger_is_better};
use crate::{history, report};

/// Arguments of `bnes replay`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplayArgs {
    /// Results directories and trainings' directories; logs and stores of other tools, folders of them,
    /// or `-` for standard input.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A rule, as the body of its table: 'kind = "patience", patience = 5'; a list of values is a rule
    /// for each: 'patience = [3, 5, 10]'. May be given several times.
    #[arg(long = "criterion", required = true, value_name = "RULE")]
    pub criteria: Vec<String>,
    /// The column that chooses the best epoch, for rules that name none; default: `val_loss`.
    #[arg(long, value_name = "COLUMN")]
    pub monitor: Option<String>,
    /// Its direction, for rules that name none.
    #[arg(long, value_enum)]
    pub mode: Option<ModeArg>,
    /// How to print the replay. The table is of the rules over all trainings; JSON and CSV hold a
    /// row per training and rule.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Show in the table a row per training and rule too, which it does of itself for one training
    /// or one rule.
    #[arg(long)]
    pub rows: bool,
    /// What a NaN is.
    #[command(flatten)]
    pub nan: NanArgs,
}

/// The direction of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ModeArg {
    /// By the column's name.
    Auto,
    /// Smaller is better.
    Min,
    /// Larger is better.
    Max,
}

impl ModeArg {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

impl ReplayArgs {
    /// The rules; `monitor` where neither they nor the command line name a column.
    fn candidates(&self, monitor: Option<&str>) -> Result<Vec<Candidate>> {
        let monitor = self.monitor.as_deref().or(monitor);
        let defaults = Defaults { monitor, mode: self.mode.map(ModeArg::name) };
        let mut candidates = Vec::new();
        for text in &self.criteria {
            candidates.extend(parse_rules(text, defaults)?);
        }
        Ok(candidates)
    }

    /// The rules, each once, and the place of each among all that were given.
    fn asked(&self) -> Result<(Vec<Candidate>, Vec<usize>)> {
        let (mut candidates, mut kept): (Vec<Candidate>, Vec<usize>) = (Vec::new(), Vec::new());
        for (at, candidate) in self.candidates(None)?.into_iter().enumerate() {
            if candidates.contains(&candidate) {
                eprintln(format_args!("note: {} is asked once", candidate.label));
            } else {
                candidates.push(candidate);
                kept.push(at);
            }
        }
        Ok((candidates, kept))
    }

    /// The rules as they are asked of a training: what watches `val_loss` by default watches what stands for it
    /// where there is none, and a direction that the log tells is taken.
    fn candidates_of(
        &self,
        training: &Recorded,
        asked: &[Candidate],
        kept: &[usize],
    ) -> Result<Vec<Candidate>> {
        let mut own = asked.to_vec();
        // Where no column is named, the framework's own rule watches what its tool does.
        for (at, one) in own.iter_mut().enumerate() {
            let column = one.rule.criterion.inner().column_of_its_tool(&training.watched);
            let column = column.filter(|column| training.table.column(column).is_some());
            if let Some(column) = column.filter(|_| self.monitor.is_none()) {
                one.rule = self.candidates(Some(column))?.swap_remove(kept[at]).rule;
            }
        }
        let is_watched = |one: &Candidate| one.rule.monitored.column == WATCHED;
        if training.table.column(WATCHED).is_none()
            && self.monitor.is_none()
            && own.iter().any(is_watched)
        {
            match training.stand_ins.as_slice() {
                [] => {}
                [only] => {
                    let others = self.candidates(Some(only))?;
                    let others = kept.iter().map(|at| &others[*at]);
                    for (one, other) in
                        own.iter_mut().zip(others).filter(|(one, _)| is_watched(one))
                    {
                        one.rule = other.rule.clone();
                    }
                }
                several => {
                    let names: Vec<&str> = several.iter().map(String::as_str).collect();
                    return Err(UsageError(format!(
                        "no column `{WATCHED}`, but several that may stand for it: {}; --monitor takes one",
                        crate::text::quoted(&names)
                    ))
                    .into());
                }
            }
        }
        for Candidate { rule, .. } in &mut own {
            if !training.watched.is_empty() {
                rule.watch(&training.watched);
            }
            let told = training.directions.iter().find(|(name, _)| *name == rule.monitored.column);
            if let Some((_, maximize)) = told.filter(|_| rule.is_undirected) {
                (rule.monitored.maximize, rule.is_undirected) = (*maximize, false);
            }
        }
        Ok(own)
    }
}

/// In which direction a rule takes a column, where that is not plain: against the column's name, as
/// some frameworks do unless told, or by the name of a column that is none of ours.
fn note_direction(candidate: &Candidate, is_told: bool) -> Option<String> {
    let Monitored { column, maximize } = &candidate.rule.monitored;
    let is_plain = is_told || history::is_ours(column);
    let (taken, other) = if *maximize { ("larger", "min") } else { ("smaller", "max") };
    let is_reversed = larger_is_better(column).is_some_and(|larger| larger != *maximize);
    (is_reversed || !is_plain).then(|| {
        format!(
            "note: {} takes {taken} values of {column} for better ones; mode = \"{other}\" reverses that",
            candidate.label
        )
    })
}

/// What is said of many trainings, once each.
#[derive(Default)]
struct Notes {
    /// The first training that it is said of, and of how many.
    said: Vec<(String, String, usize)>,
    alone: Vec<String>,
}

impl Notes {
    fn add(&mut self, path: &str, training: &Recorded, asked: &[Candidate], own: &[Candidate]) {
        let moved = asked.iter().zip(own).find(|(a, b)| {
            let column = &a.rule.monitored.column;
            *column != b.rule.monitored.column && training.table.column(column).is_none()
        });
        let moved = moved.map(|(asked, own)| {
            format!(
                "no column `{}`: `{}` is monitored",
                asked.rule.monitored.column, own.rule.monitored.column
            )
        });
        let watched = |name: &str| own.iter().any(|one| one.rule.monitored.column == name);
        let derived = training.derived.iter().filter(|(name, _)| watched(name));
        let derived = derived.map(|(_, how)| how.clone());
        for note in training.notes.iter().cloned().chain(moved).chain(derived) {
            match self.said.iter_mut().find(|(_, known, _)| *known == note) {
                Some((_, _, count)) => *count += 1,
                None => self.said.push((path.to_owned(), note, 1)),
            }
        }
    }

    fn once(&mut self, note: String) {
        if !self.alone.contains(&note) {
            self.alone.push(note);
        }
    }

    fn tell(&self) {
        for (path, note, count) in &self.said {
            let more =
                if *count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
            eprintln(format_args!("note: {path}{more}: {note}"));
        }
        self.alone.iter().for_each(eprintln);
    }
}

/// Reads curves, asks the rules and prints; gives what could not be read, a message each.
///
/// # Errors
/// Where a rule or a path cannot be read, a column is missing, or `out` cannot be written.
pub fn replay(args: &ReplayArgs, out: &mut dyn Write) -> Result<Vec<String>> {
    let (candidates, kept) = args.asked()?;
    let mut replays = Replays::new(&candidates);
    let mut trainings = 0;
    let mut known = HashSet::new();
    let mut damaged: Vec<anyhow::Error> = Vec::new();
    let mut notes = Notes::default();
    let is_told = matches!(args.mode, Some(ModeArg::Min | ModeArg::Max));
    for path in &args.paths {
        let recorded = match recorded::at(path, args.nan.meaning()) {
            Ok(recorded) => recorded,
            Err(error) => {
                damaged.push(error);
                continue;
            }
        };
        for training in recorded {
            let training = match training {
                Ok(training) => training,
                Err(error) => {
                    damaged.push(error);
                    continue;
                }
            };
            let path = &training.name;
            // Twice the same is no second training.
            if !known.insert(training.place.clone()) {
                eprintln(format_args!("note: {path} is replayed once"));
                continue;
            }
            let own = match args.candidates_of(&training, &candidates, &kept) {
                Ok(own) => own,
                Err(error) => {
                    damaged.push(error.context(path.clone()));
                    continue;
                }
            };
            let is_empty = |one: &&Candidate| {
                let cells = training.table.column(&one.rule.monitored.column);
                cells.is_some_and(|cells| cells.iter().all(Option::is_none))
                    && !training.table.is_empty()
            };
            if let Some(one) = own.iter().find(is_empty) {
                let told = format!(
                    "{path}: `{}` has no value in any epoch, as where nothing is validated",
                    one.rule.monitored.column
                );
                damaged.push(UsageError(told).into());
                continue;
            }
            let asked = RecordedTraining {
                path,
                table: &training.table,
                truncated: training.truncated,
                cell: &training.cell,
                declared: &training.declared,
                counter: training
                    .counter
                    .as_ref()
                    .map(|(name, cells)| (name.as_str(), cells.as_slice())),
            };
            if let Err((label, error)) = replays.add(&asked, &own) {
                let monitored = own.iter().find(|one| one.label == label);
                let monitored = monitored.map(|one| one.rule.monitored.column.as_str());
                let error = reason(error, &training.not_numeric, monitored);
                damaged.push(error.context(format!("{path}: {label}")));
                continue;
            }
            notes.add(path, &training, &candidates, &own);
            own.iter()
                .filter_map(|one| note_direction(one, is_told))
                .for_each(|note| notes.once(note));
            trainings += 1;
        }
    }
    if trainings == 0 {
        let mut damaged = damaged.into_iter();
        let Some(first) = damaged.next() else {
            bail!("nothing to replay: no training has ended yet");
        };
        for error in damaged {
            eprintln(format_args!("warning: not replayed: {error:#}"));
        }
        return Err(first);
    }
    notes.tell();
    let damaged = damaged.iter().map(|error| format!("{error:#}")).collect();
    let summary = replays.summarize();
    let text = printed(args, &summary, trainings, candidates.len())?;
    super::output::print(out, &text)?;
    Ok(damaged)
}

/// The replay in the format asked for.
fn printed(args: &ReplayArgs, summary: &Summary, trainings: usize, rules: usize) -> Result<String> {
    let text = match args.format {
        Format::Table => {
            let mut tables = Vec::new();
            if args.rows || trainings == 1 || rules == 1 {
                tables.push(report::replay::rows(&summary.rows, super::output::columns()));
            }
            if trainings > 1 || rules > 1 {
                tables.push(report::replay::rules(summary, super::output::columns()));
            }
            tables.join("\n")
        }
        Format::Csv => report::replay::csv(summary)?,
        Format::Json => {
            let rows: Vec<&RuleOutcome> = summary.rows.iter().map(|row| &row.outcome).collect();
            report::json::json(&rows)?
        }
    };
    if args.format != Format::Table {
        // What the table says beneath itself.
        for finding in &summary.findings {
            eprintln(format_args!("note: {}", sentences::replay(finding)));
        }
    }
    Ok(text)
}

/// Why a column is not there, which may be one that holds something else than numbers, and what to do where
/// an option helps.
fn reason(
    error: ReplayError,
    not_numeric: &[NotANumber],
    monitored: Option<&str>,
) -> anyhow::Error {
    if let ReplayError::NoDirection { column } = &error {
        let advice = if monitored == Some(column) {
            "give --mode max or --mode min, or the rule its own mode"
        } else {
            "monitor this column and give the rule a mode"
        };
        return UsageError(format!("{error}: {advice}")).into();
    }
    let ReplayError::NoColumn { column: missing, .. } = &error else { return error.into() };
    let cell = not_numeric.iter().find(|problem| problem.column == *missing);
    match cell {
        Some(cell) => cell.clone().into(),
        None if monitored == Some(missing) => {
            UsageError(format!("{error}; --monitor takes another one")).into()
        }
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::results;
    use crate::results::fixtures::{two_by_two, write};

    const KERAS: &str = "epoch,accuracy,loss,val_accuracy,val_loss\n\
                         0,0.5,1.0,0.5,1.0\n1,0.6,0.9,0.6,0.5\n2,0.7,0.8,0.7,0.75\n\
                         3,0.8,0.7,0.8,0.75\n4,0.9,0.6,0.9,0.25\n";

    fn args(path: &Path, criterion: &str) -> ReplayArgs {
        ReplayArgs {
            paths: vec![path.to_owned()],
            criteria: vec![criterion.to_owned()],
            monitor: None,
            mode: None,
            format: Format::Json,
            rows: false,
            nan: NanArgs::default(),
        }
    }

    fn replayed(args: &ReplayArgs) -> Value {
        let mut out = Vec::new();
        replay(args, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn the_direction_of_a_column_that_is_none_of_ours_is_said() {
        let note = |monitor: &str, mode: Option<ModeArg>| {
            let mut args = args(Path::new("log.csv"), "kind = \"patience\"");
            (args.monitor, args.mode) = (Some(monitor.to_owned()), mode);
            let candidates = args.candidates(None).unwrap();
            note_direction(&candidates[0], mode.is_some())
        };
        let said = note("val_acc", None).unwrap();
        assert!(said.contains("takes larger values of val_acc for better ones"), "{said}");
        let said = note("val_ppl", None).unwrap();
        assert!(said.contains("smaller values of val_ppl") && said.contains("\"max\""), "{said}");
        assert_eq!(note("val_quality", Some(ModeArg::Min)), None);
        for ours in
            ["loss", "val_loss", "val_accuracy", "train_loss_eval", "grad_norm", "elapsed_s"]
        {
            assert_eq!(note(ours, None), None, "{ours}");
        }
    }

    #[test]
    fn a_keras_log_is_replayed_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        std::fs::write(&path, KERAS).unwrap();
        let rows = replayed(&args(&path, "kind = \"patience\", patience = 2"));
        assert_eq!(
            rows,
            json!([{"path": path.display().to_string(), "criterion": "patience(patience=2)",
                "monitor": "val_loss", "stop_epoch": 4, "stop_reason": "patience",
                "best_epoch": 2, "best_value": 0.5, "epochs": 4, "epochs_saved": 1.0 - 0.8,
                "regret": 0.25, "truncated": false}])
        );
        let mut by_accuracy = args(&path, "kind = \"patience\", patience = 2");
        by_accuracy.monitor = Some("val_accuracy".to_owned());
        assert_eq!(replayed(&by_accuracy)[0]["best_epoch"], 5);
    }

    #[test]
    fn a_results_directory_is_replayed_training_by_training() {
        let dir = tempfile::tempdir().unwrap();
        let mut experiment = two_by_two();
        experiment.runs[1].record.status = results::Status::Stopped;
        write(dir.path(), &experiment);
        for run in &experiment.runs {
            let text = "epoch,train_loss,val_loss\n1,1.0,1.0\n2,0.5,2.0\n";
            std::fs::write(dir.path().join("digits").join(&run.dir).join("epochs.csv"), text)
                .unwrap();
        }
        let rows = replayed(&args(dir.path(), "kind = \"patience\", patience = 1"));
        assert_eq!(rows.as_array().map(Vec::len), Some(16));
        assert_eq!((&rows[0]["truncated"], &rows[1]["truncated"]), (&json!(false), &json!(true)));
        assert_eq!(rows[0]["stop_epoch"], 2);
        let one = dir.path().join("digits").join("training-1");
        let row = replayed(&args(&one, "kind = \"none\""));
        assert_eq!((&row[0]["stop_epoch"], &row[0]["truncated"]), (&Value::Null, &json!(true)));
        // Its file of curves alone tells the same.
        let file = one.join("epochs.csv");
        let mut of_file = replayed(&args(&file, "kind = \"none\""));
        assert_eq!(of_file[0]["path"], file.display().to_string());
        of_file[0]["path"] = row[0]["path"].clone();
        assert_eq!(of_file, row);
    }

    #[test]
    fn a_training_that_is_named_twice_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        std::fs::write(&path, KERAS).unwrap();
        let mut twice = args(&path, "kind = \"patience\", patience = [1, 2]");
        twice.paths.push(dir.path().join(".").join("log.csv"));
        assert_eq!(replayed(&twice).as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_keras_log_has_the_columns_that_its_user_knows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        std::fs::write(&path, KERAS).unwrap();
        let best = |monitor: &str| {
            let rule = format!("kind = \"none\", monitor = \"{monitor}\"");
            replayed(&args(&path, &rule))[0]["best_value"].clone()
        };
        assert_eq!((best("loss"), best("train_loss")), (json!(0.6), json!(0.6)));
        assert_eq!((best("accuracy"), best("train_accuracy")), (json!(0.9), json!(0.9)));
        let rule = "kind = \"threshold\", column = \"loss\", below = 0.85";
        assert_eq!(replayed(&args(&path, rule))[0]["stop_epoch"], 3);
        let error = replay(&args(&path, "kind = \"none\", monitor = \"f1\""), &mut Vec::new());
        let error = format!("{:#}", error.unwrap_err());
        assert!(
            error.ends_with(
                "no column `f1`: the columns are `epoch`, `accuracy`, `loss`, `val_accuracy`, \
                 `val_loss`; --monitor takes another one"
            ),
            "{error}"
        );
    }

    #[test]
    fn a_damaged_training_does_not_stop_the_replay_of_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let experiment = two_by_two();
        write(dir.path(), &experiment);
        let file = |run: &results::LoadedTraining| {
            dir.path().join("digits").join(&run.dir).join("epochs.csv")
        };
        for run in &experiment.runs {
            std::fs::write(file(run), "epoch,train_loss,val_loss\n1,1.0,1.0\n").unwrap();
        }
        std::fs::write(file(&experiment.runs[3]), "epoch,train_loss,val_loss\n1,x,1.0\n").unwrap();
        let mut out = Vec::new();
        let damaged = replay(&args(dir.path(), "kind = \"none\""), &mut out).unwrap();
        let rows: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(rows.as_array().map(Vec::len), Some(15));
        assert_eq!(damaged.len(), 1);
        assert!(
            damaged[0].ends_with("epochs.csv:2: column `train_loss`: `x` is not a number"),
            "{damaged:?}"
        );
    }

    #[test]
    fn a_column_that_is_not_there_names_those_that_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        std::fs::write(&path, "epoch,val_f1,note\n1,0.5,ok\n").unwrap();
        let message = |criterion: &str| {
            format!("{:#}", replay(&args(&path, criterion), &mut Vec::new()).unwrap_err())
        };
        let missing = message("kind = \"patience\"");
        assert!(missing.ends_with(
            "no column `val_loss`: the columns are `epoch`, `val_f1`; --monitor takes another one"
        ));
        let other = message(
            "kind = \"slope\", column = \"f1\", monitor = \"val_f1\", window = 5, min_slope = 0.0",
        );
        assert!(other.ends_with("no column `f1`: the columns are `epoch`, `val_f1`"), "{other}");
        let text = message("kind = \"patience\", monitor = \"note\"");
        assert!(text.ends_with("log.csv:2: column `note`: `ok` is not a number"), "{text}");
    }
}
