//! What the cells of a column look like, beside being numbers or text: zeros before digits, points that
//! may stand between thousands, numbers with something around them.

use super::dressed::{Comma, Dressed, Multiplier};
use super::number::is_marker;
use crate::data::error::shortened;
use crate::text::listed;

/// More different signs and units than this are words, and so are more than twice as many with multipliers.
const MOST_SIGNS: usize = 3;

/// What was seen of the different cells of a column.
#[derive(Debug, Clone, Default)]
pub struct Looks {
    /// What stands between cells, in a text.
    delimiter: Option<u8>,
    /// The first cell of digits that begin with a zero, as those of codes do.
    pub leading_zeros: Option<String>,
    points: Points,
    around: Around,
    has_numbers: bool,
}

/// Whether points may stand between thousands.
#[derive(Debug, Clone, Default)]
enum Points {
    /// A number shows that they do not.
    #[default]
    Decimal,
    /// So far. Numbers with a point, and the first of them.
    Either(usize, Option<String>),
}

/// What stands around numbers and between their digits, in the cells of text.
#[derive(Debug, Clone, Default)]
struct Around {
    first: Option<(String, Dressed)>,
    signs: Vec<Sign>,
    thousands: Option<char>,
    comma: Option<Comma>,
    no_break_space: bool,
    /// Whether a cell holds text rather than any kind of number, and whether one looks as if it held nothing.
    has_words: bool,
    has_markers: bool,
}

/// What stands around a number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sign {
    before: String,
    behind: String,
    multiplier: Option<&'static Multiplier>,
    unit: String,
}

/// Numbers that are text for what stands around them or between their digits.
#[derive(Debug, Clone)]
pub struct NumbersAsText {
    /// Such as "`%` behind them".
    what: String,
    /// The first cell, and the number alone; none where they are in different units.
    cell: String,
    bare: Option<String>,
}

impl NumbersAsText {
    /// What to do about it.
    pub fn advice(&self) -> String {
        let Self { what, cell, bare } = self;
        let cell = shortened(cell.as_bytes());
        match bare {
            Some(bare) => {
                format!("the cells are numbers but for {what}: write `{bare}` for `{cell}`")
            }
            None => format!("the cells are numbers in {what}: {}", self.remedy()),
        }
    }

    /// What was found, with the first cell.
    pub fn told(&self) -> String {
        let Self { what, cell, bare } = self;
        let cell = shortened(cell.as_bytes());
        match bare {
            Some(bare) => format!("{what}, as in `{cell}` for {bare}"),
            None => format!("{what}, as in `{cell}`"),
        }
    }

    /// What makes numbers of them.
    pub fn remedy(&self) -> &'static str {
        if self.has_one_unit() {
            "write the numbers alone"
        } else {
            "convert them to one unit and write the numbers alone"
        }
    }

    /// Whether they can be written alone as they are.
    pub fn has_one_unit(&self) -> bool {
        self.bare.is_some()
    }
}

impl Around {
    fn is_empty(&self) -> bool {
        self.first.is_none() && !self.has_words && !self.has_markers
    }
}

impl Looks {
    /// Of a column whose cells a delimiter parts, in a text.
    pub fn new(delimiter: Option<u8>) -> Self {
        // Where commas may be decimal, points may stand between thousands.
        let points =
            if delimiter == Some(b';') { Points::Either(0, None) } else { Points::Decimal };
        Self { delimiter, points, ..Self::default() }
    }

    /// Looks at a number as it is written.
    #[inline]
    pub fn number(&mut self, cell: &[u8]) {
        let has_zero = cell.len() > 1 && cell[0] == b'0' && cell[1].is_ascii_digit();
        if has_zero || !matches!(self.points, Points::Decimal) {
            self.look(cell);
        }
    }

    /// Looks at a number that is new to the column.
    pub fn new_number(&mut self, cell: &[u8]) {
        self.has_numbers = true;
        self.number(cell);
    }

    #[inline(never)]
    fn look(&mut self, cell: &[u8]) {
        let is_code = cell[0] == b'0' && cell.len() > 1 && cell.iter().all(u8::is_ascii_digit);
        if is_code && self.leading_zeros.is_none() {
            self.leading_zeros = Some(String::from_utf8_lossy(cell).into_owned());
        }
        let Points::Either(count, first) = &mut self.points else { return };
        let digits = cell.strip_prefix(b"-").unwrap_or(cell);
        let (whole, thousands) = match digits.iter().position(|byte| *byte == b'.') {
            Some(point) => (&digits[..point], Some(&digits[point + 1..])),
            None => (digits, None),
        };
        let are_digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        let may_be = (1..=3).contains(&whole.len())
            && are_digits(whole)
            && thousands.is_none_or(|t| t.len() == 3 && are_digits(t) && whole[0] != b'0');
        if !may_be {
            self.points = Points::Decimal;
        } else if thousands.is_some() {
            *count += 1;
            first.get_or_insert_with(|| String::from_utf8_lossy(cell).into_owned());
        }
    }

