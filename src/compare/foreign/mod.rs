//! Trainings of other tools as an experiment: what their parameters vary are the factors, and their seeds pair.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::label;
use crate::config::{Factor, Factors, Overrides};
use crate::logs::{Ended, SEED_KEYS, Training, is_measure, tell_apart, whole};
use crate::results::recorded_training::{RecordedTraining, has_diverged, rule_table};
use crate::results::{
    LoadedExperiment, LoadedTraining, Plan, PlannedArm, PlannedTraining, Provenance, Status,
    TrainingRecord,
};
use crate::stopping::StoppingRule;
use crate::text::{counted, quoted};

/// What of such trainings is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The parameter that pairs.
    pub seed_key: Option<String>,
    /// The parameters that are factors; those that vary, where none are named.
    pub factors: Vec<String>,
    /// Parameters in the paths or the names of trainings.
    pub pattern: Option<Pattern>,
    /// The rule by which each is read, with the epoch that it keeps.
    pub rule: StoppingRule,
}

/// Why trainings cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// Nothing tells which belong together.
    #[error(
        "no log tells its seed, which pairs trainings: --seed-key KEY names the parameter that does, --pattern \
         'runs/{{norm}}/seed{{seed}}/metrics.csv' takes it from paths or names{}",
        .keys.as_deref().map_or_else(String::new, |keys| format!("; the parameters are {keys}"))
    )]
    NoSeed {
        /// The parameters there are.
        keys: Option<String>,
    },
    /// A factor that no training has.
    #[error("no log has the parameter `{key}`: the parameters are {keys}")]
    NoFactor {
        /// What was asked for.
        key: String,
        /// The parameters there are.
        keys: String,
    },
    /// A column that no training has.
    #[error("no log has the column `{column}` of --monitor: the columns are {columns}")]
    NoColumn {
        /// What was asked for.
        column: String,
        /// The columns there are.
        columns: String,
    },
}

/// A pattern such as `runs/{norm}/seed{seed}/metrics.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Key(String),
}

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected names in braces, such as 'runs/{norm}/seed{seed}/metrics.csv'".to_owned();
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (key, after) = after.split_once('}').ok_or_else(expected)?;
            if key.is_empty() || (before.is_empty() && matches!(pieces.last(), Some(Piece::Key(_))))
            {
                return Err(expected());
            }
            pieces.extend([Piece::Text(before.to_owned()), Piece::Key(key.to_owned())]);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let has_key = pieces.iter().any(|piece| matches!(piece, Piece::Key(_)));
        if has_key { Ok(Self(pieces)) } else { Err(expected()) }
    }
}

impl Pattern {
    /// Whether it names a parameter.
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Key(key) if key == name))
    }

    /// The keys of a path, with the file's ending or, where the pattern has none, without it.
    fn keys_of_path(&self, path: &str) -> Option<Vec<(String, String)>> {
        let ends_open = self.0.iter().rfind(|piece| **piece != Piece::Text(String::new()));
        let without = path.rsplit_once('.').map(|(stem, _)| stem);
        let without = without.filter(|_| matches!(ends_open, Some(Piece::Key(_))));
        without.and_then(|stem| self.keys(stem)).or_else(|| self.keys(path))
    }

    /// The keys of a text that ends with what the pattern describes, from the start of a folder's or a file's name.
    fn keys(&self, text: &str) -> Option<Vec<(String, String)>> {
        let starts = std::iter::once(0).chain(text.match_indices('/').map(|(at, _)| at + 1));
        starts.into_iter().find_map(|start| keys(&self.0, &text[start..]))
    }
}

fn keys(pieces: &[Piece], text: &str) -> Option<Vec<(String, String)>> {
    match pieces.split_first() {
        None => text.is_empty().then(Vec::new),
        Some((Piece::Text(wanted), rest)) => keys(rest, text.strip_prefix(wanted.as_str())?),
        Some((Piece::Key(key), rest)) => {
            let longest = text.find('/').unwrap_or(text.len());
            let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
            ends.take_while(|end| *end <= longest).find_map(|end| {
                let mut found = keys(rest, &text[end..])?;
                found.insert(0, (key.clone(), text[..end].to_owned()));
                Some(found)
            })
        }
    }
}

