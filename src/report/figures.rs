//! What of a comparison is drawn, and how it is called; the drawing is [`draw`](crate::draw)'s.

use super::naming::effect_label;
use super::number::{figure, fixed, p_value, signed};
use super::sentences::norm_name;
use super::tables::{better_in, levels};
use crate::compare::label;
use crate::compare::{
    AcrossDataSets, ArmSummary, Comparison, Contrast, ContrastKind, ExperimentSummary, MeanCurve,
    Saving,
};
use crate::config::{Factors, is_of_rule};
use crate::draw::{
    Axis, Bar, Bars, Dot, Forest, Kind, Lines, Point, Ranks, Row, Scatter, Series, Slope, Slopes,
};
use crate::stopping::Monitored;

/// An arm by its levels as people call them: `batch norm, patience`, `no norm, lr = 0.1, no stopping`.
pub(super) fn arm_label(factors: &Factors) -> String {
    let levels: Vec<String> =
        factors.iter().map(|(key, level)| plain_level(key, &label::text(level))).collect();
    if levels.is_empty() { "all".to_owned() } else { levels.join(", ") }
}

fn plain_level(key: &str, level: &str) -> String {
    match (key, level) {
        ("model.norm", "none") | ("model.norm.kind", _) => norm_name(level),
        (key, "none") if is_of_rule(key) => "no stopping".to_owned(),
        (key, level) if key == "early_stopping" || key == "early_stopping.kind" => level.to_owned(),
        (key, level) => format!("{} = {level}", key.rsplit('.').next().unwrap_or(key)),
    }
}

/// The place of an arm among those of its experiment, which is its colour.
fn style(experiment: &str, factors: &Factors, comparison: &Comparison) -> usize {
    let mut arms = comparison.arms.iter().filter(|arm| arm.experiment == experiment);
    arms.position(|arm| arm.factors == *factors).unwrap_or(0)
}

/// The curves of a column: mean and interval of each arm, as long as all of its trainings go on.
pub(super) fn curves(
    experiment: &ExperimentSummary,
    comparison: &Comparison,
    column: &str,
    kind: Option<Kind>,
) -> Lines {
    let is_shown = |of: &&MeanCurve| of.experiment == experiment.name && of.column == column;
    let shown = comparison.curves.iter().filter(is_shown);
    let series: Vec<Series> = shown
        .map(|curve| series(curve, style(&experiment.name, &curve.factors, comparison)))
        .collect();
    let heights = || series.iter().flat_map(|series| &series.line).map(|point| point.1);
    let kind = kind.unwrap_or_else(|| suitable(heights()));
    let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
    let fewer = series.iter().any(|series| series.thin.len() > 1);
    let thin = if fewer { "; dotted: the mean of those that still train, n below" } else { "" };
    let stops = if series.iter().any(|series| !series.rug.is_empty()) {
        "; ticks: where a rule stopped"
    } else {
        ""
    };
    // One or two seeds have no interval.
    let (with_interval, interval) = if series.iter().any(|series| !series.band.is_empty()) {
        (", with the 95 % interval of the mean", ", 95 % interval of the mean")
    } else {
        ("", "; too few seeds for an interval")
    };
    Lines {
        name: format!("{column} of {} by epoch", experiment.name),
        description: format!(
            "Mean of {column} over the seeds at each epoch{with_interval}, of {}.",
            names.join("; ")
        ),
        note: format!("mean{interval}{stops}; dot: mean epoch kept{thin}"),
        x: Axis { label: "epoch".to_owned(), kind: Kind::Linear, is_whole: true },
        y: Axis { label: column.to_owned(), kind, is_whole: false },
        series,
    }
}

/// A logarithmic axis where the curves fall to less than an eighth of where they begin: on another the first
/// epochs take all the room.
pub(super) fn suitable(heights: impl Iterator<Item = f64>) -> Kind {
    let (low, high) = heights
        .fold((f64::INFINITY, 0.0_f64), |(low, high), height| (low.min(height), high.max(height)));
    if low > 0.0 && high > 8.0 * low { Kind::Log } else { Kind::Linear }
}

