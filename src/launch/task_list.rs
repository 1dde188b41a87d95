//! The trainings that were handed over, by numbers that never change: `tasks/` in an experiment's directory.
//!
//! `tasks/N.json` holds the tasks from number N on and the config they come of. Tasks handed over later get the
//! numbers after the last, in a file of their own, so that a job which waits for days still trains what it was
//! sent for.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::frozen::Frozen;
use crate::config::ConfigError;
use crate::storage::atomic::{holds, write_new};
use crate::text::counted;

/// The folder of the lists, below an experiment's directory.
const TASKS: &str = "tasks";

/// What the jobs of a cluster print, below that folder.
pub const LOGS: &str = "logs";

/// Tasks that were handed over at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// The number of the first.
    #[serde(skip)]
    pub first: usize,
    /// The config they come of.
    pub config: Frozen,
    /// Of each, the training's directory below the experiment's and its place among all trainings of the config.
    pub trainings: Vec<(String, usize)>,
}

impl Tasks {
    /// The number after the last.
    #[must_use]
    pub fn end(&self) -> usize {
        self.first + self.trainings.len()
    }

    /// Those with these numbers.
    #[must_use]
    pub fn of(&self, numbers: &Range<usize>) -> &[(String, usize)] {
        let at = |number: usize| number.clamp(self.first, self.end()) - self.first;
        &self.trainings[at(numbers.start)..at(numbers.end).max(at(numbers.start))]
    }
}

/// All tasks of an experiment's directory.
pub struct TaskList {
    folder: PathBuf,
}

impl TaskList {
    /// That of an experiment's directory, whether there is one or not.
    #[must_use]
    pub fn at(experiment: &Path) -> Self {
        Self { folder: experiment.join(TASKS) }
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, first: usize) -> PathBuf {
        self.folder.join(format!("{first}.json"))
    }

    /// The numbers that files begin with, in their order.
    fn firsts(&self) -> Vec<usize> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let first = |name: String| name.strip_suffix(".json")?.parse().ok();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut firsts: Vec<usize> = names.filter_map(first).collect();
        firsts.sort_unstable();
        firsts
    }

    fn read(&self, first: usize) -> Result<Tasks> {
        let file = self.file(first);
        let bytes =
            fs::read(&file).with_context(|| format!("cannot read the tasks {}", file.display()))?;
        let tasks: Tasks = serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "{} is not a list of tasks that this bnes wrote: launch the experiment again",
                file.display()
            )
        })?;
        Ok(Tasks { first, ..tasks })
    }

    /// All of it, in the order of the numbers.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn all(&self) -> Result<Vec<Tasks>> {
        self.firsts().into_iter().map(|first| self.read(first)).collect()
    }

    /// The tasks of a range of numbers with all that were handed over with them.
    ///
    /// # Errors
    /// Where there are no such tasks, or a file cannot be read.
    pub fn with(&self, numbers: &Range<usize>) -> Result<Tasks> {
        let firsts = self.firsts();
        let Some(first) = firsts.iter().rev().find(|first| **first <= numbers.start) else {
            let message = format!("there are no tasks in {}", self.folder.display());
            let help = "hand them over first: bnes run --config FILE --launcher list";
            return Err(ConfigError::new(message).help(help).into());
        };
        let tasks = self.read(*first)?;
        if numbers.end > tasks.end() {
            let (first, end) = (tasks.first, tasks.end());
            let message = match end - first {
                1 => {
                    format!("--task-id: expected {first}, the one task that was handed over there")
                }
                count => format!(
                    "--task-id: expected numbers of the {} from {first} to {}, which were handed over at once",
                    counted(count, "task"),
                    end - 1
                ),
            };
            return Err(ConfigError::new(message).into());
        }
        Ok(tasks)
    }

    /// Numbers trainings and writes them down; those that the last list consists of have their numbers already.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add(&self, config: Frozen, trainings: Vec<(String, usize)>) -> Result<Tasks> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot create the folder {}", self.folder.display()))?;
        let mut tasks = Tasks { first: 0, config, trainings };
        loop {
            if let Some(last) = self.firsts().last() {
                tasks.first = *last;
                if holds(&self.file(*last), |out| Ok(serde_json::to_writer(out, &tasks)?)) {
                    return Ok(tasks);
                }
                tasks.first = self.read(*last)?.end();
            }
            // Another process may be faster, and these come after its tasks then.
            let file = self.file(tasks.first);
            if write_new(&file, |out| Ok(serde_json::to_writer(out, &tasks)?))? {
                return Ok(tasks);
            }
        }
    }
}

/// The script by which Slurm runs the tasks from a number on.
#[must_use]
pub fn script_file(folder: &Path, first: usize) -> PathBuf {
    folder.join(format!("{first}.sh"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Experiment, Overrides};

    fn frozen(seeds: u64) -> Frozen {
        let overrides = Overrides { seeds: Some(seeds), ..Overrides::default() };
        Frozen::of(&Experiment::builtin(&overrides).unwrap())
    }

    fn trainings(names: &[&str]) -> Vec<(String, usize)> {
        names.iter().enumerate().map(|(place, name)| ((*name).to_owned(), place)).collect()
    }

    #[test]
    fn a_number_stands_for_one_training_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let list = TaskList::at(dir.path());
        let first = list.add(frozen(1), trainings(&["a", "b", "c"])).unwrap();
        let second = list.add(frozen(1), trainings(&["b"])).unwrap();
        let third = list.add(frozen(2), trainings(&["b"])).unwrap();
        assert_eq!([first.first, second.first, third.first], [0, 3, 4]);
        assert_eq!(list.with(&(1..3)).unwrap().of(&(1..3)), &first.trainings[1..]);
        assert_eq!(list.with(&(4..5)).unwrap(), third);
        assert_eq!(list.all().unwrap(), [first, second, third]);
    }

    #[test]
    fn what_is_handed_over_again_as_it_was_keeps_its_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let list = TaskList::at(dir.path());
        let first = list.add(frozen(1), trainings(&["a", "b"])).unwrap();
        assert_eq!(list.add(frozen(1), trainings(&["a", "b"])).unwrap(), first);
        assert_eq!(list.all().unwrap().len(), 1);
    }

    #[test]
    fn numbers_that_no_task_has_are_refused_and_those_that_exist_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let list = TaskList::at(dir.path());
        assert!(list.with(&(0..1)).unwrap_err().to_string().contains("there are no tasks"));
        list.add(frozen(1), trainings(&["a", "b"])).unwrap();
        list.add(frozen(1), trainings(&["b"])).unwrap();
        for (numbers, expected) in [(1..3, "2 tasks from 0 to 1"), (2..9, "expected 2, the one")] {
            let message = list.with(&numbers).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_frozen_config_comes_to_the_same_experiment() {
        let experiment = Experiment::builtin(&Overrides { seeds: Some(3), ..Overrides::default() });
        let experiment = experiment.unwrap();
        let again = Frozen::of(&experiment).experiment().unwrap();
        let configs = |experiment: &Experiment| -> Vec<String> {
            let all = experiment.trainings.iter();
            all.map(|one| serde_json::Value::from(one.config.table()).to_string()).collect()
        };
        assert_eq!(configs(&again), configs(&experiment));
    }
}
