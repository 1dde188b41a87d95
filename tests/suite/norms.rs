//! Every norm as people meet it: trained, written, verified, warned of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::{Place, bytes, stderr};
use safetensors::SafeTensors;

const NORMS: &str = r#"
name = "norms"
data.source = "digits"
model.hidden = [16, 8]
model.norm = { groups = 4, ghost_size = 16 }
training = { epochs = 2, batch_size = 64 }
[matrix]
"model.norm.kind" = ["none", "batch", "layer", "group", "rms", "weight", "mean_only_batch", "batch_renorm", "ghost_batch"]
"#;

#[test]
fn every_norm_trains_to_the_same_bytes_on_any_threads_and_verifies() {
    let place = Place::new();
    place.write("norms.toml", NORMS);
    let mut seen = Vec::new();
    for (results, threads) in [("a", "1"), ("b", "3")] {
        let args = ["run", "--config", "norms.toml", "--results", results, "--jobs", "1"];
        let output = place.command(&args).env("BNES_THREADS", threads).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(!stderr(&output).contains("stands in"), "{}", stderr(&output));
        seen.push(bytes(&place, &format!("{results}/norms")));
    }
    assert_eq!(seen[0].len(), 9);
    assert!(seen[0] == seen[1]);
    let args = ["run", "--config", "norms.toml", "--results", "a", "--verify"];
    let verified = place.command(&args).env("BNES_THREADS", "2").output().unwrap();
    assert!(verified.status.success(), "{}", stderr(&verified));
}

/// Of every tensor of a training's first weights file.
fn shapes(dir: &Path) -> BTreeMap<String, Vec<usize>> {
    let file = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("weights-"));
    let bytes = fs::read(file.unwrap()).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec())).collect()
}

#[test]
fn weights_files_have_the_tensors_of_a_plain_sequential() {
    let place = Place::new();
    place.write("norms.toml", NORMS);
    place.succeeds(&["run", "--config", "norms.toml"]);
    let of_batch = &["weight", "bias", "running_mean", "running_var", "num_batches_tracked"][..];
    for (norm, tensors) in [
        ("none", &[][..]),
        ("batch", of_batch),
        ("layer", &["weight", "bias"]),
        ("group", &["weight", "bias"]),
        ("rms", &["weight"]),
        ("weight", &[]),
        ("mean_only_batch", &["bias", "running_mean", "num_batches_tracked"]),
        ("batch_renorm", of_batch),
        ("ghost_batch", of_batch),
    ] {
        let shapes = shapes(&place.training("results/norms", &format!("{norm}-seed0")));
        let is_module = !tensors.is_empty();
        let (second, third) = if is_module { (3, 6) } else { (2, 4) };
        let has_bias = !norm.contains("batch");
        let mut expected = BTreeMap::new();
        let mut linear = |number: usize, shape: [usize; 2], bias: bool| {
            expected.insert(format!("{number}.weight"), shape.to_vec());
            if bias {
                expected.insert(format!("{number}.bias"), vec![shape[0]]);
            }
        };
        linear(0, [16, 64], has_bias);
        linear(second, [8, 16], has_bias);
        linear(third, [10, 8], true);
        for (number, units) in [(1, 16), (4, 8)] {
            for tensor in tensors {
                let shape = if *tensor == "num_batches_tracked" { vec![] } else { vec![units] };
                expected.insert(format!("{number}.{tensor}"), shape);
            }
        }
        assert_eq!(shapes, expected, "{norm}");
    }
}

const ON_INPUTS: &str = r#"
name = "inputs"
data.source = "digits"
model.hidden = [16, 8]
model.norm = { groups = 4, ghost_size = 16, at = ["input"] }
training = { epochs = 2, batch_size = 64 }
evaluation.inside = ["preactivations", "modes", "drift", "landscape"]
[matrix]
"model.norm.kind" = ["none", "batch", "layer", "group", "rms", "mean_only_batch", "batch_renorm", "ghost_batch"]
"#;

#[test]
fn norms_of_the_inputs_come_first_in_weights_files_and_verify() {
    let place = Place::new();
    place.write("inputs.toml", ON_INPUTS);
    let mut seen = Vec::new();
    for (results, threads) in [("a", "1"), ("b", "3")] {
        let args = ["run", "--config", "inputs.toml", "--results", results, "--jobs", "1"];
        let output = place.command(&args).env("BNES_THREADS", threads).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        seen.push(bytes(&place, &format!("{results}/inputs")));
    }
    assert!(seen[0] == seen[1]);
    place.succeeds(&["run", "--config", "inputs.toml", "--results", "a", "--verify"]);
    for (norm, tensors) in [
        ("batch", &["0.bias", "0.num_batches_tracked", "0.running_mean", "0.running_var"][..]),
        ("layer", &["0.bias"]),
        ("rms", &[]),
        ("mean_only_batch", &["0.bias", "0.num_batches_tracked", "0.running_mean"]),
    ] {
        let shapes = shapes(&place.training("a/inputs", &format!("{norm}-seed0")));
        let linears = ["1.bias", "1.weight", "3.bias", "3.weight", "5.bias", "5.weight"];
        let scale = (norm != "mean_only_batch").then_some("0.weight");
        let mut expected: Vec<&str> = tensors.iter().copied().chain(scale).chain(linears).collect();
        expected.sort_unstable();
        let names: Vec<&str> = shapes.keys().map(String::as_str).collect();
        assert_eq!(names, expected, "{norm}");
        assert_eq!(shapes["1.weight"], [16, 64]);
        let of_inputs =
            shapes.iter().filter(|(name, _)| name.starts_with("0.") && !name.contains("num"));
        assert!(of_inputs.into_iter().all(|(_, shape)| *shape == [64]), "{shapes:?}");
    }
}

