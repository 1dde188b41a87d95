//! One arm while its training runs: asks its rule after each epoch and keeps its weights.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;

use crate::history::EpochTable;
use crate::nn::StateDict;
use crate::stopping::{StopPoint, StopStatus, StoppingRule};

/// What one arm made of a training.
pub struct ArmOutcome {
    /// How and where it ended.
    pub stop: StopPoint,
    /// The weights kept and their epoch; none where no epoch was finite.
    pub kept: Option<Kept>,
}

/// The weights of an epoch.
#[derive(Clone)]
pub struct Kept {
    /// From 1.
    pub epoch: usize,
    /// Parameters and running statistics.
    pub state: Arc<StateDict>,
}

/// An arm that reads a training as it grows.
pub struct Reader<'a> {
    rule: &'a StoppingRule,
    ended: Option<(usize, StopStatus)>,
    best: Option<(usize, f64)>,
    kept: Option<Kept>,
}

impl<'a> Reader<'a> {
    /// An arm before the first epoch.
    pub fn new(rule: &'a StoppingRule) -> Self {
        Self { rule, ended: None, best: None, kept: None }
    }

    /// An arm that has read all of `table`; none where the weights that it keeps are not in `kept`.
    ///
    /// A rule is a function of the table, so this is where the arm would stand had it been there
    /// from the first epoch, whether it was or not.
    pub fn after(
        rule: &'a StoppingRule,
        table: &EpochTable,
        epochs: usize,
        kept: &BTreeMap<usize, Arc<StateDict>>,
    ) -> Option<Self> {
        let StopPoint { status, epochs: read, best } = rule.read(table);
        let goes_on = status == StopStatus::Completed && read < epochs;
        let ended = (!goes_on).then_some((read, status));
        let keeps = match (rule.restore_best, ended) {
            (true, _) => best.map(|(epoch, _)| epoch),
            (false, Some((epoch, _))) => Some(epoch),
            (false, None) => None,
        };
        let kept = match keeps {
            Some(epoch) => Some(Kept { epoch, state: Arc::clone(kept.get(&epoch)?) }),
            None => None,
        };
        Some(Self { rule, ended, best, kept })
    }

    /// The arm's rule.
    pub fn rule(&self) -> &StoppingRule {
        self.rule
    }

    /// Whether the arm reads no further epoch.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// The weights kept so far.
    pub fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// Takes in the last epoch of `table`; `epochs` is the last that can come, `state` the weights
    /// as they are now.
    pub fn read(
        &mut self,
        table: &EpochTable,
        epochs: usize,
        state: &mut dyn FnMut() -> Result<Arc<StateDict>>,
    ) -> Result<()> {
        if self.has_ended() {
            return Ok(());
        }
        let epoch = table.len();
        let history = table.history(epoch);
        self.ended = match self.rule.check(&history) {
            Some(status) => Some((epoch, status)),
            None if epoch == epochs => Some((epoch, StopStatus::Completed)),
            None => None,
        };
        let best = self.rule.monitored.best(&history);
        let is_best = best != self.best;
        self.best = best;
        let keep = if self.rule.restore_best { is_best } else { self.has_ended() };
        if keep {
            self.kept = Some(Kept { epoch, state: state()? });
        }
        Ok(())
    }

    /// What the arm came to.
    pub fn outcome(self, table: &EpochTable) -> ArmOutcome {
        let (epochs, status) = self.ended.unwrap_or((table.len(), StopStatus::Completed));
        ArmOutcome { stop: StopPoint { status, epochs, best: self.best }, kept: self.kept }
    }
}
