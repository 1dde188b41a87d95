//! The config as it takes effect, as TOML: what was written, what is by default, what is varied.

use serde_json::{Map, Value, json};

use crate::config::{Experiment, Gate, Tune, is_within};

/// Keys that the data decides where the config does not.
const INFERRED: [&str; 2] = ["data.task", "training.loss"];

/// Where comments begin, at most.
const COMMENT: usize = 40;

/// Longest line that holds a whole list.
const WIDTH: usize = 100;

/// One key of a table.
struct Line {
    key: String,
    value: Value,
    comment: &'static str,
}

/// A table by its dotted name and its own keys, tables within it aside.
struct Section {
    name: String,
    lines: Vec<Line>,
}

/// A config that makes the same experiment with no default left to chance. `cells` are the
/// effective configs of all arms, `early_stopping` among their tables.
#[must_use]
pub fn effective(experiment: &Experiment, cells: &[Map<String, Value>]) -> String {
    let mut sections = vec![Section { name: String::new(), lines: Vec::new() }];
    let comment = if experiment.is_written("name") { "" } else { "from the file's name" };
    sections[0].lines.push(Line {
        key: "name".to_owned(),
        value: experiment.name.clone().into(),
        comment,
    });
    let matrix = experiment.matrix();
    let varied = |path: &str| {
        let within = |key: &str| is_within(path, key);
        (path == "seed" && experiment.seeds().is_some())
            || experiment.tune.iter().flat_map(Tune::keys).any(within)
            || matrix.iter().any(|(key, _)| within(key))
    };
    for (path, value) in common(cells) {
        if varied(&path) {
            continue;
        }
        let comment = match () {
            () if experiment.is_written(&path) => "",
            () if INFERRED.contains(&path.as_str()) => "inferred",
            () => "default",
        };
        let (table, key) = path.rsplit_once('.').unwrap_or(("", &path));
        let line = Line { key: key.to_owned(), value, comment };
        match sections.iter_mut().find(|section| section.name == table) {
            Some(section) => section.lines.push(line),
            None => sections.push(Section { name: table.to_owned(), lines: vec![line] }),
        }
    }
    let every_s = json!(experiment.checkpoint.every_s);
    sections.push(shared_section(experiment, "checkpoint", "every_s", every_s));
    if experiment.log.tensorboard {
        sections.push(shared_section(experiment, "log", "tensorboard", true.into()));
    }
    sections.push(varied_section(experiment));
    sections.extend(experiment.tune.as_ref().map(tuned_section));
    let mut texts: Vec<String> =
        sections.iter().filter(|section| !section.lines.is_empty()).map(text).collect();
    texts.extend(experiment.gates.iter().map(gate));
    texts.join("\n")
}

/// Those of the experiment and of no arm.
fn shared_section(experiment: &Experiment, name: &str, key: &str, value: Value) -> Section {
    let is_written = experiment.is_written(&format!("{name}.{key}"));
    let comment = if is_written { "" } else { "default" };
    let line = Line { key: key.to_owned(), value, comment };
    Section { name: name.to_owned(), lines: vec![line] }
}

fn varied_section(experiment: &Experiment) -> Section {
    let line = |key: &str, value| Line { key: key.to_owned(), value, comment: "" };
    let mut lines: Vec<Line> =
        experiment.matrix().into_iter().map(|(key, levels)| line(key, levels.into())).collect();
    if let Some(seeds) = experiment.seeds() {
        let (first, last) =
            (seeds.first().copied().unwrap_or(0), seeds.last().copied().unwrap_or(0));
        let is_range = seeds.iter().copied().eq(first..=last);
        let value = if is_range { format!("{first}..{}", last + 1).into() } else { json!(seeds) };
        lines.push(line("seed", value));
    }
    Section { name: "matrix".to_owned(), lines }
}

/// A table of a list, which has no name of its own.
fn gate(gate: &Gate) -> String {
    let lines = match json!(gate) {
        Value::Object(keys) => {
            keys.into_iter().map(|(key, value)| Line { key, value, comment: "" }).collect()
        }
        _ => Vec::new(),
    };
    format!("[[gate]]\n{}", text(&Section { name: String::new(), lines }))
}

fn tuned_section(tune: &Tune) -> Section {
    let values = tune.values().into_iter().map(|(key, values)| (key, values.into()));
    let lines = values.chain([("seeds", json!(tune.seeds))]).map(|(key, value)| Line {
        key: key.to_owned(),
        value,
        comment: "",
    });
    Section { name: "tune".to_owned(), lines: lines.collect() }
}

/// Every key that has one value in all cells that have it, in the order of the cells' tables.
fn common(cells: &[Map<String, Value>]) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Option<Value>)> = Vec::new();
    for cell in cells {
        let mut after = 0;
        for (path, value) in flatten(cell) {
            let Some(index) = all.iter().position(|(known, _)| *known == path) else {
                // Beside the keys that it stands beside in its own cell.
                all.insert(after, (path, Some(value)));
                after += 1;
                continue;
            };
            if all[index].1.as_ref() != Some(&value) {
                all[index].1 = None;
            }
            after = index + 1;
        }
    }
    all.into_iter().filter_map(|(path, value)| Some((path, value?))).collect()
}

