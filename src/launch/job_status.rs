//! What jobs of a cluster add to the status of trainings: which are queued, and what the last job of each printed.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::packing::jobs;
use super::squeue::{Queued, queued};
use super::task_list::{LOGS, TaskList, Tasks};
use crate::storage::status::{State, TrainingStatus};

/// Marks the trainings that wait in a queue, and names the logs of those that jobs left without a result; what
/// cannot be known, a sentence each.
pub fn add_jobs(statuses: &mut [TrainingStatus]) -> Vec<String> {
    let mut problems = Vec::new();
    // Those of an experiment follow each other.
    for statuses in statuses.chunk_by_mut(|one, next| one.folder == next.folder) {
        let list = TaskList::at(&statuses[0].folder);
        let in_queue = queued(&list).unwrap_or_else(|problem| {
            problems.push(format!("what is queued is not known: {problem}"));
            HashMap::new()
        });
        let open = statuses.iter_mut().filter(|status| {
            matches!(status.state, State::Missing | State::Interrupted | State::Failed)
        });
        let open: Vec<&mut TrainingStatus> = open.collect();
        let has_logs = list.folder().join(LOGS).is_dir() && !open.is_empty();
        let logs = match list.all() {
            Ok(tasks) if has_logs => logs(&list.folder().join(LOGS), &tasks),
            Ok(_) => HashMap::new(),
            Err(problem) => {
                problems.push(format!("{problem:#}"));
                HashMap::new()
            }
        };
        for status in open {
            let queued = in_queue.get(&status.training);
            // A job that has begun may have left it behind.
            if queued
                .is_some_and(|queued| *queued == Queued::Waits || status.state != State::Failed)
            {
                status.state = State::Queued;
            } else {
                status.job_log = logs.get(&status.training).cloned();
            }
        }
    }
    problems
}

/// Of each training, what the last job that had it printed.
fn logs(folder: &Path, tasks: &[Tasks]) -> HashMap<String, PathBuf> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut logs: Vec<(&Tasks, Range<usize>, PathBuf)> = names
        .filter_map(|entry| {
            let (tasks, numbers) = numbers(&entry.file_name().into_string().ok()?, tasks)?;
            Some((tasks, numbers, entry.path()))
        })
        .collect();
    // Later tasks are later attempts, and those sent again with their numbers are told apart by the time.
    logs.sort_by_cached_key(|(tasks, _, path)| {
        let written = fs::metadata(path).and_then(|data| data.modified()).ok();
        (tasks.first, written)
    });
    let mut found = HashMap::new();
    for (tasks, numbers, path) in logs {
        for (training, _) in tasks.of(&numbers) {
            found.insert(training.clone(), path.clone());
        }
    }
    found
}

/// The tasks of the job with this log, by its name, and those that were handed over with them: an array ends
/// where they do.
fn numbers<'a>(name: &str, tasks: &'a [Tasks]) -> Option<(&'a Tasks, Range<usize>)> {
    let mut parts = name.strip_suffix(".log")?.split('-').map(|part| part.parse().ok());
    let (first, per_job, index): (usize, usize, usize) =
        (parts.next()??, parts.next()??, parts.next()??);
    if per_job == 0 {
        return None;
    }
    let tasks = tasks.iter().find(|tasks| (tasks.first..tasks.end()).contains(&first))?;
    Some((tasks, jobs(first..tasks.end(), per_job).nth(index)?))
}

/// What a job prints into, as `sbatch` takes it: the index in the array for `%a`, and `%` for `%%`.
#[must_use]
pub fn log_pattern(folder: &Path, first: usize, per_job: usize) -> String {
    let logs = folder.join(LOGS).display().to_string();
    format!("{}/{first}-{per_job}-%a.log", logs.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::config::{Experiment, Overrides};
    use crate::launch::Frozen;

    /// Tasks of trainings called `a`, `b` and so on.
    fn tasks(first: usize, trainings: &str) -> Tasks {
        let config = Frozen::of(&Experiment::builtin(&Overrides::default()).unwrap());
        let trainings = trainings.chars().map(|name| (name.to_string(), 0)).collect();
        Tasks { first, config, trainings }
    }

    #[test]
    fn the_name_of_a_log_says_which_tasks_it_is_of() {
        let name = log_pattern(Path::new("/a%b"), 30, 4).replace("%a", "2");
        let name = name.strip_prefix("/a%%b/logs/").unwrap();
        let tasks = [tasks(30, "abcdefghijk"), tasks(41, "abc")];
        assert_eq!(numbers(name, &tasks), Some((&tasks[0], 38..41)));
        for other in
            ["30-4.log", "30-0-1.log", "a-4-1.log", "30-4-2.txt", "30-4-3.log", "99-1-0.log"]
        {
            assert_eq!(numbers(other, &tasks), None, "{other}");
        }
    }

    #[test]
    fn the_log_of_a_training_is_that_of_the_last_job_that_had_it() {
        let dir = tempfile::tempdir().unwrap();
        // `e` alone was sent again, and then all of it in larger jobs.
        let tasks = [tasks(0, "abcde"), tasks(5, "e"), tasks(6, "abcde")];
        let logs_so_far = [
            ("0-4-0", [Some("0-4-0"), Some("0-4-0"), None]),
            ("0-4-1", [Some("0-4-0"), Some("0-4-0"), Some("0-4-1")]),
            ("5-1-0", [Some("0-4-0"), Some("0-4-0"), Some("5-1-0")]),
            ("6-2-0", [Some("6-2-0"), Some("0-4-0"), Some("5-1-0")]),
            ("6-2-1", [Some("6-2-0"), Some("6-2-1"), Some("5-1-0")]),
            ("6-3-0", [Some("6-3-0"), Some("6-3-0"), Some("5-1-0")]),
        ];
        let start = SystemTime::now();
        for (minute, (name, expected)) in (0..).zip(logs_so_far) {
            let file = fs::File::create(dir.path().join(format!("{name}.log"))).unwrap();
            file.set_modified(start + Duration::from_secs(60 * minute)).unwrap();
            let found = logs(dir.path(), &tasks);
            let of = |training: &str| found.get(training)?.file_stem()?.to_str();
            assert_eq!(["a", "c", "e"].map(of), expected, "after {name}");
        }
    }
}
