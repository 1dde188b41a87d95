//! Rows of the data in panels.

use std::sync::Arc;

use bnes_kernels::buffer::Buffer;
use bnes_kernels::{Isa, PANEL, panels, range_of};

use crate::data::{Inputs, RowChunks};
use crate::nn::fused::rows::gather;

/// What stands where nothing may be written.
const UNTOUCHED: f32 = 12_345.0;

const ROWS: u32 = 50;

/// Whether the panels of these rows hold the `expected` numbers, row by row, and nothing else was touched.
fn holds(isa: Isa, inputs: &Inputs, rows: &[u32], expected: &[f32]) {
    let width = inputs.width();
    let label = format!("{isa:?}, width {width}, {} rows", rows.len());
    for panel in 0..panels(width) {
        let mut out = Buffer::filled(rows.len() * PANEL, UNTOUCHED);
        gather(isa, inputs, rows, panel, &mut out);
        let columns = range_of(width, panel);
        for (row, out) in rows.iter().zip(out.chunks_exact(PANEL)) {
            for (column, value) in columns.clone().zip(out) {
                let expected = expected[*row as usize * width + column];
                assert!((value - expected).abs() <= 1e-6, "{label}: {value} is not {expected}");
            }
            assert!(out[columns.len()..].iter().all(|value| *value == UNTOUCHED), "{label}");
        }
    }
}

#[test]
fn a_byte_becomes_the_same_number_in_whichever_column_it_stands() {
    let (scale, shift) = (0.013_7, -0.731);
    let rows: Vec<u32> = (0..=255).collect();
    for isa in Isa::available() {
        let mut whole = Vec::new();
        for width in [PANEL, 1, 7, 8, 13, 16, 23, 31, 33, 47] {
            let bytes = (0..=255_u8).flat_map(|byte| vec![byte; width]).collect();
            let images = Inputs::Images { bytes: Arc::new(bytes), width, scale, shift };
            for panel in 0..panels(width) {
                let mut out = Buffer::zeros(rows.len() * PANEL);
                gather(isa, &images, &rows, panel, &mut out);
                if whole.is_empty() {
                    whole = out.to_vec();
                }
                let columns = range_of(width, panel).len();
                for (row, out) in whole.chunks_exact(PANEL).zip(out.chunks_exact(PANEL)) {
                    let same = |value: &f32| value.to_bits() == row[0].to_bits();
                    assert!(out[..columns].iter().all(same), "{isa:?}, width {width}");
                }
            }
        }
    }
}

#[test]
fn a_panel_holds_the_columns_of_its_rows_and_nothing_else() {
    let (scale, shift) = (0.01, -1.0);
    // The last row first, and more rows than are asked for ahead.
    let few: Vec<u32> = (0..ROWS).rev().step_by(3).collect();
    let many: Vec<u32> = (0..1100).map(|index| index * 7 % ROWS).collect();
    for width in [1, 7, 8, 16, 31, 32, 33, 63, 64, 65, 95, 96, 97, 128, 129, 784] {
        let len = ROWS as usize * width;
        let bytes: Vec<u8> = (0..len).map(|at| (at * 7919 / 64).to_le_bytes()[0]).collect();
        let values: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 7.0).collect();
        let pixels: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) * scale + shift).collect();
        let table = Inputs::Table(RowChunks::of_rows(&values, width));
        let images = Inputs::Images { bytes: Arc::new(bytes), width, scale, shift };
        for isa in Isa::available() {
            for rows in [&few, &many] {
                holds(isa, &table, rows, &values);
                holds(isa, &images, rows, &pixels);
            }
        }
    }
}
