//! The tables of a comparison, one experiment at a time, whatever shows them.

use serde_json::Value;

use super::naming::{effect_label, factor_label};
use super::number::{decimals, figure, fixed, p_value};
use super::table::{Align, Table};
use crate::compare::speed::{CellSpeed, Speed};
use crate::compare::{
    ArmSummary, Comparison, Contrast, ContrastKind, Divergences, ExperimentSummary, MetricSummary,
    Saving, label,
};
use crate::config::{Factors, is_of_rule};
use crate::history::{CPU, ELAPSED};
use crate::text::counted;

/// Shown beside the primary metric, the first that there is.
const SECOND: [&str; 4] = ["test_accuracy", "test_r2", "val_accuracy", "val_r2"];

/// Most rows of arms, of references, of effects and of rules that people are shown.
pub(super) const MOST_ROWS: usize = 50;

/// Says that some were left out; nothing where none were.
pub(super) fn more(left_out: usize, what: &str) -> String {
    if left_out == 0 {
        return String::new();
    }
    format!("and {} more: --format json has them all", counted(left_out, what))
}

/// Arms and references, the first of them where there are many.
pub(super) fn arms(experiment: &ExperimentSummary, comparison: &Comparison) -> Table {
    let of_experiment = |arm: &&ArmSummary| arm.experiment == experiment.name;
    let (arms, left_out) = first(comparison.arms.iter().filter(of_experiment));
    let (references, _) = first(comparison.references.iter().filter(of_experiment));
    let is_ambiguous = |arm: &ArmSummary| {
        let alike = |r: &&&ArmSummary| r.factors == arm.factors;
        references.iter().filter(alike).count() > 1
    };
    let shown: Vec<&ArmSummary> = arms.iter().chain(&references).copied().collect();
    let column = |cell: &dyn Fn(&ArmSummary) -> String| shown.iter().map(|arm| cell(arm)).collect();

    let mut table = Table::new();
    let mut named = false;
    for factor in &experiment.factors {
        let of_rule = is_of_rule(&factor.key);
        named |= of_rule;
        let cells = column(&|arm| match (arm.factors.get(&factor.key), &arm.monitor) {
            (Some(level), _) => label::text(level),
            (None, Some(monitor)) if of_rule && is_ambiguous(arm) => format!("(best {monitor})"),
            (None, _) if of_rule => "(best epoch)".to_owned(),
            (None, _) => String::new(),
        });
        table.push(factor_label(experiment, &factor.key), Align::Left, 0, cells);
    }
    if !named {
        let cells = column(&|arm| match arm.reference {
            None => experiment.kept.clone().unwrap_or_else(|| "as run".to_owned()),
            Some(_) => "(best epoch)".to_owned(),
        });
        table.push("weights", Align::Left, 0, cells);
    }
    table.push("n", Align::Right, 0, column(&|arm| arm.n.to_string()));
    table.push(
        "diverged",
        Align::Right,
        0,
        column(&|arm| match arm.diverged {
            0 => String::new(),
            n => n.to_string(),
        }),
    );
    let digits = shared_decimals(&shown, &experiment.metric);
    table.push(
        experiment.metric.as_str(),
        Align::Left,
        0,
        column(&|arm| {
            arm.metrics.get(&experiment.metric).map_or(String::new(), |m| mean_and_sd(m, digits))
        }),
    );
    table.push(
        "95 % interval",
        Align::Left,
        1,
        column(&|arm| {
            let interval = arm.metrics.get(&experiment.metric).and_then(|metric| metric.ci95);
            interval.map_or(String::new(), |[low, high]| {
                format!("{} to {}", fixed(low, digits), fixed(high, digits))
            })
        }),
    );
    let second = SECOND.into_iter().find(|name| {
        *name != experiment.metric && arms.iter().any(|arm| arm.metrics.get(name).is_some())
    });
    if let Some(second) = second {
        table.push(second, Align::Right, 2, column(&|arm| mean(arm, second, &|v| fixed(v, 4))));
    }
    table.push("epochs", Align::Right, 3, column(&|arm| mean(arm, "epochs", &|v| fixed(v, 1))));
    // Processor seconds say what an arm cost whatever else ran meanwhile.
    let known = |arm: &ArmSummary, clock| {
        arm.metrics.get(clock).map_or(0, |seconds| seconds.values.iter().flatten().count())
    };
    let has_cpu = shown.iter().all(|arm| known(arm, CPU) == known(arm, ELAPSED));
    let (heading, clock) = if has_cpu { ("seconds", CPU) } else { ("elapsed", ELAPSED) };
    table.push(heading, Align::Right, 4, column(&|arm| mean(arm, clock, &|v| figure(v, 3))));
    table.more = more(left_out, "arm");
    table
}

