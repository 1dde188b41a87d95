//! Which process wrote something, and whether it still lives.

use std::fs;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A process on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Name of the machine, for people.
    pub host: String,
    /// Tells machines, their boots and containers apart.
    pub machine: String,
    /// Its number there.
    pub pid: u32,
}

impl Process {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let host = read("/proc/sys/kernel/hostname");
        let boot = read("/proc/sys/kernel/random/boot_id");
        // Within a container, a process of another one has no number.
        let numbers = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let digest = Sha256::digest(format!("{host}\0{boot}\0{}", numbers.display()));
        let machine = digest.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        Self { host, machine: format!("{machine:08x}"), pid: std::process::id() }
    }

    /// Whether it runs; `None` where that cannot be seen from here.
    #[must_use]
    pub fn lives(&self) -> Option<bool> {
        if self.machine != Self::this().machine {
            return None;
        }
        let Some(pid) = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw)
        else {
            return Some(false);
        };
        // A process of another user cannot be signalled, but is there.
        Some(!matches!(
            rustix::process::test_kill_process(pid),
            Err(error) if error == rustix::io::Errno::SRCH
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_and_the_dead_are_told_apart_on_this_machine_alone() {
        let this = Process::this();
        assert_eq!(this.lives(), Some(true));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert_eq!(Process { pid: child.id(), ..this.clone() }.lives(), Some(false));
        assert_eq!(Process { machine: "elsewhere".into(), ..this }.lives(), None);
    }
}
