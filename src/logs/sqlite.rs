//! `SQLite` databases as they lie in bytes, read only: every row of a table, in the order of its key.
//!
//! The file format is frozen (<https://www.sqlite.org/fileformat2.html>), and a scan of a table is all that
//! trackers' stores take. What was committed to a write-ahead log beside the file is read too, so that a store in use
//! shows what its last transaction left. Nothing is locked and nothing is written.

use std::collections::{HashMap, HashSet};

use super::error::{Fault, LogError};

/// How every database begins.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Whole(i64),
    Number(f64),
    Text(String),
}

impl Cell {
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Whole(value) => Some(value.to_string()),
            Self::Number(value) => Some(value.to_string()),
            Self::Null => None,
        }
    }

    #[allow(clippy::cast_precision_loss)] // values that were measured
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            Self::Text(text) => super::number::in_json(text),
            Self::Null => None,
        }
    }

    pub fn whole(&self) -> Option<i64> {
        match self {
            Self::Whole(value) => Some(*value),
            #[allow(clippy::cast_possible_truncation)] // keys
            Self::Number(value) => Some(*value as i64),
            Self::Text(text) => text.parse().ok(),
            Self::Null => None,
        }
    }
}

/// A database in memory.
pub(super) struct Database<'a> {
    bytes: &'a [u8],
    /// Pages that the write-ahead log replaces.
    newer: HashMap<usize, &'a [u8]>,
    page_size: usize,
    usable: usize,
    file: String,
    tables: HashMap<String, (usize, Vec<String>, Option<usize>)>,
}

/// Rows by the names of their columns.
pub(super) struct Row<'a> {
    columns: &'a [String],
    cells: Vec<Cell>,
}

impl Row<'_> {
    /// A cell; NULL where there is no such column.
    pub fn get(&self, column: &str) -> &Cell {
        let at = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column));
        at.and_then(|at| self.cells.get(at)).unwrap_or(&Cell::Null)
    }

    pub fn text(&self, column: &str) -> Option<String> {
        self.get(column).text()
    }
}

/// How deep a tree of pages may be.
const DEEPEST: usize = 40;

impl<'a> Database<'a> {
    /// Opens a database, with the content of its write-ahead log where there is one.
    pub fn open(bytes: &'a [u8], log: Option<&'a [u8]>, file: &str) -> Result<Self, LogError> {
        let damaged = |problem: &str| {
            LogError::at(Fault::Damaged, file, format!("SQLite database: {problem}"))
        };
        let head = bytes.get(..100).filter(|head| head.starts_with(MAGIC));
        let head = head.ok_or_else(|| damaged("no header"))?;
        let page_size = match u16::from_be_bytes([head[16], head[17]]) {
            1 => 65536,
            size => usize::from(size),
        };
        if !page_size.is_power_of_two() || page_size < 512 {
            return Err(damaged("an impossible size of pages"));
        }
        let usable = page_size - usize::from(head[20]);
        if usable < 480 {
            return Err(damaged("an impossible size of pages"));
        }
        if !matches!(u32::from_be_bytes([head[56], head[57], head[58], head[59]]), 0 | 1) {
            return Err(damaged("its texts are not UTF-8"));
        }
        let mut database = Self {
            bytes,
            newer: log.map(|log| committed(log, page_size)).unwrap_or_default(),
            page_size,
            usable,
            file: file.to_owned(),
            tables: HashMap::new(),
        };
        let names = ["type", "name", "tbl_name", "rootpage", "sql"].map(str::to_owned);
        let mut tables = HashMap::new();
        database.scan(1, &names, None, &mut |row: &Row| {
            if row.text("type").as_deref() != Some("table") {
                return Ok(());
            }
            if let (Some(name), Some(root), Some(sql)) =
                (row.text("name"), row.get("rootpage").whole(), row.text("sql"))
            {
                let (columns, key) = columns(&sql);
                let root = usize::try_from(root).unwrap_or(0);
                tables.insert(name, (root, columns, key));
            }
            Ok(())
        })?;
        database.tables = tables;
        Ok(database)
    }

