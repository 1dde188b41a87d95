//! How a text file is laid out, read off its beginning: the delimiter, and whether there is a
//! header.

use std::io::Read;
use std::path::Path;

use super::file;
use super::records::{Record, Records};
use crate::config::data::DataConfig;
use crate::data::table::number::Number;

/// A first line is looked for in this much of the file.
const LONGEST_HEADER: u64 = 16 << 20;

/// Lines that are looked at.
const SAMPLE: usize = 100;

/// Tried in this order where they do equally well.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub delimiter: u8,
    pub header: bool,
}

/// The beginning of the text, as far as the end of the first line that is not empty, and whether
/// that is all of it.
pub(super) fn read_head(reader: &mut dyn Read) -> std::io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        (&mut *reader).take(1 << 16).read_to_end(&mut head)?;
        let ended = head.len() < before + (1 << 16);
        if ended || head.len() as u64 >= LONGEST_HEADER || ends_a_line(&head) {
            return Ok((head, ended));
        }
    }
}

/// Whether a line that is not empty ends within the text; line ends in quotes do not count.
fn ends_a_line(text: &[u8]) -> bool {
    let begin = text.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
    let mut quoted = false;
    text[begin..].iter().any(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'\r' | b'\n')
    })
}

/// The layout by the config, by the name, or by the beginning of the text; `whole`: that is all.
pub(super) fn layout(head: &[u8], whole: bool, path: &Path, config: &DataConfig) -> Layout {
    let delimiter = match config.delimiter.map(u8::try_from) {
        Some(Ok(delimiter)) => delimiter,
        _ if matches!(file::ending(path).as_str(), "tsv" | "tab") => b'\t',
        _ => delimiter_of(head, whole),
    };
    let header =
        config.header.unwrap_or_else(|| has_header(&sample(head, whole, delimiter), config));
    Layout { delimiter, header }
}

/// The delimiter that every line holds equally often, outside quotes; the most frequent of several,
/// and where there is none the one that most lines hold equally often.
fn delimiter_of(head: &[u8], whole: bool) -> u8 {
    let counts = DELIMITERS.map(|delimiter| counts(head, whole, delimiter));
    let even = |at: usize| counts[at].iter().all(|count| *count == counts[at][0]);
    let first = |at: usize| counts[at].first().copied().unwrap_or(0);
    let alike = |at: usize| {
        let lines = |count: &usize| counts[at].iter().filter(|other| *other == count).count();
        counts[at].iter().filter(|count| **count > 0).map(lines).max().unwrap_or(0)
    };
    let decimal = first(2) > 0 && even(2) && has_decimal_commas_alone(head);
    let mut best = 0;
    let rank = |at: usize| {
        let is_even = first(at) > 0 && even(at) && !(at == 0 && decimal);
        (is_even, if is_even { 0 } else { alike(at) }, first(at))
    };
    for at in 1..DELIMITERS.len() {
        if rank(at) > rank(best) {
            best = at;
        }
    }
    DELIMITERS[best]
}

/// How often each line holds the delimiter.
fn counts(text: &[u8], whole: bool, delimiter: u8) -> Vec<usize> {
    let mut counts = Vec::new();
    let (mut count, mut begun, mut quoted, mut at_start) = (0, false, false, true);
    for byte in text {
        match byte {
            b'"' if at_start || quoted => quoted = !quoted,
            b'\r' | b'\n' if !quoted => {
                if begun {
                    counts.push(count);
                }
                if counts.len() == SAMPLE {
                    return counts;
                }
                (count, begun, at_start) = (0, false, true);
                continue;
            }
            _ if *byte == delimiter && !quoted => {
                count += 1;
                (begun, at_start) = (true, true);
                continue;
            }
            // A quote behind blanks opens a cell, too.
            b' ' | b'\t' => {
                begun = true;
                continue;
            }
            _ => {}
        }
        (begun, at_start) = (true, false);
    }
    // The last line may be cut.
    if begun && (whole || counts.is_empty()) {
        counts.push(count);
    }
    counts
}

