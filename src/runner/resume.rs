//! The way back from the checkpoints of a training to the place at which it goes on.

use std::path::Path;

use anyhow::Result;

use super::checkpointer::{self, Notes};
use super::compute::Compute;
use super::prepared_training::PreparedTraining;
use crate::event::{Event, Observer};
use crate::nn::Engine;
use crate::storage::{Claim, WorkDir};
use crate::train::{self, Checkpoint, FitInputs, Position};

/// The newest checkpoint that can be gone on from, with an engine loaded from it. A damaged one is
/// named and set aside.
#[must_use]
pub fn newest(
    training: &PreparedTraining,
    inputs: &FitInputs,
    claim: &Claim,
    compute: &Compute,
    observer: &mut dyn Observer,
) -> Option<(Checkpoint, Notes, Box<dyn Engine>)> {
    let (mut damaged, mut lacking) = (0, 0);
    for path in claim.checkpoints() {
        let loaded = usable(training, inputs, &path).and_then(|found| {
            let Some((checkpoint, notes)) = found else { return Ok(None) };
            let mut engine = compute.engine(training)?;
            engine.load_training(&checkpoint.engine)?;
            Ok(Some((checkpoint, notes, engine)))
        });
        match loaded {
            Ok(Some(found)) => return Some(found),
            Ok(None) => lacking += 1,
            Err(error) => {
                damaged += 1;
                let aside = claim.set_aside(&path);
                let message = format!(
                    "the checkpoint {} is damaged ({error:#}): set aside as {}",
                    path.display(),
                    aside.display()
                );
                observer.on_event(Event::Warning { message });
            }
        }
    }
    let dir = &training.dir;
    if lacking > 0 {
        let message = format!("{dir}: its checkpoints lack what a rule needs: it starts again");
        observer.on_event(Event::Note { message });
    } else if damaged > 0 {
        let message = format!("{dir}: no checkpoint is left: it starts again");
        observer.on_event(Event::Warning { message });
    }
    None
}

/// A checkpoint, where the training can go on from it.
fn usable(
    training: &PreparedTraining,
    inputs: &FitInputs,
    path: &Path,
) -> Result<Option<(Checkpoint, Notes)>> {
    let found = checkpointer::read(path, &training.identity)?;
    Ok(found.filter(|(checkpoint, _)| train::can_resume(inputs, checkpoint)))
}

/// Where a training that is not at work would go on; none where it would begin again.
#[must_use]
pub fn resumes_at(training: &PreparedTraining, work_dir: &WorkDir) -> Option<Position> {
    let inputs = training.fit_inputs();
    let mut usable = work_dir.checkpoints().into_iter().filter_map(|path| {
        // A damaged one will be named when it is set aside.
        usable(training, &inputs, &path).ok().flatten()
    });
    usable.next().map(|(checkpoint, _)| checkpoint.position())
}
