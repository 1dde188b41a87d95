//! Anything as JSON, two spaces a level, with a newline at the end; a comparison with its warnings and
//! conclusions in sentences.

use anyhow::Result;
use serde::Serialize;

use super::format::{Format, Style};
use super::gates::GateJson;
use super::sentences::{conclusion, warning};
use crate::compare::setting::Setting;
use crate::compare::speed::Speed;
use crate::compare::{AcrossDataSets, ArmSummary, Comparison, Contrast, ExperimentSummary, Saving};

/// All of it, for programs.
pub const FORMAT: Format = Format {
    name: "json",
    help: "All of it, for programs",
    with_clocks: true,
    with_medians: true,
    with_curves: false,
    with_gates: true,
    write,
};

/// A comparison as programs read it.
#[derive(Serialize)]
struct Report<'a> {
    arms: Vec<Arm<'a>>,
    references: &'a [ArmSummary],
    contrasts: &'a [Contrast],
    early_stopping: &'a [Saving],
    data_sets: &'a [AcrossDataSets],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    speed: &'a [Speed],
    gates: Vec<GateJson<'a>>,
    warnings: Vec<String>,
    verdict: Vec<String>,
    experiments: Vec<Experiment<'a>>,
}

/// An arm, with what it was measured under beyond what all arms of its experiment have in common.
#[derive(Serialize)]
struct Arm<'a> {
    #[serde(flatten)]
    summary: &'a ArmSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<Setting>,
}

/// An experiment, with what all of its arms were measured under: what a baseline is judged by.
#[derive(Serialize)]
struct Experiment<'a> {
    #[serde(flatten)]
    summary: &'a ExperimentSummary,
    setting: Setting,
}

impl<'a> Experiment<'a> {
    fn of(summary: &'a ExperimentSummary, arms: &[ArmSummary]) -> Self {
        let own = arms.iter().filter(|arm| arm.experiment == summary.name);
        Self { summary, setting: Setting::common(own.map(|arm| &arm.setting)) }
    }
}

fn write(comparison: &Comparison, _: &Style) -> Result<String> {
    let arms = &comparison.arms;
    let experiments: Vec<Experiment> =
        comparison.experiments.iter().map(|one| Experiment::of(one, arms)).collect();
    let own = |summary: &ArmSummary| {
        let experiment = experiments.iter().find(|one| one.summary.name == summary.experiment);
        experiment.and_then(|one| summary.setting.beyond(&one.setting))
    };
    let report = Report {
        arms: arms.iter().map(|summary| Arm { summary, setting: own(summary) }).collect(),
        references: &comparison.references,
        contrasts: &comparison.contrasts,
        early_stopping: &comparison.early_stopping,
        data_sets: &comparison.data_sets,
        speed: &comparison.speed,
        gates: comparison.gates.iter().map(GateJson::from).collect(),
        warnings: comparison.warnings.iter().map(warning).collect(),
        verdict: comparison.conclusions.iter().map(|one| conclusion(one, comparison)).collect(),
        experiments,
    };
    Ok(json(&report)?)
}

/// The JSON text of a report; what is not finite is `null`.
///
/// # Errors
/// Where a map has keys that are not strings.
pub fn json<T: Serialize>(report: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::compare::{BaselineArm, Options, compare};
    use crate::results::fixtures::two_by_two;

    #[test]
    fn the_json_has_the_keys_that_scripts_rely_on() {
        let comparison = compare(&[two_by_two()], &Options::default()).unwrap();
        let json: Value =
            serde_json::from_str(&write(&comparison, &Style::default()).unwrap()).unwrap();
        let keys = |value: &Value, wanted: &[&str]| {
            for key in wanted {
                assert!(value.get(key).is_some(), "{key} in {value}");
            }
        };
        keys(&json, &["arms", "references", "contrasts", "early_stopping", "warnings", "verdict"]);
        let arm = &json["arms"][3];
        keys(arm, &["experiment", "factors", "seeds", "n", "diverged", "metrics"]);
        assert_eq!(
            arm["factors"],
            json!({"model.norm.kind": "batch", "early_stopping": "patience"})
        );
        keys(&arm["metrics"]["test_loss"], &["mean", "sd", "median", "ci95", "values"]);
        let contrast = &json["contrasts"][0];
        keys(
            contrast,
            &[
                "experiment",
                "name",
                "levels",
                "metric",
                "n",
                "estimate",
                "ci95",
                "p",
                "p_holm",
                "wins",
            ],
        );
        assert_eq!(contrast["levels"], json!(["none", "batch"]));
        assert_eq!(contrast["metric"], "test_loss");
        let saving = &json["early_stopping"][0];
        keys(
            saving,
            &[
                "experiment",
                "factors",
                "rule",
                "epochs_saved",
                "seconds_saved",
                "val_regret",
                "test_regret",
            ],
        );
        assert_eq!(json["references"][0]["reference"], "best_checkpoint_of_full_run");
        assert_eq!(json["references"][0]["factors"], json!({"model.norm.kind": "none"}));
    }

    #[test]
    fn what_is_written_is_the_baseline_that_the_arms_themselves_are() {
        let mut experiment = two_by_two();
        for (index, run) in experiment.runs.iter_mut().enumerate() {
            let norm =
                if index % 2 == 0 { json!({"kind": "none"}) } else { json!({"kind": "batch"}) };
            run.record.config.insert("model".to_owned(), json!({"norm": norm, "hidden": [8]}));
            run.record.data.insert("digest".to_owned(), "0123".into());
        }
        let lost = experiment.runs[0].record.arms[0].metrics.get_mut("test_loss").unwrap();
        *lost = Value::Null;
        let comparison = compare(&[experiment], &Options::default()).unwrap();
        let text = write(&comparison, &Style::default()).unwrap();
        let arms: Vec<BaselineArm> = comparison.arms.iter().map(BaselineArm::from).collect();
        assert_eq!(BaselineArm::all_of(&text).unwrap(), arms);
        // What arms have in common is written once.
        assert_eq!(text.matches("\"model.hidden\"").count(), 1, "{text}");
        assert_eq!(text.matches("\"0123\"").count(), 1);
    }
}
