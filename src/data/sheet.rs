//! The inputs of a table as they were read: row by row, four bytes a cell, as the network will take
//! them.
//!
//! Numbers are kept exactly, but for long ones in a column that goes on and on: see [`Form`].

use super::decimal::Decimal;
use super::form::{Form, NO_NUMBER, Reading, halves, near, signed, whole_numbers, widened};
use super::pages::SmallPages;

/// Rows whose numbers are exact whatever they are.
const EXACT: usize = 1 << 15;

/// Rows of a band, unless a block has fewer.
const BAND: usize = 1 << 10;

/// Bytes of a block of many rows, or somewhat fewer.
const BLOCK: usize = 4 << 20;

/// All rows of the inputs, in blocks, which can become floats and go one by one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sheet {
    width: usize,
    /// Rows of a block; the last one perhaps has fewer.
    block_rows: usize,
    blocks: Vec<Block>,
}

/// Some rows, in bands: in each of these, a column has its own form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    width: usize,
    /// rows x width
    cells: Vec<u32>,
    /// Rows of a band; the last one perhaps has fewer.
    band_rows: usize,
    /// bands x width
    bands: Vec<Vec<Form>>,
}

/// A column of codes that is to hold numbers: for each code its value.
pub(super) struct Turned {
    pub column: usize,
    pub values: Vec<f64>,
}

impl Sheet {
    /// No rows yet, of `width` cells, which hold codes.
    pub fn new(width: usize) -> Self {
        Self { width, block_rows: block_rows(width), blocks: Vec::new() }
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of a block, a power of two; the last one perhaps has fewer.
    pub fn block_rows(&self) -> usize {
        self.block_rows
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        let Some((last, others)) = self.blocks.split_last() else { return 0 };
        others.len() * self.block_rows + last.rows()
    }

    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }

    /// Begins a row, of which each cell is then put once.
    pub fn begin_row(&mut self) {
        if self.width == 0 {
            return;
        }
        let full = self.width * self.block_rows;
        if self.blocks.last().is_none_or(|block| block.cells.len() == full) {
            self.begin_block(full);
        }
        let before = self.rows_before_last();
        if let Some(block) = self.blocks.last_mut() {
            if block.cells.len() == block.bands.len() * block.band_rows * block.width {
                block.begin_band(before);
            }
            let cells = &mut block.cells;
            if cells.len() == cells.capacity() {
                // The first block, and one of very wide rows, has not had all its room at once.
                cells.reserve_exact(cells.len().clamp(self.width, full - cells.len()));
            }
            cells.resize(cells.len() + self.width, 0);
        }
    }

    fn begin_block(&mut self, full: usize) {
        let before = self.rows_before_last();
        let forms = match self.blocks.last_mut() {
            Some(block) => block.close_band(before),
            None => vec![Form::Codes; self.width],
        };
        let is_large = full * size_of::<u32>() > BLOCK;
        let grows = self.blocks.is_empty() || is_large;
        let cells = if grows { Vec::new() } else { room_for(full) };
        let (width, band_rows) = (self.width, BAND.min(self.block_rows));
        self.blocks.push(Block { width, cells, band_rows, bands: vec![forms] });
    }

    /// Rows before the last block.
    fn rows_before_last(&self) -> usize {
        self.blocks.len().saturating_sub(1) * self.block_rows
    }

    /// Puts a code, or [`MISSING`](super::form::MISSING), into a column of codes.
    #[inline]
    pub fn put_code(&mut self, at: usize, code: u32) {
        if let Some(block) = self.blocks.last_mut() {
            block.set_last(at, code);
        }
    }

    /// Puts a number into a column of numbers; NaN where a cell holds nothing.
    pub fn put(&mut self, at: usize, value: f64) {
        let Some(block) = self.blocks.last_mut() else { return };
        match block.form(at) {
            Some(Form::Decimal { .. }) if value.is_nan() => {
                block.set_last(at, NO_NUMBER.cast_unsigned());
            }
            _ => block.put_double(at, value),
        }
    }

