//! Every finding, by a config that calls for it and one that does not.

use std::path::Path;

use super::*;
use crate::config::Overrides;
use crate::nn::Lacking;
use crate::runner::DatasetCache;

fn compute() -> Compute {
    Compute::new(candle_core::Device::Cpu, 1).unwrap()
}

fn found(text: &str) -> Vec<Finding> {
    let text = format!("data.source = \"digits\"\n{text}");
    let experiment =
        Experiment::parse("a.toml", &text, Path::new(""), &Overrides::default()).unwrap();
    let prepared =
        PreparedExperiment::new(&experiment, &mut DatasetCache::of(&experiment), usize::MAX)
            .unwrap();
    lint(&experiment, &prepared, &compute())
}

/// Messages of one level with their lines.
fn of(level: Level, text: &str) -> Vec<(String, usize)> {
    let findings = found(text).into_iter().filter(|finding| finding.level == level);
    findings
        .map(|finding| {
            let line = finding.about.position().map_or(0, |(line, _)| line);
            (finding.about.message().to_owned(), line)
        })
        .collect()
}

#[track_caller]
fn warns(text: &str, message: &str, line: usize) {
    let warnings = of(Level::Warning, text);
    let has = warnings.iter().any(|(text, at)| text.contains(message) && *at == line);
    assert!(has, "{message} in line {line}: {warnings:#?}");
}

#[test]
fn a_plain_config_makes_nobody_wonder() {
    let patience = "early_stopping.kind = \"patience\"";
    assert_eq!(of(Level::Warning, patience), []);
    let rows = "the 1079 training rows in batches of 32 leave 23: they are the last batch";
    assert_eq!(of(Level::Note, patience), [(rows.to_owned(), 1)]);
    assert_eq!(of(Level::Note, "training.batch_size = 83"), []);
}

#[test]
fn a_rule_that_cannot_fire_in_time_is_pointed_at() {
    let rule = |rule: &str| format!("training.epochs = 10\nearly_stopping = {rule}");
    warns(&rule("{ kind = \"patience\" }"), "it would at epoch 11 at the earliest", 3);
    warns(&rule("{ kind = \"patience\", patience = 9 }"), "can save nothing", 3);
    assert_eq!(of(Level::Warning, &rule("{ kind = \"patience\", patience = 8 }")), []);
    warns(
        &rule("{ kind = \"patience\", patience = 3, start_from_epoch = 8 }"),
        "at epoch 12 at the earliest",
        3,
    );
    warns(
        &rule(
            "{ kind = \"any\", rules = [{ kind = \"patience\", patience = 2 }, { kind = \"patience\", patience = 99 }] }",
        ),
        "at epoch 100 at the earliest",
        3,
    );
    let shown =
        found("[training]\nepochs = 5\n[early_stopping]\nkind = \"patience\"\npatience = 7");
    assert_eq!(
        shown[0].to_string(),
        "warning: the rule `patience` can never fire: it would at epoch 8 at the earliest, and \
         `training.epochs` is 5\n --> a.toml:6:12\n  |\n6 | patience = 7\n  |            ^\n  \
         = help: lower `patience` or raise `training.epochs`"
    );
}

#[test]
fn the_evidence_with_any_optimizer_but_plain_sgd_is_pointed_at() {
    let with = |optimizer: &str, rule: &str| {
        format!("training.optimizer = {optimizer}\nearly_stopping = {rule}")
    };
    let rule = "{ kind = \"evidence\" }";
    let nested = "{ kind = \"any\", rules = [{ kind = \"evidence\" }, { kind = \"time_budget\", seconds = 9 }] }";
    warns(&with("{ kind = \"adam\" }", rule), "the optimizer is adam", 3);
    warns(&with("{ kind = \"adam\" }", nested), "the optimizer is adam", 3);
    let momentum = "{ kind = \"sgd\", momentum = 0.9 }";
    warns(&with(momentum, rule), "the optimizer is sgd with momentum", 3);
    assert_eq!(of(Level::Warning, &with("{ kind = \"sgd\" }", rule)), []);
    let norm = "{ kind = \"gradient_norm\" }";
    assert_eq!(of(Level::Warning, &with("{ kind = \"adam\" }", norm)), []);
}