    /// Whether it has a table with these columns.
    pub fn has(&self, table: &str, wanted: &[&str]) -> bool {
        let columns = self.tables.get(table).map(|(_, columns, _)| columns);
        columns.is_some_and(|columns| {
            wanted.iter().all(|name| columns.iter().any(|column| column.eq_ignore_ascii_case(name)))
        })
    }

    /// Hands over the rows of a table; none where there is no such table.
    pub fn rows(
        &self,
        table: &str,
        take: &mut dyn FnMut(&Row) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        match self.tables.get(table) {
            Some((root, columns, key)) => self.scan(*root, columns, *key, take),
            None => Ok(()),
        }
    }

    fn damaged(&self, page: usize, problem: &str) -> LogError {
        let offset = page.saturating_sub(1).saturating_mul(self.page_size);
        LogError::at_byte(
            &self.file,
            offset,
            format!("page {page} of the SQLite database: {problem}"),
        )
    }

    fn page(&self, number: usize) -> Result<&'a [u8], LogError> {
        if let Some(page) = self.newer.get(&number) {
            return Ok(page);
        }
        let begin = number.checked_sub(1).and_then(|at| at.checked_mul(self.page_size));
        let page =
            begin.and_then(|begin| self.bytes.get(begin..begin.checked_add(self.page_size)?));
        page.ok_or_else(|| self.damaged(number, "it is not there: the file is cut short"))
    }

    /// Walks over the tree of a table from left to right.
    fn scan(
        &self,
        root: usize,
        columns: &[String],
        key: Option<usize>,
        take: &mut dyn FnMut(&Row) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let mut seen = HashSet::new();
        // Rows lie side by side: together they are no longer than the file, but for what is written anew.
        let mut left = 4 * (self.bytes.len() + self.newer.len() * self.page_size) + (1 << 20);
        // Pages yet to be walked over, the next one last.
        let mut open = vec![(root, 0)];
        while let Some((number, depth)) = open.pop() {
            if !seen.insert(number) || depth > DEEPEST {
                return Err(self.damaged(number, "the tree of a table leads in a circle"));
            }
            let page = self.page(number)?;
            let at = if number == 1 { 100 } else { 0 };
            let broken = || self.damaged(number, "it holds no part of a table");
            let head = page.get(at..at + 12).ok_or_else(broken)?;
            let cells = usize::from(u16::from_be_bytes([head[3], head[4]]));
            let (is_leaf, first) = match head[0] {
                13 => (true, at + 8),
                5 => (false, at + 12),
                _ => return Err(broken()),
            };
            let pointers = page.get(first..first + 2 * cells).ok_or_else(broken)?;
            let places = pointers
                .chunks_exact(2)
                .map(|two| usize::from(u16::from_be_bytes([two[0], two[1]])));
            if is_leaf {
                for place in places {
                    let (id, record) = self.cell(number, page, place)?;
                    left = left.checked_sub(record.len() + 1).ok_or_else(broken)?;
                    let mut row = Row { columns, cells: values(&record).ok_or_else(broken)? };
                    // A key that is the number of the row stands there alone.
                    if let Some(cell) = key.and_then(|key| row.cells.get_mut(key)) {
                        *cell = Cell::Whole(id);
                    }
                    take(&row)?;
                }
            } else {
                let child = |place: usize| {
                    let four = page.get(place..place + 4).ok_or_else(broken)?;
                    Ok(u32::from_be_bytes([four[0], four[1], four[2], four[3]]) as usize)
                };
                open.push((
                    u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize,
                    depth + 1,
                ));
                let children: Result<Vec<usize>, LogError> = places.map(child).collect();
                open.extend(children?.into_iter().rev().map(|child| (child, depth + 1)));
            }
        }
        Ok(())
    }

    /// The number of a row, and its record, of which what does not fit stands in pages of its own.
    fn cell(&self, number: usize, page: &[u8], place: usize) -> Result<(i64, Vec<u8>), LogError> {
        let broken = || self.damaged(number, "a row is damaged");
        let mut rest = page.get(place..).ok_or_else(broken)?;
        let length =
            varint(&mut rest).and_then(|length| usize::try_from(length).ok()).ok_or_else(broken)?;
        let id = varint(&mut rest).ok_or_else(broken)?;
        if length > self.bytes.len().saturating_add(self.newer.len() * self.page_size) {
            return Err(broken());
        }
        let most = self.usable - 35;
        if length <= most {
            return Ok((id, rest.get(..length).ok_or_else(broken)?.to_vec()));
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = least + (length - least) % (self.usable - 4);
        let local = if local <= most { local } else { least };
        let mut record = rest.get(..local).ok_or_else(broken)?.to_vec();
        let next = rest.get(local..local + 4).ok_or_else(broken)?;
        let mut next = u32::from_be_bytes([next[0], next[1], next[2], next[3]]) as usize;
        while record.len() < length {
            let page = self.page(next)?;
            let taken = (length - record.len()).min(self.usable - 4);
            record.extend_from_slice(&page[4..4 + taken]);
            next = u32::from_be_bytes([page[0], page[1], page[2], page[3]]) as usize;
        }
        Ok((id, record))
    }
}

