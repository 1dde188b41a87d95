//! `bnes check` as people meet it: nothing is trained, nothing is written.

use crate::common::{Place, stderr};
use serde_json::Value;

const DOUBTFUL: &str = r#"
[data]
source = "digits"
[data.split]
validation = 0.01
[model]
hidden = [16]
[training]
epochs = 10
[matrix]
"model.norm.kind" = ["none", "batch"]
early_stopping = [{ kind = "none" }, { kind = "patience", min_delta = 1e-12 }]
seed = "0..3"
"#;

fn check(place: &Place, args: &[&str]) -> Value {
    let out = place.succeeds(&[&["check", "--format", "json"], args].concat());
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_plan_is_printed_and_findings_do_not_fail() {
    let place = Place::new();
    place.write("doubtful.toml", DOUBTFUL);
    let output = place.bnes(&["check", "--config", "doubtful.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    for part in [
        "name = \"doubtful\"  # from the file's name",
        "batch_size = 32         # default",
        "loss = \"cross_entropy\"  # inferred",
        "inputs: 64 pixels of 8 x 8 images",
        "doubtful: 12 arms from 6 trainings (3 seeds)",
        "time: ",
        "check: no error, 3 warnings, 3 notes",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    let told = stderr(&output);
    for part in [
        "warning: the rule `patience` can never fire: it would at epoch 11 at the earliest",
        "  --> doubtful.toml:12:38",
        "warning: `min_delta` is 1e-12, below the noise of 32-bit floats",
        "warning: the validation split has 18 rows",
        "note: in the cell model.norm.kind = \"none\", early_stopping = \"patience\"",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    assert!(out.lines().chain(told.lines()).all(|line| line.chars().count() < 120));
    assert_eq!(std::fs::read_dir(place.path(".")).unwrap().count(), 1, "nothing is written");
}

#[test]
fn the_config_printed_is_the_experiment() {
    let place = Place::new();
    place.write("doubtful.toml", DOUBTFUL);
    let first = check(&place, &["--config", "doubtful.toml"]);
    place.write("whole.toml", first["config"].as_str().unwrap());
    let second = check(&place, &["--config", "whole.toml"]);
    for key in ["name", "config", "trainings", "seeds", "arm_count", "steps"] {
        let plain = |json: &Value| json[key].to_string().replace("  # default", "");
        if key != "config" {
            assert_eq!(plain(&first), plain(&second), "{key}");
        }
    }
    let again = second["config"].as_str().unwrap();
    assert!(!again.contains("# default"), "{again}");
}

#[test]
fn programs_get_findings_with_their_places() {
    let place = Place::new();
    place.write("doubtful.toml", DOUBTFUL);
    let json = check(&place, &["--config", "doubtful.toml", "--seeds", "6"]);
    let finding = &json["findings"][0];
    assert_eq!(finding["level"], "warning");
    assert_eq!((&finding["file"], &finding["line"]), (&"doubtful.toml".into(), &12.into()));
    assert_eq!(json["training_count"], 12);
    assert!(json["estimate"]["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_refused_config_ends_with_exit_code_2() {
    let place = Place::new();
    place.write("typo.toml", "[data]\nsource = \"digits\"\n[training]\nepocs = 3\n");
    let message = place.fails(2, &["check", "--config", "typo.toml"]);
    assert!(message.contains("typo.toml:4:1") && message.contains("`epochs`"), "{message}");
    place.write("sub/typo.toml", "data.source = \"digits\"\n[training]\nepocs = 3\n");
    let message = place.fails(2, &["check", "--config", "sub/typo.toml"]);
    assert!(message.contains("--> sub/typo.toml:3:1\n"), "{message}");
    let message = place.fails(2, &["check", "--set", "data.source=nowhere.csv"]);
    assert!(message.contains("nowhere.csv"), "{message}");
}

#[test]
fn a_run_warns_and_goes_on_unless_it_is_quiet() {
    let place = Place::new();
    place.write("doubtful.toml", DOUBTFUL);
    let args = ["run", "--config", "doubtful.toml", "--seeds", "1"];
    let output = place.bnes(&args);
    assert!(output.status.success());
    let told = stderr(&output);
    assert!(told.contains("warning: the rule `patience` can never fire"), "{told}");
    assert!(!told.contains("note: all levels"), "{told}");
    let quiet = place.bnes(&[&args[..], &["--quiet"]].concat());
    assert_eq!(stderr(&quiet), "");
}

#[test]
fn the_built_in_experiment_has_nothing_to_warn_of() {
    let json = check(&Place::new(), &[]);
    let findings = json["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["level"] == "note"), "{findings:#?}");
    assert_eq!(json["arm_count"], 40);
}

/// Lines of a config with what each is refused for, whatever else is wrong.
const WRONG: [(&str, &str); 14] = [
    ("nmae = \"x\"", "unknown key `nmae`"),
    (
        "data.source = \"digits\"\ndata.standardize = 1",
        "`data.standardize`: expected true or false, found 1",
    ),
    (
        "data.split.validation = 1.5",
        "`data.split.validation`: 1.5 is out of range: expected a number of at least 0 and below 1",
    ),
    (
        "data.split.seed = nan",
        "`data.split.seed`: this is not a finite number: expected one, such as 0.01",
    ),
    (
        "model.hidden = [64, \"a\"]",
        "`model.hidden`: expected a whole number of at least 0, found the string \"a\"",
    ),
    ("model.norm.kind = \"bacth\"", "`model.norm.kind`: unknown value `bacth`"),
    ("model.norm.momentun = 0.1", "unknown key `momentun` in [model.norm]"),
    (
        "training.epochs = 0",
        "`training.epochs`: 0 is out of range: expected a whole number of at least 1",
    ),
    ("early_stopping.kind = \"patince\"", "`early_stopping.kind`: unknown value `patince`"),
    ("early_stopping.monitr = \"x\"", "unknown key `monitr` in [early_stopping]"),
    (
        "matrix.\"model.dropout\" = [0.1, 2.0]",
        "`model.dropout`: 2 is out of range: expected a number of at least 0 and below 1",
    ),
    ("matrix.\"training.lr\" = [1, 2]", "unknown key `lr` in [training]"),
    ("matrix.name = [\"a\"]", "`name` cannot be varied: `name` is of the whole experiment"),
    ("matrix.seed = \"10..0\"", "`seed`: there is no number in 10..0"),
];

/// Messages of all errors of a config, with their lines.
fn errors(place: &Place, text: &str, args: &[&str]) -> Vec<(String, u64)> {
    place.write("wrong.toml", text);
    let args = [&["check", "--config", "wrong.toml", "--format", "json"], args].concat();
    let output = place.bnes(&args);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(2), ""), "{text}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = json["errors"].as_array().unwrap().iter();
    all.map(|error| {
        let message = error["message"].as_str().unwrap().to_owned();
        (message, error["line"].as_u64().unwrap())
    })
    .collect()
}

#[test]
fn every_error_of_a_config_is_named_whatever_else_is_wrong() {
    let place = Place::new();
    let mut line = 1;
    let mut expected = Vec::new();
    for (text, message) in WRONG {
        line += text.matches('\n').count() as u64;
        expected.push((message.to_owned(), line));
        line += 1;
    }
    let text: Vec<&str> = WRONG.iter().map(|(text, _)| *text).collect();
    let text = text.join("\n");
    assert_eq!(errors(&place, &text, &[]), expected);
    // Of any two lines both are named, in their order.
    for (index, (first, first_message)) in WRONG.iter().enumerate() {
        for (second, second_message) in &WRONG[index + 1..] {
            let data = if index == 1 { "" } else { "data.source = \"digits\"\n" };
            let own = |text: &str| text.replace("data.source = \"digits\"\n", "");
            let text = format!(
                "{data}{}\n{}\n",
                if index == 1 { (*first).to_owned() } else { own(first) },
                own(second)
            );
            let messages: Vec<String> =
                errors(&place, &text, &[]).into_iter().map(|(m, _)| m).collect();
            assert_eq!(messages, [*first_message, *second_message], "{text}");
        }
    }
}

#[test]
fn what_only_follows_from_an_error_is_no_error() {
    let place = Place::new();
    for (text, expected) in [
        // A key that is missing because it is misspelt, or because its value is no good.
        ("[data]\nsorce = \"digits\"", vec![("unknown key `sorce` in [data]", 2)]),
        ("[data]\nsource = 3", vec![("`data.source`: expected a string, found 3", 2)]),
        ("[dta]\nsource = \"digits\"", vec![("unknown key `dta`", 1)]),
        // One that nobody wrote is missing all the same.
        ("sed = 1", vec![("the key `data` is missing", 1), ("unknown key `sed`", 1)]),
        // Two rules of unknown kinds are not equal levels.
        (
            "data.source = \"digits\"\n[matrix]\nearly_stopping = [{ kind = \"non\" }, { kind = \"nne\" }]",
            vec![
                ("`early_stopping.kind`: unknown value `non`", 3),
                ("`early_stopping.kind`: unknown value `nne`", 3),
            ],
        ),
        // A warm-up is not too long for epochs that cannot be read.
        (
            "data.source = \"digits\"\ntraining.epochs = \"x\"\ntraining.schedule.warmup_epochs = 500",
            vec![(
                "`training.epochs`: expected a whole number of at least 0, found the string \"x\"",
                2,
            )],
        ),
        // Of what is wrong with several keys together, all is told.
        (
            "data.source = \"digits\"\ntraining.schedule.warmup_epochs = 500\n\
             training.optimizer = { kind = \"sgd\", nesterov = true }",
            vec![
                ("the warm-up of 500 epochs does not end within the 100 of `training.epochs`", 2),
                ("`training.optimizer.nesterov` needs a `momentum` above 0", 3),
            ],
        ),
    ] {
        let expected: Vec<(String, u64)> =
            expected.into_iter().map(|(message, line)| (message.to_owned(), line)).collect();
        assert_eq!(errors(&place, text, &[]), expected, "{text}");
    }
}

#[test]
fn errors_are_shown_one_after_the_other_by_every_command_that_reads_a_config() {
    let place = Place::new();
    place.write("a.toml", "data.source = \"digits\"\ntraining.epocs = 3\nmodel.hiden = []\n");
    for command in ["check", "run"] {
        let told = place.fails(2, &[command, "--config", "a.toml", "--set", "sede=1"]);
        let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text} in\n{told}"));
        assert!(at("--> a.toml:2:10") < at("--> a.toml:3:7"), "{told}");
        assert!(at("--> a.toml:3:7") < at("--> --set sede=1:1"), "{told}");
        assert!(told.ends_with("\n\n3 errors\n"), "{told}");
    }
    // JSON that is none stops alone, and errors of the data are told to programs, too.
    place.write("b.json", "{ \"data\": 1, }");
    assert!(!place.fails(2, &["check", "--config", "b.json"]).contains("errors"));
    let output = place.bnes(&["check", "--format", "json", "--set", "data.target=nothing"]);
    assert_eq!(output.status.code(), Some(2));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["errors"][0]["file"], "--set", "{json:#}");
}
