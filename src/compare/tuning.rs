//! What there is to say of tuned values: what was chosen, and what is doubtful about the choice.

use serde_json::Value;

use super::conclusion::Finding;
use super::tuned::TunedValues;
use super::warning::WarningKind;
use crate::config::Factors;

/// What was chosen, a finding for each key, and where grids were extended.
#[must_use]
pub fn findings(tuned: &[TunedValues]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in keys(tuned) {
        let value = |one: &TunedValues| Some((one.factors.clone(), one.values.get(key)?.clone()));
        findings.push(Finding::Tuned {
            key: key.clone(),
            arms: tuned.len(),
            chosen: tuned.iter().filter_map(value).collect(),
        });
        let added = |one: &TunedValues| {
            Some((one.factors.clone(), one.added.get(key)?.as_array()?.clone()))
        };
        let added: Vec<(Factors, Vec<Value>)> = tuned.iter().filter_map(added).collect();
        if !added.is_empty() {
            findings.push(Finding::GridExtended { key: key.clone(), added });
        }
    }
    if !tuned.is_empty() {
        findings.push(Finding::Tried {
            arms: tuned.iter().map(|one| (one.factors.clone(), one.tried.clone())).collect(),
            trainings: tuned.iter().map(|one| one.trainings).collect(),
        });
    }
    findings
}

/// What is doubtful about the choice.
#[must_use]
pub fn warnings(tuned: &[TunedValues]) -> Vec<WarningKind> {
    let mut warnings = Vec::new();
    for key in keys(tuned) {
        let on_edge = tuned.iter().filter(|one| one.on_edge.contains(key));
        let chosen: Vec<(Factors, Value)> = on_edge
            .filter_map(|one| Some((one.factors.clone(), one.values.get(key)?.clone())))
            .collect();
        if !chosen.is_empty() {
            warnings.push(WarningKind::TunedOnEdge { key: key.clone(), chosen });
        }
    }
    let diverged = tuned.iter().filter(|one| one.val_loss.is_none());
    let arms: Vec<Factors> = diverged.map(|one| one.factors.clone()).collect();
    if !arms.is_empty() {
        warnings.push(WarningKind::TuningDiverged { arms });
    }
    warnings
}

fn keys(tuned: &[TunedValues]) -> impl Iterator<Item = &String> {
    tuned.first().into_iter().flat_map(|one| one.values.keys())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::results::fixtures::map;

    const RATE: &str = "training.optimizer.lr";

    fn norm(norm: &str) -> Factors {
        map(json!({"model.norm.kind": norm}))
    }

    fn tuned(of: &str, rate: f64, added: &[f64], on_edge: bool) -> TunedValues {
        TunedValues {
            factors: norm(of),
            values: map(json!({RATE: rate})),
            added: if added.is_empty() { Factors::new() } else { map(json!({RATE: added})) },
            on_edge: if on_edge { vec![RATE.to_owned()] } else { Vec::new() },
            val_loss: Some(0.1),
            tried: vec![(map(json!({RATE: rate})), Some(0.1))],
            trainings: 5,
        }
    }

    #[test]
    fn what_was_chosen_is_found_per_arm_and_so_is_an_extended_grid() {
        let arms = [tuned("none", 0.01, &[], false), tuned("batch", 1.0, &[1.0, 10.0], false)];
        let chosen = vec![(norm("none"), json!(0.01)), (norm("batch"), json!(1.0))];
        let added = vec![(norm("batch"), vec![json!(1.0), json!(10.0)])];
        let key = || RATE.to_owned();
        assert_eq!(
            findings(&arms),
            [
                Finding::Tuned { key: key(), arms: 2, chosen },
                Finding::GridExtended { key: key(), added },
                Finding::Tried {
                    arms: arms.iter().map(|one| (one.factors.clone(), one.tried.clone())).collect(),
                    trainings: vec![5, 5],
                },
            ]
        );
        assert_eq!(findings(&[]), []);
    }

    #[test]
    fn a_value_on_the_edge_of_all_that_was_tried_is_doubtful() {
        assert_eq!(warnings(&[tuned("none", 0.01, &[], false)]), []);
        let arms = [tuned("none", 0.01, &[], false), tuned("batch", 9.0, &[], true)];
        let chosen = vec![(norm("batch"), json!(9.0))];
        assert_eq!(warnings(&arms), [WarningKind::TunedOnEdge { key: RATE.to_owned(), chosen }]);
    }

    #[test]
    fn where_all_diverged_nothing_was_chosen() {
        let diverged = TunedValues { val_loss: None, ..tuned("none", 1.0, &[], false) };
        let arms = vec![norm("none")];
        let found = warnings(&[diverged, tuned("batch", 1.0, &[], false)]);
        assert_eq!(found, [WarningKind::TuningDiverged { arms }]);
    }
}
