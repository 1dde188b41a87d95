//! Which parameter of trainings pairs them, and which are factors.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::asked::{Asked, ForeignError};
use super::pattern::Pattern;
use crate::compare::label;
use crate::config::Factor;
use crate::logs::{SEED_KEYS, Training, whole};
use crate::text::quoted;

/// Last words in the names of parameters that name a run, or where and when it ran, and change nothing of it.
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

/// Of these, those that name a run by a number as well; `drop_path = 0.1` names none.
const NAMING_NUMBERS: [&str; 8] =
    ["id", "uuid", "version", "date", "time", "timestamp", "gpu", "run"];

/// Whether a parameter with these levels names runs by what it is called.
fn is_naming(key: &str, levels: &[Value]) -> bool {
    let words = crate::stopping::words(key);
    let known: &[&str] =
        if levels.iter().any(Value::is_number) { &NAMING_NUMBERS } else { &NAMING };
    words.last().is_some_and(|word| known.contains(&word.as_str()))
}

/// What a pattern finds in the path or the name of a training.
fn of_pattern(training: &Training, pattern: &Pattern) -> Option<Vec<(String, String)>> {
    let path = training.path.to_string_lossy().replace('\\', "/");
    pattern.keys_of_path(&path).or_else(|| pattern.keys(&training.name))
}

/// Whether a pattern fits a training.
pub(super) fn fits(training: &Training, pattern: &Pattern) -> bool {
    of_pattern(training, pattern).is_some()
}

/// The parameters of each training, with those of the pattern.
pub(super) fn parameters(training: &Training, pattern: Option<&Pattern>) -> Map<String, Value> {
    let mut parameters = training.parameters.clone();
    let found = pattern.and_then(|pattern| of_pattern(training, pattern));
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
    let keys: BTreeSet<&String> = all.iter().flat_map(Map::keys).collect();
    let named = || {
        let keys = keys.iter().filter(|key| !key.starts_with('_')).take(20);
        let names: Vec<&str> = keys.map(|key| key.as_str()).collect();
        (!names.is_empty()).then(|| quoted(&names))
    };
    let seeds = |key: &str| -> Vec<u64> {
        all.iter().filter_map(|one| one.get(key).and_then(whole)).collect()
    };
    if let Some(key) = &asked.seed_key {
        let Some(value) = all.iter().find_map(|one| one.get(key)) else {
            let keys = named().unwrap_or_else(|| "none".to_owned());
            return Err(ForeignError::NoFactor { key: key.clone(), keys });
        };
        return match seeds(key).first() {
            Some(_) => Ok(key.clone()),
            None => {
                Err(ForeignError::SeedIsNoNumber { key: key.clone(), value: label::text(value) })
            }
        };
    }
    // That which varies, if any does; of several the one at the top before those within, in the order of what is known.
    let last = |key: &str| key.rsplit(['.', '/']).next().unwrap_or(key).to_lowercase();
    let varies = |key: &str| seeds(key).into_iter().collect::<BTreeSet<u64>>().len() > 1;
    let known = SEED_KEYS.iter().enumerate().flat_map(|(at, known)| {
        let keys = keys.iter().filter(|key| last(key) == *known && !seeds(key).is_empty());
        keys.map(move |key| (at, *key))
    });
    let rank = |(at, key): &(usize, &String)| (!varies(key), *at, key.matches(['.', '/']).count());
    known.min_by_key(rank).map(|(_, key)| key.clone()).ok_or_else(|| {
        let held = SEED_KEYS.iter().find_map(|known| {
            let key = keys.iter().find(|key| last(key) == *known)?;
            Some((*key, all.iter().find_map(|one| one.get(*key))?))
        });
        match held {
            Some((key, value)) => {
                ForeignError::SeedIsNoNumber { key: key.clone(), value: label::text(value) }
            }
            None => ForeignError::NoSeed { keys: named() },
        }
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
    // What follows from the seed, each seed with a level of its own, tells no arms apart; that it does shows where a seed
    // was run again.
    let follows = |key: &str, levels: usize| {
        let mut of_seed: HashMap<u64, &Value> = HashMap::new();
        let seeds = all.iter().map(|(seed, _)| seed).collect::<BTreeSet<_>>().len();
        seeds > 1
            && seeds == levels
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
        let names_runs = is_naming(key, &levels)
            || (levels.len() == all.len() && all.len() > 2)
            || follows(key, levels.len());
        if names_runs && !is_asked {
            passed_over.push(key.as_str());
            continue;
        }
        levels.sort_by(|a, b| {
            natural(a).partial_cmp(&natural(b)).unwrap_or(std::cmp::Ordering::Equal)
        });
        // What varies together with another cannot be told from it.
        let with = found.iter().find(|factor: &&Factor| vary_together(all, &factor.key, key));
        if let Some(with) = with.filter(|_| !is_asked) {
            notes.push(format!(
                "`{key}` varies together with `{}`, so that what is said of one may be due to the other",
                with.key
            ));
            continue;
        }
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

/// Whether each level of a parameter goes with one level of another, and the other way round.
fn vary_together(all: &[(u64, &Map<String, Value>)], one: &str, other: &str) -> bool {
    let level = |parameters: &Map<String, Value>, key: &str| {
        parameters.get(key).unwrap_or(&Value::Null).to_string()
    };
    let (mut forth, mut back) = (HashMap::new(), HashMap::new());
    all.iter().all(|(_, parameters)| {
        let (a, b) = (level(parameters, one), level(parameters, other));
        *forth.entry(a.clone()).or_insert_with(|| b.clone()) == b
            && *back.entry(b).or_insert_with(|| a.clone()) == a
    })
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
