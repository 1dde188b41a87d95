//! The first thing in which a training on disk differs from the same one trained again.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::finished::Finished;
use crate::history::EpochTable;
use crate::nn::StateDict;
use crate::results::layout::{epochs_file, run_file, weights_file_name};
use crate::results::{ArmRecord, Provenance, TestRows, TrainingRecord, archive, epochs_csv, seal};

/// That a training ran on something else before, which alone makes for other last digits.
pub fn elsewhere(was: &Provenance, is: &Provenance) -> Option<String> {
    let all = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<&str>>().join(" and ");
    let changed: Vec<String> = [
        ("bnes", was.version.clone(), is.version.clone()),
        ("device", was.device.clone(), is.device.clone()),
        ("processor", was.cpu.clone(), is.cpu.clone()),
        ("engine", all(was.engines()), all(is.engines())),
        ("instruction set", all(was.instruction_sets()), all(is.instruction_sets())),
    ]
    .into_iter()
    .filter(|(_, was, is)| was != is)
    .map(|(name, was, is)| format!("{name} {was} then, {is} now"))
    .collect();
    (!changed.is_empty())
        .then(|| format!(" ({}: other last digits are to be expected)", changed.join("; ")))
}

/// The first epoch, column or tensor in which they differ; none where they are the same.
///
/// # Errors
/// Where a file on disk cannot be read.
pub fn difference(dir: &Path, again: &Finished) -> Result<Option<String>> {
    let found = of_contents(dir, again)?;
    let damage = TrainingRecord::read(dir).map(|record| record.damage(dir)).unwrap_or_default();
    let damage: Vec<String> =
        damage.into_iter().map(|(name, error)| format!("{name}: {error}")).collect();
    Ok(match found {
        Some(found) if damage.is_empty() => Some(found),
        Some(found) => Some(format!("{found} ({})", damage.join("; "))),
        None => (!damage.is_empty()).then(|| damage.join("; ")),
    })
}

