//! What is measured after each epoch, and the columns it goes into.

use anyhow::Result;

use crate::config::Config;
use crate::config::training::Loss;
use crate::data::{Dataset, Splits};
use crate::history::CLOSING;
use crate::metrics::{self, RowScores, Scores};
use crate::nn::probe::{self, Probe};
use crate::nn::{Engine, Network};
use crate::stopping::StoppingRule;

/// Measures the splits that a config asks for and, once it has a probe, what it and rules ask for
/// beyond them.
pub struct Recorder<'a> {
    data: &'a Dataset,
    loss: Loss,
    splits: Vec<Measured>,
    /// Those that can be measured of the network and that a rule reads or the config asks for.
    on_demand: Vec<&'static str>,
    probe: Option<Probe<'a>>,
}

/// Test metrics by column name; `None`: undefined.
type NamedScores = Vec<(String, Option<f64>)>;

/// What was measured at the end of an epoch.
pub struct Measurement {
    /// Of each split.
    scores: Vec<Scores>,
    /// Of each column on demand.
    probed: Vec<Option<f64>>,
}

/// A split and those of its metrics that its rows define: one class alone has no auc.
struct Measured {
    split: Split,
    metrics: Vec<&'static str>,
}

/// A part of the rows that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    Train,
    Validation,
    Test,
}

impl Split {
    fn loss_column(self) -> &'static str {
        match self {
            Self::Train => "train_loss_eval",
            Self::Validation => "val_loss",
            Self::Test => "test_loss",
        }
    }

    fn rows(self, splits: &Splits) -> &[u32] {
        match self {
            Self::Train => &splits.train_evaluated,
            Self::Validation => &splits.validation,
            Self::Test => &splits.test,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "val",
            Self::Test => "test",
        }
    }
}

/// Rows that are measured before it is asked again whether to go on.
const ROWS_BETWEEN_QUESTIONS: usize = 2048;

/// The columns that a training on `data` records for these rules.
#[must_use]
pub fn columns(
    data: &Dataset,
    loss: Loss,
    config: &Config,
    rules: &[&StoppingRule],
) -> Vec<String> {
    Recorder::new(data, loss, config, rules).columns()
}

/// Those of them that are on demand: `rules` read them or `[evaluation]` asks for them.
#[must_use]
pub fn columns_on_demand(config: &Config, rules: &[&StoppingRule]) -> Vec<&'static str> {
    let inside = &config.evaluation.inside;
    let is_read =
        |column: &str| rules.iter().any(|rule| rule.columns_on_demand().contains(&column));
    let is_asked = |column: &str| inside.iter().any(|what| what.columns().contains(&column));
    let mut on_demand = probe::columns_of(&config.model);
    on_demand.retain(|column| is_read(column) || is_asked(column));
    on_demand
}

impl<'a> Recorder<'a> {
    /// For the splits that are there and asked for, and the columns on demand that `rules` read or
    /// `[evaluation]` asks for.
    #[must_use]
    pub fn new(data: &'a Dataset, loss: Loss, config: &Config, rules: &[&StoppingRule]) -> Self {
        let evaluation = &config.evaluation;
        let mut splits = Vec::new();
        if !data.splits.validation.is_empty() {
            splits.push(Split::Validation);
        }
        if evaluation.train {
            splits.push(Split::Train);
        }
        if evaluation.test && !data.splits.test.is_empty() {
            splits.push(Split::Test);
        }
        let splits = splits.into_iter().map(|split| {
            let rows = split.rows(&data.splits);
            let width = metrics::outputs(loss, &data.targets);
            let zeros = vec![0.0_f32; rows.len() * width];
            let scores = metrics::score(loss, &zeros, width, &data.targets, rows);
            let defined = scores.metrics.into_iter().filter(|(_, value)| value.is_some());
            Measured { split, metrics: defined.map(|(name, _)| name).collect() }
        });
        let on_demand = columns_on_demand(config, rules);
        Self { data, loss, splits: splits.collect(), on_demand, probe: None }
    }

    /// Makes it ready to measure the columns on demand on trainings of this network.
    ///
    /// # Errors
    /// Where the probe cannot be made.
    pub fn with_probe(mut self, network: &Network<'a>) -> Result<Self> {
        if !self.on_demand.is_empty() {
            self.probe = Some(Probe::new(network, self.on_demand.clone())?);
        }
        Ok(self)
    }

