//! Rows of the data in panels.

use super::UNTOUCHED;
use crate::nn::fused::kernels::gather::{GatherBytes, GatherFloats};
use crate::nn::fused::kernels::{Isa, PANEL, panels, range_of};

const ROWS: u32 = 50;

/// Whether each panel holds `expected` of a row and a column, and nothing else was touched.
fn holds(
    label: &str,
    width: usize,
    rows: &[u32],
    gather: impl Fn(usize, &mut [f32]),
    expected: impl Fn(usize) -> f32,
) {
    for panel in 0..panels(width) {
        let mut out = vec![UNTOUCHED; rows.len() * PANEL];
        gather(panel, &mut out);
        let columns = range_of(width, panel);
        for (row, out) in rows.iter().zip(out.chunks_exact(PANEL)) {
            for (column, value) in columns.clone().zip(out) {
                let expected = expected(*row as usize * width + column);
                assert!((value - expected).abs() <= 1e-6, "{label}: {value} is not {expected}");
            }
            assert!(out[columns.len()..].iter().all(|value| *value == UNTOUCHED), "{label}");
        }
    }
}

#[test]
fn a_panel_holds_the_columns_of_its_rows_and_nothing_else() {
    // The last row first, and more rows than are asked for ahead.
    let few: Vec<u32> = (0..ROWS).rev().step_by(3).collect();
    let many: Vec<u32> = (0..1100).map(|index| index * 7 % ROWS).collect();
    for width in [1, 7, 8, 16, 31, 32, 33, 63, 64, 65, 95, 96, 97, 128, 129, 784] {
        let len = ROWS as usize * width;
        let bytes: Vec<u8> = (0..len).map(|at| (at * 7919 / 64).to_le_bytes()[0]).collect();
        let values: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 7.0).collect();
        for (rows, isa) in [&few, &many]
            .into_iter()
            .flat_map(|rows| Isa::available().into_iter().map(move |isa| (rows, isa)))
        {
            let label = format!("{isa:?}, width {width}, {} rows", rows.len());
            let floats = |panel, out: &mut [f32]| {
                let columns = range_of(width, panel);
                let (from, columns) = (columns.start, columns.len());
                isa.run(GatherFloats { values: &values, width, rows, from, columns, out });
            };
            holds(&label, width, rows, floats, |at| values[at]);
            let (scale, shift) = (0.01, -1.0);
            let images = |panel, out: &mut [f32]| {
                let columns = range_of(width, panel);
                let (from, columns) = (columns.start, columns.len());
                isa.run(GatherBytes {
                    bytes: &bytes,
                    width,
                    rows,
                    from,
                    columns,
                    scale,
                    shift,
                    out,
                });
            };
            holds(&label, width, rows, images, |at| f32::from(bytes[at]) * scale + shift);
        }
    }
}
