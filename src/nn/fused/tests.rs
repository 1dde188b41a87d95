//! The parts of the engine against reference figures, on every instruction set.

mod gather;
mod losses;
mod norms;
mod optimizers;

use super::FusedEngine;

#[test]
fn threads_go_by_the_work_of_a_step() {
    let threads = |parameters, rows| FusedEngine::suitable_threads(parameters, rows);
    assert_eq!((threads(249_999, 1), threads(250_000, 1)), (1, 2));
    assert_eq!((threads(1_499_999, 1), threads(15_000, 100)), (2, 3));
    assert!(threads(usize::MAX, 2) > 2);
}
