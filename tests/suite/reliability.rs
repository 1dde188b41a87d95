//! Kill it anywhere, run it again, get the same bytes: a list of promises, each with its test.
//!
//! `docs/reliability.md` says what each promise means. `BNES_KILLS` sets how often processes are
//! killed (`.ci/kill-test`).

#![allow(clippy::print_stdout)] // what was measured, shown with --nocapture

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::common::broken::{
    Everything, LONG, Moments, SMALL, all_of, assert_tidy, files, is_checkpoint, kills, resumed,
    signal, start, undisturbed, wait_for,
};
use crate::common::{Place, column, stderr};

/// Every optimizer, dropout, schedule, norm, mode of statistics and several rules.
const EVERYTHING: &str = r#"
name = "all"
[data]
source = "digits"
[model]
hidden = [24, 16]
dropout = 0.2
[training]
epochs = 6
batch_size = 16
clip_norm = 5.0
[evaluation]
inside = ["preactivations", "modes", "drift", "landscape"]
[training.schedule]
kind = "cosine"
warmup_epochs = 2
[checkpoint]
every_s = 0
[matrix]
"model.norm" = [
    { kind = "none" },
    { kind = "batch", statistics = "ema" },
    { kind = "batch", statistics = "cumulative", placement = "after_activation" },
    { kind = "batch", statistics = "recalibrate", eps_placement = "std" },
    { kind = "batch_renorm", at = ["hidden", "input"] },
    { kind = "mean_only_batch", weight_norm = false },
]
"training.optimizer" = [
    { kind = "adam", weight_decay = 0.01 },
    { kind = "adamw", weight_decay = 0.01 },
    { kind = "sgd", lr = 0.05, momentum = 0.9, nesterov = true },
    { kind = "rmsprop" },
    { kind = "rprop" },
]
early_stopping = [
    { kind = "none" },
    { kind = "patience", patience = 1 },
    { kind = "threshold", column = "val_accuracy", at_least = 0.8 },
    { kind = "all", rules = [
        { kind = "evidence" },
        { kind = "gradient_disparity", count = 2 },
        { kind = "complexity", measure = "distance_from_init", factor = 1.5 },
    ] },
]
"#;

#[test]
fn killed_at_any_moment_and_run_again_it_gives_the_same_bytes_from_the_middle() {
    let kills = kills();
    let began = Instant::now();
    let (_, expected) = undisturbed(EVERYTHING);
    let whole = began.elapsed();
    let args = ["run", "--config", "config.toml", "--jobs", "2"];
    let mut moments = Moments::new();
    let (mut killed, mut rounds, mut breaks, mut midway) = (0, 0, 0, 0);
    while killed < kills {
        rounds += 1;
        let place = Place::new();
        place.write("config.toml", EVERYTHING);
        loop {
            let mut child = start(&place, &args);
            // Short enough that a sweep is killed several times before it is through.
            std::thread::sleep(moments.next(whole.mul_f64(0.4)));
            if killed == kills || child.try_wait().unwrap().is_some() {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "{}", stderr(&output));
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
        }
        assert!(all_of(&place, "results/all") == expected, "round {rounds}");
        assert_tidy(&place, "results/all");
        for training in place.trainings("results/all") {
            let places = resumed(&training);
            breaks += places.len();
            midway += usize::from(places.iter().any(|(epoch, _)| *epoch > 1));
        }
    }
    println!("{killed} kills in {rounds} sweeps: {breaks} trainings went on from a checkpoint");
    assert!(midway > 0 || kills < 5, "no training went on from its middle");
}

