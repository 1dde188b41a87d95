//! Anything as JSON, two spaces a level, with a newline at the end; a comparison with its warnings and
//! conclusions in sentences.

use anyhow::Result;
use serde::Serialize;

use super::format::{Format, Style};
use super::sentences::{conclusion, warning};
use crate::compare::speed::Speed;
use crate::compare::{AcrossDataSets, ArmSummary, Comparison, Contrast, ExperimentSummary, Saving};

/// All of it, for programs.
pub const FORMAT: Format = Format {
    name: "json",
    help: "All of it, for programs",
    with_clocks: true,
    with_medians: true,
    with_curves: false,
    write,
};

/// A comparison as programs read it.
#[derive(Serialize)]
struct Report<'a> {
    arms: &'a [ArmSummary],
    references: &'a [ArmSummary],
    contrasts: &'a [Contrast],
    early_stopping: &'a [Saving],
    data_sets: &'a [AcrossDataSets],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    speed: &'a [Speed],
    warnings: Vec<String>,
    verdict: Vec<String>,
    experiments: &'a [ExperimentSummary],
}

fn write(comparison: &Comparison, _: &Style) -> Result<String> {
    let report = Report {
        arms: &comparison.arms,
        references: &comparison.references,
        contrasts: &comparison.contrasts,
        early_stopping: &comparison.early_stopping,
        data_sets: &comparison.data_sets,
        speed: &comparison.speed,
        warnings: comparison.warnings.iter().map(warning).collect(),
        verdict: comparison.conclusions.iter().map(|one| conclusion(one, comparison)).collect(),
        experiments: &comparison.experiments,
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
    use crate::compare::{Options, compare};
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
}
