//! The curves in the page's script block: steps between a column's least and largest value, in text.

use serde::Serialize;

use crate::compare::curves::CurveOf;
use crate::compare::{CLOCK_SUFFIX, EpochMean, MeanCurve};
use crate::history::{EPOCH, EpochTable};

/// Trainings beyond which the page holds means alone.
pub const MOST_TRAININGS: usize = 1000;

/// Epochs of a curve in the page; of longer ones every second, third … and the last.
const MOST_EPOCHS: usize = 200;

/// Columns that single trainings have in the page before all others.
const FIRST: [&str; 4] = ["val_loss", "train_loss", "test_loss", "val_accuracy"];

/// Letters for the values of single trainings: so many, and so many more for each training.
const LETTERS: usize = 500_000;
const LETTERS_OF_TRAINING: usize = 1150;

/// Letters of a value of a single training.
const LETTERS_OF_VALUE: usize = 2;

/// A curve as steps of 16 bits, in base64; 65535 where nothing was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Steps {
    low: f64,
    high: f64,
    /// Whether steps are of logarithms, as of curves that fall over decades.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    log: bool,
    #[serde(rename = "steps")]
    text: String,
}

/// A curve of a single training in fewer letters: the ends, whether steps are of logarithms, and steps of 12 bits,
/// two letters of base64 each; 4095 where nothing was measured.
type Coarse = (f32, f32, u8, String);

/// Epochs of a curve: every so many from the first on, the last, and the best (0 where there is none).
type Epochs = [usize; 3];

/// A mean of the page.
#[derive(Debug, Clone, Serialize)]
struct Mean {
    arm: usize,
    column: String,
    epochs: Epochs,
    /// Epochs for which all trainings go on.
    whole: usize,
    #[serde(rename = "mean")]
    middle: Steps,
    lower: Steps,
    upper: Steps,
    /// How many trainings it is of, from each epoch on at which that changes.
    n: Vec<(usize, usize)>,
}

/// What the page marks of an arm.
#[derive(Debug, Clone, Serialize)]
struct Marks {
    arm: usize,
    /// After which epochs its rule stopped trainings.
    stops: Vec<usize>,
    /// The mean of the epochs that it keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<f64>,
}

/// A training of the page.
#[derive(Debug, Clone, Serialize)]
struct Training {
    arm: usize,
    seed: u64,
    epochs: Epochs,
    /// By their places in the page's list of columns.
    columns: Vec<Option<Coarse>>,
}

/// What the page's script draws from.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PageData {
    marks: Vec<Marks>,
    means: Vec<Mean>,
    /// Of single trainings.
    columns: Vec<String>,
    trainings: Vec<Training>,
    /// Columns of single trainings that there is room for.
    #[serde(skip)]
    most_columns: usize,
}

impl PageData {
    /// For single trainings with these curves: with as many of their columns as a page has room for.
    #[must_use]
    pub fn of(curves: &[CurveOf]) -> Self {
        let shown = &curves[..curves.len().min(MOST_TRAININGS)];
        let epochs: usize = shown
            .iter()
            .map(|curve| numbers(epochs_of(curve.epochs, curve.best_epoch)).count())
            .sum();
        let letters = LETTERS + LETTERS_OF_TRAINING * shown.len();
        let most_columns = letters / (LETTERS_OF_VALUE * epochs.max(1));
        Self { most_columns: most_columns.max(1), ..Self::default() }
    }

    /// Adds the mean of an arm, by its number in the page.
    pub(super) fn mean(&mut self, arm: usize, curve: &MeanCurve) {
        if self.marks.last().is_none_or(|marks| marks.arm != arm) {
            let (stops, best) = (curve.stops.clone(), curve.best_epoch);
            self.marks.push(Marks { arm, stops, best });
        }
        // The best on average is marked, and so has to be there.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an epoch
        let best = curve.best_epoch.map(|best| best.round() as usize);
        let epochs = epochs_of(curve.epochs.len(), best);
        let at = |of: fn(&EpochMean) -> Option<f64>| {
            Steps::of(numbers(epochs).map(|epoch| of(&curve.epochs[epoch - 1])))
        };
        let mut n: Vec<(usize, usize)> = Vec::new();
        for (epoch, of) in (1..).zip(&curve.epochs) {
            if n.last().is_none_or(|(_, last)| *last != of.n) {
                n.push((epoch, of.n));
            }
        }
        self.means.push(Mean {
            arm,
            column: curve.column.clone(),
            whole: curve.epochs.iter().take_while(|epoch| epoch.n == curve.trainings).count(),
            middle: at(|epoch| epoch.mean),
            lower: at(|epoch| epoch.ci95.map(|[low, _]| low)),
            upper: at(|epoch| epoch.ci95.map(|[_, high]| high)),
            n,
            epochs,
        });
    }

