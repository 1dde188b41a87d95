//! Progress on standard error: bars on a terminal, a line per training elsewhere.

use std::collections::HashMap;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::eprintln;
use crate::event::Event;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A bar for all trainings and one for each that runs.
    Bars,
    /// A line as a training ends.
    Lines,
    /// Failures alone.
    Quiet,
}

/// Shows the events of trainings until their senders are gone.
pub struct Progress {
    style: Style,
    done: usize,
    bars: MultiProgress,
    all: ProgressBar,
    running: HashMap<usize, ProgressBar>,
    names: Vec<String>,
}

impl Progress {
    /// For any trainings.
    #[must_use]
    pub fn new(style: Style) -> Self {
        let target = match style {
            Style::Bars => ProgressDrawTarget::stderr(),
            Style::Lines | Style::Quiet => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        let (running, names) = (HashMap::new(), Vec::new());
        Self { style, done: 0, bars, all: ProgressBar::hidden(), running, names }
    }

    fn begin(&mut self, names: Vec<String>) {
        self.all.finish_and_clear();
        self.all = self.bars.add(ProgressBar::new(names.len() as u64));
        self.all.set_style(template("{bar:20} {pos}/{len} trainings, {elapsed} gone, {eta} to go"));
        self.all.enable_steady_tick(Duration::from_millis(500));
        self.done = 0;
        self.names = names;
    }

    /// Shows events until the last sender is gone.
    pub fn watch(mut self, events: &Receiver<Event>) {
        for event in events {
            self.show(event);
        }
        self.all.finish_and_clear();
    }

    fn show(&mut self, event: Event) {
        match event {
            Event::Begun { names } => self.begin(names),
            Event::Started { training, epochs, resumed } => {
                let bar = self.bars.add(ProgressBar::new(epochs as u64));
                bar.set_style(template("{bar:20} {pos}/{len} {eta:>3} {prefix} {wide_msg}"));
                bar.set_prefix(self.names.get(training).cloned().unwrap_or_default());
                if let (Some((epoch, batch)), Some(name)) = (resumed, self.names.get(training)) {
                    let done =
                        if batch > 0 { format!(", batch {}", batch + 1) } else { String::new() };
                    self.say(&format!("{name}: resumes at epoch {epoch}{done}"), false);
                    bar.set_position(epoch as u64 - 1);
                    // The time to go is judged by this run's epochs alone.
                    bar.reset_eta();
                }
                self.running.insert(training, bar);
            }
            Event::Epoch { training, epoch, train_loss, val_loss, best, rules } => {
                let Some(bar) = self.running.get(&training) else { return };
                if self.style == Style::Bars {
                    bar.set_position(epoch as u64);
                    bar.set_message(in_words(train_loss, val_loss, best, &rules));
                }
            }
            Event::Ended { training, outcome, failed } => {
                if let Some(bar) = self.running.remove(&training) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
                self.done += 1;
                self.all.inc(1);
                let line = match self.style {
                    Style::Lines => format!("[{}/{}] {outcome}", self.done, self.names.len()),
                    _ => outcome,
                };
                self.say(&line, failed);
            }
            Event::Note { message } => self.say(&message, false),
            Event::Warning { message } => self.say(&format!("warning: {message}"), true),
        }
    }

    /// Writes a line; with [`Style::Quiet`] only what `matters`.
    fn say(&self, line: &str, matters: bool) {
        match self.style {
            Style::Bars => {
                // A bar cannot be written to once the terminal is gone; nothing is lost.
                let _ = self.bars.println(line);
            }
            Style::Quiet if !matters => {}
            Style::Lines | Style::Quiet => eprintln(line),
        }
    }
}

fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn in_words(
    train_loss: f64,
    val_loss: Option<f64>,
    best: Option<(usize, f64)>,
    rules: &str,
) -> String {
    let mut words = vec![format!("train {train_loss:.4}")];
    words.extend(val_loss.map(|loss| format!("val {loss:.4}")));
    words.extend(best.map(|(epoch, value)| format!("best {value:.4} at {epoch}")));
    if !rules.is_empty() {
        words.push(format!("({rules})"));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_losses_best_and_the_state_of_the_rule() {
        let words = in_words(0.5, Some(0.25), Some((3, 0.2)), "patience 2/10");
        assert_eq!(words, "train 0.5000 val 0.2500 best 0.2000 at 3 (patience 2/10)");
        assert_eq!(in_words(0.5, None, None, ""), "train 0.5000");
    }

    #[test]
    fn watching_ends_with_the_last_sender() {
        let (sender, receiver) = std::sync::mpsc::channel();
        for event in [
            Event::Begun { names: vec!["a".to_owned()] },
            Event::Started { training: 0, epochs: 2, resumed: None },
            Event::Ended { training: 0, outcome: "done".to_owned(), failed: false },
        ] {
            sender.send(event).unwrap();
        }
        drop(sender);
        Progress::new(Style::Quiet).watch(&receiver);
    }
}
