//! What there is to conclude from replays, a sentence each.

use std::fmt::Write;

use crate::replay::{Finding, Recommendation, Tradeoff};
use crate::report::number::figure;
use crate::text::counted;

/// A conclusion.
#[must_use]
pub fn replay(finding: &Finding) -> String {
    match finding {
        Finding::Recommended(found) => recommendation(found),
        Finding::Tradeoff(found) => tradeoff(found),
        Finding::Truncated => {
            "Some trainings had themselves been stopped: what a rule gives up may be more than is \
             said here, and what it saves too."
                .to_owned()
        }
        Finding::Exploratory(rules) => format!(
            "Exploratory: {} not declared by the config of every training but chosen after its curves could be seen. Declare the one you take in a config and confirm it on new seeds.",
            if *rules == 1 { "1 rule was".to_owned() } else { format!("{rules} rules were") }
        ),
    }
}

fn recommendation(found: &Recommendation) -> String {
    let Recommendation { criterion, quality, .. } = found;
    let mut text = format!(
        "Recommended: {criterion}: it gives up {} of {quality} and saves {:.0} % of the epochs (means \
         over {})",
        percent(found.given_up),
        100.0 * found.epochs_saved,
        counted(found.n, "training")
    );
    if let Some(fastest) = &found.fastest {
        let _ = write!(
            text,
            ". {criterion} costs {}x of the fastest, {}, which gives up {}",
            figure(fastest.cost_ratio, 2),
            fastest.criterion,
            percent(fastest.given_up)
        );
    } else {
        text += ", and no other rule is faster";
    }
    if let Some(tolerated) = found.beyond {
        let _ = write!(text, "; no rule here gives up less than {}", percent(tolerated));
    }
    text.push('.');
    text
}

fn tradeoff(found: &Tradeoff) -> String {
    let Tradeoff { slowest, fastest, times, change, n } = found;
    let error = if *change == 0.0 {
        "the same test_loss".to_owned()
    } else {
        let direction = if *change < 0.0 { "lower" } else { "higher" };
        format!("a test_loss {} {direction}", percent(change.abs()))
    };
    format!(
        "Time against error: the slowest rule, {slowest}, takes {} times as many epochs as the fastest, \
         {fastest}, for {error} (by mean slowness and badness over {}).",
        figure(*times, 2),
        counted(*n, "training")
    )
}

/// `0.8 %`
#[must_use]
pub fn percent(share: f64) -> String {
    if share == 0.0 { "nothing".to_owned() } else { format!("{} %", figure(100.0 * share, 2)) }
}
