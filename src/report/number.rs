//! Numbers as sentences and tables show them.

/// A number with about `digits` significant digits, never in exponent form between 1e-6 and 1e9.
#[must_use]
pub fn figure(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e9).contains(&size) {
        return format!("{value:.*e}", digits.saturating_sub(1));
    }
    fixed(value, decimals(size, digits))
}

/// Decimals that show `digits` digits of a number of this size.
#[must_use]
pub fn decimals(size: f64, digits: usize) -> usize {
    let mut decimals = digits.saturating_sub(1);
    let mut size = size.abs();
    if size == 0.0 || !size.is_finite() {
        return decimals;
    }
    while size >= 10.0 && decimals > 0 {
        size /= 10.0;
        decimals -= 1;
    }
    while size < 1.0 && decimals < 12 {
        size *= 10.0;
        decimals += 1;
    }
    decimals
}

/// A number with this many decimals, without a minus where that leaves 0.
#[must_use]
pub fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        _ => text,
    }
}

/// The same, with as many decimals more as show that it is not 0: a sign is not rounded away.
#[must_use]
pub fn signed(value: f64, places: usize) -> String {
    let text = fixed(value, places);
    let is_zero = text.chars().all(|c| c == '0' || c == '.');
    if is_zero && value != 0.0 { fixed(value, decimals(value, 1)) } else { text }
}

/// A p-value.
#[must_use]
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "<0.001".to_owned() } else { fixed(p, 3) }
}

/// `p = 0.016`, `p < 0.001`.
#[must_use]
pub fn p_equals(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else {
        format!("p = {}", fixed(p, decimals(p, 2).min(3)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_its_digits_wherever_its_point_is() {
        let texts =
            [0.123_456, 0.001_234_56, 12.345_6, 12_345.6, 0.0, -0.000_1].map(|v| figure(v, 3));
        assert_eq!(texts, ["0.123", "0.00123", "12.3", "12346", "0.00", "-0.000100"]);
        assert_eq!((figure(1e-9, 3), figure(f64::NAN, 3)), ("1.00e-9".into(), "NaN".into()));
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(
            [-0.001, 0.0, 0.004, -0.012].map(|v| signed(v, 2)),
            ["-0.001", "0.00", "0.004", "-0.01"]
        );
    }

    #[test]
    fn a_small_p_is_no_more_than_small() {
        let shown = [0.000_2, 0.015_625, 1.0].map(p_equals);
        assert_eq!(shown, ["p < 0.001", "p = 0.016", "p = 1.0"]);
    }
}
