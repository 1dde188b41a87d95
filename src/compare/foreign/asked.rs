//! What is asked of trainings of other tools, and why that may not be had.

use super::pattern::Pattern;
use crate::stopping::StoppingRule;

/// What of such trainings is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The parameter that pairs.
    pub seed_key: Option<String>,
    /// The parameters that are factors; those that vary, where none are named.
    pub factors: Vec<String>,
    /// Parameters in the paths or the names of trainings.
    pub pattern: Option<Pattern>,
    /// The rule by which each is read, with the epoch that it keeps.
    pub rule: StoppingRule,
    /// That epoch, for people.
    pub kept: String,
    /// The metric that is asked for, where one is.
    pub metric: Option<String>,
    /// Columns with whether larger values are better.
    pub directions: Vec<(String, bool)>,
    /// Whether trainings need no seed, since none are paired.
    pub unpaired: bool,
}

/// Why trainings cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// Nothing tells which belong together.
    #[error(
        "no log tells its seed, which pairs trainings: --seed-key KEY names the parameter that does, --pattern \
         'runs/{{norm}}/seed{{seed}}/metrics.csv' takes it from paths or names, --unpaired compares without{}",
        .keys.as_deref().map_or_else(String::new, |keys| format!("; the parameters are {keys}"))
    )]
    NoSeed {
        /// The parameters there are.
        keys: Option<String>,
    },
    /// What is called a seed is none.
    #[error(
        "`{key}` pairs trainings by whole numbers, and holds `{value}`: --seed-key KEY names another parameter, --unpaired compares without"
    )]
    SeedIsNoNumber {
        /// The parameter.
        key: String,
        /// What it holds.
        value: String,
    },
    /// A pattern that fits no training.
    #[error("--pattern fits neither a path nor a name, such as `{path}`")]
    NoMatch {
        /// The path of one.
        path: String,
    },
    /// A metric that was measured at other epochs alone.
    #[error(
        "no training has `{metric}` at its best epoch: --at last takes the last value there is"
    )]
    NotMeasured {
        /// The metric.
        metric: String,
    },
    /// A factor that no training has.
    #[error("no log has the parameter `{key}`: the parameters are {keys}")]
    NoFactor {
        /// What was asked for.
        key: String,
        /// The parameters there are.
        keys: String,
    },
    /// A column that no training has.
    #[error("no log has the column `{column}` of --monitor: the columns are {columns}")]
    NoColumn {
        /// What was asked for.
        column: String,
        /// The columns there are.
        columns: String,
    },
}
