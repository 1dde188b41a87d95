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

use super::blocks::Blocks;
use super::cells::{Cells, Level, MOST_LEVELS};
use super::error::{counted, listed_shortly};
use super::scale::{Moments, Scale};
use super::sheet::{Block, Counts, Sheet};

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
    pub rows: Blocks,
    pub json: Value,
    pub notes: Vec<String>,
}

/// Learns on `train`, whose rows are in order and those that `counts` names, and encodes all rows,
/// block by block. A sheet that is given away gives its memory back on the way, or becomes the inputs,
/// so that there is one copy of the data.
pub(super) fn encode(
    sheet: Cow<'_, Sheet>,
    columns: &[Cells],
    names: &[String],
    counts: &Counts,
    train: &[u32],
    standardize: bool,
) -> Result<Encoded, String> {
    let too_many: Vec<String> = (columns.iter().zip(names))
        .filter(|(cells, _)| **cells == Cells::TooMany)
        .map(|(_, name)| name.clone())
        .collect();
    if !too_many.is_empty() {
        return Err(format!(
            "more than {MOST_LEVELS} levels, as in a column that names its rows: {}; leave out by data.drop, or group the levels",
            listed_shortly(&too_many)
        ));
    }
    let mut learnt = Learnt::default();
    let seen = Seen::of(&sheet, train);
    for (column, cells) in columns.iter().enumerate() {
        match cells {
            Cells::Numbers => learnt.numbers(column, &seen, train.len(), standardize),
            Cells::Levels { levels, .. } => {
                learnt.levels(column, levels, &counts.named[column], &counts.all[column]);
            }
            Cells::TooMany => {}
        }
    }
    let Learnt { encoders, width, .. } = &learnt;
    if encoders.is_empty() {
        return Err(format!(
            "no input varies over the {}: there is nothing to learn from; `bnes data describe` shows what the columns hold",
            counted(train.len(), "training row")
        ));
    }
    let block_rows = sheet.block_rows();
    let in_place = learnt.is_one_number_a_column(sheet.width());
    let blocks = match sheet {
        Cow::Owned(sheet) if in_place => {
            sheet.into_blocks().into_iter().map(|block| learnt.in_place(block)).collect()
        }
        Cow::Owned(sheet) => {
            learnt.check_room(sheet.rows())?;
            sheet.into_blocks().into_iter().map(|block| learnt.rows(&block)).collect()
        }
        Cow::Borrowed(sheet) => {
            learnt.check_room(sheet.rows())?;
            sheet.blocks().iter().map(|block| learnt.rows(block)).collect()
        }
    };
    let json: Vec<Value> = encoders.iter().map(|encoder| encoder.json(names)).collect();
    let rows = Blocks::new(*width, block_rows, blocks);
    Ok(Encoded { rows, json: json!(json), notes: learnt.notes(names) })
}

/// What the rows of columns of numbers hold; of those of levels, nothing of use.
struct Seen {
    /// Over the training rows.
    moments: Moments,
    /// Of each column, whether any row at all lacks a number.
    missing: Vec<bool>,
}

impl Seen {
    fn of(sheet: &Sheet, train: &[u32]) -> Self {
        let mut moments = Moments::new(sheet.width());
        let mut missing = vec![false; sheet.width()];
        let (mut row, mut left) = (0, train.iter().peekable());
        sheet.each_row(|numbers| {
            for (missing, number) in missing.iter_mut().zip(numbers) {
                *missing |= number.is_nan();
            }
            if left.next_if_eq(&&row).is_some() {
                moments.add(numbers);
            }
            row += 1;
        });
        moments.begin_squares();
        (row, left) = (0, train.iter().peekable());
        sheet.each_row(|numbers| {
            if left.next_if_eq(&&row).is_some() {
                moments.add_squares(numbers);
            }
            row += 1;
        });
        Self { moments, missing }
    }
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
}

impl Learnt {
    fn push(&mut self, column: usize, kind: Kind) {
        let at = self.width;
        self.width += kind.width();
        self.encoders.push(Encoder { column, at, kind });
    }

