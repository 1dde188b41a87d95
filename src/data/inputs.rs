//! Table columns as inputs of a network: levels, imputed values and scales, learnt on the training
//! rows alone.
//!
//! - Numbers are centred and scaled over the training cells that hold something. A cell that holds
//!   nothing becomes the training mean, and where training rows have such cells an indicator of 0
//!   or 1 follows.
//! - Levels are indicators: one for each level of the training rows, in the order of their bytes,
//!   one for cells that hold nothing where training rows have them, and one for all other levels.
//!   That last one is 0 in all training rows, so its weights stay as they started.
//! - Indicators are not standardised. Columns that do not vary over the training rows are left out.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::cells::{Cells, Level, MISSING, MOST_LEVELS};
use super::error::{counted, listed_shortly};
use super::numbers::{CHUNK, Numbers};
use super::scale::{self, Scale};

/// How one column becomes inputs.
#[derive(Debug)]
struct Encoder {
    /// Among the source's inputs.
    column: usize,
    /// The first input.
    at: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Number {
        scale: Scale,
        imputed: f64,
        indicator: bool,
    },
    /// A column whose numbers do not vary, but some are missing.
    Indicator,
    /// The input of each code; the last is that of a cell that holds nothing.
    Levels {
        input_of: Vec<usize>,
        levels: Vec<String>,
        missing: bool,
    },
}

/// The inputs of all rows and how they came about.
pub(super) struct Encoded {
    pub values: Vec<f32>,
    pub width: usize,
    pub json: Value,
    pub notes: Vec<String>,
}

/// Learns on `train` and encodes all `rows`, a chunk of all columns after the other. Columns that
/// are given away give their memory back on the way, so that there is one copy of the data.
pub(super) fn encode(
    mut columns: Cow<'_, [Cells]>,
    names: &[&String],
    rows: usize,
    train: &[u32],
    standardize: bool,
) -> Result<Encoded, String> {
    let too_many: Vec<String> = (columns.iter().zip(names))
        .filter(|(cells, _)| **cells == Cells::TooMany)
        .map(|(_, name)| (*name).clone())
        .collect();
    if !too_many.is_empty() {
        return Err(format!(
            "more than {MOST_LEVELS} levels, as in a column that names its rows: {}; leave out by data.drop, or group the levels",
            listed_shortly(&too_many)
        ));
    }
    let mut learnt = Learnt::default();
    for (column, cells) in columns.iter().enumerate() {
        match cells {
            Cells::Numbers(numbers) => learnt.numbers(column, numbers, train, standardize),
            Cells::Levels { codes, levels, .. } => learnt.levels(column, codes, levels, train),
            Cells::TooMany => {}
        }
    }
    learnt.present = Vec::new();
    let Learnt { encoders, width, .. } = &learnt;
    if encoders.is_empty() {
        return Err(format!(
            "no input varies over the {}: there is nothing to learn from; `bnes data describe` shows what the columns hold",
            counted(train.len(), "training row")
        ));
    }
    let mut values = Vec::new();
    let size = rows.saturating_mul(*width);
    values.try_reserve_exact(size).map_err(|_| {
        format!(
            "{} of {width} inputs do not fit into memory: leave columns out by data.drop",
            counted(rows, "row")
        )
    })?;
    let mut unpacked = Vec::with_capacity(CHUNK);
    for (chunk, from) in (0..rows).step_by(CHUNK).enumerate() {
        let begin = values.len();
        values.resize(begin + CHUNK.min(rows - from) * width, 0.0);
        for encoder in encoders {
            encoder.fill(
                &columns[encoder.column],
                chunk,
                &mut unpacked,
                &mut values[begin..],
                *width,
            );
        }
        if let Cow::Owned(columns) = &mut columns {
            for cells in columns.iter_mut() {
                cells.forget(chunk);
            }
        }
    }
    let json: Vec<Value> = encoders.iter().map(|encoder| encoder.json(names)).collect();
    Ok(Encoded { values, width: *width, json: json!(json), notes: learnt.notes(names) })
}

#[derive(Default)]
struct Learnt {
    encoders: Vec<Encoder>,
    width: usize,
    constant: Vec<usize>,
    indicated: Vec<usize>,
    empty: Vec<usize>,
    filled: Vec<usize>,
    unseen: Vec<usize>,
    /// The training rows' numbers of the column at hand; kept for its memory.
    present: Vec<f64>,
}

impl Learnt {
    fn push(&mut self, column: usize, kind: Kind) {
        let at = self.width;
        self.width += kind.width();
        self.encoders.push(Encoder { column, at, kind });
    }

