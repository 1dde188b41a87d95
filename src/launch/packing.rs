//! How many trainings a job takes, how much memory, and how jobs fall into arrays: arithmetic alone.

use std::ops::Range;

/// How long a job is to take: much longer than a scheduler takes to start one, short enough to fit into gaps.
const JOB_S: f64 = 300.0;

/// Least memory of a job, in MiB.
const LEAST_MIB: f64 = 256.0;

/// The step in which memory is asked for, in MiB.
const STEP_MIB: f64 = 64.0;

/// Trainings of some seconds each in a job, so that it takes some minutes, at most half of its time limit and
/// there are no more jobs than may be submitted.
#[must_use]
pub fn tasks_per_job(
    trainings: usize,
    seconds: f64,
    side_by_side: usize,
    limit_s: Option<u64>,
    most_jobs: usize,
) -> usize {
    #[allow(clippy::cast_precision_loss)] // an estimate
    let goal = limit_s.map_or(JOB_S, |limit| JOB_S.min(limit as f64 / 2.0)) * side_by_side as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, and is clamped
    let by_time = (goal / seconds.max(f64::MIN_POSITIVE)) as usize;
    by_time.max(trainings.div_ceil(most_jobs.max(1))).clamp(1, trainings.max(1))
}

/// MiB of a job: twice what this process took to read the data and train a few batches, the splits of its seeds, and
/// for each training side by side its engine.
#[must_use]
#[allow(clippy::cast_precision_loss)] // an estimate
pub fn memory_mib(
    used_mib: f64,
    split_bytes: usize,
    engine_bytes: usize,
    side_by_side: usize,
) -> u64 {
    let further = split_bytes as f64 + engine_bytes as f64 * side_by_side as f64;
    let wanted = (2.0 * used_mib + further / f64::from(1 << 20)).max(LEAST_MIB);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive, and rounded
    let steps = (wanted / STEP_MIB).ceil() as u64;
    steps * 64
}

/// The numbers of each job's tasks.
pub fn jobs(numbers: Range<usize>, per_job: usize) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = numbers;
    (start..end).step_by(per_job).map(move |first| first..(first + per_job).min(end))
}

/// The jobs of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// The number of the first task.
    pub first: usize,
    /// Jobs, with indices from 0.
    pub jobs: usize,
}

/// The arrays of so many tasks: a cluster limits the index, not the count.
#[must_use]
pub fn arrays(numbers: &Range<usize>, per_job: usize, longest: usize) -> Vec<Array> {
    let longest = longest.max(1);
    let starts = numbers.clone().step_by(per_job * longest);
    let jobs = |first: usize| (numbers.end - first).div_ceil(per_job).min(longest);
    starts.map(|first| Array { first, jobs: jobs(first) }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_trainings_are_packed_to_minutes_and_long_ones_are_left_alone() {
        assert_eq!(tasks_per_job(1000, 1.0, 1, None, 5000), 300);
        assert_eq!(tasks_per_job(1000, 1.0, 4, None, 5000), 1000);
        assert_eq!(tasks_per_job(1000, 1.0, 1, Some(120), 5000), 60);
        assert_eq!(tasks_per_job(1000, 9000.0, 1, None, 5000), 1);
        assert_eq!(tasks_per_job(60, 0.0, 1, None, 5000), 60);
        // A limit of jobs weighs more than time.
        assert_eq!(tasks_per_job(1000, 9000.0, 1, None, 100), 10);
    }

    #[test]
    fn memory_is_never_less_than_what_was_needed_here() {
        assert_eq!(memory_mib(10.0, 0, 0, 1), 256);
        assert_eq!(memory_mib(1000.0, 0, 0, 1), 2048);
        assert!(memory_mib(1000.0, 1 << 29, 1 << 30, 4) >= 2 * 1000 + 512 + 4 * 1024);
    }

    proptest! {
        #[test]
        fn arrays_and_jobs_hold_every_task_once_within_the_limit(
            first in 0_usize..5000,
            count in 1_usize..5000,
            per_job in 1_usize..50,
            longest in 1_usize..1002,
        ) {
            let numbers = first..first + count;
            let arrays = arrays(&numbers, per_job, longest);
            let mut of_arrays = Vec::new();
            for array in &arrays {
                prop_assert!(array.jobs >= 1 && array.jobs <= longest);
                // As the script has it.
                for index in 0..array.jobs {
                    let start = array.first + index * per_job;
                    of_arrays.push(start..(start + per_job).min(numbers.end));
                }
            }
            prop_assert_eq!(&of_arrays, &jobs(numbers.clone(), per_job).collect::<Vec<_>>());
            let tasks: Vec<usize> = of_arrays.into_iter().flatten().collect();
            prop_assert_eq!(tasks, numbers.collect::<Vec<_>>());
        }
    }
}
