//! Tables that many records hold alike, kept once: ten thousand trainings differ in their metrics
//! and their seeds, hardly in their configs and rules.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::FixedState;
use serde_json::Map;

use super::record::{Shared, TrainingRecord};

/// The tables met so far.
#[derive(Default)]
pub(super) struct Sharing(Mutex<HashSet<Shared, FixedState>>);

impl Sharing {
    /// Lets the record's tables be those met before. Its config is without the seed, which it has
    /// beside it.
    pub fn record(&self, record: &mut TrainingRecord) {
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
        if let Some(other) = met.get(table) {
            *table = other.clone();
        } else {
            met.insert(table.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::{arm, run};
    use super::*;

    fn record(seed: u64, width: u64) -> TrainingRecord {
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
    fn each_of_many_tables_is_kept_once() {
        let sharing = Sharing::default();
        let shared = |width: u64| {
            let mut record = record(width, width % 1000);
            sharing.record(&mut record);
            record
        };
        let records: Vec<TrainingRecord> = (0..2000).map(shared).collect();
        for (first, second) in records.iter().zip(&records[1000..]) {
            assert!(first.config.is(&second.config));
        }
        assert_eq!(records[999].config["model"]["hidden"][0], 999);
    }
}
