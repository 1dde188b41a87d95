//! A curve in one line of characters.

use super::terminal::Characters;

/// From low to high.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 5] = ['_', '.', '-', '=', '^'];

/// So many characters for the values of a curve, the lowest and the highest between `low` and `high`. A
/// mark, if there is one, stands in place of the character that its index falls into.
#[must_use]
pub fn sparkline(
    values: &[Option<f64>],
    [low, high]: [f64; 2],
    width: usize,
    mark: Option<usize>,
    characters: Characters,
) -> String {
    let (levels, mark_of): (&[char], char) = match characters {
        Characters::Unicode => (&BLOCKS, '┃'),
        Characters::Ascii => (&ASCII, '|'),
    };
    let count = values.len().min(width).max(1);
    let part = |at: usize| at * values.len() / count..(at + 1) * values.len() / count;
    let marked = mark.map(|mark| mark.min(values.len().saturating_sub(1)));
    let cell = |at: usize| {
        let range = part(at);
        if marked.is_some_and(|mark| range.contains(&mark)) {
            return mark_of;
        }
        let there: Vec<f64> =
            values[range].iter().flatten().copied().filter(|v| v.is_finite()).collect();
        if there.is_empty() {
            return ' ';
        }
        #[allow(clippy::cast_precision_loss)] // a few
        let mean = there.iter().sum::<f64>() / there.len() as f64;
        let share = if high > low { ((mean - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss
        )] // an index
        levels[(share * (levels.len() - 1) as f64).round() as usize]
    };
    if values.is_empty() { String::new() } else { (0..count).map(cell).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_falls_as_its_curve_does_and_the_mark_stands_where_it_stopped() {
        let values: Vec<Option<f64>> = (0..100).map(|at| Some(f64::from(100 - at))).collect();
        assert_eq!(sparkline(&values, [1.0, 100.0], 8, None, Characters::Unicode), "█▇▆▅▄▃▂▁");
        assert_eq!(sparkline(&values, [1.0, 100.0], 8, Some(99), Characters::Unicode), "█▇▆▅▄▃▂┃");
        assert_eq!(sparkline(&values, [1.0, 100.0], 5, Some(0), Characters::Ascii), "|=-._");
        assert_eq!(
            sparkline(&[None, Some(f64::NAN)], [0.0, 1.0], 8, None, Characters::Unicode),
            "  "
        );
        assert_eq!(sparkline(&[], [0.0, 1.0], 8, None, Characters::Unicode), "");
    }
}
