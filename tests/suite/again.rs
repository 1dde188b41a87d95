//! `bnes run --again`: an experiment by the config that lies with its results.

use crate::common::{Place, bytes, json};

const CONFIG: &str = "[data]\nsource = \"rows.csv\"\n[model]\nhidden = [4]\n[training]\nepochs = 3\n\
                      [matrix]\n\"model.norm.kind\" = [\"none\", \"batch\"]\nseed = \"0..2\"\n";

/// A project with its config and data in a folder of their own.
fn project() -> Place {
    let place = Place::new();
    let row = |row: u32| {
        let level = if row.is_multiple_of(3) { "yes" } else { "no" };
        format!("{row}.5,{},{level}", (row * 7) % 11)
    };
    let rows: Vec<String> = std::iter::once("a,b,y".to_owned()).chain((0..60).map(row)).collect();
    place.write("study/rows.csv", &rows.join("\n"));
    place.write("study/rows.toml", CONFIG);
    place
}

#[test]
fn the_saved_config_runs_again_with_its_data_and_overrides_into_the_same_folder() {
    let place = project();
    let set = ["--set", "training.epochs=4", "--seeds", "3", "--quiet"];
    place.succeeds(&[&["run", "--config", "study/rows.toml"], &set[..]].concat());
    let (before, plan) =
        (bytes(&place, "results/rows"), place.path("results/rows/experiment.json"));
    let planned = json(&plan);
    // Only the data is still where it was.
    std::fs::remove_file(place.path("study/rows.toml")).unwrap();
    let told = place.succeeds(&["run", "--again", "results/rows", "--quiet"]);
    assert!(told.contains("rows: 6 arms from 6 trainings (0 trained in "), "{told}");
    assert_eq!((bytes(&place, "results/rows"), json(&plan)), (before.clone(), planned.clone()));

    let lost = place.trainings("results/rows")[0].clone();
    std::fs::remove_dir_all(&lost).unwrap();
    let told = place.succeeds(&["run", "--again", "results/rows/", "--quiet"]);
    assert!(told.contains("(1 trained in ") && told.contains(", 5 already done)"), "{told}");
    assert_eq!(bytes(&place, "results/rows"), before, "the same bytes");

    let told = place.succeeds(&["run", "--again", "results/rows", "--seeds", "4", "--quiet"]);
    assert!(told.contains("8 trainings (2 trained in "), "{told}");
    let overrides = &json(&plan)["overrides"];
    assert_eq!(overrides["seeds"], 4);
    assert_eq!(overrides["set"], planned["overrides"]["set"]);
    assert_eq!(json(&plan)["source"], planned["source"]);
}

#[test]
fn an_experiment_goes_by_the_name_of_its_folder_from_wherever_it_is_called() {
    let place = project();
    place.succeeds(&["run", "--config", "study/rows.toml", "--quiet"]);
    std::fs::rename(place.path("results/rows"), place.path("results/other")).unwrap();
    let mut command = place.command(&["run", "--again", ".", "--quiet"]);
    let output = command.current_dir(place.path("results/other")).output().unwrap();
    assert!(output.status.success(), "{}", crate::common::stderr(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("other: 4 arms from 4 trainings (0 trained in "), "{told}");
    assert_eq!(json(&place.path("results/other/experiment.json"))["name"], "other");
    assert!(!place.path("results/rows").exists() && !place.path("results/other/results").exists());
}

#[test]
fn what_is_no_experiment_is_told_from_one() {
    let place = project();
    place.succeeds(&["run", "--config", "study/rows.toml", "--quiet"]);
    let training = place.trainings("results/rows")[0].display().to_string();
    for (dir, said) in [
        ("nowhere", "there is no such folder"),
        ("study", "it has no experiment.json"),
        ("results", "it holds 1 experiment: name one, such as results/rows"),
        (training.as_str(), "it is a training's: name the folder of its experiment"),
    ] {
        let message = place.fails(2, &["run", "--again", dir]);
        assert!(message.contains(said), "{message}");
    }
    let both = ["run", "--again", "results/rows", "--config", "study/rows.toml"];
    assert!(place.fails(2, &both).contains("cannot be used with"));
    place.write("results/rows/experiment.json", "{");
    assert!(place.fails(1, &["run", "--again", "results/rows"]).contains("give the config itself"));
}