#[test]
fn asking_for_what_no_training_has_inside_is_pointed_at() {
    let inside = "evaluation.inside = [\"preactivations\", \"drift\", \"landscape\"]";
    let norms = "matrix.\"model.norm.kind\" = [\"none\", \"batch\"]";
    assert_eq!(of(Level::Warning, &format!("{inside}\n{norms}")), []);
    warns(inside, "no norm keeps running statistics, so `drift` has no columns", 2);
    let linear = format!("{inside}\nmodel.hidden = []");
    warns(&linear, "there is no hidden layer, so `preactivations` has no columns", 2);
    let warnings = of(Level::Warning, &linear);
    assert!(!warnings.iter().any(|(text, _)| text.contains("landscape")), "{warnings:?}");
}

#[test]
fn a_min_delta_below_the_noise_of_the_loss_is_pointed_at() {
    let rule =
        |delta: &str| format!("early_stopping = {{ kind = \"patience\", min_delta = {delta} }}");
    warns(&rule("1e-9"), "below the noise of 32-bit floats", 2);
    for delta in ["0", "1e-6"] {
        assert_eq!(of(Level::Warning, &rule(delta)), []);
    }
}

fn with_norm(settings: &str) -> String {
    format!("model.norm = {{ kind = \"batch\", {settings} }}")
}

#[test]
fn running_statistics_that_cannot_settle_in_time_are_pointed_at() {
    let full = |epochs: usize, norm: &str| {
        format!("training = {{ epochs = {epochs}, batch_size = \"full\" }}\n{}", with_norm(norm))
    };
    let ema = "statistics = \"ema\"";
    warns(&full(12, ema), "still weigh 28 % after 12 epochs of 1 step at a momentum of 0.1", 3);
    let settled = full(29, ema);
    assert_eq!(of(Level::Warning, &settled), []);
    assert_eq!(of(Level::Warning, &full(12, "statistics = \"recalibrate\"")), []);
    let help = found(&full(12, ema))[0].to_string();
    assert!(help.ends_with("model.norm.statistics = \"recalibrate\""), "{help}");
    warns(&with_norm("statistics = \"cumulative\""), "had weights long gone", 2);
    assert_eq!(of(Level::Warning, "model.hidden = []\nmodel.norm.statistics = \"ema\""), []);

    let rule = |rule: &str| format!("{}\nearly_stopping = {rule}", full(99, ema));
    let patience = |settings: &str| rule(&format!("{{ kind = \"patience\", {settings} }}"));
    warns(&patience("patience = 10"), "may choose before epoch 29", 4);
    for not in ["patience = 15", "patience = 10, start_from_epoch = 29"] {
        assert_eq!(of(Level::Warning, &patience(not)), [], "{not}");
    }
    let short = patience("patience = 10").replace("99", "28");
    let told = of(Level::Warning, &short);
    assert!(told.len() == 1 && told[0].0.contains("still weigh"), "one is enough: {told:?}");
    let in_batches = format!("{}\nearly_stopping.kind = \"patience\"", with_norm(ema));
    assert_eq!(of(Level::Warning, &in_batches), []);
}

#[test]
fn a_momentum_as_keras_has_it_and_one_that_nothing_reads_are_explained() {
    let noted = |settings: &str, part: &str| {
        let notes = of(Level::Note, &with_norm(settings));
        notes.iter().any(|(text, line)| text.contains(part) && *line == 2)
    };
    let ema = |momentum: &str| format!("statistics = \"ema\", momentum = {momentum}");
    assert!(noted(&ema("0.99"), "Keras's 0.99 is 0.01 here"));
    assert!(noted(&ema("0.5"), "Keras's 0.5 is 0.5 here"));
    assert!(!noted(&ema("0.49"), "Keras"));
    assert!(noted("momentum = 0.01", "makes no difference"));
    assert!(!noted(&ema("0.01"), "makes no difference"));
}

