//! From a source and a split to what a network takes, with scales learnt on the training rows.

use serde_json::{Value, json};

use super::dataset::{Dataset, Inputs, Targets};
use super::error::{DataError, listed_shortly};
use super::scale::{self, Scale};
use super::source::{RawInputs, Source};
use super::split::{self, Drawn, Rows};
use super::target::RawTargets;
use crate::seed::Seed;
use crate::spec::data::{DataSpec, Task};

impl Source {
    /// Splits, encodes and standardises. `spec` may differ from the one that opened the source in
    /// its split and in `standardize`; `split_seed` is what the caller made of `split.seed`.
    ///
    /// # Errors
    /// Where the fractions cannot be had, no input varies over the training rows, or `spec` names
    /// another source, target or task.
    pub fn dataset(&self, spec: &DataSpec, split_seed: Seed) -> Result<Dataset, DataError> {
        if !self.serves(spec) {
            return Err(DataError::Target {
                source_name: self.name.clone(),
                problem: format!(
                    "was opened for another source, target or task than `{}`: open it again",
                    spec.source
                ),
            });
        }
        let classes = match &self.targets {
            RawTargets::Classes { labels, names } => Some((labels.as_slice(), names.as_slice())),
            RawTargets::Values { .. } => None,
        };
        let rows = Rows { count: self.rows(), test_from: self.test_from, classes };
        let mut drawn = split::draw(rows, &spec.split, split_seed)
            .map_err(|problem| DataError::Split { source_name: self.name.clone(), problem })?;
        let train = &drawn.splits.train;
        let (inputs, inputs_json, left_out) = self.inputs(train, spec.standardize)?;
        let (targets, targets_json) = self.targets(train, spec.standardize);
        if !left_out.is_empty() {
            drawn.notes.push(format!(
                "left out, constant over the training rows: {}",
                listed_shortly(&left_out)
            ));
        }
        drawn.notes.extend(self.unvarying_targets(&drawn.splits.train));
        let summary = self.summary(inputs.width(), &targets, &drawn, split_seed);
        Ok(Dataset {
            inputs,
            targets,
            preprocessing: json!({ "inputs": inputs_json, "target": targets_json }),
            summary,
            splits: drawn.splits,
            notes: drawn.notes,
            digest: self.digest.clone(),
        })
    }

    fn inputs(
        &self,
        train: &[u32],
        standardize: bool,
    ) -> Result<(Inputs, Value, Vec<String>), DataError> {
        match &self.inputs {
            RawInputs::Table { values, names } => self.table(values, names, train, standardize),
            RawInputs::Images { bytes, width, height, full_scale } => {
                let pixels = width * height;
                let Scale { mean, sd } = if standardize {
                    scale::pixels(bytes, pixels, train, *full_scale)
                } else {
                    Scale::NONE
                };
                #[allow(clippy::cast_possible_truncation)] // the network computes in 32 bits
                let (scale, shift) =
                    ((1.0 / (f64::from(*full_scale) * sd)) as f32, (-mean / sd) as f32);
                // -0 would be kept as such.
                let shift = if shift == 0.0 { 0.0 } else { shift };
                let json = json!({
                    "kind": "image", "width": width, "height": height,
                    "full_scale": full_scale, "mean": mean, "sd": sd,
                });
                let inputs = Inputs::Images { bytes: bytes.clone(), width: pixels, scale, shift };
                Ok((inputs, json, Vec::new()))
            }
        }
    }

