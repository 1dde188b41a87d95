//! Work whose progress is shown on standard error.

use std::io::IsTerminal;
use std::sync::mpsc::{Sender, channel};

use super::live_report::LiveReport;
use super::run_args::RunArgs;
use crate::event::Event;
use crate::observers::{Progress, Style};

/// Works while the events of it are shown, and the page that shows them is kept up to date.
pub fn watched<T>(
    args: &RunArgs,
    report: Option<&LiveReport>,
    work: impl FnOnce(&Sender<Event>) -> T,
) -> T {
    let style = match (args.quiet, std::io::stderr().is_terminal()) {
        (true, _) => Style::Quiet,
        (false, true) => Style::Bars,
        (false, false) => Style::Lines,
    };
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        let shown = match report {
            None => receiver,
            Some(report) => {
                let (onward, shown) = channel();
                scope.spawn(move || report.follow(&receiver, &onward));
                shown
            }
        };
        scope.spawn(move || Progress::new(style).watch(&shown));
        let result = work(&sender);
        drop(sender);
        result
    })
}
