//! What limits the conclusions, a sentence each with what to do.

use serde_json::Value;

use super::phrase::{are, arm_name, change, first_of, level_of, texts};
use super::running_statistics;
use super::tuning::{all_diverged, on_edge};
use crate::compare::label::text;
use crate::compare::{Aspect, CompareError, Mixed, Warning, WarningKind};
use crate::config::Factors;
use crate::results::FailedTraining;
use crate::stats::{PAIRS_FOR_INTERVAL, PAIRS_FOR_P};
use crate::text::{counted, enumerated};

/// A training loss that is no measure of the weights.
const AS_MET: &str =
    "train_loss as computed during training, with dropout and the statistics of batches";

/// A warning, which names its experiment.
#[must_use]
pub fn warning(warning: &Warning) -> String {
    let sentence = warning_kind(&warning.kind);
    match &warning.experiment {
        Some(name) => format!("{name}: {sentence}"),
        None => sentence,
    }
}

/// Why there is no comparison, with all that is known of it.
#[must_use]
pub fn error(error: &CompareError) -> String {
    match error {
        CompareError::NothingDone(warnings) => {
            let warnings: Vec<String> = warnings.iter().map(warning).collect();
            format!("{error} ({})", warnings.join("; "))
        }
        other => other.to_string(),
    }
}

/// What a warning is about.
#[must_use]
#[allow(clippy::too_many_lines)] // a sentence for each kind
pub fn warning_kind(kind: &WarningKind) -> String {
    match kind {
        WarningKind::File(text) => text.clone(),
        WarningKind::Data(text) => format!("data: {text}"),
        WarningKind::TuningUnfinished => {
            "its tuning has not finished, and no training starts before that: run it again".to_owned()
        }
        WarningKind::Missing { planned, trainings } => {
            let n = trainings.len();
            let of = counted(*planned, "training");
            format!("{n} of {of} {} missing: {}", are(n), first_of(trainings))
        }
        WarningKind::Failed { planned, trainings } => failed(*planned, trainings),
        WarningKind::NoLongerNamed(trainings) => {
            let n = trainings.len();
            format!(
                "{} that the config no longer names {} left out: {}",
                counted(n, "training"),
                are(n),
                first_of(trainings)
            )
        }
        WarningKind::NotRecorded { arms } => format!(
            "{} that the config names {} not in the records: run it again",
            counted(*arms, "reading"),
            are(*arms)
        ),
        WarningKind::Duplicates { trainings } => format!(
            "{} {} the config and the seed of another: the first counts",
            counted(*trainings, "training"),
            if *trainings == 1 { "has" } else { "have" }
        ),
        WarningKind::StillImproving { arms, epochs, is_foreign } => {
            let names: Vec<String> = arms.iter().map(|arm| format!("{{{}}}", arm_name(arm))).collect();
            let of = if arms.iter().all(Factors::is_empty) {
                String::new()
            } else {
                format!(" of {}", first_of(&names))
            };
            format!(
                "most trainings{of} were best at their last epoch, so they were still improving: what is compared \
                 is a budget of {}; {}",
                counted(*epochs, "epoch"),
                if *is_foreign { "train longer" } else { "raise training.epochs" }
            )
        }
        WarningKind::Diverged { arm, diverged, n } => {
            format!("{diverged} of {} of {} diverged", counted(*n, "training"), arm_name(arm))
        }
        WarningKind::PValuesLeftOut { metric } => format!(
            "so many contrasts of so many seeds have p-values for {metric} alone: --metric asks for \
             those of another metric"
        ),
        WarningKind::LookedAt { seeds } => format!(
            "seeds were added after {} could be looked at: whoever adds seeds until an effect is clear finds \
             one too often, and p-values do not allow for it; --until-decided does",
            enumerated(&seeds.iter().map(usize::to_string).collect::<Vec<_>>())
        ),
        WarningKind::Sequential { looks } => format!(
            "seeds were added until the effects were decided, with looks planned at {} seeds: the \
             p-values of main effects and interactions allow for all of them, and what is seen early is on average too large",
            enumerated(&looks.iter().map(usize::to_string).collect::<Vec<_>>())
        ),
        WarningKind::MetricsDisagree { factor, levels, better, worse } => format!(
            "{} is better by {better} and worse by {worse}, both clearly: decide which of them counts \
             (--metric)",
            change(factor, levels)
        ),
        WarningKind::NotShared { factor, levels, only_first, only_second, shared } => {
            not_shared(factor, levels, [only_first, only_second], *shared)
        }
        WarningKind::Unpaired { factor, levels, reference, unpaired, n, metric } => format!(
            "{factor} {} against {}: {unpaired} of {} {} left out, without a finite {metric} in every \
             arm",
            first_of(&texts(levels)),
            text(reference),
            counted(unpaired + n, "seed"),
            are(*unpaired)
        ),
        WarningKind::FewPairs { pairs, unpaired } => few_pairs(*pairs, *unpaired),
        WarningKind::OneSplit => {
            "all seeds share one split: the intervals are about initial values and batch order, not \
             about other rows (data.split.seed = \"seed\" draws a split per seed, of rows that the source has \
             not given to the test itself)"
                .to_owned()
        }
        WarningKind::OneLearningRate { factor, rate } => format!(
            "the levels of {factor} were compared at one learning rate, {rate}, which was not tuned and may suit one of them better: choose one per arm, [tune] \"training.optimizer.lr\" = \
             [1e-4, 1e-3, 1e-2, 1e-1]"
        ),
        WarningKind::UnlikeStarts { factor, arms } => format!(
            "the levels of {factor} are compared with unlike starts: the hidden layers of {} started from data and those of \
             the others did not, which may be all that tells them apart: let all arms start alike, \
             model.init.data_dependent = true",
            first_of(&arms.iter().map(|arm| format!("{{{}}}", arm_name(arm))).collect::<Vec<_>>())
        ),
        WarningKind::TunedOnEdge { key, chosen } => on_edge(key, chosen),
        WarningKind::TuningDiverged { arms } => all_diverged(arms),
        WarningKind::TrainingModeMetric { factor } => format!(
            "the levels of {factor} are compared by {AS_MET}, which differ among them: ask for --metric \
             train_loss_eval"
        ),
        WarningKind::RuleOnTrainingMode { rule } => format!(
            "the rule {rule} held val_loss, which is in evaluation mode, against {AS_MET}: set \
             evaluation.train = true"
        ),
        WarningKind::CumulativeStatistics { arms } => running_statistics::cumulative(arms),
        WarningKind::UnsettledStatistics { arms, start_weight } => {
            running_statistics::unsettled(arms, *start_weight)
        }
        WarningKind::RuleBeforeSettled { arms, epoch } => {
            running_statistics::rule_before_settled(arms, *epoch)
        }
        WarningKind::MixedMachines(mixed) => unlike_machines(mixed),
        WarningKind::ExploratoryRules { rules } => exploratory(rules),
    }
}

