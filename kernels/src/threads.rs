//! A few threads that share out the panels of a task.
//!
//! Tasks are short, down to some microseconds, so whoever waits first spins and only then sleeps:
//! spinning alone would stop everything a hundredfold as soon as another process takes one of the
//! cores, sleeping alone would cost more than the task. Whether the pool works together at all, or the
//! calling thread alone, goes by what was faster: `autotune.rs`.

use std::cell::{RefCell, UnsafeCell};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::autotune::Autotune;
use super::subnormal::FlushToZero;
use super::{processor, range_of};

/// How often a waiting thread looks again before it sleeps: some 20 microseconds.
const SPINS: usize = 2_000;

/// How long a helper stays before it leaves the calling thread's processor again: where others have the
/// rest, the system has its reasons.
const STAY: Duration = Duration::from_millis(10);

/// The calling thread and its helpers, which take subnormal numbers for zeros: so that results do not depend
/// on who computes them, the calling thread has to hold a [`FlushToZero`] as long as it works with them.
pub struct ThreadPool {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    autotune: RefCell<Autotune>,
}

/// A task: what each member does, given its number.
type Task<'a> = &'a (dyn Fn(usize) + Sync);

/// What the members share. What is written in each task lies in cache lines of its own.
struct Shared {
    start: Start,
    busy: Busy,
    /// Whether a helper's part panicked.
    panicked: AtomicBool,
    closing: AtomicBool,
    /// Threads that sleep or are about to.
    asleep: AtomicUsize,
    sleepers: Mutex<()>,
    wake: Condvar,
}

/// The sign to begin.
#[repr(align(128))]
struct Start {
    /// Counts tasks.
    task_number: AtomicUsize,
    /// The calling thread's processor.
    processor: AtomicUsize,
    /// The closure being run; the lifetime is that of [`ThreadPool::all`]'s call.
    task: UnsafeCell<Option<Task<'static>>>,
}

/// Helpers that have not finished the task.
#[repr(align(128))]
struct Busy(AtomicUsize);

// SAFETY: `task` is written by the calling thread while no helper is busy, and read by helpers between
// the change of `task_number` that follows and their subtraction from `busy`.
unsafe impl Sync for Shared {}

