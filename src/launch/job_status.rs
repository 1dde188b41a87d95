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
    let end = tasks.last().map_or(0, Tasks::end);
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut logs: Vec<(Range<usize>, PathBuf)> = names
        .filter_map(|entry| {
            Some((numbers(&entry.file_name().into_string().ok()?, end)?, entry.path()))
        })
        .collect();
    // Later tasks are later attempts.
    logs.sort_by_key(|(numbers, path)| {
        let written = fs::metadata(path).and_then(|data| data.modified()).ok();
        (numbers.start, written)
    });
    let mut found = HashMap::new();
    for (numbers, path) in logs {
        for (training, _) in tasks.iter().flat_map(|tasks| tasks.of(&numbers)) {
            found.insert(training.clone(), path.clone());
        }
    }
    found
}

/// The tasks of the job with this log, by its name.
fn numbers(name: &str, end: usize) -> Option<Range<usize>> {
    let mut parts = name.strip_suffix(".log")?.split('-').map(|part| part.parse().ok());
    let (first, per_job, index): (usize, usize, usize) =
        (parts.next()??, parts.next()??, parts.next()??);
    if per_job == 0 || first > end {
        return None;
    }
    jobs(first..end, per_job).nth(index)
}

/// What a job prints into, as `sbatch` takes it: the index in the array for `%a`, and `%` for `%%`.
#[must_use]
pub fn log_pattern(folder: &Path, first: usize, per_job: usize) -> String {
    let logs = folder.join(LOGS).display().to_string();
    format!("{}/{first}-{per_job}-%a.log", logs.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_log_says_which_tasks_it_is_of() {
        let name = log_pattern(Path::new("/a%b"), 30, 4).replace("%a", "2");
        let name = name.strip_prefix("/a%%b/logs/").unwrap();
        assert_eq!(numbers(name, 41), Some(38..41));
        for other in
            ["30-4.log", "30-0-1.log", "a-4-1.log", "30-4-2.txt", "30-4-3.log", "99-1-0.log"]
        {
            assert_eq!(numbers(other, 41), None, "{other}");
        }
    }
}
