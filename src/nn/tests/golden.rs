//! Reference figures in double precision, worked out apart from this program.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::config::norm::{
    BatchNorm, BatchRenorm, EpsPlacement, GhostBatchNorm, GroupNorm, LayerNorm, MeanOnlyBatchNorm,
    Norm, RmsNorm,
};
use crate::config::training::{Adam, Optimizer, RmsProp, Rprop, Sgd};

/// A section of the file.
pub fn golden<T: for<'de> Deserialize<'de>>(section: &str) -> T {
    let file: Value =
        serde_json::from_str(include_str!("../../../tests/golden/numeric.json")).unwrap();
    T::deserialize(&file[section]).unwrap()
}

/// Every element within `tolerance` times 1 + the largest absolute value expected.
pub fn assert_close(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let scale = 1.0 + expected.iter().fold(0.0_f64, |max, value| max.max(value.abs()));
    for (index, (a, e)) in actual.iter().zip(expected).enumerate() {
        let error = (a - e).abs() / scale;
        assert!(error <= tolerance, "{what}, element {index}: {a} instead of {e} ({error:e})");
    }
}

/// A batch norm on its way forward and back.
#[derive(Deserialize)]
pub struct NormCase {
    pub name: String,
    pub eps: f64,
    pub eps_placement: String,
    pub momentum: f64,
    pub x: Vec<Vec<f64>>,
    pub gamma: Vec<f64>,
    pub beta: Vec<f64>,
    pub dy: Vec<Vec<f64>>,
    pub running_mean_in: Vec<f64>,
    pub running_var_in: Vec<f64>,
    pub y_train: Vec<Vec<f64>>,
    pub dx: Vec<Vec<f64>>,
    pub dgamma: Vec<f64>,
    pub dbeta: Vec<f64>,
    pub running_mean_out: Vec<f64>,
    pub running_var_out_unbiased: Vec<f64>,
    pub y_eval_after: Vec<Vec<f64>>,
    pub dx_eval_after: Vec<Vec<f64>>,
}

impl NormCase {
    pub fn all() -> Vec<Self> {
        let cases: Vec<Self> = golden("batch_norm");
        assert_eq!(cases.len(), 5);
        cases
    }

    pub fn settings(&self) -> BatchNorm {
        BatchNorm {
            eps: self.eps,
            eps_placement: match self.eps_placement.as_str() {
                "sqrt(var+eps)" => EpsPlacement::Variance,
                "sqrt(var)+eps" => EpsPlacement::Std,
                other => panic!("{other}"),
            },
            momentum: self.momentum,
            ..BatchNorm::default()
        }
    }

    /// Whether a unit is the same in every row: rounding errors in its mean are scaled by 316.
    pub fn has_a_constant(&self) -> bool {
        self.name == "zero_variance_feature"
    }
}

/// A norm with neither a placement of eps nor statistics outside of training, forward and back.
#[derive(Deserialize)]
pub struct Passes {
    pub x: Vec<Vec<f64>>,
    #[serde(default)]
    pub gamma: Option<Vec<f64>>,
    #[serde(default)]
    pub beta: Option<Vec<f64>>,
    pub dy: Vec<Vec<f64>>,
    pub y: Vec<Vec<f64>>,
    pub dx: Vec<Vec<f64>>,
    #[serde(default)]
    pub dgamma: Option<Vec<f64>>,
    #[serde(default)]
    pub dbeta: Option<Vec<f64>>,
}

