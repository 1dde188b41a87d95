//! scikit-learn: `loss_curve_`, `validation_scores_` and the scores of boosting, dumped as JSON.

use crate::logs::assemble::{self, column};
use crate::logs::input::Origin;
use crate::logs::json::Json;
use crate::logs::source::{Drafts, Source};
use crate::logs::training::Draft;

/// scikit-learn.
pub(in crate::logs) struct Sklearn;

/// The attributes that hold a curve, with whether larger is better where that is known.
const CURVES: [(&str, Option<bool>); 7] = [
    ("loss_curve_", Some(false)),
    ("validation_scores_", Some(true)),
    ("train_score_", None),
    ("validation_score_", None),
    ("train_scores_", None),
    ("oob_improvement_", Some(true)),
    ("oob_scores_", Some(true)),
];

impl Source for Sklearn {
    fn tool(&self) -> &'static str {
        "scikit-learn"
    }

    fn json(&self, json: &Json, origin: &Origin) -> Option<Drafts> {
        let curve = |(name, _): &(&'static str, Option<bool>)| {
            let values = column(json.get(name)?).filter(|values| !values.is_empty())?;
            Some((*name, values))
        };
        let columns: Vec<_> = CURVES.iter().filter_map(curve).collect();
        if columns.is_empty() {
            return None;
        }
        let rows = assemble::columns(origin, &columns, 1);
        Some(rows.map(|rows| {
            let mut draft = Draft::new(&origin.stem, self.tool(), origin.path.clone(), rows);
            draft.rows_are_epochs = true;
            let known =
                CURVES.iter().filter_map(|(name, larger)| Some(((*name).to_owned(), (*larger)?)));
            draft.directions = known.collect();
            let has = |name: &str| columns.iter().any(|(known, _)| *known == name);
            draft.monitor = ["validation_scores_", "validation_score_"]
                .into_iter()
                .find(|name| has(name))
                .map(str::to_owned);
            vec![draft]
        }))
    }
}
