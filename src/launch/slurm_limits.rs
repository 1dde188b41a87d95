//! How long an array may be on a cluster, and how many jobs a user may submit.

use std::process::Command;

/// What a cluster allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Jobs of an array: its indices are below this.
    pub array: usize,
    /// Jobs of this user, running ones included.
    pub jobs: usize,
    /// Whether the cluster said so.
    pub is_known: bool,
}

/// Slurm's own defaults.
const DEFAULT: Limits = Limits { array: 1001, jobs: 10_000, is_known: false };

impl Limits {
    /// Those of the cluster that this machine submits to.
    #[must_use]
    pub fn ask() -> Self {
        let output = |program: &str, args: &[&str]| {
            let output = Command::new(program).args(args).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let Some(config) = output("scontrol", &["show", "config"]) else { return DEFAULT };
        let user = output("id", &["-un"]).unwrap_or_default();
        let user = format!("user={}", user.trim());
        // Without accounting there is no such limit.
        let associations = output(
            "sacctmgr",
            &["--noheader", "--parsable2", "show", "associations", &user, "format=MaxSubmitJobs"],
        );
        Self::of(&config, &associations.unwrap_or_default())
    }

    /// By what `scontrol show config` and `sacctmgr` print, a limit a line.
    fn of(config: &str, associations: &str) -> Self {
        let value = |name: &str| -> Option<usize> {
            let lines = config.lines().filter_map(|line| line.split_once('='));
            let mut values = lines.filter(|(key, _)| key.trim() == name);
            values.next()?.1.trim().parse().ok()
        };
        // The queue is everybody's: half of it is left to others.
        let of_all = value("MaxJobCount").unwrap_or(DEFAULT.jobs) / 2;
        let of_user = associations.lines().filter_map(|line| line.trim().parse().ok()).min();
        Self {
            array: value("MaxArraySize").unwrap_or(DEFAULT.array),
            jobs: of_user.map_or(of_all, |jobs: usize| jobs.min(of_all)),
            is_known: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_the_smallest_that_the_cluster_names() {
        let config = "Configuration data as of 2026-01-01\nMaxArraySize            = 501\n\
                      MaxJobCount             = 10000\nMaxJobId                = 67043328\n";
        let limits = |associations| Limits::of(config, associations);
        assert_eq!(limits(""), Limits { array: 501, jobs: 5000, is_known: true });
        assert_eq!(limits("\n200\n1000\n").jobs, 200);
        assert_eq!(Limits::of("", "").array, DEFAULT.array);
    }
}
