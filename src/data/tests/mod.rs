//! Whole ways from files to datasets, and what is said where there is none.

mod given_splits;
mod images;
#[cfg(feature = "parquet")]
mod parquet;
mod tables;
mod wild;

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Dataset, Inputs, Source, Targets};
use crate::config::data::{DataConfig, Target};
use crate::seed::Seed;

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Opens `content` as a file of this name and makes a dataset, or gives the message.
fn taken(name: &str, content: &[u8], edit: impl Fn(&mut DataConfig)) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    opened(folder.path(), name, edit)
}

fn opened(base: &Path, source: &str, edit: impl Fn(&mut DataConfig)) -> Result<Dataset, String> {
    let mut config = DataConfig::new(source);
    edit(&mut config);
    Source::open(&config, base)
        .and_then(|source| source.dataset(&config, Seed(0)))
        .map_err(|error| error.to_string().replace(&format!("{}/", base.display()), ""))
}

fn target(names: &[&str]) -> impl Fn(&mut DataConfig) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    move |config| config.target = Some(Target::Several(names.clone()))
}

/// What there is to doubt about it, as people read it.
fn doubts(dataset: &Dataset) -> Vec<String> {
    dataset.doubts.iter().map(ToString::to_string).collect()
}

fn row(dataset: &Dataset, row: usize) -> &[f32] {
    match &dataset.inputs {
        Inputs::Table(rows) => rows.row(row),
        Inputs::Images { .. } => panic!("images"),
    }
}

fn labels(dataset: &Dataset) -> Vec<&str> {
    match &dataset.targets {
        Targets::Classes { labels, names } => {
            labels.iter().map(|label| names[*label as usize].as_str()).collect()
        }
        Targets::Values { .. } => panic!("values"),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
