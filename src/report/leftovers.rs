//! What no config names, for a terminal: a line each and how much it is together.

use crate::storage::leftovers::{Kind, Leftover};
use crate::text::{counted, size};

/// What `bnes clean` shows before it asks.
#[must_use]
pub fn leftovers(leftovers: &[Leftover]) -> String {
    let mut text = String::new();
    for leftover in leftovers {
        let what = match leftover.kind {
            Kind::Finished => "finished training",
            Kind::Unfinished => "unfinished training",
            Kind::FreshNotes => "notes of a --fresh",
        };
        let held = if leftover.is_held { ", at work: stays" } else { "" };
        let (size, path) = (size(leftover.bytes), leftover.path());
        let line = format!("{size:>9}  {what}{held}  {}\n", path.display());
        text.push_str(&line);
    }
    let free = || leftovers.iter().filter(|leftover| !leftover.is_held);
    let count = |kinds: &[Kind]| free().filter(|leftover| kinds.contains(&leftover.kind)).count();
    let notes = count(&[Kind::FreshNotes]);
    let trainings = count(&[Kind::Finished, Kind::Unfinished]);
    if trainings + notes == 0 {
        return text + "nothing to remove: the configs name all that is there\n";
    }
    let mut parts = vec![counted(trainings, "training")];
    if notes > 0 {
        parts.push(format!("{} of a --fresh", counted(notes, "note")));
    }
    let bytes = free().map(|leftover| leftover.bytes).sum();
    text + &format!("no config names: {}, {}\n", parts.join(", "), size(bytes))
}
