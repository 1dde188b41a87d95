//! Writing below a results directory: every file and every training whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::atomic::{
    clean, partial_dir, place, set_aside, sync_dir, write, write_if_changed, write_unplaced,
};
use super::unpack::unpack_training;
use super::{Claim, FreshRun, WorkDir};
use crate::config::{Arm, ConfigFile, Factors};
use crate::history::EpochTable;
use crate::results::layout::{
    EPOCHS_FILE, RUN_FILE, TEST_ROWS_FILE, experiment_file, run_file, weights_file_name,
};
use crate::results::recorded_training::{Named, RecordedTraining, fire_alike, rule_table};
use crate::results::{ArmRecord, Files, Plan, Status, TrainingRecord, archive, epochs_csv, seal};

/// The folder of damaged trainings that were set aside, in that of their experiment.
const DAMAGED: &str = "damaged";

/// One experiment's directory.
pub struct Store {
    dir: PathBuf,
}

/// A training already done.
pub struct Done {
    /// Its record, with today's arms.
    pub record: TrainingRecord,
    /// Whether the arms differ from those on disk.
    pub changed: bool,
}

impl Store {
    /// The directory `results/name`, created where it is missing.
    ///
    /// # Errors
    /// Where it cannot be created, or something else has its place.
    pub fn create(results: &Path, name: &str) -> Result<Self> {
        let store = Self::at(results, name);
        fs::create_dir_all(&store.dir).with_context(|| {
            let file = store.dir.ancestors().find(|path| path.is_file());
            let problem = match file {
                Some(file) => format!("{} is a file, where a folder is needed", file.display()),
                None => format!("the folder {} cannot be created", store.dir.display()),
            };
            format!("{problem}: choose another place with --results")
        })?;
        sync_dir(results);
        Ok(store)
    }

    /// The directory `results/name`, whether it is there or not.
    #[must_use]
    pub fn at(results: &Path, name: &str) -> Self {
        Self::of(results.join(name))
    }

    /// The directory at a path, whether it is there or not.
    #[must_use]
    pub(super) fn of(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory of a training.
    #[must_use]
    pub fn training(&self, dir: &str) -> PathBuf {
        self.dir.join(dir)
    }

    /// Writes the config as given and what it comes to. What is damaged of an earlier one is set aside; a sentence on
    /// each.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write_plan(&self, config: &ConfigFile, plan: &Plan) -> Result<Vec<String>> {
        self.clean();
        let damage = self.set_plan_aside()?;
        let text = config.text.as_bytes();
        write_if_changed(&self.dir.join(&plan.config), |out| Ok(out.write_all(text)?))?;
        write_if_changed(&experiment_file(&self.dir), |out| seal::write(out, plan))?;
        Ok(damage)
    }

    fn set_plan_aside(&self) -> Result<Vec<String>> {
        let file = experiment_file(&self.dir);
        let (file, problem) = match fs::read(&file) {
            Ok(bytes) => match seal::read::<PlanHead>(&bytes) {
                Ok(plan) => {
                    let config = self.dir.join(&plan.config);
                    let check = |bytes: Vec<u8>| plan.files.check(&plan.config, &bytes).err();
                    let Some(problem) = fs::read(&config).ok().and_then(check) else {
                        return Ok(Vec::new());
                    };
                    (config, problem.to_string())
                }
                Err(error) => {
                    let lost = "what it said of looks at the results before is no longer known";
                    (file, format!("{error}; {lost}"))
                }
            },
            Err(_) => return Ok(Vec::new()),
        };
        let aside = set_aside(&file, &suffixed(&file, ".damaged"))?;
        Ok(vec![format!("{}: {problem}: set aside as {}", file.display(), aside.display())])
    }

