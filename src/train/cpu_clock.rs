//! Processor time of a training.

use rustix::time::{ClockId, clock_gettime};

use crate::nn::Engine;

/// What a training has used of the processors, from the first epoch on, breaks added up.
pub struct CpuClock {
    /// Until this clock began; none where some of that is not known.
    before_s: Option<f64>,
    /// What the threads had used as it began.
    start_s: Option<f64>,
    alone: bool,
}

impl CpuClock {
    /// Begins on the thread that trains. `alone`: the process does nothing else, so that where the engine
    /// cannot tell its threads from those of others, all of them are the training's.
    pub fn start(before_s: Option<f64>, engine: &dyn Engine, alone: bool) -> Self {
        Self { before_s, start_s: used_s(engine, alone), alone }
    }

    /// Seconds so far; none where the system keeps no such account.
    pub fn cpu_s(&self, engine: &dyn Engine) -> Option<f64> {
        Some(self.before_s? + used_s(engine, self.alone)? - self.start_s?)
    }
}

fn used_s(engine: &dyn Engine, alone: bool) -> Option<f64> {
    match engine.helpers_cpu_s() {
        Some(helpers) => Some(helpers + seconds(ClockId::ThreadCPUTime)),
        None => alone.then(|| seconds(ClockId::ProcessCPUTime)),
    }
}

#[allow(clippy::cast_precision_loss)] // seconds since the start of a process
fn seconds(id: ClockId) -> f64 {
    let time = clock_gettime(id);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
