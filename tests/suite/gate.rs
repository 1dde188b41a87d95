//! Gates as continuous integration meets them, on the command line and in configs: exit codes and what is said.

use serde_json::Value;

use crate::common::{Place, stderr};

const CONFIG: &str = "[data]\nsource = \"penguins\"\n[model]\nhidden = [8]\n[training]\nepochs = 8\n\
                      [matrix]\n\"model.norm.kind\" = [\"none\", \"batch\"]\nseed = \"0..4\"\n";

fn trained() -> Place {
    let place = Place::new();
    place.write("penguins.toml", CONFIG);
    place.succeeds(&["run", "--config", "penguins.toml", "--quiet"]);
    place
}

#[test]
fn a_gate_ends_with_0_3_or_4_and_says_figure_interval_limit_and_n() {
    let place = trained();
    let gate = |rule: &str, code: i32| {
        let output = place.bnes(&["compare", "results", "--gate", rule]);
        let said = crate::common::stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{rule}: {said}");
        assert!(output.stdout.starts_with(b"penguins"), "the comparison is printed all the same");
        said
    };
    gate("metric = \"test_loss\", max = 100.0", 0);
    let said =
        gate("metric = \"test_loss\", where = { \"model.norm.kind\" = \"batch\" }, max = 1e-6", 3);
    for what in [
        "gate FAILED: test_loss of penguins, model.norm.kind=batch: ",
        "(95 % interval ",
        ", n = 4), limit max 0.000001000",
    ] {
        assert!(said.contains(what), "{said}");
    }
    gate("metric = \"test_loss\", baseline = \"results\", max_increase = 0.02", 0);
    let said =
        gate("metric = \"test_loss\", where = { \"model.norm.kind\" = \"layer\" }, max = 1.0", 4);
    assert!(
        said.contains(
            "gate not judged: test_loss: `model.norm.kind` has no level `layer`: the levels are none, batch"
        ),
        "{said}"
    );
    // A gate that failed weighs more than one that could not be judged.
    let both = [
        "compare",
        "results",
        "--gate",
        "metric = \"nothing\", max = 1.0",
        "--gate",
        "metric = \"test_loss\", max = 1e-6",
    ];
    assert_eq!(place.bnes(&both).status.code(), Some(3));
}

#[test]
fn a_gate_that_is_asked_wrongly_is_a_usage_error() {
    let place = trained();
    for (rule, said) in [
        ("metric = \"test_loss\"", "a gate needs a limit"),
        ("metric = \"test_loss\", maximum = 1.0", "unknown key `maximum`"),
        ("max = 1.0", "`metric` is missing"),
    ] {
        let message = place.fails(2, &["compare", "results", "--gate", rule]);
        assert!(message.contains(said), "{message}");
    }
    let rule = "metric = \"test_loss\", baseline = \"nowhere\", max_increase = 0.1";
    assert!(place.fails(1, &["compare", "results", "--gate", rule]).contains("nowhere"));
    let rule = "metric = \"test_loss\", max_increase = 0.1";
    let message = place.fails(2, &["compare", "results", "--gate", rule]);
    assert!(message.contains("need a `baseline`") && message.contains("--baseline"), "{message}");
    for option in [&["--strict"][..], &["--junit", "gates.xml"]] {
        let message = place.fails(2, &[&["compare", "results"], option].concat());
        assert!(message.contains(option[0]) && message.contains("there are none"), "{message}");
    }
    assert!(!place.path("gates.xml").exists());
}

const GATES: &str = r#"
[[gate]]
metric = "test_loss"
max = 100.0

[[gate]]
metric = "test_loss"
where = { "model.norm.kind" = "batch" }
max = 1e-6
"#;

