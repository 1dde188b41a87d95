//! Parameters in paths and names.

/// A pattern such as `runs/{norm}/seed{seed}/metrics.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Key(String),
}

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected names in braces, such as 'runs/{norm}/seed{seed}/metrics.csv'".to_owned();
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (key, after) = after.split_once('}').ok_or_else(expected)?;
            if key.is_empty() || (before.is_empty() && matches!(pieces.last(), Some(Piece::Key(_))))
            {
                return Err(expected());
            }
            pieces.extend([Piece::Text(before.to_owned()), Piece::Key(key.to_owned())]);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let has_key = pieces.iter().any(|piece| matches!(piece, Piece::Key(_)));
        if has_key { Ok(Self(pieces)) } else { Err(expected()) }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => formatter.write_str(text),
            Piece::Key(key) => write!(formatter, "{{{key}}}"),
        })
    }
}

impl Pattern {
    /// Whether it names a parameter.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Key(key) if key == name))
    }

    /// The keys of a path, with the file's ending or, where the pattern has none, without it.
    pub(super) fn keys_of_path(&self, path: &str) -> Option<Vec<(String, String)>> {
        let ends_open = self.0.iter().rfind(|piece| **piece != Piece::Text(String::new()));
        let without = path.rsplit_once('.').map(|(stem, _)| stem);
        let without = without.filter(|_| matches!(ends_open, Some(Piece::Key(_))));
        without.and_then(|stem| self.keys(stem)).or_else(|| self.keys(path))
    }

    /// The keys of a text that ends with what the pattern describes, from the start of a folder's or a file's name.
    pub(super) fn keys(&self, text: &str) -> Option<Vec<(String, String)>> {
        let starts = std::iter::once(0).chain(text.match_indices('/').map(|(at, _)| at + 1));
        starts.into_iter().find_map(|start| keys(&self.0, &text[start..]))
    }
}

fn keys(pieces: &[Piece], text: &str) -> Option<Vec<(String, String)>> {
    match pieces.split_first() {
        None => text.is_empty().then(Vec::new),
        Some((Piece::Text(wanted), rest)) => keys(rest, text.strip_prefix(wanted.as_str())?),
        Some((Piece::Key(key), rest)) => {
            let longest = text.find('/').unwrap_or(text.len());
            let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
            ends.take_while(|end| *end <= longest).find_map(|end| {
                let mut found = keys(rest, &text[end..])?;
                found.insert(0, (key.clone(), text[..end].to_owned()));
                Some(found)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(pattern: &str, text: &str) -> Option<Vec<(String, String)>> {
        pattern.parse::<Pattern>().unwrap().keys(text)
    }

    #[test]
    fn a_pattern_takes_parameters_from_the_end_of_a_path_or_a_name() {
        let found = |entries: &[(&str, &str)]| {
            Some(
                entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>(),
            )
        };
        let both = found(&[("norm", "batch"), ("seed", "12")]);
        assert_eq!(
            keys_of("runs/{norm}/seed{seed}/metrics.csv", "a/runs/batch/seed12/metrics.csv"),
            both
        );
        assert_eq!(keys_of("{norm}-s{seed}", "batch-s12"), both);
        assert_eq!(keys_of("{norm}/seed{seed}.csv", "runs/batch/seed12.csv"), both);
        assert_eq!(keys_of("{norm}/seed{seed}.csv", "seed12.csv"), None);
        for wrong in ["runs/metrics.csv", "{", "{}", "{a}{b}"] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }
}
