//! What `bnes run` says of a run that ended, for people.

use std::path::Path;

use crate::compare::{TunedValues, tuning};
use crate::console::eprintln;
use crate::report::sentences;
use crate::results::Status;
use crate::runner::{PreparedExperiment, Replaced, Summary, Tuned, Verdict};
use crate::text::{counted, shell_word};

/// How many arms and trainings an experiment comes to.
pub fn counts(name: &str, prepared: &PreparedExperiment) -> String {
    format!(
        "{name}: {} from {}",
        counted(prepared.arm_count(), "arm"),
        counted(prepared.training_count(), "training"),
    )
}

/// Of all trainings, those trained, already done and to go.
pub fn done_and_to_go(summary: &Summary, seconds: f64) -> String {
    let to_go = match summary.interrupted() {
        0 => String::new(),
        count => format!(", {count} to go"),
    };
    let Summary { trained, found, .. } = summary;
    format!("{trained} trained in {seconds:.1} s, {found} already done{to_go}")
}

/// What to do after trainings whose results are in a directory.
pub fn next(results: &Path, summary: &Summary) -> String {
    if summary.interrupted() > 0 {
        "next:    the same command again, which resumes from here".to_owned()
    } else {
        let results = shell_word(&results.display().to_string());
        format!("next:    bnes compare {results}\n         bnes report {results}")
    }
}

/// What to do after a tuning that did not come to its end.
pub fn next_of_tuning(results: &Path, summary: &Summary) -> String {
    if summary.interrupted() > 0 {
        next(results, summary)
    } else {
        "next:    the same command again, once the cause is fixed".to_owned()
    }
}

/// That another config's experiment loses its place in a folder, and how both are kept.
pub fn replaced(replaced: &Replaced, dir: &Path) -> String {
    let source = replaced.source.as_ref().map(|source| format!(" from {},", source.display()));
    format!(
        "warning: {} holds another experiment,{} with {} that this config does not name and compare then leaves \
         out: `name = …` in one of the configs keeps both apart",
        dir.display(),
        source.unwrap_or_default(),
        counted(replaced.trainings, "training"),
    )
}

/// What came of verifying.
pub fn verdicts(verdicts: &[Verdict]) -> String {
    let count = |is: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| is(verdict)).count();
    let same = count(|verdict| matches!(verdict, Verdict::Same));
    let rest = match count(|verdict| matches!(verdict, Verdict::NotReached)) {
        0 => String::new(),
        count => format!(", {count} not reached"),
    };
    let all = counted(verdicts.len(), "training");
    format!("verified: {same} of {all} came out the same again{rest}")
}

/// Tells what did not go as it should, whatever the format of the results.
pub fn print_warnings(summary: &Summary) {
    let diverged = summary.with_status(Status::Diverged);
    if diverged > 0 {
        eprintln(format_args!("warning: {} diverged", counted(diverged, "training")));
    }
    let failed = summary.with_status(Status::Failed);
    if failed > 0 {
        let trainings = counted(failed, "training");
        eprintln(format_args!("{trainings} failed; the same command tries again"));
    }
}

/// Tells what a tuning that came to its end chose, and what there is to doubt about it.
pub fn print_choice(tuned: &Tuned, seconds: f64) {
    let values = TunedValues::all(&tuned.record);
    for finding in tuning::findings(&values) {
        eprintln(format_args!("tuning: {}", sentences::finding(&finding)));
    }
    for doubt in tuning::warnings(&values) {
        eprintln(format_args!("warning: {}", sentences::warning_kind(&doubt)));
    }
    if tuned.trained > 0 {
        eprintln(format_args!("tuning: {} in {seconds:.1} s", counted(tuned.trained, "training")));
    }
}