fn of_contents(dir: &Path, again: &Finished) -> Result<Option<String>> {
    let read = |path: &Path| {
        archive::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let file = epochs_file(dir);
    let text = String::from_utf8(read(&file)?).context("epochs.csv is not text")?;
    let table = epochs_csv::read(&text, &file.display().to_string())?;
    if let Some(difference) = of_curves(&table, &again.table) {
        return Ok(Some(difference));
    }
    for (epoch, bytes) in &again.weights {
        let name = weights_file_name(*epoch);
        let present = read(&dir.join(&name))?;
        if present != *bytes {
            return of_weights(&name, &present, bytes).map(Some);
        }
    }
    let record: TrainingRecord = seal::read(&read(&run_file(dir))?)?;
    if let Some(difference) = of_test_rows(dir, &record, again)? {
        return Ok(Some(difference));
    }
    for arm in &again.record.arms {
        // Rules of earlier runs may stand beside today's.
        let was = record.arms.iter().find(|was| was.rule == arm.rule);
        let was = was.with_context(|| {
            format!("run.json has no rule {}", Value::Object(arm.rule.clone().into()))
        })?;
        if let Some(difference) = of_arms(was, arm)? {
            return Ok(Some(difference));
        }
    }
    Ok(None)
}

/// Rows that an earlier version did not record are no difference, nor are those of epochs that earlier rules kept.
fn of_test_rows(dir: &Path, record: &TrainingRecord, again: &Finished) -> Result<Option<String>> {
    let (Some(was), Some(bytes)) = (TestRows::read(dir, record)?, &again.test_rows) else {
        return Ok(None);
    };
    let is = TestRows::decode(bytes)?;
    if was.rows != is.rows {
        return Ok(Some("test_rows.safetensors, other rows on disk than again".to_owned()));
    }
    let bits = |values: &Vec<f32>| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
    let differs = is
        .values
        .iter()
        .find(|(key, values)| was.values.get(*key).is_some_and(|was| bits(was) != bits(values)));
    Ok(differs.map(|((epoch, metric), _)| {
        format!("test_rows.safetensors, `{epoch}.{metric}`: other values on disk than again")
    }))
}

/// Clocks are left out, and what the whole training gave, which may be longer on disk.
fn of_arms(was: &ArmRecord, is: &ArmRecord) -> Result<Option<String>> {
    let rule = is.rule.get("kind").and_then(Value::as_str).unwrap_or_default();
    for (name, value) in is.metrics.iter().filter(|(name, _)| !name.ends_with("_s")) {
        let was = was.metrics.get(name).unwrap_or(&Value::Null);
        if was != value {
            return Ok(Some(format!(
                "run.json, rule {rule}, metric `{name}`: {was} on disk, {value} again"
            )));
        }
    }
    let [was, is] = [serde_json::to_value(was)?, serde_json::to_value(is)?];
    for key in ["status", "stop_epoch", "stop_reason", "best_epoch", "epochs", "weights"] {
        let [was, is] = [&was[key], &is[key]];
        if was != is {
            let what = format!("run.json, rule {rule}, `{key}`: {was} on disk, {is} again");
            return Ok(Some(what));
        }
    }
    Ok(None)
}

/// A curve on disk may be longer than today's rules need.
fn of_curves(was: &EpochTable, is: &EpochTable) -> Option<String> {
    for epoch in 1..=is.len() {
        if epoch > was.len() {
            return Some(format!("epoch {epoch}: is not on disk"));
        }
        for name in is.names().iter().filter(|name| !name.ends_with("_s")) {
            let cells = [was, is].map(|table| table.cell(name, epoch));
            let [was, is] = cells.map(|cell| cell.map(f64::to_bits));
            let nan = cells.iter().all(|cell| cell.is_some_and(f64::is_nan));
            if was != is && !nan {
                let [was, is] =
                    cells.map(|cell| cell.map_or("empty".to_owned(), |value| value.to_string()));
                return Some(format!("epoch {epoch}, column `{name}`: {was} on disk, {is} again"));
            }
        }
    }
    None
}

fn of_weights(file: &str, was: &[u8], is: &[u8]) -> Result<String> {
    let was = StateDict::from_safetensors(was).with_context(|| format!("{file} on disk"))?;
    let mut is = StateDict::from_safetensors(is)?.tensors;
    is.sort_by(|a, b| a.name.cmp(&b.name));
    for tensor in &is {
        if was.get(&tensor.name).ok().is_none_or(|was| was != tensor) {
            return Ok(format!("{file}, tensor `{}`", tensor.name));
        }
    }
    Ok(format!("{file}, its metadata"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Resumed;

    #[test]
    fn what_else_a_training_ran_on_is_said() {
        let on = |instruction_set: &str| Provenance {
            engine: "fused".to_owned(),
            instruction_set: instruction_set.to_owned(),
            ..Provenance::default()
        };
        assert_eq!(elsewhere(&on("avx2"), &on("avx2")), None);
        let said = " (instruction set avx2 then, avx512 now: other last digits are to be expected)";
        assert_eq!(elsewhere(&on("avx2"), &on("avx512")).as_deref(), Some(said));
        let mut moved = on("avx2");
        moved.resumed.push(Resumed {
            epoch: 3,
            batch: 0,
            engine: "fused".to_owned(),
            instruction_set: "avx512".to_owned(),
        });
        let said = elsewhere(&moved, &on("avx2")).unwrap();
        assert!(said.contains("set avx2 and avx512 then, avx2 now"), "{said}");
    }

    #[test]
    fn the_first_cell_that_differs_is_named_and_clocks_are_not_looked_at() {
        let table = |loss, elapsed| {
            let mut table = EpochTable::new(vec!["val_loss".into(), "elapsed_s".into()]);
            table.push(&[Some(f64::NAN), Some(elapsed)]);
            table.push(&[Some(loss), Some(elapsed)]);
            table
        };
        assert_eq!(of_curves(&table(1.0, 2.0), &table(1.0, 3.0)), None);
        let found = of_curves(&table(1.0, 2.0), &table(1.5, 2.0)).unwrap();
        assert_eq!(found, "epoch 2, column `val_loss`: 1 on disk, 1.5 again");
    }
}
