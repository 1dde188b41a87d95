//! A training with the arms that read it.

use super::effective::Config;
use super::factors::Factors;
use crate::stopping::StoppingRule;

/// A training and the arms that read it.
#[derive(Debug, Clone)]
pub struct Training {
    /// What is trained.
    pub config: Config,
    /// At least one.
    pub arms: Vec<Arm>,
}

/// A reading of a training under one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its level of each factor.
    pub factors: Factors,
    /// Where the reading ends and which weights it keeps.
    pub rule: StoppingRule,
}