impl Shared {
    /// Waits until `ready`, first spinning.
    fn wait(&self, ready: impl Fn() -> bool) {
        for _ in 0..SPINS {
            if ready() {
                return;
            }
            std::hint::spin_loop();
        }
        let mut guard = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.fetch_add(1, Ordering::SeqCst);
        while !ready() {
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    /// Wakes whoever sleeps over a change just made, which has to be sequentially consistent: either
    /// this thread sees the sleeper, or the sleeper sees the change.
    fn changed(&self) {
        if self.asleep.load(Ordering::SeqCst) == 0 {
            return;
        }
        // Whoever found nothing changed holds the lock until it sleeps: past this, it hears.
        drop(self.sleepers.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_all();
    }

    /// Goes where it does not have to share a processor with the calling thread, if there is such a place;
    /// `left` is when it last did.
    fn leave_the_caller(&self, left: &mut Option<Instant>) {
        let Some(own) = processor::current() else { return };
        if own == self.start.processor.load(Ordering::Relaxed)
            && left.is_none_or(|left| left.elapsed() > STAY)
        {
            processor::leave(own);
            *left = Some(Instant::now());
        }
    }

    fn help(&self, number: usize) {
        let _flush = FlushToZero::new();
        let mut seen = 0;
        let mut left = None;
        loop {
            self.wait(|| self.start.task_number.load(Ordering::SeqCst) != seen);
            seen = self.start.task_number.load(Ordering::SeqCst);
            if self.closing.load(Ordering::SeqCst) {
                return;
            }
            // SAFETY: written before the change of `task_number` that was just seen, and not again before
            // the subtraction below.
            let task = unsafe { *self.start.task.get() };
            let part = || {
                self.leave_the_caller(&mut left);
                if let Some(task) = task {
                    task(number);
                }
            };
            if catch_unwind(AssertUnwindSafe(part)).is_err() {
                self.panicked.store(true, Ordering::SeqCst);
            }
            self.busy.0.fetch_sub(1, Ordering::SeqCst);
            self.changed();
        }
    }
}

impl ThreadPool {
    /// A pool of this many threads, the calling one among them. Where the system gives fewer, it is
    /// smaller; results do not depend on it.
    #[must_use]
    pub fn new(threads: NonZeroUsize) -> Self {
        let shared = Arc::new(Shared {
            start: Start {
                task_number: AtomicUsize::new(0),
                processor: AtomicUsize::new(usize::MAX),
                task: UnsafeCell::new(None),
            },
            busy: Busy(AtomicUsize::new(0)),
            panicked: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            asleep: AtomicUsize::new(0),
            sleepers: Mutex::new(()),
            wake: Condvar::new(),
        });
        let spawn = |number| {
            let shared = Arc::clone(&shared);
            let builder = std::thread::Builder::new().name(format!("bnes-pool-{number}"));
            builder.spawn(move || shared.help(number)).ok()
        };
        let helpers = (1..threads.get()).map_while(spawn).collect();
        Self { shared, helpers, autotune: RefCell::default() }
    }

    /// Its threads.
    #[must_use]
    pub fn size(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Processor time of the helpers so far, waiting for tasks included; none where the system does not tell.
    #[must_use]
    pub fn helpers_cpu_time(&self) -> Option<Duration> {
        self.helpers.iter().map(processor::time_of).sum()
    }

    /// Takes note of the time that a round of this many rows took, one of many alike: what comes next is
    /// done together or by the calling thread alone, whatever was faster.
    pub fn note(&self, rows: usize, time: Duration) {
        self.autotune.borrow_mut().note(rows, time);
    }

    /// Runs `task` once on each thread, with its number, and returns when all are done.
    fn all(&self, task: Task) {
        let shared = &*self.shared;
        // SAFETY: a helper takes the task only between the sign to begin and its own subtraction
        // from `busy`, and this call returns, by whatever way, only after all have subtracted.
        let lasting = unsafe { std::mem::transmute::<Task<'_>, Task<'static>>(task) };
        // SAFETY: no helper is busy, so none reads.
        unsafe { *shared.start.task.get() = Some(lasting) };
        if let Some(processor) = processor::current() {
            shared.start.processor.store(processor, Ordering::Relaxed);
        }
        shared.busy.0.store(self.helpers.len(), Ordering::SeqCst);
        shared.start.task_number.fetch_add(1, Ordering::SeqCst);
        shared.changed();
        let own = catch_unwind(AssertUnwindSafe(|| task(0)));
        shared.wait(|| shared.busy.0.load(Ordering::SeqCst) == 0);
        // SAFETY: no helper is busy, so none reads.
        unsafe { *shared.start.task.get() = None };
        let another = shared.panicked.swap(false, Ordering::SeqCst);
        if let Err(panic) = own {
            resume_unwind(panic);
        }
        assert!(!another, "a thread of a training panicked");
    }

    /// Calls `work` once for each item, with its number, on the member whose place it has. Who
    /// works on the same panels in each task and step finds them in the cache again.
    #[allow(clippy::needless_pass_by_value)] // they are given up, so that nobody takes one again
    pub fn for_each<I: Items>(
        &self,
        items: I,
        places: Partition,
        work: impl Fn(usize, I::Item) + Sync,
    ) {
        let (count, size) = (items.count(), self.size());
        let one = |index: usize| {
            // SAFETY: `index` is below `count`, and neither loop below names one twice: the owner of a
            // place is the same whoever asks.
            work(index, unsafe { items.take(index) });
        };
        let owner = |index: usize| places.owner(index, count, size);
        if size == 1
            || !self.autotune.borrow().together()
            || (0..count).all(|index| owner(index) == 0)
        {
            return (0..count).for_each(one);
        }
        self.all(&|member| (0..count).filter(|index| owner(*index) == member).for_each(one));
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        self.shared.start.task_number.fetch_add(1, Ordering::SeqCst);
        self.shared.changed();
        for helper in self.helpers.drain(..) {
            // It catches the panics of its work, and has none of its own.
            let _ = helper.join();
        }
    }
}

/// Where items lie in what all members share evenly.
#[derive(Debug, Clone, Copy)]
pub enum Partition<'a> {
    /// They are the panels of a matrix this wide.
    Panels(usize),
    /// They are all alike.
    Even,
    /// As listed.
    Listed(&'a [Place]),
}

impl Partition<'_> {
    /// Whose item `index` of `count` is, of so many members.
    fn owner(self, index: usize, count: usize, members: usize) -> usize {
        match self {
            Self::Panels(width) => Place::of_panel(width, index).owner(members),
            Self::Even => Place { piece: index..index + 1, whole: count }.owner(members),
            Self::Listed(places) => places[index].owner(members),
        }
    }
}

/// Where an item lies in what all members share evenly, each a run of neighbours.
#[derive(Debug)]
pub struct Place {
    /// The item: some of the columns of a matrix, or of the rows.
    pub piece: Range<usize>,
    /// All of them.
    pub whole: usize,
}

impl Place {
    /// Panel `index` of a matrix of `width` columns.
    #[must_use]
    pub fn of_panel(width: usize, index: usize) -> Self {
        Self { piece: range_of(width, index), whole: width }
    }

    /// The member whose share the middle lies in. The last share, and what cannot be shared, is the
    /// calling thread's (0): it has other things to do, too, and the last panel is often a narrow one.
    fn owner(&self, members: usize) -> usize {
        if self.piece.len() == self.whole {
            return 0;
        }
        let twice_the_middle = self.piece.start + self.piece.end;
        let share = (twice_the_middle * members).saturating_sub(1) / (2 * self.whole).max(1);
        members - 1 - share.min(members - 1)
    }
}

/// Slices, or tuples of slices of one length, to share out.
///
/// # Safety
/// Items below [`count`](Self::count) have to be there and apart from each other: several threads take
/// them at once.
pub unsafe trait Items: Sync {
    /// What a member gets.
    type Item: Send;

    /// How many.
    fn count(&self) -> usize;

    /// Item `index`.
    ///
    /// # Safety
    /// `index` is below [`count`](Self::count), and no item is taken twice.
    unsafe fn take(&self, index: usize) -> Self::Item;
}

/// A slice whose items are handed out one by one.
pub struct Each<'a, T> {
    start: *mut T,
    len: usize,
    slice: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: several threads may take items, each item one of them; that is sending it.
unsafe impl<T: Send> Sync for Each<'_, T> {}

impl<'a, T> From<&'a mut [T]> for Each<'a, T> {
    fn from(slice: &'a mut [T]) -> Self {
        let slice_len = slice.len();
        Self { start: slice.as_mut_ptr(), len: slice_len, slice: std::marker::PhantomData }
    }
}

// SAFETY: the items of a slice.
unsafe impl<'a, T: Send> Items for Each<'a, T> {
    type Item = &'a mut T;

    fn count(&self) -> usize {
        self.len
    }

    unsafe fn take(&self, index: usize) -> &'a mut T {
        // SAFETY: the caller's promise; the slice is borrowed for 'a.
        unsafe { &mut *self.start.add(index) }
    }
}

// SAFETY: pairs of items that are apart are.
unsafe impl<A: Items, B: Items> Items for (A, B) {
    type Item = (A::Item, B::Item);

