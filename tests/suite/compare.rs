//! `bnes compare` on real trainings.

use crate::common::{Place, json, stderr};
use serde_json::{Value, json};

const SMALL: &str = r#"
name = "small"
data.source = "digits"
model.hidden = [8]
training.epochs = 4
[matrix]
"model.norm.kind" = ["none", "batch"]
"training.optimizer.lr" = [1e-2, 1]
early_stopping = [{ kind = "none" }, { kind = "patience", patience = 1, min_delta = 0.5 }]
seed = "0..3"
"#;

#[test]
fn the_same_trainings_give_the_same_bytes_and_a_float_always_looks_like_one() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let mut seen = Vec::new();
    for results in ["a", "b"] {
        place.succeeds(&["run", "--config", "small.toml", "--results", results, "--quiet"]);
        let csv = place.succeeds(&["compare", results, "--format", "csv"]);
        let file = format!("{results}.csv");
        let written = ["--format", "markdown", "--output", "report.md", "--curves", &file];
        assert_eq!(place.succeeds(&[&["compare", results], &written[..]].concat()), "");
        let markdown = std::fs::read_to_string(place.path("report.md")).unwrap();
        let curves = std::fs::read_to_string(place.path(&file)).unwrap();
        seen.push([csv, markdown, curves]);
    }
    let [csv, markdown, curves] = &seen[0];
    for (here, there) in seen[0].iter().zip(&seen[1]) {
        assert!(here == there, "{here}\n{there}");
    }
    assert!(
        markdown.starts_with(
            "### small (one split per seed)\n\ndigits: 1079 training, 359 validation and 359 test rows\n\n| model.norm.kind"
        ),
        "{markdown}"
    );
    assert!(csv.contains("\nsmall,none,0.01,none,3,0,val_loss,"), "{csv}");
    assert!(csv.contains("\nsmall,batch,1.0,patience,3,0,epochs,"), "{csv}");
    let header = "experiment,model.norm.kind,training.optimizer.lr,early_stopping,seed,epoch,split,metric,value";
    assert_eq!(curves.lines().next(), Some(header));
    assert!(curves.contains("\nsmall,none,0.01,none,0,4,test,accuracy,0."), "{curves}");
    for line in curves.lines().skip(1) {
        let value = line.rsplit(',').next().unwrap();
        assert!(value.contains(['.', 'e', 'N', 'i']), "{line}");
    }
    let with_clocks = ["compare", "a", "--curves", "clocks.csv", "--clocks"];
    place.succeeds(&with_clocks);
    let text = std::fs::read_to_string(place.path("clocks.csv")).unwrap();
    assert!(text.contains(",,elapsed_s,") && !curves.contains("elapsed_s"));
}

