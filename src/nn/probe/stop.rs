//! Why a measurement came to no result.

use anyhow::Error;

/// It ended before it had a result.
#[derive(Debug)]
pub enum Stop {
    /// It was told not to go on.
    Interrupted,
    /// The arithmetic of a norm failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Asked every few rows whether to go on.
pub type GoOn<'a> = &'a dyn Fn() -> Result<(), Stop>;
