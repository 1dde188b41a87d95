//! Records the git commit that bnes is built from, where there is one.

use std::process::Command;

fn main() {
    // A source that was unpacked inside of someone else's repository has no commit of its own.
    if !std::path::Path::new(".git").exists() {
        return;
    }
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/refs/heads");
    let output = Command::new("git").args(["rev-parse", "HEAD"]).output();
    if let Ok(output) = output
        && output.status.success()
        && let Ok(commit) = String::from_utf8(output.stdout)
    {
        println!("cargo:rustc-env=BNES_GIT_COMMIT={}", commit.trim());
    }
}
