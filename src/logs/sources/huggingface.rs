//! Hugging Face's Trainer: `trainer_state.json`, and its `log_history` as a table.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::logs::assemble::put_object;
use crate::logs::error::{Fault, LogError};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::names::is_measure;
use crate::logs::source::{Claim, Drafts, Source};
use crate::logs::training::{Draft, Ended};

/// Hugging Face's Trainer.
pub(in crate::logs) struct HuggingFace;

const STATE: &str = "trainer_state.json";

/// The mark of the record that sums a whole training up.
const SUMMARY: &str = "train_runtime";

impl Source for HuggingFace {
    fn tool(&self) -> &'static str {
        "huggingface"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        has("epoch") && has("step") && has("learning_rate") && has("loss")
    }

    fn finish(&self, draft: &mut Draft, _: &Origin) {
        if let Some(summary) = draft.rows.find(SUMMARY) {
            draft.rows.retain(|rows, row| rows.cell(row, summary).is_none());
        }
        let has_curve = draft.rows.find("loss").is_some();
        let is_curve = |name: &str| {
            let Some(column) = draft.rows.find(name) else { return false };
            (0..draft.rows.len()).filter(|row| draft.rows.cell(*row, column).is_some()).count() > 1
        };
        if has_curve && !is_curve("train_loss") {
            draft.rows.remove("train_loss");
            draft.rows.rename("loss", "train_loss");
        }
    }

    fn json(&self, json: &Json, origin: &Origin) -> Option<Drafts> {
        let history = json.get("log_history")?;
        Some(state(json, history, origin))
    }

    fn folder(&self, path: &Path, names: &[String]) -> Option<Claim> {
        let own = names.iter().any(|name| name == STATE).then(|| path.join(STATE));
        // Of checkpoints, each holds what those before it hold, and more.
        let steps = |name: &String| -> Option<u64> {
            name.strip_prefix("checkpoint-")?.strip_suffix('/')?.parse().ok()
        };
        let mut checkpoints: Vec<u64> = names.iter().filter_map(steps).collect();
        checkpoints.sort_unstable();
        let of = |step: &u64| path.join(format!("checkpoint-{step}")).join(STATE);
        let checkpoints = checkpoints.iter().rev().map(of).filter(|state| state.is_file());
        let states: Vec<PathBuf> = own.into_iter().chain(checkpoints).collect();
        (!states.is_empty()).then_some(Claim::FirstOf(states))
    }

    fn of_folder(&self, path: &Path, mut drafts: Vec<Draft>) -> Drafts {
        let name = Origin::new(path, 0).stem;
        for draft in &mut drafts {
            if draft.path.parent() != Some(path) {
                let folder = Origin::new(&draft.path, 0).folder_name().unwrap_or_default();
                draft.notes.push(format!("read from {folder}, which holds what came before"));
            }
            draft.name.clone_from(&name);
        }
        Ok(drafts)
    }
}

fn state(json: &Json, history: &Json, origin: &Origin) -> Drafts {
    let empty = Json::List(Vec::new());
    let records = match history {
        Json::Numbers(_) => &empty,
        other => other,
    };
    let Some(records) = records.list() else {
        let problem = "`log_history` is expected to be a list of objects";
        return Err(LogError::at(Fault::Damaged, &origin.file, problem));
    };
    let mut rows = origin.rows();
    for (at, record) in records.iter().enumerate() {
        // The last record sums the training up: no point of a curve.
        if record.get(SUMMARY).is_some() || record.get("total_flos").is_some() {
            continue;
        }
        rows.begin(at as u64 + 1);
        put_object(&mut rows, "", record)?;
    }
    if rows.names().is_empty() {
        let problem = "`log_history` holds no record with a value";
        return Err(LogError::at(Fault::NoCurves, &origin.file, problem));
    }
    rows.rename("loss", "train_loss");
    let mut draft = Draft::new(&origin.stem, HuggingFace.tool(), origin.path.clone(), rows);
    let number = |key: &str| json.get(key).and_then(Json::number);
    let is_short = |(done, planned): (f64, f64)| planned > 0.0 && done < planned;
    if number("global_step").zip(number("max_steps")).is_some_and(is_short)
        || number("epoch").zip(number("num_train_epochs")).is_some_and(is_short)
    {
        draft.ended = Some(Ended::Stopped);
    } else if number("num_train_epochs").is_some() {
        draft.ended = Some(Ended::Completed);
    }
    if let Some(params) = json.get("trial_params") {
        draft.parameters = params.parameters();
    }
    let callback = json.get("stateful_callbacks").and_then(|all| all.get("EarlyStoppingCallback"));
    if let Some(args) = callback.and_then(|callback| callback.get("args")) {
        let monitored = monitored(json, records);
        let patience = args.get("early_stopping_patience").and_then(Json::number).unwrap_or(1.0);
        let threshold = args.get("early_stopping_threshold").and_then(Json::number).unwrap_or(0.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count of evaluations
        let patience = patience.max(0.0) as u64;
        let rule = json!({
            "kind": "huggingface",
            "early_stopping_patience": patience,
            "early_stopping_threshold": threshold,
            "monitor": monitored.unwrap_or("eval_loss"),
        });
        draft.declared.extend(rule.as_object().cloned());
    }
    // What was held to be best says what was monitored.
    draft.monitor = monitored(json, records).map(str::to_owned);
    Ok(vec![draft])
}

/// The metric whose value the state calls the best.
fn monitored<'a>(json: &Json, records: &'a [Json]) -> Option<&'a str> {
    let best = json.get("best_metric")?.number()?;
    let step = json.get("best_global_step").and_then(Json::number);
    let at_best = |record: &&Json| {
        step.is_none_or(|step| record.get("step").and_then(Json::number) == Some(step))
    };
    records.iter().filter(at_best).flat_map(|record| record.entries().unwrap_or_default()).find_map(
        |(name, value)| {
            let is_it =
                name.starts_with("eval_") && is_measure(name) && value.number() == Some(best);
            is_it.then_some(&**name)
        },
    )
}
