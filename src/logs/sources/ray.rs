//! Ray Tune: a folder a trial, with `result.json` (a line a report), `progress.csv` and `params.json`.

use std::path::Path;

use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Claim, Source};
use crate::logs::training::{Draft, Ended};

/// Ray Tune.
pub(in crate::logs) struct Ray;

const RESULT: &str = "result.json";
const PROGRESS: &str = "progress.csv";

impl Source for Ray {
    fn tool(&self) -> &'static str {
        "ray"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        has("training_iteration") && (has("trial_id") || has("time_total_s"))
    }

    fn finish(&self, draft: &mut Draft, origin: &Origin) {
        let is_of_trial = [RESULT, PROGRESS].contains(&origin.file_name().as_str());
        if let Some(folder) = origin.folder_name().filter(|_| is_of_trial) {
            draft.name = folder;
        }
        let params = origin.beside("params.json").and_then(|bytes| Json::parse(&bytes).ok());
        if let Some(params) = params.filter(|_| is_of_trial) {
            draft.parameters = params.parameters();
        }
        if is_of_trial && origin.beside("error.txt").is_some() {
            draft.ended = Some(Ended::Failed);
        }
        // In JSON a NaN is what the trial reported, and so it is here.
        draft.nan_is_missing = false;
    }

    fn folder(&self, path: &Path, names: &[String]) -> Option<Claim> {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let is_trial = has(RESULT) || (has(PROGRESS) && has("params.json"));
        if !is_trial {
            return None;
        }
        // The columns of `progress.csv` are those of the first report, so it comes second.
        let files = [RESULT, PROGRESS].into_iter().filter(|name| has(name));
        Some(Claim::FirstOf(files.map(|name| path.join(name)).collect()))
    }
}
