//! How much the pages of a Parquet file unpack to, by their headers, before any is unpacked: the crate takes as much
//! memory as a header asks for.
//!
//! A header is a struct in Thrift's compact protocol, of which only numbers are needed; the rest is skipped.

use ::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

/// What the header of a page says.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    unpacked: u64,
    packed: usize,
    /// Values of a page that is a dictionary, else 0.
    of_dictionary: u64,
}

/// Bytes of all pages once unpacked; an error where a header cannot be what it says it is.
pub(super) fn unpacked(bytes: &[u8], metadata: &ParquetMetaData) -> Result<u64, String> {
    let mut all = 0_u64;
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let (begin, length) = column.byte_range();
        let (begin, length) = (usize::try_from(begin), usize::try_from(length));
        let chunk = match (begin, length) {
            (Ok(begin), Ok(length)) => {
                begin.checked_add(length).and_then(|end| bytes.get(begin..end))
            }
            _ => None,
        };
        let mut chunk = Thrift(chunk.ok_or("a column lies outside of the file")?);
        while !chunk.0.is_empty() {
            let page = chunk.page()?;
            chunk.take(page.packed)?;
            // No value takes less than a bit.
            if page.of_dictionary > page.unpacked.saturating_mul(8) {
                return Err("a dictionary is shorter than it says".to_owned());
            }
            all = all.saturating_add(page.unpacked);
        }
    }
    Ok(all)
}

/// Structs within structs that are followed.
const DEEPEST: usize = 16;

/// The rest of a text in the compact protocol.
struct Thrift<'a>(&'a [u8]);

impl<'a> Thrift<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("a page is cut short")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a number in a header of a page does not end".to_owned())
    }

    /// A whole number that must not be negative.
    fn count(&mut self) -> Result<u64, String> {
        match self.varint()? {
            // Signs are in the last bit.
            number if number % 2 == 0 => Ok(number / 2),
            _ => Err("a number in a header of a page is negative".to_owned()),
        }
    }

    /// The kind and the number of the next field; none behind the last one.
    fn field(&mut self, before: &mut u64) -> Result<Option<(u8, u64)>, String> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        *before = match u64::from(byte >> 4) {
            0 => self.count()?,
            further => *before + further,
        };
        Ok(Some((byte & 0x0f, *before)))
    }

    /// The header of a page.
    fn page(&mut self) -> Result<Page, String> {
        let mut page = Page { unpacked: 0, packed: 0, of_dictionary: 0 };
        let mut number = 0;
        while let Some((kind, number)) = self.field(&mut number)? {
            match (number, kind) {
                (2, 5) => page.unpacked = self.count()?,
                (3, 5) => {
                    page.packed =
                        usize::try_from(self.count()?).map_err(|cause| cause.to_string())?;
                }
                // The header of a dictionary, whose first field counts its values.
                (7, 12) => {
                    let mut number = 0;
                    while let Some((kind, number)) = self.field(&mut number)? {
                        match (number, kind) {
                            (1, 5) => page.of_dictionary = self.count()?,
                            _ => self.skip(kind, DEEPEST)?,
                        }
                    }
                }
                _ => self.skip(kind, DEEPEST)?,
            }
        }
        Ok(page)
    }

    fn skip(&mut self, kind: u8, deepest: usize) -> Result<(), String> {
        let deepest = deepest.checked_sub(1).ok_or("a header of a page is nested too deeply")?;
        match kind {
            1 | 2 => {}
            3 => _ = self.byte()?,
            4..=6 => _ = self.varint()?,
            7 => _ = self.take(8)?,
            8 => {
                let length = usize::try_from(self.varint()?).map_err(|cause| cause.to_string())?;
                self.take(length)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    count => u64::from(count),
                };
                for _ in 0..count {
                    // A flag in a list takes a byte.
                    match head & 0x0f {
                        1 | 2 => _ = self.byte()?,
                        kind => self.skip(kind, deepest)?,
                    }
                }
            }
            12 => {
                let mut number = 0;
                while let Some((kind, _)) = self.field(&mut number)? {
                    self.skip(kind, deepest)?;
                }
            }
            _ => return Err("a header of a page holds what no header does".to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_past_what_is_not_needed() {
        let header = [
            0x15, 0x04, // 1: type
            0x15, 0x80, 0x02, // 2: 128 bytes unpacked
            0x15, 0x0a, // 3: 5 bytes packed
            0x2c, // 5: the header of a data page
            0x15, 0x08, 0x5c, 0x18, 0x02, b'a', b'b', 0x11, 0x00, 0x00, // statistics in it
            0x2c, 0x15, 0x0e, 0x00, // 7: a dictionary of 7
            0x00, 0xff,
        ];
        let mut text = Thrift(&header);
        assert_eq!(text.page(), Ok(Page { unpacked: 128, packed: 5, of_dictionary: 7 }));
        assert_eq!(text.0, [0xff]);
        for end in 0..header.len() - 1 {
            assert!(Thrift(&header[..end]).page().is_err(), "{end}");
        }
    }

    #[test]
    fn headers_without_an_end_and_negative_sizes_are_refused() {
        assert!(Thrift(&[0x1c; 1000]).page().is_err());
        assert!(Thrift(&[0x15, 0x01, 0x15, 0x03, 0x00]).page().is_err());
        assert!(Thrift(&[0xff; 100]).page().is_err());
    }
}
