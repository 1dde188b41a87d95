//! Random numbers: every use has its own named stream, so that no use shifts another.
//!
//! A stream is fixed by the seed and its name alone. Adding a parameter, a layer or a reader of
//! random numbers changes no other stream, which is what pairs arms by seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The number from which all streams of a training are derived.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of this name; `index` picks one of 2^64 independent parts of it, such as an epoch.
    #[must_use]
    pub fn stream(self, name: &str, index: u64) -> Stream {
        let mut hash = Sha256::new();
        hash.update(b"bnes stream\0");
        hash.update(self.0.to_le_bytes());
        hash.update(name.as_bytes());
        let mut rng = ChaCha8Rng::from_seed(hash.finalize().into());
        rng.set_stream(index);
        Stream(rng)
    }
}

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Uniform in [0, 1), with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // 53 bits fit an f64 exactly
        let bits = (self.0.next_u64() >> 11) as f64;
        bits * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in [0, 1), with 24 random bits: one 32-bit word.
    pub fn uniform_f32(&mut self) -> f32 {
        #[allow(clippy::cast_precision_loss)] // 24 bits fit an f32 exactly
        let bits = (self.0.next_u32() >> 8) as f32;
        bits * (1.0 / 16_777_216.0)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Standard normal, by Box and Muller (1958): one of the pair, so that draws are independent
    /// of how they are grouped.
    pub fn normal(&mut self) -> f64 {
        let u = 1.0 - self.uniform();
        let v = self.uniform();
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// A whole number below `bound`, without bias (Lemire 2019).
    pub fn below(&mut self, bound: u64) -> u64 {
        debug_assert!(bound > 0);
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            #[allow(clippy::cast_possible_truncation)] // the low and the high word
            let (low, high) = (product as u64, (product >> 64) as u64);
            if low >= threshold {
                return high;
            }
        }
    }

    /// Puts `items` in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            #[allow(clippy::cast_possible_truncation)] // below items.len()
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_name_and_index_alone() {
        let draw = |seed, name, index| {
            let mut stream = Seed(seed).stream(name, index);
            [stream.uniform(), stream.uniform()]
        };
        assert_eq!(draw(1, "order", 3), draw(1, "order", 3));
        assert_ne!(draw(1, "order", 3), draw(2, "order", 3));
        assert_ne!(draw(1, "order", 3), draw(1, "init", 3));
        assert_ne!(draw(1, "order", 3), draw(1, "order", 4));
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_reaches_every_place() {
        let mut counts = [[0_u32; 4]; 4];
        for index in 0..4000 {
            let mut items = [0, 1, 2, 3];
            Seed(7).stream("shuffle", index).shuffle(&mut items);
            let mut sorted = items;
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3]);
            for (place, item) in items.iter().enumerate() {
                counts[place][*item] += 1;
            }
        }
        // 1000 expected; 5 standard deviations are 137.
        assert!(counts.iter().flatten().all(|n| (863..1137).contains(n)), "{counts:?}");
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let mut stream = Seed(1).stream("normal", 0);
        let draws: Vec<f64> = (0..40_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 40_000.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }
}
