//! Keras: `CSVLogger`, and `History.history` as JSON or by pandas.

use crate::logs::assemble::{self, column};
use crate::logs::error::{Fault, LogError};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Drafts, Source};
use crate::logs::training::Draft;

/// Keras.
pub(in crate::logs) struct Keras;

const LOSS: &str = "loss";

impl Source for Keras {
    fn tool(&self) -> &'static str {
        "keras"
    }

    fn takes_table(&self, names: &[String], _: &Origin) -> bool {
        let [first, rest @ ..] = names else { return false };
        let has_loss = rest.iter().any(|name| name == LOSS);
        // `CSVLogger` sorts the names; the index of pandas has none.
        has_loss && (first.is_empty() || (first == "epoch" && rest.is_sorted()))
    }

    fn finish(&self, draft: &mut Draft, _: &Origin) {
        draft.has_a_row_an_epoch = true;
    }

    fn json(&self, json: &Json, origin: &Origin) -> Option<Drafts> {
        json.get(LOSS)?;
        let entries = json.entries()?;
        let mut columns: Vec<(&str, Vec<Option<f64>>)> =
            entries.iter().filter_map(|(name, value)| Some((&**name, column(value)?))).collect();
        let epochs = columns.iter().find(|(name, _)| *name == LOSS)?.1.len();
        let mut notes = Vec::new();
        for (name, values) in &mut columns {
            if values.len() == epochs {
                continue;
            }
            // `validation_freq` keeps no positions: they have to follow from the number of values.
            let every = (1..=epochs).find(|every| epochs / every == values.len() && *every > 1);
            let is_unique =
                |every: &usize| !values.is_empty() && epochs / (every + 1) != values.len();
            let Some(every) = every.filter(is_unique) else {
                let problem = format!(
                    "`{name}` has {} values where `{LOSS}` has {epochs}, and nothing says of which epochs: \
                     take a log of `CSVLogger`, which keeps them",
                    values.len()
                );
                return Some(Err(LogError::at(Fault::Damaged, &origin.file, problem)));
            };
            let mut spread = vec![None; epochs];
            for (at, value) in values.iter().enumerate() {
                spread[(at + 1) * every - 1] = *value;
            }
            notes.push(format!("`{name}` was measured every {every} epochs"));
            *values = spread;
        }
        let rows = assemble::columns(origin, &columns, 1);
        Some(rows.map(|rows| {
            let mut draft = Draft::new(&origin.stem, self.tool(), origin.path.clone(), rows);
            draft.rows_are_epochs = true;
            draft.notes = notes;
            vec![draft]
        }))
    }
}
