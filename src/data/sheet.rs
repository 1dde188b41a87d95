//! The inputs of a table as they were read: row by row, four bytes a cell, as the network will take
//! them.
//!
//! A column holds codes of levels, or numbers. The numbers of a text have few digits, and a whole
//! number of 32 bits over a power of ten gives each of them back, bit for bit: both are exact in 64
//! bits, and division rounds as reading does. Numbers that do not fit are kept in 64 bits. In a
//! column that goes on and on they are instead kept in 32 bits, off by at most 2^-24 of themselves.
//! Where the rows of a block lie close together they are kept by their distance from the middle of
//! these, off by at most 2^-24 of that distance: 32-bit floats alone would lose the minutes of a
//! time in seconds since 1970.

use super::decimal::{Decimal, POWERS};

/// The code of a cell that holds nothing.
pub(super) const MISSING: u32 = u32::MAX;

/// The whole number that stands for a cell that holds nothing.
const NO_NUMBER: i32 = i32::MIN;

/// Rows whose numbers are exact whatever they are.
const EXACT: usize = 1 << 15;

/// Bytes of a block of many rows, or somewhat fewer.
const BLOCK: usize = 4 << 20;

/// All rows of the inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sheet {
    width: usize,
    /// Rows of a block; the last one perhaps has fewer.
    block_rows: usize,
    blocks: Vec<Block>,
}

/// Some rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    /// rows x forms
    cells: Vec<u32>,
    forms: Vec<Form>,
}

