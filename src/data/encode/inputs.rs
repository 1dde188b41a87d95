//! Table columns as inputs of a network: levels, imputed values and scales, learnt on the training
//! rows alone.
//!
//! - Numbers are centred and scaled over the training cells that hold something. A cell that holds
//!   nothing becomes the training mean, and where training rows have such cells an indicator of 0
//!   or 1 follows.
//! - Levels are indicators: one for each level of the training rows, in the order of their bytes,
//!   one for missing cells where training rows have them, and one for all other levels.
//!   That last one is 0 in all training rows, so its weights stay as they started.
//! - Indicators are not standardised. Columns that do not vary over the training rows are left out.

use std::borrow::Cow;

use super::scale::{self, Scale};
use crate::config::data::DataConfig;
use crate::data::doubt::{self, Doubt, Weight};
use crate::data::error::{listed_shortly, shortened};
use crate::data::preprocessing::{Coding, ColumnCoding};
use crate::data::row_chunks::{CHUNK_ROWS, RowChunks};
use crate::data::table::column::{Column, MOST_LEVELS, Values};
use crate::data::table::level::Level;
use crate::text::counted;

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
    /// The input of each code; the last is that of a missing cell.
    Levels {
        input_of: Vec<usize>,
        levels: Vec<String>,
        missing: bool,
    },
}

/// The inputs of all rows and how they came about.
pub(super) struct Encoded {
    pub rows: RowChunks,
    pub codings: Vec<ColumnCoding>,
    pub doubts: Vec<Doubt>,
}

/// Learns on `train`, whose rows are in order and in which levels occur as often as `counts` says, and
/// encodes all rows, chunk by chunk. Columns that are given away give their memory back on the way, so
/// that there is one copy of the data.
pub(super) fn encode(
    mut columns: Cow<'_, [Column]>,
    names: &[String],
    counts: &[Vec<usize>],
    train: &[u32],
    rows: usize,
    config: &DataConfig,
) -> Result<Encoded, String> {
    let DataConfig { drop, standardize, .. } = config;
    let has_too_many = |column: &Column| matches!(column.values, Values::TooManyLevels);
    let too_many = columns.iter().zip(names).filter(|(column, _)| has_too_many(column));
    let mut numbers =
        too_many.clone().filter_map(|(of, name)| Some((of.looks.numbers_as_text()?, name)));
    if let Some((found, name)) = numbers.next() {
        let name = shortened(name.as_bytes());
        return Err(format!("`{name}` has more than {MOST_LEVELS} levels: {}", found.advice()));
    }
    let too_many: Vec<String> = too_many.map(|(_, name)| name.clone()).collect();
    if !too_many.is_empty() {
        return Err(format!(
            "more than {MOST_LEVELS} levels, as in a column that names its rows: {}; leave out by {}, or group the levels",
            listed_shortly(&too_many),
            doubt::with("data.drop", drop, &too_many)
        ));
    }
    let mut learnt = Learnt::default();
    let mut trained = Vec::with_capacity(train.len());
    for (at, column) in columns.iter().enumerate() {
        match &column.values {
            Values::Numbers { numbers, .. } => {
                numbers.find(train, &mut trained);
                let of = scale::Column::of(&trained);
                learnt.numbers(at, of, column.missing > 0, train.len(), *standardize);
            }
            Values::Levels { levels, .. } => {
                learnt.levels(at, levels, &counts[at], &column.counts(None));
            }
            Values::TooManyLevels => {}
        }
    }
    if learnt.encoders.is_empty() {
        return Err(format!(
            "no input varies over the {}: there is nothing to learn from; `bnes data describe` shows what the columns hold",
            counted(train.len(), "training row")
        ));
    }
    learnt.check_room(rows)?;
    let mut chunks = Vec::with_capacity(rows.div_ceil(CHUNK_ROWS));
    for chunk in 0..rows.div_ceil(CHUNK_ROWS) {
        let rows = CHUNK_ROWS.min(rows - chunk * CHUNK_ROWS);
        chunks.push(learnt.inputs(&columns, chunk, rows));
        if let Cow::Owned(columns) = &mut columns {
            for column in columns.iter_mut() {
                column.free(chunk);
            }
        }
    }
    let codings = learnt.encoders.iter().map(|encoder| encoder.coding(names)).collect();
    let rows = RowChunks::new(learnt.width, chunks);
    Ok(Encoded { rows, codings, doubts: learnt.doubts(names) })
}

/// Encodes so many rows by what was learnt on others: of each column, whose levels begin with those that were
/// learnt.
pub(in crate::data) fn apply(
    mut columns: Vec<Column>,
    codings: &[ColumnCoding],
    rows: usize,
) -> Result<RowChunks, String> {
    let mut learnt = Learnt::default();
    for (at, (column, of)) in columns.iter().zip(codings).enumerate() {
        learnt.push(at, Kind::known(&of.coding, column));
    }
    learnt.check_room(rows)?;
    let mut chunks = Vec::with_capacity(rows.div_ceil(CHUNK_ROWS));
    for chunk in 0..rows.div_ceil(CHUNK_ROWS) {
        let rows = CHUNK_ROWS.min(rows - chunk * CHUNK_ROWS);
        chunks.push(learnt.inputs(&columns, chunk, rows));
        for column in &mut columns {
            column.free(chunk);
        }
    }
    Ok(RowChunks::new(learnt.width, chunks))
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
    strange: Vec<usize>,
}

