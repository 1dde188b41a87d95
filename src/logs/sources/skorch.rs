//! skorch: `history.json`, an object an epoch with its batches.

use crate::logs::assemble::put_object;
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Drafts, Source};
use crate::logs::training::Draft;

/// skorch.
pub(in crate::logs) struct Skorch;

impl Source for Skorch {
    fn tool(&self) -> &'static str {
        "skorch"
    }

    fn json(&self, json: &Json, origin: &Origin) -> Option<Drafts> {
        let epochs = json.list()?;
        let is_epoch = |item: &Json| item.get("batches").is_some() && item.get("epoch").is_some();
        if epochs.is_empty() || !epochs.iter().all(is_epoch) {
            return None;
        }
        let is_column = |name: &str| {
            !name.ends_with("_best")
                && !name.starts_with("event_")
                && !name.ends_with("_batch_count")
        };
        let mut rows = origin.rows();
        let put = epochs.iter().enumerate().try_for_each(|(at, epoch)| {
            rows.begin(at as u64 + 1);
            let entries = epoch.entries().unwrap_or_default().iter();
            let kept = entries.filter(|(name, _)| is_column(name)).cloned().collect();
            put_object(&mut rows, "", &Json::Object(kept))
        });
        let draft = put.map(|()| Draft::new(&origin.stem, self.tool(), origin.path.clone(), rows));
        Some(draft.map(|draft| vec![draft]))
    }
}
