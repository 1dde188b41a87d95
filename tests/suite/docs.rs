//! The docs name every kind, so that nothing that works is found by reading the source alone.

use std::fs;
use std::path::Path;

use bnes::config::model::{Init, Norm};
use bnes::config::training::{Optimizer, Schedule};
use bnes::kinds::Kinds;
use bnes::stopping::Criterion;

fn docs(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// Which of these words `page` does not have as code, with or without quotes or a value.
fn missing(page: &str, words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let is_there = |word: &str| {
        [format!("`{word}`"), format!("`{word} ="), format!("`\"{word}\"`"), format!("\"{word}\"")]
            .iter()
            .any(|code| page.contains(code))
    };
    words.filter(|word| !is_there(word)).collect()
}

fn names(kinds: &Kinds) -> impl Iterator<Item = &'static str> {
    kinds.built.iter().map(|(name, _)| *name)
}

fn keys(kinds: &Kinds) -> impl Iterator<Item = &'static str> {
    kinds.built.iter().flat_map(|(_, keys)| keys.iter().copied())
}

#[test]
fn every_stopping_rule_is_in_the_page_of_rules_and_in_the_config_reference() {
    let rules = Criterion::all_kinds();
    for page in ["rules.md", "config.md"] {
        assert_eq!(missing(&docs(page), names(&rules)), Vec::<&str>::new(), "docs/{page}");
    }
}

#[test]
fn every_kind_and_its_keys_are_in_the_config_reference() {
    let page = docs("config.md");
    for kinds in
        [Norm::all_kinds(), Init::all_kinds(), Optimizer::all_kinds(), Schedule::all_kinds()]
    {
        assert_eq!(missing(&page, names(&kinds)), Vec::<&str>::new(), "{}s", kinds.what);
        assert_eq!(missing(&page, keys(&kinds)), Vec::<&str>::new(), "keys of {}s", kinds.what);
    }
}
