//! Networks that trainings kept, read back to be used on other rows and elsewhere.

mod network;

pub use network::{KeptNetwork, Measured};
