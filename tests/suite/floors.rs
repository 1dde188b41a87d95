//! The house keeps its floors: a room imports only from lower ones, and candle stays in its rooms.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the ground up; see CONTRIBUTING.md.
const FLOORS: &[&[&str]] = &[
    &["checksum", "names", "protobuf", "text"],
    &["check", "console", "draw", "fetch", "history", "kinds", "seed"],
    &["stats", "stopping"],
    &["config"],
    &["data", "event", "logs", "results"],
    &["metrics", "nn", "storage"],
    &["train", "observers", "compare", "replay", "kept"],
    &["runner", "report"],
    &["launch"],
    &["cli"],
    &["lib", "main"],
];

/// Where candle may be named.
const CANDLE: &[&str] = &["nn/graph", "runner"];

fn floor(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("the room `{room}` has no floor: give it one here"))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every source file below `src`, by its path there, with its text.
pub fn house() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// The rooms after `crate::`: one name, or several in braces.
fn named(piece: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    match piece.strip_prefix('{') {
        Some(group) => group.split('}').next().unwrap().split(',').map(name).collect(),
        None => vec![name(piece)],
    }
}

#[test]
fn every_room_imports_only_from_lower_floors() {
    let mut faults = Vec::new();
    for (file, text) in house() {
        let from = room(&file);
        for piece in text.split("crate::").skip(1) {
            for to in named(piece) {
                if to != from && floor(&to) >= floor(from) {
                    faults.push(format!("{file} reaches up to {to}"));
                }
            }
        }
    }
    faults.dedup();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn candle_is_named_in_its_rooms_alone() {
    for (file, text) in house() {
        let named = text.contains("candle_core") || text.contains("candle_nn");
        let allowed = CANDLE.iter().any(|place| file.starts_with(place));
        assert!(!named || allowed, "{file} names candle");
    }
}

#[test]
fn unsafe_code_has_no_room_but_the_kernels_and_where_the_process_begins() {
    for (file, text) in house() {
        let unsafe_code = ["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code)"];
        let named = unsafe_code.iter().any(|piece| text.contains(piece));
        assert!(!named || file == "main.rs", "{file} is unsafe");
    }
}

#[test]
fn code_for_one_kind_of_processor_stays_with_the_kernels() {
    let of_processors = ["std::arch", "core::arch", "target_arch", "is_x86_feature_detected"];
    for (file, text) in house() {
        let named = of_processors.iter().any(|piece| text.contains(piece));
        assert!(!named, "{file} is for one kind of processor");
    }
}
