//! What `[tune]` chose, in sentences.

use serde_json::Value;

use super::phrase::{level_names, of_arm, texts};
use crate::compare::label::text;
use crate::compare::{RATE, Scores};
use crate::config::Factors;
use crate::report::number::figure;
use crate::text::{counted, enumerated};

/// `Learning rate tuned per arm: 0.01 (none), 0.1 (batch).`
pub(super) fn tuned(key: &str, arms: usize, chosen: &[(Factors, Value)]) -> String {
    let key = if key == RATE { "Learning rate" } else { key };
    let per_arm = if arms > 1 { " per arm" } else { "" };
    format!("{key} tuned{per_arm}: {}.", values(chosen))
}

/// `Tuning tried, by mean val_loss: (none) 0.001 0.402, 0.01 0.310; (batch) …; 20 trainings each.`
pub(super) fn tried(arms: &[(Factors, Scores)], trainings: &[usize]) -> String {
    let value = |(values, loss): &(Factors, Option<f64>)| {
        let loss = loss.map_or("diverged".to_owned(), |loss| figure(loss, 3));
        format!("{} {loss}", level_names(values))
    };
    let of_arm = |(arm, tried): &(Factors, Scores)| {
        let values = tried.iter().map(value).collect::<Vec<_>>().join(", ");
        if arm.is_empty() { values } else { format!("({}) {values}", level_names(arm)) }
    };
    let arms_tried = arms.iter().map(of_arm).collect::<Vec<_>>().join("; ");
    let first = trainings.first().copied().unwrap_or(0);
    let budget = if arms.len() == 1 {
        counted(first, "training")
    } else if trainings.iter().all(|other| *other == first) {
        format!("{} for each arm", counted(first, "training"))
    } else {
        let each = arms.iter().zip(trainings).map(|((arm, _), n)| of_arm_count(*n, arm));
        format!("the arms did not have the same budget: {}", each.collect::<Vec<_>>().join(", "))
    };
    format!("Tuning tried, with the mean val_loss of each: {arms_tried}; {budget}.")
}

fn of_arm_count(trainings: usize, arm: &Factors) -> String {
    of_arm(&counted(trainings, "training"), arm)
}

/// That the grid was extended, and by what.
pub(super) fn extended(key: &str, added: &[(Factors, Vec<Value>)]) -> String {
    let added: Vec<String> =
        added.iter().map(|(arm, values)| of_arm(&enumerated(&texts(values)), arm)).collect();
    let added = added.join("; ");
    format!("The best {key} lay on the edge of its list, which was extended by {added}.")
}

/// What is doubtful about values that are still on the edge.
pub(super) fn on_edge(key: &str, chosen: &[(Factors, Value)]) -> String {
    format!(
        "the {key} chosen is still at the edge of all that was tried, {}: list values beyond it in \
         [tune]",
        values(chosen)
    )
}

/// What is doubtful where all diverged.
pub(super) fn all_diverged(arms: &[Factors]) -> String {
    let name = |arm: &Factors| {
        if arm.is_empty() { "the one arm".to_owned() } else { level_names(arm) }
    };
    let arms: Vec<String> = arms.iter().map(name).collect();
    format!(
        "every tuning training of {} diverged, which leaves nothing to choose by: the first value of \
         the list was taken; list gentler ones in [tune]",
        enumerated(&arms)
    )
}

fn values(chosen: &[(Factors, Value)]) -> String {
    let values: Vec<String> = chosen.iter().map(|(arm, value)| of_arm(&text(value), arm)).collect();
    values.join(", ")
}