    /// Looks at a training that is about to be made again: one with a damaged file is moved out of the way as it is.
    /// What is wrong with it, if something is, and where it went.
    ///
    /// # Errors
    /// Where it cannot be moved.
    pub fn set_aside(&self, dir: &str) -> Result<Option<String>> {
        let path = self.training(dir);
        let file = run_file(&path);
        // What is in the archive stays there.
        let Ok(bytes) = fs::read(&file) else { return Ok(None) };
        let damage = match seal::read::<TrainingRecord>(&bytes) {
            Ok(record) => record.damage(&path),
            Err(error) => vec![(RUN_FILE.to_owned(), error.into())],
        };
        let Some((name, error)) = damage.iter().min_by_key(|(_, error)| is_gone(error)) else {
            return Ok(None);
        };
        let problem = format!("{}: {error}", path.join(name).display());
        if is_gone(error) {
            return Ok(Some(problem));
        }
        let folder = self.dir.join(DAMAGED);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        let aside = set_aside(&path, &folder.join(dir))?;
        Ok(Some(format!("{problem}: the training is set aside as {}", aside.display())))
    }

    /// The directories of the trainings that the experiment came to when it was last run, where that was by this
    /// very config and in all else as `outline` has it.
    #[must_use]
    pub fn planned(&self, config: &ConfigFile, outline: &Plan) -> Option<Vec<String>> {
        let text = fs::read(self.dir.join(&outline.config)).ok()?;
        let mut plan = self.plan()?;
        let trainings = std::mem::take(&mut plan.trainings);
        plan.cells.clear();
        plan.rules.clear();
        let is_same = text == config.text.as_bytes() && plan == *outline;
        is_same.then(|| trainings.into_iter().map(|planned| planned.dir).collect())
    }

