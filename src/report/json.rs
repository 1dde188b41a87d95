//! Anything as JSON, two spaces a level, with a newline at the end.

use serde::Serialize;

/// The JSON text of a report; what is not finite is `null`.
///
/// # Errors
/// Where a map has keys that are no strings.
pub fn json<T: Serialize>(report: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}
