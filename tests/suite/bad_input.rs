//! What people read when a config, a name or a path is wrong: what it is, where it is, what to do;
//! the exit code; and that nothing is written.

use std::fs;

use crate::common::Place;
use crate::common::bad::{fails, says};

const GOOD: &str = "[data]\nsource = \"digits\"\n[model]\nhidden = [4]\n[training]\nepochs = 1\n";

/// The message on a config, the same from `run` and from `check`.
#[track_caller]
fn refused(text: &str) -> String {
    let place = Place::new();
    place.write("a.toml", text);
    let message = fails(&place, 2, &["run", "--config", "a.toml"]);
    assert_eq!(message, fails(&place, 2, &["check", "--config", "a.toml"]));
    assert!(message.starts_with("error: "), "{message}");
    message
}

/// A config that is right but for what is added.
fn with(text: &str) -> String {
    format!("{GOOD}{text}\n")
}

#[test]
fn a_config_file_that_is_not_there() {
    let place = Place::new();
    let message = fails(&place, 2, &["run", "--config", "nowhere/a.toml"]);
    says(&message, &["there is no config file `nowhere/a.toml`", "relative path starts from"]);
    let message = fails(&place, 2, &["check", "--config", "."]);
    says(&message, &["`.` is a folder, not a config file", "name the file in it"]);
}

#[test]
fn a_config_file_that_is_no_config() {
    says(&refused(""), &["the key `data` is missing", "data.source = \"digits\""]);
    says(&refused("hello"), &["not valid TOML", "a.toml:1:6"]);
    let place = Place::new();
    fs::write(place.path("a.toml"), b"name = \"\xe9\"").unwrap();
    let message = fails(&place, 2, &["run", "--config", "a.toml"]);
    says(&message, &["is not UTF-8 text (line 1)", "save it as UTF-8"]);
    place.write("b.json", "{\"data\": }");
    says(&fails(&place, 2, &["run", "--config", "b.json"]), &["not valid JSON", "b.json:1:10"]);
}

#[test]
fn unknown_keys_at_every_level() {
    for (text, key, hint) in [
        ("[modle]", "modle", "did you mean `model`?"),
        ("[data.splits]", "splits", "did you mean `split`?"),
        ("[model.init]\nknd = 1", "knd", "did you mean `kind`?"),
        (
            "[model.norm]\nkind = \"batch\"\nepsilon = 1",
            "epsilon",
            "did you mean `model.norm.eps`?",
        ),
        ("[training.optimizer]\nbeta_1 = 0.9", "beta_1", "did you mean `beta1`?"),
        ("[training.schedule]\nwarmup = 1", "warmup", "did you mean `warmup_epochs`?"),
        ("[evaluation]\ntset = true", "tset", "did you mean `test`?"),
        (
            "[early_stopping]\nkind = \"patience\"\npatients = 1",
            "patients",
            "did you mean `patience`?",
        ),
        ("[matrix]\n\"model.nrom.kind\" = [1]", "nrom", "did you mean `norm`?"),
    ] {
        let message = refused(&with(text));
        says(&message, &[&format!("unknown key `{key}`"), hint, "a.toml:", "^"]);
    }
    let text = GOOD.replace("epochs = 1", "epochs = 1\nlr = 0.1");
    says(&refused(&text), &["unknown key `lr` in [training]", "`training.optimizer.lr`"]);
}

#[test]
fn wrong_types() {
    for (text, message) in [
        ("[matrix]\nseed = true", "`seed`: expected a list of whole numbers"),
        (
            "[evaluation]\ntest = \"yes\"",
            "`evaluation.test`: expected true or false, found the string \"yes\"",
        ),
        (
            "[training.optimizer]\nlr = \"fast\"",
            "`training.optimizer.lr`: expected a number, found the string \"fast\"",
        ),
        (
            "[data.split]\nvalidation = [0.2]",
            "`data.split.validation`: expected a number, found a list",
        ),
        ("[model.norm]\nkind = 1", "`model.norm.kind`: expected the name of a norm, found 1"),
    ] {
        let shown = refused(&with(text));
        says(&shown, &[message, "a.toml:", "^"]);
    }
}

