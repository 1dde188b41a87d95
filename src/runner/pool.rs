//! Work side by side on threads of this process, until all of it is done or a signal comes.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::interrupt::Interrupt;
use crate::event::Event;

/// How often [`Work::heartbeat`] is called, far below the silence after which a claim is void.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How often it is looked whether a signal came.
const WATCH: Duration = Duration::from_millis(50);

/// How long work that another process has in hand is left alone at first, and at most: on a shared file system each
/// look costs the others something.
const POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Pieces of work by number, from 0.
pub trait Work: Sync {
    /// What comes of a piece.
    type Output: Send;

    /// Does a piece; none while another process has it in hand.
    fn attempt(&self, number: usize, events: &Sender<Event>) -> Option<Self::Output>;

    /// What came of a piece in words, and whether it failed.
    fn outcome(&self, number: usize, output: &Self::Output) -> (String, bool);

    /// Who is waited for, in words, where another process has a piece in hand.
    fn holder(&self, _number: usize) -> Option<String> {
        None
    }

    /// Called regularly as long as anything is in hand.
    fn heartbeat(&self) {}
}

/// What became of a piece.
#[derive(Debug)]
pub enum Piece<T> {
    /// It was done.
    Done(T),
    /// A signal came before it began.
    NotBegun,
    /// A signal came while another process had it in hand.
    Elsewhere,
}

/// Some threads.
pub struct Pool<'a> {
    /// How many.
    pub jobs: usize,
    /// Asks them to end.
    pub interrupt: &'a Interrupt,
    /// What a signal does, in words.
    pub on_signal: &'static str,
}

/// The numbers of the pieces not yet begun, and of those that another process has in hand.
struct Queue {
    next: VecDeque<usize>,
    waiting: VecDeque<usize>,
    /// Those of which it was said that they are waited for.
    announced: HashSet<usize>,
}

impl Pool<'_> {
    /// Does `count` pieces, or waits where another process has one in hand. What became of them is in
    /// the order of their numbers, whatever the order in which they ended.
    pub fn run<W: Work>(
        &self,
        work: &W,
        count: usize,
        events: &Sender<Event>,
    ) -> Vec<Piece<W::Output>> {
        let next = (0..count).collect();
        let queue = Queue { next, waiting: VecDeque::new(), announced: HashSet::new() };
        let queue = Mutex::new(queue);
        let pieces = Mutex::new((0..count).map(|_| Piece::NotBegun).collect::<Vec<_>>());
        let is_announced = AtomicBool::new(false);
        let (done, is_done) = channel::<()>();
        std::thread::scope(|scope| {
            let (queue, pieces, is_announced) = (&queue, &pieces, &is_announced);
            scope.spawn(move || {
                let mut last = Instant::now();
                while is_done.recv_timeout(WATCH) == Err(RecvTimeoutError::Timeout) {
                    self.announce_signal(is_announced, events);
                    if last.elapsed() >= HEARTBEAT {
                        last = Instant::now();
                        work.heartbeat();
                    }
                }
            });
            for _ in 0..self.jobs.min(count) {
                let done = done.clone();
                scope.spawn(move || {
                    let _done = done;
                    let mut poll = POLL.0;
                    while !self.interrupt.is_asked()
                        && let Some((number, waited)) = take(queue)
                    {
                        let Some(output) = work.attempt(number, events) else {
                            lock(queue).waiting.push_back(number);
                            if waited {
                                announce_wait(work, number, queue, events);
                                self.pause(poll);
                                poll = (poll * 2).min(POLL.1);
                            }
                            continue;
                        };
                        poll = POLL.0;
                        self.announce_signal(is_announced, events);
                        let (outcome, failed) = work.outcome(number, &output);
                        send(events, Event::Ended { training: number, outcome, failed });
                        lock(pieces)[number] = Piece::Done(output);
                    }
                });
            }
            drop(done);
        });
        // It may have come before anything began.
        self.announce_signal(&is_announced, events);
        let mut pieces = pieces.into_inner().unwrap_or_else(PoisonError::into_inner);
        for number in &lock(&queue).waiting {
            pieces[*number] = Piece::Elsewhere;
        }
        pieces
    }

    /// Sleeps, until a signal comes.
    fn pause(&self, time: Duration) {
        let begun = Instant::now();
        while !self.interrupt.is_asked() && begun.elapsed() < time {
            std::thread::sleep(WATCH.min(time));
        }
    }

    /// Says, once, that a signal came.
    fn announce_signal(&self, is_announced: &AtomicBool, events: &Sender<Event>) {
        if self.interrupt.is_asked() && !is_announced.swap(true, Ordering::Relaxed) {
            let (signal, _) = self.interrupt.signal();
            let message = format!("{signal}: {}; a second signal stops at once", self.on_signal);
            send(events, Event::Note { message });
        }
    }
}

/// Says, once of each, that nothing is left to do but to wait for another process.
fn announce_wait<W: Work>(work: &W, number: usize, queue: &Mutex<Queue>, events: &Sender<Event>) {
    // Without a holder it ended just now.
    if let Some(message) = work.holder(number)
        && lock(queue).announced.insert(number)
    {
        send(events, Event::Note { message });
    }
}

/// The next piece, and whether another process had it in hand.
fn take(queue: &Mutex<Queue>) -> Option<(usize, bool)> {
    let mut queue = lock(queue);
    let next = queue.next.pop_front().map(|number| (number, false));
    next.or_else(|| queue.waiting.pop_front().map(|number| (number, true)))
}

/// Whether anyone still listens makes no difference to the work.
fn send(events: &Sender<Event>, event: Event) {
    let _ = events.send(event);
}

/// What a mutex holds, whether or not a thread died with it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