    /// Puts a number as it is written into a column of numbers.
    #[inline]
    pub fn put_decimal(&mut self, at: usize, number: Decimal) {
        let Some(block) = self.blocks.last_mut() else { return };
        if let Some(Form::Decimal { places }) = block.form(at)
            && *places == number.places
            && let Some(whole) = signed(number)
        {
            block.set_last(at, whole.cast_unsigned());
        } else {
            block.put_other(at, number);
        }
    }

    /// Has columns of codes hold numbers from now on.
    pub fn turn_to_numbers(&mut self, turned: &[Turned]) {
        let whole: Vec<Option<(usize, Vec<u32>)>> =
            turned.iter().map(|turned| whole_numbers(&turned.values)).collect();
        let rows = self.rows();
        let mut before = 0;
        for block in &mut self.blocks {
            for cells in block.cells.chunks_exact_mut(self.width) {
                for (Turned { column, .. }, whole) in turned.iter().zip(&whole) {
                    if let Some((_, whole)) = whole {
                        let code = cells[*column] as usize;
                        let missing = NO_NUMBER.cast_unsigned();
                        cells[*column] = whole.get(code).copied().unwrap_or(missing);
                    }
                }
            }
            for band in 0..block.bands.len() {
                before += block.band_rows;
                // The band that is open goes on as whole numbers or those of 64 bits.
                let exact = before <= EXACT || before >= rows;
                for (Turned { column, values }, whole) in turned.iter().zip(&whole) {
                    if let Some((places, _)) = whole {
                        block.bands[band][*column] = Form::Decimal { places: *places };
                    } else {
                        let value = |code| values.get(code as usize).copied().unwrap_or(f64::NAN);
                        let numbers: Vec<f64> = block.column(*column, band).map(value).collect();
                        block.pack(*column, band, &numbers, exact);
                    }
                }
            }
        }
    }

    /// How often each code occurs in columns of which each has so many, and behind these how often
    /// a cell holds nothing: in all rows, and in those named. Other columns have none.
    pub fn counts(&self, codes: &[Option<usize>], rows: &[u32]) -> Counts {
        let columns: Vec<(usize, usize)> =
            codes.iter().enumerate().filter_map(|(at, codes)| Some((at, (*codes)?))).collect();
        let none: Vec<Vec<usize>> = (codes.iter())
            .map(|count| count.map_or_else(Vec::new, |count| vec![0; count + 1]))
            .collect();
        let mut counts = Counts { all: none.clone(), named: none };
        if columns.is_empty() {
            return counts;
        }
        let mut named = rows.iter().peekable();
        let cells = self.blocks.iter().flat_map(|block| block.cells.chunks_exact(self.width));
        for (row, cells) in (0..).zip(cells) {
            let is_named = named.next_if_eq(&&row).is_some();
            for (at, codes) in &columns {
                let code = (cells[*at] as usize).min(*codes);
                counts.all[*at][code] += 1;
                counts.named[*at][code] += usize::from(is_named);
            }
        }
        counts
    }

    /// The numbers of each row, in their order, for `take`; NaN where a cell holds nothing.
    pub fn each_row(&self, mut take: impl FnMut(&[f64])) {
        for block in &self.blocks {
            block.each_row(|numbers, _| take(numbers));
        }
    }
}

/// How often codes occur, of each column of codes; that of none is the last.
#[derive(Debug, PartialEq)]
pub(super) struct Counts {
    pub all: Vec<Vec<usize>>,
    pub named: Vec<Vec<usize>>,
}

