//! `bnes init`: what it writes is a config that runs.

use serde_json::Value;

use crate::common::{Place, stderr};

/// The templates by name, as an unknown one lists them.
fn templates(place: &Place) -> Vec<String> {
    let told = place.fails(2, &["init", "--template", "nonesuch"]);
    assert!(told.contains("there is no template `nonesuch`"), "{told}");
    let lines = told.lines().filter_map(|line| line.strip_prefix("  "));
    lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn every_template_passes_the_check_and_those_with_data_run() {
    let place = Place::new();
    let names = templates(&place);
    let papers = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/configs/papers")).unwrap();
    for paper in papers {
        let stem = paper.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(names.contains(&stem), "{stem} is no template");
    }
    let mut run = 0;
    for name in &names {
        let file = format!("{name}.toml");
        place.succeeds(&["init", &file, "--template", name]);
        let output = place.bnes(&["check", "--config", &file, "--format", "json"]);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let errors = json["errors"].as_array().unwrap();
        let is_fetched = |error: &Value| error["message"].as_str().unwrap().contains("datasets/");
        if errors.iter().any(is_fetched) && errors.iter().all(is_fetched) {
            // Nothing but the data is missing, which have to be fetched.
            continue;
        }
        assert!(errors.is_empty(), "{name}: {json:#}");
        let mut args = vec!["run", "--quiet", "--seeds", "1", "--config", &file];
        let text = std::fs::read_to_string(place.path(&file)).unwrap();
        args.extend(if text.contains("\"training.epochs\" = ") {
            ["--set", "matrix.\"training.epochs\"=[1, 2]"]
        } else {
            ["--set", "training.epochs=1"]
        });
        if text.contains("[tune]") {
            args.extend(["--set", "tune.seeds=[1000]"]);
        }
        let output = place.bnes(&args);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        run += 1;
    }
    assert!(run >= 10, "{run} of {names:?}");
}

#[test]
fn a_file_that_is_there_is_never_touched() {
    let place = Place::new();
    let told = place.succeeds(&["init"]);
    assert!(told.starts_with("experiment.toml: the template classification"), "{told}");
    let text = place.write("experiment.toml", "# mine\n");
    let told = place.fails(2, &["init"]);
    assert!(told.contains("experiment.toml is there already"), "{told}");
    assert_eq!(std::fs::read_to_string(text).unwrap(), "# mine\n");
    assert!(place.fails(2, &["init", "a.json"]).contains("a.json is no .toml file"));
    let shown = place.succeeds(&["init", "-", "--template", "tuning"]);
    assert!(shown.contains("[tune]"), "{shown}");
}

/// A table with a row counter, a constant column, an empty one and classes that are not last.
fn table(rows: u32, target: impl Fn(u32) -> String) -> String {
    let mut text = "id,width,always,target,colour\n".to_owned();
    for row in 0..rows {
        let width = f64::from(row * 37 % 101) / 7.0;
        let colour = ["red", "green", "blue"][(row * 5 % 3) as usize];
        text.push_str(
            &[&(row + 1).to_string(), &width.to_string(), "same", &target(row), colour]
                .map(ToString::to_string)
                .join(","),
        );
        text.push('\n');
    }
    text
}

#[test]
fn what_the_data_hold_is_filled_in() {
    let place = Place::new();
    place
        .write("data/classes.csv", &table(300, |row| ["yes", "no"][(row % 2) as usize].to_owned()));
    place.write("data/numbers.csv", &table(300, |row| (f64::from(row) * 0.37).sin().to_string()));
    std::fs::create_dir(place.path("configs")).unwrap();
    for (data, template, task) in [
        ("data/classes.csv", "classification", "task = \"classification\""),
        ("data/numbers.csv", "regression", "task = \"regression\""),
    ] {
        let file = format!("configs/{template}.toml");
        let told = place.succeeds(&["init", &file, "--data", data]);
        assert!(told.contains(&format!("the template {template}")), "{told}");
        let text = std::fs::read_to_string(place.path(&file)).unwrap();
        for part in [&format!("source = \"../{data}\""), "target = \"target\"", task, "300 rows"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        let drop = text.lines().find(|line| line.starts_with("drop = ")).unwrap();
        assert!(
            drop.contains("\"id\"") && drop.contains("\"always\"") && !drop.contains("colour"),
            "{drop}"
        );
        let output = place.bnes(&["check", "--strict", "--config", &file]);
        let told = stderr(&output);
        assert!(!told.contains("drop"), "{told}");
        place.succeeds(&[
            "run",
            "--quiet",
            "--seeds",
            "1",
            "--set",
            "training.epochs=1",
            "--config",
            &file,
        ]);
    }
    // Any template takes the data.
    place.succeeds(&["init", "sweep.toml", "--template", "sweep", "--data", "data/classes.csv"]);
    place.succeeds(&["check", "--config", "sweep.toml"]);
    place.succeeds(&["init", "ci.toml", "--template", "ci", "--data", "data/classes.csv"]);
    let text = std::fs::read_to_string(place.path("ci.toml")).unwrap();
    assert!(text.contains("[data.split]\nseed = 0"), "{text}");
    let told = place.fails(2, &["init", "--template", "prechelt1998", "--data", "digits"]);
    assert!(told.contains("has data of its own"), "{told}");
    let images = place.succeeds(&["init", "-", "--data", "digits"]);
    assert!(
        images.contains("source = \"digits\"") && images.contains("hidden = [128, 128]"),
        "{images}"
    );
    assert!(place.fails(2, &["init", "--data", "nowhere.csv"]).contains("nowhere.csv"));
    assert!(!place.path("experiment.toml").exists());
}
