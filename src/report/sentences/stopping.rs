//! What a stopping rule saved and cost, in a sentence.

use crate::compare::{PRIMARY, Saving};
use crate::report::number::{decimals, figure, fixed, signed};
use crate::text::counted;

/// Below so many seconds of a full run nobody waits for what was saved of them.
const SECONDS_THAT_MATTER: f64 = 1.0;

/// `patience stopped after 56 epochs, 44 % fewer than the full run's 100 and 12 after its best`, with what
/// that changed, and over which trainings where that is not all of them.
pub(super) fn stopping(saving: &Saving) -> String {
    let (Some(saved), Some(epochs), Some(full)) =
        (saving.epochs_saved, saving.epochs, saving.full_epochs)
    else {
        return format!(
            "What {} saved and gave up is unknown: its trainings stopped there, and no other arm trained \
             the same to the end.",
            saving.rule
        );
    };
    if saved == 0.0 {
        return format!(
            "{} stopped no training before the full run's {} epochs: it saved nothing and changed nothing.",
            saving.rule,
            fixed(full, 0)
        );
    }
    let best = saving.best_epoch.map_or(String::new(), |best| {
        let beyond = epochs - best;
        let side = if beyond < 0.0 { "before" } else { "after" };
        format!(" and {} {side} its best", fixed(beyond.abs(), 0))
    });
    let seconds = match (saving.seconds_saved, saving.full_seconds) {
        (Some(saved), Some(all)) if all >= SECONDS_THAT_MATTER => {
            format!(" ({} s of {} s)", fixed(saved, 1), fixed(all, 1))
        }
        _ => String::new(),
    };
    let mut regrets = Vec::new();
    for (regret, interval, metric) in [
        (saving.val_regret, saving.val_regret_ci95, saving.monitor.as_str()),
        (saving.test_regret, saving.test_regret_ci95, PRIMARY),
    ] {
        let (Some(regret), Some([low, high])) = (regret, interval) else { continue };
        let digits = decimals(Some(0.5 * (high - low)).filter(|w| *w > 0.0).unwrap_or(regret), 2);
        regrets.push(format!(
            "{metric} by {} (95 % interval over seeds {} to {})",
            signed(regret, digits),
            signed(low, digits),
            signed(high, digits)
        ));
    }
    let of_those = match saving.n_full {
        full if full < saving.n => format!(" in {full} of {}", counted(saving.n, "training")),
        _ => String::new(),
    };
    let cost = if !regrets.is_empty() {
        let regrets = regrets.join(" and ");
        format!("; against the best checkpoint of the full run it changed {regrets}{of_those}")
    } else if saving.units_differ {
        "; what it gave up is in another unit in each arm".to_owned()
    } else {
        "; with too few seeds for an interval, nothing is said of what it gave up".to_owned()
    };
    let over = if saving.diverged > 0 {
        let all = counted(saving.n + saving.diverged, "training");
        format!(" over the {} of {all} that did not diverge", saving.n)
    } else {
        String::new()
    };
    format!(
        "{} stopped after {} epochs{over}, {:.0} % fewer than the full run's {}{best}{seconds}{cost}.",
        saving.rule,
        figure(epochs, 3),
        100.0 * saved,
        fixed(full, 0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Factors;

    fn saving() -> Saving {
        Saving {
            experiment: "digits".to_owned(),
            factors: Factors::new(),
            rule: "patience".to_owned(),
            epochs_saved: Some(0.75),
            epochs: Some(25.0),
            full_epochs: Some(100.0),
            best_epoch: Some(15.0),
            seconds_saved: Some(15.0),
            val_regret: Some(0.125),
            val_regret_ci95: Some([0.1, 0.15]),
            test_regret: Some(-0.0004),
            test_regret_ci95: Some([-0.02, 0.019]),
            seconds_saved_fraction: Some(0.75),
            full_seconds: Some(20.0),
            monitor: "val_loss".to_owned(),
            n: 16,
            diverged: 0,
            n_full: 16,
            units_differ: false,
        }
    }

    #[test]
    fn what_was_saved_and_given_up_is_said_with_intervals_against_the_full_run() {
        assert_eq!(
            stopping(&saving()),
            "patience stopped after 25.0 epochs, 75 % fewer than the full run's 100 and 10 after its best \
             (15.0 s of 20.0 s); against the best checkpoint of the full run it changed val_loss by 0.125 \
             (95 % interval over seeds 0.100 to 0.150) and test_loss by -0.0004 (95 % interval over seeds -0.020 to 0.019)."
        );
    }

    #[test]
    fn a_rule_that_never_fired_is_said_to_have_done_nothing() {
        let never = Saving { epochs_saved: Some(0.0), epochs: Some(100.0), ..saving() };
        let said = "patience stopped no training before the full run's 100 epochs: it saved nothing and changed \
                    nothing.";
        assert_eq!(stopping(&never), said);
    }

    #[test]
    fn a_figure_without_an_interval_and_seconds_that_nobody_waits_for_are_not_said() {
        let few = Saving { val_regret_ci95: None, test_regret_ci95: None, ..saving() };
        assert!(
            stopping(&few)
                .ends_with("too few seeds for an interval, nothing is said of what it gave up.")
        );
        let short = Saving { seconds_saved: Some(0.02), full_seconds: Some(0.1), ..saving() };
        assert!(!stopping(&short).contains(" s of "), "{}", stopping(&short));
    }

    #[test]
    fn over_which_trainings_is_said_where_it_is_not_all() {
        let diverged = stopping(&Saving { n: 14, n_full: 14, diverged: 2, ..saving() });
        assert!(
            diverged.contains(" over the 14 of 16 trainings that did not diverge, "),
            "{diverged}"
        );
        let some = stopping(&Saving { n_full: 12, ..saving() });
        assert!(some.ends_with("to 0.019) in 12 of 16 trainings."), "{some}");
    }

    #[test]
    fn what_is_unknown_is_said_with_the_reason() {
        let unknown = || Saving {
            val_regret_ci95: None,
            test_regret_ci95: None,
            units_differ: true,
            ..saving()
        };
        assert!(stopping(&unknown()).ends_with("is in another unit in each arm."));
        let none = Saving { epochs_saved: None, ..saving() };
        assert!(
            stopping(&none)
                .starts_with("What patience saved and gave up is unknown: its trainings stopped")
        );
    }
}
