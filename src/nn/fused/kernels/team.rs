//! A few threads that share out the panels of a phase.
//!
//! Phases are short, down to some microseconds, so whoever waits first spins and only then sleeps:
//! spinning alone would stop everything a hundredfold as soon as another process takes one of the
//! cores, sleeping alone would cost more than the phase. And where others take the cores for longer, a
//! team waits for whichever member they hold up: it notes how long it waits, and works through its
//! phases on the calling thread alone for as long as that is faster.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a waiting thread looks again before it sleeps: some 20 microseconds.
const SPINS: usize = 2_000;

/// The calling thread and its helpers.
pub struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    patience: Cell<Patience>,
}

/// Whether waiting for the others pays.
#[derive(Clone, Copy)]
struct Patience {
    /// Phases of this window, and how long the calling thread worked and waited in them.
    phases: u32,
    worked: Duration,
    waited: Duration,
    /// Until when it works alone.
    alone_until: Option<Instant>,
    /// For how long, the next time.
    pause: Duration,
}

/// Phases after which a team judges whether it pays.
const WINDOW: u32 = 64;

/// A wait that is no matter of shares that are not quite even.
const LONG: Duration = Duration::from_millis(2);

/// For how long a team that does not pay is given up at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];

impl Patience {
    fn new() -> Self {
        let zero = Duration::ZERO;
        Self { phases: 0, worked: zero, waited: zero, alone_until: None, pause: PAUSES[0] }
    }

    fn is_alone(&mut self) -> bool {
        if self.alone_until.is_some_and(|until| Instant::now() >= until) {
            self.alone_until = None;
        }
        self.alone_until.is_some()
    }

    /// Takes in a phase of a team of `size`.
    fn note(&mut self, size: usize, worked: Duration, waited: Duration) {
        self.phases += 1;
        self.worked += worked;
        self.waited += waited;
        // One long wait is enough: there may be one for every turn that a core is taken away.
        if self.phases < WINDOW && self.waited < self.worked * 2 + LONG {
            return;
        }
        // Alone it would have worked for as many shares as there are members.
        let alone = self.worked * u32::try_from(size).unwrap_or(u32::MAX);
        let pause = if self.worked + self.waited < alone {
            PAUSES[0]
        } else {
            self.alone_until = Some(Instant::now() + self.pause);
            PAUSES[1].min(self.pause * 2)
        };
        *self = Self { alone_until: self.alone_until, pause, ..Self::new() };
    }
}

/// A phase: what each member does, given its number.
type Phase<'a> = &'a (dyn Fn(usize) + Sync);

struct Shared {
    /// Counts phases; a change is the sign to begin.
    phase: AtomicUsize,
    /// Helpers that have not finished the phase.
    busy: AtomicUsize,
    /// The phase at hand, for the helpers; the lifetime is that of [`Team::all`]'s call.
    task: Mutex<Option<Phase<'static>>>,
    /// Whether a helper's part panicked.
    panicked: AtomicBool,
    closing: AtomicBool,
    /// Threads that sleep or are about to.
    asleep: AtomicUsize,
    sleepers: Mutex<()>,
    wake: Condvar,
}

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
        fence(Ordering::SeqCst);
        while !ready() {
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    /// Makes a change that others may be asleep over.
    fn change(&self, change: impl FnOnce()) {
        change();
        // Either this thread sees the sleeper, or the sleeper sees the change.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) == 0 {
            return;
        }
        // Whoever found nothing changed holds the lock until it sleeps: past this, it hears.
        drop(self.sleepers.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_all();
    }

    fn help(&self, number: usize) {
        let mut seen = 0;
        loop {
            self.wait(|| self.phase.load(Ordering::Acquire) != seen);
            seen = self.phase.load(Ordering::Acquire);
            if self.closing.load(Ordering::Acquire) {
                return;
            }
            let task = *self.task.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(task) = task
                && catch_unwind(AssertUnwindSafe(|| task(number))).is_err()
            {
                self.panicked.store(true, Ordering::Release);
            }
            self.change(|| {
                self.busy.fetch_sub(1, Ordering::AcqRel);
            });
        }
    }
}

impl Team {
    /// A team of this many threads, the calling one among them. Where the system gives fewer, it is
    /// smaller; results do not depend on it.
    #[must_use]
    pub fn new(threads: NonZeroUsize) -> Self {
        let shared = Arc::new(Shared {
            phase: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            task: Mutex::new(None),
            panicked: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            asleep: AtomicUsize::new(0),
            sleepers: Mutex::new(()),
            wake: Condvar::new(),
        });
        let spawn = |number| {
            let shared = Arc::clone(&shared);
            let builder = std::thread::Builder::new().name(format!("bnes-team-{number}"));
            builder.spawn(move || shared.help(number)).ok()
        };
        let helpers = (1..threads.get()).map_while(spawn).collect();
        Self { shared, helpers, patience: Cell::new(Patience::new()) }
    }

