//! Tables that many records hold alike, kept once: ten thousand trainings differ in their metrics
//! and their seeds, hardly in their configs and rules.

use std::sync::{Mutex, PoisonError};

use serde_json::Map;

use super::record::{Plan, RunRecord, Shared};

/// So many different tables are looked through; an experiment with more has little to share.
const MOST: usize = 64;

/// The tables met so far.
#[derive(Default)]
pub(super) struct Sharing(Mutex<Vec<Shared>>);

impl Sharing {
    /// Lets the plan's rules be those met before.
    pub fn plan(&self, plan: &mut Plan) {
        for arm in plan.trainings.iter_mut().flat_map(|training| &mut training.arms) {
            self.table(&mut arm.rule);
        }
    }

    /// Lets the record's tables be those met before. Its config is without the seed, which it has
    /// beside it.
    pub fn record(&self, record: &mut RunRecord) {
        let mut config = Map::from(std::mem::take(&mut record.config));
        config.shift_remove("seed");
        record.config = config.into();
        self.table(&mut record.config);
        self.table(&mut record.data);
        for arm in &mut record.arms {
            self.table(&mut arm.rule);
        }
    }

    fn table(&self, table: &mut Shared) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match met.iter().find(|other| *other == table) {
            Some(other) => *table = other.clone(),
            None if met.len() < MOST => met.push(table.clone()),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::{arm, run};
    use super::*;

    fn record(seed: u64, width: u64) -> RunRecord {
        let config = json!({"model": {"hidden": [width]}, "seed": seed});
        let rule = json!({"kind": "none"});
        run(seed, config, vec![arm(json!({}), rule, json!({}), None)]).record
    }

    #[test]
    fn what_differs_in_the_seed_alone_is_kept_once() {
        let sharing = Sharing::default();
        let [one, same, other] = [(0, 8), (1, 8), (2, 9)].map(|(seed, width)| {
            let mut record = record(seed, width);
            sharing.record(&mut record);
            record
        });
        assert!(one.config.is(&same.config));
        assert!(one.arms[0].rule.is(&other.arms[0].rule));
        assert_eq!((one.seed, same.seed), (0, 1));
        assert_eq!(*other.config, json!({"model": {"hidden": [9]}}).as_object().unwrap().clone());
    }

    #[test]
    fn beyond_so_many_tables_each_stays_as_it_is() {
        let sharing = Sharing::default();
        for width in 0..2 * MOST as u64 {
            let mut shared = record(0, width);
            sharing.record(&mut shared);
            assert_eq!(shared.config["model"]["hidden"][0], width);
        }
        assert_eq!(sharing.0.lock().unwrap().len(), MOST);
    }
}
