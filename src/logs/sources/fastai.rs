//! fastai's `CSVLogger`.

use crate::logs::input::Origin;
use crate::logs::source::Source;
use crate::logs::training::Draft;

/// fastai.
pub(in crate::logs) struct Fastai;

impl Source for Fastai {
    fn tool(&self) -> &'static str {
        "fastai"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        names.starts_with(&["epoch", "train_loss", "valid_loss"].map(str::to_owned))
    }

    fn finish(&self, draft: &mut Draft, _: &Origin) {
        draft.has_a_row_an_epoch = true;
    }
}