/// Of a write-ahead log, the last page of each number that was committed.
fn committed(log: &[u8], page_size: usize) -> HashMap<usize, &[u8]> {
    const HEADER: usize = 32;
    const FRAME: usize = 24;
    let word = |bytes: &[u8], at: usize| {
        bytes
            .get(at..at + 4)
            .map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
    };
    let mut found = HashMap::new();
    if log.len() < HEADER || word(log, 0) & !1 != 0x377f_0682 || word(log, 8) as usize != page_size
    {
        return found;
    }
    let is_big = word(log, 0) & 1 == 1;
    let salts = (word(log, 16), word(log, 20));
    let mut sum = checksum(is_big, (0, 0), &log[..24]);
    if sum != (word(log, 24), word(log, 28)) {
        return found;
    }
    let mut waiting = Vec::new();
    let mut at = HEADER;
    while let Some(frame) = log.get(at..at + FRAME + page_size) {
        // Frames of an earlier round of the log lie behind those of this one.
        sum = checksum(is_big, checksum(is_big, sum, &frame[..8]), &frame[FRAME..]);
        let is_of_now = (word(frame, 8), word(frame, 12)) == salts;
        if !is_of_now || sum != (word(frame, 16), word(frame, 20)) {
            break;
        }
        waiting.push((word(frame, 0) as usize, &frame[FRAME..]));
        if word(frame, 4) != 0 {
            found.extend(waiting.drain(..));
        }
        at += FRAME + page_size;
    }
    found
}

