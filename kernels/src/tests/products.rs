//! Products of matrices, and transposed matrices.

use super::{UNTOUCHED, assert_within, buffer, normal, panels_of, rounding};
use crate::product::{Block, Product, Transpose};
use crate::{Isa, Kernel, MAX_LANES, PANEL, Simd};

const COLUMNS: [usize; 11] = [1, 7, 8, 9, 15, 16, 17, 24, 25, 31, 32];
const DEPTHS: [usize; 8] = [1, 2, 31, 32, 33, 64, 65, 100];
/// Registers of 16 at most: columns from the next one on are left alone.
const WIDEST: usize = 16;

fn rows() -> impl Iterator<Item = usize> {
    (1..=26).chain([31, 32, 33, 65])
}

/// The factors of a product, row by row.
struct Factors {
    left: Vec<f32>,
    right: Vec<f32>,
    start: Option<Vec<f32>>,
    depth: usize,
}

impl Factors {
    /// An element of the product and the absolute values of its terms, added up.
    fn element(&self, row: usize, column: usize) -> (f64, f64) {
        let mut sum = self.start.as_ref().map_or(0.0, |start| f64::from(start[column]));
        let mut magnitude = sum.abs();
        for term in 0..self.depth {
            let left = f64::from(self.left[row * self.depth + term]);
            let product = left * f64::from(self.right[term * PANEL + column]);
            sum += product;
            magnitude += product.abs();
        }
        (sum, magnitude)
    }

    /// Multiplies and holds every element to its sum, and what is beyond the product to what was
    /// there before.
    fn hold(&self, isa: Isa, columns: usize) {
        let Self { left, right, start, depth } = self;
        let (right, start, depth) = (&right[..], start.as_deref(), *depth);
        let rows = left.len() / depth;
        let panels = panels_of(left, rows, depth);
        // Two rows more than there are.
        let mut values = vec![UNTOUCHED; (rows + 2) * PANEL];
        let (left, out) = (&panels[..], &mut values[..]);
        Product { left, right, start, out, rows, depth, columns }.run(isa);
        let label = format!("{isa:?} {rows} x {depth} x {columns}");
        for (at, value) in values.iter().enumerate() {
            let (row, column) = (at / PANEL, at % PANEL);
            if row < rows && column < columns {
                let (sum, magnitude) = self.element(row, column);
                assert_within(&label, *value, sum, rounding(depth, magnitude));
            } else {
                let free = row < rows && column < columns.next_multiple_of(WIDEST);
                assert!(free || *value == UNTOUCHED, "{label}: wrote beyond its product");
                let half = isa.name() == "avx512" && (1..=8).contains(&(columns % 16));
                assert!(!(half && free && column % 16 >= 8) || *value == 0.0, "{label}: {value}");
            }
        }
    }
}

#[test]
fn a_product_is_the_sums_of_its_terms() {
    for rows in rows() {
        for depth in DEPTHS {
            for starts in [false, true] {
                let factors = Factors {
                    left: normal("left", rows * depth),
                    right: normal("right", depth * PANEL),
                    start: starts.then(|| normal("start", PANEL)),
                    depth,
                };
                for columns in COLUMNS {
                    for isa in Isa::available() {
                        factors.hold(isa, columns);
                    }
                }
            }
        }
    }
}

#[test]
fn an_element_of_a_product_has_the_same_bits_in_whatever_tile_it_falls() {
    let (most, depth) = (65, 70);
    let left = normal("left", most * depth);
    let right = normal("right", depth * PANEL);
    for isa in Isa::available() {
        let product = |from: usize, rows: usize, columns: usize| -> Vec<f32> {
            let left = panels_of(&left[from * depth..][..rows * depth], rows, depth);
            let mut out = vec![0.0; rows * PANEL];
            let (left, right, out_rows) = (&left[..], &right[..], &mut out[..]);
            Product { left, right, start: None, out: out_rows, rows, depth, columns }.run(isa);
            out
        };
        let all = product(0, most, PANEL);
        for rows in rows() {
            for columns in COLUMNS {
                let from = (most - rows) / 2;
                let some = product(from, rows, columns);
                for row in 0..rows {
                    let expected = &all[(from + row) * PANEL..][..columns];
                    let actual = &some[row * PANEL..][..columns];
                    assert_eq!(actual, expected, "{isa:?} {rows} rows, {columns} columns");
                }
            }
        }
    }
}

/// [`Block::sum`] as a kernel.
struct Sums<'a> {
    block: Block<'a>,
    out: &'a mut [f32; PANEL * PANEL],
}

impl Kernel for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) {
        self.block.sum(simd, self.out);
    }
}