#[test]
fn a_damaged_checkpoint_is_named_and_set_aside_and_the_one_before_counts() {
    let (_, expected) = undisturbed(LONG);
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    let third = |path: &Path| path.ends_with("checkpoint-3.safetensors");
    wait_for(&place, &mut child, third);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut checkpoints: Vec<PathBuf> =
        files(&place.path("results")).into_iter().filter(|path| is_checkpoint(path)).collect();
    checkpoints.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    assert!(checkpoints.len() >= 2, "two generations are kept: {checkpoints:?}");
    let newest = checkpoints.last().unwrap();
    let mut damaged = fs::read(newest).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(newest, damaged).unwrap();
    let output = place.bnes(&["run", "--config", "config.toml"]);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&*newest.file_name().unwrap().to_string_lossy()), "{said}");
    assert!(said.contains("checksum is wrong") && said.contains(".damaged"), "{said}");
    assert!(said.contains("resumes at epoch"), "{said}");
    assert!(all_of(&place, "results/long") == expected);
    assert_tidy(&place, "results/long");
}

#[test]
fn where_no_checkpoint_is_whole_it_says_so_and_begins_anew() {
    let (_, expected) = undisturbed(LONG);
    let place = Place::new();
    place.write("config.toml", LONG);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, |path| path.ends_with("checkpoint-2.safetensors"));
    child.kill().unwrap();
    child.wait().unwrap();
    for path in files(&place.path("results")).into_iter().filter(|path| is_checkpoint(path)) {
        fs::write(path, "damaged").unwrap();
    }
    let output = place.bnes(&["run", "--config", "config.toml"]);
    let said = stderr(&output);
    assert!(output.status.success() && !said.contains("goes on"), "{said}");
    assert_eq!(said.matches("is damaged").count(), 2, "{said}");
    assert!(said.contains("no checkpoint is left: it starts again"), "{said}");
    assert!(all_of(&place, "results/long") == expected);
    assert_tidy(&place, "results/long");
}

#[test]
fn eight_at_once_some_killed_train_everything_once_and_whole() {
    let (_, expected) = undisturbed(EVERYTHING);
    let place = Place::new();
    place.write("config.toml", EVERYTHING);
    let args = ["run", "--config", "config.toml", "--jobs", "1", "--format", "json"];
    let mut children: Vec<Child> = (0..8).map(|_| start(&place, &args)).collect();
    let mut moments = Moments::new();
    let mut killed = 0;
    for child in &mut children[..3] {
        std::thread::sleep(moments.next(Duration::from_millis(1500)));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
    }
    let mut trained = 0;
    for child in children.split_off(3) {
        let output = child.wait_with_output().unwrap();
        let said = stderr(&output);
        assert!(output.status.success(), "{said}");
        trained += said
            .lines()
            .filter(|line| line.contains("completed") || line.contains("stopped after"))
            .count();
        let lines = String::from_utf8(output.stdout).unwrap();
        assert_eq!(lines.lines().count(), 120, "each process tells of every arm");
    }
    // Those killed may have finished some.
    assert!(trained <= 30, "{trained} trained with {killed} killed");
    let found = all_of(&place, "results/all");
    let names = |everything: &Everything| everything.0.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    assert!(found == expected);
    assert_tidy(&place, "results/all");
}

#[test]
fn a_rule_added_after_a_break_goes_on_only_where_its_weights_were_kept() {
    let place = Place::new();
    // Where there are test rows, `none` keeps the weights of its best epoch too, to measure them.
    let config = LONG.replacen("[data]\n", "[data]\nsplit.test = 0\n", 1);
    assert_ne!(config, LONG);
    place.write("config.toml", &config);
    let mut child = start(&place, &["run", "--config", "config.toml"]);
    wait_for(&place, &mut child, is_checkpoint);
    signal(&child, "TERM");
    child.wait().unwrap();
    // `none` kept no weights yet, and patience needs those of its best epoch so far.
    let added = format!(
        "{config}[matrix]\nearly_stopping = [{{ kind = \"none\" }}, {{ kind = \"patience\", patience = 3 }}]\n"
    );
    place.write("config.toml", &added);
    let output = place.bnes(&["run", "--config", "config.toml"]);
    let said = stderr(&output);
    assert!(output.status.success() && !said.contains("goes on"), "{said}");
    assert!(said.contains("its checkpoints lack what a rule needs: it starts again"), "{said}");
    let (_, expected) = undisturbed(&added);
    assert!(all_of(&place, "results/long") == expected);
}

