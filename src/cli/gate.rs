//! Gates of `bnes compare`, those of configs among them: reads them, judges them, says so and gives the exit code.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};

use super::exit::UsageError;
use super::output;
use crate::compare::gate::{GateResult, Outcome, Reason, arms};
use crate::compare::{BaselineArm, Filter};
use crate::config::decode::decode;
use crate::config::node::{Origin, Source};
use crate::config::parse::parse_toml_body;
use crate::config::{ConfigError, Gate};
use crate::console::eprintln;
use crate::report::junit::junit;
use crate::report::sentences;
use crate::results::layout::{EXPERIMENT_FILE, RUN_FILE};
use crate::results::{self, LoadedExperiment};
use crate::storage::atomic::write_with;

/// A gate failed.
const FAILED: u8 = 3;
/// A gate could not be judged.
const NOT_JUDGED: u8 = 4;

/// The gates beside those of the configs, and how all of them are judged.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Gates")]
pub struct GateArgs {
    /// A limit that the results have to keep, beside the `[[gate]]` tables of their configs:
    /// `metric = "test_accuracy", min = 0.95`, or against other results `metric = "test_loss",
    /// baseline = "DIR", max_increase = 0.02` (a share; `max_rise` and `max_drop` are in the metric's unit); with
    /// `where = { "model.norm.kind" = "batch" }` of some arms alone. May be given several times. Ends
    /// with 3 where a whole 95 % interval lies beyond its limit, with 4 where one cannot be judged.
    #[arg(long = "gate", value_name = "RULE")]
    pub rules: Vec<String>,
    /// What gates on a change that name no `baseline` are held against: what `--format json` wrote of earlier
    /// results
    #[arg(long, value_name = "FILE.json")]
    pub baseline: Option<PathBuf>,
    /// Also write the gates into this file as the tests of a JUnit report
    #[arg(long, value_name = "FILE.xml")]
    pub junit: Option<PathBuf>,
    /// Gates also fail where their interval does not rule a breach out
    #[arg(long)]
    pub strict: bool,
}

/// Gates of the command line, read.
pub(super) struct Gates {
    rules: Vec<Gate>,
    baseline: Option<Vec<BaselineArm>>,
    is_strict: bool,
    /// An option that is about gates, where one was given.
    option: Option<&'static str>,
}

impl GateArgs {
    /// Reads the gates and the baseline.
    ///
    /// # Errors
    /// Where a gate is none, or the baseline cannot be read.
    pub(super) fn read(&self) -> Result<Gates> {
        let parse = |text: &String| parse(text, self.baseline.is_some());
        let options = [("--strict", self.strict), ("--junit", self.junit.is_some())];
        Ok(Gates {
            rules: self.rules.iter().map(parse).collect::<Result<_, _>>()?,
            baseline: self.baseline.as_deref().map(baseline_of_json).transpose()?,
            is_strict: self.strict,
            option: options.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name),
        })
    }

    /// Writes the JUnit report, where one is asked for.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn write(&self, judged: &[GateResult]) -> Result<()> {
        let Some(path) = &self.junit else { return Ok(()) };
        let text = junit(judged)?;
        write_with(path, |file| output::print(file, &text))
    }
}

/// Reads a gate such as `metric = "test_accuracy", min = 0.95`.
fn parse(text: &str, has_baseline: bool) -> Result<Gate, ConfigError> {
    let source =
        Arc::new(Source { name: "--gate".to_owned(), text: text.to_owned(), command_line: true });
    let gate: Gate = decode(&parse_toml_body(&source)?)?;
    let fault = |message: String| ConfigError::at(&Origin::whole(&source), message);
    gate.check().map_err(fault)?;
    if gate.is_relative() && gate.baseline.is_none() && !has_baseline {
        let message = "`max_increase`, `max_decrease`, `max_rise` and `max_drop` need a `baseline`";
        return Err(fault(message.to_owned())
            .help("name results in the gate, baseline = \"DIR\", or give --baseline FILE.json"));
    }
    Ok(gate)
}

