//! Numbers as people write them: `5.76%`, `20 mg`, `€ 1.089,50`, `7 898`.

/// What stands before a number, besides signs that are no letters.
const CURRENCIES: [&str; 24] = [
    "us$", "r$", "rs", "rs.", "usd", "eur", "gbp", "chf", "jpy", "cny", "inr", "aud", "cad", "nzd",
    "sek", "nok", "dkk", "pln", "czk", "huf", "brl", "zar", "krw", "fr",
];

/// What stands behind a number for a power of ten.
#[derive(Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// Such as "millions".
    pub name: &'static str,
    power: i32,
    /// As they are written; those of more than one letter in any case.
    signs: &'static [&'static str],
}

/// A metre, a byte and a tonne are none, so `m`, `b` and `t` are not here.
const MULTIPLIERS: [Multiplier; 6] = [
    Multiplier { name: "thousands", power: 3, signs: &["k", "K", "tsd", "thousand"] },
    Multiplier { name: "lakhs", power: 5, signs: &["lakh", "lakhs", "lac"] },
    Multiplier {
        name: "millions",
        power: 6,
        signs: &["M", "MM", "mn", "mln", "mio", "mill", "million", "millions", "millionen"],
    },
    Multiplier { name: "crores", power: 7, signs: &["cr", "crore", "crores"] },
    Multiplier {
        name: "billions",
        power: 9,
        signs: &["B", "bn", "bln", "mrd", "mds", "billion", "billions", "milliarden"],
    },
    Multiplier { name: "trillions", power: 12, signs: &["tn", "trillion", "trillions"] },
];

/// Marks around numbers that say nothing of their unit.
const MARKS: &[char] = &[
    '+', '-', '\u{2212}', '<', '>', '=', '≤', '≥', '~', '≈', '±', '(', ')', '[', ']', '*', '#',
    ':', '.', ',', ';', ' ',
];

/// Longer text behind a number is more than a unit.
const LONGEST_UNIT: usize = 12;

/// A number with something around its digits or between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dressed {
    /// What stands before and behind the number, without blanks around.
    pub before: String,
    pub behind: String,
    /// What stands behind the number for a power of ten.
    pub multiplier: Option<&'static Multiplier>,
    /// The rest of what stands around it, in lower case and without marks and a plural's `s`.
    pub unit: String,
    /// Whether a no-break space stands somewhere.
    pub no_break_space: bool,
    /// What stands between thousands.
    pub thousands: Option<char>,
    pub comma: Comma,
    /// Its digits as they stand, with what stands between them.
    digits: String,
}

/// What a comma among the digits is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comma {
    None,
    /// `7,898` is one or the other.
    Either,
    Thousands,
    Decimal,
}

impl Dressed {
    /// Of a cell that does not parse as a number; none if people would not read it as one either.
    pub fn parse(cell: &str) -> Option<Self> {
        let digit = cell.find(|c: char| c.is_ascii_digit())?;
        let begin = if cell[..digit].ends_with(['.', ',']) { digit - 1 } else { digit };
        let length = cell[begin..].find(|c| !is_of_number(c)).unwrap_or(cell.len() - begin);
        let digits = cell[begin..begin + length].trim_end_matches(|c: char| !c.is_ascii_digit());
        let (before, behind) = (&cell[..begin], &cell[begin + digits.len()..]);
        let (exponent, behind) = split_exponent(behind);
        let (thousands, comma) = separators(digits)?;
        let before = before.trim().trim_matches(['+', '-', '\u{2212}']).trim();
        let behind = behind.trim();
        if !is_sign(before) || !is_unit(behind) {
            return None;
        }
        let (multiplier, rest) = split_multiplier(behind);
        Some(Self {
            before: before.to_owned(),
            behind: behind.to_owned(),
            multiplier,
            unit: unit_of(before) + &unit_of(rest),
            no_break_space: cell.contains(is_no_break_space),
            thousands,
            comma,
            digits: format!(
                "{}{digits}{exponent}",
                if is_negative(&cell[..begin]) { "-" } else { "" }
            ),
        })
    }

    /// The number alone, multiplied out, as it can be read; `comma`: what a comma is that may be either.
    pub fn bare(&self, comma: Comma) -> String {
        let comma = if self.comma == Comma::Either { comma } else { self.comma };
        let mut bare = String::new();
        for c in self.digits.chars() {
            match c {
                ',' if comma == Comma::Decimal => bare.push('.'),
                '.' if self.thousands != Some('.') => bare.push('.'),
                '-' | '+' | 'e' | 'E' => bare.push(c),
                c if c.is_ascii_digit() => bare.push(c),
                _ => {}
            }
        }
        match self.multiplier {
            Some(multiplier) => multiplier.times(&bare),
            None => bare,
        }
    }
}