/// Words in the names of parameters that name a run, or where and when it ran, and change nothing of it.
const NAMING: [&str; 26] = [
    "name",
    "names",
    "id",
    "uuid",
    "dir",
    "path",
    "folder",
    "file",
    "output",
    "logdir",
    "project",
    "entity",
    "group",
    "tag",
    "tags",
    "notes",
    "version",
    "date",
    "time",
    "timestamp",
    "host",
    "hostname",
    "user",
    "device",
    "gpu",
    "run",
];

fn is_naming(key: &str) -> bool {
    crate::stopping::words(key).iter().any(|word| NAMING.contains(&word.as_str()))
}

/// The parameters of each training, with those of the pattern.
fn parameters(training: &Training, pattern: Option<&Pattern>) -> Map<String, Value> {
    let mut parameters = training.parameters.clone();
    let path = training.path.to_string_lossy().replace('\\', "/");
    let found = pattern
        .and_then(|pattern| pattern.keys_of_path(&path).or_else(|| pattern.keys(&training.name)));
    for (key, value) in found.into_iter().flatten() {
        let number = value.parse::<i64>().map(Value::from).ok();
        let number =
            number.or_else(|| value.parse::<f64>().ok().filter(|v| v.is_finite()).map(Value::from));
        parameters.insert(key, number.unwrap_or_else(|| value.into()));
    }
    parameters
}

/// The key that holds the seed.
fn seed_key(all: &[Map<String, Value>], asked: &Asked) -> Result<String, ForeignError> {
    let mut keys: BTreeSet<&String> = all.iter().flat_map(Map::keys).collect();
    let last = |key: &str| key.rsplit(['.', '/']).next().unwrap_or(key).to_lowercase();
    let found = match &asked.seed_key {
        Some(key) => keys.get(key).copied(),
        // The one at the top before those within, in the order of what is known.
        None => SEED_KEYS.iter().find_map(|known| {
            let mut named: Vec<&&String> = keys.iter().filter(|key| last(key) == *known).collect();
            named.sort_by_key(|key| key.matches(['.', '/']).count());
            named.first().map(|key| **key)
        }),
    };
    let is_held = |key: &&String| all.iter().any(|one| one.get(*key).and_then(whole).is_some());
    found.filter(is_held).cloned().ok_or_else(|| {
        keys.retain(|key| !key.starts_with('_'));
        let names: Vec<&str> = keys.iter().take(20).map(|key| key.as_str()).collect();
        ForeignError::NoSeed { keys: (!names.is_empty()).then(|| quoted(&names)) }
    })
}

/// The parameters that are factors, with their levels, and what is said of those that are none.
fn factors(
    all: &[(u64, &Map<String, Value>)],
    seed_key: &str,
    asked: &Asked,
    notes: &mut Vec<String>,
) -> Result<Vec<Factor>, ForeignError> {
    let mut order: Vec<&String> = Vec::new();
    for key in all.iter().flat_map(|(_, parameters)| parameters.keys()) {
        if key != seed_key && !order.contains(&key) {
            order.push(key);
        }
    }
    for key in &asked.factors {
        if !order.contains(&key) {
            let names: Vec<&str> = order.iter().take(20).map(|key| key.as_str()).collect();
            return Err(ForeignError::NoFactor { key: key.clone(), keys: quoted(&names) });
        }
    }
    let values = |key: &str| -> Vec<Value> {
        let mut seen: Vec<Value> = Vec::new();
        for (_, parameters) in all {
            let value = parameters.get(key).cloned().unwrap_or(Value::Null);
            if !seen.contains(&value) {
                seen.push(value);
            }
        }
        seen
    };
    // What follows from the seed tells no arms apart; that it does shows where a seed was run again.
    let follows = |key: &str| {
        let mut of_seed: HashMap<u64, &Value> = HashMap::new();
        let seeds = all.iter().map(|(seed, _)| seed).collect::<BTreeSet<_>>().len();
        seeds > 1
            && seeds < all.len()
            && all.iter().all(|(seed, parameters)| {
                let value = parameters.get(key).unwrap_or(&Value::Null);
                *of_seed.entry(*seed).or_insert(value) == value
            })
    };
    let mut found = Vec::new();
    let mut passed_over = Vec::new();
    for key in order {
        let mut levels = values(key);
        let is_of_pattern = asked.pattern.as_ref().is_some_and(|pattern| pattern.has(key));
        let is_asked = asked.factors.contains(key) || (asked.factors.is_empty() && is_of_pattern);
        if levels.len() < 2 || (!asked.factors.is_empty() && !is_asked) {
            continue;
        }
        let names_runs =
            is_naming(key) || (levels.len() == all.len() && all.len() > 2) || follows(key);
        if names_runs && !is_asked {
            passed_over.push(key.as_str());
            continue;
        }
        levels.sort_by(|a, b| {
            natural(a).partial_cmp(&natural(b)).unwrap_or(std::cmp::Ordering::Equal)
        });
        found.push(Factor { key: key.clone(), levels });
    }
    if !passed_over.is_empty() {
        notes.push(format!(
            "{} {} with the run or its seed and {} taken for no factor: --factor KEY takes one",
            quoted(&passed_over),
            if passed_over.len() == 1 { "varies" } else { "vary" },
            if passed_over.len() == 1 { "is" } else { "are" }
        ));
    }
    Ok(found)
}