/// Whether every comma stands between two digits.
fn has_decimal_commas_alone(text: &[u8]) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    text.iter().enumerate().filter(|(_, byte)| **byte == b',').all(|(at, _)| {
        digit(at.checked_sub(1).and_then(|at| text.get(at))) && digit(text.get(at + 1))
    })
}

/// The cells of some rows, without blanks around them.
type Sample = Vec<Vec<Vec<u8>>>;

fn sample(head: &[u8], whole: bool, delimiter: u8) -> Sample {
    // The head may end within quotes.
    let batch = Records::new(head, delimiter).first(SAMPLE + 1);
    let cells = |record: Record| record.cells().map(|cell| cell.trim_ascii().to_vec()).collect();
    let mut sample: Sample = batch.records().map(cells).collect();
    if !whole && sample.len() > 1 {
        sample.pop();
    }
    sample
}

/// Names are text over numbers, or count the columns. Where nothing is, a first line that holds numbers
/// or cells that come again is a row like the others, and so is one of which nothing is known: rows that are
/// taken for names would be lost in silence.
fn has_header(sample: &Sample, config: &DataConfig) -> bool {
    let Some((first, below)) = sample.split_first() else { return false };
    if counts_columns(first, below) {
        return true;
    }
    let missing = |cell: &[u8]| config.missing.iter().any(|word| word.as_bytes() == cell);
    let is_number = |cell: &[u8]| Number::parse(cell) != Number::None;
    let (mut over_numbers, mut real, mut whole, mut text, mut again) = (0, 0, 0, 0, 0);
    for (place, cell) in first.iter().enumerate() {
        if missing(cell) {
            continue;
        }
        let cells = || below.iter().filter_map(|row| row.get(place)).filter(|cell| !missing(cell));
        let numbers = cells().filter(|cell| is_number(cell)).count();
        let numeric = 2 * numbers >= cells().count();
        match (is_number(cell), numeric) {
            (true, true) if cell.iter().all(u8::is_ascii_digit) => whole += 1,
            (true, true) => real += 1,
            (true, false) => {}
            (false, true) if numbers > 0 => over_numbers += 1,
            (false, _) => {
                text += 1;
                again += usize::from(cells().any(|other| other == cell));
            }
        }
    }
    if over_numbers > 0 {
        over_numbers >= real
    } else {
        real + again == 0 && (whole == 0 || text > 0)
    }
}

/// Whether the first line is 0, 1, 2, … as pandas writes where columns have no names, perhaps behind the
/// empty name of the column that counts the rows. Two numbers are a row unless no row is like them.
fn counts_columns(first: &[Vec<u8>], below: &[Vec<Vec<u8>>]) -> bool {
    let Some((count, is_behind_index)) = are_counted(first) else { return false };
    let is_whole = |cell: &Vec<u8>| cell.iter().all(u8::is_ascii_digit);
    let could_be_a_row = |place: usize| {
        below.iter().filter_map(|row| row.get(place)).any(is_whole) || below.is_empty()
    };
    is_behind_index || count > 2 || count == 2 && !(0..2).all(could_be_a_row)
}

