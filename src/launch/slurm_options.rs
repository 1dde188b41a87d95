//! The options of `sbatch` that a user gives, checked before anything is written.

use super::launcher::Settings;
use crate::config::ConfigError;

/// Options that jobs depend on, and why they cannot be others.
const OURS: &[(&str, &str)] = &[
    ("array", "says which tasks a job has: --tasks-per-job and --array-parallelism change it"),
    ("output", "is where `bnes status` looks for logs"),
    ("open-mode", "keeps the log of a job that is requeued"),
    ("signal", "tells a training in time that its time is up"),
    ("requeue", "lets a job go on elsewhere when its node fails"),
    ("no-requeue", "would lose the jobs of a node that fails"),
    ("wrap", "would take the place of the script"),
    ("test-only", "would submit nothing"),
];

/// Options whose values are read here.
const READ: &[&str] = &["time", "cpus-per-task", "mem", "mem-per-cpu", "mem-per-gpu"];

/// Seconds of a job that would be told at once that its time is up: the signal of `job.sh`, and how much earlier
/// Slurm may send it.
const TOO_SHORT_S: u64 = 60 + 60;

/// What a user wants of `sbatch`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// As arguments.
    pub arguments: Vec<String>,
    /// Seconds that a job may take; none where that is the partition's, or without a limit.
    pub limit_s: Option<u64>,
    /// Processors of a job.
    pub cpus: usize,
    /// Whether memory is among them.
    pub has_memory: bool,
}

impl Options {
    /// Those of the settings.
    ///
    /// # Errors
    /// Where one is none, or one that jobs depend on.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let mut options = Self { cpus: 1, ..Self::default() };
        let of_own =
            [("partition", settings.partition), ("time", settings.time), ("mem", settings.mem)];
        for (key, value) in of_own {
            if let Some(value) = value {
                options
                    .add(key, Some(value))
                    .map_err(|fault| fault.of(&format!("--{key} {value}")))?;
            }
        }
        for text in settings.sbatch {
            let (key, value) = match text.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (text.as_str(), None),
            };
            options.add(key, value).map_err(|fault| fault.of(&format!("--sbatch {text}")))?;
        }
        Ok(options)
    }

    fn add(&mut self, key: &str, value: Option<&str>) -> Result<(), Fault> {
        let is_name = |key: &str| {
            key.starts_with(|c: char| c.is_ascii_lowercase())
                && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if !is_name(key) {
            return Err(Fault(
                "expected KEY=VALUE or KEY, a long option of sbatch without its dashes".into(),
            ));
        }
        // `sbatch` takes the beginning of an option for the option.
        if let Some((ours, why)) = OURS.iter().find(|(ours, _)| ours.starts_with(key)) {
            return Err(Fault(format!("{ours} {why}")));
        }
        if !READ.contains(&key)
            && let Some(read) = READ.iter().find(|read| read.starts_with(key))
        {
            return Err(Fault(format!("expected the name of the option in full, as in {read}")));
        }
        if value.is_some_and(|value| value.contains(char::is_control)) {
            return Err(Fault(
                "expected a value without line breaks or other control characters".into(),
            ));
        }
        match (key, value) {
            ("time", value) => {
                let limit_s = value.and_then(limit_s).ok_or_else(|| {
                    Fault(
                        "expected minutes, MINUTES:SECONDS, HOURS:MINUTES:SECONDS, DAYS-HOURS, \
                         DAYS-HOURS:MINUTES or UNLIMITED"
                            .into(),
                    )
                })?;
                if limit_s.is_some_and(|limit| limit <= TOO_SHORT_S) {
                    return Err(Fault(
                        "expected more than 2 minutes: jobs are told 60 s before their time is up, which Slurm may \
                         do up to 60 s early, and train until then"
                            .into(),
                    ));
                }
                self.limit_s = limit_s;
            }
            ("cpus-per-task", value) => {
                let cpus = value.and_then(|value| value.parse().ok()).filter(|cpus| *cpus > 0);
                self.cpus = cpus.ok_or_else(|| Fault("expected a number from 1 on".into()))?;
            }
            ("mem" | "mem-per-cpu" | "mem-per-gpu", value) => {
                let is_size = |value: &str| {
                    let number = value.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(value);
                    number.parse::<u64>().is_ok()
                };
                if !value.is_some_and(is_size) {
                    return Err(Fault("expected megabytes, or a number with K, M, G or T".into()));
                }
                self.has_memory = true;
            }
            _ => {}
        }
        self.arguments.push(match value {
            Some(value) => format!("--{key}={value}"),
            None => format!("--{key}"),
        });
        Ok(())
    }
}

/// What is wrong with an option.
struct Fault(String);

impl Fault {
    fn of(self, option: &str) -> ConfigError {
        ConfigError::new(format!("{}: {}", option.escape_debug(), self.0))
    }
}