/// A norm and the passes through it; what training alone goes by and the running statistics before it, and
/// what comes of them.
pub struct NormPasses {
    pub name: String,
    pub norm: Norm,
    pub passes: Passes,
    /// By last name.
    pub before: Vec<(&'static str, Vec<f64>)>,
    /// By last name.
    pub after: Vec<(&'static str, Vec<f64>)>,
    /// Batches counted before.
    pub batches: i64,
}

#[derive(Deserialize)]
struct ByRow {
    eps: f64,
    #[serde(default)]
    groups: usize,
}

#[derive(Deserialize)]
struct Renorm {
    name: String,
    rmax: f64,
    dmax: f64,
    eps: f64,
    alpha: f64,
    mu_in: Vec<f64>,
    sigma_in: Vec<f64>,
    mu_out: Vec<f64>,
    sigma_out: Vec<f64>,
}

#[derive(Deserialize)]
struct Ghost {
    eps: f64,
    momentum: f64,
    #[serde(rename = "ghost_size")]
    size: usize,
    running_mean_out_from_0: Vec<f64>,
    running_var_out_from_1: Vec<f64>,
}

impl NormPasses {
    /// All but batch norm, of which there is more to say.
    pub fn all() -> Vec<Self> {
        let of = |section: &str, norm: Norm| Self {
            name: section.to_owned(),
            norm,
            passes: golden(section),
            before: Vec::new(),
            after: Vec::new(),
            batches: 0,
        };
        let [layer, group, rms] = ["layer_norm", "group_norm", "rms_norm"].map(golden::<ByRow>);
        let mean_only = MeanOnlyBatchNorm { weight_norm: false, ..MeanOnlyBatchNorm::default() };
        let ghost: Ghost = golden("ghost_batch_norm");
        let Ghost { eps, momentum, size: ghost_size, .. } = ghost;
        let statistics = crate::config::norm::Statistics::Ema;
        let ghost_norm =
            GhostBatchNorm { eps, momentum, statistics, ghost_size, ..GhostBatchNorm::default() };
        let mut all = vec![
            of("layer_norm", Norm::Layer(LayerNorm { eps: layer.eps, ..LayerNorm::default() })),
            of(
                "group_norm",
                Norm::Group(GroupNorm {
                    eps: group.eps,
                    groups: group.groups,
                    ..GroupNorm::default()
                }),
            ),
            of("rms_norm", Norm::Rms(RmsNorm { eps: rms.eps, ..RmsNorm::default() })),
            of("mean_only_batch_norm", Norm::MeanOnlyBatch(mean_only)),
            Self {
                after: vec![
                    ("running_mean", ghost.running_mean_out_from_0),
                    ("running_var", ghost.running_var_out_from_1),
                ],
                ..of("ghost_batch_norm", Norm::GhostBatch(ghost_norm))
            },
        ];
        let passes: Vec<Passes> = golden("batch_renorm");
        for (case, passes) in golden::<Vec<Renorm>>("batch_renorm").into_iter().zip(passes) {
            let norm = BatchRenorm {
                eps: case.eps,
                momentum: case.alpha,
                r_max: case.rmax,
                d_max: case.dmax,
                warmup: 0.0,
                statistics,
                ..BatchRenorm::default()
            };
            all.push(Self {
                name: format!("batch_renorm, {}", case.name),
                norm: Norm::BatchRenorm(norm),
                passes,
                before: vec![("training_mean", case.mu_in), ("training_sd", case.sigma_in)],
                after: vec![("training_mean", case.mu_out), ("training_sd", case.sigma_out)],
                // Of what the averages started from nothing is left.
                batches: 1_000_000,
            });
        }
        all
    }
}

/// Weight norm forward and back, and where it starts from data.
#[derive(Deserialize)]
pub struct WeightNormCase {
    pub x: Vec<Vec<f64>>,
    pub bias: Vec<f64>,
    pub y: Vec<Vec<f64>>,
    pub dy: Vec<Vec<f64>>,
    pub dbias: Vec<f64>,
    pub v: Vec<Vec<f64>>,
    pub g: Vec<f64>,
    pub w: Vec<Vec<f64>>,
    pub dw: Vec<Vec<f64>>,
    pub dg: Vec<f64>,
    pub dv: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
pub struct BatchOfOne {
    pub x: Vec<Vec<f64>>,
    pub gamma: Vec<f64>,
    pub beta: Vec<f64>,
    pub dy: Vec<Vec<f64>>,
    pub y: Vec<Vec<f64>>,
    pub dx: Vec<Vec<f64>>,
    pub dgamma: Vec<f64>,
    pub dbeta: Vec<f64>,
}

#[derive(Deserialize)]
pub struct RunningStatistics {
    pub batches: Vec<Vec<Vec<f64>>>,
    #[serde(rename = "ema_momentum_0.1_unbiased")]
    pub ema: Vec<Statistic>,
    pub cumulative_average: Vec<Statistic>,
    pub alg2_mean_of_unbiased_batch_vars: Statistic,
}

#[derive(Deserialize)]
pub struct Statistic {
    pub mean: Vec<f64>,
    pub var: Vec<f64>,
}

#[derive(Deserialize)]
pub struct CrossEntropy {
    pub logits: Vec<Vec<f64>>,
    pub target: Vec<u32>,
    pub loss: f64,
    pub dlogits: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
pub struct Bce {
    logits: Vec<f64>,
    target: Vec<f64>,
    pub loss: f64,
    pub dlogits: Vec<f64>,
}

impl Bce {
    /// One logit a row.
    pub fn logits(&self) -> Vec<Vec<f64>> {
        self.logits.iter().map(|logit| vec![*logit]).collect()
    }

    pub fn labels(&self) -> Vec<u32> {
        self.target.iter().map(|target| u32::from(*target > 0.5)).collect()
    }
}

#[derive(Deserialize)]
pub struct Mse {
    pub pred: Vec<Vec<f64>>,
    pub target: Vec<Vec<f64>>,
    pub loss: f64,
    pub dpred: Vec<Vec<f64>>,
}

/// Runs of optimizers from the same numbers along the same gradients.
#[derive(Deserialize)]
pub struct Optimizers {
    pub p0: Vec<f64>,
    pub grads: Vec<Vec<f64>>,
    pub runs: BTreeMap<String, Run>,
}

#[derive(Deserialize)]
pub struct Run {
    pub params: Value,
    pub after_each_step: Vec<Vec<f64>>,
}

impl Optimizers {
    pub fn get() -> Self {
        let reference: Self = golden("optimisers");
        assert_eq!(reference.runs.len(), 9);
        assert!(reference.runs.values().all(|run| run.after_each_step.len() == 5));
        reference
    }
}

/// The settings that the reference names, over our defaults.
fn settings<T: for<'de> Deserialize<'de>>(params: &Value) -> T {
    let mut params = params.clone();
    let table = params.as_object_mut().unwrap();
    let pairs = [("etas", ["eta_minus", "eta_plus"]), ("step_sizes", ["step_min", "step_max"])];
    for (name, ours) in pairs {
        let Some(values) = table.remove(name) else { continue };
        for (index, name) in ours.into_iter().enumerate() {
            table.insert(name.into(), values[index].clone());
        }
    }
    T::deserialize(params).unwrap()
}

/// The optimizer of a run.
pub fn optimizer(name: &str, params: &Value) -> Optimizer {
    match name {
        "sgd" | "sgd_l2" | "momentum" | "nesterov" => Optimizer::Sgd(settings::<Sgd>(params)),
        "adam" | "adam_l2" => Optimizer::Adam(settings::<Adam>(params)),
        "adamw" => Optimizer::AdamW(settings::<Adam>(params)),
        "rmsprop" => Optimizer::RmsProp(settings::<RmsProp>(params)),
        "rprop_irprop_minus" => Optimizer::Rprop(settings::<Rprop>(params)),
        other => panic!("{other}"),
    }
}