impl Learnt {
    fn push(&mut self, column: usize, kind: Kind) {
        let at = self.width;
        self.width += kind.width();
        self.encoders.push(Encoder { column, at, kind });
    }

    /// `of`: over the training rows, of which there are so many; `has_missing`: in any row.
    fn numbers(
        &mut self,
        column: usize,
        of: scale::Column,
        has_missing: bool,
        trained: usize,
        standardize: bool,
    ) {
        if of.count == 0 {
            self.empty.push(column);
            return;
        }
        let indicator = of.count < trained;
        if of.constant {
            if indicator {
                self.indicated.push(column);
                self.push(column, Kind::Indicator);
            } else {
                self.constant.push(column);
            }
            return;
        }
        if has_missing && !indicator {
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
        let unseen = (0..=levels.len()).filter(|code| input_of[*code] == other);
        let unseen: usize = unseen.map(|code| all[code]).sum();
        let rows_of = |counts: &[usize]| counts.iter().sum::<usize>();
        let are_most = 2 * unseen > rows_of(all) - rows_of(trained);
        // Names of rows are another matter.
        let are_groups = 2 * known.len() <= rows_of(trained);
        if are_most && are_groups {
            self.strange.push(column);
        } else if unseen > 0 {
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

    /// The inputs of a chunk of so many rows.
    fn inputs(&self, columns: &[Column], chunk: usize, rows: usize) -> Vec<f32> {
        let mut inputs = vec![0.0; rows * self.width];
        for Encoder { column, at, kind } in &self.encoders {
            let rows = inputs.chunks_exact_mut(self.width).map(|row| &mut row[*at..]);
            match (kind, &columns[*column].values) {
                (Kind::Number { scale, imputed, indicator }, Values::Numbers { numbers, .. }) => {
                    for (row, number) in rows.zip(&*numbers.chunk(chunk)) {
                        row[0] = scaled(*number, *scale, *imputed);
                        if *indicator && number.is_nan() {
                            row[1] = 1.0;
                        }
                    }
                }
                (Kind::Indicator, Values::Numbers { numbers, .. }) => {
                    for (row, number) in rows.zip(&*numbers.chunk(chunk)) {
                        row[0] = if number.is_nan() { 1.0 } else { 0.0 };
                    }
                }
                (Kind::Levels { input_of, .. }, Values::Levels { codes, .. }) => {
                    for (row, code) in rows.zip(&codes[chunk]) {
                        // The code of a missing cell is above all others.
                        row[input_of[(*code as usize).min(input_of.len() - 1)]] = 1.0;
                    }
                }
                _ => {}
            }
        }
        inputs
    }

    fn doubts(&self, names: &[String]) -> Vec<Doubt> {
        let about = |kind, what: &str, columns: &[usize]| {
            let columns: Vec<String> = columns.iter().map(|at| names[*at].clone()).collect();
            let message = || format!("{what}: {}", listed_shortly(&columns));
            (!columns.is_empty()).then(|| Doubt::note(kind, "data.source", message()))
        };
        let strange = about(
            "levels without a training row",
            "levels that most validation and test rows have and no training row has, taken as \"other\"",
            &self.strange,
        );
        let strange = strange.map(|doubt| Doubt {
            weight: Weight::Warning,
            advice: "call the same level the same in every split".to_owned(),
            ..doubt
        });
        [
            about("constant columns", "left out, constant over the training rows", &self.constant),
            about(
                "constant but for missing cells",
                "taken only for whether they hold something, as they are constant over the training rows where they do",
                &self.indicated,
            ),
            about("empty columns", "left out, no training row holds anything", &self.empty),
            about(
                "missing cells filled",
                "missing cells outside the training rows alone, filled with the mean and not indicated",
                &self.filled,
            ),
            about(
                "levels taken as other",
                "levels that no training row has, taken as \"other\"",
                &self.unseen,
            ),
            strange,
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
    /// As it was learnt, for a column whose levels begin with those of the coding.
    fn known(coding: &Coding, column: &Column) -> Self {
        match coding {
            Coding::Number { mean, sd, imputed, missing_indicator } => Self::Number {
                scale: Scale { mean: *mean, sd: *sd },
                imputed: *imputed,
                indicator: *missing_indicator,
            },
            Coding::MissingIndicator => Self::Indicator,
            Coding::Levels { levels, missing_level, .. } => {
                let codes = match &column.values {
                    Values::Levels { levels: held, .. } => held.len(),
                    _ => 0,
                };
                let other = levels.len() + usize::from(*missing_level);
                let input_of = |code| if code < levels.len() { code } else { other };
                let mut input_of: Vec<usize> = (0..codes).map(input_of).collect();
                input_of.push(levels.len());
                Self::Levels { input_of, levels: levels.clone(), missing: *missing_level }
            }
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Number { indicator, .. } => 1 + usize::from(*indicator),
            Self::Indicator => 1,
            Self::Levels { levels, missing, .. } => levels.len() + usize::from(*missing) + 1,
        }
    }
}

impl Encoder {
    fn coding(&self, names: &[String]) -> ColumnCoding {
        let coding = match &self.kind {
            Kind::Number { scale: Scale { mean, sd }, imputed, indicator } => Coding::Number {
                mean: *mean,
                sd: *sd,
                imputed: *imputed,
                missing_indicator: *indicator,
            },
            Kind::Indicator => Coding::MissingIndicator,
            Kind::Levels { levels, missing, .. } => Coding::Levels {
                levels: levels.clone(),
                missing_level: *missing,
                other_level: true,
            },
        };
        ColumnCoding { name: names[self.column].clone(), coding }
    }
}
