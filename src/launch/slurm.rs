//! `--launcher slurm`: arrays of jobs, each of which trains some tasks.
//!
//! Everything that a user wrote reaches `sbatch` as an argument of its own, and the script as a quoted word. The
//! script's arguments say which tasks a job has, so that the queue alone tells what is yet to come.

use std::fs;
use std::process::Command;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

use super::frozen::Frozen;
use super::hand_over::{Ready, Runner, ready};
use super::job_status::log_pattern;
use super::launcher::{HandedOver, Launched, Launcher, Settings};
use super::packing::{Array, arrays, memory_mib, tasks_per_job};
use super::slurm_limits::Limits;
use super::slurm_options::Options;
use super::task_list::{LOGS, TaskList, Tasks, script_file};
use crate::config::ConfigError;
use crate::event::Event;
use crate::runner::{PreparedTraining, Session, peak_memory_mib, timing};
use crate::storage::atomic::write_with;
use crate::text::{counted, shell_word};

/// The script, but for the command.
const SCRIPT: &str = include_str!("job.sh");

/// Trainings at most by which seconds are estimated.
const TIMED: usize = 1000;

/// Hands over to Slurm.
#[derive(Debug)]
pub struct Slurm;

impl Launcher for Slurm {
    fn name(&self) -> &'static str {
        "slurm"
    }

    fn help(&self) -> &'static str {
        "Write a batch script and print the sbatch lines, or run them with --submit"
    }

    fn heeds(&self) -> &'static [&'static str] {
        &[
            "submit",
            "retry-failed",
            "tasks-per-job",
            "array-parallelism",
            "partition",
            "time",
            "mem",
            "sbatch",
        ]
    }

    fn launch(
        &self,
        session: &mut Session,
        settings: &Settings,
        events: &Sender<Event>,
    ) -> Result<Launched> {
        let options = Options::new(settings)?;
        let runner = Runner::new(session, settings.device)?;
        if runner.sweep().to_string_lossy().contains('\\') {
            let message = format!(
                "{}: Slurm cannot write logs into a folder with a backslash in its name",
                runner.sweep().display()
            );
            return Err(ConfigError::new(message)
                .help("choose another place with --results")
                .into());
        }
        // A job lays out its own trainings alone, so this is asked before all of them are.
        let used = if options.has_memory { None } else { Some(used(session)?) };
        let Ready { trainings, mut notes } = ready(session, settings, events)?;
        if trainings.is_empty() {
            return Ok(Launched::HandedOver(HandedOver { lines: Vec::new(), notes }));
        }
        let limits = Limits::ask();
        if !limits.is_known {
            notes.push(format!("scontrol is not at hand: arrays of at most {} jobs", limits.array));
        }
        let places: Vec<usize> = trainings.iter().map(|(_, place)| *place).collect();
        let sample = session.alike(spread(&places, TIMED));
        let sent: Vec<&PreparedTraining> = sample.iter().collect();
        #[allow(clippy::cast_precision_loss)] // a count
        let seconds = timing::estimate(&sent, session.compute())? / sent.len() as f64;
        let per_job = settings.tasks_per_job.unwrap_or_else(|| {
            tasks_per_job(places.len(), seconds, options.cpus, options.limit_s, limits.jobs)
        });
        notes.push(format!(
            "--tasks-per-job {per_job}: a training takes about {} to its last epoch on a CPU here, a job {}",
            duration(seconds),
            duration(of_job(seconds, per_job, options.cpus)),
        ));
        let mut arguments = options.arguments;
        if let Some((used_mib, largest)) = used {
            let engine =
                sent.iter().map(|training| training.engine_bytes()).fold(largest, usize::max);
            let of_job = |job| session.split_bytes(job);
            let splits = places.chunks(per_job).map(of_job).max().unwrap_or_default();
            let mib = memory_mib(used_mib, splits, engine, options.cpus);
            notes.push(format!(
                "--mem {mib}M: reading the data and training some batches took {used_mib:.0} MiB here"
            ));
            arguments.insert(0, format!("--mem={mib}M"));
        }
        let list = TaskList::at(&runner.sweep());
        let tasks = list.add(Frozen::of(settings.experiment), trainings)?;
        let script = write_script(&list, &runner, &tasks)?;
        let name = &settings.experiment.name;
        let arrays = arrays(&(tasks.first..tasks.end()), per_job, limits.array);
        let jobs: usize = arrays.iter().map(|array| array.jobs).sum();
        if jobs > limits.jobs {
            notes.push(format!(
                "{jobs} jobs may be more than this cluster takes of one user: a larger --tasks-per-job packs them"
            ));
        }
        let commands: Vec<Vec<String>> = arrays
            .iter()
            .map(|array| {
                let mut words = vec![
                    format!("--job-name={name}"),
                    format!("--output={}", log_pattern(list.folder(), array.first, per_job)),
                    format!("--array=0-{}{}", array.jobs - 1, parallelism(settings)),
                    "--cpus-per-task=1".to_owned(),
                ];
                words.extend(arguments.iter().cloned());
                words.push(script.clone());
                words.extend([array.first, per_job, tasks.end()].map(|number| number.to_string()));
                words
            })
            .collect();
        let lines = if settings.submit {
            submit(&commands, &arrays)?
        } else {
            notes.push("nothing is submitted yet: --submit does, or these lines do".to_owned());
            commands.iter().map(|words| line(words)).collect()
        };
        Ok(Launched::HandedOver(HandedOver { lines, notes }))
    }
}

