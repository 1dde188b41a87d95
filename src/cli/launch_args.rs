//! The options of `bnes run` that say where trainings go.

use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::launch::{LAUNCHERS, Launcher, launcher};

/// Where trainings go.
#[derive(Debug, Clone, Args)]
pub struct LaunchArgs {
    /// Who trains
    #[arg(long, value_name = "LAUNCHER", default_value = "local", value_parser = launchers(),
        help_heading = "On other machines")]
    pub launcher: &'static dyn Launcher,
    /// Run sbatch rather than print its lines
    #[arg(long, help_heading = "On other machines")]
    pub submit: bool,
    /// Send what failed, too
    #[arg(long, help_heading = "On other machines")]
    pub retry_failed: bool,
    /// Trainings of a job [default: so that a job takes some minutes; one a line with `list`, up to 10,000 lines]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "On other machines")]
    pub tasks_per_job: Option<u32>,
    /// Jobs of an array at a time, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "On other machines")]
    pub array_parallelism: Option<u32>,
    /// The partition of Slurm
    #[arg(long, value_name = "NAME", help_heading = "On other machines")]
    pub partition: Option<String>,
    /// The time limit of a job, as sbatch takes it [default: the partition's]
    #[arg(long, value_name = "TIME", help_heading = "On other machines")]
    pub time: Option<String>,
    /// The memory of a job, as sbatch takes it [default: estimated]
    #[arg(long, value_name = "SIZE", help_heading = "On other machines")]
    pub mem: Option<String>,
    /// Another option of sbatch, such as `account=lab` or `cpus-per-task=4`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "On other machines")]
    pub sbatch: Vec<String>,
    /// Train tasks of this experiment's directory in the results, which `--launcher slurm` or `list` has written
    #[arg(long, value_name = "DIR", requires = "task_id", help_heading = "On other machines",
        conflicts_with_all = ["config", "set", "seeds", "results", "launcher", "dry_run", "fresh", "verify",
            "until_decided", "report", "format", "submit", "retry_failed", "tasks_per_job",
            "array_parallelism", "partition", "time", "mem", "sbatch"])]
    pub sweep: Option<PathBuf>,
    /// Which tasks: a number from 0, or A..B for those from A to B-1
    #[arg(long, value_name = "N", requires = "sweep", value_parser = task_id,
        help_heading = "On other machines")]
    pub task_id: Option<Range<usize>>,
}

fn launchers() -> impl TypedValueParser<Value = &'static dyn Launcher> {
    let known = LAUNCHERS.iter().map(|one| PossibleValue::new(one.name()).help(one.help()));
    let find = |name: String| launcher(&name).ok_or("there is no such launcher");
    PossibleValuesParser::new(known).try_map(find)
}

fn task_id(text: &str) -> Result<Range<usize>, String> {
    let numbers = match text.split_once("..") {
        Some((first, end)) => first.parse().ok().zip(end.parse().ok()),
        None => text.parse().ok().and_then(|one: usize| Some((one, one.checked_add(1)?))),
    };
    let numbers = numbers.map(|(first, end)| first..end).filter(|numbers| !numbers.is_empty());
    numbers.ok_or_else(|| "expected a number such as 7, or a range such as 0..30".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_a_number_or_a_range_that_is_not_empty() {
        assert_eq!([task_id("7"), task_id("0..30")], [Ok(7..8), Ok(0..30)]);
        for text in ["", "-1", "3..3", "4..3", "..", "1..", "1..=2", "a", "18446744073709551615"] {
            assert!(task_id(text).is_err(), "{text}");
        }
    }
}
