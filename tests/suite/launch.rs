//! Trainings handed over: as commands for whatever runs them, as arrays for a Slurm that is played by scripts.
//! `tests/slurm/run` has a real one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use serde_json::{Value, json as value};

use crate::common::bad::says;
use crate::common::broken::{
    LONG, SMALL, all_of, assert_tidy, files, is_checkpoint, signal, start, undisturbed, wait_for,
};
use crate::common::{Place, json, stderr};

/// A folder whose name would run something, wherever it is not quoted.
const HOSTILE: &str = "it's \"a\" $(touch pwned) `touch pwned`; touch pwned & | -x %a *";

fn small() -> Place {
    let place = Place::new();
    place.write("config.toml", SMALL);
    place
}

/// The commands of the list.
fn list(place: &Place, args: &[&str]) -> Vec<String> {
    let args = [&["run", "--config", "config.toml", "--launcher", "list"], args].concat();
    place.succeeds(&args).lines().map(str::to_owned).collect()
}

fn shell(place: &Place, command: &str) -> Output {
    Command::new("sh").args(["-c", command]).current_dir(place.path(".")).output().unwrap()
}

fn runs(place: &Place, command: &str) {
    let output = shell(place, command);
    assert!(output.status.success(), "{command}: {}", stderr(&output));
}

/// A record of a training that an error ended.
fn fail(place: &Place, training: &str) {
    let done = place.trainings("results/small")[0].clone();
    let mut record = json(&done.join("run.json"));
    record["status"] = value!("failed");
    record["error"] = value!("the cause");
    record["arms"] = value!([]);
    let seed = training.split("seed").nth(1).and_then(|end| end.split('-').next());
    record["seed"] = value!(seed.unwrap().parse::<u64>().unwrap());
    place.write(&format!("results/small/{training}/run.json"), &record.to_string());
}

/// The trainings' names, in the experiment's order.
fn names(place: &Place) -> Vec<String> {
    let plan = place.succeeds(&["run", "--config", "config.toml", "--dry-run"]);
    plan.lines().filter_map(|line| Some(line.split_once("  ")?.0.to_owned())).collect()
}

#[test]
fn the_commands_of_a_list_come_to_what_a_local_run_comes_to_whatever_folders_are_called() {
    let (_, expected) = undisturbed(SMALL);
    let place = small();
    let results = format!("{HOSTILE}/results");
    let commands = list(&place, &["--results", &results]);
    assert_eq!(commands.len(), 4);
    for command in &commands {
        runs(&place, command);
    }
    let experiment = format!("{results}/small");
    assert!(all_of(&place, &experiment) == expected);
    assert_tidy(&place, &experiment);
    assert_eq!(list(&place, &["--results", &results]), Vec::<String>::new());
    assert!(files(&place.path(".")).iter().all(|file| !file.ends_with("pwned")));
}

#[test]
fn a_list_names_what_is_missing_and_numbers_stay_as_they_are() {
    let place = small();
    let first = list(&place, &[]);
    assert_eq!(list(&place, &[]), first, "nothing happened in between");
    runs(&place, &first[1]);
    let second = list(&place, &[]);
    assert_eq!(second.len(), 3);
    assert!(second.iter().all(|command| !first.contains(command)), "{second:?}");
    // The last of the first list is still the same training.
    runs(&place, &first[3]);
    assert_eq!(list(&place, &[]).len(), 2);
    // Done already.
    runs(&place, &second[2]);
    assert_eq!(list(&place, &["--tasks-per-job", "2"]).len(), 1);
}

#[test]
fn a_task_is_that_of_the_config_as_it_was() {
    let place = small();
    let commands = list(&place, &["--set", "model.hidden=[4]"]);
    place.write("config.toml", "name = \"small\"\nthis is none any more");
    runs(&place, &commands[2]);
    let trainings = place.trainings("results/small");
    let hidden = json(&trainings[0].join("run.json"))["config"]["model"]["hidden"].clone();
    assert_eq!((trainings.len(), hidden), (1, value!([4])));
}

