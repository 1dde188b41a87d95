//! How a text file is laid out, read off its beginning: the delimiter, or that blanks part the cells, and whether
//! there is a header.

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
    /// Whether blanks, rather than the delimiter that was inferred, seem to part the cells, though not of all lines alike.
    pub by_blanks: bool,
}

/// The beginning of the text, as far as the end of the first line that is not empty, and whether
/// that is all of it.
pub(super) fn read_head(reader: &mut dyn Read) -> std::io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    loop {
        // Twice as much each time, as all of it is looked at again.
        let wanted = (2 * head.len()).max(1 << 16);
        (&mut *reader).take((wanted - head.len()) as u64).read_to_end(&mut head)?;
        let ended = head.len() < wanted;
        if ended || head.len() as u64 >= LONGEST_HEADER || ends_a_line(&head) {
            return Ok((head, ended));
        }
    }
}

/// Whether a line that is not empty ends within the text; line ends in quotes do not count.
fn ends_a_line(text: &[u8]) -> bool {
    let is_empty = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t');
    let begin = text.iter().position(|byte| !is_empty(byte)).unwrap_or(text.len());
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
    let mut layout = Layout { delimiter, header: false, by_blanks: false };
    let mut rows = sample(head, whole, delimiter);
    if config.delimiter.is_none() {
        layout.by_blanks = holds_rows(&rows);
        if layout.by_blanks || rows.iter().all(|row| row.len() == 1) {
            let parted = sample(head, whole, b' ');
            if is_even(&parted) {
                (layout.delimiter, layout.by_blanks, rows) = (b' ', false, parted);
            }
        }
    }
    layout.header = config.header.unwrap_or_else(|| has_header(&rows, config));
    layout
}

/// Whether several lines have equally many cells, and more than one.
fn is_even(sample: &Sample) -> bool {
    let width = sample.first().map_or(0, Vec::len);
    width > 1 && sample.len() > 1 && sample.iter().all(|row| row.len() == width)
}

/// Whether every row, the first aside, which may hold names, has a cell of several numbers with blanks
/// between them, runs of blanks among these.
fn holds_rows(sample: &Sample) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let are_numbers = |cell: &Vec<u8>| {
        let mut words = cell.split(is_blank).filter(|word| !word.is_empty());
        let is_number = |word: &[u8]| matches!(Number::parse(word), Number::Finite(_));
        words.clone().nth(1).is_some() && words.all(is_number)
    };
    let has_run = |cell: &Vec<u8>| cell.windows(2).any(|pair| pair.iter().all(is_blank));
    let rows = sample.get(1..).filter(|rows| !rows.is_empty()).unwrap_or(sample);
    let cells = || rows.iter().flatten().filter(|cell| are_numbers(cell));
    rows.iter().all(|row| row.iter().any(are_numbers)) && cells().any(has_run)
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
            // A quote behind blanks opens a cell, too, and a line of blanks is empty.
            b' ' | b'\t' => continue,
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

/// Whether the first line counts the columns, as pandas does where they have no names, perhaps behind the
/// empty name of the column that counts the rows. From 0 in whole numbers, nothing else does but where there
/// are two; else it may be a row, unless a column holds no number that is written like its first.
fn counts_columns(first: &[Vec<u8>], below: &[Vec<Vec<u8>>]) -> bool {
    let Some(Counted { columns, is_behind_index, is_usual }) = are_counted(first) else {
        return false;
    };
    let could_be_a_row = || {
        let is_like = |place: usize| {
            let mut cells = below.iter().filter_map(|row| row.get(place));
            below.is_empty() || cells.any(|cell| decimals(cell) == decimals(&first[place]))
        };
        (usize::from(is_behind_index)..first.len()).all(is_like)
    };
    match columns {
        _ if is_usual && (is_behind_index || columns > 2) => true,
        2 => is_usual && !could_be_a_row(),
        _ => columns > 2 && !could_be_a_row(),
    }
}

/// Decimal places of a number that is written with digits alone.
fn decimals(cell: &[u8]) -> Option<usize> {
    let cell = cell.strip_prefix(b"-").unwrap_or(cell);
    let is_digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    match cell.iter().position(|byte| *byte == b'.') {
        Some(point) => {
            let (whole, places) = (&cell[..point], &cell[point + 1..]);
            (is_digits(whole) && is_digits(places)).then_some(places.len())
        }
        None => (!cell.is_empty() && is_digits(cell)).then_some(0),
    }
}