    /// Every column, in the order of `epochs.csv`.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = vec!["epoch".into(), "train_loss".into()];
        columns.extend(self.splits.iter().map(|of| of.split.loss_column().to_owned()));
        for Measured { split, metrics } in &self.splits {
            columns.extend(metrics.iter().map(|name| format!("{}_{name}", split.prefix())));
        }
        columns.extend(CLOSING.iter().chain(&self.on_demand).map(|&name| name.to_owned()));
        columns
    }

    /// Measures the network on every split asked for, then by the probe, at the learning rate of the
    /// epoch; none where `go_on` says no in between.
    ///
    /// # Errors
    /// Where the engine fails.
    pub fn measure(
        &self,
        engine: &mut dyn Engine,
        lr: f64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Measurement>> {
        let scores: Option<Vec<Scores>> = (self.splits.iter())
            .map(|of| self.score(engine, of.split, go_on))
            .collect::<Result<_>>()?;
        let probed = match &self.probe {
            None => Some(Vec::new()),
            Some(probe) => probe.measure(&engine.training_state()?, lr, go_on)?,
        };
        let both = scores.zip(probed);
        Ok(both.map(|(scores, probed)| Measurement { scores, probed }))
    }

    /// The cells of an epoch of `steps` steps whose end was measured, at these seconds of the clock and of the
    /// processors.
    #[must_use]
    pub fn row(
        &self,
        measurement: &Measurement,
        epoch: usize,
        steps: usize,
        train_loss: f64,
        lr: f64,
        clocks: [Option<f64>; 2],
    ) -> Vec<Option<f64>> {
        #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
        let count = |n: usize| Some(n as f64);
        let Measurement { scores, probed } = measurement;
        let mut row = vec![count(epoch), Some(train_loss)];
        row.extend(scores.iter().map(|scores| Some(scores.loss)));
        for (scores, measured) in scores.iter().zip(&self.splits) {
            let defined = |(name, _): &&(&str, _)| measured.metrics.contains(name);
            row.extend(scores.metrics.iter().filter(defined).map(|(_, value)| *value));
        }
        let samples = epoch * self.data.splits.train.len();
        row.extend([Some(lr), count(epoch * steps), count(samples)]);
        row.extend(clocks);
        row.extend(probed);
        row
    }

    /// The test loss and metrics of the engine's present weights, by column name, and what each test row
    /// adds to them; nothing where there is no test split.
    ///
    /// # Errors
    /// Where the engine fails.
    pub fn test_scores(&self, engine: &mut dyn Engine) -> Result<(NamedScores, RowScores)> {
        let rows = Split::Test.rows(&self.data.splits);
        if rows.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let outputs = Self::outputs(engine, rows, &|| true)?.unwrap_or_default();
        let width = metrics::outputs(self.loss, &self.data.targets);
        let of_rows = metrics::row_scores(self.loss, &outputs, width, &self.data.targets, rows);
        let scores = metrics::score(self.loss, &outputs, width, &self.data.targets, rows);
        let metrics = scores.metrics.into_iter();
        let mut named = vec![(Split::Test.loss_column().to_owned(), Some(scores.loss))];
        named.extend(metrics.map(|(name, value)| (format!("test_{name}"), value)));
        Ok((named, of_rows))
    }

    /// What [`Recorder::test_scores`] measures, of an arm that keeps no weights: undefined.
    #[must_use]
    pub fn no_test_scores(&self) -> NamedScores {
        if self.data.splits.test.is_empty() {
            return Vec::new();
        }
        let metrics = metrics::metric_names(self.loss, &self.data.targets);
        let loss = Split::Test.loss_column().to_owned();
        let names = metrics.iter().map(|name| format!("test_{name}"));
        std::iter::once(loss).chain(names).map(|name| (name, None)).collect()
    }

    fn score(
        &self,
        engine: &mut dyn Engine,
        split: Split,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Scores>> {
        let rows = split.rows(&self.data.splits);
        let width = metrics::outputs(self.loss, &self.data.targets);
        let outputs = Self::outputs(engine, rows, go_on)?;
        Ok(outputs
            .map(|outputs| metrics::score(self.loss, &outputs, width, &self.data.targets, rows)))
    }

    fn outputs(
        engine: &mut dyn Engine,
        rows: &[u32],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<f32>>> {
        let mut outputs = Vec::new();
        for part in rows.chunks(ROWS_BETWEEN_QUESTIONS) {
            if !go_on() {
                return Ok(None);
            }
            outputs.extend(engine.evaluate(part)?);
        }
        Ok(Some(outputs))
    }
}
