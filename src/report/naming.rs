//! Factors as a table calls them, by their keys or, where these are too wide, by the ends of them.

use crate::compare::ExperimentSummary;

/// How a table calls factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// By their whole keys.
    Full,
    /// By the ends of their keys.
    Short,
}

/// A factor as a table calls it: the shortest end of its key that no other factor shares; `kind`
/// alone says nothing.
pub(super) fn called(study: &ExperimentSummary, key: &str, naming: Naming) -> String {
    let known = study.factors.iter().any(|factor| factor.key == key);
    if naming == Naming::Full || !known {
        return key.to_owned();
    }
    let unique = |end: &str| {
        let shares = |other: &str| other == end || other.ends_with(&format!(".{end}"));
        study.factors.iter().filter(|factor| shares(&factor.key)).count() == 1
    };
    let ends = key.rmatch_indices('.').map(|(at, _)| &key[at + 1..]);
    ends.into_iter().find(|end| *end != "kind" && unique(end)).unwrap_or(key).to_owned()
}

/// A contrast as a table calls it.
pub(super) fn effect(study: &ExperimentSummary, name: &str, naming: Naming) -> String {
    if let Some((factor, at)) = name.split_once(" | ") {
        let (other, level) = at.split_once('=').unwrap_or((at, ""));
        let factor = called(study, factor, naming);
        // With two factors it is plain which one has the level.
        return if naming == Naming::Short && study.factors.len() == 2 {
            format!("{factor} | {level}")
        } else {
            format!("{factor} | {}={level}", called(study, other, naming))
        };
    }
    let separator = if name.contains(" + ") { " + " } else { "*" };
    let parts: Vec<String> =
        name.split(separator).map(|part| called(study, part, naming)).collect();
    parts.join(separator)
}