/// How many cells count the columns from 0, where all do, and whether an empty one stands before them.
pub(super) fn are_counted<T: AsRef<[u8]>>(cells: &[T]) -> Option<(usize, bool)> {
    let is_behind_index = cells.first().is_some_and(|cell| cell.as_ref().is_empty());
    let numbers = &cells[usize::from(is_behind_index)..];
    let counts = |(at, cell): (usize, &T)| cell.as_ref() == at.to_string().as_bytes();
    let all = !numbers.is_empty() && numbers.iter().enumerate().all(counts);
    all.then_some((numbers.len(), is_behind_index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(text: &str) -> (char, bool) {
        let config = DataConfig::new("t.csv");
        let layout = layout(text.as_bytes(), true, Path::new("t.csv"), &config);
        (char::from(layout.delimiter), layout.header)
    }

    #[test]
    fn the_delimiter_is_what_every_line_holds_equally_often_outside_quotes() {
        assert_eq!(laid_out("a,b,c\n1,2,3\n"), (',', true));
        assert_eq!(laid_out("a;b;c\n1,5;2,5;3,5\n"), (';', true));
        assert_eq!(laid_out("1,5;2,5;3,5\n1,5;2,5;3,25\n"), (';', false));
        assert_eq!(laid_out("a|b\n\"1|2,3\"|4\n"), ('|', true));
        assert_eq!(laid_out("\"a,b,c\"\td\n1\t2\n"), ('\t', true));
        assert_eq!(laid_out("size,note\n3,6\" nail; long\n4,\"x, y; z\n\"\n"), (',', true));
        assert_eq!(laid_out("a,b,y\n1,2,x\n1,x\n"), (',', true));
        assert_eq!(laid_out("a\n1\n"), (',', true));
        assert_eq!(laid_out(""), (',', false));
    }

    #[test]
    fn a_first_line_like_the_others_is_no_header() {
        let header = |text| laid_out(text).1;
        assert!(!header("5.1,3.5,setosa\n4.9,3.0,setosa\n"));
        assert!(!header("1,2\n3,4\n"));
        assert!(!header("1,?,x\n1,2,y\n2,3,x\n"));
        assert!(!header("p,x,s\ne,x,s\np,y,t\n"));
        assert!(!header("1.5,x\n"));
        assert!(header("country,2019,2020\nA,1,2\nB,3,4\n"));
        assert!(header("size,colour\nbig,red\nsmall,blue\n"));
        assert!(header("0,1,label\n1,2,x\n1,2,y\n"));
        assert!(header("a,1.5\n1,2\n"));
        assert!(header("id,y\n,\n"));
    }

    #[test]
    fn a_first_line_that_counts_the_columns_is_a_header() {
        let header = |text| laid_out(text).1;
        assert!(header(",0,1,2\n0,-1.5,5,0\n1,0.9,3,1\n"));
        assert!(header("0,1,2\n-1.5,5,0\n0.9,3,1\n"));
        assert!(header("0,1\n-1.5,5\n0.9,3\n"));
        assert!(header(",0\n0,3\n1,4\n"));
        assert!(!header("0,1\n1,0\n1,1\n0,0\n"));
        assert!(!header("1,2,3\n4,5,6\n"));
        assert!(!header("0,1,3\n4,5,6\n"));
    }

    #[test]
    fn a_line_above_the_table_does_not_choose_its_delimiter() {
        assert_eq!(laid_out("|1x3 Cross validator\n52, a, >5\n63, b, >5\n").0, ',');
        assert_eq!(laid_out("# a, b; c, d\n1;2\n3;4\n5;6\n").0, ';');
        assert_eq!(laid_out("a, b\n1, \"x, y\"\n2, \"x, y\"\n"), (',', true));
    }

    #[test]
    fn a_line_that_the_sample_cuts_does_not_count() {
        let config = DataConfig::new("t.csv");
        let layout = layout(b"a;b;c\n1;2;3\n1;", false, Path::new("t.csv"), &config);
        assert_eq!(layout, Layout { delimiter: b';', header: true });
    }

    #[test]
    fn wherever_the_head_ends_it_tells_the_layout_of_the_file() {
        let config = DataConfig::new("t.csv");
        let rows = "\"1.5\",\"2,\n;;\",\"x\"\n\"2\",\"0.5\n\"\"\",\"x\"\n".repeat(4);
        for (text, header) in [(rows.clone(), false), (format!("\"a\",\"b\",\"y\"\n{rows}"), true)]
        {
            for end in text.find("\"x\"\n\"2\",\"").unwrap() + 4..text.len() {
                let layout = layout(&text.as_bytes()[..end], false, Path::new("t.csv"), &config);
                assert_eq!(layout, Layout { delimiter: b',', header }, "{end}");
            }
        }
        let cut_in_quotes = layout(b"\"1\",\"x\n", false, Path::new("t.csv"), &config);
        assert!(!cut_in_quotes.header);
    }
}
