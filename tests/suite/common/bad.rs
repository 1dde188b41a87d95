//! What is refused: the message, the exit code, and that nothing is written.

#![allow(dead_code)] // each test file uses its share

use std::fs;

use super::{Place, stderr};

/// Everything below a folder, by path and content.
pub fn content(place: &Place) -> Vec<(String, Option<Vec<u8>>)> {
    fn walk(dir: &std::path::Path, found: &mut Vec<(String, Option<Vec<u8>>)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            found.push((path.display().to_string(), fs::read(&path).ok()));
            if path.is_dir() {
                walk(&path, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(&place.path("."), &mut found);
    found.sort();
    found
}

/// Runs, and expects the exit code and that nothing was written; the standard error.
#[track_caller]
pub fn fails(place: &Place, code: i32, args: &[&str]) -> String {
    let before = content(place);
    let output = place.bnes(args);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "bnes {args:?}: {message}");
    assert_eq!(output.stdout, b"", "bnes {args:?}");
    assert!(content(place) == before, "bnes {args:?} wrote something");
    message
}

#[track_caller]
pub fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part}\nis not in\n{message}");
    }
}
