//! bnes settles what Batch Normalization and Early Stopping do to a network on its data.
//!
//! The program is [`cli`] on top of this library: a [`config::Experiment`] goes into a [`runner::Session`], which
//! trains what a results directory lacks; [`results`] reads it back, [`compare`] makes contrasts and conclusions of
//! it, [`report`] puts them into words. A version below 1.0 may change any of it.
//!
//! # An experiment in code, and a rule of one's own
//!
//! A stopping rule does not change a training, only where it ends. So a rule that exists in code alone is asked about
//! the epochs of a training that went on to its last, and says where that would have ended; the same
//! [`Rule::fires`](stopping::Rule::fires) is what stops a training live once the rule is in the list of
//! [`stopping::Criterion`].
//!
//! ```
//! use std::path::Path;
//! use std::sync::mpsc::channel;
//!
//! use bnes::compare::{self, compare};
//! use bnes::config::{Experiment, Overrides};
//! use bnes::history::History;
//! use bnes::report::{self, Style};
//! use bnes::results::{epochs_csv, layout::epochs_file, load};
//! use bnes::runner::{DeviceChoice, Interrupt, Options, Session};
//! use bnes::stopping::{Monitored, Rule};
//!
//! /// Fires once the monitored value has been worse than the epoch before `count` times, in a row or not.
//! struct Rises {
//!     count: usize,
//! }
//!
//! impl Rule for Rises {
//!     fn fires(&self, monitored: &Monitored, history: &History) -> bool {
//!         let curve = history.column(&monitored.column).unwrap_or(&[]);
//!         let values: Vec<f64> = curve.iter().copied().flatten().collect();
//!         values.windows(2).filter(|pair| pair[1] > pair[0]).count() >= self.count
//!     }
//!
//!     fn earliest(&self) -> usize {
//!         self.count + 1
//!     }
//!
//!     fn postponed_by(&self) -> &'static str {
//!         "count"
//!     }
//!
//!     fn state(&self, _: &Monitored, _: &History) -> String {
//!         String::new()
//!     }
//! }
//!
//! # fn main() -> anyhow::Result<()> {
//! let config = r#"
//!     data.source = "digits"
//!     model.hidden = [16]
//!     training.epochs = 8
//!     training.optimizer.lr = 0.01
//!
//!     [matrix]
//!     "model.norm.kind" = ["none", "batch"]
//!     early_stopping = [{ kind = "none" }, { kind = "patience", patience = 2 }]
//!     seed = "0..3"
//! "#;
//! // Paths in it are relative to this folder; messages call it by this name.
//! let experiment = Experiment::parse("quick.toml", config, Path::new("."), &Overrides::default())?;
//!
//! let results = tempfile::tempdir()?;
//! let options = Options {
//!     results: results.path(),
//!     device: DeviceChoice::Auto,
//!     jobs: None,
//!     fresh: false,
//!     verify: false,
//! };
//! // `Interrupt::listen` would have SIGINT and SIGTERM end it at a checkpoint.
//! let interrupt = Interrupt::default();
//! let mut session = Session::open(&experiment, options, &interrupt)?;
//! let (events, _) = channel();
//! let summary = session.train(&events)?;
//! assert_eq!((summary.trained, summary.failed), (6, 0));
//!
//! let loaded = load(&[results.path().join("quick")])?;
//! let comparison = compare(&loaded, &compare::Options::default())?;
//! let table = report::format("table").expect("it is among the formats");
//! println!("{}", (table.write)(&comparison, &Style::default())?);
//!
//! let (rule, monitored) = (Rises { count: 2 }, Monitored::new("val_loss"));
//! for training in &loaded[0].runs {
//!     let file = epochs_file(&loaded[0].path.join(&training.dir));
//!     let curve = epochs_csv::read(&std::fs::read_to_string(&file)?, &file.display().to_string())?;
//!     let stop = (1..=curve.len()).find(|epoch| rule.fires(&monitored, &curve.history(*epoch)));
//!     println!("{}: {stop:?}", training.dir);
//! }
//! # Ok(())
//! # }
//! ```

mod check;
mod checksum;
pub mod cli;
pub mod compare;
pub mod config;
mod console;
pub mod data;
mod draw;
pub mod event;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod history;
pub mod kept;
pub mod kinds;
pub mod launch;
pub mod logs;
pub mod metrics;
mod names;
pub mod nn;
pub mod observers;
mod protobuf;
pub mod replay;
pub mod report;
pub mod results;
pub mod runner;
pub mod seed;
pub mod stats;
pub mod stopping;
pub mod storage;
mod text;
pub mod train;
