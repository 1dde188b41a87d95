//! What a paper says of how its figures came about, and whom it cites for it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::number::fixed;
use super::page::Origin;
use super::sentences::finding;
use crate::compare::label::text;
use crate::compare::{
    ArmSummary, Comparison, Contrast, ExperimentSummary, Finding, TunedValues, Verdict,
};
use crate::config::is_of_rule;
use crate::text::{counted, enumerated};

/// A method that a paper cites: what it is cited for, its key, its entry for BibTeX.
struct Source {
    key: &'static str,
    entry: &'static str,
}

const FISHER: Source = Source {
    key: "fisher1935",
    entry: "@book{fisher1935,\n  author = {Fisher, Ronald A.},\n  title = {The Design of Experiments},\n  \
            publisher = {Oliver and Boyd},\n  address = {Edinburgh},\n  year = {1935}\n}\n",
};
const HOLM: Source = Source {
    key: "holm1979",
    entry: "@article{holm1979,\n  author = {Holm, Sture},\n  title = {A Simple Sequentially Rejective Multiple Test \
            Procedure},\n  journal = {Scandinavian Journal of Statistics},\n  volume = {6},\n  number = {2},\n  \
            pages = {65--70},\n  year = {1979}\n}\n",
};
const CAMERON: Source = Source {
    key: "cameron2011",
    entry: "@article{cameron2011,\n  author = {Cameron, A. Colin and Gelbach, Jonah B. and Miller, Douglas L.},\n  \
            title = {Robust Inference With Multiway Clustering},\n  journal = {Journal of Business \\& Economic \
            Statistics},\n  volume = {29},\n  number = {2},\n  pages = {238--249},\n  year = {2011}\n}\n",
};
const NADEAU: Source = Source {
    key: "nadeau2003",
    entry: "@article{nadeau2003,\n  author = {Nadeau, Claude and Bengio, Yoshua},\n  title = {Inference for the \
            Generalization Error},\n  journal = {Machine Learning},\n  volume = {52},\n  number = {3},\n  \
            pages = {239--281},\n  year = {2003}\n}\n",
};
const WILCOXON: Source = Source {
    key: "wilcoxon1945",
    entry: "@article{wilcoxon1945,\n  author = {Wilcoxon, Frank},\n  title = {Individual Comparisons by Ranking \
            Methods},\n  journal = {Biometrics Bulletin},\n  volume = {1},\n  number = {6},\n  pages = {80--83},\n  \
            year = {1945}\n}\n",
};
const SCHUIRMANN: Source = Source {
    key: "schuirmann1987",
    entry: "@article{schuirmann1987,\n  author = {Schuirmann, Donald J.},\n  title = {A Comparison of the Two One-Sided \
            Tests Procedure and the Power Approach for Assessing the Equivalence of Average Bioavailability},\n  \
            journal = {Journal of Pharmacokinetics and Biopharmaceutics},\n  volume = {15},\n  number = {6},\n  \
            pages = {657--680},\n  year = {1987}\n}\n",
};
const JANSSEN: Source = Source {
    key: "janssen1997",
    entry: "@article{janssen1997,\n  author = {Janssen, Arnold},\n  title = {Studentized Permutation Tests for \
            Non-i.i.d. Hypotheses and the Generalized {B}ehrens-{F}isher Problem},\n  journal = {Statistics \\& \
            Probability Letters},\n  volume = {36},\n  number = {1},\n  pages = {9--21},\n  year = {1997}\n}\n",
};
const WELCH: Source = Source {
    key: "welch1947",
    entry: "@article{welch1947,\n  author = {Welch, Bernard L.},\n  title = {The Generalization of `{S}tudent's' \
            Problem When Several Different Population Variances Are Involved},\n  journal = {Biometrika},\n  \
            volume = {34},\n  number = {1--2},\n  pages = {28--35},\n  year = {1947}\n}\n",
};
const DEMSAR: Source = Source {
    key: "demsar2006",
    entry: "@article{demsar2006,\n  author = {Dem{\\v s}ar, Janez},\n  title = {Statistical Comparisons of Classifiers \
            over Multiple Data Sets},\n  journal = {Journal of Machine Learning Research},\n  volume = {7},\n  \
            pages = {1--30},\n  year = {2006}\n}\n",
};

/// The order of a bibliography.
const SOURCES: [Source; 9] =
    [CAMERON, DEMSAR, FISHER, HOLM, JANSSEN, NADEAU, SCHUIRMANN, WELCH, WILCOXON];

/// The version and, where it is known, the commit of what computes.
fn version() -> String {
    let commit = option_env!("BNES_GIT_COMMIT")
        .map_or(String::new(), |commit| format!(", commit {}", &commit[..commit.len().min(12)]));
    format!("{}{commit}", env!("CARGO_PKG_VERSION"))
}