#[test]
fn a_line_of_characters_shows_each_arms_curve_by_the_locale_and_the_same_into_any_pipe() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    place.succeeds(&["run", "--config", "small.toml", "--quiet"]);
    let shown = |locale: &str, columns: &str| {
        let mut command = place.command(&["compare", "results"]);
        command.env("LC_ALL", locale).env("COLUMNS", columns);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let text = shown("C.UTF-8", "80");
    assert_eq!(text, shown("C.UTF-8", "200"));
    let lines = |text: &str| -> Vec<String> {
        let section = text.split("Mean val_loss by epoch\n\n").nth(1).unwrap();
        section.lines().skip(1).take(8).map(str::to_owned).collect()
    };
    // Four epochs are four characters.
    let drawn = |line: &String| line.chars().filter(|c| ('▁'..='█').contains(c)).count();
    let all = lines(&text);
    assert!(
        all.iter().filter(|line| line.contains(" none ")).all(|line| drawn(line) == 4),
        "{text}"
    );
    assert!(all.iter().any(|line| line.contains('┃')), "{text}");
    assert!(lines(&shown("C", "80")).iter().all(|line| line.is_ascii()), "{}", shown("C", "80"));
    // A curve that cannot be read takes no figure away.
    let training = place.training("results/small", "none-0.01-seed0");
    std::fs::remove_file(training.join("epochs.csv")).unwrap();
    let output = place.bnes(&["compare", "results"]);
    assert!(output.status.success());
    assert!(
        stderr(&output).contains("warning: a curve is left out: cannot read "),
        "{}",
        stderr(&output)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Differences in test_loss") && text.contains("Mean val_loss"), "{text}");
}

#[test]
fn a_folder_for_a_paper_holds_the_same_numbers_twice_the_same_bytes_and_leaves_other_files_alone() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    place.succeeds(&["run", "--config", "small.toml", "--quiet"]);
    place.write("paper/mine.tex", "mine");
    let files = ["citation.bib", "curves.svg", "methods.md", "runs.csv", "table.md", "table.tex"];
    let paper = || -> Vec<String> {
        place.succeeds(&["compare", "results", "--paper", "paper"]);
        let read = |name: &&str| std::fs::read_to_string(place.path("paper").join(name)).unwrap();
        files.iter().map(read).collect()
    };
    let first = paper();
    assert_eq!(first, paper());
    assert_eq!(std::fs::read_to_string(place.path("paper/mine.tex")).unwrap(), "mine");
    let count = std::fs::read_dir(place.path("paper")).unwrap().count();
    assert_eq!(count, files.len() + 2, "its own, the list of them, and mine.tex");
    let [citation, curves, methods, runs, markdown, latex] = &first[..] else { unreachable!() };
    assert!(citation.contains("@misc{bnes,") && methods.contains("[@bnes]"), "{citation}{methods}");
    assert!(curves.starts_with("<svg ") && curves.contains("width=\"170mm\""), "{curves}");
    assert!(
        methods.contains("with 3 seeds each (0 to 2)") && methods.contains("digits"),
        "{methods}"
    );
    assert!(latex.contains("\\toprule") && markdown.contains("Mean val_loss"), "{latex}{markdown}");
    // The mean of an arm is that of its rows.
    let json: Value =
        serde_json::from_str(&place.succeeds(&["compare", "results", "--format", "json"])).unwrap();
    let header: Vec<&str> = runs.lines().next().unwrap().split(',').collect();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    assert!(header.iter().all(|name| !name.ends_with("_s")), "{header:?}");
    for arm in json["arms"].as_array().unwrap() {
        let level = |key: &str| arm["factors"][key].to_string().trim_matches('"').to_owned();
        let keys = ["model.norm.kind", "training.optimizer.lr", "early_stopping"];
        let rows = runs.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let same = |cell: &str, level: &str| match (cell.parse::<f64>(), level.parse::<f64>()) {
            (Ok(cell), Ok(level)) => cell == level,
            _ => cell == level,
        };
        let rows = rows.filter(|row| keys.iter().all(|key| same(row[at(key)], &level(key))));
        let found: Vec<Value> = rows
            .map(|row| row[at("test_loss")].parse::<f64>().map_or(Value::Null, Value::from))
            .collect();
        assert_eq!(Value::from(found), arm["metrics"]["test_loss"]["values"], "{}", arm["factors"]);
    }
    // What is not a folder, lies in results or was changed by hand is refused and stays.
    place.write("file", "text");
    assert!(place.fails(2, &["compare", "results", "--paper", "file"]).contains("is no folder"));
    let told = place.fails(2, &["compare", "results", "--paper", "results/small/paper"]);
    assert!(told.contains("lies in the results"), "{told}");
    place.write("paper/methods.md", "my words");
    let told = place.fails(2, &["compare", "results", "--paper", "paper"]);
    assert!(told.contains("methods.md is not as"), "{told}");
    assert_eq!(std::fs::read_to_string(place.path("paper/methods.md")).unwrap(), "my words");
}

#[test]
fn an_arm_all_of_whose_seeds_diverged_has_every_metric_as_null() {
    let place = Place::new();
    let config = "data.source = \"digits\"\nmodel.hidden = [8]\n\
                  early_stopping.kind = \"patience\"\n[training]\nepochs = 3\n\
                  optimizer = { kind = \"sgd\", lr = 1e35 }\n[matrix]\nseed = \"0..2\"\n";
    for (name, test) in [("with", "true"), ("without", "false")] {
        let config = format!("evaluation.test = {test}\n{config}");
        place.write(&format!("{name}.toml"), &config);
        let run = ["run", "--config", &format!("{name}.toml"), "--quiet"];
        place.succeeds(&run);
        let record = json(&place.training(&format!("results/{name}"), "seed0").join("run.json"));
        assert_eq!(record["arms"][0]["weights"], Value::Null);
        let lives = config.replace("1e35", "0.01").replace("epochs = 3", "epochs = 1");
        place.write("lives.toml", &format!("name = \"{name}-lives\"\n{lives}"));
        place.succeeds(&["run", "--config", "lives.toml", "--quiet"]);
        let lives = place.training(&format!("results/{name}-lives"), "seed0").join("run.json");
        let keys = |record: &Value| {
            let metrics = record["arms"][0]["metrics"].as_object().unwrap();
            metrics.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(&record), keys(&json(&lives)));

        let results = format!("results/{name}");
        let compared = place.succeeds(&["compare", &results, "--format", "json"]);
        let compared: Value = serde_json::from_str(&compared).unwrap();
        for metric in ["test_loss", "val_loss", "test_accuracy"] {
            let values = &compared["arms"][0]["metrics"][metric]["values"];
            assert_eq!(values, &json!([null, null]), "{metric}");
        }
        assert_eq!(compared["experiments"][0]["metric"], "test_loss");
        // What is read again from the curve of a training that kept weights has the same metrics.
        let none = config.replace("patience", "none");
        for (rule, config) in [("none", &none), ("patience", &config)] {
            place.write(&format!("{name}.toml"), config);
            place.succeeds(&[&run[..], &["--results", "again"]].concat());
            let again = place.training(&format!("again/{name}"), "seed0").join("run.json");
            assert_eq!(json(&again)["arms"][0]["rule"]["kind"], rule);
            assert_eq!(keys(&json(&again)), keys(&record), "{rule}");
        }
    }
}

