//! Where and with what a training ran.

use std::fs;

use crate::results::Provenance;

/// The machine and this build; times, and what the engine runs on, are the caller's.
pub fn of_machine(device: String) -> Provenance {
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: option_env!("BNES_GIT_COMMIT").map(str::to_owned),
        host: first_line("/proc/sys/kernel/hostname").unwrap_or_else(|| "unknown".to_owned()),
        cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
        device,
        peak_memory_mib: peak_memory_mib(),
        ..Provenance::default()
    }
}

fn first_line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.lines().next()?.trim().to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The most memory that this process had at once, where the system tells.
#[allow(clippy::cast_precision_loss)] // kibibytes are far below 2^53
#[must_use]
pub fn peak_memory_mib() -> Option<f64> {
    Some(kibibytes("/proc/self/status", "VmHWM")? as f64 / 1024.0)
}

/// Memory of this machine, where the system tells.
pub fn memory_bytes() -> Option<usize> {
    Some(kibibytes("/proc/meminfo", "MemTotal")?.saturating_mul(1024))
}

fn kibibytes(path: &str, name: &str) -> Option<usize> {
    field(path, name)?.trim_end_matches("kB").trim().parse().ok()
}
