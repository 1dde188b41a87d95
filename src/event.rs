//! What happens while trainings run: plain data between those who train and those who watch.

/// Something that happened to a training.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Trainings are at hand; those before them are over.
    Begun {
        /// Their names, by their numbers.
        names: Vec<String>,
    },
    /// Its first epoch is about to begin, or the one at which it was interrupted.
    Started {
        /// Number of the training among those at hand.
        training: usize,
        /// Epochs it has at most.
        epochs: usize,
        /// The epoch, from 1, and the batches of it before which it goes on after a break.
        resumed: Option<(usize, usize)>,
    },
    /// An epoch was trained and measured.
    Epoch {
        /// Number of the training among those at hand.
        training: usize,
        /// From 1.
        epoch: usize,
        /// Mean loss of the training batches.
        train_loss: f64,
        /// Loss of the validation split, where there is one.
        val_loss: Option<f64>,
        /// Best epoch so far and its value, of the column the first rule monitors.
        best: Option<(usize, f64)>,
        /// Where each rule that still reads stands.
        rules: String,
    },
    /// There is something that people may want to know.
    Note {
        /// A sentence.
        message: String,
    },
    /// There is something that people should know.
    Warning {
        /// A sentence.
        message: String,
    },
    /// It is over.
    Ended {
        /// Number of the training among those at hand.
        training: usize,
        /// How it ended, for people.
        outcome: String,
        /// Whether it failed.
        failed: bool,
    },
}

/// Someone who watches; never decides.
pub trait Observer: Send {
    /// Is told each event, in order.
    fn on_event(&mut self, event: Event);
}

/// A sender of events is an observer; a receiver that is gone is no fault of the training.
impl Observer for std::sync::mpsc::Sender<Event> {
    fn on_event(&mut self, event: Event) {
        let _ = self.send(event);
    }
}