/// How the cells of a column are to be understood.
#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// Codes of levels, or [`MISSING`].
    Codes,
    /// Signed whole numbers over this power of ten, or [`NO_NUMBER`].
    Decimal { places: usize },
    /// 32-bit floats: distances from this number.
    Near { centre: f64 },
    /// Not at all: numbers of 64 bits, one for each row.
    Double(Vec<f64>),
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

    /// Rows of a block; the last one perhaps has fewer.
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
        if let Some(Block { cells, .. }) = self.blocks.last_mut() {
            if cells.len() == cells.capacity() {
                // Only the first block has not had all its room from the beginning.
                cells.reserve_exact(cells.len().clamp(self.width, full - cells.len()));
            }
            cells.resize(cells.len() + self.width, 0);
        }
    }

    fn begin_block(&mut self, full: usize) {
        let is_first = self.blocks.is_empty();
        self.close(self.blocks.len().saturating_sub(1));
        let forms = match self.blocks.last() {
            Some(before) => before.forms.iter().map(Form::next).collect(),
            None => vec![Form::Codes; self.width],
        };
        let cells = if is_first { Vec::new() } else { Vec::with_capacity(full) };
        self.blocks.push(Block { cells, forms });
    }

    fn is_exact(&self, index: usize) -> bool {
        (index + 1) * self.block_rows <= EXACT
    }

    /// Has all numbers of a full block take four bytes, if they can.
    fn close(&mut self, index: usize) {
        let exact = self.is_exact(index);
        let Some(block) = self.blocks.get_mut(index) else { return };
        for at in 0..self.width {
            if let Form::Double(values) = &mut block.forms[at] {
                let values = std::mem::take(values);
                block.pack(at, values, exact);
            }
        }
    }

    /// Puts a code, or [`MISSING`], into a column of codes.
    #[inline]
    pub fn put_code(&mut self, at: usize, code: u32) {
        if let Some(block) = self.blocks.last_mut() {
            block.last(at, code);
        }
    }

    /// Puts a number into a column of numbers; NaN where a cell holds nothing.
    pub fn put(&mut self, at: usize, value: f64) {
        let Some(block) = self.blocks.last_mut() else { return };
        match &mut block.forms[at] {
            Form::Decimal { .. } if value.is_nan() => block.last(at, NO_NUMBER.cast_unsigned()),
            _ => block.doubles(at).push(value),
        }
    }

    /// Puts a number as it is written into a column of numbers.
    #[inline]
    pub fn put_decimal(&mut self, at: usize, number: Decimal) {
        let Some(block) = self.blocks.last_mut() else { return };
        if block.forms[at] == (Form::Decimal { places: number.places })
            && let Some(whole) = signed(number)
        {
            block.last(at, whole.cast_unsigned());
        } else {
            block.put_other(at, number);
        }
    }

    /// Has a column of codes hold numbers from now on: for each code its value.
    pub fn turn_to_numbers(&mut self, at: usize, values: &[f64]) {
        let value = |code: u32| values.get(code as usize).copied().unwrap_or(f64::NAN);
        for index in 0..self.blocks.len() {
            let exact = index + 1 == self.blocks.len() || self.is_exact(index);
            let block = &mut self.blocks[index];
            let numbers = block.column(at).map(value).collect();
            block.pack(at, numbers, exact);
        }
    }

    /// The code in a column of codes.
    pub fn code(&self, row: usize, at: usize) -> u32 {
        self.blocks[row / self.block_rows].cells[row % self.block_rows * self.width + at]
    }

    /// All codes of a column of codes.
    pub fn codes(&self, at: usize) -> impl Iterator<Item = u32> {
        self.blocks.iter().flat_map(move |block| block.column(at))
    }

    /// How many of these rows have each of so many codes.
    pub fn counts(&self, at: usize, codes: usize, rows: &[u32]) -> Vec<usize> {
        let mut counts = vec![0; codes];
        for row in rows {
            if let Some(count) = counts.get_mut(self.code(*row as usize, at) as usize) {
                *count += 1;
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

impl Block {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.cells.len() / self.forms.len()
    }

    /// The first cells of a column: the codes of a column of codes.
    fn column(&self, at: usize) -> impl Iterator<Item = u32> {
        self.cells.chunks_exact(self.forms.len()).map(move |row| row[at])
    }

    /// The numbers and the cells of each row for `take`; a cell is a code where the column has codes,
    /// and where it has numbers, they are NaN if a cell holds nothing.
    pub fn each_row(&self, mut take: impl FnMut(&[f64], &[u32])) {
        let (reading, mut numbers) = (Reading::new(&self.forms), vec![0.0; self.forms.len()]);
        for (row, cells) in self.cells.chunks_exact(self.forms.len()).enumerate() {
            reading.read(row, cells, &mut numbers);
            take(&numbers, cells);
        }
    }

    /// Puts floats in place of the cells of columns of numbers: `make` makes those of a row of its
    /// numbers.
    pub fn into_floats(self, make: impl Fn(&[f64], &mut [f32])) -> Vec<f32> {
        let Self { mut cells, forms } = self;
        let (reading, mut numbers) = (Reading::new(&forms), vec![0.0; forms.len()]);
        for (row, cells) in cells.chunks_exact_mut(forms.len()).enumerate() {
            reading.read(row, cells, &mut numbers);
            make(&numbers, bytemuck::cast_slice_mut(cells));
        }
        bytemuck::cast_vec(cells)
    }

    /// Sets the cell of the last row.
    #[inline]
    fn last(&mut self, at: usize, cell: u32) {
        let begin = self.cells.len() - self.forms.len();
        self.cells[begin + at] = cell;
    }

    /// Puts a number of other places than those before it, or of too many digits.
    fn put_other(&mut self, at: usize, number: Decimal) {
        self.widen(at, number.places);
        match self.forms[at] {
            Form::Decimal { places }
                if let Some(whole) = signed(number)
                    && let Some(whole) = widened(whole, places - number.places) =>
            {
                self.last(at, whole.cast_unsigned());
            }
            _ => self.doubles(at).push(number.value()),
        }
    }

    /// Has whole numbers stand over at least this power of ten, or become numbers of 64 bits.
    fn widen(&mut self, at: usize, to: usize) {
        let Form::Decimal { places } = self.forms[at] else { return };
        let by = to.saturating_sub(places);
        if by == 0 {
            return;
        }
        let wide = |cell: u32| widened(cell.cast_signed(), by).map(i32::cast_unsigned);
        // The last row is still to come.
        let before = self.column(at).take(self.rows() - 1);
        match before.map(wide).collect::<Option<Vec<u32>>>() {
            Some(cells) => self.set(at, Form::Decimal { places: to }, cells),
            None => {
                self.doubles(at);
            }
        }
    }

    /// A column's numbers of 64 bits, as which those before the last row are kept from now on.
    fn doubles(&mut self, at: usize) -> &mut Vec<f64> {
        if let Form::Decimal { places } = self.forms[at] {
            let power = POWERS[places];
            let before = self.column(at).take(self.rows() - 1);
            self.forms[at] = Form::Double(before.map(|cell| decimal(cell, power)).collect());
        }
        match &mut self.forms[at] {
            Form::Double(values) => values,
            _ => unreachable!("a column that takes numbers has whole ones or those of 64 bits"),
        }
    }

    /// Keeps the numbers of a column in four bytes each if that is exact, or need not be.
    fn pack(&mut self, at: usize, values: Vec<f64>, exact: bool) {
        let decimal = POWERS.iter().enumerate().find_map(|(places, power)| {
            let cells = all_digits(&values, *power)?;
            Some((Form::Decimal { places }, cells))
        });
        match decimal {
            Some((form, cells)) => self.set(at, form, cells),
            None if exact => self.forms[at] = Form::Double(values),
            None => {
                let (centre, cells) = near(&values);
                self.set(at, Form::Near { centre }, cells);
            }
        }
    }

    /// Sets the first cells of a column.
    fn set(&mut self, at: usize, form: Form, cells: Vec<u32>) {
        let width = self.forms.len();
        for (row, cell) in self.cells.chunks_exact_mut(width).zip(cells) {
            row[at] = cell;
        }
        self.forms[at] = form;
    }
}

impl Form {
    /// That of the next block at its beginning.
    fn next(&self) -> Self {
        match self {
            Self::Codes => Self::Codes,
            Self::Decimal { places } => Self::Decimal { places: *places },
            Self::Near { .. } | Self::Double(_) => Self::Decimal { places: 0 },
        }
    }
}

/// How the cells of a block become numbers, a row at a time.
struct Reading<'a> {
    forms: &'a [Form],
    /// Of each column: that of [`Form::Decimal`], or any.
    powers: Vec<f64>,
    /// The columns of other numbers.
    others: Vec<usize>,
}

impl<'a> Reading<'a> {
    fn new(forms: &'a [Form]) -> Self {
        let power = |form: &Form| match form {
            Form::Decimal { places } => POWERS[*places],
            _ => 1.0,
        };
        let is_other = |at: &usize| matches!(forms[*at], Form::Near { .. } | Form::Double(_));
        let others = (0..forms.len()).filter(is_other).collect();
        Self { forms, powers: forms.iter().map(power).collect(), others }
    }

    fn read(&self, row: usize, cells: &[u32], numbers: &mut [f64]) {
        for ((number, cell), power) in numbers.iter_mut().zip(cells).zip(&self.powers) {
            *number = decimal(*cell, *power);
        }
        for at in &self.others {
            numbers[*at] = match &self.forms[*at] {
                Form::Near { centre } => centre + f64::from(f32::from_bits(cells[*at])),
                Form::Double(values) => values[row],
                _ => numbers[*at],
            };
        }
    }
}

/// The number that a whole one over a power of ten stands for.
#[inline]
fn decimal(cell: u32, power: f64) -> f64 {
    let whole = cell.cast_signed();
    let number = f64::from(whole) / power;
    if whole == NO_NUMBER { f64::NAN } else { number }
}

/// How many rows of so many cells make a block.
fn block_rows(width: usize) -> usize {
    (BLOCK / size_of::<u32>() / width.max(1)).clamp(64, EXACT)
}

/// The whole number of a decimal; none for -0 and for what does not fit.
#[inline]
fn signed(number: Decimal) -> Option<i32> {
    let Decimal { negative, whole, .. } = number;
    if whole == 0 && negative {
        return None;
    }
    let whole = i32::try_from(whole).ok()?;
    Some(if negative { -whole } else { whole })
}

/// A whole number over a power of ten that is larger by so many places.
fn widened(whole: i32, places: usize) -> Option<i32> {
    if whole == NO_NUMBER || whole == 0 {
        return Some(whole);
    }
    let factor = 10_i32.checked_pow(u32::try_from(places).ok()?)?;
    whole.checked_mul(factor).filter(|wide| *wide != NO_NUMBER)
}

/// The whole numbers that come back as these values; none where one does not.
fn all_digits(values: &[f64], power: f64) -> Option<Vec<u32>> {
    // The wrong power is mostly known by the first values.
    if !values.iter().take(16).all(|value| digits(*value, power).1) {
        return None;
    }
    let mut all = Vec::with_capacity(values.len());
    for block in values.chunks(64) {
        let mut all_come_back = true;
        all.extend(block.iter().map(|value| {
            let (digits, comes_back) = digits(*value, power);
            all_come_back &= comes_back;
            digits.cast_unsigned()
        }));
        if !all_come_back {
            return None;
        }
    }
    Some(all)
}

/// The nearest whole number, and whether it comes back as this value; -0 and what is large do not.
#[inline]
fn digits(value: f64, power: f64) -> (i32, bool) {
    // 1.5 * 2^52: the low 32 bits of a sum with it are those of the nearest whole number.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    #[allow(clippy::cast_possible_truncation)] // what does not fit does not come back
    let digits = (value * power + SHIFT).to_bits() as i32;
    let comes_back = (f64::from(digits) / power).to_bits() == value.to_bits();
    let missing = value.is_nan();
    (if missing { NO_NUMBER } else { digits }, missing || comes_back && digits != NO_NUMBER)
}

/// A number, and the distances from it as 32-bit floats.
fn near(values: &[f64]) -> (f64, Vec<u32>) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    // Beside a number far off, the distances of all others would lose what tells these apart.
    let close = 2.0 * range <= low.abs().max(high.abs());
    let centre = if close { low + range / 2.0 } else { 0.0 };
    #[allow(clippy::cast_possible_truncation)] // as the network computes
    let distance = |value: &f64| ((value - centre) as f32).to_bits();
    (centre, values.iter().map(distance).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
                sheet.turn_to_numbers(0, &[*value]);
                sheet.turn_to_numbers(1, &[*value]);
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

    fn written(value: f64) -> Option<Decimal> {
        Decimal::read(value.to_string().as_bytes())
    }

    fn column(sheet: &Sheet, at: usize) -> Vec<f64> {
        let mut numbers = Vec::new();
        sheet.each_row(|row| numbers.push(row[at]));
        numbers
    }

    /// Bytes a number takes in full blocks.
    fn bytes(sheet: &Sheet, at: usize) -> usize {
        let of = |block: &Block| match &block.forms[at] {
            Form::Double(_) => 8,
            _ => 4,
        };
        sheet.blocks.iter().filter(|block| block.rows() == ROWS).map(of).max().unwrap_or(0)
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
                    sheet.turn_to_numbers(0, &[values[0]]);
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
        let values: Vec<f64> = (0..EXACT + 4 * ROWS).map(value).collect();
        let sheet = packed(&values);
        let is_near = |block: &Block| matches!(block.forms[0], Form::Near { .. });
        assert!(sheet.blocks[EXACT / ROWS..EXACT / ROWS + 3].iter().all(is_near));
        let back = column(&sheet, 0);
        let (exact, near) = values.split_at(EXACT);
        assert_eq!(bits(&back[..exact.len()]), bits(exact));
        assert!(back[exact.len()..].iter().zip(near).all(|(b, v)| (b - v).abs() <= 1e-7));
        let constant = vec![0.1 + 0.2; EXACT + 4 * ROWS];
        assert_eq!(column(&packed(&constant), 0), constant);
    }

    /// A sheet of one column in blocks of few rows.
    fn packed(values: &[f64]) -> Sheet {
        let mut sheet = Sheet { width: 1, block_rows: ROWS, blocks: Vec::new() };
        for value in values {
            sheet.begin_row();
            if sheet.rows() == 1 {
                sheet.turn_to_numbers(0, &[*value]);
            } else {
                sheet.put(0, *value);
            }
        }
        sheet
    }

    #[test]
    fn a_number_far_off_does_not_blur_those_around_it() {
        #[allow(clippy::cast_precision_loss)] // small
        let value = |row: usize| (row as f64 * 0.1).sin() + 0.1 / 3.0;
        for far in [1e6, -1e30, 3e38] {
            let mut values: Vec<f64> = (0..EXACT + 4 * ROWS).map(value).collect();
            values[EXACT + ROWS + 7] = far;
            let sheet = packed(&values);
            assert!(matches!(sheet.blocks[EXACT / ROWS + 1].forms[0], Form::Near { .. }));
            for (back, value) in column(&sheet, 0).iter().zip(&values) {
                assert!((back - value).abs() <= value.abs() / f64::from(1 << 24), "{back} {value}");
            }
        }
    }

    #[test]
    fn codes_become_the_numbers_they_stand_for_in_all_blocks() {
        let mut sheet = Sheet { width: 2, block_rows: ROWS, blocks: Vec::new() };
        let code = |row: u32| if row.is_multiple_of(7) { MISSING } else { row % 7 };
        let rows = 3 * u32::try_from(ROWS).unwrap() + 5;
        for row in 0..rows {
            sheet.begin_row();
            sheet.put_code(0, code(row));
            sheet.put_code(1, row);
        }
        let values: Vec<f64> = (0..7).map(|code| f64::from(code) / 8.0).collect();
        sheet.turn_to_numbers(0, &values);
        sheet.begin_row();
        sheet.put(0, 0.1);
        sheet.put_code(1, rows);
        let numbers = column(&sheet, 0);
        for (row, number) in (0..rows).zip(&numbers) {
            match code(row) {
                MISSING => assert!(number.is_nan()),
                code => assert_eq!(*number, f64::from(code) / 8.0),
            }
        }
        assert_eq!(numbers.last(), Some(&0.1));
        assert!(sheet.codes(1).eq(0..=rows));
        assert_eq!(sheet.code(ROWS + 1, 1), u32::try_from(ROWS).unwrap() + 1);
        assert_eq!(sheet.counts(1, 4, &[1, 1, 3, 190]), [0, 2, 0, 1]);
    }
}