#[test]
fn gates_of_a_config_are_judged_with_its_results_and_are_no_part_of_its_trainings() {
    let place = trained();
    let records = || -> Vec<Vec<u8>> {
        let dirs = place.trainings("results/penguins");
        dirs.iter().map(|dir| std::fs::read(dir.join("run.json")).unwrap()).collect()
    };
    let before = records();
    place.write("penguins.toml", &format!("{CONFIG}{GATES}"));
    let told = place.succeeds(&["run", "--config", "penguins.toml", "--quiet"]);
    assert!(told.contains("8 already done"), "{told}");
    assert_eq!(records(), before);

    let output = place.bnes(&["compare", "results"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    let (_, gates) = shown.split_once("\nGates\n\n").unwrap();
    assert!(gates.starts_with("FAILED: test_loss of penguins, model.norm.kind=batch: "), "{gates}");
    assert_eq!(gates.matches("\npassed: test_loss of penguins, ").count(), 2, "{gates}");
    // Those of the command line come beside them, and one training is no experiment.
    let more = ["--gate", "metric = \"nothing\", max = 1.0", "--format", "json"];
    let output = place.bnes(&[&["compare", "results"], &more[..]].concat());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdicts: Vec<&str> = json["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["passed", "passed", "failed", "not judged"]);
    let training = place.trainings("results/penguins")[0].display().to_string();
    place.succeeds(&["compare", &training]);

    let checked = place.succeeds(&["check", "--config", "penguins.toml"]);
    let tables = "[[gate]]\nmetric = \"test_loss\"\nmax = 100.0\n\n[[gate]]\nmetric = \"test_loss\"\n\
                  where = { \"model.norm.kind\" = \"batch\" }\nmax = 1e-6\n";
    assert!(checked.contains(tables), "{checked}");
    let set = ["--set", "gate=[{ metric = \"test_loss\", max = 50.0 }]"];
    place.succeeds(&[&["run", "--config", "penguins.toml", "--quiet"], &set[..]].concat());
    place.succeeds(&["compare", "results"]);
}

#[test]
fn a_gate_of_a_config_that_is_asked_wrongly_is_shown_at_its_place() {
    let place = Place::new();
    for (gate, line, column, said) in [
        ("[[gate]]\nmetric = \"test_loss\"\n", 10, 1, "`gate`: a gate needs a limit"),
        ("[gate]\nmetric = \"test_loss\"\nmax = 1\n", 10, 2, "write it as [[gate]]"),
        ("[[gate]]\nmetric = \"a\"\nmax = \"1\"\n", 12, 7, "`gate.max`: expected"),
        ("[[gate]]\nmetric = \"a\"\nmaximum = 1\n", 12, 1, "unknown key `maximum` in [gate]"),
        ("[[gate]]\nmax = 1\n", 10, 1, "the key `metric` is missing in [gate]"),
        (
            "[[gate]]\nmetric = \"a\"\nwhere = { \"model.norm.knd\" = \"batch\" }\nmax = 1\n",
            12,
            11,
            "did you mean `model.norm.kind`?",
        ),
    ] {
        place.write("wrong.toml", &format!("{CONFIG}{gate}"));
        let message = place.fails(2, &["check", "--config", "wrong.toml"]);
        assert!(message.contains(said), "{said} in {message}");
        assert!(message.contains(&format!("wrong.toml:{line}:{column}\n")), "{message}");
    }
    place.write("wrong.toml", CONFIG);
    let varied = ["--set", "matrix.gate=[1, 2]"];
    let message = place.fails(2, &[&["check", "--config", "wrong.toml"], &varied[..]].concat());
    assert!(message.contains("`gate`"), "{message}");
}

#[test]
fn a_baseline_is_a_file_that_can_be_kept_and_one_of_other_data_or_settings_is_not_judged() {
    let place = trained();
    place.succeeds(&["compare", "results", "--format", "json", "--output", "baseline.json"]);
    let rule = ["--gate", "metric = \"test_loss\", max_increase = 0.02"];
    let against = |results: &str, code: i32| {
        let args = [&["compare", results, "--baseline", "baseline.json"], &rule[..]].concat();
        let output = place.bnes(&args);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        stderr(&output)
    };
    let same = against("results", 0);
    assert!(
        same.contains("gate passed: change of test_loss of penguins, model.norm.kind=none"),
        "{same}"
    );
    // A worse network, by the settings that are not part of the question, is another question.
    let run = |results: &str, set: &[&str]| {
        let mut args = vec!["run", "--config", "penguins.toml", "--quiet", "--results", results];
        args.extend(set.iter().flat_map(|set| ["--set", set]));
        place.succeeds(&args);
    };
    run("shorter", &["training.epochs=2"]);
    let told = against("shorter", 4);
    assert!(told.contains("the baseline was trained with another training.epochs"), "{told}");
    run("other split", &["data.split.test=0.3"]);
    assert!(against("other split", 4).contains("with another data.split.test"));
    run("other data", &["data.drop=[\"island\"]", "name=penguins"]);
    assert_eq!(against("other data", 4).matches("gate not judged").count(), 2);

    // The same arms, worse than they were.
    let text = std::fs::read_to_string(place.path("baseline.json")).unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    for arm in json["arms"].as_array_mut().unwrap() {
        for value in arm["metrics"]["test_loss"]["values"].as_array_mut().unwrap() {
            *value = (value.as_f64().unwrap() * 0.5).into();
        }
    }
    place.write("baseline.json", &json.to_string());
    let told = against("results", 3);
    assert!(told.contains("gate FAILED: change of test_loss of penguins"), "{told}");
    // By its directory, a config names it from where it lies.
    let gate = "[[gate]]\nmetric = \"test_loss\"\nbaseline = \"baseline.json\"\nmax_rise = 100.0\n";
    place.write("penguins.toml", &format!("{CONFIG}{gate}"));
    place.succeeds(&["run", "--config", "penguins.toml", "--quiet"]);
    place.succeeds(&["compare", "results"]);
    std::fs::remove_file(place.path("baseline.json")).unwrap();
    let told = place.fails(4, &["compare", "results"]);
    assert!(told.contains("the baseline cannot be read: "), "{told}");
}

#[test]
fn a_file_that_is_no_baseline_is_refused_with_what_was_expected() {
    let place = trained();
    let rule = ["--gate", "metric = \"test_loss\", max_increase = 0.02", "--baseline", "b.json"];
    let args = [&["compare", "results"], &rule[..]].concat();
    assert!(place.fails(1, &args).contains("the baseline b.json cannot be read"));
    let json = place.succeeds(&["compare", "results", "--format", "json"]);
    let mut json: Value = serde_json::from_str(&json).unwrap();
    json["experiments"][0].as_object_mut().unwrap().remove("setting");
    for (text, said) in [
        ("{}".to_owned(), "missing field `arms`"),
        ("{\"arms\":\n 2}".to_owned(), "line 2"),
        (json.to_string(), "missing field `setting`"),
    ] {
        place.write("b.json", &text);
        let message = place.fails(1, &args);
        let expected = "b.json is no baseline: expected what `bnes compare --format json`";
        assert!(message.contains(expected) && message.contains(said), "{message}");
    }
    place.write("b.json", &place.succeeds(&["compare", "results", "--format", "json"]));
    let unused = ["--gate", "metric = \"test_loss\", max = 100.0", "--baseline", "b.json"];
    let output = place.bnes(&[&["compare", "results"], &unused[..]].concat());
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("warning: no gate is held against --baseline"));
}

#[test]
fn gates_are_in_every_format_that_people_and_programs_read() {
    let place = trained();
    let rules = [
        "--gate",
        "metric = \"test_loss\", where = { \"model.norm.kind\" = \"none\" }, max = 100.0",
        "--gate",
        "metric = \"test_accuracy\", where = { \"model.norm.kind\" = \"none\" }, min = 1.5",
        "--gate",
        "metric = \"test_f3\", min = 0.5",
        "--junit",
        "gates.xml",
    ];
    let shown = |format: &str| {
        let output =
            place.bnes(&[&["compare", "results", "--format", format], &rules[..]].concat());
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let told = stderr(&output);
        for verdict in ["gate passed: ", "gate FAILED: ", "gate not judged: no arm has the metric"]
        {
            assert!(told.contains(verdict), "{told}");
        }
        String::from_utf8(output.stdout).unwrap()
    };
    let table = shown("table");
    for line in ["\nFAILED: test_accuracy", "\nnot judged: no arm", "\npassed: test_loss"] {
        assert!(table.contains(line), "{table}");
    }
    let markdown = shown("markdown");
    let first = "### Gates\n\n- **FAILED**: test_accuracy of penguins, model.norm.kind=none: ";
    assert!(markdown.starts_with(first), "{markdown}");
    assert!(markdown.contains("\n- **not judged**: no arm has the metric `test_f3`"), "{markdown}");
    assert!(shown("latex").contains("\n% gate FAILED: test_accuracy of penguins"));
    assert_eq!(shown("csv"), place.succeeds(&["compare", "results", "--format", "csv"]));
    let json: Value = serde_json::from_str(&shown("json")).unwrap();
    let gate = &json["gates"][1];
    assert_eq!(gate["name"], "test_accuracy of penguins, model.norm.kind=none, min 1.500");
    assert_eq!((gate["verdict"].as_str(), gate["n"].as_u64()), (Some("failed"), Some(4)));
    assert_eq!(gate["limits"]["min"], 1.5);
    assert!(gate["reason"].is_null() && json["gates"][2]["reason"].is_string(), "{json}");

    let xml = std::fs::read_to_string(place.path("gates.xml")).unwrap();
    for part in [
        "tests=\"3\"",
        "skipped=\"1\"",
        "failures=\"1\"",
        "<testcase name=\"test_accuracy of penguins, model.norm.kind=none, min 1.500\" classname=\"penguins\"",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    // No other file is written over, and none is left half written.
    let same = ["--output", "gates.xml"];
    let message = place.fails(2, &[&["compare", "results"], &rules[..], &same].concat());
    assert!(message.contains("both name gates.xml"), "{message}");
    let taken = ["--gate", "metric = \"test_loss\", max = 1.0", "--junit", "penguins.toml"];
    let message = place.fails(2, &[&["compare", "results"], &taken[..]].concat());
    assert!(message.contains("which is a config"), "{message}");
}