#[test]
fn the_places_of_a_norm_are_levels_like_any_other() {
    let place = Place::new();
    let config = "name = \"places\"\ndata.source = \"digits\"\nmodel.norm.kind = \"batch\"\ntraining.epochs = 1\n\
                  [matrix]\n\"model.norm.at\" = [[\"hidden\"], [\"input\"], [\"hidden\", \"input\"]]\n";
    place.write("places.toml", config);
    place.succeeds(&["run", "--config", "places.toml"]);
    // The default is a training that knows of no places.
    place.write("plain.toml", "name = \"places\"\ndata.source = \"digits\"\nmodel.norm.kind = \"batch\"\ntraining.epochs = 1\n");
    let plain = place.succeeds(&["run", "--config", "plain.toml", "--dry-run"]);
    assert!(plain.contains("0 to train"), "{plain}");
}

#[test]
fn norms_of_inputs_that_they_do_not_fit_are_refused_or_warned_of() {
    let place = Place::new();
    let shown = |norm: &str| {
        let config = format!(
            "data.source = \"penguins\"\nmodel.norm = {norm}\n\
             training = {{ epochs = 30, batch_size = 16 }}\n"
        );
        place.write("one.toml", &config);
        let output = place.bnes(&["check", "--config", "one.toml"]);
        let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        (output.status.code(), shown.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (code, refused) = shown("{ kind = \"group\", groups = 7, at = [\"input\"] }");
    assert_eq!(code, Some(2), "{refused}");
    assert!(
        refused.contains("the norm `group` on the inputs: 7 groups do not divide"),
        "{refused}"
    );
    let rows = "warning: the norm `layer` takes statistics of whole rows, and 2 columns of levels";
    let rare = "warning: a level that few rows have is in no row of most batches";
    for (norm, told, untold) in [
        ("{ kind = \"layer\", at = [\"input\"] }", &[rows][..], &[rare][..]),
        ("{ kind = \"layer\" }", &[], &[rows, rare]),
        ("{ kind = \"batch\", at = [\"input\"] }", &[], &[rows, rare]),
        ("{ kind = \"batch\", statistics = \"ema\", at = [\"input\"] }", &[rare], &[rows]),
        ("{ kind = \"mean_only_batch\", statistics = \"ema\", at = [\"input\"] }", &[], &[rare]),
        ("{ kind = \"batch\", statistics = \"ema\" }", &[], &[rare]),
    ] {
        let (code, shown) = shown(norm);
        assert_eq!(code, Some(0), "{shown}");
        assert!(told.iter().all(|told| shown.contains(told)), "{norm}: {shown}");
        assert!(!untold.iter().any(|untold| shown.contains(untold)), "{norm}: {shown}");
    }
}

#[test]
fn check_tells_what_a_norm_comes_to() {
    let place = Place::new();
    for (norm, told) in [
        (
            "{ kind = \"group\", groups = 4 }",
            "warning: every two of the layer of 8 units are normalised together",
        ),
        (
            "{ kind = \"ghost_batch\", ghost_size = 64 }",
            "warning: no batch has rows for two chunks of 64",
        ),
        (
            "{ kind = \"ghost_batch\", statistics = \"ema\" }",
            "at a momentum of 0.1 a batch weighs 0.34 in them",
        ),
        (
            "{ kind = \"batch_renorm\" }",
            "warning: the warm-up of 3 of 34 steps is shorter than the 10",
        ),
        (
            "{ kind = \"weight\" }",
            "note: weight decay makes the lengths `g` of normalised weights smaller",
        ),
    ] {
        let config = format!(
            "data.source = \"digits\"\nmodel.hidden = [16, 8]\nmodel.norm = {norm}\n\
             training = {{ epochs = 2, batch_size = 64, optimizer.weight_decay = 0.1 }}\n"
        );
        place.write("one.toml", &config);
        let output = place.bnes(&["check", "--config", "one.toml"]);
        let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(told), "{norm}: {shown}");
    }
}

#[test]
fn check_warns_where_arms_start_apart_and_tells_how_to_let_them_start_alike() {
    let place = Place::new();
    let config = "data.source = \"digits\"\ntraining.epochs = 2\n[matrix]\n\"model.norm.kind\" = [\"none\", \"weight\"]\n";
    place.write("apart.toml", config);
    place.write("alike.toml", &format!("model.init.data_dependent = true\n{config}"));
    let warned = |file: &str| {
        let output = place.bnes(&["check", "--config", file]);
        assert!(output.status.success(), "{}", stderr(&output));
        let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        shown.contains("model.init.data_dependent = true")
    };
    assert!(warned("apart.toml"));
    assert!(!warned("alike.toml"));
}
