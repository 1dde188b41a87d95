//! Cells of tables, and texts in JSON that stand for numbers.

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    /// Nothing was measured.
    Missing,
    Number(f64),
    Text,
}

/// What tools write where nothing was measured: Keras `NA`, fastai `None`, pandas `<NA>`.
const MISSING: [&str; 7] = ["", "NA", "N/A", "None", "<NA>", "null", "-"];

/// A cell of a table; `comma` where numbers have a decimal comma.
pub(super) fn cell(text: &str, comma: bool) -> Cell {
    let text = text.trim();
    if MISSING.contains(&text) {
        return Cell::Missing;
    }
    if let Ok(value) = text.parse() {
        return Cell::Number(value);
    }
    let is_decimal = || comma && text.matches(',').count() == 1 && !text.contains('.');
    if is_decimal()
        && let Ok(value) = text.replace(',', ".").parse()
    {
        return Cell::Number(value);
    }
    Cell::Text
}

/// A number that stands as text in JSON: Trackio's `"NaN"` and `"-Infinity"`; Ray writes numpy's NaN as `"null"`.
pub(super) fn in_json(text: &str) -> Option<f64> {
    match text {
        "null" => Some(f64::NAN),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_number_missing_or_text() {
        for missing in ["", " ", "NA", "None"] {
            assert_eq!(cell(missing, false), Cell::Missing, "{missing}");
        }
        assert_eq!(cell(" 1e-3 ", false), Cell::Number(0.001));
        assert_eq!(cell("-inf", false), Cell::Number(f64::NEG_INFINITY));
        assert!(matches!(cell("nan", false), Cell::Number(value) if value.is_nan()));
        for text in ["00:01", "True", "1,5", "1.000,5"] {
            assert_eq!(cell(text, false), Cell::Text, "{text}");
        }
        assert_eq!(cell("1,5", true), Cell::Number(1.5));
        assert_eq!(cell("1.000,5", true), Cell::Text);
    }
}
