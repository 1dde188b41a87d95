//! An experiment: the product of its factors, with arms that differ only in their rule together.

use std::path::PathBuf;
use std::sync::Arc;

use super::arm::Training;
use super::checkpoint::CheckpointConfig;
use super::document::Document;
use super::effective::Config;
use super::error::ConfigError;
use super::factors::{Factor, Factors};
use super::gate::Gate;
use super::log::LogConfig;
use super::overrides::Overrides;
use super::trainings::Trainings;
use super::tune::{Point, Tune};
use crate::seed::Seed;

/// One config file with its overrides, expanded.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// Its directory below the results directory.
    pub name: String,
    /// The config as given.
    pub config: ConfigFile,
    /// The folder that `data.source` is relative to.
    pub base: PathBuf,
    /// `--set` and `--seeds` as given.
    pub overrides: Overrides,
    /// The keys that `[matrix]` varies, `seed` aside, in its order.
    pub factors: Vec<Factor>,
    /// Every training with the arms that read it.
    pub trainings: Trainings,
    /// `[checkpoint]`.
    pub checkpoint: CheckpointConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// `[tune]`. Until values are chosen, the trainings have the first of each key.
    pub tune: Option<Tune>,
    /// `[[gate]]`.
    pub gates: Vec<Gate>,
    /// Where its values are written.
    pub(super) document: Arc<Document>,
}

/// The text of a config, and its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its name without folders, such as `digits.toml`; its ending tells TOML from JSON.
    pub file_name: String,
    /// Where it lies; none of the built-in experiment.
    pub path: Option<PathBuf>,
    /// What it holds.
    pub text: String,
}

impl Experiment {
    /// The trainings of one seed: the arms of each are tuned together.
    #[must_use]
    pub fn tuned_together(&self) -> Vec<Training> {
        self.trainings.iter().take(self.trainings.of_one_seed()).collect()
    }

    /// What is trained for the arms that are tuned together with `arm`, for one of its values.
    ///
    /// # Errors
    /// Where the config refuses the value.
    pub fn tried(&self, arm: &Factors, point: &Point, seed: u64) -> Result<Config, ConfigError> {
        let config = self.document.config(arm, point)?;
        Ok(Config { seed: Seed(seed), ..config })
    }

    /// The experiment with the values chosen, in the order of [`Experiment::tuned_together`].
    ///
    /// # Errors
    /// Where the config refuses a value.
    pub fn with_values(&self, chosen: &[&Point]) -> Result<Self, ConfigError> {
        let together = self.tuned_together();
        let configs = together.iter().zip(chosen).map(|(training, point)| {
            self.tried(&training.arms[0].factors, point, training.config.seed.0)
        });
        let trainings = self.trainings.with_configs(configs.collect::<Result<_, _>>()?);
        Ok(Self { trainings, ..self.clone() })
    }
}
