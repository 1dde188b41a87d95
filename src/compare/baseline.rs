//! What gates hold arms against: the arms of other results, or of what `compare --format json` wrote of them.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::Error as _;

use super::arms::ArmSummary;
use super::setting::Setting;
use crate::config::Factors;

/// An arm that another is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineArm {
    /// Its experiment.
    pub experiment: String,
    /// Its level of each factor.
    pub factors: Factors,
    /// What it was measured under.
    pub setting: Setting,
    /// By seed; `None` where not finite.
    values: HashMap<String, BTreeMap<u64, Option<f64>>>,
}

impl From<&ArmSummary> for BaselineArm {
    fn from(arm: &ArmSummary) -> Self {
        let by_seed = |values: &[Option<f64>]| {
            arm.seeds.iter().copied().zip(values.iter().copied()).collect()
        };
        let metrics = arm.metrics.0.iter();
        Self {
            experiment: arm.experiment.clone(),
            factors: arm.factors.clone(),
            setting: arm.setting.clone(),
            values: metrics.map(|(name, one)| (name.clone(), by_seed(&one.values))).collect(),
        }
    }
}

impl BaselineArm {
    /// Those of a text that `compare --format json` wrote.
    ///
    /// # Errors
    /// Where it is no such text.
    pub fn all_of(json: &str) -> Result<Vec<Self>, serde_json::Error> {
        let File { arms, experiments } = serde_json::from_str(json)?;
        arms.into_iter().map(|arm| arm.with(&experiments)).collect()
    }

    /// A metric by seed; nothing where it was not recorded.
    pub(super) fn values(&self, metric: &str) -> Option<&BTreeMap<u64, Option<f64>>> {
        self.values.get(metric)
    }
}

/// What of the JSON of a comparison a baseline is made of.
#[derive(Deserialize)]
struct File {
    arms: Vec<FileArm>,
    experiments: Vec<FileExperiment>,
}

#[derive(Deserialize)]
struct FileArm {
    experiment: String,
    factors: Factors,
    seeds: Vec<u64>,
    metrics: HashMap<String, FileMetric>,
    #[serde(default)]
    setting: Setting,
}

#[derive(Deserialize)]
struct FileMetric {
    values: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct FileExperiment {
    name: String,
    /// What its arms have in common. Earlier versions did not write it.
    setting: Setting,
}

impl FileArm {
    fn with(self, experiments: &[FileExperiment]) -> Result<BaselineArm, serde_json::Error> {
        let Self { experiment, factors, seeds, metrics, setting } = self;
        let Some(shared) = experiments.iter().find(|one| one.name == experiment) else {
            let fault = format!("`experiments` has no {experiment:?}, of which there is an arm");
            return Err(serde_json::Error::custom(fault));
        };
        let mut values = HashMap::new();
        for (name, metric) in metrics {
            if metric.values.len() != seeds.len() {
                let fault = format!(
                    "an arm of {experiment:?} has {} seeds and {} values of {name}",
                    seeds.len(),
                    metric.values.len()
                );
                return Err(serde_json::Error::custom(fault));
            }
            values.insert(name, seeds.iter().copied().zip(metric.values).collect());
        }
        let setting = setting.with(&shared.setting);
        Ok(BaselineArm { experiment, factors, setting, values })
    }
}
