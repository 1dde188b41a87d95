//! From a source and a split to what a network takes, with scales learnt on the training rows.

pub(super) mod inputs;
pub(super) mod scale;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;

use scale::Scale;

use super::dataset::{Dataset, Inputs, Targets};
use super::doubt::Doubt;
use super::error::{DataError, listed_shortly, shortened};
use super::preprocessing::{
    ImageCoding, InputCoding, Preprocessing, TargetCoding, ValueCoding, binary,
};
use super::source::{RawInputs, Source};
use super::split::{self, Drawn, Rows, repeats};
use super::table::column::Column;
use super::table::doubts;
use super::table::target::RawTargets;
use crate::config::data::{DataConfig, Task};
use crate::seed::Seed;
use crate::text::counted;

impl Source {
    /// Splits, encodes and standardises. `config` may differ from the one that opened the source in
    /// its split, in `standardize` and in `binarize`; `split_seed` is what the caller made of
    /// `split.seed`.
    ///
    /// # Errors
    /// Where the fractions cannot be had, no input varies over the training rows, a column has too
    /// many levels, one that is numeric by the training rows holds text, or `config` names another
    /// source, target or task.
    pub fn dataset(&self, config: &DataConfig, split_seed: Seed) -> Result<Dataset, DataError> {
        let columns = match &self.inputs {
            RawInputs::Table { columns, .. } => columns.as_slice(),
            RawInputs::Images { .. } => &[],
        };
        self.dataset_of(Cow::Borrowed(columns), config, split_seed)
    }

    /// As [`Source::dataset`], for the last dataset that is made of it: the source's numbers go as
    /// those of the dataset come, so that there is one copy of the data.
    ///
    /// # Errors
    /// As there.
    pub fn into_dataset(
        mut self,
        config: &DataConfig,
        split_seed: Seed,
    ) -> Result<Dataset, DataError> {
        let columns = match &mut self.inputs {
            RawInputs::Table { columns, .. } => std::mem::take(columns),
            RawInputs::Images { .. } => Vec::new(),
        };
        self.dataset_of(Cow::Owned(columns), config, split_seed)
    }

    fn dataset_of(
        &self,
        columns: Cow<'_, [Column]>,
        config: &DataConfig,
        split_seed: Seed,
    ) -> Result<Dataset, DataError> {
        let target_problem =
            |problem| DataError::Target { source_name: self.name.clone(), problem };
        if !self.serves(config) {
            return Err(target_problem(format!(
                "was opened for another source, target or task than `{}`: open it again",
                config.source
            )));
        }
        let classes = match &self.targets {
            RawTargets::Classes { labels, names } => Some((labels.as_slice(), names.as_slice())),
            RawTargets::Values { .. } => None,
        };
        let (given, as_numbers) = (&self.given, self.classes_as_numbers.as_ref());
        let rows = Rows { count: self.rows(), given, classes, as_numbers };
        let drawn = split::draw(rows, &config.split, split_seed).map_err(|undrawn| {
            let (source_name, problem) = (self.name.clone(), undrawn.problem);
            match undrawn.key {
                Some(key) => DataError::Split { key, source_name, problem },
                None => DataError::Target { source_name, problem },
            }
        })?;
        let train = &drawn.splits.train;
        let mut doubts = [self.doubts.as_slice(), &drawn.doubts].concat();
        let has_few_values = || !columns.is_empty() && columns.iter().all(Column::has_few_values);
        doubts.extend(repeats::doubt(&drawn.splits, &self.hashes, has_few_values));
        let (inputs, of_inputs) = match &self.inputs {
            RawInputs::Table { names, .. } => {
                let counts: Vec<Vec<usize>> =
                    columns.iter().map(|column| column.counts(Some(train))).collect();
                self.check_types(&columns, names, &counts)?;
                let of_columns = doubts::of_inputs(&columns, names, &counts, &self.key);
                let encoded = inputs::encode(columns, names, &counts, train, self.rows(), config)
                    .map_err(target_problem)?;
                doubts.extend(encoded.doubts);
                doubts.extend(of_columns);
                let missing = self.key.missing.clone();
                let coding = InputCoding::Table { missing, columns: encoded.codings };
                (Inputs::Table(encoded.rows), coding)
            }
            RawInputs::Images { bytes, width, height, full_scale } => {
                Self::images(bytes, (*width, *height), *full_scale, train, config)
            }
        };
        let (targets, target) = self.targets(train, config.standardize);
        doubts.extend(self.unvarying_targets(train));
        if let Targets::Classes { names, .. } = &targets {
            doubts.extend(doubts::of_classes(names, &self.key.missing));
        }
        let summary = self.summary(inputs.width(), &targets, &drawn, split_seed);
        Ok(Dataset {
            inputs,
            targets,
            preprocessing: json!(Preprocessing { inputs: of_inputs, target }),
            summary,
            splits: drawn.splits,
            doubts,
            digest: self.digest.clone(),
        })
    }