#[test]
fn arms_that_cannot_differ_are_pointed_at() {
    let arms = |rules: &str| format!("training.epochs = 10\nmatrix.early_stopping = [{rules}]");
    let message = "can never differ from early_stopping = \"none\"";
    let never = "{ kind = \"patience\", restore_best = false }";
    warns(&arms(&format!("{{ kind = \"none\" }}, {never}")), message, 3);
    let keeps_best = "{ kind = \"none\" }, { kind = \"patience\" }";
    let warnings = of(Level::Warning, &arms(keeps_best));
    assert!(!warnings.iter().any(|(text, _)| text.contains("never differ")), "{warnings:?}");
    let zero = "{ kind = \"patience\", patience = 0 }, { kind = \"patience\", patience = 1 }";
    warns(&arms(zero), "can never differ from early_stopping = \"patience(patience=0)\"", 3);
    let linear = "model.hidden = []\nmatrix.\"model.norm.kind\" = [\"none\", \"batch\"]";
    warns(linear, "`model.norm.kind` makes no difference", 2);
}

#[test]
fn trainings_that_cannot_differ_are_pointed_at() {
    let nothing = "changes nothing here: this arm can never differ from";
    let adams = "matrix.\"training.optimizer.kind\" = [\"adam\", \"adamw\"]";
    warns(adams, &format!("`training.optimizer.kind` {nothing}"), 2);
    let decay = format!("training.optimizer.weight_decay = 0.1\n{adams}");
    assert_eq!(of(Level::Warning, &decay), []);
    let late = "training.epochs = 9\nmatrix.\"training.schedule\" = [{ kind = \"constant\" }, { kind = \"step\", every = 9, factor = 0.5 }]";
    warns(late, &format!("`training.schedule` {nothing}"), 3);
    assert_eq!(of(Level::Warning, &late.replace("every = 9", "every = 8")), []);
    // Digits name no classes that a missing cell could stand for.
    let data = "matrix.\"data.missing\" = [[\"\"], [\"-\"]]";
    warns(data, &format!("`data.missing` {nothing} data.missing = [\"\"]"), 2);
    assert_eq!(of(Level::Warning, "matrix.\"data.split.validation\" = [0.1, 0.2]"), []);
}

#[test]
fn a_training_split_of_one_class_is_pointed_at() {
    let place = tempfile::tempdir().unwrap();
    let rows = ["1,0,train\n2,0,train\n", "3,1,valid\n4,1,valid\n", "5,1,test\n6,1,test\n"];
    let content = format!("a,y,s\n{}", rows.map(|rows| rows.repeat(4)).concat());
    std::fs::write(place.path().join("t.csv"), content).unwrap();
    let text = "data = { source = \"t.csv\", target = \"y\", split = { column = \"s\" } }";
    let experiment =
        Experiment::parse("a.toml", text, place.path(), &Overrides::default()).unwrap();
    let findings = lint(
        &experiment,
        &PreparedExperiment::new(&experiment, &mut DatasetCache::of(&experiment), usize::MAX)
            .unwrap(),
        &compute(),
    );
    let one =
        findings.iter().find(|f| f.about.message().contains("all training rows are of one class"));
    assert_eq!(one.map(|finding| finding.level), Some(Level::Warning));
}

#[test]
fn a_mode_against_the_column_and_a_training_column_are_pointed_at() {
    let rule = |rest: &str| format!("[early_stopping]\nkind = \"patience\"\n{rest}");
    warns(&rule("mode = \"max\""), "of `val_loss` lower is better", 4);
    warns(&rule("monitor = \"train_loss\""), "keeps improving", 4);
    assert_eq!(of(Level::Warning, &rule("monitor = \"val_accuracy\"\nmode = \"max\"")), []);
}

#[test]
fn small_splits_and_batches_are_pointed_at() {
    let few = "data.split.validation = 0.01\nearly_stopping.kind = \"patience\"";
    warns(few, "the validation split has 18 rows", 2);
    assert_eq!(of(Level::Warning, "data.split.validation = 0.01"), []);
    warns("training.batch_size = 3\nmodel.norm.kind = \"batch\"", "a batch of 2 rows", 2);
    warns("training.optimizer.kind = \"rprop\"", "`rprop` goes by the sign", 2);
    assert_eq!(
        of(Level::Warning, "training.optimizer.kind = \"rprop\"\ntraining.batch_size = \"full\""),
        []
    );
}