fn series(curve: &MeanCurve, style: usize) -> Series {
    #[allow(clippy::cast_precision_loss)] // epochs
    let point = |at: usize| Some(((at + 1) as f64, curve.epochs[at].mean?));
    let whole = curve.epochs.iter().take_while(|epoch| epoch.n == curve.trainings).count();
    let line: Vec<Point> = (0..whole).filter_map(point).collect();
    // From where the last of all are, so that it goes on without a gap.
    let thin: Vec<Point> =
        (whole.saturating_sub(1)..curve.epochs.len()).filter_map(point).collect();
    #[allow(clippy::cast_precision_loss)]
    let band = curve.epochs[..whole].iter().enumerate().filter_map(|(at, epoch)| {
        let [low, high] = epoch.ci95?;
        Some(((at + 1) as f64, low, high))
    });
    let dot = curve.best_epoch.and_then(|best| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an epoch
        let at = (best.round() as usize).clamp(1, curve.epochs.len().max(1));
        point(at - 1)
    });
    let mut counts: Vec<Point> = Vec::new();
    for (at, epoch) in curve.epochs.iter().enumerate() {
        #[allow(clippy::cast_precision_loss)]
        let step = ((at + 1) as f64, epoch.n as f64);
        if counts.last().is_none_or(|last| last.1 != step.1) {
            counts.push(step);
        }
    }
    #[allow(clippy::cast_precision_loss)]
    if let Some(last) =
        counts.last().copied().filter(|last| counts.len() > 1 || last.1 < curve.trainings as f64)
    {
        counts.push((curve.epochs.len() as f64, last.1));
    }
    #[allow(clippy::cast_precision_loss)]
    Series {
        name: format!("{} (n = {})", arm_label(&curve.factors), curve.trainings),
        style,
        band: band.collect(),
        line,
        thin: if whole < curve.epochs.len() { thin } else { Vec::new() },
        rug: curve.stops.iter().map(|epoch| *epoch as f64).collect(),
        dot,
        counts,
        ..Series::default()
    }
}

/// All contrasts of the primary metric.
pub(super) fn forest(experiment: &ExperimentSummary, comparison: &Comparison) -> Forest {
    let shown = comparison.contrasts.iter().filter(|contrast| {
        contrast.experiment == experiment.name
            && contrast.metric == experiment.metric
            && !contrast.units_differ
    });
    let rows: Vec<Row> = shown.map(|contrast| row(experiment, contrast)).collect();
    let is_unpaired = comparison.is_unpaired(&experiment.name);
    let counted = if is_unpaired { "trainings" } else { "better" };
    let is_lower = !experiment.maximize;
    let better = if is_lower { "left of 0 is better" } else { "right of 0 is better" };
    Forest {
        name: format!("Differences in {} of {}", experiment.metric, experiment.name),
        description: format!(
            "Estimate and 95 % interval of each effect in {}; {better}. Effects at one level of another factor \
             are indented and not corrected for their number.",
            experiment.metric
        ),
        note: format!("95 % interval; {better}; indented: at one level of another factor"),
        x: Axis { label: format!("difference in {}", experiment.metric), ..Axis::default() },
        headings: ["p", "Holm", counted].map(str::to_owned).to_vec(),
        rows,
    }
}

fn row(experiment: &ExperimentSummary, contrast: &Contrast) -> Row {
    let name = effect_label(experiment, &contrast.name);
    let name = name.short.unwrap_or(name.text);
    let lost = contrast.divergences.as_ref().map(|lost| {
        format!("diverged {} : {}", lost.wins_by_divergence, lost.losses_by_divergence)
    });
    Row {
        name: match levels(contrast) {
            levels if levels.is_empty() => name,
            levels => format!("{name}: {}", levels.replace("->", "→")),
        },
        is_part: contrast.kind == ContrastKind::Simple,
        estimate: contrast.estimate,
        interval: contrast.ci95,
        figures: vec![
            contrast.p.map_or(String::new(), p_value),
            contrast.p_holm.map_or(String::new(), p_value),
            lost.unwrap_or_else(|| better_in(contrast)),
        ],
    }
}

/// The seeds of a contrast, each with both of its levels.
pub(super) fn pairs(experiment: &ExperimentSummary, contrast: &Contrast) -> Slopes {
    let direction = contrast.direction();
    let name = effect_label(experiment, &contrast.name);
    let name = name.short.unwrap_or(name.text);
    let levels = match &contrast.levels[..] {
        [from, to] => {
            let from = match levels(contrast).split_once(" -> ") {
                Some((from, _)) => from.to_owned(),
                None => label::text(from),
            };
            [from, label::text(to)]
        }
        _ => [String::new(), String::new()],
    };
    let pair = |pair: &crate::compare::SeedPair| Slope {
        name: format!(
            "seed {}: {} to {}",
            pair.seed,
            figure(pair.levels[0], 4),
            figure(pair.levels[1], 4)
        ),
        values: pair.levels,
        is_better: (pair.levels[0] != pair.levels[1])
            .then(|| direction.better(pair.levels[1], pair.levels[0])),
    };
    Slopes {
        name: format!("{} by seed, {name}", contrast.metric),
        description: format!(
            "A line for each seed from {} to {}; better in {} of {} seeds, equal in {}. Beside it the \
             differences with their mean and its 95 % interval.",
            levels[0],
            levels[1],
            contrast.wins.unwrap_or(0),
            contrast.n,
            contrast.ties.unwrap_or(0)
        ),
        note: "a line a seed: whole where the second level is better, dashed where it is worse"
            .to_owned(),
        y: Axis { label: contrast.metric.clone(), kind: Kind::Linear, is_whole: false },
        levels,
        pairs: contrast.by_seed.iter().map(pair).collect(),
        estimate: contrast.estimate,
        interval: contrast.ci95,
    }
}