    fn numbers(&mut self, column: usize, numbers: &Numbers, train: &[u32], standardize: bool) {
        let (mut rows, mut unpacked, mut missing) = (train.iter().peekable(), Vec::new(), false);
        self.present.clear();
        for chunk in 0..numbers.chunks() {
            numbers.unpack(chunk, &mut unpacked);
            missing |= unpacked.iter().any(|value| value.is_nan());
            let from = chunk * CHUNK;
            let held = |row: &u32| unpacked.get(*row as usize - from).copied();
            // They are in order.
            while let Some(value) = rows.peek().and_then(|row| held(row)) {
                rows.next();
                if !value.is_nan() {
                    self.present.push(value);
                }
            }
        }
        if self.present.is_empty() {
            self.empty.push(column);
            return;
        }
        let indicator = self.present.len() < train.len();
        let of = scale::column(&self.present);
        if of.constant {
            if indicator {
                self.indicated.push(column);
                self.push(column, Kind::Indicator);
            } else {
                self.constant.push(column);
            }
            return;
        }
        if missing && !indicator {
            self.filled.push(column);
        }
        let scale = if standardize { of.scale } else { Scale::NONE };
        self.push(column, Kind::Number { scale, imputed: of.scale.mean, indicator });
    }

    fn levels(&mut self, column: usize, codes: &[u32], levels: &[Level], train: &[u32]) {
        let mut seen = vec![false; levels.len()];
        let mut missing = false;
        for row in train {
            match seen.get_mut(codes[*row as usize] as usize) {
                Some(seen) => *seen = true,
                None => missing = true,
            }
        }
        let mut known: Vec<usize> = (0..levels.len()).filter(|level| seen[*level]).collect();
        if known.is_empty() {
            self.empty.push(column);
            return;
        }
        if known.len() + usize::from(missing) < 2 {
            self.constant.push(column);
            return;
        }
        known.sort_by_key(|level| &levels[*level].name);
        let other = known.len() + usize::from(missing);
        let mut input_of = vec![other; levels.len() + 1];
        for (input, level) in known.iter().enumerate() {
            input_of[*level] = input;
        }
        if missing {
            input_of[levels.len()] = known.len();
        }
        let is_unseen = |code: &u32| input_of[(*code as usize).min(levels.len())] == other;
        if codes.iter().any(is_unseen) {
            self.unseen.push(column);
        }
        let levels = known.iter().map(|level| levels[*level].name.clone()).collect();
        self.push(column, Kind::Levels { input_of, levels, missing });
    }

    fn notes(&self, names: &[&String]) -> Vec<String> {
        let note = |what: &str, columns: &[usize]| {
            let columns: Vec<String> = columns.iter().map(|at| names[*at].clone()).collect();
            (!columns.is_empty()).then(|| format!("{what}: {}", listed_shortly(&columns)))
        };
        [
            note("left out, constant over the training rows", &self.constant),
            note(
                "taken only for whether they hold something, as they are constant over the training rows where they do",
                &self.indicated,
            ),
            note("left out, no training row holds anything", &self.empty),
            note(
                "missing cells outside the training rows alone, filled with the mean and not indicated",
                &self.filled,
            ),
            note("levels that no training row has, taken as \"other\"", &self.unseen),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Kind {
    fn width(&self) -> usize {
        match self {
            Self::Number { indicator, .. } => 1 + usize::from(*indicator),
            Self::Indicator => 1,
            Self::Levels { levels, missing, .. } => levels.len() + usize::from(*missing) + 1,
        }
    }
}

impl Encoder {
    /// Fills this column's inputs into the rows of a chunk, which are zeros.
    fn fill(
        &self,
        cells: &Cells,
        chunk: usize,
        unpacked: &mut Vec<f64>,
        rows: &mut [f32],
        width: usize,
    ) {
        if let Cells::Numbers(numbers) = cells {
            numbers.unpack(chunk, unpacked);
        }
        let rows = rows.chunks_exact_mut(width).map(|row| &mut row[self.at..]);
        match (&self.kind, cells) {
            (Kind::Number { scale, imputed, indicator }, _) => {
                for (row, value) in rows.zip(unpacked) {
                    let value = *value;
                    let held = if value.is_nan() { *imputed } else { value };
                    #[allow(clippy::cast_possible_truncation)] // the network computes in 32 bits
                    let input = scale.apply(held) as f32;
                    row[0] = input;
                    if *indicator && value.is_nan() {
                        row[1] = 1.0;
                    }
                }
            }
            (Kind::Indicator, _) => {
                for (row, value) in rows.zip(unpacked) {
                    row[0] = if value.is_nan() { 1.0 } else { 0.0 };
                }
            }
            (Kind::Levels { input_of, .. }, Cells::Levels { codes, .. }) => {
                for (row, code) in rows.zip(&codes[chunk * CHUNK..]) {
                    let code = if *code == MISSING { input_of.len() - 1 } else { *code as usize };
                    row[input_of[code]] = 1.0;
                }
            }
            _ => {}
        }
    }

    fn json(&self, names: &[&String]) -> Value {
        let name = names[self.column];
        match &self.kind {
            Kind::Number { scale: Scale { mean, sd }, imputed, indicator } => json!({
                "name": name, "kind": "number", "mean": mean, "sd": sd,
                "imputed": imputed, "missing_indicator": indicator,
            }),
            Kind::Indicator => json!({ "name": name, "kind": "missing_indicator" }),
            Kind::Levels { levels, missing, .. } => json!({
                "name": name, "kind": "levels", "levels": levels,
                "missing_level": missing, "other_level": true,
            }),
        }
    }
}