#[test]
fn a_rule_that_is_added_once_the_curves_are_there_is_exploratory() {
    let place = Place::new();
    let config = "name = \"late\"\ndata.source = \"digits\"\nmodel.hidden = [4]\n\
                  training.epochs = 4\n[matrix]\nseed = \"0..2\"\n";
    let two = |settings: &str| {
        let slope = format!("{{ kind = \"slope\", window = 3, {settings} }}");
        format!("{config}early_stopping = [{{ kind = \"none\" }}, {slope}]\n")
    };
    place.write("late.toml", config);
    place.succeeds(&["run", "--config", "late.toml"]);
    let warning = "the rule slope was added after the trainings could be seen";
    let compared = || place.succeeds(&["compare", "results"]).replace("\n  ", " ");
    assert!(!compared().contains(warning));
    // Read from the same trainings, and from those trained again for the weights that it keeps.
    for (settings, trained) in [("min_slope = 0, restore_best = false", 0), ("min_slope = 9", 2)] {
        place.write("late.toml", &two(settings));
        let said = place.succeeds(&["run", "--config", "late.toml"]);
        assert!(said.contains(&format!("({trained} trained in")), "{said}");
        assert!(compared().contains(warning), "{settings}: {}", compared());
    }
    // On new seeds it was there from the start.
    place.succeeds(&["run", "--config", "late.toml", "--set", "matrix.seed=[7, 8]"]);
    assert!(!compared().contains("exploratory"), "{}", compared());
}

#[test]
fn running_statistics_that_lag_are_warned_of_before_and_after_and_measured_ones_are_not() {
    let place = Place::new();
    let config = "data.source = \"digits\"\nmodel.hidden = [8]\n\
                  training = { epochs = 12, batch_size = \"full\" }\n\
                  matrix = { \"model.norm.kind\" = [\"none\", \"batch\"], seed = \"0..3\" }\n";
    place.write("lag.toml", config);
    let warnings = |results: &str, set: &[&str]| -> (String, Vec<String>) {
        let told = stderr(&place.bnes(&[&["check", "--config", "lag.toml"], set].concat()));
        let run = ["run", "--config", "lag.toml", "--results", results, "--quiet"];
        place.succeeds(&[&run, set].concat());
        let compared = place.succeeds(&["compare", results, "--format", "json"]);
        let compared: Value = serde_json::from_str(&compared).unwrap();
        let texts = compared["warnings"].as_array().unwrap().iter();
        (told, texts.map(|text| text.as_str().unwrap().to_owned()).collect())
    };
    let remedy = "model.norm.statistics = \"recalibrate\"";
    let (check, compare) = warnings("ema", &["--set", "model.norm.statistics=ema"]);
    assert!(check.contains("still weigh 28 % after 12 epochs of 1 step"), "{check}");
    let told = "model.norm.kind=batch was evaluated by running statistics that had not settled";
    let of_lag = compare.iter().find(|text| text.contains(told)).expect("a warning");
    assert!(of_lag.contains("up to 28 %") && of_lag.contains(remedy), "{of_lag}");
    assert!(check.contains(remedy), "{check}");
    let (check, compare) = warnings("measured", &[]);
    assert!(!check.contains("still weigh"), "{check}");
    assert!(!compare.iter().any(|text| text.contains("settled")), "{compare:?}");
}
