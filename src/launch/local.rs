//! `--launcher local`: this process trains.

use std::sync::mpsc::Sender;

use anyhow::Result;

use super::launcher::{Launched, Launcher, Settings};
use crate::event::Event;
use crate::runner::Session;

/// Trains in this process.
#[derive(Debug)]
pub struct Local;

impl Launcher for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn help(&self) -> &'static str {
        "Train here, on threads of this process"
    }

    fn heeds(&self) -> &'static [&'static str] {
        &["jobs", "fresh", "verify", "until-decided", "report", "format"]
    }

    fn trains_here(&self) -> bool {
        true
    }

    fn launch(
        &self,
        session: &mut Session,
        _: &Settings,
        events: &Sender<Event>,
    ) -> Result<Launched> {
        Ok(Launched::Trained(session.train(events)?))
    }
}