/// The methods of a comparison, a paragraph an experiment, with keys of [`bibliography`].
#[must_use]
pub fn methods(comparison: &Comparison, origins: &[Origin]) -> String {
    let mut said = String::from("# Methods\n");
    for experiment in &comparison.experiments {
        let origin = origins.iter().find(|origin| origin.experiment == experiment.name);
        let mut sentences = design(experiment, comparison);
        sentences.extend(origin.and_then(|origin| network(experiment, origin)));
        sentences.extend(experiment.tuning.first().map(|_| tuning(experiment, comparison)));
        sentences.extend(reading(experiment));
        sentences.extend(tests(experiment, comparison));
        sentences.extend(diverged(experiment, comparison));
        sentences.extend(origin.filter(|_| experiment.kept.is_none()).map(machine));
        let _ = write!(said, "\n**{}.** {}\n", experiment.name, sentences.join(" "));
    }
    if let Some(across) = comparison.data_sets.first() {
        let _ = write!(
            said,
            "\nOver {} arms are compared by their mean ranks in {}, with the Friedman test and \
             the critical difference of Nemenyi [@{}].\n",
            counted(across.experiments.len(), "data set"),
            across.metric,
            DEMSAR.key
        );
    }
    let _ = write!(said, "\nAll figures are computed by bnes {} [@bnes].\n", version());
    said
}

/// The sources that [`methods`] names, for BibTeX.
#[must_use]
pub fn bibliography(methods: &str) -> String {
    let mut text = format!(
        "@misc{{bnes,\n  title = {{bnes: what {{Batch Normalization}} and {{Early Stopping}} do to a network on \
         one's data}},\n  howpublished = {{Computer program}},\n  note = {{Version {}}}\n}}\n",
        version()
    );
    for source in SOURCES.iter().filter(|source| methods.contains(&format!("@{}", source.key))) {
        text.extend(["\n", source.entry]);
    }
    text
}

fn arms<'c>(
    experiment: &'c ExperimentSummary,
    comparison: &'c Comparison,
) -> impl Iterator<Item = &'c ArmSummary> {
    comparison.arms.iter().filter(|arm| arm.experiment == experiment.name)
}

/// Arms, seeds, rows.
fn design(experiment: &ExperimentSummary, comparison: &Comparison) -> Vec<String> {
    let mut sentences = Vec::new();
    let count = arms(experiment, comparison).count();
    let several = experiment.factors.iter().filter(|factor| factor.levels.len() > 1);
    let named: Vec<String> = several
        .clone()
        .map(|factor| {
            let levels: Vec<String> = factor.levels.iter().map(text).collect();
            format!("{} ({})", factor.key, levels.join(", "))
        })
        .collect();
    let product: usize = several.map(|factor| factor.levels.len()).product();
    let seeds: BTreeSet<u64> =
        arms(experiment, comparison).flat_map(|arm| arm.seeds.iter().copied()).collect();
    let each = if count > 1 { " each" } else { "" };
    let is_unpaired = comparison.is_unpaired(&experiment.name);
    let seeds = if is_unpaired {
        let counts = || arms(experiment, comparison).map(|arm| arm.n);
        match (counts().min().unwrap_or(0), counts().max().unwrap_or(0)) {
            (least, most) if least == most => format!("{}{each}", counted(most, "training")),
            (least, most) => format!("{least} to {most} trainings{each}"),
        }
    } else {
        format!("{}{each} ({})", counted(seeds.len(), "seed"), listed(&seeds))
    };
    sentences.push(match count {
        1 => format!("One configuration was trained with {seeds}."),
        _ if product == count => format!(
            "The {count} arms are all combinations of {}, with {seeds}.",
            enumerated(&named)
        ),
        _ => format!("{count} arms differ in {}, with {seeds}.", enumerated(&named)),
    });
    let split = match experiment.split_per_seed {
        Some(true) => "each seed draws its own split, which its arms share",
        Some(false) => "all seeds share one split, so that what is found is about these rows",
        None => {
            "the logs do not tell how they were split, so that what is found is about these runs"
        }
    };
    sentences.push(match &experiment.data {
        Some(data) => format!(
            "Of {}, {} rows were for training, {} for validation and {} for testing; {split}.",
            data.source, data.train_rows, data.validation_rows, data.test_rows
        ),
        None => format!("As to rows, {split}."),
    });
    sentences
}

/// `0 to 9`, or each.
fn listed(seeds: &BTreeSet<u64>) -> String {
    let (Some(first), Some(last)) = (seeds.first(), seeds.last()) else { return String::new() };
    let length = u64::try_from(seeds.len()).unwrap_or(u64::MAX);
    if length > 2 && last - first == length - 1 {
        return format!("{first} to {last}");
    }
    let all: Vec<String> = seeds.iter().map(u64::to_string).collect();
    all.join(", ")
}

