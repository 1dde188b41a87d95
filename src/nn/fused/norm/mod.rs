//! The norms that the fused engine has; [`build`] names every norm that a config can have, so that none is
//! left out unnoticed.

mod affine;
mod batch;
mod batch_renorm;
mod ghost_batch;
mod panel_norm;
mod pass;
mod row_norm;
mod running;

use crate::config::norm::Norm as Kind;
use crate::nn::layout::NormLayout;
use bnes_kernels::by_row::ByRow;

pub use affine::Affine;
pub use panel_norm::{Back, Forward, Norm};
pub use pass::Pass;

/// That this engine does not have a norm, by the name of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bnes's own engine does not have the norm `{0}`")]
pub struct Lacking(pub &'static str);

/// Where in a layer a norm works.
pub enum Form {
    /// On each panel of units by itself.
    Panel(Box<dyn Norm>),
    /// On each row, once all panels are there.
    Rows(ByRow),
}

/// Builds a norm, for one panel where it works on panels.
///
/// # Errors
/// Where this engine does not have it.
pub fn build(layout: &NormLayout, units: usize) -> Result<Form, Lacking> {
    let rows = |settings| Form::Rows(row_norm::by_row(settings, units));
    Ok(match &layout.kind {
        Kind::Batch(settings) => panel(batch::BatchNorm::new(settings)),
        Kind::MeanOnlyBatch(settings) => panel(batch::BatchNorm::of_mean(settings)),
        Kind::GhostBatch(settings) => panel(ghost_batch::GhostBatchNorm::new(settings)),
        Kind::BatchRenorm(settings) => {
            panel(batch_renorm::BatchRenorm::new(settings, layout.steps))
        }
        Kind::Layer(settings) => rows(settings.by_row()),
        Kind::Group(settings) => rows(settings.by_row()),
        Kind::Rms(settings) => rows(settings.by_row()),
        // What the latter does is in the weights.
        Kind::None(_) | Kind::Weight(_) => return Err(Lacking(layout.kind.kind())),
    })
}

fn panel(norm: impl Norm + 'static) -> Form {
    Form::Panel(Box::new(norm))
}
