//! The norms that the fused engine has; [`build`] names every norm that a config can have, so that none is
//! left out unnoticed.

mod batch;
mod panel_norm;

use crate::config::norm::Norm as Kind;
use crate::config::training::Optimizer;

pub use panel_norm::{Back, Forward, Norm, Pass};

/// That this engine does not have a norm, by the name of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bnes's own engine does not have the norm `{0}`")]
pub struct Lacking(pub &'static str);

/// Builds the norm of a panel.
///
/// # Errors
/// Where this engine does not have it.
pub fn build(kind: &Kind, optimizer: &Optimizer) -> Result<Box<dyn Norm>, Lacking> {
    match kind {
        Kind::Batch(settings) => Ok(Box::new(batch::BatchNorm::new(settings, optimizer))),
        Kind::None(_) => Err(Lacking(kind.kind())),
    }
}
