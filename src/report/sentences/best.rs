//! The best arm, in a sentence.

use super::phrase::{arm_name, first_of};
use crate::compare::Best;
use crate::report::number::figure;
use crate::text::counted;

/// `Best test_loss: model.norm.kind=batch, early_stopping=patience (0.0560); of the 3 other arms 1 cannot be
/// told from it: …`
pub(super) fn best(best: &Best) -> String {
    let Best { metric, arm, mean, not_told, others, is_foreign, chance } = best;
    let names: Vec<String> = not_told.iter().map(arm_name).collect();
    let names: Vec<String> = names.iter().map(|name| format!("{{{name}}}")).collect();
    let told = match (names.len(), *others) {
        (0, 1) => "the other arm is told from it".to_owned(),
        (0, n) => format!("all {n} others are told from it"),
        (n, all) if n == all => {
            let other = if all == 1 {
                "the other arm".to_owned()
            } else {
                format!("any of the {all} others")
            };
            format!("it cannot be told from {other}")
        }
        (n, _) => format!(
            "{} cannot be told from it once all pairs of arms are corrected for: {}",
            counted(n, "arm"),
            first_of(&names)
        ),
    };
    let told = if *is_foreign { format!("beyond these runs, {told}") } else { told };
    let chance = chance.map_or(String::new(), |chance| {
        format!(" Predicting without the inputs gives {}.", figure(chance, 3))
    });
    format!("Best mean {metric}: {} with {}; {told}.{chance}", arm_name(arm), figure(*mean, 3))
}