    /// Its threads.
    #[must_use]
    pub fn size(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Runs `task` once on each thread, with its number, and returns when all are done.
    fn all(&self, task: Phase) {
        let shared = &*self.shared;
        // SAFETY: a helper takes the task only between the sign to begin and its own subtraction
        // from `busy`, and this call returns, by whatever way, only after all have subtracted.
        let lasting = unsafe { std::mem::transmute::<Phase<'_>, Phase<'static>>(task) };
        *shared.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(lasting);
        shared.busy.store(self.helpers.len(), Ordering::Release);
        shared.change(|| {
            shared.phase.fetch_add(1, Ordering::AcqRel);
        });
        let started = Instant::now();
        let own = catch_unwind(AssertUnwindSafe(|| task(0)));
        let worked = started.elapsed();
        shared.wait(|| shared.busy.load(Ordering::Acquire) == 0);
        let mut patience = self.patience.get();
        patience.note(self.size(), worked, started.elapsed().saturating_sub(worked));
        self.patience.set(patience);
        *shared.task.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Err(panic) = own {
            resume_unwind(panic);
        }
        assert!(!shared.panicked.swap(false, Ordering::AcqRel), "a thread of a training panicked");
    }

    /// Calls `work` once for each item, with its number. Members take even shares of neighbours, so
    /// that the same thread finds its panels in its cache again in the next step.
    pub fn for_each<I: Items>(&self, items: I, work: impl Fn(usize, I::Item) + Sync) {
        let (count, size) = (items.count(), self.size());
        let items = Shares(items);
        let one = |index: usize| {
            let items = &items;
            // SAFETY: `index` is below `count`, and neither loop below names one twice: the shares
            // of the members do not overlap.
            work(index, unsafe { items.0.take(index) });
        };
        let mut patience = self.patience.get();
        let alone = size == 1 || count < 2 || patience.is_alone();
        self.patience.set(patience);
        if alone {
            return (0..count).for_each(one);
        }
        self.all(&|member| {
            (count * member / size..count * (member + 1) / size).for_each(one);
        });
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.change(|| {
            self.shared.phase.fetch_add(1, Ordering::AcqRel);
        });
        for helper in self.helpers.drain(..) {
            // It catches the panics of its work, and has none of its own.
            let _ = helper.join();
        }
    }
}

/// Items that are taken by several threads.
struct Shares<I>(I);

// SAFETY: items go to other threads, each to one; that is sending them.
unsafe impl<I: Items> Sync for Shares<I> {}

/// Slices, or tuples of slices of one length, to share out.
pub trait Items {
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

impl<'a, T> From<&'a mut [T]> for Each<'a, T> {
    fn from(slice: &'a mut [T]) -> Self {
        let slice_len = slice.len();
        Self { start: slice.as_mut_ptr(), len: slice_len, slice: std::marker::PhantomData }
    }
}

impl<'a, T: Send> Items for Each<'a, T> {
    type Item = &'a mut T;

    fn count(&self) -> usize {
        self.len
    }

    unsafe fn take(&self, index: usize) -> &'a mut T {
        // SAFETY: the caller's promise; the slice is borrowed for 'a.
        unsafe { &mut *self.start.add(index) }
    }
}

impl<A: Items, B: Items> Items for (A, B) {
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

impl<A: Items, B: Items, C: Items> Items for (A, B, C) {
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
    use super::*;

    fn team(threads: usize) -> Team {
        Team::new(NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn every_item_is_worked_on_once_whatever_the_number_of_threads() {
        for threads in 1..5 {
            let team = team(threads);
            for count in [0, 1, 2, 3, 7, 64] {
                let mut first: Vec<usize> = vec![0; count];
                let mut second: Vec<usize> = vec![5; count];
                for _ in 0..200 {
                    let items = (Each::from(&mut first[..]), Each::from(&mut second[..]));
                    team.for_each(items, |index, (a, b)| {
                        *a += index;
                        *b += 1;
                    });
                }
                assert!(first.iter().enumerate().all(|(index, a)| *a == 200 * index));
                assert!(second.iter().all(|b| *b == 205));
            }
        }
    }

    #[test]
    fn a_panic_of_any_member_ends_the_phase_and_leaves_the_team_whole() {
        let team = team(3);
        for culprit in 0..3 {
            let mut items = vec![0_u8; 3];
            let panic = catch_unwind(AssertUnwindSafe(|| {
                team.for_each(Each::from(&mut items[..]), |index, _| assert!(index != culprit));
            }));
            assert!(panic.is_err());
            team.for_each(Each::from(&mut items[..]), |_, item| *item += 1);
            assert_eq!(items, [1, 1, 1]);
        }
    }
}