/// The checksum of a write-ahead log, which goes on from frame to frame.
fn checksum(is_big: bool, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |four: &[u8]| {
        let four = [four[0], four[1], four[2], four[3]];
        if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    for eight in bytes.chunks_exact(8) {
        a = a.wrapping_add(word(&eight[..4])).wrapping_add(b);
        b = b.wrapping_add(word(&eight[4..])).wrapping_add(a);
    }
    (a, b)
}

/// A number of up to nine bytes, seven bits in each but the last.
fn varint(rest: &mut &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    for index in 0..9 {
        let byte = *rest.split_off_first()?;
        if index == 8 {
            value = value << 8 | u64::from(byte);
            break;
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(value.cast_signed())
}

/// The values of a record: a header with the type of each, then what they hold.
fn values(record: &[u8]) -> Option<Vec<Cell>> {
    let mut header = record;
    let length = usize::try_from(varint(&mut header)?).ok()?;
    let begun = record.len() - header.len();
    let mut types = record.get(begun..length)?;
    let mut body = record.get(length..)?;
    let mut cells = Vec::new();
    while !types.is_empty() {
        let kind = varint(&mut types)?;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            kind if kind >= 12 => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let (content, rest) = body.split_at_checked(size)?;
        body = rest;
        cells.push(match kind {
            8 => Cell::Whole(0),
            9 => Cell::Whole(1),
            1..=6 => {
                let sign = if content[0] & 0x80 == 0 { 0 } else { -1 };
                Cell::Whole(content.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte)))
            }
            7 => Cell::Number(f64::from_be_bytes(content.try_into().ok()?)),
            kind if kind >= 13 && kind % 2 == 1 => {
                Cell::Text(String::from_utf8_lossy(content).into_owned())
            }
            // Bytes without a meaning here.
            _ => Cell::Null,
        });
    }
    Some(cells)
}

/// The names of the columns in the text of `CREATE TABLE`, and the one that is the number of the row.
fn columns(sql: &str) -> (Vec<String>, Option<usize>) {
    let body = sql.split_once('(').map_or("", |(_, body)| body);
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0);
    let mut quote: Option<char> = None;
    for letter in body.chars() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (None, '"' | '`' | '\'') => quote = Some(letter),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => break,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(letter);
    }
    parts.push(part);
    let mut names = Vec::new();
    let mut key = None;
    let constraints = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    let mut primary = None;
    let mut is_whole = Vec::new();
    for part in parts {
        let part = part.trim();
        let (name, rest) = name_of(part);
        let is_quoted = part.starts_with(['"', '`', '\'', '[']);
        if !is_quoted && constraints.contains(&name.to_uppercase().as_str()) {
            let upper = part.to_uppercase();
            if let Some((_, list)) = part.split_once('(').filter(|_| upper.contains("PRIMARY KEY"))
            {
                let list = list.split(')').next().unwrap_or_default();
                if !list.contains(',') {
                    primary = Some(name_of(list.trim()).0);
                }
            }
            continue;
        }
        let upper = rest.to_uppercase();
        let whole = upper.split_whitespace().next() == Some("INTEGER");
        if whole && upper.contains("PRIMARY KEY") && !upper.contains("PRIMARY KEY DESC") {
            key = Some(names.len());
        }
        is_whole.push(whole);
        names.push(name);
    }
    let of_constraint = primary.and_then(|primary| names.iter().position(|name| *name == primary));
    (names, key.or(of_constraint.filter(|at| is_whole[*at])))
}

/// The name with which the definition of a column begins, and the rest.
fn name_of(part: &str) -> (String, &str) {
    let end = match part.chars().next() {
        Some('[') => ']',
        Some(quote @ ('"' | '`' | '\'')) => quote,
        _ => {
            let end = part.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(part.len());
            return (part[..end].to_owned(), &part[end..]);
        }
    };
    let inner = &part[1..];
    let length = inner.find(end).unwrap_or(inner.len());
    (inner[..length].to_owned(), inner.get(length + 1..).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_a_table_are_those_of_its_definition() {
        let sql = "CREATE TABLE \"metrics\" (\n\t\"key\" VARCHAR(250) NOT NULL, \n\tvalue FLOAT, step BIGINT DEFAULT '0,1' NOT NULL, \
                   CONSTRAINT metric_pk PRIMARY KEY (\"key\", step), CHECK (is_nan IN (0, 1)))";
        let (names, key) = columns(sql);
        assert_eq!((names, key), (["key", "value", "step"].map(str::to_owned).to_vec(), None));
        let (_, key) = columns("CREATE TABLE t (a TEXT, id INTEGER NOT NULL, PRIMARY KEY (id))");
        assert_eq!(key, Some(1));
        let (_, key) = columns("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT)");
        assert_eq!(key, Some(0));
    }

    #[test]
    fn a_number_takes_up_to_nine_bytes() {
        for (mut bytes, value) in
            [(&[0x7f_u8][..], 127), (&[0x81, 0x00][..], 128), (&[0xff; 9][..], -1)]
        {
            assert_eq!(varint(&mut bytes), Some(value));
        }
    }
}
