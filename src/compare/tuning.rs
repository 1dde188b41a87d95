//! What `[tune]` chose, in sentences.

use serde::Serialize;

use super::enumerated;
use super::label::text;
use crate::results::{TunedArm, TuningRecord};
use crate::spec::Factors;

/// The values that were chosen for arms that differ only in their rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TunedValues {
    /// Their level of each factor that is not about the rule.
    pub factors: Factors,
    /// By tuned key.
    pub values: Factors,
    /// By key: what was tried beyond the grid, because the best lay on its edge.
    pub added: Factors,
    /// The keys for which the value is the smallest or the largest that was tried.
    pub on_edge: Vec<String>,
    /// Mean over the tuning seeds of the lowest `val_loss`; none where all diverged.
    pub val_loss: Option<f64>,
}

impl TunedValues {
    /// Of an arm, once a value is chosen.
    #[must_use]
    pub fn of(arm: &TunedArm) -> Option<Self> {
        Some(Self {
            factors: arm.factors.clone(),
            values: arm.chosen.clone()?,
            added: arm.added(),
            on_edge: arm.on_edge.clone(),
            val_loss: arm.best()?.mean,
        })
    }

    /// Of all arms.
    #[must_use]
    pub fn all(record: &TuningRecord) -> Vec<Self> {
        record.arms.iter().filter_map(Self::of).collect()
    }

    fn arm(&self) -> String {
        self.factors.values().map(text).collect::<Vec<_>>().join(", ")
    }

    /// ` (batch)`, nothing where there is one arm.
    fn in_brackets(&self) -> String {
        if self.factors.is_empty() { String::new() } else { format!(" ({})", self.arm()) }
    }
}

/// What was chosen, a sentence for each key, and where grids were extended.
#[must_use]
pub fn sentences(tuned: &[TunedValues]) -> Vec<String> {
    let Some(first) = tuned.first() else { return Vec::new() };
    let mut sentences = Vec::new();
    for key in first.values.keys() {
        let value = |one: &TunedValues| {
            Some(format!("{}{}", text(one.values.get(key)?), one.in_brackets()))
        };
        let values: Vec<String> = tuned.iter().filter_map(value).collect();
        let per_arm = if tuned.len() > 1 { " per arm" } else { "" };
        sentences.push(format!("{} tuned{per_arm}: {}.", name(key), values.join(", ")));
        let extended = |one: &TunedValues| {
            let added: Vec<String> = one.added.get(key)?.as_array()?.iter().map(text).collect();
            Some(format!("{}{}", enumerated(&added), one.in_brackets()))
        };
        let extended: Vec<String> = tuned.iter().filter_map(extended).collect();
        if !extended.is_empty() {
            sentences.push(format!(
                "The best {key} lay on the edge of its list, which was extended by {}.",
                extended.join("; ")
            ));
        }
    }
    sentences
}

/// What is doubtful about the choice.
#[must_use]
pub fn doubts(tuned: &[TunedValues]) -> Vec<String> {
    let mut doubts = Vec::new();
    for key in tuned.first().into_iter().flat_map(|one| one.values.keys()) {
        let on_edge = tuned.iter().filter(|one| one.on_edge.contains(key));
        let on_edge: Vec<String> = on_edge
            .filter_map(|one| Some(format!("{}{}", text(one.values.get(key)?), one.in_brackets())))
            .collect();
        if !on_edge.is_empty() {
            doubts.push(format!(
                "the {key} chosen still lies on the edge of all that was tried, {}: list values beyond \
                 it in [tune]",
                on_edge.join(", ")
            ));
        }
    }
    let diverged: Vec<String> = tuned
        .iter()
        .filter(|one| one.val_loss.is_none())
        .map(|one| if one.factors.is_empty() { "the one arm".to_owned() } else { one.arm() })
        .collect();
    if !diverged.is_empty() {
        doubts.push(format!(
            "every tuning training of {} diverged, which leaves nothing to choose by: the first value of \
             the list was taken; list gentler ones in [tune]",
            enumerated(&diverged)
        ));
    }
    doubts
}

fn name(key: &str) -> &str {
    if key == super::fairness::RATE { "Learning rate" } else { key }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::results::fixtures::map;

    fn tuned(norm: &str, rate: f64, added: &[f64], on_edge: bool) -> TunedValues {
        let key = super::super::fairness::RATE;
        TunedValues {
            factors: map(json!({"model.norm.kind": norm})),
            values: map(json!({key: rate})),
            added: if added.is_empty() { Factors::new() } else { map(json!({key: added})) },
            on_edge: if on_edge { vec![key.to_owned()] } else { Vec::new() },
            val_loss: Some(0.1),
        }
    }

    #[test]
    fn what_was_chosen_is_said_per_arm_and_so_is_an_extended_grid() {
        let plain = tuned("none", 0.01, &[], false);
        let batch = tuned("batch", 1.0, &[1.0, 10.0], false);
        assert_eq!(
            sentences(&[plain.clone(), batch]),
            [
                "Learning rate tuned per arm: 0.01 (none), 1.0 (batch).",
                "The best training.optimizer.lr lay on the edge of its list, which was extended by 1.0 \
                 and 10.0 (batch).",
            ]
        );
        let one = TunedValues { factors: Factors::new(), ..plain };
        assert_eq!(sentences(&[one]), ["Learning rate tuned: 0.01."]);
        assert_eq!(sentences(&[]), [""; 0]);
    }

    #[test]
    fn a_value_on_the_edge_of_all_that_was_tried_is_doubtful() {
        assert_eq!(doubts(&[tuned("none", 0.01, &[], false)]), [""; 0]);
        let doubts = doubts(&[tuned("none", 0.01, &[], false), tuned("batch", 9.0, &[], true)]);
        assert_eq!(doubts.len(), 1);
        assert!(doubts[0].contains("edge of all that was tried, 9.0 (batch)"), "{doubts:?}");
    }

    #[test]
    fn where_all_diverged_nothing_was_chosen() {
        let diverged = TunedValues { val_loss: None, ..tuned("none", 1.0, &[], false) };
        let doubts = doubts(&[diverged, tuned("batch", 1.0, &[], false)]);
        assert_eq!(doubts.len(), 1);
        assert!(
            doubts[0].starts_with("every tuning training of none diverged, which leaves"),
            "{doubts:?}"
        );
    }
}
