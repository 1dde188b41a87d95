//! ultralytics and `YOLOv5`: `results.csv`, with `args.yaml` or `opt.yaml` beside it.

use std::path::Path;

use serde_json::{Value, json};

use crate::logs::assemble::flat_yaml;
use crate::logs::input::Origin;
use crate::logs::source::{Claim, Source};
use crate::logs::training::{Derived, Draft, whole};
use crate::stopping::FITNESS;
use crate::text::quoted;

/// ultralytics.
pub(in crate::logs) struct Ultralytics;

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

/// The sum of the parts of the validation loss, where there are several: no column has it.
fn validation_loss(names: &[String]) -> Option<Derived> {
    let is_part = |name: &&String| name.starts_with("val/") && name.ends_with("loss");
    let parts: Vec<&str> = names.iter().filter(is_part).map(String::as_str).collect();
    (parts.len() > 1).then(|| Derived {
        name: "val_loss",
        of: format!("the sum of {}", quoted(&parts)),
        terms: parts.iter().map(|part| ((*part).to_owned(), 1.0)).collect(),
        maximize: None,
    })
}

/// The fitness by which trainers choose the best epoch and stop: the mean average precision of boxes, and of masks and
/// poses besides, the mean of two accuracies of a classifier, by ultralytics 8.4 (until then a tenth of it was that
/// at 0.5, as it is in `YOLOv5`).
fn fitness(names: &[String]) -> Option<Derived> {
    let has = |name: &str| names.iter().any(|known| known == name);
    let all = |wanted: &[&str]| wanted.iter().all(|name| has(name));
    let terms: Vec<(&str, f64)> = if all(&["metrics/accuracy_top1", "metrics/accuracy_top5"]) {
        vec![("metrics/accuracy_top1", 0.5), ("metrics/accuracy_top5", 0.5)]
    } else if all(&["metrics/mAP_0.5", "metrics/mAP_0.5:0.95"]) {
        vec![("metrics/mAP_0.5", 0.1), ("metrics/mAP_0.5:0.95", 0.9)]
    } else {
        let of = ["metrics/mAP50-95(B)", "metrics/mAP50-95(M)", "metrics/mAP50-95(P)"];
        of.into_iter().filter(|name| has(name)).map(|name| (name, 1.0)).collect()
    };
    let told = |(name, weight): &(&str, f64)| match weight {
        1.0 => format!("`{name}`"),
        weight => format!("{weight} `{name}`"),
    };
    let of = terms.iter().map(told).collect::<Vec<_>>().join(" + ");
    (!terms.is_empty()).then(|| Derived {
        name: FITNESS,
        of,
        terms: terms.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect(),
        maximize: Some(true),
    })
}

fn finish(draft: &mut Draft, origin: &Origin, settings: &str) {
    draft.has_a_row_an_epoch = true;
    let names = draft.rows.names();
    draft.derived = validation_loss(names).into_iter().chain(fitness(names)).collect();
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
        // The fitness of a detector is one of its columns, and goes by that name, too.
        let fitness = draft.derived.iter().find(|derived| derived.name == FITNESS);
        let only = fitness.and_then(|fitness| match fitness.terms.as_slice() {
            [(column, _)] => Some(column.as_str()),
            _ => None,
        });
        for column in std::iter::once(FITNESS).chain(only) {
            let rule = json!({"kind": "ultralytics", "patience": patience, "monitor": column});
            draft.declared.extend(rule.as_object().cloned());
        }
    }
}
