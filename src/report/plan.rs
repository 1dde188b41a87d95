//! What an experiment comes to before it runs: inputs, trainings, arms, steps, time.

use crate::text::counted;
use serde::Serialize;
use serde_json::Value;

use super::number::figure;
use super::table::{Align, Table};
use super::wrap::{WIDTH, wrap};
use crate::compare::label::text;
use crate::config::Factors;
use crate::data::shortened;

/// Trainings that are listed one by one.
const LISTED: usize = 24;

/// An experiment before it runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    /// Its name.
    pub name: String,
    /// The effective config, as TOML.
    pub config: String,
    /// What the data is, a line each.
    pub data: Vec<String>,
    /// What goes into the network.
    pub inputs: Vec<String>,
    /// The trainings of one seed; of more than a thousand, as many that stand for the others.
    pub trainings: Vec<TrainingLine>,
    /// The seeds, each of which has these trainings.
    pub seeds: Vec<u64>,
    /// Trainings of all seeds.
    pub training_count: usize,
    /// Arms of all seeds.
    pub arm_count: usize,
    /// Steps of all trainings, at most.
    pub steps: usize,
    /// What chooses values before them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningLine>,
    /// What all trainings, the tuning's included, may take; none where it was not measured.
    pub estimate: Option<Estimate>,
}

/// What `[tune]` comes to, before any grid is extended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TuningLine {
    /// The keys.
    pub keys: Vec<String>,
    /// Arms, those that differ only in their rule as one.
    pub arms: usize,
    /// Points of the grid.
    pub values: usize,
    /// Of its trainings.
    pub seeds: Vec<u64>,
    /// Trainings of all seeds.
    pub training_count: usize,
    /// Steps of all its trainings.
    pub steps: usize,
}

/// A training of each seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainingLine {
    /// Its levels of the factors that are not about the rule.
    pub factors: Factors,
    /// Trainable parameters.
    pub parameters: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// At most.
    pub epochs: usize,
    /// The rules of the arms that read it.
    pub rules: Vec<String>,
}

/// How long it may take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Side by side as below, at most.
    pub seconds: f64,
    /// Trainings at a time.
    pub jobs: usize,
    /// `cpu` or `cuda:0`.
    pub device: String,
}

/// All of it but the findings, for a terminal of this width; whole where there is none.
#[must_use]
pub fn plan(report: &PlanReport, columns: Option<usize>) -> String {
    let width = columns.unwrap_or(WIDTH);
    let mut shown = report.config.clone();
    shown.push('\n');
    for line in &report.data {
        shown.push_str(&wrap(line, width, "  "));
    }
    shown.push_str(&wrap(&format!("inputs: {}", report.inputs.join(", ")), width, "  "));
    shown.push('\n');
    let mut listed = trainings(report);
    listed.fit(columns);
    shown.push_str(&listed.render());
    let of_a_seed = report.training_count / report.seeds.len().max(1);
    if of_a_seed > LISTED {
        let more = (of_a_seed - LISTED).to_string();
        shown.extend(["and ", &more, " more\n"]);
    }
    shown.push('\n');
    let seeds = counted(report.seeds.len(), "seed");
    shown.push_str(&wrap(
        &format!(
            "{}: {} from {} ({seeds}), {} at most",
            report.name,
            counted(report.arm_count, "arm"),
            counted(report.training_count, "training"),
            counted(report.steps, "step"),
        ),
        width,
        "  ",
    ));
    if let Some(tuning) = &report.tuning {
        shown.push_str(&wrap(
            &format!(
                "tuning, before these: {} ({} of {}, {}, {}), {}; more where the best lies on the edge of \
                 the grid",
                counted(tuning.training_count, "training"),
                counted(tuning.values, "value"),
                tuning.keys.join(" x "),
                counted(tuning.arms, "arm"),
                counted(tuning.seeds.len(), "seed"),
                counted(tuning.steps, "step"),
            ),
            width,
            "  ",
        ));
    }
    if let Some(Estimate { seconds, jobs, device }) = &report.estimate {
        let side =
            if *jobs > 1 { format!(", {jobs} trainings side by side") } else { String::new() };
        let duration = duration(*seconds);
        shown.push_str(&wrap(
            &format!(
                "time: {duration} on {device}{side}; an estimate from a few batches, and rules may end trainings sooner"
            ),
            width,
            "  ",
        ));
    }
    shown
}