impl Multiplier {
    fn has(&self, sign: &str) -> bool {
        let lower = sign.to_lowercase();
        self.signs.iter().any(|known| *known == sign || known.len() > 1 && *known == lower)
    }

    /// A number times the power, rounded once.
    fn times(&self, number: &str) -> String {
        let (digits, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let power = power.parse::<i32>().unwrap_or(0).saturating_add(self.power);
        let product = format!("{digits}e{power}").parse::<f64>();
        product.map_or_else(|_| number.to_owned(), |product| product.to_string())
    }
}

/// The multiplier with which text behind a number begins, and the rest.
fn split_multiplier(behind: &str) -> (Option<&'static Multiplier>, &str) {
    let end = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
    let (sign, rest) = behind.split_at(end);
    match MULTIPLIERS.iter().find(|multiplier| multiplier.has(sign)) {
        Some(multiplier) => (Some(multiplier), rest),
        None => (None, behind),
    }
}

fn unit_of(around: &str) -> String {
    let unit = around.trim_matches(MARKS).to_lowercase();
    match unit.strip_suffix('s') {
        Some(singular) if singular.chars().count() > 1 => singular.to_owned(),
        _ => unit,
    }
}

fn is_no_break_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{202f}' | '\u{2007}')
}

/// Whether it may stand among the digits of a number.
fn is_of_number(c: char) -> bool {
    c.is_ascii_digit()
        || matches!(c, '.' | ',' | '\'' | '\u{2019}' | '_' | ' ' | '\u{2009}')
        || is_no_break_space(c)
}

fn is_negative(before: &str) -> bool {
    let before = before.trim();
    before.starts_with(['-', '\u{2212}', '(']) || before.ends_with(['-', '\u{2212}'])
}

/// `e-3` and what follows it.
fn split_exponent(behind: &str) -> (&str, &str) {
    let Some(rest) = behind.strip_prefix(['e', 'E']) else { return ("", behind) };
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    if digits == 0 { ("", behind) } else { behind.split_at(behind.len() - rest.len() + digits) }
}

/// Whether text before a number may be a sign: no letters, or a currency.
fn is_sign(before: &str) -> bool {
    before.chars().count() <= 4
        && (!before.contains(char::is_alphanumeric)
            || CURRENCIES.contains(&before.to_lowercase().as_str()))
}

/// Whether text behind a number may be a unit: short, and without digits but for a power.
fn is_unit(behind: &str) -> bool {
    const ORDINALS: [&str; 4] = ["st", "nd", "rd", "th"];
    let power = behind.strip_suffix(['2', '3']).filter(|unit| unit.ends_with(char::is_alphabetic));
    behind.chars().count() <= LONGEST_UNIT
        && !power.unwrap_or(behind).contains(|c: char| c.is_ascii_digit())
        && !ORDINALS.contains(&behind.to_lowercase().as_str())
}

