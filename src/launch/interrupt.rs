//! Signals that ask the program to end: the batch at hand is finished, then all is saved.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;

/// Exit code that asks a batch system to start the same job again.
const REQUEUE: i32 = 75;

/// Whether, and by what, the program was asked to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Listens from now on to SIGINT, SIGTERM and SIGUSR1. The first is noted; with the second,
    /// whichever it is, the process exits at once.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM, SIGUSR1] {
            let failed = || format!("cannot listen to signal {signal}");
            // In this order: the first signal finds `asked` not yet set.
            flag::register_conditional_shutdown(
                signal,
                exit_code(signal),
                Arc::clone(&interrupt.asked),
            )
            .with_context(failed)?;
            let number = usize::try_from(signal)?;
            flag::register_usize(signal, Arc::clone(&interrupt.signal), number)
                .with_context(failed)?;
            flag::register(signal, Arc::clone(&interrupt.asked)).with_context(failed)?;
        }
        Ok(interrupt)
    }

    /// Whether it was asked to end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Asks it to end.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// The name of the signal and the exit code that tells of it.
    #[must_use]
    pub fn told(&self) -> (&'static str, u8) {
        let signal = i32::try_from(self.signal.load(Ordering::Relaxed)).unwrap_or(SIGTERM);
        let name = match signal {
            SIGINT => "SIGINT",
            SIGUSR1 => "SIGUSR1",
            _ => "SIGTERM",
        };
        (name, u8::try_from(exit_code(signal)).unwrap_or(u8::MAX))
    }
}

fn exit_code(signal: i32) -> i32 {
    if signal == SIGUSR1 { REQUEUE } else { 128 + signal }
}
