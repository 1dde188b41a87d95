//! Lightning's `CSVLogger`: sparse rows, with `hparams.yaml` beside them.

use crate::logs::assemble::flat_yaml;
use crate::logs::input::Origin;
use crate::logs::source::Source;
use crate::logs::training::Draft;

/// Lightning.
pub(in crate::logs) struct Lightning;

impl Source for Lightning {
    fn tool(&self) -> &'static str {
        "lightning"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        has("epoch") && has("step")
    }

    fn finish(&self, draft: &mut Draft, origin: &Origin) {
        if let Some(bytes) = origin.beside("hparams.yaml") {
            draft.parameters = flat_yaml(&bytes);
        }
        // `version_0` says more than `metrics`.
        if origin.file_name() == "metrics.csv"
            && let Some(folder) =
                origin.folder_name().filter(|folder| folder.starts_with("version_"))
        {
            draft.name = folder;
        }
    }
}
