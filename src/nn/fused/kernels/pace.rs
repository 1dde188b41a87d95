//! Whether a team of threads is faster than the calling thread alone, by trying both.
//!
//! What a second thread brings cannot be worked out beforehand: it depends on how far its processor is
//! from the first one and on who else is at work there, and both change while a network trains. So the
//! time that a round takes (a step of the optimizer) is measured, and whatever was faster is done, until
//! it is time to try the other one again. Results do not depend on it.

use std::time::Duration;

/// Rounds are judged together until they have taken this long.
const WINDOW: Duration = Duration::from_micros(500);

/// For how long a team that is slower is given up at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_secs(1)];

/// And at least this many times what trying it took.
const TRIAL: u32 = 64;

/// Windows of a team that is faster, after which working alone is measured again.
const WINDOWS: u32 = 256;

/// What was measured, and what is done.
pub struct Pace {
    together: bool,
    /// Rounds of this window and the time they took; none yet: the next round wakes threads or makes
    /// room, and does not count.
    window: Option<(u32, Duration)>,
    /// The time of a round alone, as last measured.
    alone: Duration,
    /// How long to go on alone.
    stay: Duration,
    /// How long that will be, the next time.
    pause: Duration,
    /// Windows in a row that the team was faster in.
    windows: u32,
}

impl Default for Pace {
    fn default() -> Self {
        // The first window is followed by one alone.
        let (alone, windows) = (Duration::MAX, WINDOWS - 1);
        Self {
            together: true,
            window: None,
            alone,
            stay: Duration::ZERO,
            pause: PAUSES[0],
            windows,
        }
    }
}

impl Pace {
    /// Whether the team is to work together now.
    #[must_use]
    pub fn together(&self) -> bool {
        self.together
    }

    /// Takes in how long a round took.
    pub fn note(&mut self, took: Duration) {
        let Some((rounds, time)) = &mut self.window else {
            self.window = Some((0, Duration::ZERO));
            return;
        };
        *rounds += 1;
        *time += took;
        if *time < WINDOW {
            return;
        }
        let (each, time) = (*time / *rounds, *time);
        self.window = Some((0, Duration::ZERO));
        let together =
            if self.together { self.goes_on(each, time) } else { self.comes_back(each, time) };
        if together != self.together {
            (self.together, self.window) = (together, None);
        }
    }

    /// Whether to go on together after rounds of this length, `time` in all.
    fn goes_on(&mut self, each: Duration, time: Duration) -> bool {
        if each > self.alone {
            self.stay = self.pause.max(time * TRIAL);
            self.pause = PAUSES[1].min(self.pause * 2);
            self.windows = 0;
            return false;
        }
        self.pause = PAUSES[0];
        self.windows += 1;
        let again = self.windows >= WINDOWS;
        if again {
            self.windows = 0;
        }
        !again
    }

    /// Whether to try together after rounds of this length, `time` in all, alone.
    fn comes_back(&mut self, each: Duration, time: Duration) -> bool {
        self.alone = each;
        self.stay = self.stay.saturating_sub(time);
        self.stay.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs for this long; gives the time that was spent together.
    fn run(pace: &mut Pace, time: Duration, round: impl Fn(bool) -> Duration) -> Duration {
        let (mut spent, mut together) = (Duration::ZERO, Duration::ZERO);
        while spent < time {
            let took = round(pace.together());
            together += if pace.together() { took } else { Duration::ZERO };
            spent += took;
            pace.note(took);
        }
        together
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn micros(together: u64, alone: u64) -> impl Fn(bool) -> Duration {
        move |team| Duration::from_micros(if team { together } else { alone })
    }

    #[test]
    fn a_team_that_is_faster_works_together_nearly_always() {
        for (together, alone) in [(17, 20), (600, 1000), (20_000, 39_000)] {
            let share = run(&mut Pace::default(), SECOND * 20, micros(together, alone));
            assert!(share > SECOND * 20 * 98 / 100, "{together} {alone}: {share:?}");
        }
    }

    #[test]
    fn a_team_that_is_slower_is_hardly_ever_tried() {
        for (together, alone) in [(45, 20), (21, 20), (90_000, 20)] {
            let share = run(&mut Pace::default(), SECOND * 20, micros(together, alone));
            assert!(share < SECOND * 20 * 3 / 100 + SECOND, "{together} {alone}: {share:?}");
        }
    }

    #[test]
    fn a_team_follows_when_what_is_faster_changes() {
        let mut pace = Pace::default();
        run(&mut pace, SECOND, micros(17, 20));
        assert!(run(&mut pace, SECOND * 5, micros(45, 20)) < SECOND / 4);
        run(&mut pace, SECOND * 2, micros(17, 20));
        assert!(run(&mut pace, SECOND * 5, micros(17, 20)) > SECOND * 49 / 10);
        // Alone it has become slower, too, by others at work: the old figure is measured again.
        assert!(run(&mut pace, SECOND * 5, micros(30, 60)) > SECOND * 3);
    }
}