/// The first rows, and how many there are beyond them.
pub(super) fn first<'a, T>(rows: impl Iterator<Item = &'a T>) -> (Vec<&'a T>, usize) {
    let mut rows: Vec<&T> = rows.collect();
    let more = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    (rows, more)
}

fn mean(arm: &ArmSummary, metric: &str, show: &dyn Fn(f64) -> String) -> String {
    let mean = arm.metrics.get(metric).and_then(|metric| metric.mean);
    mean.map_or(String::new(), show)
}

/// Decimals at which the smallest standard deviation of all rows has two digits.
fn shared_decimals(rows: &[&ArmSummary], metric: &str) -> usize {
    let metrics = || rows.iter().filter_map(|arm| arm.metrics.get(metric));
    let deviations = metrics().filter_map(|m| m.sd).filter(|sd| *sd > 0.0);
    let scale = deviations.fold(f64::INFINITY, f64::min);
    let size = metrics().filter_map(|m| m.mean).map(f64::abs).fold(0.0, f64::max);
    decimals(scale, 2).min(decimals(size, 6)).max(if scale.is_finite() { 0 } else { 4 })
}

fn mean_and_sd(metric: &MetricSummary, digits: usize) -> String {
    match (metric.mean, metric.sd) {
        (Some(mean), Some(sd)) => format!("{} ± {}", fixed(mean, digits), fixed(sd, digits)),
        (Some(mean), None) => fixed(mean, digits),
        (None, _) => "not finite".to_owned(),
    }
}

/// What a change of level changes in the primary metric.
pub(super) fn contrasts(experiment: &ExperimentSummary, comparison: &Comparison) -> Table {
    let of_experiment =
        |c: &&Contrast| c.experiment == experiment.name && c.metric == experiment.metric;
    let (rows, left_out) = first(comparison.contrasts.iter().filter(of_experiment));
    let column = |cell: &dyn Fn(&Contrast) -> String| rows.iter().map(|c| cell(c)).collect();
    let unpaired = rows.iter().any(|contrast| contrast.samples.is_some());
    let figures = rows.iter().filter_map(|c| {
        let width = c.ci95.map(|[low, high]| high - low).filter(|width| *width > 0.0);
        width.or(c.estimate.map(f64::abs)).filter(|size| *size > 0.0)
    });
    let digits = decimals(figures.fold(f64::INFINITY, f64::min), 3);
    let mut table = Table::new();
    let effects: Vec<_> = rows.iter().map(|c| effect_label(experiment, &c.name)).collect();
    table.push("effect", Align::Left, 0, effects);
    table.push("levels", Align::Left, 1, column(&levels));
    table.push(
        "estimate",
        Align::Right,
        0,
        column(&|c| match c.estimate {
            Some(estimate) => fixed(estimate, digits),
            None if c.units_differ => "units differ".to_owned(),
            None => String::new(),
        }),
    );
    table.push(
        "95 % interval",
        Align::Left,
        0,
        column(&|c| {
            c.ci95.map_or(String::new(), |[low, high]| {
                format!("{} to {}", fixed(low, digits), fixed(high, digits))
            })
        }),
    );
    table.push("p", Align::Right, 2, column(&|c| c.p.map_or(String::new(), p_value)));
    table.push("Holm", Align::Right, 3, column(&|c| c.p_holm.map_or(String::new(), p_value)));
    table.push(
        if unpaired { "trainings" } else { "better" },
        Align::Right,
        4,
        column(&|c| if c.units_differ { String::new() } else { better_in(c) }),
    );
    table.push(
        "diverged",
        Align::Right,
        4,
        column(&|c| {
            let of =
                |d: &Divergences| format!("{} : {}", d.wins_by_divergence, d.losses_by_divergence);
            c.divergences.as_ref().map_or(String::new(), of)
        }),
    );
    table.more = more(left_out, "effect");
    table
}

/// In how many seeds the second level is better, `9/10, 1 equal`; of trainings that are not paired, how many there are
/// at either level, `8 : 10`.
pub(super) fn better_in(contrast: &Contrast) -> String {
    if let Some(samples) = &contrast.samples {
        return format!("{} : {}", samples.first, samples.second);
    }
    let ties = contrast.ties.filter(|ties| *ties > 0);
    let ties = ties.map_or(String::new(), |ties| format!(", {ties} equal"));
    format!("{}/{}{ties}", contrast.wins.unwrap_or(0), contrast.n)
}

