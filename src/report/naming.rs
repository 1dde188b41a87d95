//! Factors as a table calls them: by their keys or, where these are too wide, by the ends of them.

use super::table::Label;
use crate::compare::{ExperimentSummary, label};
use crate::config::Factor;

/// A factor: its key or, shorter, the shortest end of that which no other factor shares, without
/// `kind`.
pub(super) fn factor_label(experiment: &ExperimentSummary, key: &str) -> Label {
    Label { text: key.to_owned(), short: Some(short(experiment, key)) }
}

/// A contrast by its name, or by the short names of its factors.
pub(super) fn effect_label(experiment: &ExperimentSummary, name: &str) -> Label {
    Label { text: name.to_owned(), short: Some(short_effect(experiment, name)) }
}

fn short(experiment: &ExperimentSummary, key: &str) -> String {
    let unique = |end: &str| {
        let shares = |other: &str| {
            let other = other.strip_suffix(".kind").unwrap_or(other);
            other == end || other.ends_with(&format!(".{end}"))
        };
        experiment.factors.iter().filter(|factor| shares(&factor.key)).count() == 1
    };
    let is_known = experiment.factors.iter().any(|factor| factor.key == key);
    let table = key.strip_suffix(".kind").unwrap_or(key);
    let mut ends = table.rmatch_indices('.').map(|(at, _)| &table[at + 1..]);
    let end = ends.find(|end| is_known && unique(end));
    end.unwrap_or(key).to_owned()
}

fn short_effect(experiment: &ExperimentSummary, name: &str) -> String {
    if let Some((factor, at)) = name.split_once(" | ") {
        let (other, level) = at.split_once('=').unwrap_or((at, ""));
        let factor = short(experiment, factor);
        // Of two factors it is plain which one has the level, unless both have one of its name.
        let have_it = |one: &&Factor| one.levels.iter().any(|own| label::text(own) == level);
        let is_plain =
            experiment.factors.len() == 2 && experiment.factors.iter().filter(have_it).count() == 1;
        return if is_plain {
            format!("{factor} | {level}")
        } else {
            format!("{factor} | {}={level}", short(experiment, other))
        };
    }
    let separator = if name.contains(" + ") { " + " } else { "*" };
    let parts: Vec<String> = name.split(separator).map(|part| short(experiment, part)).collect();
    parts.join(separator)
}