#[test]
fn test_metrics_without_a_test_split_are_a_warning_where_they_were_asked_for() {
    warns("data.split.test = 0\nevaluation.test = true", "there is no test split", 3);
    assert_eq!(of(Level::Warning, "data.split.test = 0"), []);
    let notes = of(Level::Note, "data.split.test = 0");
    assert!(notes.iter().any(|(text, line)| text.contains("no test split") && *line == 2));
}

#[test]
fn without_a_test_split_it_is_said_what_arms_are_compared_by() {
    let says = |text: &str, ending: &str| {
        let found = found(text);
        let has = |finding: &Finding| finding.about.message().contains("no test split");
        let finding = found.iter().find(|finding| has(finding)).unwrap();
        assert!(finding.about.message().ends_with(ending), "{finding}");
    };
    let none = "data.split.test = 0\n";
    let patient = "early_stopping.kind = \"patience\"\n";
    says(none, "compared by `val_loss`");
    says(
        &format!("{none}{patient}"),
        "`val_loss`, and the validation split chose weights among them",
    );
    says(&format!("{none}{patient}early_stopping.restore_best = false"), "compared by `val_loss`");
    says(
        &format!("{none}data.split.validation = 0"),
        "`train_loss`, which says nothing of new rows",
    );
}

#[test]
fn what_the_results_will_not_tell_is_noted() {
    let arms = "[matrix]\n\"model.norm.kind\" = [\"none\", \"batch\"]\n";
    let has = |text: &str, message: &str| {
        of(Level::Note, text).iter().any(|(text, _)| text.contains(message))
    };
    assert!(has(arms, "1 seed gives no interval and no p-value"));
    assert!(has(&format!("{arms}seed = \"0..4\""), "4 seeds give no p-value"));
    assert!(!has(&format!("{arms}seed = \"0..6\""), "p-value"));
    assert!(has(arms, "train at one learning rate"));
    assert!(!has(&format!("{arms}\"training.optimizer.lr\" = [0.1, 0.01]"), "learning rate"));
    let tuned = format!("{arms}[tune]\n\"training.optimizer.lr\" = [0.1, 0.01]");
    assert!(!has(&tuned, "learning rate"));
    // Another factor of the training does not vary the rate.
    assert!(has(
        &format!("{arms}\"training.batch_size\" = [16, 32]"),
        "train at one learning rate"
    ));
}

#[test]
fn an_engine_that_stands_in_is_said_once_for_all_trainings_that_it_trains() {
    let text = "data.source = \"digits\"\n[matrix]\n\
                \"model.norm\" = [{ kind = \"none\" }, { kind = \"batch\" }, { kind = \"batch\", eps = 1e-3 }]\n\
                \"training.optimizer.lr\" = [0.1, 0.01]\nseed = \"0..3\"";
    let experiment =
        Experiment::parse("a.toml", text, Path::new(""), &Overrides::default()).unwrap();
    let prepared =
        PreparedExperiment::new(&experiment, &mut DatasetCache::of(&experiment), usize::MAX)
            .unwrap();
    let mut findings = Findings::new(&experiment);
    let with_batch = |training: &&PreparedTraining| training.config.model.norm.kind() == "batch";
    let trainings = prepared.all_trainings();
    let lacking = trainings.iter().filter(with_batch).map(|one| (one, Lacking("batch")));
    engine::stand_ins(lacking, &mut findings);
    let findings = findings.sorted();
    let [Finding { level: Level::Warning, about }] = &findings[..] else {
        panic!("one warning: {findings:?}")
    };
    let said = "bnes's own engine does not have the norm `batch`: candle's autograd stands in";
    assert!(about.message().starts_with(said), "{}", about.message());
    assert_eq!(about.position().map(|(line, _)| line), Some(3));
}
