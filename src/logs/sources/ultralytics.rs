//! ultralytics and `YOLOv5`: `results.csv`, with `args.yaml` or `opt.yaml` beside it.

use std::path::Path;

use serde_json::{Value, json};

use crate::logs::assemble::flat_yaml;
use crate::logs::input::Origin;
use crate::logs::source::{Claim, Source};
use crate::logs::training::{Draft, whole};

/// ultralytics.
pub(in crate::logs) struct Ultralytics;

/// What the fitness of a detector is.
const FITNESS: &str = "metrics/mAP50-95(B)";

/// `YOLOv5`.
pub(in crate::logs) struct Yolov5;

fn has(names: &[String], start: &str) -> bool {
    names.iter().any(|name| name.starts_with(start))
}

fn is_of_yolo(names: &[String]) -> bool {
    names.first().is_some_and(|name| name == "epoch")
        && has(names, "train/")
        && has(names, "metrics/")
}

impl Source for Ultralytics {
    fn tool(&self) -> &'static str {
        "ultralytics"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        is_of_yolo(names) && !has(names, "x/lr")
    }

    fn finish(&self, draft: &mut Draft, origin: &Origin) {
        finish(draft, origin, "args.yaml");
    }

    fn folder(&self, path: &Path, names: &[String]) -> Option<Claim> {
        // The event files beside it hold the same.
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let is_run = has("results.csv") && has("args.yaml");
        is_run.then(|| Claim::All(vec![path.join("results.csv")]))
    }
}

impl Source for Yolov5 {
    fn tool(&self) -> &'static str {
        "yolov5"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        is_of_yolo(names) && has(names, "x/lr")
    }

    fn finish(&self, draft: &mut Draft, origin: &Origin) {
        finish(draft, origin, "opt.yaml");
    }
}

fn finish(draft: &mut Draft, origin: &Origin, settings: &str) {
    draft.has_a_row_an_epoch = true;
    let is_part = |name: &&String| name.starts_with("val/") && name.ends_with("loss");
    draft.loss_parts = draft.rows.names().iter().filter(is_part).cloned().collect();
    // The settings are those of the `results.csv` in the same folder.
    let Some(bytes) = origin.beside(settings).filter(|_| origin.file_name() == "results.csv")
    else {
        return;
    };
    draft.parameters = flat_yaml(&bytes);
    draft.planned = draft.parameters.get("epochs").and_then(Value::as_f64);
    if origin.folder_name().is_some_and(|folder| {
        Some(folder.as_str()) == draft.parameters.get("name").and_then(Value::as_str)
    }) {
        draft.name = origin.folder_name().unwrap_or_default();
    }
    if let Some(patience) = draft.parameters.get("patience").and_then(whole).filter(|p| *p > 0) {
        let rule = json!({"kind": "ultralytics", "patience": patience, "monitor": FITNESS});
        draft.declared.extend(rule.as_object().cloned());
    }
}
