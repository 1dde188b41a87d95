//! A comparison as a document: for each experiment arms, contrasts, what stopping saved, how soon a
//! target is reached; then warnings, conclusions and gates.

use super::document::{Block, Document, Section};
use super::gates;
use super::number::figure;
use super::robust::{self, robust};
use super::sentences::{conclusion, warning};
use super::sparklines::sparklines;
use super::tables::{MOST_ROWS, arms, contrasts, more, savings, speed};
use crate::compare::speed::Speed;
use crate::compare::{Comparison, ContrastKind, DataSummary, ExperimentSummary};
use crate::draw::Characters;
use crate::text::counted;

/// What the table of arms says of its references.
const REFERENCE: &str = "(best epoch): best checkpoint of the full run; a reference, not an arm";

/// What the table of differences says of early stopping.
const BEST_OF_NONE: &str = "early_stopping=none counts as the best epoch of its run here; checkpoint is what \
    keeping that epoch did";

/// What the figures of a difference count.
const COUNTED: &str = "intervals count seeds and test rows, p-values seeds";

/// What the figures of differences are that are not paired.
const UNPAIRED: &str = "Welch's intervals; p-values by permutation of the labels, of interactions by Welch's t test; \
    what a seed does to all arms alike is not taken out";

/// What the columns of the table of speeds are.
const SPEED: &str = "epochs, seconds: medians to the target, where what does not reach it counts as \
    later than all; sooner: seeds ahead of the first arm, of those that differ; area: mean over the \
    epochs, where none diverged; gap: val_loss minus train_loss_eval at the best epoch";

/// The document of a comparison. With `medians`, these and ratios follow the differences; curves that were read
/// are drawn in these characters, if in any.
pub(super) fn document(
    comparison: &Comparison,
    medians: bool,
    curves: Option<Characters>,
) -> Document {
    let of_experiment = |one| section(one, comparison, medians, curves);
    let sentence = |one| conclusion(one, comparison);
    // What is about several data sets is few sentences, and not to be cut off by those of each.
    let (of_one, of_all): (Vec<_>, Vec<_>) =
        comparison.conclusions.iter().partition(|one| one.experiment.is_some());
    let mut conclusions = first_of(of_one.into_iter().map(sentence), "sentence");
    conclusions.extend(of_all.into_iter().map(sentence));
    Document {
        sections: comparison.experiments.iter().map(of_experiment).collect(),
        warnings: first_of(comparison.warnings.iter().map(warning), "warning"),
        conclusions,
        gates: gates::lines(&comparison.gates),
    }
}

fn section(
    experiment: &ExperimentSummary,
    comparison: &Comparison,
    medians: bool,
    curves: Option<Characters>,
) -> Section {
    let split = match experiment.split_per_seed {
        Some(true) => "one split per seed",
        Some(false) => "one split",
        None => "splits unknown",
    };
    let lead = experiment.data.as_ref().map(|data| {
        let DataSummary { source, train_rows, validation_rows, test_rows } = data;
        format!("{source}: {train_rows} training, {validation_rows} validation and {test_rows} test rows")
    });
    let mut blocks = vec![Block::Table(arms(experiment, comparison))];
    if comparison.references.iter().any(|reference| reference.experiment == experiment.name) {
        blocks.push(Block::Note(REFERENCE.to_owned()));
    }
    let mut subsections = Vec::new();
    subsections.extend(curves.and_then(|of| sparklines(experiment, comparison, of)));
    let contrasts = contrasts(experiment, comparison);
    if !contrasts.is_empty() {
        let how =
            if comparison.is_unpaired(&experiment.name) { "not paired" } else { "paired by seed" };
        let heading = format!("Differences in {}, {how}", experiment.metric);
        let notes = notes(experiment, comparison).into_iter().map(Block::Note);
        let blocks = std::iter::once(Block::Table(contrasts)).chain(notes).collect();
        subsections.push(Section::of(heading, blocks));
        if medians {
            let robust = robust(experiment, comparison);
            let block =
                if robust.is_empty() { Block::Line(robust::none()) } else { Block::Table(robust) };
            subsections.push(Section::of(robust::heading(experiment, comparison), vec![block]));
        }
    }
    let savings = savings(experiment, comparison);
    if !savings.is_empty() {
        let heading = "Stopping rules against the full run".to_owned();
        subsections.push(Section::of(heading, vec![Block::Table(savings)]));
    }
    let speeds = comparison.speed.iter().filter(|speed| speed.experiment == experiment.name);
    subsections.extend(speeds.map(|found| {
        let blocks = vec![Block::Table(speed(found)), Block::Note(SPEED.to_owned())];
        Section::of(reaching(found), blocks)
    }));
    Section { heading: format!("{} ({split})", experiment.name), lead, blocks, subsections }
}

/// What there is to know of the table of differences.
fn notes(experiment: &ExperimentSummary, comparison: &Comparison) -> Vec<String> {
    let mut shown = comparison.contrasts.iter().filter(|contrast| {
        contrast.experiment == experiment.name && contrast.metric == experiment.metric
    });
    let mut notes = Vec::new();
    if comparison.is_unpaired(&experiment.name) {
        notes.push(UNPAIRED.to_owned());
    }
    if shown.clone().any(|contrast| contrast.kind == ContrastKind::Checkpoint) {
        notes.push(BEST_OF_NONE.to_owned());
    }
    if shown.any(|contrast| contrast.test_rows.is_some() && contrast.p.is_some()) {
        notes.push(COUNTED.to_owned());
    }
    notes
}

/// `Reaching val_loss 0.071, over 60 epochs`
fn reaching(speed: &Speed) -> String {
    let epochs = counted(speed.epochs, "epoch");
    format!("Reaching {} {}, over {epochs}", speed.column, figure(speed.target, 3))
}

/// The first sentences, and how many there are beyond them.
fn first_of(sentences: impl ExactSizeIterator<Item = String>, what: &str) -> Vec<String> {
    let more = more(sentences.len().saturating_sub(MOST_ROWS), what);
    let more = (!more.is_empty()).then_some(more);
    sentences.take(MOST_ROWS).chain(more).collect()
}
