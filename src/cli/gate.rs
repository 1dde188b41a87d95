//! `--gate` of `bnes compare`: reads gates, judges them, says so and gives the exit code.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};

use crate::compare::gate::{Gate, Outcome};
use crate::compare::{Filter, arms};
use crate::config::ConfigError;
use crate::config::decode::decode;
use crate::config::node::{Origin, Source};
use crate::config::parse::parse_toml_body;
use crate::console::eprintln;
use crate::report::sentences;
use crate::results::{self, LoadedExperiment};

/// A gate failed.
pub(super) const FAILED: u8 = 3;
/// A gate could not be judged.
pub(super) const NOT_JUDGED: u8 = 4;

/// Reads a gate such as `metric = "test_accuracy", min = 0.95`.
pub(super) fn parse(text: &str) -> Result<Gate, ConfigError> {
    let source =
        Arc::new(Source { name: "--gate".to_owned(), text: text.to_owned(), command_line: true });
    let gate: Gate = decode(&parse_toml_body(&source)?)?;
    gate.check().map_err(|message| ConfigError::at(&Origin::whole(&source), message))?;
    Ok(gate)
}

/// Judges gates, of the arms that filters leave, on standard error; the worst exit code, where one is not 0. A strict
/// gate fails where a breach is not ruled out.
///
/// # Errors
/// Where a baseline cannot be loaded.
pub(super) fn judge(
    gates: &[Gate],
    experiments: &[LoadedExperiment],
    filters: &[Filter],
    is_strict: bool,
) -> Result<Option<u8>> {
    let (mut failed, mut not_judged) = (false, false);
    for gate in gates {
        let baseline = match &gate.baseline {
            None => None,
            Some(path) => {
                let loaded = results::load(&[PathBuf::from(path)])
                    .with_context(|| format!("the baseline of a gate, {path}"))?;
                Some(arms(&loaded, &[]).map_err(|error| anyhow!(sentences::error(&error)))?)
            }
        };
        for mut judged in gate.judge(experiments, filters, baseline.as_deref()) {
            if is_strict {
                judged = judged.strict();
            }
            match judged.outcome {
                Outcome::Passed(_) => {}
                Outcome::Failed(_) => failed = true,
                Outcome::NotJudged(_) => not_judged = true,
            }
            eprintln(sentences::gate(&judged));
        }
    }
    Ok(if failed { Some(FAILED) } else { not_judged.then_some(NOT_JUDGED) })
}
