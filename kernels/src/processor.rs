//! Which processor a thread runs on, and for how long.
//!
//! A thread that is woken is sometimes put on the processor of the one that woke it, and stays there
//! for some milliseconds although another one idles: two threads that wait for each other every few
//! microseconds are then slower than one.

use std::thread::JoinHandle;
use std::time::Duration;

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

/// Processor time that a thread has used; none where the system does not tell.
pub fn time_of<T>(thread: &JoinHandle<T>) -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::thread::JoinHandleExt;

        let mut clock: libc::clockid_t = 0;
        // SAFETY: as long as there is a handle, the thread is known; a number is put where it is told to.
        let failed = unsafe { libc::pthread_getcpuclockid(thread.as_pthread_t(), &raw mut clock) };
        if failed != 0 {
            return None;
        }
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the time is put where it is told to.
        let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
        let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
        (failed == 0).then(|| Some(Duration::new(seconds.ok()?, nanos.ok()?))).flatten()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = thread;
        None
    }
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
