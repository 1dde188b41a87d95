//! `time_budget`: training took a number of seconds; checked at the end of an epoch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Monitored, Rule};
use crate::check;
use crate::history::History;

/// The clock column that the rule reads.
const COLUMN: &str = "elapsed_s";

/// Settings of `time_budget`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimeBudget {
    /// Seconds of `elapsed_s` after which training ends.
    #[serde(deserialize_with = "check::positive")]
    #[schemars(schema_with = "check::schema::positive")]
    pub seconds: f64,
}

impl Rule for TimeBudget {
    fn fires(&self, _: &Monitored, history: &History) -> bool {
        last(history).is_some_and(|elapsed| elapsed >= self.seconds)
    }

    fn columns(&self) -> Vec<&str> {
        vec![COLUMN]
    }

    fn reads_monitored(&self) -> bool {
        false
    }

    fn earliest(&self) -> usize {
        1
    }

    fn postponed_by(&self) -> &'static str {
        "seconds"
    }

    fn state(&self, _: &Monitored, history: &History) -> String {
        format!("time {:.0}/{:.0} s", last(history).unwrap_or(0.0), self.seconds)
    }
}

fn last(history: &History) -> Option<f64> {
    *history.column(COLUMN)?.last()?
}