/// What all arms have in common of network and training.
fn network(experiment: &ExperimentSummary, origin: &Origin) -> Option<String> {
    let varies = |key: &str| {
        let tuned = experiment.tuning.iter().flat_map(|tuned| tuned.values.keys());
        let factors = experiment.factors.iter().map(|factor| &factor.key);
        factors.chain(tuned).any(|other| {
            let within = |whole: &str, part: &str| {
                part.strip_prefix(whole)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            within(other, key) || within(key, other)
        })
    };
    let get = |key: &str| {
        let found = key.split('.').try_fold(&origin.config, |table, part| table.get(part))?;
        (!varies(key) && !found.is_null()).then_some(found)
    };
    let mut parts = Vec::new();
    if let Some(Value::Array(hidden)) = get("model.hidden") {
        parts.push(if hidden.is_empty() {
            "a linear model".to_owned()
        } else {
            let units: Vec<String> = hidden.iter().map(text).collect();
            format!("a multilayer perceptron with hidden layers of {} units", enumerated(&units))
        });
    }
    let named = [
        ("model.activation", "activation"),
        ("model.norm.kind", "norm"),
        ("training.loss", "loss"),
        ("training.optimizer.kind", "optimizer"),
        ("training.optimizer.lr", "learning rate"),
        ("training.batch_size", "batch size"),
    ];
    for (key, name) in named {
        parts.extend(get(key).map(|value| format!("{name} {}", text(value))));
    }
    parts.extend(get("training.epochs").map(|value| format!("at most {} epochs", text(value))));
    (!parts.is_empty()).then(|| format!("Common to all: {}.", parts.join(", ")))
}

/// What was chosen on validation rows.
fn tuning(experiment: &ExperimentSummary, comparison: &Comparison) -> String {
    let told = comparison.conclusions.iter().filter(|one| {
        let is_of_tuning = matches!(&one.finding, Finding::Tuned { .. } | Finding::Tried { .. });
        one.experiment.as_ref() == Some(&experiment.name) && is_of_tuning
    });
    let told: Vec<String> = told.map(|one| finding(&one.finding)).collect();
    let trainings: usize = experiment.tuning.iter().map(|of: &TunedValues| of.trainings).sum();
    format!(
        "Values were tuned on seeds of their own by the mean val_loss of the weights kept, in {}, without a test \
         row. {}",
        counted(trainings, "training"),
        told.join(" ")
    )
}

/// Which weights are reported.
fn reading(experiment: &ExperimentSummary) -> Vec<String> {
    if let Some(kept) = &experiment.kept {
        return vec![format!(
            "Trainings are those of other tools, read from their logs; figures are those at {kept}, and the primary \
             metric is {}.",
            experiment.metric
        )];
    }
    let mut sentences = vec![format!(
        "Figures are those of the weights that an arm keeps; the primary metric is {}. Arms with the same seed share \
         split, batch order and the initial values of all parameters that they have in common, and differences are formed \
         within seeds.",
        experiment.metric
    )];
    if experiment.factors.iter().any(|factor| is_of_rule(&factor.key) && factor.levels.len() > 1) {
        sentences.push(
            "A stopping rule does not change a training, only where it is ended: arms that differ in their rule read \
             the same trainings, and a rule is held against the best checkpoint of the full run."
                .to_owned(),
        );
    }
    sentences
}

/// The tests and intervals that its figures went through.
fn tests(experiment: &ExperimentSummary, comparison: &Comparison) -> Vec<String> {
    let of: Vec<&Contrast> = comparison
        .contrasts
        .iter()
        .filter(|one| one.experiment == experiment.name && one.metric == experiment.metric)
        .collect();
    let has = |is: &dyn Fn(&Contrast) -> bool| of.iter().any(|one| is(one));
    let mut sentences = Vec::new();
    if has(&|one| one.p.is_some() && one.divergences.is_none()) {
        let corrected = if has(&|one| one.p_holm.is_some()) {
            format!(
                ", corrected over main effects and interactions by Holm's procedure [@{}]",
                HOLM.key
            )
        } else {
            String::new()
        };
        let flips = if has(&|one| one.sequential.is_some()) {
            let most =
                of.iter().filter_map(|one| one.sequential.as_ref()).map(|look| look.max_seeds);
            format!(
                " They allow for all planned looks at up to {} seeds.",
                most.max().unwrap_or_default()
            )
        } else {
            String::new()
        };
        let is_unpaired = has(&|one| one.samples.is_some());
        sentences.push(if is_unpaired { format!(
            "p-values are two-sided and those of a permutation of the labels of trainings by Welch's t [@{}], of Welch's t \
             test for interactions{corrected}.",
            JANSSEN.key
        ) } else { format!(
            "p-values are two-sided and those of the sign-flip permutation test of the differences [@{}], of the t test \
             above 200 pairs{corrected}.{flips}",
            FISHER.key
        ) });
    }
    if has(&|one| one.divergences.is_some() && one.p.is_some() && one.samples.is_some()) {
        sentences.push(
            "Where trainings diverged, labels were permuted over ranks, with those beyond all others.".to_owned(),
        );
    } else if has(&|one| one.divergences.is_some() && one.p.is_some()) {
        sentences.push(format!(
            "Where seeds diverged at one level alone they count as losses of that level, ranked beyond all others in the \
             signed-rank test [@{}].",
            WILCOXON.key
        ));
    }
    if has(&|one| one.ci95.is_some()) {
        sentences.push(if has(&|one| one.samples.is_some()) {
            format!("95 % intervals of differences are Welch's [@{}]; seeds were not paired.", WELCH.key)
        } else if has(&|one| one.test_rows.is_some()) {
            format!(
                "95 % intervals of differences count seeds and test rows, by the variance clustered by both [@{}].",
                CAMERON.key
            )
        } else {
            "95 % intervals of differences are paired t intervals over the seeds.".to_owned()
        });
    }
    if has(&|one| one.ci95_splits.is_some()) {
        sentences.push(format!(
            "A difference is called one only where an interval that counts how training rows of two splits overlap [@{}] \
             excludes 0, too.",
            NADEAU.key
        ));
    }
    let is_equivalent = comparison.conclusions.iter().any(|one| {
        one.experiment.as_ref() == Some(&experiment.name)
            && matches!(&one.finding, Finding::Effect(effect) if matches!(effect.verdict, Verdict::Equivalent { .. }))
    });
    if is_equivalent {
        sentences.push(format!(
            "That a difference does not matter is found by two one-sided tests at 0.05 [@{}].",
            SCHUIRMANN.key
        ));
    }
    sentences
}

fn diverged(experiment: &ExperimentSummary, comparison: &Comparison) -> Option<String> {
    let some: usize = arms(experiment, comparison).map(|arm| arm.diverged).sum();
    let all: usize = arms(experiment, comparison).map(|arm| arm.n).sum();
    (some > 0).then(|| {
        #[allow(clippy::cast_precision_loss)] // counts
        let share = 100.0 * some as f64 / all as f64;
        format!(
            "{some} of {all} readings ({} %) are of trainings that diverged; they stay in.",
            fixed(share, 0)
        )
    })
}

/// What it ran on.
fn machine(origin: &Origin) -> String {
    let facts = origin.facts.iter().filter(|(name, _)| *name != "data");
    let facts: Vec<String> = facts.map(|(name, value)| format!("{name} {value}")).collect();
    format!("Trained with: {}.", facts.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::{Options, compare};
    use crate::results::fixtures::two_by_two_of;

    fn methods_of(loaded: &[crate::results::LoadedExperiment]) -> String {
        let comparison = compare(loaded, &Options::default()).unwrap();
        let config = json!({
            "model": {"hidden": [64, 32], "activation": "relu", "norm": {"kind": "none"}},
            "training": {"epochs": 100, "optimizer": {"kind": "adam", "lr": 0.001}},
        });
        let origin = Origin {
            experiment: loaded[0].plan.name.clone(),
            config,
            facts: vec![("bnes", "0.1.0".to_owned())],
        };
        methods(&comparison, &[origin])
    }

    #[test]
    fn the_methods_tell_arms_seeds_network_and_tests_and_only_what_was_done() {
        let said = methods_of(&[two_by_two_of(10)]);
        for part in [
            "The 4 arms are all combinations of model.norm.kind (none, batch) and early_stopping (none, patience), \
             with 10 seeds each (0 to 9).",
            "each seed draws its own split",
            "hidden layers of 64 and 32 units, activation relu, optimizer adam, learning rate 0.001",
            "sign-flip permutation test of the differences [@fisher1935]",
            "Holm's procedure [@holm1979]",
            "best checkpoint of the full run",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        for part in ["norm none", "tuned", "diverged", "wilcoxon1945", "schuirmann1987", "NaN"] {
            assert!(!said.contains(part), "{part}: {said}");
        }
        // No p-value, and no correction of none.
        let few = methods_of(&[two_by_two_of(3)]);
        assert!(!few.contains("fisher1935") && !few.contains("holm1979"), "{few}");
    }

    #[test]
    fn the_bibliography_has_every_key_of_the_methods_and_no_other() {
        let said = methods_of(&[two_by_two_of(10)]);
        let text = bibliography(&said);
        let cited: BTreeSet<&str> =
            said.split("[@").skip(1).map(|rest| rest.split(']').next().unwrap()).collect();
        let there: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix('@')?.split(['{', ',']).nth(1))
            .collect();
        assert_eq!(cited, there);
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