/// MiB that this process took to read the data and train some batches of the largest network, and the bytes of that.
fn used(session: &Session) -> Result<(f64, usize)> {
    let largest = session.prepared().of_first_seed().max_by_key(PreparedTraining::engine_bytes);
    timing::estimate(&largest.iter().collect::<Vec<_>>(), session.compute())?;
    let bytes = largest.map_or(0, |training| training.engine_bytes());
    Ok((peak_memory_mib().unwrap_or_default(), bytes))
}

/// At most so many of these places, evenly spread, by steps in which no pattern of the matrix comes back.
fn spread(places: &[usize], most: usize) -> impl Iterator<Item = usize> {
    let count = places.len();
    // About the golden section of them, and without a divisor in common.
    let step = (count * 618 / 1000..=count).find(|step| gcd(*step, count) == 1).unwrap_or(1);
    (0..count.min(most)).map(move |index| places[index * step % count])
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn parallelism(settings: &Settings) -> String {
    settings.array_parallelism.map_or_else(String::new, |jobs| format!("%{jobs}"))
}

/// Seconds of a job with so many trainings of this length, some side by side.
#[allow(clippy::cast_precision_loss)] // counts
fn of_job(seconds: f64, per_job: usize, side_by_side: usize) -> f64 {
    seconds * per_job.div_ceil(side_by_side) as f64
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..1.0 => format!("{seconds:.1} s"),
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3600.0),
    }
}

/// Writes the script of some tasks, and makes the folder for what jobs print; its path.
fn write_script(list: &TaskList, runner: &Runner, tasks: &Tasks) -> Result<String> {
    let logs = list.folder().join(LOGS);
    fs::create_dir_all(&logs)
        .with_context(|| format!("cannot create the folder {}", logs.display()))?;
    let path = script_file(list.folder(), tasks.first);
    let script = script(&runner.command(r#""$first..$end""#));
    write_with(&path, |out| {
        out.write_all(script.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
    })?;
    Ok(path.display().to_string())
}

fn script(command: &str) -> String {
    SCRIPT.replacen("COMMAND", command, 1)
}

/// A command of `sbatch` for a shell.
fn line(words: &[String]) -> String {
    let words = words.iter().map(|word| shell_word(word));
    std::iter::once("sbatch".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Submits arrays; what `sbatch` said of each.
fn submit(commands: &[Vec<String>], arrays: &[Array]) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for (words, array) in commands.iter().zip(arrays) {
        let output = Command::new("sbatch").args(words).output().context(
            "sbatch cannot be run: submit on a machine of the cluster, or leave --submit out and run the lines there",
        )?;
        if !output.status.success() {
            let problem = String::from_utf8_lossy(&output.stderr);
            let before = match said.len() {
                0 => "nothing was submitted".to_owned(),
                count => format!("{} submitted before", counted(count, "array")),
            };
            bail!(
                "sbatch refused an array of {}: {}\n{before}; the same command sends what is missing. Where the \
                 cluster limits how many jobs a user may submit, a larger --tasks-per-job packs them",
                counted(array.jobs, "job"),
                problem.trim()
            );
        }
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        said.push(format!("{line}: {}", counted(array.jobs, "job")));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_every_cell_as_often_as_all_places_have() {
        for (cells, seeds) in [(2, 501), (20, 50_000), (7, 1000), (1000, 3)] {
            let places: Vec<usize> = (0..cells * seeds).collect();
            let mut counts = vec![0; cells];
            spread(&places, TIMED).for_each(|place| counts[place % cells] += 1);
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(
                most - least <= 2 && counts.iter().sum::<usize>() == TIMED,
                "{cells}: {counts:?}"
            );
        }
        let all: Vec<usize> = vec![4, 7, 9];
        let mut some: Vec<usize> = spread(&all, TIMED).collect();
        some.sort_unstable();
        assert_eq!(some, all);
    }
}
