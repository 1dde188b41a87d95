//! What a launcher is.

use std::fmt::Debug;
use std::sync::mpsc::Sender;

use anyhow::Result;

use crate::config::Experiment;
use crate::event::Event;
use crate::runner::{DeviceChoice, Session, Summary};

/// Takes the trainings of an experiment that are still to be trained.
pub trait Launcher: Debug + Sync {
    /// As `--launcher` names it.
    fn name(&self) -> &'static str;

    /// What it does.
    fn help(&self) -> &'static str;

    /// The options of `bnes run`, without dashes, that only some launchers heed and this one does.
    fn heeds(&self) -> &'static [&'static str];

    /// Whether it trains in this process: then a tuning is trained before.
    fn trains_here(&self) -> bool {
        false
    }

    /// Trains, or hands over and returns.
    ///
    /// # Errors
    /// Where a setting is at fault, the results directory cannot be written, or the cluster refuses.
    fn launch(
        &self,
        session: &mut Session,
        settings: &Settings,
        events: &Sender<Event>,
    ) -> Result<Launched>;
}

/// What became of the trainings.
pub enum Launched {
    /// They were trained here.
    Trained(Summary),
    /// Others train them.
    HandedOver(HandedOver),
}

/// What was handed over, in words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// The commands, or what came of running them.
    pub lines: Vec<String>,
    /// What there is to know of them.
    pub notes: Vec<String>,
}

/// What a launcher is told.
pub struct Settings<'a> {
    /// The experiment of the session.
    pub experiment: &'a Experiment,
    /// `--device`.
    pub device: DeviceChoice,
    /// Whether to run the commands rather than to print them.
    pub submit: bool,
    /// Whether what failed is sent again.
    pub retry_failed: bool,
    /// Trainings that a command takes; none where that is chosen.
    pub tasks_per_job: Option<usize>,
    /// Jobs of an array that run at a time, at most.
    pub array_parallelism: Option<usize>,
    /// `--partition` of `sbatch`.
    pub partition: Option<&'a str>,
    /// `--time` of `sbatch`.
    pub time: Option<&'a str>,
    /// `--mem` of `sbatch`.
    pub mem: Option<&'a str>,
    /// Further options of `sbatch`, `KEY=VALUE` or `KEY`.
    pub sbatch: &'a [String],
}
