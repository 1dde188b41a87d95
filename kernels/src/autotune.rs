//! Whether a pool of threads is faster than the calling thread alone, by trying both.
//!
//! What a second thread brings cannot be worked out beforehand: it depends on how far its processor is
//! from the first one and on who else is at work there, and both change while a network trains. So the
//! time that rounds take (steps of the optimizer) is measured, per row, and whatever was faster is done,
//! until it is time to try the other one again. Results do not depend on it.

use std::time::Duration;

/// Rounds are judged together until they have taken this long.
const WINDOW: Duration = Duration::from_micros(500);

/// For how long a pool that is slower is given up at first, and at most, but where trying it takes long.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_secs(1)];

/// A trial is paid back this many times before the next.
const TRIAL: u32 = 32;

/// What counts of a trial at most: a machine that slept is none.
const LONGEST: Duration = Duration::from_secs(1);

/// Windows of a pool that is faster, after which working alone is measured again.
const WINDOWS: u32 = 256;

/// What was measured, and what is done.
pub struct Autotune {
    together: bool,
    /// Rows of this window and the time they took; none yet: the next round wakes threads or makes room,
    /// and does not count.
    window: Option<(usize, Duration)>,
    /// Seconds of a row alone, as last measured.
    alone: f64,
    /// How long to go on alone.
    stay: Duration,
    /// How long that will be, the next time.
    pause: Duration,
    /// Windows that the pool was faster in.
    windows: u32,
    /// Whether the next slow window ends the pool: it is on trial, or the last one was slow.
    doubted: bool,
}

impl Default for Autotune {
    fn default() -> Self {
        Self {
            together: true,
            window: None,
            alone: f64::INFINITY,
            stay: Duration::ZERO,
            pause: PAUSES[0],
            // The first window is followed by one alone.
            windows: WINDOWS - 1,
            doubted: false,
        }
    }
}

impl Autotune {
    /// Whether the pool is to work together now.
    #[must_use]
    pub fn together(&self) -> bool {
        self.together
    }

    /// Takes in how long a round of this many rows took.
    #[allow(clippy::cast_precision_loss)] // rows of half a millisecond
    pub fn note(&mut self, rows: usize, took: Duration) {
        let Some((all, time)) = &mut self.window else {
            self.window = Some((0, Duration::ZERO));
            return;
        };
        *all += rows;
        *time += took;
        if *time < WINDOW {
            return;
        }
        let (each, time) = (time.as_secs_f64() / *all as f64, *time);
        self.window = Some((0, Duration::ZERO));
        let together =
            if self.together { self.goes_on(each, time) } else { self.comes_back(each, time) };
        if together != self.together {
            (self.together, self.window) = (together, None);
        }
    }

    /// Whether to go on together after rows of this length, `time` in all.
    fn goes_on(&mut self, each: f64, time: Duration) -> bool {
        let slower = each > self.alone;
        if slower && self.doubted {
            self.stay = self.pause.max(time.min(LONGEST) * TRIAL);
            self.pause = PAUSES[1].min(self.pause * 2);
            return false;
        }
        // One slow window among fast ones is somebody else's moment.
        self.doubted = slower;
        if slower {
            return true;
        }
        self.pause = PAUSES[0];
        self.windows = (self.windows + 1) % WINDOWS;
        self.windows > 0
    }

