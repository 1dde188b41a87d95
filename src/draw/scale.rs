//! From values to positions, and the values that an axis names.

/// A position, or a pair of values.
pub type Point = (f64, f64);

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Equal differences take equal room.
    #[default]
    Linear,
    /// Equal ratios do; values of 0 and below have no place.
    Log,
}

/// An axis: its label, and how it is divided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// How it is divided.
    pub kind: Kind,
    /// Whether there is nothing between whole numbers, as of epochs.
    pub is_whole: bool,
}

/// From values between two of them to positions between two others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    kind: Kind,
    values: [f64; 2],
    places: [f64; 2],
}

/// A value that an axis names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub label: String,
}

impl Scale {
    /// Over all values that have a place, with some room around them; 0 to 1 where there are none.
    pub fn over(kind: Kind, values: impl IntoIterator<Item = f64>, places: [f64; 2]) -> Self {
        let has_place = |value: &f64| value.is_finite() && (kind == Kind::Linear || *value > 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(has_place) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = if kind == Kind::Log { (0.1, 1.0) } else { (0.0, 1.0) };
        }
        let values = match kind {
            Kind::Linear => {
                let size = low.abs().max(high.abs());
                // What differs in its last digits alone is one value.
                let span = if high - low > 1e-12 * size { high - low } else { size.max(1.0) };
                [low - 0.04 * span, high + 0.04 * span]
            }
            Kind::Log => {
                let ratio = if high / low > 1.0 + 1e-12 { high / low } else { 10.0 };
                [low / ratio.powf(0.04), high * ratio.powf(0.04)]
            }
        };
        Self { kind, values, places }
    }

    /// Between two values, with no room around them.
    pub fn between(values: [f64; 2], places: [f64; 2]) -> Self {
        Self { kind: Kind::Linear, values, places }
    }

    /// Where a value is; none where it has no place.
    pub fn at(&self, value: f64) -> Option<f64> {
        let [low, high] = self.values;
        let share = match self.kind {
            Kind::Linear => (value - low) / (high - low),
            Kind::Log if value > 0.0 => (value / low).ln() / (high / low).ln(),
            Kind::Log => return None,
        };
        let [first, last] = self.places;
        share.is_finite().then_some(first + share * (last - first))
    }

    /// Round values, about so many.
    pub fn ticks(&self, about: usize) -> Vec<Tick> {
        let [low, high] = self.values;
        match self.kind {
            Kind::Linear => linear(low, high, about),
            Kind::Log => log(low, high, about),
        }
    }
}

fn linear(low: f64, high: f64, about: usize) -> Vec<Tick> {
    #[allow(clippy::cast_precision_loss)] // a few
    let rough = (high - low) / about.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= rough);
    let step = step.unwrap_or(10.0) * power;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // decimals of a step
    let decimals = (-(step * 1.000_001).log10().floor()).max(0.0) as usize;
    let first = (low / step).ceil();
    let last = (high / step).floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some ticks
    let count = (last - first + 1.0).clamp(0.0, 100.0) as usize;
    #[allow(clippy::cast_precision_loss)]
    let values = (0..count).map(|at| (first + at as f64) * step);
    values.map(|value| Tick { value, label: label(value, decimals) }).collect()
}

fn log(low: f64, high: f64, about: usize) -> Vec<Tick> {
    #[allow(clippy::cast_possible_truncation)] // exponents of a float
    let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let of = |factors: &[f64]| -> Vec<f64> {
        let all =
            powers.clone().flat_map(|power| factors.iter().map(move |f| f * 10_f64.powi(power)));
        all.filter(|value| (low..=high).contains(value)).collect()
    };
    let mut values = of(&[1.0]);
    for factors in [&[1.0, 3.0][..], &[1.0, 2.0, 5.0], &[1.0, 2.0, 3.0, 5.0, 7.0]] {
        if values.len() < 3 {
            values = of(factors);
        }
    }
    if values.len() < 2 {
        return linear(low, high, about);
    }
    // Every second, third … where there are too many.
    let every = values.len().div_ceil(about.max(1) + 1);
    let label = |value: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let decimals = (-value.log10().floor()).clamp(0.0, 12.0) as usize;
        label(value, decimals)
    };
    let kept = values.into_iter().step_by(every.max(1));
    kept.map(|value| Tick { value, label: label(value) }).collect()
}

fn label(value: f64, decimals: usize) -> String {
    let size = value.abs();
    if size >= 1e6 || (decimals > 5 && size > 0.0) {
        return format!("{value:.1e}").replace(".0e", "e");
    }
    let text = format!("{value:.decimals$}");
    if text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.')) {
        return "0".to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(kind: Kind, low: f64, high: f64) -> Vec<String> {
        let scale = Scale::over(kind, [low, high], [0.0, 100.0]);
        scale.ticks(5).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Kind::Linear, 0.0, 100.0), ["0", "50", "100"]);
        assert_eq!(labels(Kind::Linear, 0.02, 0.11), ["0.02", "0.04", "0.06", "0.08", "0.10"]);
        assert_eq!(labels(Kind::Log, 0.001, 10.0), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(labels(Kind::Log, 0.09, 2.4), ["0.1", "0.3", "1"]);
    }

    proptest! {
        #[test]
        fn every_value_has_a_place_between_the_ends_and_ticks_ascend(
            values in prop::collection::vec(-1e9..1e9_f64, 1..9),
            log in any::<bool>(),
        ) {
            let kind = if log { Kind::Log } else { Kind::Linear };
            let scale = Scale::over(kind, values.iter().copied(), [10.0, 90.0]);
            for value in values {
                match scale.at(value) {
                    Some(at) => prop_assert!((9.9..=90.1).contains(&at), "{value}: {at}"),
                    None => prop_assert!(log && value <= 0.0),
                }
            }
            let ticks = scale.ticks(5);
            prop_assert!(ticks.len() <= 12, "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].value < pair[1].value));
        }
    }
}