#[test]
fn zero_and_negative_where_they_make_no_sense() {
    for (key, value, message) in [
        ("training.epochs", "0", "expected a whole number of at least 1"),
        ("training.epochs", "-3", "-3 is out of range"),
        ("training.batch_size", "0", "expected a whole number of at least 1, or \"full\""),
        ("training.optimizer.lr", "0", "expected a number above 0"),
        ("training.optimizer.lr", "-0.1", "expected a number above 0"),
        ("training.optimizer.lr", "1e39", "1e39 is out of range"),
        ("training.optimizer.weight_decay", "-1", "-1"),
        ("training.clip_norm", "0", "expected a number above 0"),
        ("model.hidden", "[0]", "a layer of 0 units"),
        ("model.dropout", "1", "expected a number of at least 0 and below 1"),
        ("model.dropout", "-0.5", "expected a number of at least 0 and below 1"),
        ("data.split.test", "-0.1", "expected a number of at least 0 and below 1"),
        ("data.split.validation", "1", "expected a number of at least 0 and below 1"),
        ("early_stopping", "{ kind = \"patience\", patience = -1 }", "-1 is out of range"),
        ("early_stopping", "{ kind = \"patience\", min_delta = -1.0 }", "-1"),
        ("early_stopping", "{ kind = \"time_budget\", seconds = 0 }", "expected a number above 0"),
    ] {
        let place = Place::new();
        place.write("a.toml", GOOD);
        let set = format!("{key}={value}");
        let message_shown = fails(&place, 2, &["run", "--config", "a.toml", "--set", &set]);
        says(&message_shown, &[message, &format!("--set {set}:")]);
    }
    let place = Place::new();
    says(&fails(&place, 2, &["run", "--seeds", "0"]), &["expected at least one seed"]);
    says(&fails(&place, 2, &["run", "--jobs", "0"]), &["--jobs"]);
}

#[test]
fn a_number_that_is_not_finite() {
    for value in ["nan", "inf", "-inf"] {
        let text = with(&format!("[training.optimizer]\nlr = {value}"));
        let told = "`training.optimizer.lr`: this is not a finite number";
        says(&refused(&text), &[told, "a.toml:8:6"]);
    }
}

#[test]
fn a_matrix_that_varies_nothing() {
    let empty = "`model.dropout`: the list is empty: expected at least one level";
    says(&refused(&with("[matrix]\n\"model.dropout\" = []")), &[empty, "a.toml:8:19"]);
    let seeds = refused(&with("[matrix]\nseed = \"3..3\""));
    says(&seeds, &["`seed`: there is no number in 3..3"]);
    let equal = refused(&with("[matrix]\n\"model.norm.eps\" = [1e-5, 1e-3]"));
    says(&equal, &["two arms are equal", "`model.norm.eps` makes no difference"]);
}

#[test]
fn a_results_path_that_cannot_be() {
    let place = Place::new();
    place.write("a.toml", GOOD);
    place.write("taken", "a file");
    place.write("folder/a", "a file");
    for (results, file) in [("taken", "taken"), ("taken/below", "taken"), ("folder", "folder/a")] {
        let args = ["run", "--config", "a.toml", "--quiet", "--results", results];
        let message = fails(&place, 1, &args);
        says(&message, &[&format!("{file} is a file, where a folder is needed"), "--results"]);
    }
    // What is wrong with the config is said first.
    let args = ["run", "--config", "a.toml", "--results", "taken", "--set", "model.hiden=[4]"];
    says(&fails(&place, 2, &args), &["unknown key `hiden`"]);
}

#[test]
fn a_results_path_that_is_read_only() {
    let place = Place::new();
    place.write("a.toml", GOOD);
    place.write("locked/keep", "");
    let locked = place.path("locked");
    let mut permissions = fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&locked, permissions).unwrap();
    // Root writes anywhere but where the system itself has no room for files.
    let is_root = fs::write(locked.join("probe"), "").is_ok();
    let _ = fs::remove_file(locked.join("probe"));
    let results = if is_root { "/proc/bnes-results" } else { "locked" };
    let args = ["run", "--config", "a.toml", "--quiet", "--results", results];
    let message = fails(&place, 1, &args);
    let told =
        format!("the folder {results}/a cannot be created: choose another place with --results");
    says(&message, &[&told]);
}

#[test]
fn a_name_that_would_leave_the_results_directory() {
    for (name, fault) in [
        ("../a", "it would leave the results directory"),
        ("..", "it would leave the results directory"),
        ("a/../../b", "it would leave the results directory"),
        ("/tmp/a", "it would leave the results directory"),
        (".a", "it begins with a dot"),
        ("a/b", "it holds a path separator"),
        ("a\\\\b", "it holds a path separator"),
        ("", "it is empty"),
    ] {
        let shown = refused(&format!("name = \"{name}\"\n{GOOD}"));
        says(&shown, &["cannot name the directory of the results", fault, "a.toml:1:8"]);
    }
}

