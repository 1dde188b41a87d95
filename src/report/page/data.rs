//! The curves in the page's script block: steps between a column's least and largest value, in text.

use serde::Serialize;

use crate::compare::MeanCurve;
use crate::compare::curves::CurveOf;
use crate::history::EpochTable;

/// Trainings beyond which the page holds means alone.
pub const MOST_TRAININGS: usize = 1000;

/// Epochs of a curve in the page; of longer ones every second, third … and the last.
const MOST_EPOCHS: usize = 200;

/// Columns that single trainings have in the page, if they were recorded.
const OF_TRAININGS: [&str; 4] = ["val_loss", "train_loss", "test_loss", "val_accuracy"];

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

/// A mean of the page.
#[derive(Debug, Clone, Serialize)]
struct Mean {
    arm: usize,
    column: String,
    epochs: Vec<usize>,
    /// Epochs for which all trainings go on.
    whole: usize,
    #[serde(rename = "mean")]
    middle: Steps,
    lower: Steps,
    upper: Steps,
    n: Vec<usize>,
}

/// A training of the page.
#[derive(Debug, Clone, Serialize)]
struct Training {
    arm: usize,
    seed: u64,
    epochs: Vec<usize>,
    columns: Vec<(&'static str, Steps)>,
}

/// What the page's script draws from.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PageData {
    means: Vec<Mean>,
    trainings: Vec<Training>,
}

impl PageData {
    /// Adds the mean of an arm, by its number in the page.
    pub(super) fn mean(&mut self, arm: usize, curve: &MeanCurve) {
        let epochs = kept(curve.epochs.len(), None);
        let at = |of: fn(&crate::compare::EpochMean) -> Option<f64>| {
            Steps::of(epochs.iter().map(|epoch| of(&curve.epochs[epoch - 1])))
        };
        self.means.push(Mean {
            arm,
            column: curve.column.clone(),
            whole: curve.epochs.iter().take_while(|epoch| epoch.n == curve.trainings).count(),
            middle: at(|epoch| epoch.mean),
            lower: at(|epoch| epoch.ci95.map(|[low, _]| low)),
            upper: at(|epoch| epoch.ci95.map(|[_, high]| high)),
            n: epochs.iter().map(|epoch| curve.epochs[epoch - 1].n).collect(),
            epochs,
        });
    }

    /// Adds a training; false where the page holds as many as it may.
    pub fn training(&mut self, arm: usize, curve: &CurveOf, table: &EpochTable) -> bool {
        if self.trainings.len() >= MOST_TRAININGS {
            return false;
        }
        let epochs = kept(curve.epochs.min(table.len()), curve.best_epoch);
        let column = |name: &&'static str| {
            let at = table.names().iter().position(|known| known == name)?;
            Some((*name, Steps::of(epochs.iter().map(|epoch| table.row(*epoch)[at]))))
        };
        let columns = OF_TRAININGS.iter().filter_map(column).collect();
        self.trainings.push(Training { arm, seed: curve.seed, epochs, columns });
        true
    }

    /// As JSON that cannot end its script block.
    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c"))
    }
}

/// The epochs of a curve that are kept: the first, the last, the best, and evenly between.
fn kept(epochs: usize, best: Option<usize>) -> Vec<usize> {
    let every = epochs.div_ceil(MOST_EPOCHS).max(1);
    (1..=epochs)
        .filter(|epoch| (epoch - 1) % every == 0 || *epoch == epochs || Some(*epoch) == best)
        .collect()
}

impl Steps {
    fn of(values: impl Iterator<Item = Option<f64>> + Clone) -> Self {
        let finite = values.clone().flatten().filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low > high { (0.0, 0.0) } else { (low, high) };
        let log = low > 0.0 && high > 100.0 * low;
        let share = |value: f64| {
            if log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) }
        };
        let step = |value: Option<f64>| match value.filter(|value| value.is_finite()) {
            None => u16::MAX,
            Some(_) if high == low => 0,
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within 16 bits
            Some(value) => (share(value) * f64::from(u16::MAX - 1)).round() as u16,
        };
        let bytes: Vec<u8> = values.flat_map(|value| step(value).to_le_bytes()).collect();
        Self { low, high, log, text: base64(&bytes) }
    }
}

/// RFC 4648, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let all = chunk.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let all = all << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * place) & 63) as usize];
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
        assert_eq!(kept(3, None), [1, 2, 3]);
        let long = kept(1000, Some(333));
        assert!(long.len() <= MOST_EPOCHS + 2 && long.contains(&333) && long.contains(&1000));
        assert_eq!(kept(0, None), [0_usize; 0]);
    }
}
