//! Between rows of the data and panels.

use super::columns;
use super::kernels::PANEL;
use super::kernels::buffer::Buffer;
use crate::data::Inputs;

/// Copies columns `panel * PANEL..` of these rows into a panel; images become numbers on the way.
pub fn gather(inputs: &Inputs, rows: &[u32], panel: usize, out: &mut Buffer) {
    let columns = columns(inputs.width(), panel);
    let places = out.chunks_exact_mut(PANEL).map(|place| &mut place[..columns.len()]);
    match inputs {
        Inputs::Table { values, width } => {
            for (row, place) in rows.iter().zip(places) {
                place.copy_from_slice(&values[*row as usize * width..][columns.clone()]);
            }
        }
        Inputs::Images { bytes, width, scale, shift } => {
            for (row, place) in rows.iter().zip(places) {
                let bytes = &bytes[*row as usize * width..][columns.clone()];
                for (place, byte) in place.iter_mut().zip(bytes) {
                    *place = f32::from(*byte) * scale + shift;
                }
            }
        }
    }
}

/// Copies panels into rows of `width` numbers.
pub fn scatter(panels: &[Buffer], width: usize, out: &mut [f32]) {
    for (index, panel) in panels.iter().enumerate() {
        let columns = columns(width, index);
        for (row, place) in panel.chunks_exact(PANEL).zip(out.chunks_exact_mut(width)) {
            place[columns.clone()].copy_from_slice(&row[..columns.len()]);
        }
    }
}
