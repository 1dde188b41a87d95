//! Which parameter of trainings pairs them, and which are factors.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::asked::{Asked, ForeignError};
use super::pattern::Pattern;
use crate::config::Factor;
use crate::logs::{SEED_KEYS, Training, whole};
use crate::text::quoted;

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
pub(super) fn parameters(training: &Training, pattern: Option<&Pattern>) -> Map<String, Value> {
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
pub(super) fn seed_key(all: &[Map<String, Value>], asked: &Asked) -> Result<String, ForeignError> {
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
pub(super) fn factors(
    all: &[(u64, &Map<String, Value>)],
    seed_key: Option<&str>,
    asked: &Asked,
    notes: &mut Vec<String>,
) -> Result<Vec<Factor>, ForeignError> {
    let mut order: Vec<&String> = Vec::new();
    for key in all.iter().flat_map(|(_, parameters)| parameters.keys()) {
        if Some(key.as_str()) != seed_key && !order.contains(&key) {
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
