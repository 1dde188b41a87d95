//! Every norm as people meet it: trained, written, verified, warned of.

use std::collections::BTreeMap;
use std::fs;

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
        let dir = place.training("results/norms", &format!("{norm}-seed0"));
        let file = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("weights-"));
        let bytes = fs::read(file.unwrap()).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let shapes: BTreeMap<&str, Vec<usize>> =
            file.iter().map(|(name, view)| (name, view.shape().to_vec())).collect();
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
        let expected: BTreeMap<&str, Vec<usize>> =
            expected.iter().map(|(name, shape)| (name.as_str(), shape.clone())).collect();
        assert_eq!(shapes, expected, "{norm}");
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
