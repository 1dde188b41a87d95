//! `[checkpoint]`: how much work a sudden end may cost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;

/// `[checkpoint]`; changes no result and is not part of what fixes a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// Seconds after which the end of an epoch is saved; 0: each.
    #[serde(deserialize_with = "check::non_negative")]
    #[schemars(schema_with = "check::schema::non_negative")]
    pub every_s: f64,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every_s: 10.0 }
    }
}
