//! Which processor a thread runs on.
//!
//! A thread that is woken is sometimes put on the processor of the one that woke it, and stays there
//! for some milliseconds although another one idles: two threads that wait for each other every few
//! microseconds are then slower than one.

/// The number of the processor that this thread runs on; the same for all where the system does not say.
#[inline]
#[must_use]
pub fn current() -> usize {
    #[cfg(target_os = "linux")]
    return rustix::thread::sched_getcpu();
    #[cfg(not(target_os = "linux"))]
    usize::MAX
}

/// Moves this thread to another processor if it may run on one; it is free to come back.
pub fn leave(processor: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

        let Ok(allowed) = sched_getaffinity(None) else { return };
        if processor >= CpuSet::MAX_CPU || allowed.count() < 2 {
            return;
        }
        let mut others = allowed;
        others.unset(processor);
        // Where the system refuses, the thread stays where it is, and all works on.
        if sched_setaffinity(None, &others).is_ok() {
            let _ = sched_setaffinity(None, &allowed);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = processor;
}
