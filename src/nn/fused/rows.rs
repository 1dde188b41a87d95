//! Between rows of the data and panels.

use crate::data::{Inputs, RowChunks};
use bnes_kernels::buffer::Buffer;
use bnes_kernels::gather::{GatherBytes, GatherFloats};
use bnes_kernels::{Isa, PANEL, range_of};

/// Copies columns `panel * PANEL..` of these rows into a panel; images become numbers on the way.
pub fn gather(isa: Isa, inputs: &Inputs, rows: &[u32], panel: usize, out: &mut Buffer) {
    let width = inputs.width();
    let columns = range_of(width, panel);
    let (from, columns) = (columns.start, columns.len());
    match inputs {
        Inputs::Table(table) => {
            let (chunks, log_rows) = (table.chunks(), RowChunks::LOG_ROWS);
            GatherFloats { chunks, log_rows, width, rows, from, columns, out }.run(isa);
        }
        Inputs::Images { bytes, scale, shift, .. } => {
            let (scale, shift) = (*scale, *shift);
            GatherBytes { bytes, width, rows, from, columns, scale, shift, out }.run(isa);
        }
    }
}

/// Copies panels into rows of `width` numbers.
pub fn scatter(panels: &[Buffer], width: usize, out: &mut [f32]) {
    for (index, panel) in panels.iter().enumerate() {
        let columns = range_of(width, index);
        for (row, place) in panel.chunks_exact(PANEL).zip(out.chunks_exact_mut(width)) {
            place[columns.clone()].copy_from_slice(&row[..columns.len()]);
        }
    }
}
