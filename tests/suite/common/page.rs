//! The commands of a page of the docs, run as whoever reads it would run them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{Place, stderr};

/// A page of `docs/`.
pub fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// What stands in the fenced blocks of a language, in order.
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.trim_start().strip_prefix("```") else { continue };
        let block: Vec<&str> =
            lines.by_ref().take_while(|line| line.trim_start() != "```").collect();
        if fence.trim() == language {
            blocks.push(block.join("\n") + "\n");
        }
    }
    blocks
}

/// Runs a script as a shell that ends at the first command that fails, with the program on the path.
pub fn shell(place: &Place, script: &str, variables: &BTreeMap<&str, String>) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_bnes")).parent().unwrap().display().to_string();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", script])
        .current_dir(place.path("."))
        .env("PATH", path)
        .env("HOME", place.path("."))
        .envs(variables)
        .output()
        .unwrap()
}

/// Runs the `sh` blocks of a page in order, in one folder; what each printed.
pub fn follow(place: &Place, page: &str) -> Vec<String> {
    let run = |block: String| {
        let output = shell(place, &block, &BTreeMap::new());
        let printed = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(output.status.success(), "{block}\n{printed}\n{}", stderr(&output));
        printed
    };
    blocks(page, "sh").into_iter().map(run).collect()
}