#[test]
fn a_block_of_a_gradient_is_the_sums_over_the_rows_of_a_batch() {
    for terms in [1, 2, 3, 12, 33, 100] {
        let left = normal("left", terms * PANEL);
        let right = normal("right", terms * PANEL);
        for rows in 1..=PANEL {
            for columns in COLUMNS {
                for isa in Isa::available() {
                    let mut out = [UNTOUCHED; PANEL * PANEL];
                    let block = Block { left: &left, right: &right, terms, rows, columns };
                    Sums { block, out: &mut out }.run(isa);
                    let label = format!("{isa:?} {terms} terms, {rows} x {columns}");
                    for (at, value) in out.iter().enumerate() {
                        let (row, column) = (at / PANEL, at % PANEL);
                        if row >= rows || column >= columns {
                            let free = row < rows && column < columns.next_multiple_of(WIDEST);
                            assert!(free || *value == UNTOUCHED, "{label}: beyond the block");
                            continue;
                        }
                        let (mut sum, mut magnitude) = (0.0, 0.0);
                        for term in 0..terms {
                            let product = f64::from(left[term * PANEL + row])
                                * f64::from(right[term * PANEL + column]);
                            sum += product;
                            magnitude += product.abs();
                        }
                        assert_within(&label, *value, sum, rounding(terms, magnitude));
                    }
                }
            }
        }
    }
}

#[test]
fn weights_turned_around_are_the_same_weights() {
    for outputs in [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 64, 65] {
        for inputs in [1, 5, 8, 16, 31, 32, 33, 48, 65] {
            let weights = normal("weights", inputs * outputs);
            // Rows of zeros up to whole registers, as a layer has them.
            let mut panels: Vec<Vec<f32>> =
                panels_of(&weights, inputs, outputs).iter().map(|panel| panel.to_vec()).collect();
            let padded = inputs.next_multiple_of(MAX_LANES) * PANEL;
            for panel in &mut panels {
                panel.resize(padded, 0.0);
            }
            for row in (0..inputs).step_by(PANEL) {
                let rows = PANEL.min(inputs - row);
                for isa in Isa::available() {
                    let whole = outputs.next_multiple_of(PANEL);
                    let mut out = vec![UNTOUCHED; (whole + 1) * PANEL];
                    let (weights_of, out_of) = (|panel: usize| &panels[panel][..], &mut out[..]);
                    Transpose { weights: &weights_of, row, rows, outputs, out: out_of }.run(isa);
                    for (at, value) in out.iter().enumerate() {
                        let (output, input) = (at / PANEL, at % PANEL);
                        let label = format!("{isa:?} {inputs} x {outputs} from {row}");
                        if output < outputs && input < rows {
                            assert_eq!(
                                *value,
                                weights[(row + input) * outputs + output],
                                "{label}"
                            );
                        } else {
                            // Zeros where a register reaches, and nothing beyond.
                            assert!(*value == 0.0 || *value == UNTOUCHED, "{label}: {value}");
                            assert!(output < whole || *value == UNTOUCHED, "{label}");
                        }
                    }
                }
            }
        }
    }
}

/// [`Simd::transpose`] as a kernel: of the first `LANES` x `LANES` floats.
struct TransposeSquare<'a> {
    from: &'a [f32],
    from_stride: usize,
    to: &'a mut [f32],
    to_stride: usize,
}

impl Kernel for TransposeSquare<'_> {
    /// The lanes.
    type Output = usize;

    #[inline(always)]
    fn compute<S: Simd>(self, simd: S) -> usize {
        let last = |stride: usize| (S::LANES - 1) * stride + S::LANES;
        assert!(self.from.len() >= last(self.from_stride) && self.to.len() >= last(self.to_stride));
        // SAFETY: the last row of each ends within its slice.
        unsafe {
            let (from, to) = (self.from.as_ptr(), self.to.as_mut_ptr());
            simd.transpose(from, self.from_stride, to, self.to_stride);
        }
        S::LANES
    }
}

#[test]
fn a_register_square_is_turned_around_its_diagonal_whatever_the_distance_of_its_rows() {
    let from = buffer(&normal("square", 40 * 16));
    for (from_stride, to_stride) in [(16, 16), (17, 19), (32, 33), (40, 16)] {
        for isa in Isa::available() {
            let mut to = vec![UNTOUCHED; 40 * 16];
            let lanes =
                TransposeSquare { from: &from, from_stride, to: &mut to, to_stride }.run(isa);
            for (at, value) in to.iter().enumerate() {
                let (j, i) = (at / to_stride, at % to_stride);
                let inside = i < lanes && j < lanes;
                let expected = if inside { from[i * from_stride + j] } else { UNTOUCHED };
                assert_eq!(*value, expected, "{isa:?} {from_stride} {to_stride}");
            }
        }
    }
}