impl Gates {
    /// Judges the gates of each config of its own arms, then those of the command line of all, as far as filters
    /// leave them.
    ///
    /// # Errors
    /// Where an option is about gates and there are none, or the baseline that a gate of the command line names
    /// cannot be loaded.
    pub(super) fn judge(
        &self,
        experiments: &[LoadedExperiment],
        filters: &[Filter],
    ) -> Result<Vec<GateResult>> {
        let of_configs = || experiments.iter().flat_map(|one| &one.plan.gates);
        let mut all = of_configs().chain(&self.rules).peekable();
        if let (None, Some(option)) = (all.peek(), self.option) {
            let told = format!(
                "{option} is about gates, and there are none: give a --gate, or the config a [[gate]]"
            );
            return Err(UsageError(told).into());
        }
        let is_held = |gate: &Gate| gate.is_relative() && gate.baseline.is_none();
        if self.baseline.is_some() && !all.any(is_held) {
            eprintln(
                "warning: no gate is held against --baseline: that takes `max_increase`, `max_decrease`, \
                 `max_rise` or `max_drop`, and no `baseline` of its own",
            );
        }
        let mut judged = Vec::new();
        let mut loaded: HashMap<PathBuf, Result<Vec<BaselineArm>, String>> = HashMap::new();
        for experiment in experiments {
            for gate in &experiment.plan.gates {
                let own = gate.baseline.as_deref().map(|path| from_config(experiment, path));
                let own = own.map(|path| {
                    let arms = loaded.entry(path.clone());
                    arms.or_insert_with(|| baseline(&path).map_err(|error| format!("{error:#}")))
                });
                let baseline = match own {
                    None => self.baseline.as_deref(),
                    Some(Ok(arms)) => Some(arms.as_slice()),
                    // The results can be looked at all the same.
                    Some(Err(error)) => {
                        judged.push(gate.not_judged(Reason::DamagedBaseline(error.clone())));
                        continue;
                    }
                };
                judged.extend(gate.judge(std::slice::from_ref(experiment), filters, baseline));
            }
        }
        for gate in &self.rules {
            let own = gate.baseline.as_ref().map(|path| {
                let shown = || format!("the baseline of a gate, {path}");
                baseline(Path::new(path)).with_context(shown)
            });
            let own = own.transpose()?;
            let baseline = own.as_deref().or(self.baseline.as_deref());
            judged.extend(gate.judge(experiments, filters, baseline));
        }
        if self.is_strict {
            judged = judged.into_iter().map(GateResult::strict).collect();
        }
        Ok(judged)
    }
}

/// Says what came of gates, on standard error.
pub(super) fn tell(judged: &[GateResult]) {
    for one in judged {
        eprintln(sentences::gate(one));
    }
}

/// The exit code that they ask for: a gate that failed weighs more than one that could not be judged.
pub(super) fn ended(judged: &[GateResult]) -> ExitCode {
    let any = |of: fn(&Outcome) -> bool| judged.iter().any(|one| of(&one.outcome));
    if any(|outcome| matches!(outcome, Outcome::Failed(_))) {
        ExitCode::from(FAILED)
    } else if any(|outcome| matches!(outcome, Outcome::NotJudged(_))) {
        ExitCode::from(NOT_JUDGED)
    } else {
        ExitCode::SUCCESS
    }
}

/// A path of a config from where the config was, not from where its copy lies beside the results.
fn from_config(experiment: &LoadedExperiment, path: &str) -> PathBuf {
    let config = experiment.plan.source.as_ref().map(|source| experiment.path.join(source));
    config.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).join(path)
}

/// The arms of results, or of the JSON of a comparison.
fn baseline(path: &Path) -> Result<Vec<BaselineArm>> {
    let is_results =
        path.file_name().is_some_and(|name| name == EXPERIMENT_FILE || name == RUN_FILE);
    if path.is_file() && !is_results {
        return baseline_of_json(path);
    }
    let loaded = results::load(&[path.to_owned()])?;
    let arms = arms(&loaded, &[]).map_err(|error| anyhow!(sentences::error(&error)))?;
    Ok(arms.iter().map(BaselineArm::from).collect())
}

fn baseline_of_json(path: &Path) -> Result<Vec<BaselineArm>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the baseline {shown} cannot be read"))?;
    BaselineArm::all_of(&text).with_context(|| {
        format!(
            "{shown} is no baseline: expected what `bnes compare --format json` of this version writes"
        )
    })
}
