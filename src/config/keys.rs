//! Every key of a config by its whole path, for whoever wrote one into the wrong table.

use std::sync::OnceLock;

use super::checkpoint::CheckpointConfig;
use super::data::{DataConfig, SplitConfig};
use super::evaluation::EvaluationConfig;
use super::log::LogConfig;
use super::model::{Init, ModelConfig, Norm};
use super::training::{Optimizer, Schedule, TrainingConfig};
use crate::kinds::{Kinds, fields_of};
use crate::stopping::Criterion;

/// What other trainers call a key.
const ELSEWHERE: [(&str, &str); 9] = [
    ("epsilon", "eps"),
    ("learning_rate", "lr"),
    ("max_epochs", "epochs"),
    ("num_epochs", "epochs"),
    ("n_epochs", "epochs"),
    ("l2", "weight_decay"),
    ("layers", "hidden"),
    ("hidden_layer_sizes", "hidden"),
    ("random_state", "seed"),
];

/// More places than this are no suggestion.
const PLACES: usize = 3;

/// The tables of a config with their keys.
fn tables() -> &'static [(&'static str, Vec<&'static str>)] {
    static TABLES: OnceLock<Vec<(&'static str, Vec<&'static str>)>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let of_kinds = |kinds: &Kinds, shared: &[&'static str]| {
            let own = kinds.built.iter().flat_map(|(_, keys)| keys.iter().copied());
            let mut keys: Vec<&str> = Vec::new();
            for key in own.chain(shared.iter().copied()) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            keys
        };
        vec![
            ("", vec!["name", "seed"]),
            ("data", fields_of::<DataConfig>().to_vec()),
            ("data.split", fields_of::<SplitConfig>().to_vec()),
            ("model", fields_of::<ModelConfig>().to_vec()),
            ("model.init", of_kinds(&Init::all_kinds(), &["data_dependent"])),
            ("model.norm", of_kinds(&Norm::all_kinds(), &["at"])),
            ("training", fields_of::<TrainingConfig>().to_vec()),
            ("training.optimizer", of_kinds(&Optimizer::all_kinds(), &[])),
            ("training.schedule", of_kinds(&Schedule::all_kinds(), &["warmup_epochs"])),
            ("evaluation", fields_of::<EvaluationConfig>().to_vec()),
            (
                "early_stopping",
                of_kinds(&Criterion::all_kinds(), &["monitor", "mode", "restore_best"]),
            ),
            ("checkpoint", fields_of::<CheckpointConfig>().to_vec()),
            ("log", fields_of::<LogConfig>().to_vec()),
        ]
    })
}

/// Whole paths of the keys that are called `name` here or, in other programs, there.
pub(super) fn elsewhere(name: &str) -> Vec<String> {
    let plain = name.to_lowercase().replace('-', "_");
    let here = ELSEWHERE.iter().find(|(other, _)| *other == plain);
    let name = here.map_or(plain.as_str(), |(_, here)| here);
    let mut paths = Vec::new();
    for (table, keys) in tables() {
        if keys.contains(&name) {
            let dot = if table.is_empty() { "" } else { "." };
            paths.push(format!("{table}{dot}{name}"));
        }
    }
    if paths.len() > PLACES { Vec::new() } else { paths }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_whichever_table_it_belongs_to() {
        assert_eq!(elsewhere("lr"), ["training.optimizer.lr"]);
        assert_eq!(elsewhere("learning-rate"), ["training.optimizer.lr"]);
        assert_eq!(elsewhere("seed"), ["seed", "data.split.seed"]);
        assert_eq!(elsewhere("warmup_epochs"), ["training.schedule.warmup_epochs"]);
        assert_eq!(elsewhere("restore_best"), ["early_stopping.restore_best"]);
        assert_eq!(elsewhere("epocs"), [""; 0]);
    }
}