    /// Refuses columns that are numeric by the training rows and hold text.
    fn check_types(
        &self,
        columns: &[Column],
        names: &[String],
        counts: &[Vec<usize>],
    ) -> Result<(), DataError> {
        for ((column, name), counts) in columns.iter().zip(names).zip(counts) {
            column.check(counts).map_err(|(location, problem)| DataError::Cell {
                file: self.files.get(location.file).cloned().unwrap_or_default(),
                location,
                column: shortened(name.as_bytes()),
                problem,
            })?;
        }
        Ok(())
    }

    fn images(
        bytes: &Arc<Vec<u8>>,
        (width, height): (usize, usize),
        full_scale: u8,
        train: &[u32],
        config: &DataConfig,
    ) -> (Inputs, InputCoding) {
        let mut bytes = Arc::clone(bytes);
        if let Some(share) = config.binarize {
            bytes = Arc::new(bytes.iter().map(|byte| binary(*byte, share, full_scale)).collect());
        }
        let pixels = width * height;
        let Scale { mean, sd } = if config.standardize {
            scale::pixels(&bytes, pixels, train, full_scale)
        } else {
            Scale::NONE
        };
        let coding = ImageCoding { width, height, full_scale, mean, sd, binarize: config.binarize };
        let (scale, shift) = coding.affine();
        (Inputs::Images { bytes, width: pixels, scale, shift }, InputCoding::Image(coding))
    }

    fn targets(&self, train: &[u32], standardize: bool) -> (Targets, TargetCoding) {
        match &self.targets {
            RawTargets::Classes { labels, names } => (
                Targets::Classes { labels: labels.clone(), names: names.clone() },
                TargetCoding::Classes {
                    name: self.target_names[0].clone(),
                    classes: names.clone(),
                },
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
                let coding = |(name, scale): (&String, &Scale)| ValueCoding {
                    name: name.clone(),
                    mean: scale.mean,
                    sd: scale.sd,
                };
                let columns = names.iter().zip(&scales).map(coding).collect();
                let targets = Targets::Values {
                    values: encoded,
                    names: names.clone(),
                    mean: scales.iter().map(|scale| scale.mean).collect(),
                    sd: scales.iter().map(|scale| scale.sd).collect(),
                };
                (targets, TargetCoding::Values { columns })
            }
        }
    }

    fn unvarying_targets(&self, train: &[u32]) -> Option<Doubt> {
        let RawTargets::Values { values, names } = &self.targets else { return None };
        let constant: Vec<String> = scale::columns(values, names.len(), train)
            .iter()
            .zip(names)
            .filter(|(column, _)| column.constant)
            .map(|(_, name)| name.clone())
            .collect();
        (!constant.is_empty()).then(|| {
            let message = format!(
                "the target is the same in all training rows: {}",
                listed_shortly(&constant)
            );
            Doubt::warning("constant target", "data.target", message)
        })
    }

    fn summary(&self, width: usize, targets: &Targets, drawn: &Drawn, seed: Seed) -> String {
        let (task, what) = match (targets.task(), targets.width()) {
            (Task::Classification, classes) => ("classification", format!("{classes} classes")),
            (Task::Regression, targets) => ("regression", counted(targets, "target")),
        };
        let inferred = if self.task_inferred { " inferred" } else { "" };
        let how = if self.given.is_complete() {
            "as given".to_owned()
        } else {
            let drawn = if drawn.stratified { "stratified" } else { "random" };
            let given = if self.given.decides() { ", test as given" } else { "" };
            format!("{drawn}{given}, split seed {}", seed.0)
        };
        let splits = &drawn.splits;
        format!(
            "{}: {}, {}, to predict: {}, {what} (task{inferred}: {task}); train {}, validation {}, test {} ({how})",
            self.name,
            counted(self.rows(), "row"),
            counted(width, "input"),
            listed_shortly(&self.target_names),
            splits.train.len(),
            splits.validation.len(),
            splits.test.len(),
        )
    }
}
