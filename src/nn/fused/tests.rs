//! The parts of the engine against reference figures, on every instruction set.

mod losses;
mod norms;
mod optimizers;
