//! The epoch loop with an engine that plays a given curve: what is trained, asked and kept.

use std::sync::Arc;

use anyhow::Result;

use super::*;
use crate::config::data::DataConfig;
use crate::config::evaluation::EvaluationConfig;
use crate::config::model::{BatchNorm, ModelConfig, Norm, Statistics};
use crate::config::training::{BatchSize, TrainingConfig};
use crate::data::{Inputs, RowChunks, Splits, Targets};
use crate::nn::{RunsOn, StateDict};
use crate::seed::Seed;
use crate::stopping::{Criterion, Patience, StopStatus};

/// Predicts the square root of the validation loss that it was told to have.
struct Player {
    val_losses: Vec<f64>,
    /// Rows of each batch, in the order trained.
    batches: Vec<Vec<u32>>,
    /// Epochs whose losses were taken, which is what ends one.
    epoch: usize,
    log: Vec<&'static str>,
    /// What it knows of its threads.
    helpers_cpu_s: Option<f64>,
    /// Batches of each recalibration.
    recalibrated: Vec<Vec<Vec<u32>>>,
}

impl Player {
    fn new(val_losses: &[f64]) -> Self {
        Self {
            val_losses: val_losses.to_vec(),
            batches: Vec::new(),
            epoch: 0,
            log: Vec::new(),
            helpers_cpu_s: Some(0.0),
            recalibrated: Vec::new(),
        }
    }
}

impl Engine for Player {
    fn train_batch(&mut self, rows: &[u32], _: f64) -> Result<()> {
        self.batches.push(rows.to_vec());
        Ok(())
    }

    fn take_loss_sum(&mut self) -> Result<f64> {
        self.epoch += 1;
        Ok(20.0)
    }

    fn evaluate(&mut self, rows: &[u32]) -> Result<Vec<f32>> {
        self.log.push("evaluate");
        // Targets are 0, so the mean squared error is the square of what is put out.
        #[allow(clippy::cast_possible_truncation)]
        let output = self.val_losses[self.epoch].sqrt() as f32;
        Ok(vec![output; rows.len()])
    }

    fn recalibrate(&mut self, batches: &[&[u32]], _: &dyn Fn() -> bool) -> Result<bool> {
        self.log.push("recalibrate");
        self.recalibrated.push(batches.iter().map(|batch| batch.to_vec()).collect());
        Ok(true)
    }

    fn state(&self) -> Result<StateDict> {
        let mut state = StateDict::default();
        state.push_count("epoch".to_owned(), i64::try_from(self.epoch)?);
        Ok(state)
    }

    fn load(&mut self, _: &StateDict) -> Result<()> {
        Ok(())
    }

    fn training_state(&self) -> Result<StateDict> {
        self.state()
    }

    fn helpers_cpu_s(&self) -> Option<f64> {
        self.helpers_cpu_s
    }

    fn runs_on(&self) -> RunsOn {
        RunsOn { engine: "player", instruction_set: "none", threads: 1 }
    }

    fn load_training(&mut self, state: &StateDict) -> Result<()> {
        self.epoch = usize::try_from(state.count("epoch").unwrap())?;
        Ok(())
    }
}

struct Deaf;

impl Observer for Deaf {
    fn on_event(&mut self, _: Event) {}
}

fn rows() -> Arc<Dataset> {
    Arc::new(Dataset {
        inputs: Inputs::Table(RowChunks::of_rows(&[0.0; 30], 1)),
        targets: Targets::Values {
            values: vec![0.0; 30],
            names: vec!["y".to_owned()],
            mean: vec![0.0],
            sd: vec![1.0],
        },
        splits: Splits {
            train: (0..20).collect(),
            validation: (20..25).collect(),
            test: (25..30).collect(),
            train_evaluated: (0..5).collect(),
        },
        preprocessing: serde_json::Value::Null,
        summary: String::new(),
        doubts: Vec::new(),
        digest: String::new(),
    })
}

fn config(norm: Norm, epochs: usize) -> Config {
    let training =
        TrainingConfig { epochs, batch_size: BatchSize::Rows(8), ..TrainingConfig::default() };
    Config {
        data: DataConfig::new("rows"),
        model: ModelConfig { norm: norm.into(), ..ModelConfig::default() },
        training,
        evaluation: EvaluationConfig::default(),
        seed: Seed(3),
    }
}

fn patience(patience: usize) -> StoppingRule {
    StoppingRule::new(Criterion::Patience(Patience { patience, ..Patience::default() }))
}

fn train(player: &mut Player, config: &Config, rules: &[StoppingRule]) -> Trained {
    let data = rows();
    let rules = rules.iter().collect();
    let inputs = FitInputs { config, loss: Loss::Mse, data: &data, rules, number: 0, alone: false };
    match fit(player, &inputs, None, &mut NoCheckpoints, &mut Deaf).unwrap() {
        Fitted::Done(trained) => trained,
        Fitted::Interrupted(at) => panic!("interrupted at {at:?}"),
    }
}

fn kept_epoch(outcome: &ArmOutcome) -> Option<(usize, i64)> {
    let kept = outcome.kept.as_ref()?;
    Some((kept.epoch, kept.state.count("epoch").unwrap()))
}

const U: [f64; 8] = [9.0, 4.0, 1.0, 4.0, 4.0, 0.25, 4.0, 4.0];

