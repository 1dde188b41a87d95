//! Names as people write them, held against those that are known.

/// The known name that was probably meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let name = plain(name);
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        let plain = plain(candidate);
        let similarity = strsim::jaro_winkler(&name, &plain);
        let edits = strsim::damerau_levenshtein(&name, &plain);
        let length = name.chars().count();
        // Names of one letter are all one edit apart.
        let near = edits < length && edits <= (length / 3).max(1) || similarity > 0.88;
        if near && best.is_none_or(|(best, _)| similarity > best) {
            best = Some((similarity, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_what_was_meant_and_another_word_is_not() {
        let known = ["patience", "min_delta", "baseline"];
        assert_eq!(nearest("patiance", &known), Some("patience"));
        assert_eq!(nearest("min-delta", &known), Some("min_delta"));
        assert_eq!(nearest("Baseline", &known), Some("baseline"));
        assert_eq!(nearest("epochs", &known), None);
    }
}
