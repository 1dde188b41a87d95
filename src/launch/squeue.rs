//! What jobs of Slurm are yet to train, by `squeue` alone: the command of a job says which tasks it has.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::packing::jobs;
use super::task_list::TaskList;

/// How far the job is that is to train something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// It waits to begin, maybe again.
    Waits,
    /// It has begun.
    HasBegun,
}

/// A job in the queue.
#[derive(Debug, PartialEq, Eq)]
struct Job {
    folder: PathBuf,
    numbers: Range<usize>,
    queued: Queued,
}

/// States of a job that has not begun, or is to begin again.
const WAITING: &[&str] =
    &["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"];

/// What jobs of this user are to train of the tasks of an experiment, by the trainings' directories; empty where
/// none was ever sent.
///
/// # Errors
/// Where that cannot be known, and why.
pub fn queued(list: &TaskList) -> Result<HashMap<String, Queued>, String> {
    if !was_sent(list.folder()) {
        return Ok(HashMap::new());
    }
    let output = Command::new("squeue")
        .args(["--me", "--array", "--noheader", "--format=%K|%T|%o"])
        .output()
        .map_err(|error| format!("squeue: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("squeue: {}", said.lines().next().unwrap_or("it failed").trim()));
    }
    let rows = String::from_utf8_lossy(&output.stdout);
    let own = fs::canonicalize(list.folder()).ok();
    let mut known: HashMap<PathBuf, bool> = HashMap::new();
    let mut is_own = |folder: &Path| {
        *known.entry(folder.to_owned()).or_insert_with(|| {
            folder == list.folder() || own.is_some() && fs::canonicalize(folder).ok() == own
        })
    };
    let jobs: Vec<Job> = rows.lines().filter_map(job).filter(|job| is_own(&job.folder)).collect();
    if jobs.is_empty() {
        return Ok(HashMap::new());
    }
    let lists = list.all().map_err(|error| format!("{error:#}"))?;
    let mut found = HashMap::new();
    for job in &jobs {
        let tasks = lists.iter().flat_map(|tasks| tasks.of(&job.numbers));
        for (training, _) in tasks {
            let queued = found.entry(training.clone()).or_insert(job.queued);
            if job.queued == Queued::Waits {
                *queued = Queued::Waits;
            }
        }
    }
    Ok(found)
}

/// Whether there is a script of Slurm among the tasks.
fn was_sent(folder: &Path) -> bool {
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.path().extension().is_some_and(|ending| ending == "sh"))
}

/// A row of `squeue`: the index in the array, the state, and the command as `sbatch` was given it, a script with
/// the first task of the array, the tasks of a job and the number after the last task.
fn job(row: &str) -> Option<Job> {
    let mut parts = row.splitn(3, '|');
    let index: usize = parts.next()?.parse().ok()?;
    let (state, command) = (parts.next()?, parts.next()?);
    let mut words = command.rsplitn(4, ' ');
    let mut number = || words.next()?.parse::<usize>().ok();
    let (end, per_job, first) = (number()?, number()?, number()?);
    let script = Path::new(words.next()?);
    if script.extension()? != "sh" || per_job == 0 || first > end {
        return None;
    }
    Some(Job {
        folder: script.parent()?.to_owned(),
        numbers: jobs(first..end, per_job).nth(index)?,
        queued: if WAITING.contains(&state) { Queued::Waits } else { Queued::HasBegun },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_queue_says_which_tasks_a_job_has() {
        let folder = PathBuf::from("/home/a b/results/x|y/tasks");
        let row = |row: &str| job(&row.replace("DIR", "/home/a b/results/x|y/tasks"));
        let expected = |numbers, queued| Some(Job { folder: folder.clone(), numbers, queued });
        assert_eq!(row("0|PENDING|DIR/30.sh 30 4 41"), expected(30..34, Queued::Waits));
        assert_eq!(row("2|RUNNING|DIR/30.sh 30 4 41"), expected(38..41, Queued::HasBegun));
        assert_eq!(row("1|REQUEUE_HOLD|DIR/30.sh 30 4 41"), expected(34..38, Queued::Waits));
    }

    #[test]
    fn jobs_of_others_are_passed_over() {
        for row in [
            "",
            "N/A|RUNNING|/bin/bash",
            "0|RUNNING|(null)",
            "3|PENDING|/x/tasks/0.sh 0 4 12",
            "0|PENDING|/x/tasks/0.sh 0 0 12",
            "0|PENDING|/x/job.py 0 1 12",
            "0|PENDING|/x/tasks/0.sh 9 1 2",
        ] {
            assert_eq!(job(row), None, "{row}");
        }
    }
}