fn failed(planned: usize, trainings: &[FailedTraining]) -> String {
    let error = |run: &FailedTraining| run.error.lines().next().unwrap_or("").to_owned();
    let failed: Vec<String> =
        trainings.iter().map(|run| format!("{} ({})", run.dir, error(run))).collect();
    format!("{} of {} failed: {}", failed.len(), counted(planned, "training"), first_of(&failed))
}

/// Seeds that only arms at one of two levels have.
fn not_shared(factor: &str, levels: &[Value], only_in: [&[u64]; 2], shared: usize) -> String {
    let only = |index: usize, seeds: &[u64]| {
        let level = levels.get(index).map(|level| level_of(factor, level));
        (!seeds.is_empty())
            .then(|| format!("{} only in {}", seed_list(seeds), level.unwrap_or_default()))
    };
    let parts: Vec<String> =
        [only(0, only_in[0]), only(1, only_in[1])].into_iter().flatten().collect();
    let shared = if shared == 0 { "no seed".to_owned() } else { counted(shared, "seed") };
    format!(
        "seeds pair the arms, and {shared} {} shared by both levels of {factor}: {}: run both with \
         the same seeds",
        if shared.starts_with("no") || shared.starts_with("1 ") { "is" } else { "are" },
        parts.join(", ")
    )
}

/// `seeds 0 to 5`, `seed 3`, `seeds 1, 4, 9`.
fn seed_list(seeds: &[u64]) -> String {
    match seeds {
        [one] => format!("seed {one}"),
        [first, .., last] if last - first + 1 == seeds.len() as u64 => {
            format!("seeds {first} to {last}")
        }
        _ => format!("seeds {}", first_of(&seeds.iter().map(u64::to_string).collect::<Vec<_>>())),
    }
}

fn few_pairs(pairs: usize, unpaired: bool) -> String {
    let paired = if unpaired {
        format!("{} in the smallest arm", counted(pairs, "training"))
    } else {
        counted(pairs, "paired seed")
    };
    if pairs < PAIRS_FOR_INTERVAL {
        format!("{paired}: no interval below {PAIRS_FOR_INTERVAL}, no p-value below {PAIRS_FOR_P}")
    } else {
        format!("{paired}: no p-value below {PAIRS_FOR_P}")
    }
}

fn unlike_machines(mixed: &[Mixed]) -> String {
    let of = |mixed: &Mixed| {
        let what = match mixed.aspect {
            Aspect::Device => "devices",
            Aspect::Version => "versions of bnes",
            Aspect::Engine => "engines",
            Aspect::InstructionSet => "instruction sets",
        };
        format!("{what} ({})", mixed.values.join(", "))
    };
    let mixed: Vec<String> = mixed.iter().map(of).collect();
    format!(
        "the trainings ran on several {}, which may be what arms differ by: train all of them on one, \
         with --fresh",
        enumerated(&mixed)
    )
}

fn exploratory(rules: &[String]) -> String {
    let (rule, was) = if rules.len() == 1 { ("rule", "was") } else { ("rules", "were") };
    format!(
        "the {rule} {} {was} added after the trainings could be seen, so what is said about it is \
         exploratory: confirm it on new seeds",
        enumerated(rules)
    )
}