/// The limit that a time as Slurm writes it sets: none where it says that there is none.
#[allow(clippy::option_option)] // no time at all, no limit, a limit
fn limit_s(text: &str) -> Option<Option<u64>> {
    if ["unlimited", "infinite"].iter().any(|none| text.eq_ignore_ascii_case(none)) {
        return Some(None);
    }
    seconds(text).map(|seconds| Some(seconds).filter(|seconds| *seconds > 0))
}

/// Seconds of a time as Slurm writes it.
fn seconds(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days.parse::<u64>().ok()?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let seconds = match (days, &parts[..]) {
        (None, [minutes]) => minutes.checked_mul(60)?,
        (None, [minutes, seconds]) => minutes.checked_mul(60)?.checked_add(*seconds)?,
        (Some(_), [hours]) => hours.checked_mul(3600)?,
        (Some(_), [hours, minutes]) => {
            hours.checked_mul(60)?.checked_add(*minutes)?.checked_mul(60)?
        }
        (_, [hours, minutes, seconds]) => {
            hours.checked_mul(60)?.checked_add(*minutes)?.checked_mul(60)?.checked_add(*seconds)?
        }
        _ => return None,
    };
    days.unwrap_or(0).checked_mul(86_400)?.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sbatch: &[&str]) -> Result<Options, String> {
        let mut options = Options { cpus: 1, ..Options::default() };
        for text in sbatch {
            let (key, value) = text.split_once('=').map_or((*text, None), |(k, v)| (k, Some(v)));
            options.add(key, value).map_err(|fault| fault.0)?;
        }
        Ok(options)
    }

    #[test]
    fn times_are_read_as_slurm_reads_them() {
        let all = ["5", "1:30", "2:00:00", "1-0", "1-1:30", "0-0:0:7"].map(seconds);
        assert_eq!(all, [300, 90, 7200, 86_400, 91_800, 7].map(Some));
        for none in ["", "x", "1:2:3:4", "1-", "-5", "1.5", "99999999999999999999", "1-2:3:4:5"] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }

    #[test]
    fn no_limit_is_none_and_one_that_leaves_no_time_to_train_is_refused() {
        for none in ["0", "0:00", "0-0", "UNLIMITED", "unlimited", "INFINITE", "infinite"] {
            let options = of(&[&format!("time={none}")]).unwrap();
            assert_eq!(options.limit_s, None, "{none}");
            assert_eq!(options.arguments, [format!("--time={none}")]);
        }
        for short in ["1", "2", "1:59", "0:2:00", "0-0:2"] {
            let message = of(&[&format!("time={short}")]).unwrap_err();
            assert!(message.contains("60 s before"), "{short}: {message}");
        }
        assert_eq!(of(&["time=2:01"]).unwrap().limit_s, Some(121));
    }

    #[test]
    fn options_of_sbatch_go_on_as_they_are_and_say_what_jobs_need_to_know() {
        let options = of(&["cpus-per-task=4", "time=10", "account=a b$(c)", "exclusive"]).unwrap();
        assert_eq!((options.cpus, options.limit_s, options.has_memory), (4, Some(600), false));
        assert_eq!(
            options.arguments,
            ["--cpus-per-task=4", "--time=10", "--account=a b$(c)", "--exclusive"]
        );
        assert!(of(&["mem-per-cpu=2G"]).unwrap().has_memory);
    }

    #[test]
    fn the_beginning_of_an_option_that_jobs_depend_on_is_refused_as_the_option_is() {
        for (ours, why) in OURS {
            for end in 1..=ours.len() {
                let message = of(&[&format!("{}=1", &ours[..end])]).unwrap_err();
                // Where several begin so, any of them is told.
                let is_told = OURS.iter().any(|(name, why)| message == format!("{name} {why}"));
                assert!(is_told, "{ours}, {end}: {message}");
            }
            assert_eq!(of(&[ours]).unwrap_err(), format!("{ours} {why}"));
        }
        for shortened in ["tim=10", "cpus-per-t=4", "mem-per-c=2G"] {
            assert!(of(&[shortened]).unwrap_err().contains("in full"), "{shortened}");
        }
        // What only goes on like one of them is another option.
        for other in ["nodes=1", "output-x=1", "time-min=1"] {
            assert!(of(&[other]).is_ok(), "{other}");
        }
    }

    #[test]
    fn what_is_no_option_or_would_break_jobs_is_refused() {
        for (text, says) in [
            ("", "expected KEY=VALUE"),
            ("--nice=1", "expected KEY=VALUE"),
            ("A=b", "expected KEY=VALUE"),
            ("array=0-5", "--tasks-per-job"),
            ("comment=a\n#SBATCH --x", "line breaks"),
            ("cpus-per-task=0", "a number from 1"),
            ("mem=much", "megabytes"),
            ("time=soon", "expected minutes"),
            ("signal=TERM", "in time"),
        ] {
            let message = of(&[text]).unwrap_err();
            assert!(message.contains(says), "{text}: {message}");
        }
    }
}
