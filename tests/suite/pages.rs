//! Pages of the docs whose commands are run as they stand.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::common::page::{blocks, follow, page, shell};
use crate::common::{Place, stderr};

#[test]
fn results_are_managed_as_the_page_says() {
    let place = Place::new();
    let printed = follow(&place, &page("managing-results.md"));
    let count = |block: usize, told: &str| {
        assert!(printed[block].contains(told), "{told} in block {block}: {}", printed[block]);
    };
    count(0, "study: 6 arms from 6 trainings (6 trained in ");
    count(1, "study: 15 arms from 15 trainings (9 trained in ");
    count(1, "6 already done)");
    count(2, "study: 10 arms from 10 trainings (0 trained in ");
    // Renaming and going on from the folder train nothing that was there.
    count(4, "penguins: 10 arms from 10 trainings (0 trained in ");
    count(5, "penguins: 10 arms from 10 trainings (0 trained in ");
    count(5, "penguins: 12 arms from 12 trainings (2 trained in ");
    count(6, "12 trainings");
    assert!(place.path("penguins.html").is_file() && place.path("penguins.json").is_file());
}

/// The scripts of the steps of a GitHub job: what stands below `run: |`.
fn steps(yaml: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = yaml.lines().collect();
    let runs = lines.iter().enumerate().filter(|(_, line)| line.trim_start() == "run: |");
    let script = |(at, run): (usize, &&str)| {
        let within = lines[at + 1..].iter().take_while(|line| indent(line) > indent(run));
        within.map(|line| line.trim_start()).collect::<Vec<_>>().join("\n")
    };
    let scripts: Vec<String> = runs.map(script).collect();
    assert_eq!(scripts.len(), yaml.matches("run:").count(), "each script is a block: {yaml}");
    scripts
}

/// The lines of `before_script` and `script` of a GitLab job, which one shell runs.
fn script(yaml: &str) -> String {
    let mut script = String::new();
    for key in ["  before_script:\n", "  script:\n"] {
        let (_, below) = yaml.split_once(key).unwrap();
        for line in below.lines().map_while(|line| line.strip_prefix("    - ")) {
            script.extend([line, "\n"]);
        }
    }
    script
}

/// A checkout of a repository as the page has it, with its baseline.
fn checkout(page: &str) -> Place {
    let place = Place::new();
    assert!(shell(&place, "git init -q .", &BTreeMap::new()).status.success());
    let configs = blocks(page, "toml");
    place.write("ci.toml", &configs[0]);
    follow(&place, page);
    // A job begins without results.
    fs::remove_dir_all(place.path("results")).unwrap();
    place
}

/// Has the baseline say that this metric was half of what it was.
fn halve(place: &Place, metric: &str) {
    let text = fs::read_to_string(place.path("baseline.json")).unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    for arm in json["arms"].as_array_mut().unwrap() {
        for value in arm["metrics"][metric]["values"].as_array_mut().unwrap() {
            *value = (value.as_f64().unwrap() * 0.5).into();
        }
    }
    place.write("baseline.json", &json.to_string());
}

fn address() -> String {
    format!("file://{}", env!("CARGO_BIN_EXE_bnes"))
}

/// Runs the steps of a GitHub job as its runner does, each in a shell of its own, until one fails; how the last one
/// ended, and the summary.
fn github(place: &Place, steps: &[String]) -> (Option<i32>, String, String) {
    let mut path = std::env::var("PATH").unwrap();
    for name in ["path", "summary.md"] {
        place.write(name, "");
    }
    let mut last = None;
    let mut said = String::new();
    for step in steps {
        let variables = BTreeMap::from([
            ("PATH", path.clone()),
            ("BNES_URL", address()),
            ("GITHUB_PATH", place.path("path").display().to_string()),
            ("GITHUB_STEP_SUMMARY", place.path("summary.md").display().to_string()),
        ]);
        let output = shell(place, step, &variables);
        last = output.status.code();
        said = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        if last != Some(0) {
            break;
        }
        let added = fs::read_to_string(place.path("path")).unwrap();
        path = added.lines().fold(path, |path, folder| format!("{folder}:{path}"));
    }
    (last, fs::read_to_string(place.path("summary.md")).unwrap(), said)
}

