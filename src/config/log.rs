//! `[log]`: what is written besides the results, for other programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[log]`; changes no result and is not part of what fixes a training.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Event files for TensorBoard in the directory of each training.
    pub tensorboard: bool,
}
