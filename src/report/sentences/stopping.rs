//! What a stopping rule saved and cost, in a sentence.

use crate::compare::{PRIMARY, Saving};
use crate::report::number::{figure, fixed};
use crate::text::counted;

/// `patience saved 63 % of the epochs (12.1 s of 19.0 s) and gave up 0.001 of val_loss`, with over
/// which trainings where that is not all of them.
pub(super) fn stopping(saving: &Saving) -> String {
    let Some(epochs) = saving.epochs_saved else {
        return format!("What {} saved is unknown.", saving.rule);
    };
    let seconds = match (saving.seconds_saved, saving.full_seconds) {
        (Some(saved), Some(all)) => format!(" ({} s of {} s)", seconds(saved), seconds(all)),
        _ => String::new(),
    };
    let mut regrets = Vec::new();
    let mut verb = "";
    for (regret, metric) in
        [(saving.val_regret, saving.monitor.as_str()), (saving.test_regret, PRIMARY)]
    {
        let Some(regret) = regret else { continue };
        let size = if regret == 0.0 { "nothing".to_owned() } else { figure(regret.abs(), 2) };
        let this = if regret < 0.0 { "gained " } else { "gave up " };
        regrets.push(format!("{}{size} of {metric}", if this == verb { "" } else { this }));
        verb = this;
    }
    let of_those = match saving.n_full {
        full if full < saving.n => format!(" in {full} of them"),
        _ => String::new(),
    };
    let cost = if !regrets.is_empty() {
        let regrets = regrets.join(" and ");
        format!(" and {regrets} against the best checkpoint of the full run{of_those}")
    } else if saving.units_differ {
        "; what it gave up is in another unit in each arm".to_owned()
    } else if saving.n_full > 0 {
        "; what it gave up is unknown, since it was not recorded".to_owned()
    } else {
        "; what it gave up is unknown, since its own trainings stopped there".to_owned()
    };
    let over = if saving.diverged > 0 {
        let all = counted(saving.n + saving.diverged, "training");
        format!(" over the {} of {all} that did not diverge", saving.n)
    } else if !of_those.is_empty() && !regrets.is_empty() {
        format!(" over {}", counted(saving.n, "training"))
    } else {
        String::new()
    };
    format!("{} saved {:.0} % of the epochs{seconds}{over}{cost}.", saving.rule, 100.0 * epochs)
}

fn seconds(value: f64) -> String {
    fixed(value, if value.abs() < 1.0 { 2 } else { 1 })
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
            seconds_saved: Some(15.0),
            val_regret: Some(0.125),
            test_regret: Some(0.25),
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
    fn what_was_saved_and_given_up_is_said_against_the_full_run() {
        assert_eq!(
            stopping(&saving()),
            "patience saved 75 % of the epochs (15.0 s of 20.0 s) and gave up 0.12 of val_loss and \
             0.25 of test_loss against the best checkpoint of the full run."
        );
        let gained = Saving { val_regret: Some(0.0), test_regret: Some(-0.001), ..saving() };
        let said = stopping(&gained);
        assert!(
            said.contains("gave up nothing of val_loss and gained 0.0010 of test_loss"),
            "{said}"
        );
    }

    #[test]
    fn over_which_trainings_is_said_where_it_is_not_all() {
        let diverged = stopping(&Saving { n: 14, n_full: 14, diverged: 2, ..saving() });
        let over = " over the 14 of 16 trainings that did not diverge and gave up";
        assert!(diverged.contains(over), "{diverged}");
        let some = stopping(&Saving { n_full: 12, ..saving() });
        assert!(some.contains(" over 16 trainings and gave up"), "{some}");
        assert!(some.ends_with("the best checkpoint of the full run in 12 of them."), "{some}");
    }

    #[test]
    fn what_is_unknown_is_said_with_the_reason() {
        let unknown = || Saving { val_regret: None, test_regret: None, ..saving() };
        for (saving, reason) in [
            (Saving { n_full: 0, ..unknown() }, "unknown, since its own trainings stopped there."),
            (unknown(), "what it gave up is unknown, since it was not recorded."),
            (Saving { units_differ: true, ..unknown() }, "is in another unit in each arm."),
        ] {
            let said = stopping(&saving);
            assert!(said.ends_with(reason), "{said}");
        }
        let none = Saving { epochs_saved: None, ..saving() };
        assert_eq!(stopping(&none), "What patience saved is unknown.");
    }
}
