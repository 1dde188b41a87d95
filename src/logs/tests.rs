//! The readings of example files, which their tools wrote, and what is common to all logs.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::mutation::{Random, mutate};
use super::*;

/// The example files; see `tests/logs/README.md`.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

fn trainings(text: &str, name: &str) -> Vec<Training> {
    of_bytes(text.as_bytes(), name).unwrap()
}

fn of_bytes(bytes: &[u8], name: &str) -> Result<Vec<Training>, LogError> {
    let drafts = read::read(input::Input::of_bytes(name, bytes)?)?;
    drafts
        .into_iter()
        .map(|draft| finished(draft, Nan::ByTool))
        .collect::<Result<Vec<_>, _>>()
        .map(|all| all.concat())
}

fn one(text: &str, name: &str) -> Training {
    let mut all = trainings(text, name);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

fn column(training: &Training, name: &str) -> Vec<Option<f64>> {
    training
        .table
        .column(name)
        .unwrap_or_else(|| panic!("{name}: {:?}", training.table.names()))
        .to_vec()
}

fn values(training: &Training, name: &str) -> Vec<f64> {
    column(training, name).into_iter().flatten().collect()
}

/// A value of `expected.json`.
fn expected(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    a == b || a.zip(b).is_some_and(|(a, b)| a.is_nan() && b.is_nan())
}

#[test]
fn example_files_read_as_the_parsers_of_their_tools_read_them() {
    let text = std::fs::read_to_string(examples().join("expected.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut faults = Vec::new();
    for entry in all.iter().filter(|entry| entry["trainings"].is_array()) {
        let file = entry["path"].as_str().unwrap();
        let wanted = entry["trainings"].as_array().unwrap();
        let found = read(&examples().join(file), Nan::ByTool);
        if wanted.is_empty() {
            assert_eq!(found.unwrap_err().fault, Fault::NoCurves, "{file}");
            continue;
        }
        let found = match found {
            Ok(found) => found.trainings,
            Err(error) => {
                faults.push(format!("{file}: {error}"));
                continue;
            }
        };
        if found.len() != wanted.len() {
            faults.push(format!("{file}: {} trainings", found.len()));
            continue;
        }
        for (training, wanted) in found.iter().zip(wanted) {
            if u64::try_from(training.table.len()).ok() != wanted["epochs"].as_u64() {
                faults.push(format!("{file}: {} epochs", training.table.len()));
            }
            for (name, cells) in wanted["columns"].as_object().unwrap() {
                let cells: Vec<Option<f64>> =
                    cells.as_array().unwrap().iter().map(expected).collect();
                let own = if name == "epoch" { training.own_epochs.as_deref() } else { None };
                let Some(read) = own.or_else(|| training.table.column(name)) else {
                    faults.push(format!("{file}: no `{name}`: {:?}", training.columns()));
                    continue;
                };
                // What was measured less often is listed without its empty cells, or from the first epoch on.
                let compact =
                    |cells: &[Option<f64>]| cells.iter().flatten().copied().collect::<Vec<_>>();
                let (a, b) = (compact(read), compact(&cells));
                let matches =
                    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(Some(*a), Some(*b)));
                let in_place =
                    read.len() != cells.len() || read.iter().zip(&cells).all(|(a, b)| same(*a, *b));
                if !matches || !in_place {
                    faults.push(format!("{file}: `{name}`: {read:?} for {cells:?}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn keras_csv_logger_files_read_as_ours() {
    let text = "epoch,accuracy,loss,val_accuracy,val_loss\n\
                0,0.5,1.25,0.6,1.5\n\
                1,0.75,0.5,0.7,nan\n";
    let training = one(text, "log.csv");
    assert_eq!(training.tool, "keras");
    assert_eq!(training.columns(), ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]);
    assert_eq!(column(&training, "train_accuracy"), column(&training, "accuracy"));
    assert_eq!(values(&training, "epoch"), [1.0, 2.0]);
    assert_eq!(training.own_epochs, Some(vec![Some(0.0), Some(1.0)]));
    assert_eq!(values(&training, "train_loss"), [1.25, 0.5]);
    assert!(training.table.cell("val_loss", 2).is_some_and(f64::is_nan), "it diverged");
}

#[test]
fn lightning_rows_of_an_epoch_become_one() {
    let text = "epoch,step,lr,train_loss_step,train_loss_epoch,val_loss\n\
                ,0,0.1,,,\n\
                0,9,,1.5,,\n\
                0,19,,1.25,,\n\
                0,19,,,,0.75\n\
                0,19,,,1.375,\n\
                ,20,0.05,,,\n\
                1,29,,1.0,,\n\
                1,39,,,,0.5\n\
                1,39,,,1.125,\n\
                ,40,0.025,,,\n";
    let training = one(text, "metrics.csv");
    assert_eq!(training.table.len(), 2);
    assert_eq!(values(&training, "val_loss"), [0.75, 0.5]);
    assert_eq!(values(&training, "train_loss"), [1.375, 1.125]);
    assert_eq!(values(&training, "train_loss_epoch"), [1.375, 1.125]);
    // Of what is measured each step, the mean over the epoch.
    assert_eq!(values(&training, "train_loss_step"), [1.375, 1.0]);
    assert_eq!(values(&training, "step"), [19.0, 40.0]);
}

#[test]
fn several_validations_an_epoch_are_counted() {
    let text = "epoch,step,train_loss,val_loss\n0,24,,1.4\n0,49,,1.2\n0,49,0.25,\n1,74,,1.0\n1,99,,0.9\n1,99,0.125,\n";
    let training = one(text, "metrics.csv");
    assert_eq!(values(&training, "val_loss"), [1.4, 1.2, 1.0, 0.9]);
    assert_eq!(column(&training, "train_loss"), [None, Some(0.25), None, Some(0.125)]);
    assert!(training.notes[0].contains("2 validations an epoch"), "{:?}", training.notes);
}

#[test]
fn a_test_metric_after_the_last_epoch_is_of_that_epoch_and_an_empty_row_is_one() {
    let training =
        one("epoch,step,val_loss,test_loss\n0,9,1.0,\n1,19,0.5,\n2,20,,0.75\n", "metrics.csv");
    assert_eq!(column(&training, "test_loss"), [None, Some(0.75)]);
    assert_eq!(one("epoch,val_loss\n0,1.0\n1,\n", "log.csv").table.len(), 2);
}

#[test]
fn what_keras_did_not_measure_is_an_empty_cell() {
    let text = "epoch,loss,val_loss\r\n0,1.0,NA\r\n1,0.5,0.75\r\n2,0.25,NA\r\n";
    let training = one(text, "log.csv");
    assert_eq!(column(&training, "val_loss"), [None, Some(0.75), None]);
}

#[test]
fn a_column_of_text_is_set_aside_and_named() {
    let training = one("time,val_loss,note\n09:00,x5,a\n09:01,0.5,b\n", "log.csv");
    assert_eq!(training.table.names(), ["epoch"]);
    let messages: Vec<String> = training.not_numeric.iter().map(ToString::to_string).collect();
    assert_eq!(messages[1], "log.csv:2: column `val_loss`: `x5` is not a number");
    let decimal = one("epoch;val_loss\n0;1,5\n1;0,5\n", "log.csv");
    assert_eq!(values(&decimal, "val_loss"), [1.5, 0.5]);
}

#[test]
fn a_counter_that_returns_to_its_start_is_another_training() {
    let text = "epoch,loss,val_loss\n0,1,4\n1,1,3\n2,1,2\n0,1,7\n1,1,6\n";
    let all = trainings(text, "log.csv");
    assert_eq!(all.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["log#1", "log#2"]);
    assert_eq!(values(&all[0], "val_loss"), [4.0, 3.0, 2.0]);
    assert_eq!(values(&all[1], "val_loss"), [7.0, 6.0]);
    assert!(
        all[0].notes[0].contains("2 trainings in one log") && all[0].notes[0].contains("line 5")
    );
}

#[test]
fn a_counter_that_returns_to_the_middle_is_a_resume_whose_later_rows_win() {
    let text = "epoch,val_loss\n0,9\n1,8\n2,7\n3,6\n2,5\n3,4\n4,3\n";
    let training = one(text, "log.csv");
    assert_eq!(values(&training, "val_loss"), [9.0, 8.0, 5.0, 4.0, 3.0]);
    assert!(
        training.notes[0].starts_with("line 6: `epoch` goes back from 3 to 2, a resume"),
        "{:?}",
        training.notes
    );
}

#[test]
fn of_a_tool_that_writes_a_row_an_epoch_the_same_epoch_again_is_a_resume() {
    let training = one("epoch,loss,val_loss\n0,1,9\n1,1,8\n2,1,7\n2,1,6\n3,1,5\n", "log.csv");
    assert_eq!(values(&training, "val_loss"), [9.0, 8.0, 6.0, 5.0]);
    assert!(training.notes[0].starts_with("line 5: `epoch` is 2 once more, a resume"));
    // Of others it may be a second validation.
    let training = one("epoch,score,val_loss\n0,1,9\n1,1,8\n1,1,7\n", "log.csv");
    assert_eq!(values(&training, "val_loss"), [9.0, 8.0, 7.0]);
}

#[test]
fn a_log_that_begins_with_its_newest_row_is_turned_around() {
    let training = one("epoch,val_loss\n3,1\n2,2\n1,3\n0,4\n", "log.csv");
    assert_eq!(values(&training, "val_loss"), [4.0, 3.0, 2.0, 1.0]);
    assert!(training.notes[0].contains("from the last row to the first"));
}

#[test]
fn a_repeated_header_is_passed_over_and_told() {
    let text = "epoch,loss,val_loss\n0,1,4\n1,1,3\nepoch,loss,val_loss\n2,1,2\n";
    let training = one(text, "log.csv");
    assert_eq!(values(&training, "val_loss"), [4.0, 3.0, 2.0]);
    assert!(training.notes[0].starts_with("line 4 repeats the header"));
    let text = "epoch,train_loss,valid_loss,time\n0,1,4,00:01\n1,1,3,00:01\nepoch,train_loss,valid_loss,time\n0,1,2,00:01\n1,1,1,00:01\n";
    assert_eq!(trainings(text, "history.csv").len(), 2);
}

#[test]
fn a_last_line_that_is_cut_short_is_left_out_and_never_a_number() {
    let whole = "epoch,loss,val_loss\n0,1.25,4.25\n1,1.25,3.75\n2,1.25,2.75\n";
    for length in whole.len() - 11..whole.len() {
        let training = one(&whole[..length], "log.csv");
        assert_eq!(values(&training, "val_loss"), [4.25, 3.75], "{:?}", &whole[..length]);
    }
    let told = one(&whole[..whole.len() - 2], "log.csv").notes.concat();
    assert!(told.contains("line 4, the last, has no line break"), "{told}");
    let lines = "{\"step\": 0, \"val_loss\": 1.0}\n{\"step\": 1, \"val_loss\": 0.5}\n{\"step\": 2, \"val_lo";
    let training = one(lines, "log.jsonl");
    assert_eq!(values(&training, "val_loss"), [1.0, 0.5]);
    assert!(training.notes[0].contains("line 3, the last, is cut short"));
}

#[test]
fn a_table_with_a_row_too_short_in_its_middle_is_refused_with_the_line() {
    let error = of_bytes(b"epoch,loss,val_loss\n0,1,4\n1,1\n2,1,2\n", "log.csv").unwrap_err();
    assert_eq!(error.to_string(), "log.csv:3: 2 cells where the header has 3");
    let error = of_bytes(b"epoch,a,a\n", "log.csv").unwrap_err();
    assert_eq!(error.to_string(), "log.csv:1: column `a` appears twice");
}

#[test]
fn a_nan_that_finite_values_follow_is_not_measured_in_tables_and_diverged_elsewhere() {
    let table = one(
        "epoch,loss,val_loss\n0,1.5,nan\n1,1.2,1.4\n2,1.0,nan\n3,0.9,1.1\n4,0.8,nan\n",
        "log.csv",
    );
    assert_eq!(column(&table, "val_loss")[..4], [None, Some(1.4), None, Some(1.1)]);
    assert!(table.table.cell("val_loss", 5).is_some_and(f64::is_nan), "nothing finite follows");
    assert!(
        table.notes[0].contains("NaN in line 2 and finite later, taken as not measured"),
        "{:?}",
        table.notes
    );
    let json = one("{\"loss\": [1, 2], \"val_loss\": [NaN, 1.5]}", "history.json");
    assert!(json.table.cell("val_loss", 1).is_some_and(f64::is_nan));
    assert!(json.notes[0].contains("--nan missing"), "{:?}", json.notes);
}

#[test]
fn tables_of_one_row_a_run_are_refused_with_the_way_to_curves() {
    for (table, way) in [
        ("number,value,datetime_start,params_lr,state\n0,0.5,x,0.1,COMPLETE\n", "study.db"),
        (
            "\"Name\",\"State\",\"val_loss\"\n\"a\",\"finished\",\"0.5\"\n\"b\",\"finished\",\"0.4\"\n",
            "run.history()",
        ),
        ("run_id,experiment_id,status,metrics.val_loss\na,0,FINISHED,0.5\n", "mlruns"),
        ("mean_fit_time,param_alpha,mean_test_score\n0.1,0.5,0.9\n", "loss_curve_"),
        ("trial_id,training_iteration,val_loss\na,10,0.5\nb,10,0.4\n", "epoch by epoch"),
    ] {
        let error = of_bytes(table.as_bytes(), "runs.csv").unwrap_err();
        assert_eq!(error.fault, Fault::NoCurves, "{error}");
        assert!(error.problem.contains(way), "{error}");
    }
}

#[test]
fn a_long_table_has_a_curve_a_key_and_a_training_a_run() {
    let text = "key,value,timestamp,step\nval_loss,1.4,1700,0\ntrain_loss,1.5,1700,0\nval_loss,1.1,1701,1\ntrain_loss,1.2,1701,1\n";
    let training = one(text, "history.csv");
    assert_eq!(values(&training, "val_loss"), [1.4, 1.1]);
    assert_eq!(values(&training, "train_loss"), [1.5, 1.2]);
    let ours = "experiment,norm,seed,epoch,split,metric,value\n\
                e,none,0,1,train,loss,2.0\ne,none,0,1,validation,loss,1.0\ne,none,0,2,train,loss,1.5\ne,none,0,2,validation,loss,0.5\n\
                e,batch,0,1,train,loss,3.0\ne,batch,0,1,validation,loss,1.25\ne,batch,0,2,train,loss,2.5\ne,batch,0,2,validation,loss,0.75\n";
    let all = trainings(ours, "curves.csv");
    assert_eq!(all.len(), 2);
    assert_eq!(values(&all[1], "val_loss"), [1.25, 0.75]);
    assert_eq!((all[1].parameters["norm"].as_str(), all[1].seed()), (Some("batch"), Some(0)));
}

#[test]
fn runs_in_one_table_are_told_apart_by_the_column_that_names_them() {
    let text = "training,epoch,val_loss\na,1,3.0\na,2,2.0\nb,1,1.0\nb,2,0.5\n";
    let all = trainings(text, "curves.csv");
    assert_eq!(all.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(values(&all[1], "val_loss"), [1.0, 0.5]);
}

#[test]
fn keras_histories_with_validation_freq_get_their_positions_back_or_are_refused() {
    let training = one("{\"loss\": [5, 4, 3, 2, 1], \"val_loss\": [0.5, 0.25]}", "history.json");
    assert_eq!(column(&training, "val_loss"), [None, Some(0.5), None, Some(0.25), None]);
    let error = of_bytes(b"{\"loss\": [5, 4, 3, 2, 1], \"val_loss\": [1, 2, 3]}", "history.json");
    assert!(error.unwrap_err().problem.contains("`val_loss` has 3 values where `loss` has 5"));
}

#[test]
fn trainer_rows_before_an_evaluation_are_averaged_and_the_summary_is_no_point() {
    let text = "{\"log_history\": [{\"epoch\": 0.5, \"loss\": 2.0, \"step\": 5}, {\"epoch\": 0.9, \"loss\": 1.0, \"step\": 9},\
        {\"epoch\": 1.0, \"eval_loss\": 0.5, \"step\": 10}, {\"epoch\": 2.0, \"eval_loss\": NaN, \"step\": 20},\
        {\"epoch\": 2.0, \"step\": 20, \"train_loss\": 9.0, \"train_runtime\": 1.0}], \"num_train_epochs\": 3, \"epoch\": 2.0,\
        \"stateful_callbacks\": {\"EarlyStoppingCallback\": {\"args\": {\"early_stopping_patience\": 3}}}}";
    let training = one(text, "trainer_state.json");
    assert_eq!(column(&training, "train_loss"), [Some(1.5), None]);
    assert!(training.table.cell("eval_loss", 2).is_some_and(f64::is_nan));
    assert_eq!(training.ended, Some(Ended::Stopped));
    assert_eq!(training.declared[0]["early_stopping_patience"], 3);
}

#[test]
fn what_boosters_print_is_read() {
    let found = read(&examples().join("lightgbm/train.log"), Nan::ByTool).unwrap().trainings;
    assert_eq!(values(&found[0], "iteration"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(values(&found[0], "valid_0.auc")[5], 0.993_787);
    let found = read(&examples().join("xgboost/train.log"), Nan::ByTool).unwrap().trainings;
    assert_eq!(values(&found[0], "valid-logloss")[5], 0.196_83);
}

/// Of `TensorBoard`, what `expected.json` has per run and tag: steps and values.
#[test]
fn event_files_read_as_tensorboard_reads_them() {
    let text = std::fs::read_to_string(examples().join("expected.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut checked = 0;
    for entry in all.iter().filter(|entry| entry["runs"].is_object()) {
        let folder = examples().join(entry["path"].as_str().unwrap());
        let found = read(&folder, Nan::ByTool).unwrap().trainings;
        assert_eq!(found.len(), 1, "{found:#?}");
        for (run, tags) in entry["runs"].as_object().unwrap() {
            for (tag, points) in tags.as_object().unwrap() {
                if tag.ends_with("_vs_iterations") {
                    continue;
                }
                let name = if run == "." { tag.clone() } else { format!("{run}/{tag}") };
                let (cells, steps) = (column(&found[0], &name), column(&found[0], "step"));
                let read = steps.iter().zip(&cells).filter(|(_, cell)| cell.is_some());
                let wanted = points.as_array().unwrap();
                assert_eq!(read.clone().count(), wanted.len(), "{name}");
                for ((step, cell), wanted) in read.zip(wanted) {
                    assert!(
                        same(*step, expected(&wanted[0])) && same(*cell, expected(&wanted[1])),
                        "{name}"
                    );
                    checked += 1;
                }
            }
        }
    }
    assert_eq!(checked, 41);
    let found = read(&examples().join("tensorboard/torch"), Nan::ByTool).unwrap().trainings;
    assert!(!found[0].parameters.is_empty(), "of add_hparams");
    let found = read(&examples().join("tensorboard/keras"), Nan::ByTool).unwrap().trainings;
    assert_eq!(found[0].monitor.as_deref(), Some("validation/epoch_loss"));
}

#[test]
fn an_event_file_in_the_middle_of_a_record_is_read_up_to_there_and_a_wrong_checksum_names_its_offset()
 {
    let dir = examples().join("tensorboard/keras/validation");
    let file = std::fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    let cut = of_bytes(&whole[..whole.len() - 3], "events.out.tfevents.1").unwrap();
    assert!(cut[0].notes[0].contains("read up to there"), "{:?}", cut[0].notes);
    let mut flipped = whole.clone();
    flipped[100] ^= 1;
    let error = of_bytes(&flipped, "events.out.tfevents.1").unwrap_err().to_string();
    assert!(error.contains("byte 78") && error.contains("checksum"), "{error}");
    let file = examples().join("wandb/run-qns7jtp4.wandb");
    let mut whole = std::fs::read(file).unwrap();
    let cut = of_bytes(&whole[..whole.len() - 3], "run.wandb").unwrap();
    assert!(cut[0].notes.concat().contains("read up to there"), "{:?}", cut[0].notes);
    whole[60] ^= 1;
    let read = of_bytes(&whole, "run.wandb").unwrap();
    assert!(read[0].notes[0].starts_with("byte 7: a record does not match"), "{:?}", read[0].notes);
    whole[100..].iter_mut().for_each(|byte| *byte ^= 1);
    assert_eq!(of_bytes(&whole, "run.wandb").unwrap_err().fault, Fault::Damaged);
}

#[test]
fn stores_of_trackers_hold_parameters_and_how_runs_ended() {
    for store in ["mlflow/mlflow.db", "mlflow/mlruns"] {
        let found = read(&examples().join(store), Nan::ByTool).unwrap().trainings;
        assert_eq!(
            found.iter().map(Training::seed).collect::<Vec<_>>(),
            [Some(0), Some(1)],
            "{store}"
        );
        assert_eq!(found[0].parameters["lr"], 0.001);
        assert_eq!(found[1].ended, Some(Ended::Completed));
    }
    let found = read(&examples().join("optuna/study.db"), Nan::ByTool).unwrap().trainings;
    assert_eq!(found[1].parameters["norm"], "batch");
    assert_eq!(found[2].ended, Some(Ended::Stopped), "pruned");
    assert_eq!(found[0].directions, [("intermediate".to_owned(), false)]);
    let found = read(&examples().join("trackio"), Nan::ByTool).unwrap().trainings;
    assert_eq!((found[0].seed(), found[0].parameters["norm"].as_str()), (Some(0), Some("none")));
    let found = read(&examples().join("wandb/run-qns7jtp4.wandb"), Nan::ByTool).unwrap().trainings;
    assert_eq!((found[0].seed(), found[0].ended), (Some(0), Some(Ended::Completed)));
    let journal = "{\"op_code\":0,\"study_name\":\"s\",\"directions\":[2]}\n{\"op_code\":4,\"study_id\":0}\n\
        {\"op_code\":5,\"trial_id\":0,\"param_name\":\"n\",\"param_value_internal\":3.0,\"distribution\":\"{\\\"name\\\": \\\"IntDistribution\\\"}\"}\n\
        {\"op_code\":7,\"trial_id\":0,\"step\":0,\"intermediate_value\":0.5}\n{\"op_code\":7,\"trial_id\":0,\"step\":1,\"intermediate_value\":NaN}\n\
        {\"op_code\":6,\"trial_id\":0,\"state\":2}\n";
    let training = one(journal, "journal.log");
    assert_eq!((training.name.as_str(), training.ended), ("trial 0", Some(Ended::Stopped)));
    assert_eq!(training.directions, [("intermediate".to_owned(), true)]);
    assert_eq!(training.parameters["n"], 3);
    assert_eq!(training.table.cell("intermediate", 1), Some(0.5));
}

#[test]
fn a_folder_is_searched_and_names_tell_trainings_apart() {
    let found = read(&examples().join("ray"), Nan::ByTool).unwrap().trainings;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].seed(), Some(0));
    assert!(found[0].path.ends_with("result.json"));
    let found = read(&examples().join("catboost"), Nan::ByTool).unwrap().trainings;
    assert_eq!((found.len(), found[0].monitor.as_deref()), (1, Some("test.AUC")));
    let found = read(&examples().join("huggingface"), Nan::ByTool).unwrap().trainings;
    assert_eq!(found.len(), 1, "a checkpoint holds a part of the same");
    let found = read(&examples().join("sacred"), Nan::ByTool).unwrap().trainings;
    assert_eq!((found[0].name.as_str(), found[0].seed()), ("1", Some(830_193_061)));
    let dir = tempfile::tempdir().unwrap();
    for run in ["a", "b"] {
        std::fs::create_dir(dir.path().join(run)).unwrap();
        std::fs::write(dir.path().join(run).join("log.csv"), "epoch,val_loss\n0,1\n1,2\n").unwrap();
    }
    std::fs::write(dir.path().join("iris.csv"), "width,length\n1,2\n").unwrap();
    std::fs::write(dir.path().join("package.json"), "{\"name\": \"x\"}").unwrap();
    let mut found = read(dir.path(), Nan::ByTool).unwrap();
    assert_eq!((found.trainings.len(), found.problems.len()), (2, 0), "{found:?}");
    tell_apart(&mut found.trainings);
    assert!(found.trainings[0].name.ends_with("a/log.csv"), "{}", found.trainings[0].name);
}

#[test]
fn packed_files_are_unpacked() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"epoch,val_loss\n0,1\n1,2\n").unwrap();
    let packed = packed.finish().unwrap();
    let found = of_bytes(&packed, "log.csv.gz").unwrap();
    assert_eq!((found[0].name.as_str(), values(&found[0], "val_loss")), ("log", vec![1.0, 2.0]));
    assert!(of_bytes(&packed[..packed.len() - 9], "log.csv.gz").is_err());
}

#[test]
fn more_values_than_a_file_can_hold_are_refused() {
    // Every line has a column of its own: the table would be the square of the file.
    let lines = (0..20_000).fold(String::new(), |all, at| all + &format!("{{\"a{at}\":1}}\n"));
    let error = of_bytes(lines.as_bytes(), "log.jsonl").unwrap_err();
    assert!(error.problem.contains("more rows and values than fit"), "{error}");
}

/// The example files one by one.
fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn no_cut_and_no_flipped_byte_of_any_example_makes_a_reader_panic() {
    let mut paths = Vec::new();
    files(&examples(), &mut paths);
    assert!(paths.len() > 40, "{paths:?}");
    for path in paths {
        let whole = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // Larger files at fewer places.
        let places = if whole.len() > 20_000 { 60 } else { 300 };
        for place in 0..places {
            let at = place * whole.len() / places;
            let _ = of_bytes(&whole[..at], &name);
            let mut flipped = whole.clone();
            for flip in [1, 0x80, 0xff] {
                flipped[at] ^= flip;
                let _ = of_bytes(&flipped, &name);
            }
        }
    }
}

/// By hand: `.ci/fuzz-logs`.
#[test]
#[ignore = "takes a quarter of an hour"]
fn mutated_examples_make_no_reader_panic_or_hang() {
    let asked = std::env::var("FUZZ_LOGS").ok().and_then(|n| n.parse().ok());
    let executions: usize = asked.unwrap_or(100);
    let mut paths = Vec::new();
    files(&examples(), &mut paths);
    let mut random = Random::new(0);
    for path in &paths {
        let whole = std::fs::read(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut slowest = std::time::Duration::ZERO;
        for _ in 0..executions {
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            let begun = std::time::Instant::now();
            let _ = of_bytes(&bytes, name);
            slowest = slowest.max(begun.elapsed());
        }
        let told = format!("{}: {executions} executions, the slowest {slowest:?}", path.display());
        crate::console::eprintln(told);
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "[a-z0-9,;:{}\\[\\]\"\n\t. -]{0,80}") {
        let _ = of_bytes(text.as_bytes(), "log.csv");
    }
}
