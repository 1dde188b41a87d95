//! What there is to conclude, and which rule is recommended.

use std::fmt::Write;

use super::{Row, RuleSummary};
use crate::compare::counted;
use crate::compare::number::figure;

/// The recommended rule gives up no more than this share of the yardstick, where one can.
const TOLERATED: f64 = 0.01;

/// The conclusions, a sentence each.
pub(super) fn sentences(
    rules: &[RuleSummary],
    rows: &[Row],
    yardstick: Option<&str>,
) -> Vec<String> {
    let mut sentences = Vec::new();
    let overall: Vec<&RuleSummary> = rules.iter().filter(|rule| rule.cell.is_none()).collect();
    if let Some(yardstick) = yardstick.filter(|_| overall.len() > 1) {
        sentences.extend(recommendation(&overall, yardstick));
    }
    if rows.iter().any(|row| row.replayed.truncated) {
        sentences.push(
            "Some trainings had themselves been stopped: what a rule gives up may be more than is \
             said here, and what it saves too."
                .to_owned(),
        );
    }
    let exploratory = overall.iter().filter(|rule| rule.exploratory).count();
    if exploratory > 0 {
        sentences.push(format!(
            "Exploratory: {} not declared by the config of every training but chosen after its \
             curves were there. Declare the one you take in a config and confirm it on new seeds.",
            if exploratory == 1 {
                "1 rule was".to_owned()
            } else {
                format!("{exploratory} rules were")
            }
        ));
    }
    sentences
}

/// The cheapest rule that gives up next to nothing; where there is none, the one that gives up
/// least.
fn recommendation(rules: &[&RuleSummary], yardstick: &str) -> Option<String> {
    let mut front: Vec<(&RuleSummary, f64, f64)> = rules
        .iter()
        .filter(|rule| rule.on_front)
        .filter_map(|rule| Some((*rule, rule.mean_epochs?, rule.given_up?)))
        .collect();
    front.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (fastest, least, its_loss) = *front.first()?;
    let tolerable = front.iter().find(|(_, _, loss)| *loss <= TOLERATED);
    let (rule, cost, loss) = *tolerable.or_else(|| front.last())?;
    let n = counted(rule.n, "training");
    let saved = rule.epochs_saved.map_or(0.0, |share| 100.0 * share);
    let mut text = format!(
        "Recommended: {}: it gives up {} of {yardstick} and saves {saved:.0} % of the epochs (means \
         over {n})",
        rule.criterion,
        percent(loss)
    );
    if rule.criterion == fastest.criterion {
        text += ", and no other rule is faster";
    } else {
        let _ = write!(
            text,
            ". {} costs {}x of the fastest, {}, which gives up {}",
            rule.criterion,
            figure(cost / least, 2),
            fastest.criterion,
            percent(its_loss)
        );
    }
    if tolerable.is_none() {
        let _ = write!(text, "; no rule here gives up less than {}", percent(TOLERATED));
    }
    text.push('.');
    Some(text)
}

/// `0.8 %`
#[must_use]
pub fn percent(share: f64) -> String {
    if share == 0.0 { "nothing".to_owned() } else { format!("{} %", figure(100.0 * share, 2)) }
}