/// What each arm costs in epochs, and how good it is.
pub(super) fn pareto(experiment: &ExperimentSummary, comparison: &Comparison) -> Scatter {
    let of_experiment = |arm: &&ArmSummary| arm.experiment == experiment.name;
    let dot = |arm: &ArmSummary, is_hollow: bool| {
        let quality = arm.metrics.get(&experiment.metric)?;
        Some(Dot {
            name: arm_label(&arm.factors),
            style: style(&experiment.name, &arm.factors, comparison),
            at: (arm.metrics.get("epochs")?.mean?, quality.mean?),
            interval: quality.ci95,
            is_hollow,
        })
    };
    let arms = comparison.arms.iter().filter(of_experiment);
    // What a training cost that diverged is no price of its quality.
    let dots: Vec<Dot> = arms.filter_map(|arm| dot(arm, arm.diverged > 0)).collect();
    let direction = Monitored { column: experiment.metric.clone(), maximize: experiment.maximize };
    let whole = || dots.iter().filter(|dot| !dot.is_hollow);
    let mut front: Vec<Point> = whole()
        .map(|dot| dot.at)
        .filter(|at| {
            let beats = |other: &Dot| {
                other.at.0 <= at.0 && direction.better(other.at.1, at.1)
                    || other.at.0 < at.0 && other.at.1 == at.1
            };
            !whole().any(beats)
        })
        .collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    front.dedup();
    Scatter {
        name: format!("{} of {} against epochs", experiment.metric, experiment.name),
        description: format!(
            "Mean {} of the weights kept and its 95 % interval, against the mean epochs trained, of each arm.",
            experiment.metric
        ),
        note: "95 % interval of the mean; dashed: arms that none beats in both; hollow: some seeds diverged".to_owned(),
        x: Axis { label: "epochs trained (mean)".to_owned(), kind: Kind::Linear, is_whole: false },
        y: Axis { label: experiment.metric.clone(), kind: Kind::Linear, is_whole: false },
        dots,
        front,
    }
}

/// What each rule saved of the full run.
pub(super) fn savings(experiment: &ExperimentSummary, comparison: &Comparison) -> Bars {
    let shown = comparison
        .early_stopping
        .iter()
        .filter(|saving| saving.experiment == experiment.name && saving.epochs_saved.is_some());
    let bar = |(index, saving): (usize, &Saving)| {
        let share = saving.epochs_saved.unwrap_or(0.0);
        let gave_up = match (saving.val_regret, saving.val_regret_ci95) {
            (Some(regret), Some([low, high])) => format!(
                "; {} {} ({} to {})",
                saving.monitor,
                signed(regret, 4),
                fixed(low, 4),
                fixed(high, 4)
            ),
            _ => String::new(),
        };
        let of = if saving.factors.is_empty() {
            saving.rule.clone()
        } else {
            format!("{}, {}", saving.rule, arm_label(&saving.factors))
        };
        Bar {
            name: of,
            style: index,
            share,
            said: format!("{:.0} % of the epochs{gave_up}", 100.0 * share),
        }
    };
    Bars {
        name: format!("Epochs that stopping rules saved in {}", experiment.name),
        description: "Share of the full run's epochs that each rule saved, and what the monitored value of the \
                      weights kept is above that of the full run's best epoch, with its 95 % interval over seeds."
            .to_owned(),
        rows: shown.enumerate().map(bar).collect(),
    }
}

/// Mean ranks over data sets.
pub(super) fn ranks(across: &AcrossDataSets) -> Ranks {
    let named = |arm: &crate::compare::RankedArm| (arm_label(&arm.factors), arm.average_rank);
    let has_p = across.p_value().is_some();
    Ranks {
        name: format!(
            "Mean ranks in {} over {} data sets",
            across.metric,
            across.experiments.len()
        ),
        description: format!("1 is the best; over {}.", across.experiments.join(", ")),
        note: if has_p {
            "bars join what cannot be told apart (Nemenyi)".to_owned()
        } else {
            "too few data sets for a test".to_owned()
        },
        ranked: across.arms.iter().map(named).collect(),
        critical_difference: has_p.then_some(across.critical_difference),
    }
}
