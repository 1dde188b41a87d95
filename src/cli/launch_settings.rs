//! What a launcher is told of the options of `bnes run`, and which of them it does not heed.

use super::exit::UsageError;
use super::run_args::{RunArgs, RunFormat};
use crate::config::Experiment;
use crate::launch::{LAUNCHERS, Settings};
use crate::text::listed;

impl RunArgs {
    /// Refuses an option that the launcher does not heed.
    ///
    /// # Errors
    /// Where there is one.
    pub fn check_launcher(&self) -> Result<(), UsageError> {
        let launch = &self.launch;
        let given = [
            ("jobs", self.jobs.is_some()),
            ("fresh", self.fresh),
            ("verify", self.verify),
            ("until-decided", self.until_decided),
            ("report", self.report.is_some()),
            ("format", self.format != RunFormat::Text),
            ("submit", launch.submit),
            ("retry-failed", launch.retry_failed),
            ("tasks-per-job", launch.tasks_per_job.is_some()),
            ("array-parallelism", launch.array_parallelism.is_some()),
            ("partition", launch.partition.is_some()),
            ("time", launch.time.is_some()),
            ("mem", launch.mem.is_some()),
            ("sbatch", !launch.sbatch.is_empty()),
        ];
        let unheeded = given
            .iter()
            .find(|(name, is_given)| *is_given && !launch.launcher.heeds().contains(name));
        let Some((name, _)) = unheeded else { return Ok(()) };
        let heed = LAUNCHERS.iter().filter(|other| other.heeds().contains(name));
        let others: Vec<&str> = heed.map(|other| other.name()).collect();
        Err(UsageError(format!(
            "--{name} is not for --launcher {}: it goes with --launcher {}",
            launch.launcher.name(),
            listed(&others, "or")
        )))
    }

    /// What the launcher is told.
    #[must_use]
    pub fn launch_settings<'a>(&'a self, experiment: &'a Experiment) -> Settings<'a> {
        let launch = &self.launch;
        let count = |count: Option<u32>| count.and_then(|count| usize::try_from(count).ok());
        Settings {
            experiment,
            device: self.device,
            submit: launch.submit,
            retry_failed: launch.retry_failed,
            tasks_per_job: count(launch.tasks_per_job),
            array_parallelism: count(launch.array_parallelism),
            partition: launch.partition.as_deref(),
            time: launch.time.as_deref(),
            mem: launch.mem.as_deref(),
            sbatch: &launch.sbatch,
        }
    }
}