/// What stands between thousands and what commas are; none if the digits are not grouped as in a number.
fn separators(digits: &str) -> Option<(Option<char>, Comma)> {
    let parts: Vec<char> = digits.chars().filter(|c| !c.is_ascii_digit()).collect();
    let Some(last) = parts.last().copied() else { return Some((None, Comma::None)) };
    let groups: Vec<usize> = digits.split(|c: char| !c.is_ascii_digit()).map(str::len).collect();
    // Thousands, and in India hundreds of them.
    let are_thousands = |groups: &[usize]| {
        let [first, middle @ .., last] = groups else { return false };
        (1..=3).contains(first) && *last == 3 && middle.iter().all(|group| matches!(group, 2 | 3))
    };
    let decimals = |mark| match mark {
        ',' => Comma::Decimal,
        _ => Comma::None,
    };
    match &parts[..] {
        ['.'] => Some((None, Comma::None)),
        [','] if are_thousands(&groups) && !digits.starts_with('0') => Some((None, Comma::Either)),
        [','] => Some((None, Comma::Decimal)),
        [first, ..] if parts.iter().all(|part| part == first) => {
            let comma = if *first == ',' { Comma::Thousands } else { Comma::None };
            are_thousands(&groups).then_some((Some(*first), comma))
        }
        [first, middle @ .., _] if matches!(last, '.' | ',') => {
            let are_alike = *first != last && middle.iter().all(|part| part == first);
            let comma = if *first == ',' { Comma::Thousands } else { decimals(last) };
            (are_alike && are_thousands(&groups[..groups.len() - 1]))
                .then_some((Some(*first), comma))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_known_by_what_stands_around_and_between_their_digits() {
        for (cell, before, behind, thousands, comma, bare) in [
            ("5.76%", "", "%", None, Comma::None, "5.76"),
            ("20 mg", "", "mg", None, Comma::None, "20"),
            ("1089 €", "", "€", None, Comma::None, "1089"),
            ("$-5", "$", "", None, Comma::None, "-5"),
            ("-$1,200.50", "$", "", Some(','), Comma::Thousands, "-1200.50"),
            ("1.089,50", "", "", Some('.'), Comma::Decimal, "1089.50"),
            ("1,000,665", "", "", Some(','), Comma::Thousands, "1000665"),
            ("10,00,665", "", "", Some(','), Comma::Thousands, "1000665"),
            ("1.000.665", "", "", Some('.'), Comma::None, "1000665"),
            ("1\u{a0}089,5", "", "", Some('\u{a0}'), Comma::Decimal, "1089.5"),
            ("1'089.5", "", "", Some('\''), Comma::None, "1089.5"),
            ("0,755", "", "", None, Comma::Decimal, "0.755"),
            ("1,5", "", "", None, Comma::Decimal, "1.5"),
            ("1,5 %", "", "%", None, Comma::Decimal, "1.5"),
            ("\u{2212}5", "", "", None, Comma::None, "-5"),
            ("<5", "<", "", None, Comma::None, "5"),
            ("12 m2", "", "m2", None, Comma::None, "12"),
            ("1e3 km/h", "", "km/h", None, Comma::None, "1e3"),
            ("EUR 5", "EUR", "", None, Comma::None, "5"),
            ("4.5\u{a0}", "", "", None, Comma::None, "4.5"),
        ] {
            let dressed = Dressed::parse(cell).unwrap_or_else(|| panic!("{cell}"));
            let Dressed { before: b, behind: f, thousands: t, comma: c, .. } = &dressed;
            assert_eq!((&**b, &**f, *t, *c), (before, behind, thousands, comma), "{cell}");
            assert_eq!(dressed.bare(Comma::Decimal), bare, "{cell}");
            assert!(bare.parse::<f64>().is_ok(), "{cell}");
        }
        let either = Dressed::parse("7,898").unwrap();
        assert_eq!(either.comma, Comma::Either);
        assert_eq!(either.bare(Comma::Decimal), "7.898");
        assert_eq!(either.bare(Comma::Thousands), "7898");
    }

    #[test]
    fn multipliers_multiply_and_are_told_from_units() {
        for (cell, name, unit, bare) in [
            ("4.4M", Some("millions"), "", "4400000"),
            ("0.3K", Some("thousands"), "", "300"),
            ("1.1k", Some("thousands"), "", "1100"),
            ("10k+", Some("thousands"), "", "10000"),
            ("$2.5B", Some("billions"), "$", "2500000000"),
            ("1,5 Mio. €", Some("millions"), "€", "1500000"),
            ("3 MRD EUR", Some("billions"), "eur", "3000000000"),
            ("-1.2M€", Some("millions"), "€", "-1200000"),
            ("1e-3K", Some("thousands"), "", "1"),
            ("2 crore", Some("crores"), "", "20000000"),
            ("5 km", None, "km", "5"),
            ("5 mm", None, "mm", "5"),
            ("5 m", None, "m", "5"),
            ("5 MB", None, "mb", "5"),
            ("$5", None, "$", "5"),
            ("5 $", None, "$", "5"),
            ("< 5 mg", None, "mg", "5"),
            ("2 days", None, "day", "2"),
            ("1 day", None, "day", "1"),
            ("2 ms", None, "ms", "2"),
        ] {
            let dressed = Dressed::parse(cell).unwrap_or_else(|| panic!("{cell}"));
            assert_eq!(dressed.multiplier.map(|multiplier| multiplier.name), name, "{cell}");
            assert_eq!((&*dressed.unit, &*dressed.bare(Comma::Decimal)), (unit, bare), "{cell}");
        }
    }

    #[test]
    fn names_dates_and_codes_are_no_numbers() {
        for cell in [
            "",
            "x",
            "3rd",
            "1st-4th",
            "10-20",
            "2020-01-02",
            "1.2.2020",
            "12:30",
            "A12",
            "Q1",
            "v2",
            "1/2",
            "555 12",
            "10.0.0.1",
            "12 Main Street Apt",
            "n17",
            "1,2,3",
        ] {
            assert_eq!(Dressed::parse(cell), None, "{cell}");
        }
    }
}