/// `none -> batch`; of an interaction nothing where there is only one pair of levels.
pub(super) fn levels(contrast: &Contrast) -> String {
    let pair = |from: &Value, to: &Value| format!("{} -> {}", label::text(from), label::text(to));
    match (&contrast.kind, &contrast.levels[..]) {
        (ContrastKind::Interaction, [Value::Array(a), Value::Array(b)]) => {
            let last = |levels: &[Value]| levels.last().map(label::text).unwrap_or_default();
            format!("{} x {}", last(a), last(b))
        }
        // Without a rule it is the best epoch of the run that counts.
        (ContrastKind::Main | ContrastKind::Simple, [from, to])
            if contrast.name.split(" | ").next().is_some_and(is_of_rule)
                && label::text(from) == "none" =>
        {
            format!("best -> {}", label::text(to))
        }
        (_, [from, to]) => pair(from, to),
        _ => String::new(),
    }
}

/// The levels of a cell; `all` where nothing but the rule varies.
fn cell(factors: &Factors) -> String {
    let levels: Vec<String> = factors.values().map(label::text).collect();
    if levels.is_empty() { "all".to_owned() } else { levels.join(", ") }
}

/// Who reaches a target when, and how low the curves are.
pub(super) fn speed(speed: &Speed) -> Table {
    let column = |cell: &dyn Fn(&CellSpeed) -> String| speed.cells.iter().map(cell).collect();
    let number = |value: Option<f64>| value.map_or(String::new(), |value| figure(value, 3));
    let middle = |value: Option<f64>| value.map_or("never".to_owned(), |value| figure(value, 3));
    let mut table = Table::new();
    table.push("arms", Align::Left, 0, column(&|c| cell(&c.factors)));
    table.push("reached", Align::Right, 0, column(&|c| format!("{}/{}", c.reached, c.seeds.len())));
    let diverged = speed.cells.iter().any(|cell| cell.diverged > 0);
    let count = |cell: &CellSpeed| if diverged { cell.diverged.to_string() } else { String::new() };
    table.push("diverged", Align::Right, 1, column(&count));
    table.push("epochs", Align::Right, 0, column(&|c| middle(c.median_epochs)));
    table.push("seconds", Align::Right, 2, column(&|c| middle(c.median_seconds)));
    let sooner = |cell: &CellSpeed| match (cell.sooner, cell.later) {
        (Some(sooner), Some(later)) => format!("{sooner}/{}", sooner + later),
        _ => String::new(),
    };
    table.push("sooner", Align::Right, 1, column(&sooner));
    table.push("p", Align::Right, 1, column(&|c| c.p_sign.map_or(String::new(), p_value)));
    table.push("area", Align::Right, 0, column(&|c| number(c.area)));
    table.push("gap", Align::Right, 0, column(&|c| number(c.generalization_gap)));
    table
}

/// What each rule saved and cost.
pub(super) fn savings(experiment: &ExperimentSummary, comparison: &Comparison) -> Table {
    let of_experiment = |saving: &&Saving| saving.experiment == experiment.name;
    let (rows, left_out) = first(comparison.early_stopping.iter().filter(of_experiment));
    let column = |cell: &dyn Fn(&Saving) -> String| rows.iter().map(|s| cell(s)).collect();
    let number = |value: Option<f64>| value.map_or(String::new(), |v| figure(v, 3));
    let percent =
        |value: Option<f64>| value.map_or(String::new(), |v| format!("{:.0} %", v * 100.0));
    let mut table = Table::new();
    table.push("rule", Align::Left, 0, column(&|s| s.rule.clone()));
    table.push("arms", Align::Left, 0, column(&|s| cell(&s.factors)));
    table.push("n", Align::Right, 3, column(&|s| s.n.to_string()));
    table.push("epochs saved", Align::Right, 0, column(&|s| percent(s.epochs_saved)));
    table.push(
        "seconds saved",
        Align::Right,
        2,
        column(&|s| match (s.seconds_saved, s.full_seconds) {
            (Some(saved), Some(all)) => format!("{} of {}", figure(saved, 3), figure(all, 3)),
            _ => String::new(),
        }),
    );
    let mut monitors: Vec<&str> = rows.iter().map(|s| s.monitor.as_str()).collect();
    monitors.dedup();
    let heading = match monitors[..] {
        [one] => format!("{one} regret"),
        _ => "regret".to_owned(),
    };
    table.push(heading, Align::Right, 0, column(&|s| number(s.val_regret)));
    table.push("test_loss regret", Align::Right, 1, column(&|s| number(s.test_regret)));
    table.more = more(left_out, "row");
    table
}
