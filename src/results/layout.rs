//! Every file name of a results directory: `DIR/<experiment>/<training>/`.

use std::path::{Path, PathBuf};

/// What a config came to, one per experiment: the [`Plan`](super::Plan).
pub const EXPERIMENT_FILE: &str = "experiment.json";

/// What a training came to, written last: the [`TrainingRecord`](super::TrainingRecord).
pub const RUN_FILE: &str = "run.json";

/// The recorded epochs of a training.
pub const EPOCHS_FILE: &str = "epochs.csv";

/// What each test row adds to the metrics of a training.
pub const TEST_ROWS_FILE: &str = "test_rows.safetensors";

/// The name under which a config lies in its experiment's directory: its own, unless something
/// else is called so there.
#[must_use]
pub fn config_file_name(own: &str) -> &str {
    if [EXPERIMENT_FILE, RUN_FILE, EPOCHS_FILE].contains(&own) { "config.json" } else { own }
}

/// `experiment.json` of an experiment's directory.
#[must_use]
pub fn experiment_file(experiment: &Path) -> PathBuf {
    experiment.join(EXPERIMENT_FILE)
}

/// `run.json` of a training's directory.
#[must_use]
pub fn run_file(training: &Path) -> PathBuf {
    training.join(RUN_FILE)
}

/// `epochs.csv` of a training's directory.
#[must_use]
pub fn epochs_file(training: &Path) -> PathBuf {
    training.join(EPOCHS_FILE)
}

/// `test_rows.safetensors` of a training's directory.
#[must_use]
pub fn test_rows_file(training: &Path) -> PathBuf {
    training.join(TEST_ROWS_FILE)
}

/// The name of the file that holds the weights of an epoch (from 1).
#[must_use]
pub fn weights_file_name(epoch: usize) -> String {
    format!("weights-{epoch}.safetensors")
}

/// The epoch (from 1) whose weights a file of this name holds.
#[must_use]
pub fn epoch_of_weights(file_name: &str) -> Option<usize> {
    let epoch: usize =
        file_name.strip_prefix("weights-")?.strip_suffix(".safetensors")?.parse().ok()?;
    (epoch > 0 && weights_file_name(epoch) == file_name).then_some(epoch)
}

/// What unfinished files and folders begin with; readers pass over them. The machine and the number of the
/// process follow, so that it is known when nobody will finish them.
pub const PARTIAL: &str = ".partial-";

/// Whether a file of this name is one of a training.
#[must_use]
pub fn is_training_file(name: &str) -> bool {
    [RUN_FILE, EPOCHS_FILE, TEST_ROWS_FILE].contains(&name) || epoch_of_weights(name).is_some()
}

/// Whether a name stays inside of the directory that it is joined to.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(_)), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weights_file_name_tells_its_epoch_and_no_other_file_does() {
        assert_eq!(epoch_of_weights(&weights_file_name(17)), Some(17));
        for other in ["weights-0.safetensors", "weights-+1.safetensors", "weights-01.safetensors"] {
            assert_eq!(epoch_of_weights(other), None);
        }
    }

    #[test]
    fn a_config_does_not_take_the_name_of_the_plan() {
        assert_eq!(config_file_name("experiment.json"), "config.json");
        assert_eq!(config_file_name("experiment.toml"), "experiment.toml");
    }

    #[test]
    fn a_plain_name_leads_nowhere_else() {
        assert!(is_plain_name("batch-patience-0"));
        for name in ["", ".", "..", "a/b", "/a", "../a"] {
            assert!(!is_plain_name(name), "{name}");
        }
    }
}