    /// Looks at a cell of text.
    pub fn text(&mut self, cell: &str) {
        let around = &mut self.around;
        if around.has_words {
            return;
        }
        let Some(dressed) = Dressed::parse(cell) else {
            let is_marker = is_marker(cell);
            around.has_words |= !is_marker;
            around.has_markers |= is_marker;
            return;
        };
        let Dressed { before, behind, multiplier, unit, .. } = dressed.clone();
        let sign = Sign { before, behind, multiplier, unit };
        if !around.signs.contains(&sign) {
            around.signs.push(sign);
        }
        around.thousands = around.thousands.or(dressed.thousands);
        around.comma = around.comma.max(Some(dressed.comma));
        around.no_break_space |= dressed.no_break_space;
        let are_units = around.signs.iter().filter(|sign| sign.multiplier.is_none());
        around.has_words |= are_units.count() > MOST_SIGNS || around.signs.len() > 2 * MOST_SIGNS;
        around.first.get_or_insert_with(|| (cell.to_owned(), dressed));
    }

    /// A number whose point may stand between thousands, where all points of the column may and nothing is
    /// text.
    pub fn grouped_points(&self) -> Option<&str> {
        match &self.points {
            Points::Either(2.., first) if self.around.is_empty() => first.as_deref(),
            _ => None,
        }
    }

    /// What makes text of numbers, where all text is numbers and more than their decimal commas does.
    pub fn numbers_as_text(&self) -> Option<NumbersAsText> {
        let Around { first, signs, thousands, comma, no_break_space, has_words, .. } = &self.around;
        let (cell, dressed) = first.as_ref().filter(|_| !has_words)?;
        // `<5` among numbers is one, `<=50K` beside `>50K` is a range.
        let compares = |sign: &Sign| sign.before.contains(['<', '>', '≤', '≥']);
        if !self.has_numbers && signs.iter().any(compares) {
            return None;
        }
        if let Some(what) = different_units(signs) {
            return Some(NumbersAsText { what, cell: cell.clone(), bare: None });
        }
        let comma = match comma.unwrap_or(Comma::None) {
            // In quotes between commas.
            Comma::Either if self.delimiter == Some(b',') => Comma::Thousands,
            comma => comma,
        };
        let mut what = Vec::new();
        for Sign { before, behind, multiplier, .. } in signs {
            let times = multiplier.map_or_else(String::new, |of| format!(" ({})", of.name));
            for (sign, told) in [
                (before, format!("`{before}` before them")),
                (behind, format!("`{behind}` behind them{times}")),
            ] {
                if !sign.is_empty() && !what.contains(&told) {
                    what.push(told);
                }
            }
        }
        let has_spaces = thousands.is_some_and(char::is_whitespace);
        match (thousands, comma) {
            (Some(_), _) if has_spaces && *no_break_space => {
                what.push("no-break spaces between thousands".to_owned());
            }
            (Some(_), _) if has_spaces => what.push("spaces between thousands".to_owned()),
            (Some(mark), _) => what.push(format!("`{mark}` between thousands")),
            (None, Comma::Thousands) => what.push("`,` between thousands".to_owned()),
            (None, _) => {}
        }
        if *no_break_space && !has_spaces {
            what.push("a no-break space".to_owned());
        }
        let has_comma = matches!(comma, Comma::Decimal | Comma::Either);
        if what.is_empty() && !has_comma {
            what.push("a sign that is not `-`".to_owned());
        } else if what.is_empty() {
            return None;
        } else if has_comma {
            what.push("a comma for the decimal point".to_owned());
        }
        let comma = if comma == Comma::Either { Comma::Decimal } else { comma };
        Some(NumbersAsText {
            what: what.join(", "),
            cell: cell.clone(),
            bare: Some(dressed.bare(comma)),
        })
    }
}