    fn count(&self) -> usize {
        assert_eq!(self.0.count(), self.1.count());
        self.0.count()
    }

    unsafe fn take(&self, index: usize) -> Self::Item {
        // SAFETY: the caller's promise; both have as many items.
        unsafe { (self.0.take(index), self.1.take(index)) }
    }
}

// SAFETY: as pairs.
unsafe impl<A: Items, B: Items, C: Items> Items for (A, B, C) {
    type Item = (A::Item, B::Item, C::Item);

    fn count(&self) -> usize {
        assert!(self.0.count() == self.1.count() && self.0.count() == self.2.count());
        self.0.count()
    }

    unsafe fn take(&self, index: usize) -> Self::Item {
        // SAFETY: the caller's promise; all have as many items.
        unsafe { (self.0.take(index), self.1.take(index), self.2.take(index)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels;
    use super::*;

    fn pool(threads: usize) -> ThreadPool {
        ThreadPool::new(NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn every_item_is_worked_on_once_whatever_the_number_of_threads() {
        for threads in 1..5 {
            let pool = pool(threads);
            for count in [0, 1, 2, 3, 7, 64] {
                let mut first: Vec<usize> = vec![0; count];
                let mut second: Vec<usize> = vec![5; count];
                for _ in 0..200 {
                    let items = (Each::from(&mut first[..]), Each::from(&mut second[..]));
                    // Now and then alone, as if it had been slow together.
                    pool.note(1, Duration::from_secs(1));
                    pool.for_each(items, Partition::Even, |index, (a, b)| {
                        *a += index;
                        *b += 1;
                    });
                }
                assert!(first.iter().enumerate().all(|(index, a)| *a == 200 * index));
                assert!(second.iter().all(|b| *b == 205));
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_time_of_helpers_is_that_of_their_own_work() {
        let alone = pool(1);
        assert_eq!(alone.helpers_cpu_time(), Some(Duration::ZERO));
        let pool = pool(2);
        let before = pool.helpers_cpu_time().unwrap();
        // Until it has used some: how long that takes is the system's.
        let used = |_, _: &mut u8| {
            let end = of_thread() + Duration::from_millis(5);
            while of_thread() < end {}
        };
        pool.for_each(Each::from(&mut [0; 2][..]), Partition::Even, used);
        assert!(pool.helpers_cpu_time().unwrap() >= before + Duration::from_millis(5));
    }

    #[cfg(target_os = "linux")]
    fn of_thread() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap()
    }

    #[test]
    fn shares_are_even_runs_of_neighbours_and_the_last_is_the_callers() {
        let owners = |members: usize, width: usize| -> Vec<usize> {
            let places = (0..panels(width)).map(|index| Place::of_panel(width, index));
            places.map(|place| place.owner(members)).collect()
        };
        assert_eq!(owners(2, 100), [1, 1, 0, 0]);
        assert_eq!(owners(2, 64), [1, 0]);
        assert_eq!(owners(2, 10), [0]);
        assert_eq!(owners(2, 96), [1, 1, 0]);
        assert_eq!((owners(3, 10), owners(4, 32)), (vec![0], vec![0]));
        assert_eq!(owners(3, 128), [2, 1, 1, 0]);
        assert_eq!(owners(4, 70), [3, 1, 0]);
    }

    #[test]
    fn a_panic_of_any_member_ends_the_phase_and_leaves_the_team_whole() {
        let pool = pool(3);
        let cases: [fn(usize) -> bool; 4] =
            [|index| index != 0, |index| index != 1, |index| index != 2, |_| false];
        for fine in cases {
            let mut items = vec![0_u8; 3];
            let panic = catch_unwind(AssertUnwindSafe(|| {
                let items = Each::from(&mut items[..]);
                pool.for_each(items, Partition::Even, |index, _| assert!(fine(index)));
            }));
            assert!(panic.is_err());
            pool.for_each(Each::from(&mut items[..]), Partition::Even, |_, item| *item += 1);
            assert_eq!(items, [1, 1, 1]);
        }
    }
}
