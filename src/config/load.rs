//! An [`Experiment`] from a config file, a text, or the built-in one.

use std::path::Path as FilePath;
use std::sync::Arc;

use serde_json::Value;

use super::document::Document;
use super::error::ConfigError;
use super::experiment::{ConfigFile, Experiment};
use super::factors::{Factor, Factors};
use super::label;
use super::node::Node;
use super::overrides::Overrides;
use super::parse::parse;
use super::plan::named;

/// The config that `bnes run` takes where none is given.
pub(super) const BUILTIN: (&str, &str) = ("digits.toml", include_str!("../../configs/digits.toml"));

/// The text of a config file.
pub(super) fn read(path: &FilePath) -> Result<String, ConfigError> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        if path.is_dir() {
            ConfigError::new(format!("`{shown}` is a folder, not a config file"))
                .help("name the file in it")
        } else if error.kind() == std::io::ErrorKind::NotFound {
            ConfigError::new(format!("there is no config file `{shown}`"))
                .help("a relative path starts from the folder that bnes is called in")
        } else {
            ConfigError::new(format!("the config file `{shown}` cannot be read: {error}"))
        }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = read.split(|byte| *byte == b'\n').count();
        ConfigError::new(format!("the config file `{shown}` is not UTF-8 text (line {line})"))
            .help("save it as UTF-8")
    })
}

impl Experiment {
    /// Reads a config file.
    ///
    /// # Errors
    /// Where the file cannot be read, or its content or an override is refused.
    pub fn load(path: &FilePath, overrides: &Overrides) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = read(path)?;
        let base = path.parent().unwrap_or(FilePath::new(""));
        let mut experiment = Self::parse(&shown, &text, base, overrides)?;
        experiment.config.path = Some(path.to_owned());
        Ok(experiment)
    }

    /// The built-in experiment: batch normalisation and early stopping on `digits`.
    ///
    /// # Errors
    /// Where an override is refused.
    pub fn builtin(overrides: &Overrides) -> Result<Self, ConfigError> {
        let (file_name, text) = BUILTIN;
        Self::parse(file_name, text, FilePath::new(""), overrides)
    }

    /// Reads the text of a config; `path` is what messages call it, `base` the folder that its
    /// paths are relative to.
    ///
    /// # Errors
    /// Where its content or an override is refused.
    pub fn parse(
        path: &str,
        text: &str,
        base: &FilePath,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        Self::of_tree(path, text, parse(path, text)?, base, overrides)
    }

    /// As [`Experiment::parse`], with the tree that the text was read as.
    pub(super) fn of_tree(
        path: &str,
        text: &str,
        root: Node,
        base: &FilePath,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let document = Arc::new(Document::new(root, overrides)?);
        let file_name = FilePath::new(path).file_name().unwrap_or_default().to_string_lossy();
        let (trainings, checkpoint, log) = document.trainings()?;
        document.check_replaced()?;
        let name = document.name(path)?;
        let factors = document.axes.factors.iter();
        Ok(Self {
            name,
            config: ConfigFile {
                file_name: file_name.into_owned(),
                path: None,
                text: text.to_owned(),
            },
            base: base.to_owned(),
            overrides: overrides.clone(),
            factors: factors
                .map(|axis| Factor { key: axis.key.clone(), levels: axis.labels.clone() })
                .collect(),
            trainings,
            checkpoint,
            log,
            tune: document.tune.clone(),
            gates: document.gates.clone(),
            document,
        })
    }

    /// A fault of the value of a dotted key that shows only later, such as a column that the data
    /// does not have; points at the key, the level that sets it, or the nearest table around it.
    #[must_use]
    pub fn error_at(&self, key: &str, message: String, help: Option<String>) -> ConfigError {
        let error = ConfigError::at(&self.document.origin_of(key, None), message);
        match help {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// As [`Experiment::error_at`], where the fault is one arm's: points at the level of that arm.
    #[must_use]
    pub fn error_in_arm(
        &self,
        arm: &Factors,
        key: &str,
        message: String,
        help: Option<String>,
    ) -> ConfigError {
        let error = ConfigError::at(&self.document.origin_of(key, Some(arm)), message);
        let error = match help {
            Some(help) => error.help(help),
            None => error,
        };
        named(error, arm)
    }

    /// As [`Experiment::error_in_arm`] where the key differs among arms, else as
    /// [`Experiment::error_at`].
    #[must_use]
    pub fn error_where_varied(
        &self,
        arm: &Factors,
        key: &str,
        message: String,
        help: Option<String>,
    ) -> ConfigError {
        let is_varied = self.factors.iter().any(|factor| {
            let rest = key.strip_prefix(&factor.key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if is_varied {
            self.error_in_arm(arm, key, message, help)
        } else {
            self.error_at(key, message, help)
        }
    }

    /// Whether the value of a dotted key is written, in the config, an override or a level, rather
    /// than a default.
    #[must_use]
    pub fn is_written(&self, key: &str) -> bool {
        self.document.is_written(key)
    }

    /// The keys varied with their levels as they are written, in the order of `[matrix]`.
    #[must_use]
    pub fn matrix(&self) -> Vec<(&str, Vec<Value>)> {
        let axes = self.document.axes.factors.iter();
        axes.map(|axis| (axis.key.as_str(), axis.levels.iter().map(label::json).collect()))
            .collect()
    }

    /// The seeds that `[matrix]` or `--seeds` gives.
    #[must_use]
    pub fn seeds(&self) -> Option<&[u64]> {
        self.document.axes.seeds.as_ref().map(|(_, seeds)| seeds.as_slice())
    }
}