#[test]
fn verify_trains_again_and_names_what_differs() {
    let (place, expected) = undisturbed(SMALL);
    let args = ["run", "--config", "config.toml", "--verify"];
    let out = place.succeeds(&args);
    assert!(out.contains("verified: 4 of 4 trainings came out the same again"), "{out}");
    assert!(all_of(&place, "results/small") == expected);
    let elsewhere = place.command(&args).env("BNES_ENGINE", "graph").output().unwrap();
    let said = stderr(&elsewhere);
    assert!(said.contains("engine fused then, graph now"), "{said}");
    let training = place.training("results/small", "batch-seed1");
    let curve = fs::read_to_string(training.join("epochs.csv")).unwrap();
    let loss = column(&training, "val_loss")[2].to_string();
    fs::write(training.join("epochs.csv"), curve.replace(&loss, "0.5")).unwrap();
    let said = place.fails(1, &args);
    assert!(said.contains("epoch 3, column `val_loss`: 0.5 on disk"), "{said}");
    fs::write(training.join("epochs.csv"), curve).unwrap();
    let weights = training.join("weights-5.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let said = place.fails(1, &args);
    assert!(said.contains("weights-5.safetensors, tensor `"), "{said}");
    assert_tidy(&place, "results/small");
}

#[test]
fn verify_neither_makes_again_nor_corrects_what_it_is_to_verify() {
    let config = SMALL.replace(
        "seed = ",
        "early_stopping = [{ kind = \"none\" }, { kind = \"patience\", patience = 3 }]\nseed = ",
    );
    let (place, _) = undisturbed(&config);
    let training = place.training("results/small", "batch-seed1");
    let read = |name: &str| fs::read(training.join(name)).unwrap();
    let curve = String::from_utf8(read("epochs.csv")).unwrap();
    let lines: Vec<&str> = curve.lines().collect();
    let cells: Vec<&str> = lines[2].split(',').collect();
    let best = lines[2].replacen(cells[2], "0.00001", 1);
    let record = String::from_utf8(read("run.json")).unwrap();
    // Changed on purpose: with its checksum it would be damaged, and no record to verify.
    let (record, _) = record.rsplit_once(",\n  \"crc32\"").unwrap();
    let record = format!("{record}\n}}\n");
    let weights = read("weights-5.safetensors");
    let cases = [
        (
            "epochs.csv",
            curve.replace(lines[2], &best).into_bytes(),
            "epoch 2, column `val_loss`: 0.00001 on disk",
        ),
        ("epochs.csv", (lines[..5].join("\n") + "\n").into_bytes(), "epoch 5: is not on disk"),
        ("epochs.csv", curve.replace(",test_loss", "").into_bytes(), "not verified: "),
        (
            "run.json",
            record.replace("\"best_epoch\": 5", "\"best_epoch\": 4").into_bytes(),
            "`best_epoch`: 4 on disk, 5 again",
        ),
        (
            "weights-5.safetensors",
            weights[..weights.len() - 9].to_vec(),
            "weights-5.safetensors on disk",
        ),
    ];
    for (name, altered, difference) in cases {
        let whole = read(name);
        assert_ne!(whole, altered);
        fs::write(training.join(name), &altered).unwrap();
        let said = place.fails(1, &["run", "--config", "config.toml", "--verify"]);
        assert!(said.contains(difference), "{said}");
        assert!(read(name) == altered, "{name} is as it was");
        fs::write(training.join(name), whole).unwrap();
    }
    place.succeeds(&["run", "--config", "config.toml", "--verify"]);
}
