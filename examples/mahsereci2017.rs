//! The data of `configs/papers/mahsereci2017_*.toml`: `cargo run --example mahsereci2017 > FILE.csv`.
//!
//! 60 normal inputs and one teacher with normal weights. `y` is its output, of variance 1, plus
//! normal noise of variance 1; `label` is drawn by its output as a logit. Each seed trains on 100 of
//! the rows and tests on the others.

#![allow(clippy::print_stdout)] // what it is for

use std::fmt::Write;

use bnes::seed::Seed;

/// Rows, 100 of which are a twelfth.
const ROWS: u64 = 1200;

/// Inputs of a row.
const INPUTS: u32 = 60;

/// How far the logit of a label is from 0: that many times the teacher's output.
const STEEPNESS: f64 = 2.0;

/// The whole table as CSV.
#[must_use]
pub fn table() -> String {
    let mut teacher = Seed(0).stream("teacher", 0);
    let scale = f64::from(INPUTS).sqrt();
    let weights: Vec<f64> = (0..INPUTS).map(|_| teacher.normal() / scale).collect();
    let mut text = String::new();
    for input in 1..=INPUTS {
        let _ = write!(text, "x{input},");
    }
    text += "y,label\n";
    for row in 0..ROWS {
        let mut stream = Seed(0).stream("row", row);
        let inputs: Vec<f64> = weights.iter().map(|_| stream.normal()).collect();
        let output: f64 = inputs.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
        let y = output + stream.normal();
        let share = 1.0 / (1.0 + (-STEEPNESS * output).exp());
        let label = if stream.uniform() < share { "yes" } else { "no" };
        for x in inputs {
            // Digits enough for a 32-bit float, and the same on every machine.
            let _ = write!(text, "{x:.6},");
        }
        let _ = writeln!(text, "{y:.6},{label}");
    }
    text
}

fn main() {
    print!("{}", table());
}
