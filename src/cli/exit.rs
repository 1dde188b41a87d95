//! Exit codes, and which errors they tell of.

use std::io::{self, ErrorKind};

use crate::compare::CompareError;
use crate::config::{ConfigError, ConfigErrors};
use crate::data::DataError;
use crate::replay::ReplayError;
use crate::report::explain::UnknownKey;
use crate::runner::PrepareError;

/// Something failed at run time.
pub(super) const FAILED: u8 = 1;
/// The command line or the config is wrong.
pub(super) const USAGE: u8 = 2;

/// The command line asks for what cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Whether it is that nobody reads the results any more.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io_kind = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().map(io::Error::kind)
    };
    error.chain().any(|cause| io_kind(cause) == Some(ErrorKind::BrokenPipe))
}

/// The exit code of an error.
pub(super) fn exit_code(error: &anyhow::Error) -> u8 {
    let is_config = |error: Option<&DataError>| error.is_some_and(|error| error.key().is_some());
    let is_usage = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<ConfigError>()
            || cause.is::<ConfigErrors>()
            || cause.is::<UsageError>()
            || cause.is::<UnknownKey>()
            || is_config(cause.downcast_ref())
            || cause.downcast_ref().is_some_and(CompareError::is_usage)
            || matches!(
                cause.downcast_ref(),
                Some(ReplayError::NoColumn { .. } | ReplayError::NoDirection { .. })
            )
            || match cause.downcast_ref() {
                Some(PrepareError::Config(_)) => true,
                Some(PrepareError::Data(error)) => is_config(Some(error)),
                None => false,
            }
    };
    if error.chain().any(is_usage) { USAGE } else { FAILED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_wrongly_is_a_usage_error_and_what_is_not_there_is_none() {
        let text = String::new;
        let column = ReplayError::NoColumn { column: "loss".to_owned(), columns: None };
        let in_context = anyhow::Error::from(column).context("log.csv: patience");
        let usage: [anyhow::Error; 5] = [
            in_context,
            CompareError::UnknownFactor { key: text(), factors: None }.into(),
            CompareError::UnknownLevel { key: text(), value: text(), levels: text() }.into(),
            CompareError::UnknownMetric { metric: text(), metrics: text() }.into(),
            CompareError::NoArm.into(),
        ];
        assert!(usage.iter().all(|error| exit_code(error) == USAGE));
        assert_eq!(exit_code(&CompareError::NothingDone(Vec::new()).into()), FAILED);
        assert_eq!(exit_code(&ReplayError::NoEpoch.into()), FAILED);
    }
}
