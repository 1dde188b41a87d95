//! Which processor a thread runs on.
//!
//! A thread that is woken is sometimes put on the processor of the one that woke it, and stays there
//! for some milliseconds although another one idles: two threads that wait for each other every few
//! microseconds are then slower than one.

/// The number of the processor that this thread runs on; none where the system does not say.
#[inline]
#[must_use]
pub fn current() -> Option<usize> {
    // Not by rustix, which reads the kernel's own pages for it, where valgrind forbids that.
    // SAFETY: it takes nothing and gives a number; below 0 is an error.
    #[cfg(target_os = "linux")]
    return usize::try_from(unsafe { libc::sched_getcpu() }).ok();
    #[cfg(not(target_os = "linux"))]
    None
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::{CpuSet, sched_getaffinity};

    use super::*;

    #[test]
    fn whoever_leaves_a_processor_may_come_back() {
        let bits =
            |set: CpuSet| (0..CpuSet::MAX_CPU).map(|cpu| set.is_set(cpu)).collect::<Vec<_>>();
        let moved = std::thread::spawn(move || {
            let before = bits(sched_getaffinity(None).unwrap());
            for processor in [current().unwrap(), usize::MAX] {
                leave(processor);
                assert_eq!(bits(sched_getaffinity(None).unwrap()), before);
            }
        });
        moved.join().unwrap();
    }
}