#[test]
fn a_training_goes_on_until_its_last_rule_has_fired() {
    let none = config(Norm::None(crate::kinds::NoSettings {}), 8);
    let mut player = Player::new(&U);
    let trained = train(&mut player, &none, &[patience(1), patience(2)]);
    assert_eq!(trained.table.len(), 5);
    let ended: Vec<_> = trained.arms.iter().map(|arm| (arm.stop.epochs, arm.stop.status)).collect();
    assert_eq!(ended, [(4, StopStatus::Stopped), (5, StopStatus::Stopped)]);
    let trained = train(&mut Player::new(&U), &none, &[patience(1), StoppingRule::default()]);
    assert_eq!(trained.table.len(), 8);
    assert_eq!(trained.arms[1].stop.status, StopStatus::Completed);
}

#[test]
fn each_arm_keeps_the_weights_of_its_own_best_epoch_or_of_its_last() {
    let none = config(Norm::None(crate::kinds::NoSettings {}), 8);
    let last = StoppingRule { restore_best: false, ..patience(1) };
    let best_of_all = StoppingRule { restore_best: true, ..StoppingRule::default() };
    let rules = [patience(1), last, StoppingRule::default(), best_of_all];
    let trained = train(&mut Player::new(&U), &none, &rules);
    let kept: Vec<_> = trained.arms.iter().map(kept_epoch).collect();
    assert_eq!(kept, [Some((3, 3)), Some((4, 4)), Some((8, 8)), Some((6, 6))]);
}

#[test]
fn what_an_arm_reads_live_is_what_it_reads_from_the_record() {
    let none = config(Norm::None(crate::kinds::NoSettings {}), 8);
    let rules: Vec<StoppingRule> = (0..5).map(patience).collect();
    let trained = train(&mut Player::new(&U), &none, &rules);
    for (rule, arm) in rules.iter().zip(&trained.arms) {
        assert_eq!(rule.read(&trained.table), arm.stop);
    }
}

#[test]
fn arms_of_a_seed_see_the_same_batches_whatever_their_norm() {
    let mut without = Player::new(&U);
    let mut with = Player::new(&U);
    train(
        &mut without,
        &config(Norm::None(crate::kinds::NoSettings {}), 3),
        &[StoppingRule::default()],
    );
    let batch = config(Norm::Batch(BatchNorm::default()), 3);
    train(&mut with, &batch, &[patience(9)]);
    assert_eq!(without.batches, with.batches);
    assert_eq!(with.batches.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4, 8, 8, 4, 8, 8, 4]);
    assert_ne!(with.batches[0], with.batches[3], "each epoch has an order of its own");
    let mut seen: Vec<u32> = with.batches[..3].concat();
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_loss_that_is_not_finite_ends_the_training_as_diverged() {
    let none = config(Norm::None(crate::kinds::NoSettings {}), 8);
    let curve = [4.0, 1.0, f64::NAN, 1.0, 1.0, 1.0, 1.0, 1.0];
    let trained = train(&mut Player::new(&curve), &none, &[StoppingRule::default(), patience(5)]);
    assert_eq!(trained.table.len(), 3);
    for arm in &trained.arms {
        assert_eq!(arm.stop.status, StopStatus::Diverged);
        assert_eq!(arm.stop.best, Some((2, 1.0)));
    }
    assert_eq!(kept_epoch(&trained.arms[1]), Some((2, 2)));
}

#[test]
fn statistics_are_recalibrated_before_each_evaluation() {
    let norm =
        Norm::Batch(BatchNorm { statistics: Statistics::Recalibrate, ..BatchNorm::default() });
    let mut player = Player::new(&U);
    train(&mut player, &config(norm, 2), &[StoppingRule::default()]);
    let of_an_epoch = ["recalibrate", "evaluate", "evaluate", "evaluate"];
    assert_eq!(player.log, [of_an_epoch, of_an_epoch].concat());
}

#[test]
fn a_recalibration_is_over_the_same_rows_each_time_and_over_no_more_than_asked_for() {
    for (most, sizes) in [(2, vec![2]), (9, vec![9]), (12, vec![8, 4]), (8192, vec![8, 8, 4])] {
        let settings = BatchNorm {
            statistics: Statistics::Recalibrate,
            recalibrate_rows: most,
            ..BatchNorm::default()
        };
        let mut player = Player::new(&U);
        train(&mut player, &config(Norm::Batch(settings), 3), &[StoppingRule::default()]);
        let first = &player.recalibrated[0];
        assert_eq!(first.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        let mut rows = first.concat();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), most.min(20), "no row twice");
        assert!(rows.iter().all(|row| *row < 20), "of the training split alone");
        assert!(player.recalibrated.iter().all(|batches| batches == first));
    }
}

#[test]
fn processor_seconds_are_recorded_where_the_engine_knows_its_threads_from_others() {
    let none = config(Norm::None(crate::kinds::NoSettings {}), 8);
    let rules = [StoppingRule::default()];
    let table = train(&mut Player::new(&U), &none, &rules).table;
    let seconds: Vec<f64> = table.column("cpu_s").unwrap().iter().flatten().copied().collect();
    assert_eq!(seconds.len(), 8);
    assert!(seconds[0] >= 0.0 && seconds.windows(2).all(|pair| pair[0] <= pair[1]), "{seconds:?}");
    let mut shared = Player { helpers_cpu_s: None, ..Player::new(&U) };
    assert_eq!(train(&mut shared, &none, &rules).table.column("cpu_s"), None);
}

#[test]
fn arms_that_keep_the_same_epoch_keep_one_copy_of_its_weights() {
    let none = config(Norm::None(crate::kinds::NoSettings {}), 8);
    let trained = train(&mut Player::new(&U), &none, &[patience(1), patience(2)]);
    let [one, other] = [0, 1].map(|arm: usize| trained.arms[arm].kept.clone().unwrap());
    assert_eq!((one.epoch, other.epoch), (3, 3));
    assert!(Arc::ptr_eq(&one.state, &other.state));
}