/// What is absent or switched off comes first, then numbers by size; the rest stays as it came.
fn natural(value: &Value) -> (u8, f64) {
    match value {
        Value::Null => (0, 0.0),
        Value::String(text) if text == "none" => (1, 0.0),
        Value::Bool(truth) => (2 + u8::from(*truth), 0.0),
        Value::Number(number) => (4, number.as_f64().unwrap_or(0.0)),
        _ => (5, 0.0),
    }
}

/// The experiment that trainings of other tools make.
///
/// # Errors
/// Where no seeds are told, or what is asked for is not there.
pub fn experiment(
    mut trainings: Vec<Training>,
    asked: &Asked,
) -> Result<LoadedExperiment, ForeignError> {
    tell_apart(&mut trainings);
    let all: Vec<Map<String, Value>> =
        trainings.iter().map(|one| parameters(one, asked.pattern.as_ref())).collect();
    let seed_key = seed_key(&all, asked)?;
    let monitored = &asked.rule.monitored.column;
    if trainings.iter().all(|one| one.table.column(monitored).is_none()) {
        let columns: BTreeSet<&str> = trainings.iter().flat_map(Training::columns).collect();
        let columns: Vec<&str> = columns.into_iter().collect();
        let column = monitored.clone();
        return Err(ForeignError::NoColumn { column, columns: quoted(&columns) });
    }
    let mut warnings = Vec::new();
    let seeds: Vec<Option<u64>> =
        all.iter().map(|one| one.get(&seed_key).and_then(whole)).collect();
    let without: Vec<&str> = trainings
        .iter()
        .zip(&seeds)
        .filter(|(_, seed)| seed.is_none())
        .map(|(t, _)| t.name.as_str())
        .collect();
    if !without.is_empty() {
        warnings.push(format!("left out, without a seed `{seed_key}`: {}", quoted(&without)));
    }
    let known: Vec<(u64, &Map<String, Value>)> =
        seeds.iter().zip(&all).filter_map(|(seed, one)| Some(((*seed)?, one))).collect();
    let factors = factors(&known, &seed_key, asked, &mut warnings)?;
    let mut runs: Vec<LoadedTraining> = Vec::new();
    let mut taken: BTreeSet<(String, u64)> = BTreeSet::new();
    let mut twice = Vec::new();
    let mut notes: BTreeMap<String, usize> = BTreeMap::new();
    for ((training, parameters), seed) in trainings.into_iter().zip(&all).zip(&seeds) {
        let Some(seed) = *seed else { continue };
        let levels: Factors = factors
            .iter()
            .map(|factor| {
                (factor.key.clone(), parameters.get(&factor.key).cloned().unwrap_or(Value::Null))
            })
            .collect();
        let cell = levels.values().map(label::text).collect::<Vec<_>>().join("\n");
        if !taken.insert((cell, seed)) {
            twice.push(training.name.clone());
            continue;
        }
        for note in &training.notes {
            *notes.entry(note.clone()).or_default() += 1;
        }
        runs.push(run(training, parameters, seed, &levels, &asked.rule));
    }
    if !twice.is_empty() {
        let names: Vec<&str> = twice.iter().take(5).map(String::as_str).collect();
        warnings.push(format!(
            "{} with the parameters and the seed of another left out, such as {}: --factor KEY tells them apart",
            counted(twice.len(), "training"),
            quoted(&names)
        ));
    }
    warnings.extend(notes.into_iter().map(|(note, count)| {
        if count == 1 { note } else { format!("{note} (in {})", counted(count, "log")) }
    }));
    warnings.push(
        "logs of other tools: bnes cannot know whether seeds had splits of their own, whether a test column was \
         looked at on the way, nor what chose their settings"
            .to_owned(),
    );
    let trainings = runs
        .iter()
        .map(|run| PlannedTraining {
            dir: run.dir.clone(),
            seed: run.seed,
            arms: run
                .record
                .arms
                .iter()
                .map(|arm| PlannedArm { factors: arm.factors.clone(), rule: arm.rule.clone() })
                .collect(),
        })
        .collect();
    Ok(LoadedExperiment {
        path: PathBuf::from("logs"),
        argument: 0,
        plan: Plan {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: "logs".to_owned(),
            config: String::new(),
            source: None,
            overrides: Overrides::default(),
            factors,
            comparable: String::new(),
            split_per_seed: true,
            sequential: None,
            looked_at: Vec::new(),
            tuning: None,
            trainings,
        },
        runs,
        missing: Vec::new(),
        failed: Vec::new(),
        left_out: Vec::new(),
        warnings,
    })
}

