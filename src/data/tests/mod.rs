//! Whole ways from files to datasets, and what is said where there is none.

mod given_splits;
mod images;
mod tables;
mod wild;

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Dataset, Inputs, Source, Targets};
use crate::seed::Seed;
use crate::spec::data::{DataSpec, Target};

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Opens `content` as a file of this name and makes a dataset, or gives the message.
fn taken(name: &str, content: &[u8], edit: impl Fn(&mut DataSpec)) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    opened(folder.path(), name, edit)
}

fn opened(base: &Path, source: &str, edit: impl Fn(&mut DataSpec)) -> Result<Dataset, String> {
    let mut spec = DataSpec::new(source);
    edit(&mut spec);
    Source::open(&spec, base)
        .and_then(|source| source.dataset(&spec, Seed(0)))
        .map_err(|error| error.to_string().replace(&format!("{}/", base.display()), ""))
}

fn target(names: &[&str]) -> impl Fn(&mut DataSpec) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    move |spec| spec.target = Some(Target::Several(names.clone()))
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