    /// What the experiment came to when it was last run; none where it never was.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        Plan::read(&self.dir).ok()
    }

    /// Whether a training has a result.
    #[must_use]
    pub fn is_done(&self, dir: &str) -> bool {
        TrainingRecord::read(&self.training(dir)).is_some_and(|record| record.status.is_result())
    }

    /// Removes what processes that are no more left half written, and their claims where no work stands behind
    /// them.
    pub fn clean(&self) {
        clean(&self.dir);
        let works = WorkDir::all(&self.dir).into_iter().map(|dir| self.work_dir(&dir));
        for work in works.filter(|work| work.checkpoints().is_empty()) {
            // Given back at once, and with it goes the folder if nothing else is in it.
            let _ = Claim::acquire(&work);
        }
    }

    /// The work directory of a training.
    #[must_use]
    pub fn work_dir(&self, dir: &str) -> WorkDir {
        WorkDir::of(&self.dir, dir)
    }

    /// Gives back the claim of a training that is done, and removes the work on it, unless a fresh run
    /// that was interrupted goes on from there.
    pub fn finish(&self, dir: &str, claim: Claim) {
        if !FreshRun::is_wanted(&self.dir, dir) {
            claim.finish();
        }
    }

    /// Removes what is left of the work on a training that is done.
    pub fn tidy(&self, dir: &str) {
        let work_dir = self.work_dir(dir);
        if work_dir.exists()
            && let Ok(Some(claim)) = Claim::acquire(&work_dir)
        {
            self.finish(dir, claim);
        }
    }

    /// Why a training may not be trained into its place: what is there was written by a newer bnes,
    /// which may have put more into it than this one understands.
    #[must_use]
    pub fn newer(&self, dir: &str) -> Option<String> {
        let file = run_file(&self.training(dir));
        let record: serde_json::Value = serde_json::from_slice(&archive::read(&file).ok()?).ok()?;
        let version = record.get("provenance")?.get("version")?.as_str()?;
        let own = env!("CARGO_PKG_VERSION");
        (numbers(version)? > numbers(own)?).then(|| {
            format!(
                "{} was written by bnes {version}, which is newer than this one ({own}): use that \
                 version, move the folder away, or replace it with --fresh",
                file.display()
            )
        })
    }

    /// How a training ended that this version finished under these very arms and whose files nobody has touched
    /// since, which [`Store::done`] would find to be done as it is; none where it takes a closer look.
    #[must_use]
    pub fn stands(&self, dir: &str, identity: &str, arms: &[Arm]) -> Option<Status> {
        let dir = self.training(dir);
        let bytes = archive::read(&run_file(&dir)).ok()?;
        let record: Standing = seal::read(&bytes).ok()?;
        let is_same = |(was, is): (&StandingArm, &Arm)| {
            was.factors == is.factors && was.rule == rule_table(&is.rule)
        };
        let stands = record.identity == identity
            && record.status.is_result()
            && record.provenance.version == env!("CARGO_PKG_VERSION")
            && record.arms.len() == arms.len()
            && record.arms.iter().zip(arms).all(is_same);
        let weights = record.arms.iter().filter_map(|arm| arm.weights.as_deref());
        let files = std::iter::once(EPOCHS_FILE).chain(weights).chain(record.files.names());
        let mut files = files.collect::<BTreeSet<&str>>().into_iter();
        let stands = stands && files.all(|file| is_as_written(&dir, file, &record.files));
        stands.then_some(record.status)
    }

    /// A finished training whose record answers all of `arms`.
    ///
    /// `None` where there is none, it is another training, it failed, or a rule needs epochs,
    /// columns or weights that it does not have.
    #[must_use]
    pub fn done(&self, dir: &str, identity: &str, epochs: usize, arms: &[Arm]) -> Option<Done> {
        let dir = self.training(dir);
        let mut record = TrainingRecord::read(&dir)?;
        if record.identity != identity || !record.status.is_result() {
            return None;
        }
        if record.files.has(TEST_ROWS_FILE) {
            record.file(&dir, TEST_ROWS_FILE).ok()?;
        }
        let table = epochs_csv::read(&record.text(&dir, EPOCHS_FILE).ok()?, EPOCHS_FILE).ok()?;
        let test_metrics = test_metrics(&record, &table);
        let recorded = RecordedTraining { table: &table, epochs, test_metrics: &test_metrics };
        // Metrics that the table does not hold are known for weights that an arm kept, no others.
        let known: Vec<String> = record.arms.iter().filter_map(|arm| arm.weights.clone()).collect();
        let whole = |name: &str| is_whole(&record.file(&dir, name).ok()?);
        let has_weights =
            |name: &str| known.iter().any(|weights| weights == name) && whole(name).is_some();
        let mut arms = arms
            .iter()
            .map(|arm| recorded.arm_of_earlier(&arm.factors, &arm.rule, has_weights))
            .collect::<Option<Vec<_>>>()?;
        mark_exploratory(&mut arms, &record.arms);
        let changed = arms != record.arms;
        record.arms = arms;
        Some(Done { record, changed })
    }

    /// The record of a training that was finished under these very rules, whatever has become of its
    /// other files since.
    #[must_use]
    pub fn recorded(&self, dir: &str, identity: &str, arms: &[Arm]) -> Option<TrainingRecord> {
        let record = TrainingRecord::read(&self.training(dir))?;
        let answers = |arm: &Arm| {
            let rule = rule_table(&arm.rule).into();
            record.arms.iter().any(|recorded| recorded.rule == rule)
        };
        let finished = record.identity == identity && record.status.is_result();
        (finished && arms.iter().all(answers)).then_some(record)
    }

    /// The record of a training already done, which replaces the one on disk where today's arms are
    /// others.
    #[must_use]
    pub fn keep(&self, dir: &str, done: Done) -> TrainingRecord {
        let Done { record, changed } = done;
        if changed {
            // What it says is known either way.
            let _ = unpack_training(&self.dir, dir)
                .and_then(|()| Ok(seal::sealed(&record)?))
                .and_then(|json| write(&run_file(&self.training(dir)), &json));
        }
        record
    }

    /// Marks the rules of a training that was trained again for them, its curve having been there.
    pub fn mark_exploratory(&self, dir: &str, record: &mut TrainingRecord) {
        if let Some(earlier) = TrainingRecord::read(&self.training(dir))
            && earlier.identity == record.identity
            && earlier.status.is_result()
        {
            mark_exploratory(&mut record.arms, &earlier.arms);
        }
    }

    /// Puts a training in its place, in one step. What was there before goes, unless `keeps` says
    /// that it is as good, which two processes at work on one training may come to. Whether the new
    /// one is in place.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write_training(
        &self,
        dir: &str,
        record: &TrainingRecord,
        table: &EpochTable,
        weights: &BTreeMap<usize, Vec<u8>>,
        test_rows: Option<&[u8]>,
        keeps: impl Fn() -> bool,
    ) -> Result<bool> {
        let partial = partial_dir(&self.dir)?;
        let curve = epochs_csv::write(table);
        let weights = weights.iter().map(|(epoch, bytes)| (weights_file_name(*epoch), &bytes[..]));
        let mut files: Vec<(String, &[u8])> = weights.collect();
        files.push((EPOCHS_FILE.to_owned(), curve.as_bytes()));
        files.extend(test_rows.map(|bytes| (TEST_ROWS_FILE.to_owned(), bytes)));
        for (name, bytes) in &files {
            write_unplaced(&partial.path().join(name), bytes)?;
        }
        let record = TrainingRecord { files: Files::of(files), ..record.clone() };
        write_unplaced(&run_file(partial.path()), &seal::sealed(&record)?)?;
        place(partial, &self.training(dir), keeps)
    }

    /// Notes that a training failed or was interrupted, unless a finished one stands in its place.
    ///
    /// # Errors
    /// Where the note cannot be written.
    pub fn write_note(&self, dir: &str, record: &TrainingRecord) -> Result<()> {
        let path = self.training(dir);
        let is_result =
            TrainingRecord::read(&path).is_some_and(|earlier| earlier.status.is_result());
        if is_result || self.newer(dir).is_some() {
            return Ok(());
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        write(&run_file(&path), &seal::sealed(record)?)
    }
}

