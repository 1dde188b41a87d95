//! From figures to conclusions: when a sentence may begin with Better or Worse.

use std::collections::HashSet;

use serde_json::Value;

use super::arms::ArmSummary;
use super::best::best;
use super::conclusion::{Detectable, Effect, Finding, Interaction, Scope, UnitsDiffer, Verdict};
use super::contrast::{Contrast, ContrastKind, Divergences};
use super::contrasts::{Contrasts, PrimaryContrast};
use super::designs::simple_name;
use super::experiment::Experiment;
use super::options::Options;
use super::savings::Saving;
use super::significance::ALPHA;
use super::summary::ExperimentSummary;
use super::units::causes;
use crate::config::Factor;
use crate::stats::{self, PAIRS_FOR_P, pairs_for_family};

/// The power at which it is said what so many seeds show.
const POWER: f64 = 0.8;

/// What conclusions are drawn from.
pub(super) struct Drawn<'a> {
    pub experiment: &'a Experiment<'a>,
    pub summary: &'a ExperimentSummary,
    pub arms: &'a [ArmSummary],
    pub contrasts: &'a Contrasts,
    pub savings: &'a [Saving],
    pub options: &'a Options,
}

impl Drawn<'_> {
    /// What there is to say of the experiment: first what depends on what, then each effect, what the rules
    /// saved, the best arm, and what diverged.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let [arm] = self.arms {
            let is_filtered = !self.options.filters.is_empty();
            let is_foreign = self.summary.kept.is_some();
            findings.push(Finding::OneArm { arm: arm.factors.clone(), is_filtered, is_foreign });
        }
        let interactions = self.interactions();
        let effects = self.effects(&interactions);
        findings.extend(interactions.into_iter().map(Finding::Interaction));
        findings.extend(effects.into_iter().map(Finding::Effect));
        let primary = &self.summary.metric;
        let has_pairs = |contrast: &&Contrast| contrast.pairs() > 0;
        let checkpoint = self.of_kind(ContrastKind::Checkpoint).find(has_pairs).cloned();
        findings.extend(
            checkpoint.map(|contrast| Finding::Checkpoint { contrast, epochs: self.epochs() }),
        );
        findings.extend(self.stopping().into_iter().cloned().map(Finding::Stopping));
        if self.arms.len() > 1 && !self.units_differ() {
            let Contrasts { all, primary: of_primary, .. } = self.contrasts;
            let is_told = |of: &PrimaryContrast| all[of.compared].p_holm.is_some_and(|p| p < ALPHA);
            let any_effect = of_primary.iter().any(is_told);
            findings.extend(best(self.experiment, primary, any_effect).map(Finding::Best));
        }
        let diverged = self.arms.iter().filter(|arm| arm.diverged > 0);
        findings.extend(diverged.map(|arm| diverged_arm(arm, primary)));
        findings
    }

    fn of_kind(&self, kind: ContrastKind) -> impl Iterator<Item = &Contrast> {
        let Contrasts { all, primary, .. } = self.contrasts;
        primary.iter().map(|of| &all[of.compared]).filter(move |contrast| contrast.kind == kind)
    }

    fn units_differ(&self) -> bool {
        let Contrasts { all, primary, .. } = self.contrasts;
        primary.iter().any(|of| all[of.primary].units_differ)
    }

    fn over_splits(&self) -> bool {
        self.summary.split_per_seed == Some(true)
    }

    fn scope(&self) -> Scope {
        match self.summary.split_per_seed {
            Some(true) => return Scope::Splits,
            Some(false) => {}
            None => return Scope::Unknown,
        }
        let part = match self.summary.metric.split_once('_') {
            Some(("test", _)) => ("test", "test_rows"),
            Some(("val", _)) => ("validation", "validation_rows"),
            _ => return Scope::OneSplit { rows: None },
        };
        let count = |data: &Value| data.as_u64().and_then(|rows| usize::try_from(rows).ok());
        let mut rows =
            self.experiment.observations().map(|one| one.run.data.get(part.1).and_then(count));
        let first = rows.next().flatten().filter(|rows| *rows > 0);
        let is_one = rows.all(|other| other == first);
        Scope::OneSplit { rows: first.filter(|_| is_one).map(|rows| (part.0, rows)) }
    }

    /// The epochs of the full run, where all configs name as many.
    fn epochs(&self) -> Option<usize> {
        let of = |config: &serde_json::Map<String, Value>| {
            config.get("training")?.get("epochs")?.as_u64().and_then(|n| usize::try_from(n).ok())
        };
        let mut epochs = self.experiment.observations().map(|one| of(&one.run.config));
        let first = epochs.next().flatten()?;
        epochs.all(|other| other == Some(first)).then_some(first)
    }

    /// One a rule, the widest.
    fn stopping(&self) -> Vec<&Saving> {
        let rule = |saving: &Saving| (saving.rule.clone(), saving.monitor.clone());
        let overall: HashSet<_> =
            self.savings.iter().filter(|s| s.factors.is_empty()).map(rule).collect();
        let is_widest =
            |saving: &&Saving| saving.factors.is_empty() || !overall.contains(&rule(saving));
        self.savings.iter().filter(is_widest).collect()
    }

    /// Where a factor's effect depends on another: the interaction is clear, or the effect has another sign
    /// at some level and would be called better or worse on average.
    fn interactions(&self) -> Vec<Interaction> {
        let mut found: Vec<Interaction> = Vec::new();
        for main in self.of_kind(ContrastKind::Main) {
            let others = self.summary.factors.iter().filter(|factor| factor.levels.len() > 1);
            for other in others.filter(|other| other.key != main.name) {
                let is_clear = self.is_clear_interaction(main, other);
                let simple = self.simple(main, other);
                let turns = self.turns(main, &simple);
                if !(is_clear || turns) || simple.len() < 2 {
                    continue;
                }
                // The same said the other way round is no news.
                let is_known = found.iter().any(|known| {
                    is_clear
                        && known.is_clear
                        && known.factor == other.key
                        && known.other == main.name
                });
                if !is_known {
                    found.push(Interaction {
                        factor: main.name.clone(),
                        levels: main.levels.clone(),
                        other: other.key.clone(),
                        simple,
                        is_clear,
                        scope: self.scope(),
                    });
                }
            }
        }
        found
    }

    fn is_clear_interaction(&self, main: &Contrast, other: &Factor) -> bool {
        self.of_kind(ContrastKind::Interaction).any(|contrast| {
            let Some((a, b)) = contrast.name.split_once('*') else { return false };
            let place = match (a == main.name && b == other.key, b == main.name && a == other.key) {
                (true, _) => 0,
                (_, true) => 1,
                _ => return false,
            };
            contrast.levels.get(place).and_then(Value::as_array) == Some(&main.levels)
                && contrast.n >= PAIRS_FOR_P
                // Seeds that diverged somewhere are not among those that it would be clear over.
                && contrast.unpaired == 0
                && contrast.is_clear_beyond_rows(self.over_splits())
                && contrast.p_holm.is_some_and(|p| p < ALPHA)
        })
    }

    /// The effect at each level of another factor.
    fn simple(&self, main: &Contrast, other: &Factor) -> Vec<(Value, Contrast)> {
        let at = |level: &Value| {
            let name = simple_name(&main.name, &other.key, level);
            let mut simple = self.of_kind(ContrastKind::Simple);
            let found = simple.find(|one| one.name == name && one.levels == main.levels);
            let has_figure = |one: &&Contrast| one.estimate.is_some() || one.divergences.is_some();
            found.filter(has_figure).map(|one| (level.clone(), one.clone()))
        };
        other.levels.iter().filter_map(at).collect()
    }

    /// Whether what would be called better or worse on average is the opposite at some level.
    fn turns(&self, main: &Contrast, simple: &[(Value, Contrast)]) -> bool {
        let is_claim = matches!(self.verdict(main), Verdict::Better | Verdict::Worse);
        let on_average = main.leans_to_better();
        let opposite = |(_, one): &(Value, Contrast)| {
            one.leans_to_better().is_some_and(|better| Some(better) != on_average)
        };
        is_claim && simple.iter().any(opposite)
    }

    fn effects(&self, interactions: &[Interaction]) -> Vec<Effect> {
        let Contrasts { all, primary, .. } = self.contrasts;
        let main = primary.iter().filter(|of| all[of.compared].kind == ContrastKind::Main);
        main.map(|of| {
            let (contrast, primary) = (&all[of.compared], &all[of.primary]);
            let of_it = |one: &&Interaction| {
                let is_first = one.factor == contrast.name && one.levels == contrast.levels;
                is_first || (one.is_clear && one.other == contrast.name)
            };
            let depends = interactions.iter().any(|one| of_it(&one));
            let is_clear = interactions.iter().filter(of_it).any(|one| one.is_clear);
            let verdict = match self.verdict(contrast) {
                Verdict::Better | Verdict::Worse | Verdict::Equivalent { .. } if depends => {
                    let others = interactions.iter().filter(of_it);
                    let sizes = self.sizes(contrast, others).filter(|_| is_clear);
                    Verdict::Depends { is_clear, sizes }
                }
                verdict => verdict,
            };
            let units_differ = primary.units_differ.then(|| self.unlike_units(primary));
            Effect {
                contrast: contrast.clone(),
                verdict,
                scope: self.scope(),
                detectable: detectable(contrast),
                margin: self.margin(contrast),
                units_differ,
            }
        })
        .collect()
    }

    /// The least and the largest effect over the levels of what it depends on, where all are clear and of one
    /// sign.
    fn sizes<'i>(
        &self,
        contrast: &Contrast,
        interactions: impl Iterator<Item = &'i Interaction>,
    ) -> Option<[f64; 2]> {
        let mut sizes: Option<[f64; 2]> = None;
        for one in interactions {
            let other = if one.factor == contrast.name { &one.other } else { &one.factor };
            let other = self.summary.factors.iter().find(|factor| factor.key == *other)?;
            let simple = self.simple(contrast, other);
            for level in &other.levels {
                let (_, simple) = simple.iter().find(|(of, _)| of == level)?;
                let estimate = simple.estimate?;
                if !simple.is_clear_beyond_rows(self.over_splits()) {
                    return None;
                }
                let [least, most] = sizes.unwrap_or([estimate; 2]);
                sizes = Some([least.min(estimate), most.max(estimate)]);
            }
        }
        sizes.filter(|[least, most]| *least > 0.0 || *most < 0.0)
    }

    fn unlike_units(&self, contrast: &Contrast) -> UnitsDiffer {
        let causes = causes(self.summary.factors.iter().map(|factor| factor.key.as_str()));
        UnitsDiffer {
            metric: contrast.metric.clone(),
            causes: causes.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Effects that Holm's correction is over.
    fn tested(&self) -> usize {
        let Contrasts { all, primary, .. } = self.contrasts;
        primary.iter().filter(|of| all[of.compared].p_holm.is_some()).count()
    }

    fn verdict(&self, contrast: &Contrast) -> Verdict {
        if contrast.units_differ {
            return Verdict::NotComparable;
        }
        if contrast.pairs() == 0 {
            return Verdict::NoPair;
        }
        if contrast.pairs() < PAIRS_FOR_P {
            return Verdict::TooFewSeeds;
        }
        if let Some(divergences) = &contrast.divergences {
            return self.of_divergences(contrast, divergences);
        }
        if let Some(margin) = self.margin(contrast).filter(|margin| contrast.is_within(*margin)) {
            return Verdict::Equivalent { margin };
        }
        if contrast.ties == Some(contrast.n) {
            return Verdict::NoDifference;
        }
        if !contrast.seeds_exclude_zero() || contrast.p.is_none_or(|p| p >= ALPHA) {
            return Verdict::CannotTell;
        }
        if contrast.p_holm.is_some_and(|p| p >= ALPHA) {
            return self.corrected(contrast);
        }
        if !contrast.is_clear_beyond_rows(self.over_splits()) {
            return Verdict::OtherRows;
        }
        let is_better = contrast.direction().better(contrast.estimate.unwrap_or(0.0), 0.0);
        if is_better { Verdict::Better } else { Verdict::Worse }
    }

    fn margin(&self, contrast: &Contrast) -> Option<f64> {
        self.options.margin.and_then(|margin| margin.of(contrast.first_level))
    }

    fn of_divergences(&self, contrast: &Contrast, divergences: &Divergences) -> Verdict {
        if contrast.p.is_none_or(|p| p >= ALPHA) {
            Verdict::CannotTell
        } else if contrast.p_holm.is_some_and(|p| p >= ALPHA) {
            self.corrected(contrast)
        } else if !divergences.is_borne_out {
            Verdict::CannotTell
        } else if divergences.leans_to_second {
            Verdict::Better
        } else {
            Verdict::Worse
        }
    }

    fn corrected(&self, contrast: &Contrast) -> Verdict {
        let effects = self.tested();
        // Where not even the same sign in all seeds could pass, that is what there is to know.
        let least = pairs_for_family(effects, ALPHA);
        let least_seeds = Some(least).filter(|least| contrast.pairs() < *least);
        Verdict::CannotTellCorrected { effects, least_seeds }
    }
}

/// What so many seeds show in four of five experiments, by the deviation seen.
fn detectable(contrast: &Contrast) -> Option<Detectable> {
    if contrast.n < PAIRS_FOR_P {
        return None;
    }
    let deviations = stats::detectable_effect(contrast.n, POWER)?;
    let size = deviations * contrast.deviation().filter(|deviation| *deviation > 0.0)?;
    // Where the interval counts the rows as well, it takes as much more.
    let wider = contrast.widest().zip(contrast.ci95_seeds.map(|[low, high]| high - low));
    let wider = wider.map_or(1.0, |(widest, of_seeds)| widest / of_seeds);
    Some(Detectable { deviations, size: size * wider })
}

fn diverged_arm(arm: &ArmSummary, metric: &str) -> Finding {
    let finite = arm.metrics.get(metric).map_or(0, |m| m.values.iter().flatten().count());
    Finding::Diverged {
        arm: arm.factors.clone(),
        diverged: arm.diverged,
        n: arm.n,
        kept: arm.diverged - (arm.n - finite).min(arm.diverged),
        metric: metric.to_owned(),
    }
}