/// A first line that counts the columns.
pub(super) struct Counted {
    columns: usize,
    /// Whether an empty cell stands before them.
    is_behind_index: bool,
    /// Whether they are 0, 1, 2, … rather than 1, 2, 3, … or 0.0, 1.0, 2.0, …
    is_usual: bool,
}

/// How cells count the columns, where all do.
pub(super) fn are_counted<T: AsRef<[u8]>>(cells: &[T]) -> Option<Counted> {
    let is_behind_index = cells.first().is_some_and(|cell| cell.as_ref().is_empty());
    let numbers = &cells[usize::from(is_behind_index)..];
    let columns = numbers.len();
    let count = |from: usize, end: &str| {
        let written =
            |(at, cell): (usize, &T)| cell.as_ref() == format!("{}{end}", at + from).as_bytes();
        columns > 0 && numbers.iter().enumerate().all(written)
    };
    let is_usual = count(0, "");
    (is_usual || count(1, "") || count(0, ".0") || count(1, ".0")).then_some(Counted {
        columns,
        is_behind_index,
        is_usual,
    })
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
        assert_eq!(laid_out("sepal length\n1\n2\n"), (',', true));
        assert_eq!(laid_out("a  b\tc\n 1  2 3\n4 5  6 \n"), (' ', true));
        assert_eq!(laid_out("1 2 \"a b\"\n3 4 \"a b\"\n"), (' ', false));
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
        assert!(header("1,2,3\n-1.5,5,0\n0.9,3,1\n"));
        assert!(header("1,2,3\na,5,0\nb,3,1\n"));
        assert!(header("0.0,1.0,2.0\n-1.53,5.25,0\n0.97,3.12,1\n"));
        assert!(header(",0.0,1.0,2.0\n0,-1.53,5.25,a\n1,0.97,3.12,b\n"));
        assert!(!header("1,2\n1.5,5\n0.9,3\n"));
        assert!(!header("1.0,2.0,3.0\n5.1,3.5,1.4\n4.9,3.0,1.4\n"));
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
        assert_eq!(layout, Layout { delimiter: b';', header: true, by_blanks: false });
    }

    #[test]
    fn wherever_the_head_ends_it_tells_the_layout_of_the_file() {
        let config = DataConfig::new("t.csv");
        let rows = "\"1.5\",\"2,\n;;\",\"x\"\n\"2\",\"0.5\n\"\"\",\"x\"\n".repeat(4);
        for (text, header) in [(rows.clone(), false), (format!("\"a\",\"b\",\"y\"\n{rows}"), true)]
        {
            for end in text.find("\"x\"\n\"2\",\"").unwrap() + 4..text.len() {
                let layout = layout(&text.as_bytes()[..end], false, Path::new("t.csv"), &config);
                assert_eq!(layout, Layout { delimiter: b',', header, by_blanks: false }, "{end}");
            }
        }
        let cut_in_quotes = layout(b"\"1\",\"x\n", false, Path::new("t.csv"), &config);
        assert!(!cut_in_quotes.header);
    }

    #[test]
    fn runs_of_blanks_part_cells_that_would_hold_several_numbers() {
        let found = |text: &str, delimiter: Option<char>| {
            let mut config = DataConfig::new("t.csv");
            config.delimiter = delimiter;
            let layout = layout(text.as_bytes(), true, Path::new("t.csv"), &config);
            (char::from(layout.delimiter), layout.by_blanks)
        };
        let cars = "18.0   8   307.0  1\t\"a car\"\n15.0   8   350.0  1\t\"a car\"\n";
        assert_eq!(found(cars, None), (' ', false));
        assert_eq!(found(&format!("mpg   n   size  y\tname\n{cars}"), None), (' ', false));
        assert_eq!(found(cars, Some('\t')), ('\t', false));
        // Not as many in every line: the reader is asked.
        let uneven = cars.replace("350.0", "").replace("1\t", "1  2\t");
        assert_eq!(found(&uneven, None), ('\t', true));
        for text in [
            "rgb,y\n255 0 0,red\n0 0 255,blue\n",
            "note,y\n10  of 20,red\n0  of 5,blue\n",
            "a,y\n1  ,2\n  3,4\n",
        ] {
            assert_eq!(found(text, None), (',', false), "{text}");
        }
    }
}
