//! Signals that ask the program to end: the current batch is finished, then all is saved.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{exit, signal_name};

use crate::console::eprintln;

/// Exit code that asks a batch system to start the same job again.
pub const REQUEUE: u8 = 75;

/// How long a last line may take before the process ends without it.
const LAST_LINE: Duration = Duration::from_millis(100);

/// How long a signal of a batch system is the same one when it comes again: Slurm sends it to all processes of a job,
/// and the job's script, which may be the only one that it reaches, passes it on.
const ECHO: Duration = Duration::from_secs(1);

/// Whether, and by what, the program was asked to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// The first signal; 0 where there was none.
    signal: Arc<AtomicI32>,
}

impl Interrupt {
    /// Listens from now on to SIGINT, SIGTERM, SIGHUP and SIGUSR1. The first is noted; with the
    /// second, whichever it is, the process exits at once. SIGTERM or SIGUSR1 twice within a second is one.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let mut signals = vec![SIGINT, SIGTERM, SIGUSR1];
        if !is_ignored(SIGHUP) {
            signals.push(SIGHUP);
        }
        let mut signals = Signals::new(signals).context("cannot listen to signals")?;
        let first = interrupt.clone();
        let watch = move || {
            let mut since = Instant::now();
            for signal in signals.forever() {
                match first.note(signal) {
                    Ok(_) => since = Instant::now(),
                    Err(first) if is_echo(first, signal, since.elapsed()) => {}
                    Err(_) => {
                        last_line(signal);
                        exit(exit_code(signal));
                    }
                }
            }
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(watch)
            .context("cannot start the thread that waits for signals")?;
        Ok(interrupt)
    }

    /// Notes a signal, unless there was one before.
    fn note(&self, signal: i32) -> Result<i32, i32> {
        self.signal.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed)
    }

    /// Whether it was asked to end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// The name of the first signal and the exit code that tells of it.
    #[must_use]
    pub fn signal(&self) -> (&'static str, u8) {
        let signal = self.signal.load(Ordering::Relaxed);
        (name(signal), u8::try_from(exit_code(signal)).unwrap_or(u8::MAX))
    }
}

/// Whether a signal is the first one, which came this long before, passed on.
fn is_echo(first: i32, signal: i32, after: Duration) -> bool {
    first == signal && [SIGTERM, SIGUSR1].contains(&signal) && after < ECHO
}

/// Whether this process was started to ignore a signal, as `nohup` does with SIGHUP; false where
/// the system does not tell.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Says what a second signal does, without waiting for a reader who has stopped reading.
fn last_line(signal: i32) {
    let (told, is_told) = mpsc::channel();
    thread::spawn(move || {
        eprintln(format_args!(
            "{}, the second signal: stopped at once; the same command resumes from the last checkpoints",
            name(signal)
        ));
        let _ = told.send(());
    });
    let _ = is_told.recv_timeout(LAST_LINE);
}

fn name(signal: i32) -> &'static str {
    signal_name(signal).unwrap_or("a signal")
}

fn exit_code(signal: i32) -> i32 {
    if signal == SIGUSR1 { i32::from(REQUEUE) } else { 128 + signal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_passes_on_is_the_same_signal_and_what_people_repeat_is_not() {
        let soon = ECHO / 2;
        assert!(is_echo(SIGTERM, SIGTERM, soon) && is_echo(SIGUSR1, SIGUSR1, soon));
        assert!(!is_echo(SIGINT, SIGINT, soon) && !is_echo(SIGUSR1, SIGTERM, soon));
        assert!(!is_echo(SIGTERM, SIGTERM, ECHO));
    }

    #[test]
    fn the_first_signal_is_the_one_that_is_told() {
        let interrupt = Interrupt::default();
        assert!(!interrupt.is_asked());
        assert!(interrupt.note(SIGHUP).is_ok() && interrupt.note(SIGINT).is_err());
        assert!(interrupt.is_asked());
        assert_eq!(interrupt.signal(), ("SIGHUP", 129));
    }
}
