//! `bnes data describe` as people meet it.

use crate::common::Place;
use serde_json::Value;

const TABLE: &str = "width,height,kind\n1.5,2,a\n2.5,3,b\n3.5,5,a\n4,7,b\n5,11,a\n6,13,b\n7,1,a\n\
                     8,2,b\n9,4,a\n10,6,b\n";

#[test]
fn a_file_is_described_as_it_would_be_taken() {
    let place = Place::new();
    place.write("shapes.csv", TABLE);
    let out = place.succeeds(&["data", "describe", "shapes.csv"]);
    let first =
        "shapes.csv: 10 rows, 2 input columns, to predict: `kind` (classification, 2 classes)";
    assert!(out.starts_with(first), "{out}");
    for part in ["width   input   number", "1.500 to 10, mean 5.650", "a         5  50.0 %"] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    let last = "10 rows, 2 inputs, to predict: `kind`, 2 classes (task inferred: classification)";
    assert!(out.contains(last), "{out}");
    let out = place.succeeds(&["data", "describe", "shapes.csv", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["rows"], &json["columns"][0]["role"]), (&10.into(), &"input".into()));
    assert_eq!(json["classes"][0], serde_json::json!(["a", 5]));
}

#[test]
fn a_built_in_set_is_described_by_its_name() {
    let out = Place::new().succeeds(&["data", "describe", "digits"]);
    assert!(out.contains("pixels  input   8 x 8 pixels"), "{out}");
}

#[test]
fn what_is_asked_wrongly_ends_with_exit_code_2() {
    let place = Place::new();
    place.write("shapes.csv", TABLE);
    let message = place.fails(2, &["data", "describe", "shape.csv"]);
    assert!(message.contains("`shape.csv` is neither a built-in set"), "{message}");
    let message = place.fails(2, &["data", "describe", "shapes.csv", "--target", "kid"]);
    assert!(message.contains("did you mean `kind`?"), "{message}");
    let message = place.fails(2, &["data", "describe", "shapes.csv", "--set", "data.tget=1"]);
    assert!(message.contains("did you mean `target`?"), "{message}");
}
