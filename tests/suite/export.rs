//! `bnes export`: what can be seen of a model without a runtime; `.ci/check-onnx` has one.

use std::fs;

use crate::common::Place;

const NAMES: &str = "label,shade,weight\n";

fn place() -> Place {
    let place = Place::new();
    let row = |at: u32| {
        let shade = ["pale", "", "dark"][at as usize % 3];
        format!("{},{shade},{}\n", at * 7 % 40, if at * 7 % 40 > 20 { "heavy" } else { "light" })
    };
    place.write("t.csv", &(NAMES.to_owned() + &(0..40).map(row).collect::<String>()));
    place.write("c.toml", "data.source = \"t.csv\"\nmodel.hidden = [4]\ntraining.epochs = 2\n");
    place.succeeds(&["run", "--config", "c.toml", "--quiet"]);
    place
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn a_model_is_the_same_each_time_and_holds_columns_levels_and_classes_by_their_names() {
    let place = place();
    let training = place.trainings("results/c")[0].display().to_string();
    let export = |rest: &[&str]| {
        place.succeeds(&[&["export", training.as_str(), "--format", "onnx"], rest].concat())
    };
    assert_eq!(export(&[]), "weights-2.onnx\n");
    assert_eq!(export(&["--output", "again.onnx"]), "again.onnx\n");
    let model = fs::read(place.path("weights-2.onnx")).unwrap();
    assert_eq!(model, fs::read(place.path("again.onnx")).unwrap());
    for text in ["shade", "pale", "dark", "heavy", "light", "ai.onnx.ml", "probabilities"] {
        assert!(holds(&model, text), "{text}");
    }
    // A column has the name that the answer would have.
    assert!(holds(&model, "predicted_label") && !holds(&model, "predicted_probabilities"));
}

#[test]
fn nothing_of_the_results_is_written_over() {
    let place = place();
    let training = place.trainings("results/c")[0].display().to_string();
    let weights = format!("{training}/weights-2.safetensors");
    let before = fs::read(&weights).unwrap();
    for file in [weights.as_str(), &format!("{training}/run.json")] {
        let told = place.fails(2, &["export", &training, "--format", "onnx", "--output", file]);
        assert!(told.contains("which is a file of the results"), "{told}");
    }
    assert_eq!(fs::read(&weights).unwrap(), before);
}