/// A training as one arm read it.
fn run(
    training: Training,
    parameters: &Map<String, Value>,
    seed: u64,
    levels: &Factors,
    rule: &StoppingRule,
) -> LoadedTraining {
    let table = training.table;
    // Of one that was stopped, nobody knows the rest.
    let is_short =
        matches!(training.ended, Some(Ended::Stopped | Ended::Interrupted | Ended::Failed));
    let epochs = table.len() + usize::from(is_short);
    let nothing = BTreeMap::new();
    let recorded = RecordedTraining { table: &table, epochs, test_metrics: &nothing };
    let stop = rule.read(&table);
    let kept =
        if rule.restore_best { stop.best.map(|(epoch, _)| epoch) } else { Some(stop.epochs) };
    let mut arm = recorded.arm(levels, rule, &stop, kept);
    let is_outcome = |name: &str| name == "epochs" || is_measure(name);
    arm.metrics.retain(|name, _| is_outcome(name));
    // What was measured once, such as the test loss at the end, is of the training as a whole.
    for name in table.names().iter().filter(|name| is_measure(name)) {
        let mut measured = table.column(name).unwrap_or_default().iter().flatten();
        if let (Some(once), None, true) = (measured.next(), measured.next(), table.len() > 1) {
            arm.metrics.insert(name.clone(), (*once).into());
            if let Some(full) = &mut arm.full_run {
                full.metrics.insert(name.clone(), (*once).into());
            }
        }
    }
    if let Some(full) = &mut arm.full_run {
        full.metrics.retain(|name, _| is_outcome(name));
    }
    arm.rule = rule_table(rule).into();
    let status = if has_diverged(&table) { Status::Diverged } else { Status::Completed };
    let record = TrainingRecord {
        status,
        seed,
        epochs: table.len(),
        identity: format!("{} {}", training.path.display(), training.name),
        parameters: 0,
        error: None,
        arms: vec![arm],
        config: parameters.clone().into(),
        data: Map::new().into(),
        provenance: Provenance::default(),
    };
    LoadedTraining {
        dir: training.name,
        seed,
        record,
        test_rows: None,
        curves: Some(Arc::new(table)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Options, compare};
    use crate::logs::{Nan, read};

    fn keys_of(pattern: &str, text: &str) -> Option<Vec<(String, String)>> {
        pattern.parse::<Pattern>().unwrap().keys(text)
    }

    #[test]
    fn a_pattern_takes_parameters_from_the_end_of_a_path_or_a_name() {
        let found = |entries: &[(&str, &str)]| {
            Some(
                entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>(),
            )
        };
        let both = found(&[("norm", "batch"), ("seed", "12")]);
        assert_eq!(
            keys_of("runs/{norm}/seed{seed}/metrics.csv", "a/runs/batch/seed12/metrics.csv"),
            both
        );
        assert_eq!(keys_of("{norm}-s{seed}", "batch-s12"), both);
        assert_eq!(keys_of("{norm}/seed{seed}.csv", "runs/batch/seed12.csv"), both);
        assert_eq!(keys_of("{norm}/seed{seed}.csv", "seed12.csv"), None);
        for wrong in ["runs/metrics.csv", "{", "{}", "{a}{b}"] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }

    /// Ten seeds of two norms, whose losses differ by one.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (norm, shift) in [("none", 1.0), ("batch", 0.0)] {
            for seed in 0..10 {
                let path = dir.path().join(format!("{norm}/seed{seed}"));
                std::fs::create_dir_all(&path).unwrap();
                let at = |epoch: f64| {
                    shift
                        + f64::from(seed) / 100.0
                        + (epoch - 2.0).abs() / 10.0
                        + shift * f64::from(seed) / 1000.0
                };
                let rows = (0..5).fold(String::new(), |rows, e| {
                    rows + &format!("{e},{},{}\n", at(f64::from(e)), 1.0 + at(f64::from(e)))
                });
                std::fs::write(path.join("metrics.csv"), format!("epoch,val_loss,score\n{rows}"))
                    .unwrap();
            }
        }
        dir
    }

    fn asked(rule: Value) -> Asked {
        let rule = serde_json::from_value(rule).unwrap();
        let pattern = Some("{norm}/seed{seed}/metrics.csv".parse().unwrap());
        Asked { seed_key: None, factors: Vec::new(), pattern, rule }
    }

    #[test]
    fn trainings_pair_by_seed_and_what_varies_is_a_factor() {
        let dir = folder();
        let trainings = || read(dir.path(), Nan::ByTool).unwrap().trainings;
        let rule = serde_json::json!({"kind": "none", "restore_best": true});
        let loaded = experiment(trainings(), &asked(rule)).unwrap();
        assert_eq!(loaded.plan.factors.len(), 1);
        assert_eq!(loaded.plan.factors[0].levels, ["none", "batch"]);
        let comparison = compare(&[loaded], &Options::default()).unwrap();
        let contrast =
            comparison.contrasts.iter().find(|contrast| contrast.metric == "val_loss").unwrap();
        assert_eq!((contrast.pairs(), contrast.name.as_str()), (10, "norm"));
        assert!((contrast.estimate.unwrap() + 1.0045).abs() < 1e-9, "{contrast:?}");
        let last = serde_json::json!({"kind": "none", "restore_best": false});
        let loaded = experiment(trainings(), &asked(last)).unwrap();
        let value = &loaded.runs[0].record.arms[0].metrics["val_loss"];
        assert!((value.as_f64().unwrap() - 0.2).abs() < 1e-9, "of the last epoch: {value}");
    }

    #[test]
    fn arms_with_seeds_of_their_own_are_arms_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        for (norm, seeds) in [("none", 0..4), ("batch", 10..14)] {
            for seed in seeds {
                let path = dir.path().join(format!("{norm}_s{seed}.csv"));
                std::fs::write(path, "epoch,val_loss\n0,2\n1,1\n").unwrap();
            }
        }
        let trainings = read(dir.path(), Nan::ByTool).unwrap().trainings;
        let mut asked = asked(serde_json::json!({"kind": "none"}));
        asked.pattern = Some("{norm}_s{seed}".parse().unwrap());
        let loaded = experiment(trainings, &asked).unwrap();
        assert_eq!(loaded.plan.factors[0].levels, ["none", "batch"]);
    }

    #[test]
    fn without_a_seed_the_ways_to_tell_it_are_named() {
        let dir = folder();
        let trainings = read(dir.path(), Nan::ByTool).unwrap().trainings;
        let rule = serde_json::json!({"kind": "none"});
        let error = experiment(trainings, &Asked { pattern: None, ..asked(rule) }).unwrap_err();
        assert!(error.to_string().contains("--pattern"), "{error}");
    }
}
