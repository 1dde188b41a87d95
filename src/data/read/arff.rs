//! Weka's ARFF: attributes with their types, then rows, dense or sparse.
//!
//! The levels of a nominal attribute are those that it declares, in that order. In a sparse row what is not given is 0, of a
//! nominal attribute its first level.

use std::collections::HashMap;
use std::path::Path;

use super::format::{Format, Input};
use crate::config::data::DataConfig;
use crate::data::doubt::Doubt;
use crate::data::error::{DataError, shortened};
use crate::data::table::builder::{Header, TableBuilder};
use crate::data::table::cell::Cell;
use crate::text::counted;

pub(super) const ARFF: Format = Format {
    names: &["ARFF"],
    endings: &["arff"],
    keys: &["data.test_source", "data.drop", "data.categorical", "data.split.column"],
    read,
};

/// An attribute's levels; none of numbers and of text.
type Levels = Option<Vec<String>>;

/// A token of a line, without its quotes.
struct Token {
    text: String,
    is_quoted: bool,
}

fn read(input: Input, _: &DataConfig, table: &mut TableBuilder) -> Result<(), DataError> {
    let Input { file, reader, .. } = input;
    let mut text = Vec::new();
    reader.read_to_end(&mut text).map_err(|cause| DataError::reading(file, cause))?;
    let text = String::from_utf8_lossy(&text);
    let lines = (1..).zip(text.lines().map(str::trim));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('%'));
    let attributes = attributes(&mut lines, file)?;
    let names: Vec<String> = attributes.iter().map(|(name, _)| name.clone()).collect();
    let levels: HashMap<String, Vec<String>> = attributes
        .iter()
        .filter_map(|(name, levels)| Some((name.clone(), levels.clone()?)))
        .collect();
    table.begin(file, Header { names, levels, ..Header::default() })?;
    let (mut rows, mut has_weights) = (0, false);
    for (line, content) in lines {
        rows += 1;
        let wrong =
            |problem| DataError::Line { file: file.to_owned(), line, row: Some(rows), problem };
        let cells = if content.starts_with('{') {
            sparse(content, &attributes).map_err(wrong)?
        } else {
            let (cells, is_weighted) = dense(content, attributes.len()).map_err(wrong)?;
            has_weights |= is_weighted;
            cells
        };
        for (cell, (name, levels)) in cells.iter().zip(&attributes) {
            if let (Some(cell), Some(levels)) = (cell, levels)
                && !levels.contains(cell)
            {
                return Err(wrong(format!(
                    "`{}` is no level of the attribute `{name}`, which declares {}",
                    shortened(cell.as_bytes()),
                    counted(levels.len(), "level")
                )));
            }
        }
        table.row(Some(line), |at| match &cells[at] {
            Some(text) => Cell::Text(text.as_bytes()),
            None => Cell::Missing,
        })?;
    }
    if has_weights {
        let message = "rows have weights in braces, which are not read".to_owned();
        table.doubt(Doubt::note("column not read", "data.source", message));
    }
    if rows == 0 {
        let problem = "there is no row below @data".to_owned();
        return Err(DataError::File { file: file.to_owned(), problem });
    }
    Ok(())
}

/// The attributes up to `@data`.
fn attributes<'a>(
    lines: &mut impl Iterator<Item = (u64, &'a str)>,
    file: &Path,
) -> Result<Vec<(String, Levels)>, DataError> {
    let mut found: Vec<(String, Levels)> = Vec::new();
    for (line, content) in lines {
        let wrong =
            |problem: String| DataError::Line { file: file.to_owned(), line, row: None, problem };
        let (keyword, rest) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
        match keyword.to_lowercase().as_str() {
            "@relation" => {}
            "@attribute" => found.push(attribute(rest.trim()).map_err(wrong)?),
            "@data" if !found.is_empty() => return Ok(found),
            "@data" => return Err(wrong("there is no @attribute above @data".to_owned())),
            _ => {
                return Err(wrong(format!(
                    "`{}`: expected @relation, @attribute or @data",
                    shortened(content.as_bytes())
                )));
            }
        }
    }
    let problem = "ends within its header: there is no @data".to_owned();
    Err(DataError::File { file: file.to_owned(), problem })
}

fn attribute(text: &str) -> Result<(String, Levels), String> {
    let (name, rest) = token(text, &[])?;
    let rest = rest.trim();
    if let Some(list) = rest.strip_prefix('{') {
        let mut levels = Vec::new();
        let mut rest = list.trim_start();
        while !rest.starts_with('}') {
            let (level, after) = token(rest, &[',', '}'])?;
            levels.push(level.text);
            rest = after.trim_start();
            match rest.strip_prefix(',') {
                Some(more) => rest = more.trim_start(),
                None if rest.starts_with('}') => {}
                None => return Err(format!("the levels of `{}` have no closing brace", name.text)),
            }
        }
        return Ok((name.text, Some(levels)));
    }
    let kind = rest.split_whitespace().next().unwrap_or_default().to_lowercase();
    match kind.as_str() {
        "numeric" | "real" | "integer" | "string" | "date" => Ok((name.text, None)),
        "relational" => Err(format!(
            "the attribute `{}` is a table of its own, which no row can hold",
            name.text
        )),
        other => Err(format!(
            "the attribute `{}` is of the type `{}`: expected numeric, real, integer, string, date or levels in braces",
            name.text,
            shortened(other.as_bytes())
        )),
    }
}