#[test]
fn a_monitor_that_is_not_recorded() {
    let rule = "[early_stopping]\nkind = \"patience\"\nmonitor = ";
    let shown = refused(&with(&format!("{rule}\"val_acuracy\"")));
    says(
        &shown,
        &[
            "the rule reads the column `val_acuracy`, which this training will not record",
            "a.toml:9:11",
            "`train_loss`, `val_loss`, `train_loss_eval`, `val_accuracy`",
            "`evidence`",
        ],
    );
    assert!(!shown.contains("test_"), "{shown}");
    let shown = refused(&with(&format!("{rule}\"train_loss_eval\"\n[evaluation]\ntrain = false")));
    says(&shown, &["`train_loss_eval`, which this training will not record"]);
}

#[test]
fn a_monitor_whose_name_tells_no_direction() {
    let shown = refused(&with("[early_stopping]\nkind = \"none\"\nmonitor = \"val_quality\""));
    let what = "the name `val_quality` does not tell whether larger or smaller values are better";
    says(&shown, &[what, "a.toml:9:11", "`mode = \"max\"` or `mode = \"min\"`"]);
}

#[test]
fn a_test_column_as_monitor() {
    let rule = "[early_stopping]\nkind = \"patience\"\nmonitor = \"test_loss\"";
    let what = "`test_loss` is a test column, which no rule may read";
    says(&refused(&with(rule)), &[what, "use a column of the validation or the training split"]);
    let rule = "[early_stopping]\nkind = \"threshold\"\ncolumn = \"test_accuracy\"\nabove = 0.9";
    says(&refused(&with(rule)), &["`test_accuracy` is a test column"]);
}

#[test]
fn a_source_that_is_not_there() {
    let shown = refused("[data]\nsource = \"digit\"");
    says(&shown, &["`digit` is neither a built-in set", "did you mean `digits`?"]);
}

#[test]
fn a_batch_of_one_row_under_batch_normalisation() {
    let place = Place::new();
    let text = "[data]\nsource = \"digits\"\n[data.split]\nvalidation = 0.5\ntest = 0.4994\n\
                [model.norm]\nkind = \"batch\"\n";
    place.write("a.toml", text);
    let message = fails(&place, 2, &["run", "--config", "a.toml"]);
    says(&message, &["the training split of 1 row makes a batch of one", "a.toml:3:1"]);
    place.write("b.toml", &text.replace("0.4994", "0.2"));
    let args = ["run", "--config", "b.toml", "--set", "training.batch_size=1"];
    says(&fails(&place, 2, &args), &["a batch of one row has no variance for the norm `batch`"]);
}

#[test]
fn what_compare_and_replay_cannot_read_ends_with_1() {
    let place = Place::new();
    place.write("empty/a", "");
    says(&fails(&place, 1, &["compare", "nowhere"]), &["nowhere: no such file or directory"]);
    says(&fails(&place, 1, &["compare", "empty"]), &["no results here: expected"]);
    let rule = ["--criterion", "kind = \"patince\""];
    let message = fails(&place, 2, &["replay", "empty", rule[0], rule[1]]);
    says(&message, &["unknown value `patince`", "did you mean `patience`?"]);
}

#[test]
fn a_config_called_like_the_plan_is_kept_beside_it() {
    let place = Place::new();
    let config = "{\"data\": {\"source\": \"digits\"}, \"model\": {\"hidden\": [4]}, \"training\": {\"epochs\": 1}}";
    place.write("experiment.json", config);
    place.succeeds(&["run", "--config", "experiment.json", "--quiet"]);
    let kept = fs::read_to_string(place.path("results/experiment/config.json")).unwrap();
    assert_eq!(kept, config);
    let again = place.succeeds(&["run", "--config", "experiment.json"]);
    assert!(again.contains("1 already done"), "{again}");
    place.succeeds(&["compare", "results"]);
}

#[test]
fn a_variable_of_the_environment_that_says_nothing_sensible() {
    let place = Place::new();
    place.write("a.toml", GOOD);
    for (name, value, expected) in [
        ("BNES_THREADS", "0", "1 to 1024"),
        ("BNES_THREADS", "two", "1 to 1024"),
        ("BNES_THREADS", "100000", "1 to 1024"),
        ("BNES_THREADS", "99999999999999999999", "1 to 1024"),
        ("BNES_ENGINE", "Fused", "`fused` or `graph`"),
        ("BNES_ISA", "sse9", "it has portable"),
        ("BNES_ISA", "", "it has portable"),
    ] {
        for command in ["run", "check"] {
            let args = [command, "--config", "a.toml"];
            let output = place.command(&args).env(name, value).output().unwrap();
            let message = crate::common::stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{name}={value}: {message}");
            says(&message, &["error: ", name, expected]);
        }
    }
    assert!(!place.path("results").exists());
}
