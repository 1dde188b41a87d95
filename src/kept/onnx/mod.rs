//! A network as an ONNX model that takes the columns as they are: missing cells, scales, levels and layers in one graph.

mod graph;
mod inputs;
mod layers;

use anyhow::Result;
use serde_json::json;

use self::graph::{Graph, Side, Type, int};
use super::network::KeptNetwork;
use crate::config::training::Loss;
use crate::data::{TargetCoding, ValueCoding};

/// A model, and how what goes in and comes out is called.
pub struct OnnxModel {
    /// The file.
    pub bytes: Vec<u8>,
    /// What a user hands in.
    pub inputs: Vec<String>,
    /// What a user gets back.
    pub outputs: Vec<String>,
}

impl OnnxModel {
    /// That of a network.
    ///
    /// # Errors
    /// Where its weights lack a tensor, or it has a norm that ONNX cannot express.
    pub fn of(kept: &KeptNetwork) -> Result<Self> {
        let KeptNetwork { preprocessing, state, .. } = kept;
        let names = inputs::names(&preprocessing.inputs);
        let mut graph = Graph::new("bnes", names.iter().copied());
        let encoded = inputs::encoded(&mut graph, &preprocessing.inputs);
        let outputs = layers::outputs(&mut graph, &kept.layout(), state, encoded)?;
        let (outputs, metadata) = match &preprocessing.target {
            TargetCoding::Classes { name, classes } => (
                of_classes(&mut graph, kept.loss, classes, &outputs),
                vec![("target", name.clone()), ("classes", json!(classes).to_string())],
            ),
            TargetCoding::Values { columns } => {
                let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                let output = of_values(&mut graph, columns, &outputs);
                (vec![output], vec![("targets", json!(names).to_string())])
            }
        };
        let inputs = names.into_iter().map(str::to_owned).collect();
        Ok(Self { bytes: graph.model(&metadata), inputs, outputs })
    }
}

/// The class that is likeliest, and what the outputs say of each.
fn of_classes(graph: &mut Graph, loss: Loss, classes: &[String], outputs: &str) -> Vec<String> {
    let names = graph.texts(classes);
    let (place, shares) = if loss == Loss::Bce {
        let zero = graph.floats(&[1], &[0.0]);
        let is_second = graph.node("Greater", &[outputs, &zero], &[]);
        let place = graph.node("Cast", &[&is_second], &[int("to", Type::Int64 as i64)]);
        let flat = graph.ints(&[1], &[-1]);
        let place = graph.node("Reshape", &[&place, &flat], &[]);
        let negative = graph.node("Neg", &[outputs], &[]);
        let logits = graph.node("Concat", &[&negative, outputs], &[int("axis", 1)]);
        (place, graph.node("Sigmoid", &[&logits], &[]))
    } else {
        let place = graph.node("ArgMax", &[outputs], &[int("axis", 1), int("keepdims", 0)]);
        let shares = match loss {
            Loss::CrossEntropy => graph.node("Softmax", &[outputs], &[int("axis", 1)]),
            Loss::Mse | Loss::Bce => outputs.to_owned(),
        };
        (place, shares)
    };
    let label = graph.node("Gather", &[&names, &place], &[]);
    let sides = [Side::Rows, Side::Fixed(classes.len())];
    vec![
        graph.output("label", Type::Text, &[Side::Rows], &label),
        graph.output("probabilities", Type::Float, &sides, &shares),
    ]
}

/// The numbers that are predicted, in their own units.
fn of_values(graph: &mut Graph, columns: &[ValueCoding], outputs: &str) -> String {
    let of = |part: fn(&ValueCoding) -> f64| columns.iter().map(part).collect::<Vec<f64>>();
    let (mean, sd) = (graph.doubles(&of(|column| column.mean)), graph.doubles(&of(|c| c.sd)));
    let wide = graph.node("Cast", &[outputs], &[int("to", Type::Double as i64)]);
    let scaled = graph.node("Mul", &[&wide, &sd], &[]);
    let values = graph.node("Add", &[&scaled, &mean], &[]);
    graph.output("value", Type::Double, &[Side::Rows, Side::Fixed(columns.len())], &values)
}