fn trainings(report: &PlanReport) -> Table {
    let shown = &report.trainings[..report.trainings.len().min(LISTED)];
    let column = |cell: &dyn Fn(&TrainingLine) -> String| shown.iter().map(cell).collect();
    let mut table = Table::new();
    for key in shown.first().into_iter().flat_map(|line| line.factors.keys()) {
        let level = |line: &TrainingLine| line.factors.get(key).map_or_else(String::new, text);
        table.push(key.as_str(), Align::Left, 0, column(&level));
    }
    table.push("parameters", Align::Right, 0, column(&|t| t.parameters.to_string()));
    table.push("steps an epoch", Align::Right, 0, column(&|t| t.steps_per_epoch.to_string()));
    table.push("epochs", Align::Right, 0, column(&|t| t.epochs.to_string()));
    table.push("steps", Align::Right, 1, column(&|t| (t.steps_per_epoch * t.epochs).to_string()));
    table.push("rules", Align::Left, 2, column(&|t| t.rules.join(", ")));
    table
}

/// Two digits of seconds, minutes or hours.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.1 => "less than 0.1 s".to_owned(),
        s if s < 90.0 => format!("about {} s", figure(s, 2)),
        s if s < 5400.0 => format!("about {} min", figure(s / 60.0, 2)),
        s => format!("about {} h", figure(s / 3600.0, 2)),
    }
}

/// The inputs that the encoding of some data makes, as what goes with the weights tells it.
#[must_use]
pub fn inputs(preprocessing: &Value, width: usize) -> Vec<String> {
    let inputs = &preprocessing["inputs"];
    if inputs["kind"] == "image" {
        let side = |name: &str| inputs[name].as_u64().unwrap_or(0);
        return vec![format!("{width} pixels of {} x {} images", side("width"), side("height"))];
    }
    let columns = inputs["columns"].as_array().map_or(&[][..], Vec::as_slice);
    columns.iter().map(input).collect()
}

/// A column with what the network is given of it beside its value.
fn input(column: &Value) -> String {
    let name = shortened(column["name"].as_str().unwrap_or("?").as_bytes());
    let is = |key: &str| column[key] == true;
    let mut parts = Vec::new();
    match column["levels"].as_array() {
        Some(levels) => parts.push(counted(levels.len(), "level")),
        None if column["kind"] == "missing_indicator" => parts.push("missing or not".to_owned()),
        None => {}
    }
    let beside =
        [("missing_level", "missing"), ("missing_indicator", "missing"), ("other_level", "other")];
    parts.extend(beside.iter().filter(|(key, _)| is(key)).map(|(_, part)| (*part).to_owned()));
    match &parts[..] {
        [] => name,
        [one] if is("missing_indicator") => format!("{name} (+ {one})"),
        _ => format!("{name} ({})", parts.join(" + ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_fits_a_terminal_of_100_columns() {
        let line = |norm: &str, parameters| TrainingLine {
            factors: Factors::from_iter([("model.norm.kind".to_owned(), norm.into())]),
            parameters,
            steps_per_epoch: 34,
            epochs: 100,
            rules: vec!["none".to_owned(), "patience".to_owned()],
        };
        let report = PlanReport {
            name: "digits".to_owned(),
            config: "name = \"digits\"\n".to_owned(),
            data: vec!["digits: 1797 rows, 64 inputs, 10 classes".to_owned()],
            inputs: vec!["64 pixels of 8 x 8 images".to_owned()],
            trainings: vec![line("none", 8970), line("batch", 9098)],
            seeds: (0..10).collect(),
            training_count: 20,
            arm_count: 40,
            steps: 68_000,
            tuning: None,
            estimate: Some(Estimate { seconds: 100.0, jobs: 2, device: "cpu".to_owned() }),
        };
        let text = plan(&report, Some(100));
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn inputs_say_what_stands_for_missing_and_other_cells() {
        let columns = serde_json::json!([
            { "name": "age", "kind": "number", "missing_indicator": false },
            { "name": "mass", "kind": "number", "missing_indicator": true },
            { "name": "gift", "kind": "missing_indicator" },
            { "name": "a\nb", "kind": "levels", "levels": ["u"], "missing_level": false, "other_level": true },
            { "name": "sex", "kind": "levels", "levels": ["f", "m"], "missing_level": true, "other_level": true },
        ]);
        assert_eq!(
            inputs(&serde_json::json!({ "inputs": { "columns": columns } }), 9),
            [
                "age",
                "mass (+ missing)",
                "gift (missing or not)",
                "a\\nb (1 level + other)",
                "sex (2 levels + missing + other)",
            ]
        );
    }

    #[test]
    fn a_duration_has_two_digits() {
        let shown = [0.001, 3.21, 75.0, 125.0, 7200.0].map(duration);
        assert_eq!(
            shown,
            ["less than 0.1 s", "about 3.2 s", "about 75 s", "about 2.1 min", "about 2.0 h"]
        );
    }
}
