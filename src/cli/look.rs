//! What a first look at data says of the config that fits it.

use anyhow::{Result, anyhow};
use serde_json::json;

use crate::config::Experiment;
use crate::data::{ColumnDescription, ColumnKind, ColumnRole, Description, Doubt, Source, Weight};
use crate::text::counted;

pub(super) use crate::config::data::Task;

/// Names of a column that is probably to be predicted, wherever it stands.
const TARGETS: [&str; 5] = ["target", "label", "class", "outcome", "y"];

/// Times that data are read again with what the last look said to leave out.
const LOOKS: usize = 10;

/// What was found.
pub(super) struct Look {
    description: Description,
    /// What can be predicted from the last column, or one that is called so.
    pub task: Task,
    /// Whether it is images rather than a table.
    pub is_images: bool,
    drop: Vec<String>,
    /// What a user has to know.
    warnings: Vec<Doubt>,
}

impl Look {
    /// Looks at the data of a config by target and `--set`, until nothing more is to be left out.
    ///
    /// # Errors
    /// Where the data cannot be read.
    pub fn at(reads: &dyn Fn(Vec<String>, Vec<String>) -> Result<Experiment>) -> Result<Self> {
        let mut target: Vec<String> = Vec::new();
        let mut drop: Vec<String> = Vec::new();
        for _ in 0..LOOKS {
            let set = if drop.is_empty() {
                Vec::new()
            } else {
                vec![format!("data.drop={}", json!(drop))]
            };
            let experiment = reads(target.clone(), set)?;
            let first = experiment.trainings.first();
            let config = first.ok_or_else(|| anyhow!("a config without a training"))?.config;
            let source = Source::open(&config.data, &experiment.base)?;
            let description = source.describe(&config.data);
            if target.is_empty()
                && let Some(named) = named_target(&description)
            {
                target = vec![named];
                continue;
            }
            let mut doubts = description.doubts.clone();
            let dataset = source.into_dataset(&config.data, config.split_seed());
            if let Ok(dataset) = &dataset {
                doubts.extend(dataset.doubts.iter().cloned());
            }
            let more: Vec<String> = left_out(&description, &doubts)
                .into_iter()
                .filter(|name| !drop.contains(name))
                .collect();
            if more.is_empty() {
                dataset?;
                let of =
                    |role| description.columns.iter().filter(move |column| column.role == role);
                let is_images = of(ColumnRole::Input)
                    .any(|column| matches!(column.kind, ColumnKind::Pixels { .. }));
                let is_numbers = of(ColumnRole::Target)
                    .all(|column| matches!(column.kind, ColumnKind::Number { .. }));
                let task = if is_numbers { Task::Regression } else { Task::Classification };
                doubts.retain(|doubt| doubt.weight == Weight::Warning);
                doubts.dedup();
                return Ok(Self { description, task, is_images, drop, warnings: doubts });
            }
            drop.extend(more);
        }
        Err(anyhow!(
            "each look at the data finds another column to leave out: write the config by hand"
        ))
    }

    /// A config with its table of data, and its batch size, for these data.
    pub fn fill(&self, config: &str, source: &str) -> String {
        let (before, rest) = config.split_once("[data]\n").unwrap_or(("", config));
        // What the template says of its own data goes, up to the next table.
        let after = rest.find("\n[").map_or("", |at| &rest[at + 1..]);
        let batch = match self.description.rows {
            0..10_000 => 32,
            10_000..100_000 => 128,
            _ => 1024,
        };
        let lines = after.lines().map(|line| match line.strip_prefix("batch_size = ") {
            Some(_) => {
                format!("batch_size = {batch:<15} # for {}", counted(self.description.rows, "row"))
            }
            None => line.to_owned(),
        });
        let after: Vec<String> = lines.collect();
        format!("{before}{}\n{}\n", self.table(source), after.join("\n"))
    }

    /// `[data]`.
    fn table(&self, source: &str) -> String {
        let warnings = self.warnings.iter().map(|doubt| format!("# {doubt}"));
        let entries =
            self.entries(source).into_iter().map(|(entry, comment)| match comment.as_str() {
                "" => entry,
                _ => format!("{entry:<28} # {comment}"),
            });
        let lines: Vec<String> =
            warnings.chain(std::iter::once("[data]".to_owned())).chain(entries).collect();
        lines.join("\n") + "\n"
    }

    /// What stands in the table, each with a comment.
    fn entries(&self, source: &str) -> Vec<(String, String)> {
        let Self { description, task, is_images, drop, .. } = self;
        let of = |role| {
            let columns = description.columns.iter();
            columns.filter(move |column: &&ColumnDescription| column.role == role)
        };
        let mut entries =
            vec![(format!("source = {}", json!(source)), counted(description.rows, "row"))];
        if *is_images {
            return entries;
        }
        let names: Vec<&str> = of(ColumnRole::Target).map(|column| column.name.as_str()).collect();
        let target = match &names[..] {
            [one] => json!(one),
            several => json!(several),
        };
        let inputs = counted(of(ColumnRole::Input).count(), "column");
        let (what, known) = match task {
            Task::Classification => {
                ("classification", format!("{} classes", description.classes.len()))
            }
            Task::Regression => ("regression", String::new()),
        };
        entries.push((format!("target = {target}"), format!("predicted from {inputs}")));
        entries.push((format!("task = \"{what}\""), known));
        if !drop.is_empty() {
            let names: Vec<String> = drop.iter().map(|name| json!(name).to_string()).collect();
            let why = "no inputs: they tell rows apart, or are the same in all".to_owned();
            entries.push((format!("drop = [{}]", names.join(", ")), why));
        }
        entries
    }
}

/// The one column whose name says that it is predicted, where that is not the last.
fn named_target(description: &Description) -> Option<String> {
    let is_named =
        |column: &&ColumnDescription| TARGETS.contains(&column.name.to_lowercase().as_str());
    let mut named = description.columns.iter().filter(is_named);
    let (one, other) = (named.next()?, named.next());
    (other.is_none() && one.role == ColumnRole::Input).then(|| one.name.clone())
}

/// Columns that say nothing, or that a doubt advises to leave out.
fn left_out(description: &Description, doubts: &[Doubt]) -> Vec<String> {
    let says_nothing = |column: &&ColumnDescription| {
        let is_constant = match &column.kind {
            ColumnKind::Number { min, max, .. } => min >= max,
            ColumnKind::Levels { levels } => levels.len() < 2,
            ColumnKind::TooManyLevels => return true,
            _ => false,
        };
        column.role == ColumnRole::Input && is_constant && column.missing == 0
    };
    let constant =
        description.columns.iter().filter(says_nothing).map(|column| column.name.clone());
    let mut names: Vec<String> = constant.collect();
    for doubt in doubts {
        let Some((_, list)) = doubt.advice.split_once("data.drop = ") else { continue };
        let list = serde_json::Deserializer::from_str(list).into_iter::<Vec<String>>().next();
        names.extend(
            list.and_then(Result::ok)
                .into_iter()
                .flatten()
                .filter(|name| !names.contains(name))
                .collect::<Vec<_>>(),
        );
    }
    names
}