/// Marks the rules that were not there when a training was first read: they may owe themselves to its
/// curve.
fn mark_exploratory(arms: &mut [ArmRecord], earlier: &[ArmRecord]) {
    for arm in arms {
        let same = earlier.iter().find(|earlier| fire_alike(&earlier.rule, &arm.rule));
        let is_none = arm.rule.get("kind").is_some_and(|kind| kind == "none");
        arm.exploratory = !is_none && same.is_none_or(|earlier| earlier.exploratory);
    }
}

/// What of `experiment.json` tells of the config beside it.
#[derive(Deserialize)]
struct PlanHead {
    config: String,
    #[serde(default)]
    files: Files,
}

/// What of `run.json` says whether a training stands as it is.
#[derive(Deserialize)]
struct Standing {
    status: Status,
    identity: String,
    #[serde(default)]
    files: Files,
    arms: Vec<StandingArm>,
    provenance: StandingProvenance,
}

#[derive(Deserialize)]
struct StandingArm {
    factors: Factors,
    rule: Map<String, Value>,
    weights: Option<String>,
}

#[derive(Deserialize)]
struct StandingProvenance {
    version: String,
}

/// Whether a file of a training was there when `run.json` was written, which is written last, and has not been
/// touched since. In an archive files have no times of their own: there its bytes are looked at.
fn is_as_written(training: &Path, file: &str, files: &Files) -> bool {
    let path = training.join(file);
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    match (changed(&path), changed(&run_file(training))) {
        (Ok(file), Ok(record)) => file <= record,
        (Err(_), Err(_)) => {
            archive::read(&path).and_then(|bytes| files.check(file, &bytes)).is_ok()
        }
        _ => false,
    }
}

/// Whether the bytes of a weights file were not cut short.
fn is_whole(weights: &[u8]) -> Option<()> {
    safetensors::SafeTensors::deserialize(weights).ok().map(|_| ())
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Test metrics of the weights kept, where the curve has no test columns.
fn test_metrics(record: &TrainingRecord, table: &EpochTable) -> BTreeMap<Option<String>, Named> {
    let mut metrics = BTreeMap::new();
    let missing = |metrics: &Map<String, Value>| -> Named {
        let is_missing = |name: &str| {
            name.starts_with(crate::history::TEST_PREFIX) && table.column(name).is_none()
        };
        let named = metrics.iter().filter(|(name, _)| is_missing(name));
        named.map(|(name, value)| (name.clone(), value.as_f64())).collect()
    };
    for arm in &record.arms {
        if let Some(full) = &arm.full_run {
            let weights = Some(weights_file_name(full.best_epoch));
            metrics.entry(weights).or_insert_with(|| missing(&full.metrics));
        }
        metrics.insert(arm.weights.clone(), missing(&arm.metrics));
    }
    let of_any: Option<&Named> = metrics.values().next();
    let undefined =
        of_any.map(|named| named.iter().map(|(name, _)| (name.clone(), None)).collect());
    metrics.extend(undefined.map(|named| (None, named)));
    metrics
}

/// The numbers of a version: `1.2.3` of `1.2.3-rc.1`.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let plain = version.split(['-', '+']).next()?;
    plain.split('.').map(|number| number.parse().ok()).collect()
}