/// That numbers are in different units, where they are. One that is multiplied has a unit, if only that of
/// numbers without any.
fn different_units(signs: &[Sign]) -> Option<String> {
    let with_unit =
        || signs.iter().filter(|sign| !sign.unit.is_empty() || sign.multiplier.is_some());
    let first = with_unit().next()?;
    if with_unit().all(|sign| sign.unit == first.unit) {
        return None;
    }
    let mut shown: Vec<String> = Vec::new();
    for Sign { before, behind, .. } in with_unit() {
        let told = format!("`{}`", [&**before, behind].join(" ").trim());
        if !shown.contains(&told) {
            shown.push(told);
        }
    }
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    Some(format!("different units, {}", listed(&shown, "and")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(delimiter: u8, cells: &[&str]) -> Looks {
        let mut looks = Looks::new(Some(delimiter));
        for cell in cells {
            if cell.parse::<f64>().is_ok() {
                looks.new_number(cell.as_bytes());
            } else {
                looks.text(cell);
            }
        }
        looks
    }

    #[test]
    fn zeros_before_digits_are_those_of_codes() {
        let zeros = |cells: &[&str]| seen(b',', cells).leading_zeros;
        assert_eq!(zeros(&["90210", "00501", "01234"]).as_deref(), Some("00501"));
        assert_eq!(zeros(&["0", "0.5", "-0", "00.5", "10", "1e05"]), None);
    }

    #[test]
    fn points_may_part_thousands_between_semicolons_until_a_number_shows_that_they_do_not() {
        let points =
            |delimiter, cells: &[&str]| seen(delimiter, cells).grouped_points().map(str::to_owned);
        let prices = ["950", "1.089", "-12.345", "3"];
        assert_eq!(points(b';', &prices).as_deref(), Some("1.089"));
        assert_eq!(points(b',', &prices), None);
        for other in ["1.5", "0.123", "1000", "1e3", "1.0895", "1234.567", ".5"] {
            assert_eq!(points(b';', &[&prices[..], &[other]].concat()), None, "{other}");
        }
        assert_eq!(points(b';', &["950", "3"]), None);
        assert_eq!(points(b';', &[&prices[..], &["x"]].concat()), None);
    }

    #[test]
    fn numbers_are_told_from_text_by_all_cells_of_text() {
        let what = |delimiter, cells: &[&str]| {
            seen(delimiter, cells).numbers_as_text().map(|found| (found.what, found.bare))
        };
        let found = |what: &str, bare: &str| Some((what.to_owned(), Some(bare.to_owned())));
        assert_eq!(what(b',', &["10%", "5", "7.5%"]), found("`%` behind them", "10"));
        assert_eq!(what(b',', &["5,755", "950"]), found("`,` between thousands", "5755"));
        assert_eq!(
            what(b';', &["1.089,50 €", "3,20 €"]),
            found(
                "`€` behind them, `.` between thousands, a comma for the decimal point",
                "1089.50"
            )
        );
        assert_eq!(what(b',', &["7\u{a0}898"]), found("no-break spaces between thousands", "7898"));
        assert_eq!(what(b',', &["7\u{a0}"]), found("a no-break space", "7"));
        assert_eq!(what(b',', &["\u{2212}7"]), found("a sign that is not `-`", "-7"));
        assert_eq!(what(b',', &["<5", "7"]), found("`<` before them", "5"));
        assert_eq!(what(b',', &["<=50K", ">50K"]), None);
        assert_eq!(what(b',', &["10%", "much"]), None);
        assert_eq!(what(b',', &["1 a", "1 b", "1 c", "1 d"]), None);
        // What people write for a missing cell is no word.
        assert_eq!(what(b',', &["10 %", "15 %", "n/a", "-"]), found("`%` behind them", "10"));
        assert_eq!(
            what(b',', &["4.4M", "0.3K", "950"]),
            found("`M` behind them (millions), `K` behind them (thousands)", "4400000")
        );
        assert_eq!(
            what(b',', &["$4.4M", "$300"]),
            found("`$` before them, `M` behind them (millions)", "4400000")
        );
        let mixed = |what: &str| Some((what.to_owned(), None));
        assert_eq!(what(b',', &["1 g", "20 mg"]), mixed("different units, `g` and `mg`"));
        assert_eq!(what(b',', &["1.8 m", "20 cm", "3"]), mixed("different units, `m` and `cm`"));
        assert_eq!(what(b',', &["$5", "5 €"]), mixed("different units, `$` and `€`"));
        assert_eq!(what(b',', &["4k", "4m"]), mixed("different units, `k` and `m`"));
        assert_eq!(
            what(b',', &["1 day", "3 days"]).and_then(|(_, bare)| bare).as_deref(),
            Some("1")
        );
        // Decimal commas alone are refused elsewhere.
        assert_eq!(what(b';', &["5,755", "9,5"]), None);
        assert_eq!(what(b';', &["5,755"]), None);
    }
}