fn flatten(cell: &Map<String, Value>) -> Vec<(String, Value)> {
    fn walk(prefix: &str, table: &Map<String, Value>, flat: &mut Vec<(String, Value)>) {
        for (key, value) in table {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Object(table) => walk(&path, table, flat),
                // TOML has no null: what is absent stays so.
                Value::Null => {}
                value => flat.push((path, value.clone())),
            }
        }
    }
    let mut flat = Vec::new();
    walk("", cell, &mut flat);
    flat
}

fn text(section: &Section) -> String {
    let lines: Vec<(String, &str)> =
        section.lines.iter().map(|line| (assignment(line), line.comment)).collect();
    let commented = lines.iter().filter(|(_, comment)| !comment.is_empty());
    let width = commented.map(|(text, _)| text.chars().count()).max().unwrap_or(0).min(COMMENT);
    let mut text = String::new();
    if !section.name.is_empty() {
        text.extend(["[", &section.name, "]\n"]);
    }
    for (line, comment) in lines {
        let line = if comment.is_empty() { line } else { format!("{line:width$}  # {comment}") };
        text.extend([&line, "\n"]);
    }
    text
}

/// A key and its value, a list that is too long for a line with a line for each element.
fn assignment(line: &Line) -> String {
    let key = key(&line.key);
    let text = format!("{key} = {}", toml_of(&line.value));
    match &line.value {
        Value::Array(values) if text.chars().count() > WIDTH => {
            let values: Vec<String> = values.iter().map(toml_of).collect();
            format!("{key} = [\n    {},\n]", values.join(",\n    "))
        }
        _ => text,
    }
}

/// A key as TOML writes it.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}

/// A value as TOML writes it within a line.
pub(super) fn toml_of(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(toml_of).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(table) => {
            let pairs: Vec<String> = table
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| format!("{} = {}", key(name), toml_of(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        // 1e-5 rather than 0.00001.
        Value::Number(number) if number.is_f64() => format!("{:?}", number.as_f64().unwrap_or(0.0)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Overrides;

    fn cells(experiment: &Experiment) -> Vec<Map<String, Value>> {
        let mut cells = Vec::new();
        for training in experiment.trainings.iter() {
            for arm in &training.arms {
                let Value::Object(mut cell) = json!(training.config) else { panic!() };
                cell.insert("early_stopping".to_owned(), json!(arm.rule));
                cells.push(cell);
            }
        }
        cells
    }

    fn parsed(text: &str) -> Experiment {
        Experiment::parse("a.toml", text, Path::new(""), &Overrides::default()).unwrap()
    }

    #[test]
    fn the_built_in_experiment_with_its_defaults() {
        let experiment = Experiment::builtin(&Overrides::default()).unwrap();
        insta::assert_snapshot!(effective(&experiment, &cells(&experiment)));
    }

    #[test]
    fn what_is_printed_makes_the_same_trainings() {
        for text in [
            "data.source = \"a \\\"b\\\".csv\"\ndata.target = [\"x\", \"y z\"]",
            "data.source = \"digits\"\nseed = 3\nmodel.init = { kind = \"normal\", std = 1e-3 }\n\
             early_stopping = { kind = \"any\", rules = [{ kind = \"patience\" }, { kind = \"time_budget\", seconds = 5 }] }",
            "data.source = \"digits\"\n[matrix]\nseed = [3, 5]\n\"training.optimizer.lr\" = [1e-5, 1]\n\
             model = [{ hidden = [4] }, { hidden = [8], norm = { kind = \"batch\", eps = 0.1 } }]",
            "data.source = \"digits\"\nmatrix.\"model.norm.kind\" = [\"none\", \"batch\"]\n[tune]\n\
             \"training.optimizer.lr\" = [1e-3, 1]\nseeds = [7]",
            "data.source = \"digits\"\nmatrix.early_stopping = [{ kind = \"none\" }, { kind = \"patience\" }]",
        ] {
            let experiment = parsed(text);
            let printed = effective(&experiment, &cells(&experiment));
            let again = parsed(&printed);
            assert_eq!(cells(&experiment), cells(&again), "{printed}");
            assert_eq!(experiment.factors, again.factors, "{printed}");
            let tune =
                |of: &Experiment| of.tune.as_ref().map(|tune| json!([tune.values(), tune.seeds]));
            assert_eq!(tune(&experiment), tune(&again), "{printed}");
        }
    }

    #[test]
    fn what_was_not_written_is_marked() {
        let experiment =
            parsed("data.source = \"digits\"\ntraining.epochs = 7\ncheckpoint.every_s = 2.5");
        let printed = effective(&experiment, &cells(&experiment));
        let line = |text: &str| printed.lines().any(|line| line == text);
        assert!(line("epochs = 7") && line("name = \"a\"  # from the file's name"), "{printed}");
        assert!(line("batch_size = 32  # default") && line("every_s = 2.5"), "{printed}");
    }
}