    /// Adds a training; false where the page holds as many as it may.
    pub fn training(&mut self, arm: usize, curve: &CurveOf, table: &EpochTable) -> bool {
        if self.trainings.len() >= MOST_TRAININGS {
            return false;
        }
        let is_drawn = |name: &&str| *name != EPOCH && !name.ends_with(CLOCK_SUFFIX);
        let names = || table.names().iter().map(String::as_str);
        let first = FIRST.into_iter().filter(|name| names().any(|known| known == *name));
        for name in first.chain(names().filter(is_drawn)) {
            if self.columns.len() < self.most_columns && !self.columns.iter().any(|c| c == name) {
                self.columns.push(name.to_owned());
            }
        }
        let epochs = epochs_of(curve.epochs.min(table.len()), curve.best_epoch);
        let column = |name: &String| {
            let at = table.names().iter().position(|known| known == name)?;
            Some(coarse(numbers(epochs).map(|epoch| table.row(epoch)[at])))
        };
        let columns = self.columns.iter().map(column).collect();
        self.trainings.push(Training { arm, seed: curve.seed, epochs, columns });
        true
    }

    /// As JSON that cannot end its script block.
    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c"))
    }
}

/// The epochs of a curve that are kept: the first, the last, the best, and evenly between.
fn epochs_of(epochs: usize, best: Option<usize>) -> Epochs {
    [epochs.div_ceil(MOST_EPOCHS).max(1), epochs, best.filter(|best| *best <= epochs).unwrap_or(0)]
}

/// Each of them.
fn numbers([every, last, best]: Epochs) -> impl Iterator<Item = usize> + Clone {
    (1..=last).filter(move |epoch| (epoch - 1) % every == 0 || *epoch == last || *epoch == best)
}

/// Where values lie between their least and their greatest.
struct Span {
    low: f64,
    high: f64,
    /// By their logarithms.
    log: bool,
}

impl Span {
    fn of(values: impl Iterator<Item = Option<f64>>) -> Self {
        let finite = values.flatten().filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low > high { (0.0, 0.0) } else { (low, high) };
        Self { low, high, log: low > 0.0 && high > 100.0 * low }
    }

    /// A value in so many steps; the last is for what was not measured.
    fn step(&self, value: Option<f64>, steps: u16) -> u16 {
        let Self { low, high, log } = *self;
        let share = |value: f64| {
            if log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) }
        };
        match value.filter(|value| value.is_finite()) {
            None => steps,
            Some(_) if high == low => 0,
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within 16 bits
            Some(value) => (share(value).clamp(0.0, 1.0) * f64::from(steps - 1)).round() as u16,
        }
    }
}

impl Steps {
    fn of(values: impl Iterator<Item = Option<f64>> + Clone) -> Self {
        let span = Span::of(values.clone());
        let bytes: Vec<u8> =
            values.flat_map(|value| span.step(value, u16::MAX).to_le_bytes()).collect();
        let Span { low, high, log } = span;
        Self { low, high, log, text: base64(&bytes) }
    }
}

fn coarse(values: impl Iterator<Item = Option<f64>> + Clone) -> Coarse {
    let exact = Span::of(values.clone());
    #[allow(clippy::cast_possible_truncation)] // beyond what float32 holds the ends are infinite
    let (low, high) = (exact.low as f32, exact.high as f32);
    let ends = (f64::from(low), f64::from(high));
    let is_narrow = ends.0.is_finite() && ends.1.is_finite() && (ends.0 > 0.0 || !exact.log);
    if !is_narrow {
        return (0.0, 0.0, 0, values.map(|_| "//").collect());
    }
    let span = Span { low: ends.0, high: ends.1, log: exact.log };
    let letters = |value| {
        let step = span.step(value, 4095);
        [step >> 6, step & 63].map(|six| char::from(LETTERS_OF_BASE64[usize::from(six)]))
    };
    (low, high, u8::from(exact.log), values.flat_map(letters).collect())
}