    /// Whether to try together after rows of this length, `time` in all, alone.
    fn comes_back(&mut self, each: f64, time: Duration) -> bool {
        self.alone = each;
        // Where the pool was only left to measure this, it is on no trial.
        self.doubted |= !self.stay.is_zero();
        self.stay = self.stay.saturating_sub(time);
        self.stay.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs for this long, rounds of so many rows in turn; gives the time that was spent together.
    fn run_of(
        autotune: &mut Autotune,
        time: Duration,
        rows: &[usize],
        round: impl Fn(bool) -> Duration,
    ) -> Duration {
        let (mut spent, mut together) = (Duration::ZERO, Duration::ZERO);
        for rows in rows.iter().cycle() {
            let took = round(autotune.together()) * u32::try_from(*rows).unwrap() / 100;
            together += if autotune.together() { took } else { Duration::ZERO };
            spent += took;
            autotune.note(*rows, took);
            if spent >= time {
                break;
            }
        }
        together
    }

    fn run(autotune: &mut Autotune, time: Duration, round: impl Fn(bool) -> Duration) -> Duration {
        run_of(autotune, time, &[100], round)
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn micros(together: u64, alone: u64) -> impl Fn(bool) -> Duration {
        move |pool| Duration::from_micros(if pool { together } else { alone })
    }

    #[test]
    fn a_team_that_is_faster_works_together_nearly_always() {
        for (together, alone) in [(17, 20), (600, 1000), (20_000, 39_000)] {
            let share = run(&mut Autotune::default(), SECOND * 20, micros(together, alone));
            assert!(share > SECOND * 20 * 98 / 100, "{together} {alone}: {share:?}");
        }
    }

    #[test]
    fn a_team_that_is_slower_is_hardly_ever_tried() {
        for (together, alone) in [(45, 20), (21, 20), (90_000, 20)] {
            let share = run(&mut Autotune::default(), SECOND * 20, micros(together, alone));
            assert!(share < SECOND * 2, "{together} {alone}: {share:?}");
        }
    }

    #[test]
    fn batches_that_are_not_full_mislead_nobody() {
        for rows in [&[100, 100, 25][..], &[100, 25], &[100, 100, 100, 40], &[100, 125]] {
            let share = run_of(&mut Autotune::default(), SECOND * 60, rows, micros(5500, 10_000));
            assert!(share > SECOND * 60 * 97 / 100, "{rows:?}: {share:?}");
        }
    }

    #[test]
    fn the_round_after_a_change_does_not_count() {
        let mut autotune = Autotune::default();
        let (mut spent, mut together, mut before) = (Duration::ZERO, Duration::ZERO, false);
        while spent < SECOND {
            let now = autotune.together();
            let took = if now != before {
                2000
            } else if now {
                17
            } else {
                20
            };
            let took = Duration::from_micros(took);
            before = now;
            together += if now { took } else { Duration::ZERO };
            spent += took;
            autotune.note(100, took);
        }
        assert!(together > SECOND * 9 / 10, "{together:?}");
    }

    #[test]
    fn a_machine_that_slept_does_not_end_a_team_for_hours() {
        let mut autotune = Autotune::default();
        run(&mut autotune, SECOND, micros(17, 20));
        autotune.note(100, SECOND * 600);
        autotune.note(100, SECOND * 600);
        run(&mut autotune, SECOND * 40, micros(17, 20));
        assert!(run(&mut autotune, SECOND, micros(17, 20)) > SECOND * 9 / 10);
    }

    #[test]
    fn a_slow_moment_does_not_end_a_team() {
        let mut autotune = Autotune::default();
        run(&mut autotune, SECOND, micros(17, 20));
        autotune.note(100, SECOND / 400);
        assert!(run(&mut autotune, SECOND, micros(17, 20)) > SECOND * 98 / 100);
    }

    #[test]
    fn a_team_follows_when_what_is_faster_changes() {
        let mut autotune = Autotune::default();
        run(&mut autotune, SECOND, micros(17, 20));
        assert!(run(&mut autotune, SECOND * 5, micros(45, 20)) < SECOND / 4);
        run(&mut autotune, SECOND * 2, micros(17, 20));
        assert!(run(&mut autotune, SECOND * 5, micros(17, 20)) > SECOND * 49 / 10);
        // Alone it has become slower, too, by others at work: the old figure is measured again.
        assert!(run(&mut autotune, SECOND * 5, micros(30, 60)) > SECOND * 3);
    }
}
