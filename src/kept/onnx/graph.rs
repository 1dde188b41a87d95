//! An ONNX graph while it is built: `onnx.proto`'s messages by their field numbers.

use std::collections::HashSet;

use crate::protobuf::Message;

/// The types of tensors, by `TensorProto.DataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Float = 1,
    Byte = 2,
    Int64 = 7,
    Text = 8,
    Double = 11,
}

/// A side of a tensor that a user hands in or gets back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// As many as there are rows.
    Rows,
    Fixed(usize),
}

/// The name of a tensor.
pub type Name = String;

/// The operators of `ai.onnx` of this version are used.
const OPSET: u64 = 17;
/// Those of `ai.onnx.ml`.
const ML_OPSET: u64 = 3;
/// The version of the format that goes with them.
const IR_VERSION: u64 = 8;

/// The domain of what is not a plain operator.
pub const ML: &str = "ai.onnx.ml";

/// A graph.
pub struct Graph {
    message: Message,
    taken: HashSet<Name>,
    nodes: usize,
}

impl Graph {
    /// An empty graph; no tensor inside will be called as one of `inputs`, which are named by users.
    pub fn new<'a>(name: &str, inputs: impl Iterator<Item = &'a str>) -> Self {
        let mut message = Message::default();
        message.bytes(2, name.as_bytes());
        Self { message, taken: inputs.map(str::to_owned).collect(), nodes: 0 }
    }

    /// A name that nothing has.
    fn free(&mut self, wanted: String) -> Name {
        let mut name = wanted;
        while !self.taken.insert(name.clone()) {
            name = format!("predicted_{name}");
        }
        name
    }

    /// What a user hands in.
    pub fn input(&mut self, name: &str, of: Type, shape: &[Side]) {
        self.message.message(11, &value_info(name, of, shape));
    }

    /// What a user gets back, under a name like this; the name that it got.
    pub fn output(&mut self, name: &str, of: Type, shape: &[Side], from: &str) -> Name {
        let name = self.free(name.to_owned());
        self.push("Identity", &[from], &[], "", &name);
        self.message.message(12, &value_info(&name, of, shape));
        name
    }

    /// A node with one output.
    pub fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[Message]) -> Name {
        self.node_of("", operator, inputs, attributes)
    }

    /// A node of another domain.
    pub fn node_of(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        attributes: &[Message],
    ) -> Name {
        let name = self.free(format!("/{}/{operator}", self.nodes));
        self.push(operator, inputs, attributes, domain, &name);
        name
    }

    fn push(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[Message],
        domain: &str,
        output: &str,
    ) {
        self.nodes += 1;
        let mut node = Message::default();
        for input in inputs {
            node.bytes(1, input.as_bytes());
        }
        node.bytes(2, output.as_bytes());
        node.bytes(3, output.as_bytes());
        node.bytes(4, operator.as_bytes());
        for attribute in attributes {
            node.message(5, attribute);
        }
        if !domain.is_empty() {
            node.bytes(7, domain.as_bytes());
        }
        self.message.message(1, &node);
    }

    /// A constant.
    pub fn floats(&mut self, shape: &[usize], values: &[f32]) -> Name {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Type::Float, shape, |tensor| tensor.bytes(9, &raw))
    }

    /// A constant in double precision.
    pub fn doubles(&mut self, values: &[f64]) -> Name {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Type::Double, &[values.len()], |tensor| tensor.bytes(9, &raw))
    }

    /// A constant of whole numbers: a list, or where `shape` is empty one of them.
    pub fn ints(&mut self, shape: &[usize], values: &[i64]) -> Name {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Type::Int64, shape, |tensor| tensor.bytes(9, &raw))
    }

    /// A constant list of texts.
    pub fn texts(&mut self, texts: &[String]) -> Name {
        self.constant(Type::Text, &[texts.len()], |tensor| {
            for text in texts {
                tensor.bytes(6, text.as_bytes());
            }
        })
    }

    fn constant(&mut self, of: Type, shape: &[usize], data: impl FnOnce(&mut Message)) -> Name {
        let name = self.free(format!("/{}/constant", self.taken.len()));
        let mut tensor = Message::default();
        for side in shape {
            tensor.number(1, *side as u64);
        }
        tensor.number(2, of as u64);
        data(&mut tensor);
        tensor.bytes(8, name.as_bytes());
        self.message.message(5, &tensor);
        name
    }

    /// The whole model, with what is to be known of it beside the graph.
    pub fn model(self, metadata: &[(&str, String)]) -> Vec<u8> {
        let mut model = Message::default();
        model.number(1, IR_VERSION);
        model.bytes(2, b"bnes");
        model.bytes(3, env!("CARGO_PKG_VERSION").as_bytes());
        model.message(7, &self.message);
        for (domain, version) in [("", OPSET), (ML, ML_OPSET)] {
            let mut opset = Message::default();
            opset.bytes(1, domain.as_bytes());
            opset.number(2, version);
            model.message(8, &opset);
        }
        for (key, value) in metadata {
            let mut entry = Message::default();
            entry.bytes(1, key.as_bytes());
            entry.bytes(2, value.as_bytes());
            model.message(14, &entry);
        }
        model.as_bytes().to_vec()
    }
}

fn value_info(name: &str, of: Type, shape: &[Side]) -> Message {
    let mut sides = Message::default();
    for side in shape {
        let mut dimension = Message::default();
        match side {
            Side::Rows => dimension.bytes(2, b"rows"),
            Side::Fixed(length) => dimension.number(1, *length as u64),
        }
        sides.message(1, &dimension);
    }
    let mut tensor = Message::default();
    tensor.number(1, of as u64);
    tensor.message(2, &sides);
    let mut kind = Message::default();
    kind.message(1, &tensor);
    let mut info = Message::default();
    info.bytes(1, name.as_bytes());
    info.message(2, &kind);
    info
}

fn attribute(name: &str, kind: u64) -> Message {
    let mut attribute = Message::default();
    attribute.bytes(1, name.as_bytes());
    attribute.number(20, kind);
    attribute
}

/// An attribute that is a float.
pub fn float(name: &str, value: f32) -> Message {
    let mut attribute = attribute(name, 1);
    attribute.float(2, value);
    attribute
}

/// An attribute that is a whole number.
pub fn int(name: &str, value: i64) -> Message {
    let mut attribute = attribute(name, 2);
    attribute.number(3, value.cast_unsigned());
    attribute
}

/// An attribute that is a list of whole numbers.
pub fn ints(name: &str, values: &[i64]) -> Message {
    let mut attribute = attribute(name, 7);
    for value in values {
        attribute.number(8, value.cast_unsigned());
    }
    attribute
}

/// An attribute that is a list of texts.
pub fn texts<'a>(name: &str, texts: impl Iterator<Item = &'a str>) -> Message {
    let mut attribute = attribute(name, 8);
    for text in texts {
        attribute.bytes(9, text.as_bytes());
    }
    attribute
}