const LETTERS_OF_BASE64: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let all = chunk.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let all = all << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS_OF_BASE64[(all >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, text) in pairs {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }

    #[test]
    fn steps_keep_the_ends_and_what_is_missing() {
        let steps = Steps::of([Some(1.0), None, Some(3.0), Some(f64::NAN), Some(2.0)].into_iter());
        assert_eq!((steps.low, steps.high), (1.0, 3.0));
        assert_eq!(steps.text, base64(&[0, 0, 255, 255, 254, 255, 255, 255, 255, 127]));
    }

    #[test]
    fn a_curve_that_falls_over_decades_keeps_its_end() {
        let steps = Steps::of([Some(1e5), Some(0.3), Some(0.31)].into_iter());
        assert!(steps.log);
        assert_ne!(steps.text, base64(&[254, 255, 0, 0, 0, 0]));
    }

    #[test]
    fn long_curves_keep_their_first_last_and_best_epoch() {
        let kept = |epochs, best| numbers(epochs_of(epochs, best)).collect::<Vec<usize>>();
        assert_eq!(kept(3, None), [1, 2, 3]);
        let long = kept(1000, Some(333));
        assert!(long.len() <= MOST_EPOCHS + 2 && long.contains(&333) && long.contains(&1000));
        assert_eq!(kept(0, None), [0_usize; 0]);
    }

    #[test]
    fn a_single_curve_is_two_letters_an_epoch_within_a_step_of_what_it_was() {
        let values = [Some(1.0), None, Some(3.0), Some(f64::NAN), Some(2.0)];
        assert_eq!(coarse(values.into_iter()), (1.0, 3.0, 0, "AA//".to_owned() + "/+//f/"));
        let (low, high, log, text) = coarse([Some(1e5), Some(0.3)].into_iter());
        assert_eq!((low, high, log, text.as_str()), (0.3, 1e5, 1, "/+AA"));
        assert_eq!(coarse([Some(1e300), Some(1.0)].into_iter()).3, "////", "beyond float32");
    }

    /// So many trainings of so many epochs, with this many columns.
    fn page(trainings: usize, epochs: usize, columns: usize) -> PageData {
        let names = (0..columns).map(|at| format!("c{at}"));
        let names: Vec<String> =
            ["epoch".to_owned(), "val_loss".to_owned()].into_iter().chain(names).collect();
        let mut table = EpochTable::new(names);
        for epoch in 0..epochs {
            #[allow(clippy::cast_precision_loss)]
            let value = |at: usize| Some(1.0 / (epoch * 7 + at + 3) as f64);
            table.push(&(0..columns + 2).map(value).collect::<Vec<_>>());
        }
        let curve = |at: usize| CurveOf {
            experiment: "e".to_owned(),
            factors: crate::config::Factors::new(),
            seed: at as u64,
            training: "t".into(),
            epochs,
            stop_epoch: None,
            best_epoch: Some(epochs / 2),
            has_diverged: false,
            files: crate::results::Files::default(),
            curves: None,
        };
        let curves: Vec<CurveOf> = (0..trainings).map(curve).collect();
        let mut data = PageData::of(&curves);
        for curve in &curves {
            data.training(0, curve, &table);
        }
        data
    }

    #[test]
    fn all_columns_are_there_where_there_is_room_and_the_page_keeps_its_size_where_not() {
        // Of a page of 1 MB and of 2.5 MB, what is left for its tables and pictures.
        for (trainings, epochs, most) in
            [(100, 200, 700_000), (1000, 200, 1_900_000), (100, 1000, 750_000)]
        {
            let data = page(trainings, epochs, 30);
            let json = data.json().unwrap();
            assert!(json.len() < most, "{trainings}: {}", json.len());
            assert!(data.columns.len() >= 4 && data.columns[0] == "val_loss", "{:?}", data.columns);
        }
        assert_eq!(page(40, 100, 12).columns.len(), 13);
        assert_eq!(page(1000, 200, 12).columns.len(), 4);
    }
}