#[test]
fn the_github_job_of_the_page_passes_and_fails_as_it_says() {
    let page = page("ci.md");
    let yaml = blocks(&page, "yaml");
    let (job, lenient) = (steps(&yaml[0]), steps(&yaml[1]));
    assert_eq!((job.len(), lenient.len()), (4, 1));
    let place = checkout(&page);
    let (code, summary, said) = github(&place, &job);
    assert_eq!(code, Some(0), "{said}");
    assert!(summary.starts_with("### Gates\n\n- **passed**: "), "{summary}");
    assert!(summary.contains("\n### ci (one split per seed)\n"), "{summary}");
    let xml = fs::read_to_string(place.path("gates.xml")).unwrap();
    assert!(xml.contains("tests=\"3\"") && xml.contains("failures=\"0\""), "{xml}");

    halve(&place, "test_loss");
    let (code, summary, said) = github(&place, &job);
    assert_eq!(code, Some(3), "{said}");
    assert!(summary.starts_with("### Gates\n\n- **FAILED**: change of test_loss"), "{summary}");
    let install_and = |steps: &[String]| [&job[..1], steps].concat();
    assert_eq!(github(&place, &install_and(&lenient)).0, Some(3));

    let text = fs::read_to_string(place.path("ci.toml")).unwrap();
    place.write("ci.toml", &text.replace("hidden = [16]", "hidden = [12]"));
    let (code, summary, said) = github(&place, &job);
    assert_eq!(code, Some(4), "{said}");
    assert!(summary.contains("the baseline was trained with another model.hidden"), "{summary}");
    let (code, _, said) = github(&place, &install_and(&lenient));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("::warning::a gate could not be judged"), "{said}");
}

#[test]
fn the_gitlab_job_of_the_page_passes_and_fails_as_it_says() {
    let page = page("ci.md");
    let yaml = blocks(&page, "yaml");
    let job = script(&yaml[2]);
    assert_eq!(job.lines().count(), 6, "{job}");
    let place = checkout(&page);
    let variables =
        BTreeMap::from([("PATH", std::env::var("PATH").unwrap()), ("BNES_URL", address())]);
    let output = shell(&place, &job, &variables);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown = fs::read_to_string(place.path("gates.md")).unwrap();
    assert!(shown.starts_with("### Gates\n\n- **passed**: "), "{shown}");
    halve(&place, "test_loss");
    assert_eq!(shell(&place, &job, &variables).status.code(), Some(3));
    let xml = fs::read_to_string(place.path("gates.xml")).unwrap();
    assert!(xml.contains("failures=\"1\"") && xml.contains("change of test_loss"), "{xml}");
}

#[test]
fn the_tutorial_comes_to_a_comparison_and_a_gate() {
    let place = Place::new();
    let printed = follow(&place, &page("tutorial.md"));
    let shown = |block: usize, told: &str| {
        assert!(printed[block].contains(told), "{told} in block {block}: {}", printed[block]);
    };
    // The table is the same wherever it is made.
    shown(0, "spent     input   number          0  0.06000 to 199.5, mean 96.84\n");
    shown(0, "leave out by data.drop = [\"customer\"]\n");
    shown(1, "check: no error, 0 warnings, 2 notes\n");
    shown(2, "customers: 120 arms from 60 trainings (60 trained in ");
    shown(3, "batch norm instead of no norm");
    shown(4, "patience(patience=40)");
    shown(5, "(0 trained in ");
    shown(5, "\nGates\n\npassed: test_accuracy of customers, model.norm.kind=batch");
    let json = fs::read_to_string(place.path("gates.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    let verdicts = json["gates"].as_array().unwrap().iter().map(|gate| gate["verdict"].clone());
    assert_eq!(verdicts.filter(|verdict| verdict == "failed").count(), 4, "{json}");
}