    fn numbers(&mut self, column: usize, seen: &Seen, trained: usize, standardize: bool) {
        let present = seen.moments.count(column);
        if present == 0 {
            self.empty.push(column);
            return;
        }
        let indicator = present < trained;
        let of = seen.moments.column(column);
        if of.constant {
            if indicator {
                self.indicated.push(column);
                self.push(column, Kind::Indicator);
            } else {
                self.constant.push(column);
            }
            return;
        }
        if seen.missing[column] && !indicator {
            self.filled.push(column);
        }
        let scale = if standardize { of.scale } else { Scale::NONE };
        self.push(column, Kind::Number { scale, imputed: of.scale.mean, indicator });
    }

    /// `trained` and `all`: how often each level occurs in the training rows and in all.
    fn levels(&mut self, column: usize, levels: &[Level], trained: &[usize], all: &[usize]) {
        let mut known: Vec<usize> = (0..levels.len()).filter(|level| trained[*level] > 0).collect();
        let missing = trained[levels.len()] > 0;
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
        if (0..=levels.len()).any(|code| all[code] > 0 && input_of[code] == other) {
            self.unseen.push(column);
        }
        let levels = known.iter().map(|level| levels[*level].name.clone()).collect();
        self.push(column, Kind::Levels { input_of, levels, missing });
    }

    /// Refuses rows that do not fit into memory.
    fn check_room(&self, rows: usize) -> Result<(), String> {
        let inputs = self.width;
        let mut room = Vec::<f32>::new();
        let reserved = room.try_reserve_exact(rows.saturating_mul(inputs));
        // What is not used need not be asked for.
        std::hint::black_box(&room);
        reserved.map_err(|_| {
            format!(
                "{} of {inputs} inputs do not fit into memory: leave columns out by data.drop",
                counted(rows, "row")
            )
        })
    }

    /// Whether each column becomes one input, at its own place.
    fn is_one_number_a_column(&self, columns: usize) -> bool {
        let is_one = |(at, encoder): (usize, &Encoder)| {
            encoder.column == at && matches!(encoder.kind, Kind::Number { indicator: false, .. })
        };
        self.encoders.len() == columns && self.encoders.iter().enumerate().all(is_one)
    }

    /// The inputs of a block's rows in place of its cells.
    fn in_place(&self, block: Block) -> Vec<f32> {
        let kinds: Vec<(Scale, f64)> = (self.encoders.iter())
            .filter_map(|encoder| match encoder.kind {
                Kind::Number { scale, imputed, .. } => Some((scale, imputed)),
                _ => None,
            })
            .collect();
        block.into_floats(|numbers, row| {
            for ((input, number), (scale, imputed)) in row.iter_mut().zip(numbers).zip(&kinds) {
                *input = scaled(*number, *scale, *imputed);
            }
        })
    }

    /// The inputs of a block's rows.
    fn rows(&self, block: &Block) -> Vec<f32> {
        let mut inputs = vec![0.0; block.rows() * self.width];
        let mut rows = inputs.chunks_exact_mut(self.width);
        block.each_row(|numbers, codes| {
            let Some(row) = rows.next() else { return };
            for Encoder { column, at, kind } in &self.encoders {
                let (number, row) = (numbers[*column], &mut row[*at..]);
                match kind {
                    Kind::Number { scale, imputed, indicator } => {
                        row[0] = scaled(number, *scale, *imputed);
                        if *indicator && number.is_nan() {
                            row[1] = 1.0;
                        }
                    }
                    Kind::Indicator => row[0] = if number.is_nan() { 1.0 } else { 0.0 },
                    // The code of a cell that holds nothing is above all others.
                    Kind::Levels { input_of, .. } => {
                        row[input_of[(codes[*column] as usize).min(input_of.len() - 1)]] = 1.0;
                    }
                }
            }
        });
        inputs
    }

    fn notes(&self, names: &[String]) -> Vec<String> {
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

/// A number as an input; a missing one is imputed.
fn scaled(number: f64, scale: Scale, imputed: f64) -> f32 {
    #[allow(clippy::cast_possible_truncation)] // the network computes in 32 bits
    let input = scale.apply(if number.is_nan() { imputed } else { number }) as f32;
    input
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
    fn json(&self, names: &[String]) -> Value {
        let name = &names[self.column];
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
