//! What there is to conclude from replays, and which rule is recommended.

use super::row::Row;
use super::summary::RuleSummary;
use crate::stats::difference;

/// The recommended rule gives up no more than this share of quality, where one can.
const TOLERATED: f64 = 0.01;

/// A conclusion.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Which rule to take.
    Recommended(Recommendation),
    /// What the slowest rule gains over the fastest.
    Tradeoff(Tradeoff),
    /// Some trainings had themselves been stopped: what is given up and saved may be more.
    Truncated,
    /// So many rules were not declared by the config of every training.
    Exploratory(usize),
}

/// The cheapest rule that gives up next to nothing; where there is none, the one that gives up
/// least.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// The rule as it was written.
    pub criterion: String,
    /// The column by which quality is judged.
    pub quality: String,
    /// Share of it that the rule gives up on average.
    pub given_up: f64,
    /// Mean share of the epochs that it saves.
    pub epochs_saved: f64,
    /// Trainings.
    pub n: usize,
    /// The fastest rule on the front, where it is another.
    pub fastest: Option<Fastest>,
    /// The share that no rule stays within, where none gives up next to nothing.
    pub beyond: Option<f64>,
}

/// The fastest rule that no other beats.
#[derive(Debug, Clone, PartialEq)]
pub struct Fastest {
    /// The rule as it was written.
    pub criterion: String,
    /// Share of quality that it gives up on average.
    pub given_up: f64,
    /// Mean epochs of the recommended rule over those of this one.
    pub cost_ratio: f64,
}

/// The slowest rule against the fastest, by mean slowness and badness: the headline of Prechelt (1998).
#[derive(Debug, Clone, PartialEq)]
pub struct Tradeoff {
    /// The slowest rule as it was written.
    pub slowest: String,
    /// The fastest.
    pub fastest: String,
    /// The slowness of the slowest over that of the fastest.
    pub times: f64,
    /// The badness of the slowest over that of the fastest, minus 1: negative where the error is lower.
    pub change: f64,
    /// Trainings.
    pub n: usize,
}

/// The conclusions from rules over trainings.
pub(super) fn findings(rules: &[RuleSummary], rows: &[Row], quality: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let overall: Vec<&RuleSummary> = rules.iter().filter(|rule| rule.cell.is_none()).collect();
    if let Some(quality) = quality.filter(|_| overall.len() > 1) {
        findings.extend(recommendation(&overall, quality).map(Finding::Recommended));
    }
    findings.extend(tradeoff(&overall).map(Finding::Tradeoff));
    if rows.iter().any(|row| row.outcome.truncated) {
        findings.push(Finding::Truncated);
    }
    let exploratory = overall.iter().filter(|rule| rule.exploratory).count();
    if exploratory > 0 {
        findings.push(Finding::Exploratory(exploratory));
    }
    findings
}

fn recommendation(rules: &[&RuleSummary], quality: &str) -> Option<Recommendation> {
    let mut front: Vec<(&RuleSummary, f64, f64)> = rules
        .iter()
        .filter(|rule| rule.on_front)
        .filter_map(|rule| Some((*rule, rule.mean_epochs?, rule.given_up?)))
        .collect();
    front.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (fastest, least, its_loss) = *front.first()?;
    let tolerable = front.iter().find(|(_, _, loss)| *loss <= TOLERATED);
    let (rule, cost, loss) = *tolerable.or_else(|| front.last())?;
    Some(Recommendation {
        criterion: rule.criterion.clone(),
        quality: quality.to_owned(),
        given_up: loss,
        epochs_saved: rule.epochs_saved.unwrap_or(0.0),
        n: rule.n,
        fastest: (rule.criterion != fastest.criterion).then(|| Fastest {
            criterion: fastest.criterion.clone(),
            given_up: its_loss,
            cost_ratio: cost / least,
        }),
        beyond: tolerable.is_none().then_some(TOLERATED),
    })
}

/// None where no two rules differ in slowness.
fn tradeoff(rules: &[&RuleSummary]) -> Option<Tradeoff> {
    let measured = || rules.iter().filter_map(|rule| Some((rule, rule.slowness?, rule.badness?)));
    let (fastest, least, its_badness) = measured().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (slowest, most, badness) = measured().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (difference(most, least) > 0.0).then(|| Tradeoff {
        slowest: slowest.criterion.clone(),
        fastest: fastest.criterion.clone(),
        times: most / least,
        change: difference(badness, its_badness) / its_badness,
        n: slowest.n,
    })
}