impl Block {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.cells.len() / self.width
    }

    /// The numbers and the cells of each row for `take`; a cell is a code where the column has codes,
    /// and where it has numbers, they are NaN if a cell holds nothing.
    pub fn each_row(&self, mut take: impl FnMut(&[f64], &[u32])) {
        let mut numbers = vec![0.0; self.width];
        let bands = self.cells.chunks(self.band_rows * self.width);
        for (band, forms) in bands.zip(&self.bands) {
            let reading = Reading::new(forms);
            for (row, cells) in band.chunks_exact(self.width).enumerate() {
                reading.read(row, cells, &mut numbers);
                take(&numbers, cells);
            }
        }
    }

    /// Puts floats in place of the cells of columns of numbers: `make` makes those of a row of its
    /// numbers.
    pub fn into_floats(mut self, make: impl Fn(&[f64], &mut [f32])) -> Vec<f32> {
        let mut numbers = vec![0.0; self.width];
        let bands = self.cells.chunks_mut(self.band_rows * self.width);
        for (band, forms) in bands.zip(&self.bands) {
            let reading = Reading::new(forms);
            for (row, cells) in band.chunks_exact_mut(self.width).enumerate() {
                reading.read(row, cells, &mut numbers);
                make(&numbers, bytemuck::cast_slice_mut(cells));
            }
        }
        bytemuck::cast_vec(self.cells)
    }

    /// The cells of a column in a band.
    fn column(&self, at: usize, band: usize) -> impl Iterator<Item = u32> {
        let from = band * self.band_rows * self.width;
        let to = self.cells.len().min(from + self.band_rows * self.width);
        self.cells[from..to].chunks_exact(self.width).map(move |row| row[at])
    }

    /// The form of a column in the band that is open.
    #[inline]
    fn form(&self, at: usize) -> Option<&Form> {
        self.bands.last().map(|forms| &forms[at])
    }

    /// Sets the cell of the last row.
    #[inline]
    fn set_last(&mut self, at: usize, cell: u32) {
        let begin = self.cells.len() - self.width;
        self.cells[begin + at] = cell;
    }

    /// Begins a band; `before`: rows before this block.
    fn begin_band(&mut self, before: usize) {
        let forms = self.close_band(before);
        self.bands.push(forms);
    }

    /// Has all numbers of the full band that is open take four bytes, if they can; returns the forms
    /// of the next band. `before`: rows before this block.
    fn close_band(&mut self, before: usize) -> Vec<Form> {
        let exact = before + self.rows() <= EXACT;
        let band = self.bands.len() - 1;
        for at in 0..self.width {
            if let Form::Double { .. } = self.bands[band][at] {
                let numbers: Vec<f64> = self.numbers(at).collect();
                self.pack(at, band, &numbers, exact);
            }
        }
        self.bands[band].iter().map(Form::next).collect()
    }

    /// The numbers of a column in the band that is open.
    fn numbers(&self, at: usize) -> impl Iterator<Item = f64> {
        let band = self.bands.len() - 1;
        let form = &self.bands[band][at];
        self.column(at, band).enumerate().map(move |(row, cell)| form.number(row, cell))
    }

    /// Puts a number of other places than those before it, or of too many digits.
    fn put_other(&mut self, at: usize, number: Decimal) {
        self.widen(at, number.places);
        let whole = match self.form(at) {
            Some(Form::Decimal { places }) => {
                signed(number).and_then(|whole| widened(whole, places - number.places))
            }
            _ => None,
        };
        match whole {
            Some(whole) => self.set_last(at, whole.cast_unsigned()),
            None => self.put_double(at, number.value()),
        }
    }

    /// Has whole numbers stand over at least this power of ten, if they fit.
    fn widen(&mut self, at: usize, to: usize) {
        let band = self.bands.len() - 1;
        let Form::Decimal { places } = self.bands[band][at] else { return };
        let by = to.saturating_sub(places);
        if by == 0 {
            return;
        }
        let wide = |cell: u32| widened(cell.cast_signed(), by).map(i32::cast_unsigned);
        match self.before(at).map(wide).collect::<Option<Vec<u32>>>() {
            Some(cells) => self.set(at, band, Form::Decimal { places: to }, cells),
            None => self.double(at),
        }
    }

    /// The cells of a column in the band that is open, but for the last row.
    fn before(&self, at: usize) -> impl Iterator<Item = u32> {
        let band = self.bands.len() - 1;
        self.column(at, band).take(self.rows() - 1 - band * self.band_rows)
    }

    /// Puts a number of 64 bits.
    fn put_double(&mut self, at: usize, value: f64) {
        self.double(at);
        let (high, low) = halves(value);
        if let Some(Form::Double { high: all }) = self.bands.last_mut().map(|forms| &mut forms[at])
        {
            all.push(high);
        }
        self.set_last(at, low);
    }

    /// Has a column hold numbers of 64 bits in the band that is open, before its last row.
    fn double(&mut self, at: usize) {
        let band = self.bands.len() - 1;
        let form = &self.bands[band][at];
        if let Form::Double { .. } = form {
            return;
        }
        let halves = self.before(at).map(|cell| halves(form.number(0, cell)));
        let (mut high, low): (Vec<u32>, Vec<u32>) = halves.unzip();
        high.reserve_exact(self.band_rows - high.len());
        self.set(at, band, Form::Double { high }, low);
    }

    /// Keeps the numbers of a column in four bytes each if that is exact, or need not be.
    fn pack(&mut self, at: usize, band: usize, numbers: &[f64], exact: bool) {
        let (form, cells) = if let Some((places, cells)) = whole_numbers(numbers) {
            (Form::Decimal { places }, cells)
        } else if let Some((centre, cells)) = (!exact).then(|| near(numbers)).flatten() {
            (Form::Near { centre }, cells)
        } else {
            let (high, low) = numbers.iter().map(|number| halves(*number)).unzip();
            (Form::Double { high }, low)
        };
        self.set(at, band, form, cells);
    }

    /// Sets the first cells of a column in a band.
    fn set(&mut self, at: usize, band: usize, form: Form, cells: Vec<u32>) {
        let rows = &mut self.cells[band * self.band_rows * self.width..];
        for (row, cell) in rows.chunks_exact_mut(self.width).zip(cells) {
            row[at] = cell;
        }
        self.bands[band][at] = form;
    }
}