    fn table(
        &self,
        values: &[f32],
        names: &[String],
        train: &[u32],
        standardize: bool,
    ) -> Result<(Inputs, Value, Vec<String>), DataError> {
        let columns = scale::columns(values, names.len(), train);
        let mut kept = Vec::new();
        let mut left_out = Vec::new();
        for (place, (column, name)) in columns.iter().zip(names).enumerate() {
            if column.constant {
                left_out.push(name.clone());
            } else {
                kept.push((place, if standardize { column.scale } else { Scale::NONE }));
            }
        }
        if kept.is_empty() {
            return Err(DataError::Target {
                source_name: self.name.clone(),
                problem: format!(
                    "no input varies over the {} training rows: there is nothing to learn from",
                    train.len()
                ),
            });
        }
        let mut encoded = Vec::with_capacity(values.len() / names.len() * kept.len());
        for row in values.chunks_exact(names.len()) {
            #[allow(clippy::cast_possible_truncation)] // the network computes in 32 bits
            encoded.extend(kept.iter().map(|(place, s)| s.apply(f64::from(row[*place])) as f32));
        }
        let columns: Vec<Value> = kept
            .iter()
            .map(|(place, s)| json!({ "name": names[*place], "mean": s.mean, "sd": s.sd }))
            .collect();
        let inputs = Inputs::Table { values: encoded, width: kept.len() };
        Ok((inputs, json!({ "kind": "table", "columns": columns }), left_out))
    }

    fn targets(&self, train: &[u32], standardize: bool) -> (Targets, Value) {
        match &self.targets {
            RawTargets::Classes { labels, names } => (
                Targets::Classes { labels: labels.clone(), names: names.clone() },
                json!({ "kind": "classes", "name": self.target_names[0], "classes": names }),
            ),
            RawTargets::Values { values, names } => {
                let scales: Vec<Scale> = if standardize {
                    scale::columns(values, names.len(), train).iter().map(|c| c.scale).collect()
                } else {
                    vec![Scale::NONE; names.len()]
                };
                #[allow(clippy::cast_possible_truncation)] // the network computes in 32 bits
                let encoded = values
                    .iter()
                    .zip(scales.iter().cycle())
                    .map(|(value, scale)| scale.apply(*value) as f32)
                    .collect();
                let json: Vec<Value> = names
                    .iter()
                    .zip(&scales)
                    .map(|(name, s)| json!({ "name": name, "mean": s.mean, "sd": s.sd }))
                    .collect();
                let targets = Targets::Values {
                    values: encoded,
                    names: names.clone(),
                    mean: scales.iter().map(|scale| scale.mean).collect(),
                    sd: scales.iter().map(|scale| scale.sd).collect(),
                };
                (targets, json!({ "kind": "values", "columns": json }))
            }
        }
    }

    fn unvarying_targets(&self, train: &[u32]) -> Option<String> {
        let RawTargets::Values { values, names } = &self.targets else { return None };
        let constant: Vec<String> = scale::columns(values, names.len(), train)
            .iter()
            .zip(names)
            .filter(|(column, _)| column.constant)
            .map(|(_, name)| name.clone())
            .collect();
        (!constant.is_empty()).then(|| {
            format!("the target is the same in all training rows: {}", listed_shortly(&constant))
        })
    }

    fn summary(&self, width: usize, targets: &Targets, drawn: &Drawn, seed: Seed) -> String {
        let (task, what) = match (targets.task(), targets.width()) {
            (Task::Classification, classes) => ("classification", format!("{classes} classes")),
            (Task::Regression, 1) => ("regression", "1 target".to_owned()),
            (Task::Regression, targets) => ("regression", format!("{targets} targets")),
        };
        let inferred =
            if self.task_inferred { format!(" (task inferred: {task})") } else { String::new() };
        let how = match (drawn.stratified, self.test_from.is_some()) {
            (true, true) => "stratified, test as given",
            (false, true) => "random, test as given",
            (true, false) => "stratified",
            (false, false) => "random",
        };
        let inputs = if width == 1 { "input" } else { "inputs" };
        let splits = &drawn.splits;
        format!(
            "{}: {} rows, {width} {inputs}, {what}{inferred}; train {}, validation {}, test {} ({how}, split seed {})",
            self.name,
            self.rows(),
            splits.train.len(),
            splits.validation.len(),
            splits.test.len(),
            seed.0
        )
    }
}
