//! Sentences in lines.

/// Columns that sentences are broken at where no terminal says how wide it is.
pub(super) const WIDTH: usize = 100;

/// Words broken into lines within `width`, further lines indented; `95 %` and `p = 0.1` stay whole.
pub(super) fn wrap(text: &str, width: usize, indent: &str) -> String {
    const NO_BREAK: &str = "\u{a0}";
    let text = text.replace(" %", "\u{a0}%").replace(" = ", "\u{a0}=\u{a0}");
    let mut wrapped = String::new();
    let mut column = 0;
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.push_str(indent);
            column = indent.len();
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(&word.replace(NO_BREAK, " "));
        column += length;
    }
    wrapped.push('\n');
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_but_not_within_a_figure() {
        assert_eq!(
            wrap("an interval of 95 % and p = 0.1", 16, "  "),
            "an interval of\n  95 % and\n  p = 0.1\n"
        );
        assert_eq!(wrap("aaaaaaaaaa b", 4, ""), "aaaaaaaaaa\nb\n");
    }
}
