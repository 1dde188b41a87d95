//! A test that may be looked at several times while seeds are added.
//!
//! The exact sign-flip test, with the error spent over the looks as `alpha (n/N)^1.5` (Lan and `DeMets` 1983,
//! Kim and `DeMets` 1987). Given the sizes of the differences, every pattern of signs is as likely as the one
//! seen: of many random patterns, those stopped at earlier looks are set aside, and a look rejects where
//! the pattern seen is among the few that may still be. So the chance of a false rejection at any look is
//! at most `alpha`, for differences that are symmetric around 0.

use crate::seed::Stream;

/// Random patterns of signs; with the one seen the reference set of the test.
pub const PATTERNS: usize = 100_000;

/// How the error is spent: little at first.
const RHO: f64 = 1.5;

/// Sums closer than this, as a share of the sum of sizes, are equal.
const TIE: f64 = 1e-10;

/// Plans of looks: the seeds at each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks(Vec<usize>);

impl Looks {
    /// After 6, 10, 15, 20, … seeds up to `most`.
    #[must_use]
    pub fn until(most: usize) -> Self {
        let mut looks = vec![6];
        looks.extend((10..).step_by(5).take_while(|n| *n < most));
        looks.retain(|n| *n < most);
        looks.push(most);
        Self(looks)
    }

    /// Looks as they were laid down; `None` of none, or where they do not ascend.
    #[must_use]
    pub fn of(seeds: &[usize]) -> Option<Self> {
        let ascend = seeds.windows(2).all(|pair| pair[0] < pair[1]);
        (ascend && seeds.first().is_some_and(|first| *first > 0)).then(|| Self(seeds.to_vec()))
    }

    /// The share of the error that is spent by the last look reached with `seeds`.
    #[must_use]
    pub fn spent_with(&self, seeds: usize) -> f64 {
        let reached = self.0.iter().rposition(|look| *look <= seeds);
        reached.map_or(0.0, |look| self.spent(look))
    }

    /// The seeds at each look, ascending.
    #[must_use]
    pub fn seeds(&self) -> &[usize] {
        &self.0
    }

    /// The most seeds.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0.last().copied().unwrap_or(0)
    }

    /// The error spent by a look, as a share of that of the whole.
    fn spent(&self, look: usize) -> f64 {
        (self.0[look] as f64 / self.most() as f64).powf(RHO)
    }
}

/// The test over the looks reached so far.
pub struct Sequential {
    /// Of each pattern the sums at each look, by the size of it.
    sums: Vec<Vec<f64>>,
    seen: Vec<f64>,
    looks: Looks,
}

impl Sequential {
    /// Of `differences` in the order of the seeds; looks beyond them are not reached. `signs` gives the
    /// same patterns at every look.
    #[must_use]
    pub fn new(differences: &[f64], looks: &Looks, mut signs: Stream) -> Self {
        let reached: Vec<usize> =
            looks.seeds().iter().copied().filter(|n| *n <= differences.len()).collect();
        let mut sums = vec![Vec::with_capacity(PATTERNS); reached.len()];
        let words = looks.most().div_ceil(64);
        for _ in 0..PATTERNS {
            // Signs of seeds still to come are drawn too: a look does not change those of the next.
            let pattern: Vec<u64> = (0..words).map(|_| signs.bits()).collect();
            let (mut sum, mut next) = (0.0, 0);
            for (index, difference) in differences.iter().enumerate() {
                let is_plus =
                    pattern.get(index / 64).is_some_and(|bits| bits >> (index % 64) & 1 == 1);
                sum += if is_plus { difference.abs() } else { -difference.abs() };
                if reached.get(next) == Some(&(index + 1)) {
                    sums[next].push(f64::abs(sum));
                    next += 1;
                }
            }
        }
        let seen = reached.iter().map(|n| differences[..*n].iter().sum::<f64>().abs());
        Self { seen: seen.collect(), sums, looks: looks.clone() }
    }

    /// The look at which the test rejects at level `alpha`, from 0; none where it has not by now.
    #[must_use]
    pub fn rejects(&self, alpha: f64) -> Option<usize> {
        let mut alive: Vec<usize> = (0..PATTERNS).collect();
        let mut stopped = 0_usize;
        for (look, (sums, seen)) in self.sums.iter().zip(&self.seen).enumerate() {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most PATTERNS
            let allowed = (alpha * self.looks.spent(look) * (PATTERNS + 1) as f64) as usize;
            let room = allowed.saturating_sub(stopped);
            let edge = seen * (1.0 - TIE);
            if *seen > 0.0 && alive.iter().filter(|b| sums[**b] >= edge).count() < room {
                return Some(look);
            }
            stopped += stop_farthest(&mut alive, sums, room);
        }
        None
    }

    /// The least level at which it rejects by now: the sequential p-value, to a thousandth of itself.
    #[must_use]
    pub fn p(&self) -> f64 {
        if self.rejects(1.0).is_none() {
            return 1.0;
        }
        let (mut low, mut high) = (0.0_f64, 1.0_f64);
        while high - low > 1e-3 * high && high > 1.0 / PATTERNS as f64 {
            let middle = f64::midpoint(low, high);
            if self.rejects(middle).is_some() { high = middle } else { low = middle }
        }
        high
    }
}

/// Sets the `room` patterns aside that are farthest from 0; where several tie at the edge, none of those.
fn stop_farthest(alive: &mut Vec<usize>, sums: &[f64], room: usize) -> usize {
    if room == 0 || alive.is_empty() {
        return 0;
    }
    let mut sizes: Vec<f64> = alive.iter().map(|b| sums[*b]).collect();
    if sizes.len() <= room {
        let all = alive.len();
        alive.clear();
        return all;
    }
    // The first that stays.
    let (_, edge, _) = sizes.select_nth_unstable_by(room, |a, b| b.total_cmp(a));
    let edge = *edge * (1.0 + TIE);
    let before = alive.len();
    alive.retain(|b| sums[*b] <= edge);
    before - alive.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn signs() -> Stream {
        Seed(0).stream("signs", 0)
    }

    #[test]
    fn looks_go_up_to_the_most() {
        assert_eq!(Looks::until(50).seeds(), [6, 10, 15, 20, 25, 30, 35, 40, 45, 50]);
        assert_eq!(Looks::until(12).seeds(), [6, 10, 12]);
        assert_eq!(Looks::until(6).seeds(), [6]);
    }

    #[test]
    fn one_look_is_the_sign_flip_test() {
        let differences = [1.0, 2.5, -0.5, 3.0, 1.5, 2.0, 0.7, -0.2];
        let exact = crate::stats::sign_flip_p(&differences).unwrap();
        let one = Sequential::new(&differences, &Looks(vec![8]), signs());
        assert!((one.p() - exact).abs() < 0.003, "{} {exact}", one.p());
    }

    #[test]
    fn what_is_clear_rejects_early_and_what_is_nothing_does_not() {
        let clear: Vec<f64> = (0..50).map(|n| 1.0 + 0.1 * f64::from(n % 7)).collect();
        let looks = Looks::until(50);
        let at = Sequential::new(&clear, &looks, signs()).rejects(0.05).unwrap();
        assert!(looks.seeds()[at] <= 15);
        assert_eq!(Sequential::new(&[0.0; 50], &looks, signs()).rejects(0.05), None);
        assert_eq!(Sequential::new(&clear[..5], &looks, signs()).p(), 1.0);
    }
}
