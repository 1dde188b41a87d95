//! What the Rust rivals share: their arguments, the data, and the line they report.

use std::collections::HashMap;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;

/// Of the rows.
const VALIDATION: f64 = 0.1;

/// The work as `run.py` hands it to every rival, whatever its language.
pub struct Work {
    pub rows: usize,
    pub inputs: usize,
    pub classes: usize,
    pub hidden: Vec<usize>,
    pub batch: usize,
    pub epochs: usize,
    pub batch_norm: bool,
    pub relu: bool,
    pub adam: bool,
    pub momentum: f64,
    pub lr: f64,
    pub seed: u64,
}

impl Work {
    /// From `--name=value` arguments; the number of threads is in the environment.
    ///
    /// # Panics
    /// Where one is missing or no number.
    pub fn from_arguments() -> Self {
        let given: HashMap<String, String> = std::env::args()
            .skip(1)
            .filter_map(|argument| {
                let (name, value) = argument.strip_prefix("--")?.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect();
        let text = |name: &str| {
            given.get(name).unwrap_or_else(|| panic!("--{name}=… is missing")).as_str()
        };
        let count = |name: &str| text(name).parse().unwrap_or_else(|_| panic!("--{name}: a count"));
        let real = |name: &str| text(name).parse().unwrap_or_else(|_| panic!("--{name}: a number"));
        Self {
            rows: count("rows"),
            inputs: count("inputs"),
            classes: count("classes"),
            hidden: text("hidden")
                .split(',')
                .map(|units| units.parse().expect("--hidden"))
                .collect(),
            batch: count("batch"),
            epochs: count("epochs"),
            batch_norm: text("norm") == "batch",
            relu: text("activation") == "relu",
            adam: text("optimizer") == "adam",
            momentum: real("momentum"),
            lr: real("lr"),
            seed: text("seed").parse().expect("--seed"),
        }
    }
}

/// Rows one after another, and their labels.
pub struct Rows {
    pub inputs: Vec<f32>,
    pub labels: Vec<u32>,
}

/// Standard-normal inputs, labelled by a random linear teacher: training and validation rows.
pub fn data(work: &Work) -> (Rows, Rows) {
    let mut random = StdRng::seed_from_u64(0);
    let mut normal = |count| -> Vec<f32> {
        (0..count).map(|_| random.sample::<f32, _>(StandardNormal)).collect()
    };
    let mut inputs = normal(work.rows * work.inputs);
    let teacher = normal(work.classes * work.inputs);
    let mut labels: Vec<u32> = inputs
        .chunks_exact(work.inputs)
        .map(|row| {
            let score = |of: &[f32]| row.iter().zip(of).map(|(x, w)| x * w).sum::<f32>();
            let scores = teacher.chunks_exact(work.inputs).map(score);
            let best = scores.enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other));
            best.map_or(0, |(class, _)| class as u32)
        })
        .collect();
    let train = work.rows - (work.rows as f64 * VALIDATION).round() as usize;
    let held_out =
        Rows { inputs: inputs.split_off(train * work.inputs), labels: labels.split_off(train) };
    (Rows { inputs, labels }, held_out)
}

/// Orders of the rows, a new one each epoch.
pub struct Orders {
    random: StdRng,
    order: Vec<u32>,
}

impl Orders {
    pub fn new(rows: usize, seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), order: (0..rows as u32).collect() }
    }

    pub fn next(&mut self) -> &[u32] {
        self.order.shuffle(&mut self.random);
        &self.order
    }
}

/// Says what the training loop took.
pub fn report(began: Instant, val_accuracy: f64) {
    let seconds = began.elapsed().as_secs_f64();
    println!("{{\"train_s\": {seconds}, \"val_accuracy\": {val_accuracy}}}");
}
