//! Why an experiment cannot run.

use crate::config::ConfigError;
use crate::data::DataError;

/// Why an experiment cannot run.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The config does not fit the data.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data cannot be read or split.
    #[error(transparent)]
    Data(#[from] DataError),
}
