//! What a norm is told of a pass.

/// Whether a forward pass trains or recalibrates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Running statistics move.
    Train,
    /// Batches are counted towards new statistics.
    Recalibrate,
}
