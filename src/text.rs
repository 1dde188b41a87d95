//! Words for messages: counts, lists of names, bytes in hex.

/// `1 row`, `3 rows`.
#[must_use]
pub fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A noun with its article.
#[must_use]
pub fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// Bytes for people: `512 B`, `1.2 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // two digits are shown
    let mut size = bytes as f64;
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut units = ["kB", "MB", "GB"].iter();
    let mut unit = "B";
    // What would be rounded to 1000 is 1 of the next unit.
    while size >= 999.95
        && let Some(next) = units.next()
    {
        size /= 1000.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn enumerated(names: &[String]) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    listed(&names, "and")
}

/// `a`, `a or b`, `a, b or c`, with this word.
#[must_use]
pub fn listed(names: &[&str], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} {word} {last}", most.join(", ")),
    }
}

/// Names in backticks: `` `a`, `b` ``.
#[must_use]
pub fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// A word as a shell takes it for one.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Bytes as pairs of lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_the_last_of_several_names_comes_after_and() {
        assert_eq!([counted(1, "row"), counted(0, "row")], ["1 row", "0 rows"]);
        let names = |names: &[&str]| {
            enumerated(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!([names(&[]), names(&["a"])], ["", "a"]);
        assert_eq!([names(&["a", "b"]), names(&["a", "b", "c"])], ["a and b", "a, b and c"]);
        assert_eq!(quoted(&["a", "b"]), "`a`, `b`");
        assert_eq!(
            [999, 1000, 999_950, 2_340_000].map(size),
            ["999 B", "1.0 kB", "1.0 MB", "2.3 MB"]
        );
        assert_eq!(hex([0, 10, 255]), "000aff");
    }
}