/// Room for a block's cells, in small pages: huge ones would reach into the gaps between blocks.
#[allow(clippy::slow_vector_initialization)] // zeros from the system would not be written
fn room_for(cells: usize) -> Vec<u32> {
    let _small = SmallPages::new();
    let mut room = Vec::with_capacity(cells);
    // Pages come when they are written to.
    room.resize(cells, 0);
    room.clear();
    room
}

/// How many rows of so many cells make a block: a power of two, so that bands fill it and those that
/// are exact fill blocks.
fn block_rows(width: usize) -> usize {
    let rows = BLOCK / size_of::<u32>() / width.max(1);
    1 << rows.clamp(64, EXACT).ilog2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::form::MISSING;
    use super::*;

    /// Enough columns for blocks of few rows.
    const WIDTH: usize = BLOCK / 4 / ROWS;
    const ROWS: usize = 64;

    /// A sheet whose first two columns hold these numbers, one after the other, and all others 0.
    fn sheet(values: &[f64]) -> Sheet {
        let mut sheet = Sheet::new(WIDTH);
        for (row, value) in values.iter().enumerate() {
            sheet.begin_row();
            if row == 0 {
                turn(&mut sheet, 0, &[*value]);
                turn(&mut sheet, 1, &[*value]);
            } else {
                sheet.put(0, *value);
                match written(*value) {
                    Some(number) => sheet.put_decimal(1, number),
                    None => sheet.put(1, *value),
                }
            }
        }
        sheet
    }

    fn turn(sheet: &mut Sheet, column: usize, values: &[f64]) {
        sheet.turn_to_numbers(&[Turned { column, values: values.to_vec() }]);
    }

    fn written(value: f64) -> Option<Decimal> {
        Decimal::read(value.to_string().as_bytes())
    }

    fn column(sheet: &Sheet, at: usize) -> Vec<f64> {
        let mut numbers = Vec::new();
        sheet.each_row(|row| numbers.push(row[at]));
        numbers
    }

    /// Bytes a number takes in blocks behind which there is another one.
    fn bytes(sheet: &Sheet, at: usize) -> usize {
        let of = |block: &Block| match &block.bands[0][at] {
            Form::Double { .. } => 8,
            _ => 4,
        };
        let closed = sheet.blocks.len() - 1;
        sheet.blocks[..closed].iter().map(of).max().unwrap_or(4)
    }

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn numbers_of_up_to_nine_digits_come_back_in_four_bytes(
            places in 0_usize..15,
            digits in prop::collection::vec(-999_999_999_i32..=999_999_999, ROWS..3 * ROWS),
        ) {
            let read = |digits: &i32| format!("{digits}e-{places}").parse::<f64>().unwrap();
            let values: Vec<f64> = digits.iter().map(read).collect();
            let sheet = sheet(&values);
            for at in [0, 1] {
                prop_assert_eq!(bits(&column(&sheet, at)), bits(&values));
            }
            prop_assert_eq!(bytes(&sheet, 0), 4);
        }

        #[test]
        fn numbers_of_various_places_come_back_as_they_were_written(
            cells in prop::collection::vec("-?[0-9]{1,6}([.][0-9]{0,6})?|", 2..3 * ROWS),
        ) {
            let value = |cell: &String| cell.parse().unwrap_or(f64::NAN);
            let values: Vec<f64> = cells.iter().map(value).collect();
            let mut sheet = Sheet::new(WIDTH);
            for (row, cell) in cells.iter().enumerate() {
                sheet.begin_row();
                if row == 0 {
                    turn(&mut sheet, 0, &values[..1]);
                } else if let Some(number) = Decimal::read(cell.as_bytes()) {
                    sheet.put_decimal(0, number);
                } else {
                    sheet.put(0, values[row]);
                }
            }
            for (back, value) in column(&sheet, 0).iter().zip(&values) {
                prop_assert!(back.to_bits() == value.to_bits() || back.is_nan() && value.is_nan());
            }
        }

        #[test]
        fn any_numbers_come_back(values in prop::collection::vec(any::<f32>(), ROWS..3 * ROWS)) {
            let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            let sheet = sheet(&values);
            for (back, value) in column(&sheet, 0).iter().zip(&values) {
                prop_assert!(back.to_bits() == value.to_bits() || back.is_nan() && value.is_nan());
            }
        }
    }

    #[test]
    fn what_is_no_whole_number_over_a_power_of_ten_is_kept_wherever_it_stands() {
        let odd = [
            f64::NAN,
            -0.0,
            f64::from(i32::MIN),
            f64::from(i32::MIN) / 10.0,
            2_147_483_648.0,
            4_294_967_297.5,
            5e-324,
            f64::INFINITY,
        ];
        for (odd, at) in odd.iter().flat_map(|odd| [(*odd, 0), (*odd, 7), (*odd, ROWS)]) {
            let mut values = vec![1.5; 2 * ROWS];
            values[at] = odd;
            let sheet = sheet(&values);
            assert_eq!(bits(&column(&sheet, 0)), bits(&values), "{odd} at {at}");
            assert_eq!(bits(&column(&sheet, 1)), bits(&values), "{odd} at {at}");
        }
    }

    #[test]
    fn a_long_column_of_long_numbers_takes_four_bytes_and_keeps_small_differences() {
        #[allow(clippy::cast_precision_loss)] // small
        let value = |row: usize| 1.7e9 + (row as f64 * 0.1).sin();
        let values: Vec<f64> = (0..EXACT + 4 * BAND + 3).map(value).collect();
        let sheet = of_width(1, &values);
        let near = |forms: &Vec<Form>| matches!(forms[0], Form::Near { .. });
        let near = sheet.blocks.iter().flat_map(|block| &block.bands).map(near);
        let bands = EXACT / BAND;
        assert!(near.enumerate().all(|(at, near)| near == (bands..bands + 4).contains(&at)));
        let back = column(&sheet, 0);
        let (exact, near) = values.split_at(EXACT);
        assert_eq!(bits(&back[..exact.len()]), bits(exact));
        assert!(back[exact.len()..].iter().zip(near).all(|(b, v)| (b - v).abs() <= 1e-7));
        let constant = vec![0.1 + 0.2; EXACT + 4 * BAND];
        assert_eq!(column(&of_width(1, &constant), 0), constant);
    }

    /// A sheet of columns that all hold these numbers.
    fn of_width(width: usize, values: &[f64]) -> Sheet {
        let mut sheet = Sheet::new(width);
        for value in values {
            sheet.begin_row();
            for at in 0..width {
                if sheet.rows() == 1 {
                    turn(&mut sheet, at, &[*value]);
                } else {
                    sheet.put(at, *value);
                }
            }
        }
        sheet
    }

    #[test]
    fn the_first_rows_are_exact_whatever_the_width() {
        #[allow(clippy::cast_precision_loss)] // small
        let values: Vec<f64> = (0..EXACT + 3 * BAND).map(|row| (row as f64).sqrt()).collect();
        for width in [1, 33, 60, 100] {
            let sheet = of_width(width, &values);
            let back = column(&sheet, width - 1);
            assert_eq!(bits(&back[..EXACT]), bits(&values[..EXACT]));
            assert_ne!(bits(&back), bits(&values));
        }
    }

    #[test]
    fn a_number_far_off_does_not_blur_those_around_it() {
        #[allow(clippy::cast_precision_loss)] // small
        let value = |row: usize| (row as f64 * 0.1).sin() + 0.1 / 3.0;
        for far in [1e6, -1e30, 3e38] {
            let mut values: Vec<f64> = (0..EXACT + 4 * BAND).map(value).collect();
            values[EXACT + BAND + 7] = far;
            let sheet = of_width(1, &values);
            assert!(matches!(sheet.blocks[1].bands[1][0], Form::Near { .. }));
            for (back, value) in column(&sheet, 0).iter().zip(&values) {
                assert!((back - value).abs() <= value.abs() / f64::from(1 << 24), "{back} {value}");
            }
        }
    }

    #[test]
    fn numbers_too_small_for_32_bits_keep_their_digits() {
        #[allow(clippy::cast_precision_loss)] // small
        let value = |row: usize| (row as f64).sqrt();
        for (small, shift) in [(1e-33, 0.0), (1e-45, 0.0), (1e-60, 0.0), (1e-300, 1e-290)] {
            let values: Vec<f64> =
                (0..EXACT + 4 * BAND).map(|row| value(row) * small + shift).collect();
            assert_eq!(bits(&column(&of_width(1, &values), 0)), bits(&values));
        }
    }

    #[test]
    fn codes_become_the_numbers_they_stand_for_in_all_bands() {
        let code = |row: u32| if row.is_multiple_of(7) { MISSING } else { row % 7 };
        let rows = u32::try_from(EXACT + 2 * BAND + 5).unwrap();
        for turned_at in [1, 70, 1024, 1025, rows - 1] {
            let mut sheet = Sheet::new(2);
            let values: Vec<f64> = (0..7).map(|code| f64::from(code) / 8.0).collect();
            for row in 0..rows {
                sheet.begin_row();
                sheet.put_code(1, row);
                if row <= turned_at {
                    sheet.put_code(0, code(row));
                } else {
                    sheet.put(0, values.get(code(row) as usize).copied().unwrap_or(f64::NAN));
                }
                if row == turned_at {
                    turn(&mut sheet, 0, &values);
                }
            }
            for (row, number) in (0..rows).zip(column(&sheet, 0)) {
                match code(row) {
                    MISSING => assert!(number.is_nan()),
                    code => assert_eq!(number, f64::from(code) / 8.0),
                }
            }
            let mut codes = Vec::new();
            sheet.blocks.iter().for_each(|block| block.each_row(|_, cells| codes.push(cells[1])));
            assert!(codes.into_iter().eq(0..rows));
        }
    }

    #[test]
    fn codes_are_counted_in_all_rows_and_in_those_named() {
        let mut sheet = Sheet::new(3);
        for row in 0..200_000_u32 {
            sheet.begin_row();
            sheet.put_code(1, if row % 5 == 4 { MISSING } else { row % 5 });
        }
        let counts = sheet.counts(&[None, Some(4), None], &[0, 5, 6, 9, 199_999]);
        assert_eq!(counts.all, [vec![], vec![40_000; 5], vec![]]);
        assert_eq!(counts.named, [vec![], vec![2, 1, 0, 0, 2], vec![]]);
    }
}