/// The next token of a text, which ends at a blank or at one of `ends`, and what follows it.
fn token<'t>(text: &'t str, ends: &[char]) -> Result<(Token, &'t str), String> {
    let quote = text.chars().next().filter(|first| ['\'', '"'].contains(first));
    if let Some(quote) = quote {
        let mut found = String::new();
        let mut characters = text.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            if character == quote {
                return Ok((Token { text: found, is_quoted: true }, &text[at + 1..]));
            }
            if character == '\\' {
                found.extend(characters.next().map(|(_, escaped)| escaped));
            } else {
                found.push(character);
            }
        }
        return Err(format!("a quote is not closed: `{}`", shortened(text.as_bytes())));
    }
    let ends_at = |c: char| if ends.is_empty() { c.is_whitespace() } else { ends.contains(&c) };
    let end = text.find(ends_at).unwrap_or(text.len());
    Ok((Token { text: text[..end].trim().to_owned(), is_quoted: false }, &text[end..]))
}

/// The text of a cell; none of `?`.
fn cell(token: Token) -> Option<String> {
    (token.is_quoted || token.text != "?").then_some(token.text)
}

/// The cells of a row, and whether a weight follows them.
fn dense(content: &str, attributes: usize) -> Result<(Vec<Option<String>>, bool), String> {
    let mut cells = Vec::with_capacity(attributes);
    let mut rest = content;
    loop {
        let (found, after) = token(rest, &[',', '\t'])?;
        cells.push(cell(found));
        let after = after.trim_start_matches(' ');
        match after.strip_prefix([',', '\t']) {
            Some(more) => rest = more.trim_start(),
            None if after.trim().is_empty() => break,
            None => {
                return Err(format!("expected a comma before `{}`", shortened(after.as_bytes())));
            }
        }
    }
    let is_weight = |cell: &Option<String>| {
        cell.as_ref().is_some_and(|text| text.starts_with('{') && text.ends_with('}'))
    };
    let is_weighted = cells.len() == attributes + 1 && cells.last().is_some_and(is_weight);
    if is_weighted {
        cells.pop();
    }
    if cells.len() != attributes {
        let found = counted(cells.len(), "cell");
        return Err(format!("{found}, but there are {}", counted(attributes, "attribute")));
    }
    Ok((cells, is_weighted))
}

/// The cells of a row such as `{1 5.1, 4 setosa}`.
fn sparse(content: &str, attributes: &[(String, Levels)]) -> Result<Vec<Option<String>>, String> {
    let default = |(_, levels): &(String, Levels)| {
        let first = levels.as_ref().and_then(|levels| levels.first().cloned());
        Some(first.unwrap_or_else(|| "0".to_owned()))
    };
    let mut cells: Vec<Option<String>> = attributes.iter().map(default).collect();
    let unclosed = || "a sparse row has no closing brace".to_owned();
    let mut rest = content[1..].trim_start();
    while !rest.starts_with('}') {
        let (index, after) = rest.split_once(char::is_whitespace).ok_or_else(unclosed)?;
        let place = index.parse().ok().and_then(|at: usize| cells.get_mut(at));
        let Some(place) = place else {
            return Err(format!(
                "`{}`: expected the number of an attribute, from 0 to {}",
                shortened(index.as_bytes()),
                attributes.len() - 1
            ));
        };
        let (found, after) = token(after.trim_start(), &[',', '}'])?;
        *place = cell(found);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if rest.starts_with('}') => {}
            None => return Err(unclosed()),
        }
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_a_name_and_a_type_or_its_levels() {
        let levels = |text: &str| attribute(text).unwrap();
        assert_eq!(levels("a numeric"), ("a".to_owned(), None));
        assert_eq!(
            levels("'sepal length' {x, 'y z' , \"q,\\\"\"}"),
            (
                "sepal length".to_owned(),
                Some(vec!["x".to_owned(), "y z".to_owned(), "q,\"".to_owned()])
            )
        );
        assert_eq!(levels("d date \"yyyy-MM-dd\"").1, None);
        for wrong in ["a", "a relational", "a {x, y", "'a numeric"] {
            assert!(attribute(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_are_dense_or_sparse_with_missing_cells_and_quotes() {
        let text = |cells: Vec<Option<String>>| {
            cells.into_iter().map(|cell| cell.unwrap_or_else(|| "-".to_owned())).collect::<Vec<_>>()
        };
        let (cells, is_weighted) = dense("5.1, ?, 'a, b','?' , {2}", 4).unwrap();
        assert_eq!(
            (text(cells), is_weighted),
            (vec!["5.1", "-", "a, b", "?"].into_iter().map(str::to_owned).collect(), true)
        );
        assert!(dense("1,2", 3).unwrap_err().contains("2 cells, but there are 3 attributes"));
        let attributes = [
            ("a".to_owned(), None),
            ("b".to_owned(), Some(vec!["x".to_owned(), "y".to_owned()])),
            ("c".to_owned(), None),
        ];
        assert_eq!(text(sparse("{1 y, 2 3.5}", &attributes).unwrap()), ["0", "y", "3.5"]);
        assert_eq!(text(sparse("{}", &attributes).unwrap()), ["0", "x", "0"]);
        assert_eq!(text(sparse("{0 ?}", &attributes).unwrap()), ["-", "x", "0"]);
        for wrong in ["{3 1}", "{0 1", "{x 1}", "{0"] {
            assert!(sparse(wrong, &attributes).is_err(), "{wrong}");
        }
    }
}