#[test]
fn results_that_were_moved_have_their_tasks_with_them() {
    let place = small();
    list(&place, &[]);
    fs::rename(place.path("results"), place.path("moved")).unwrap();
    place.succeeds(&["run", "--sweep", "moved/small", "--task-id", "1..3"]);
    assert_eq!(place.trainings("moved/small").len(), 2);
    assert!(!place.path("results").exists());
}

#[test]
fn one_failure_costs_no_other_training_of_a_job_and_is_told_by_the_exit_code() {
    let place = small();
    let names = names(&place);
    let commands = list(&place, &["--tasks-per-job", "4"]);
    place.write(&format!("results/small/{}", names[1]), "in the way");
    assert_eq!(shell(&place, &commands[0]).status.code(), Some(1));
    assert_eq!(place.trainings("results/small").len(), 3);
    fs::remove_file(place.path(&format!("results/small/{}", names[1]))).unwrap();
    runs(&place, &commands[0]);
    assert_eq!(place.trainings("results/small").len(), 4);
}

#[test]
fn what_failed_is_sent_again_only_if_asked_for() {
    let place = small();
    let names = names(&place);
    let commands = list(&place, &[]);
    runs(&place, &commands[0]);
    fail(&place, &names[3]);
    let args = ["run", "--config", "config.toml", "--launcher", "list"];
    let output = place.bnes(&args);
    says(&stderr(&output), &["4 trainings: 1 done, 1 failed, 2 to send", "--retry-failed"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    assert_eq!(list(&place, &["--retry-failed"]).len(), 3);
}

#[test]
fn a_task_that_is_told_that_its_time_is_up_saves_its_state_and_another_goes_on_from_there() {
    // Long enough for what is told twice.
    let longer = LONG.replace("epochs = 40", "epochs = 160");
    let (_, expected) = undisturbed(&longer);
    let place = Place::new();
    place.write("config.toml", &longer);
    list(&place, &[]);
    let task = ["run", "--sweep", "results/long", "--task-id", "0"];
    for (name, code) in [("USR1", 75), ("TERM", 143)] {
        let mut child = start(&place, &task);
        wait_for(&place, &mut child, is_checkpoint);
        std::thread::sleep(std::time::Duration::from_millis(300));
        // To the process itself and, passed on by a script, again.
        signal(&child, name);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains("1 in progress saved"), "{}", stderr(&output));
    }
    place.succeeds(&task);
    let (bytes, _) = all_of(&place, "results/long");
    assert!(bytes == expected.0);
}

#[test]
fn a_task_without_progress_does_not_ask_to_be_started_again() {
    let place = Place::new();
    place.write("config.toml", LONG);
    list(&place, &[]);
    let task = ["run", "--sweep", "results/long", "--task-id", "0"];
    let mut first = start(&place, &task);
    wait_for(&place, &mut first, is_checkpoint);
    signal(&first, "STOP");
    let mut second = place.command(&task);
    let said = place.path("said");
    let mut second = second.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    while !fs::read_to_string(&said).unwrap().contains("waiting for process") {
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(second.try_wait().unwrap().is_none());
    }
    signal(&second, "USR1");
    assert_eq!(second.wait().unwrap().code(), Some(1));
    says(&fs::read_to_string(&said).unwrap(), &["no progress", "give it more time"]);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn tunings_are_handed_over_first_and_then_what_they_chose() {
    let config = r#"
name = "tuned"
data.source = "digits"
model.hidden = [8]
training.epochs = 3
[matrix]
"model.norm.kind" = ["none", "batch"]
seed = "0..2"
[tune]
"training.optimizer.lr" = [1e-4, 1e-2]
seeds = [1000]
"#;
    let (_, expected) = undisturbed(config);
    let place = Place::new();
    place.write("config.toml", config);
    let mut rounds = Vec::new();
    loop {
        let commands = list(&place, &["--tasks-per-job", "3"]);
        if commands.is_empty() {
            break;
        }
        for command in &commands {
            runs(&place, command);
        }
        rounds.push(commands.len());
    }
    assert!(rounds.len() >= 2, "{rounds:?}");
    assert!(all_of(&place, "results/tuned") == expected);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let place = small();
    let run = |args: &[&str]| {
        let before = files(&place.path(".")).len();
        let said =
            place.fails(2, &[&["run", "--config", "config.toml", "--launcher"], args].concat());
        assert_eq!(files(&place.path(".")).len(), before, "{args:?} wrote something");
        said
    };
    for (args, part) in [
        (
            &["list", "--submit"][..],
            "--submit is not for --launcher list: it goes with --launcher slurm",
        ),
        (&["local", "--tasks-per-job", "2"], "goes with --launcher slurm or list"),
        (&["slurm", "--fresh"], "--fresh is not for --launcher slurm"),
        (&["list", "--report", "page.html"], "--report is not for --launcher list"),
        (&["slurm", "--time", "soon"], "--time soon: expected minutes"),
        (&["slurm", "--time", "2"], "--time 2: expected more than 2 minutes"),
        (&["slurm", "--mem", "much"], "--mem much: expected megabytes"),
        (&["slurm", "--sbatch", "array=0-3"], "--sbatch array=0-3: array says which tasks"),
        (&["slurm", "--sbatch", "outpu=x"], "--sbatch outpu=x: output is where"),
        (&["slurm", "--partition", "a\n#SBATCH --wrap=x"], "without line breaks"),
        (&["list", "--results", "a\nb"], "choose another place with --results"),
        (&["slurm", "--results", "a\\b"], "backslash"),
    ] {
        says(&run(args), &[part]);
    }
    let message = place.fails(2, &["run", "--sweep", "results/small", "--task-id", "0"]);
    says(&message, &["there are no tasks", "--launcher list"]);
    list(&place, &[]);
    let message = place.fails(2, &["run", "--sweep", "results/small", "--task-id", "3..9"]);
    says(&message, &["4 tasks from 0 to 3"]);
    place.fails(2, &["run", "--sweep", "results/small"]);
    place.fails(2, &["run", "--sweep", "results/small", "--task-id", "0", "--seeds", "3"]);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_gpu_that_no_machine_could_use_with_this_build_is_refused_before_anything_is_written() {
    let place = small();
    for launcher in ["list", "slurm"] {
        let args = ["run", "--config", "config.toml", "--launcher", launcher, "--device", "cuda"];
        says(&place.fails(2, &args), &["this build of bnes has no CUDA"]);
        assert!(!place.path("results").exists());
    }
}

#[test]
fn a_task_whose_data_changed_is_refused_as_a_config_is() {
    let place = Place::new();
    let rows = |odd: &str| -> String {
        let rows = (0..60).map(|i| format!("{i},{odd}{},{}", i % 7, i % 2));
        rows.collect::<Vec<_>>().join("\n")
    };
    place.write("data.csv", &format!("a,b,y\n{}", rows("")));
    place.write(
        "config.toml",
        "name = \"table\"\ndata.source = \"data.csv\"\ntraining.epochs = 1\n",
    );
    let commands = list(&place, &[]);
    place.write("data.csv", &format!("a,b,y\n{}", rows("1")));
    let output = shell(&place, &commands[0]);
    assert_eq!(output.status.code(), Some(2));
    says(&stderr(&output), &["no such training", "launch the experiment again"]);
    assert_eq!(place.trainings("results/table").len(), 0);
}

/// Programs of Slurm that note their arguments, one a line, and say what a test wants.
fn slurm(place: &Place, name: &str, script: &str) {
    let path = place.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn with_slurm(place: &Place, args: &[&str]) -> Output {
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap());
    place.command(args).env("PATH", path).output().unwrap()
}

/// A cluster with arrays of at most two jobs, which takes all that is submitted.
fn cluster(place: &Place) {
    slurm(place, "scontrol", "echo 'MaxArraySize            = 2'; echo 'MaxJobCount = 100'");
    slurm(place, "sacctmgr", "exit 1");
    let sent = place.path("sent").display().to_string();
    slurm(
        place,
        "sbatch",
        &format!("for a; do echo \"$a\"; done >>'{sent}'; echo Submitted batch job 7"),
    );
    slurm(place, "squeue", "exit 0");
}

fn launch(place: &Place, args: &[&str]) -> Output {
    let all = [&["run", "--config", "config.toml", "--launcher", "slurm"], args].concat();
    let output = with_slurm(place, &all);
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

#[test]
fn arrays_keep_to_the_limit_and_options_arrive_as_they_were_given() {
    let place = small();
    cluster(&place);
    let evil = "comment=$(touch pwned) \"x\" 'y' `touch pwned` #";
    let args = [
        "--submit",
        "--tasks-per-job",
        "1",
        "--partition=-x $(touch pwned)",
        "--array-parallelism",
        "3",
        "--sbatch",
        evil,
    ];
    let output = launch(&place, &args);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    let sent = fs::read_to_string(place.path("sent")).unwrap();
    let sent: Vec<&str> = sent.lines().collect();
    let count = |argument: &str| sent.iter().filter(|sent| **sent == argument).count();
    assert_eq!(count("--array=0-1%3"), 2);
    assert_eq!(count("--partition=-x $(touch pwned)"), 2);
    assert_eq!(count(&format!("--{evil}")), 2);
    assert!(sent.iter().any(|argument| argument.starts_with("--mem=")), "{sent:?}");
    // The first task of each array, and the number after the last.
    assert_eq!(
        [&sent[sent.len() / 2 - 3..sent.len() / 2], &sent[sent.len() - 3..]],
        [["0", "1", "4"], ["2", "1", "4"]]
    );
    assert!(files(&place.path(".")).iter().all(|file| !file.ends_with("pwned")));
}

#[test]
fn the_lines_that_are_printed_submit_the_same_as_submitting() {
    let place = small();
    cluster(&place);
    let args = ["--sbatch", "comment=it's $(touch pwned)", "--results", HOSTILE];
    let output = launch(&place, &args);
    says(&stderr(&output), &["nothing is submitted yet"]);
    assert!(!place.path("sent").exists());
    let lines = String::from_utf8(output.stdout).unwrap();
    let path = format!("PATH='{}':\"$PATH\"; ", place.path("bin").display());
    assert!(shell(&place, &(path + &lines)).status.success());
    let printed = fs::read_to_string(place.path("sent")).unwrap();
    fs::remove_file(place.path("sent")).unwrap();
    launch(&place, &[&["--submit"], &args[..]].concat());
    let without = |text: &str| -> Vec<String> {
        // Memory is measured each time.
        text.lines().filter(|line| !line.starts_with("--mem=")).map(str::to_owned).collect()
    };
    let submitted = fs::read_to_string(place.path("sent")).unwrap();
    assert_eq!(without(&printed), without(&submitted));
    assert!(files(&place.path(".")).iter().all(|file| !file.ends_with("pwned")));
}

#[test]
fn the_script_runs_its_tasks_and_tells_how_they_ended() {
    let place = small();
    cluster(&place);
    let results = format!("{HOSTILE}/results");
    launch(&place, &["--results", &results]);
    let folder = format!("{results}/small/tasks");
    let script = place.path(&format!("{folder}/0.sh"));
    let job = |index: &str, restarts: &str| {
        let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.arg(&script).args(["0", "3", "4"]).env("PATH", path);
        command.env("SLURM_ARRAY_TASK_ID", index).env("SLURM_JOB_ID", "7");
        command.env("SLURM_RESTART_COUNT", restarts).output().unwrap()
    };
    assert_eq!(job("0", "101").status.code(), Some(1));
    assert_eq!(place.trainings(&format!("{results}/small")).len(), 0);
    assert_eq!(job("1", "0").status.code(), Some(0));
    assert_eq!(place.trainings(&format!("{results}/small")).len(), 1);
    assert_eq!(job("0", "1").status.code(), Some(0));
    assert_eq!(place.trainings(&format!("{results}/small")).len(), 4);
    // Beyond what there is.
    assert_eq!(job("2", "0").status.code(), Some(2));
    // A signal that comes before the tasks do.
    launch(&place, &["--results", "early"]);
    let script = place.path("early/small/tasks/0.sh");
    slurm(&place, "hostname", "kill -TERM $PPID");
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap());
    let mut early = Command::new("bash");
    early.arg(&script).args(["0", "4", "4"]).env("PATH", path);
    let early = early.env("SLURM_ARRAY_TASK_ID", "0").env("SLURM_JOB_ID", "7").output().unwrap();
    assert_eq!(early.status.code(), Some(143), "{}", stderr(&early));
    assert!(files(&place.path(".")).iter().all(|file| !file.ends_with("pwned")));
}

/// What `bnes status` says of each training.
fn states(place: &Place) -> Vec<(String, Value)> {
    let output = with_slurm(place, &["status", "results", "--format", "json"]);
    let list: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let state = |one: &Value| (one["state"].as_str().unwrap().to_owned(), one["job_log"].clone());
    list.iter().map(state).collect()
}

#[test]
fn what_is_queued_is_not_sent_again_and_status_tells_it_from_what_is_missing() {
    let place = small();
    let names = names(&place);
    cluster(&place);
    launch(&place, &["--submit", "--tasks-per-job", "2"]);
    let tasks = place.path("results/small/tasks");
    let tasks = fs::canonicalize(tasks).unwrap();
    let script = tasks.join("0.sh").display().to_string();
    // The second job waits; the first is no longer known, and left a log.
    slurm(
        &place,
        "squeue",
        &format!("echo '1|PENDING|{script} 0 2 4'; echo '0|RUNNING|/other/tasks/0.sh 0 2 4'"),
    );
    fs::write(tasks.join("logs/0-2-0.log"), "killed").unwrap();
    let found = states(&place);
    let kinds: Vec<&str> = found.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(kinds, ["missing", "missing", "queued", "queued"]);
    assert!(
        found[0].1.as_str().unwrap().ends_with("results/small/tasks/logs/0-2-0.log"),
        "{found:?}"
    );
    assert_eq!(found[2].1, Value::Null);
    let output = launch(&place, &["--submit"]);
    says(&stderr(&output), &["4 trainings: 2 queued, 2 to send"]);
    // All of it waits now.
    slurm(
        &place,
        "squeue",
        &format!("echo '0|PENDING|{script} 0 2 4'; echo '1|RUNNING|{script} 0 2 4'"),
    );
    let sent = fs::read_to_string(place.path("sent")).unwrap();
    let output = launch(&place, &["--submit"]);
    says(&stderr(&output), &["4 trainings: 4 queued"]);
    assert_eq!(
        (output.stdout, fs::read_to_string(place.path("sent")).unwrap()),
        (Vec::new(), sent)
    );
    // What failed in a job that goes on has failed, and is sent with what failed once the job has ended.
    place.succeeds(&["run", "--config", "config.toml", "--set", "matrix.seed=[0]"]);
    place.succeeds(&["run", "--config", "config.toml", "--launcher", "list", "--quiet"]);
    fail(&place, &names[3]);
    let kinds: Vec<String> = states(&place).into_iter().map(|(state, _)| state).collect();
    assert_eq!(kinds, ["done", "done", "queued", "failed"]);
    says(&stderr(&launch(&place, &["--retry-failed"])), &["2 done, 2 queued"]);
    // A queue that cannot be asked is no reason to stop, and is said.
    slurm(&place, "squeue", "echo 'no controller' >&2; exit 1");
    let output = launch(&place, &["--retry-failed"]);
    says(&stderr(&output), &["2 to send", "may be sent twice: squeue: no controller"]);
    let output = with_slurm(&place, &["status"]);
    says(&stderr(&output), &["what is queued is not known: squeue: no controller"]);
}

#[test]
fn what_sbatch_refuses_is_told_with_what_was_sent_before() {
    let place = small();
    cluster(&place);
    let sent = place.path("sent").display().to_string();
    let script = format!(
        "[ -e '{sent}' ] && {{ echo 'QOSMaxSubmitJobPerUserLimit' >&2; exit 1; }}; echo >'{sent}'"
    );
    slurm(&place, "sbatch", &script);
    let args = [
        "run",
        "--config",
        "config.toml",
        "--launcher",
        "slurm",
        "--submit",
        "--tasks-per-job",
        "1",
    ];
    let output = with_slurm(&place, &args);
    assert_eq!(output.status.code(), Some(1));
    says(
        &stderr(&output),
        &["an array of 2 jobs: QOSMaxSubmit", "1 array submitted before", "--tasks-per-job"],
    );
}
