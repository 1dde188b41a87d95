//! What the command line changes of a config.

use serde::{Deserialize, Serialize};

/// What the command line changes of a config.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overrides {
    /// `--set KEY=VALUE`, in order.
    pub set: Vec<String>,
    /// `--seeds N`: `[matrix] seed = "0..N"`.
    pub seeds: Option<u64>,
}
