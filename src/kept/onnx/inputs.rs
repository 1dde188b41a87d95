//! From what a user hands in, a tensor for each column or one of images, to what the network takes.

use super::graph::{Graph, ML, Name, Side, Type, int, ints, texts};
use crate::data::{Coding, ColumnCoding, ImageCoding, InputCoding};

/// What images are handed in as.
const IMAGE: &str = "image";

/// The names of what a user hands in.
pub fn names(inputs: &InputCoding) -> Vec<&str> {
    match inputs {
        InputCoding::Table { columns, .. } => {
            columns.iter().map(|column| column.name.as_str()).collect()
        }
        InputCoding::Image(_) => vec![IMAGE],
    }
}

/// The tensor of a row of inputs for each row.
pub fn encoded(graph: &mut Graph, inputs: &InputCoding) -> Name {
    match inputs {
        InputCoding::Image(image) => of_images(graph, image),
        InputCoding::Table { columns, missing } => {
            let mut parts = Vec::new();
            for column in columns {
                of_column(graph, column, missing, &mut parts);
            }
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            graph.node("Concat", &parts, &[int("axis", 1)])
        }
    }
}

fn of_column(
    graph: &mut Graph,
    ColumnCoding { name, coding }: &ColumnCoding,
    missing: &[String],
    parts: &mut Vec<Name>,
) {
    let of = if matches!(coding, Coding::Levels { .. }) { Type::Text } else { Type::Double };
    graph.input(name, of, &[Side::Rows, Side::Fixed(1)]);
    let to_float = [int("to", Type::Float as i64)];
    match coding {
        Coding::Number { mean, sd, imputed, missing_indicator } => {
            let is_missing = graph.node("IsNaN", &[name], &[]);
            let (imputed, mean, sd) =
                (graph.doubles(&[*imputed]), graph.doubles(&[*mean]), graph.doubles(&[*sd]));
            let filled = graph.node("Where", &[&is_missing, &imputed, name], &[]);
            let centred = graph.node("Sub", &[&filled, &mean], &[]);
            let scaled = graph.node("Div", &[&centred, &sd], &[]);
            parts.push(graph.node("Cast", &[&scaled], &to_float));
            if *missing_indicator {
                parts.push(graph.node("Cast", &[&is_missing], &to_float));
            }
        }
        Coding::MissingIndicator => {
            let is_missing = graph.node("IsNaN", &[name], &[]);
            parts.push(graph.node("Cast", &[&is_missing], &to_float));
        }
        Coding::Levels { levels, missing_level, .. } => {
            let words: &[String] = if *missing_level { missing } else { &[] };
            let keys = levels.iter().chain(words).map(String::as_str);
            // A list is shorter than 2^63.
            let place = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
            let of_words = words.iter().map(|_| place(levels.len()));
            let places: Vec<i64> = (0..levels.len()).map(place).chain(of_words).collect();
            let other = place(coding.width() - 1);
            let attributes = [
                texts("keys_strings", keys),
                ints("values_int64s", &places),
                int("default_int64", other),
            ];
            let code = graph.node_of(ML, "LabelEncoder", &[name], &attributes);
            let flat = graph.ints(&[1], &[-1]);
            let codes = graph.node("Reshape", &[&code, &flat], &[]);
            let (depth, values) = (graph.ints(&[], &[other + 1]), graph.floats(&[2], &[0.0, 1.0]));
            parts.push(graph.node("OneHot", &[&codes, &depth, &values], &[int("axis", -1)]));
        }
    }
}

fn of_images(graph: &mut Graph, image: &ImageCoding) -> Name {
    let sides = [Side::Rows, Side::Fixed(image.height), Side::Fixed(image.width)];
    graph.input(IMAGE, Type::Byte, &sides);
    let to_float = [int("to", Type::Float as i64)];
    let mut pixels = graph.node("Cast", &[IMAGE], &to_float);
    if let Some(share) = image.binarize {
        let full = f32::from(image.full_scale);
        // Bytes are whole, and so it is the same with the limit rounded down.
        #[allow(clippy::cast_possible_truncation)] // at most 255
        let limit = (share * f64::from(image.full_scale)).floor() as f32;
        let (limit, full) = (graph.floats(&[1], &[limit]), graph.floats(&[1], &[full]));
        let is_above = graph.node("Greater", &[&pixels, &limit], &[]);
        let share = graph.node("Cast", &[&is_above], &to_float);
        pixels = graph.node("Mul", &[&share, &full], &[]);
    }
    let count = i64::try_from(image.width * image.height).unwrap_or(i64::MAX);
    let shape = graph.ints(&[2], &[-1, count]);
    let flat = graph.node("Reshape", &[&pixels, &shape], &[]);
    let (scale, shift) = image.affine();
    let (scale, shift) = (graph.floats(&[1], &[scale]), graph.floats(&[1], &[shift]));
    let scaled = graph.node("Mul", &[&flat, &scale], &[]);
    graph.node("Add", &[&scaled, &shift], &[])
}
