//! `bnes predict`: the weights kept, on other rows.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::common::{Place, json, stderr};

/// A table of every kind of column, with a split of its own.
fn rows() -> Vec<Vec<String>> {
    let cell = |missing: bool, value: String| if missing { String::new() } else { value };
    (0_u32..180)
        .map(|at| {
            let (a, b) = (f64::from(at * 37 % 180) / 7.0, f64::from(at * 11 % 53) - 20.0);
            let colour = ["red", "green", "blue"][at as usize * 7 % 3];
            let class = ["no", "yes"][usize::from(a + b > 10.0)];
            let third = ["low", "middle", "high"][usize::from(b > -5.0) + usize::from(b > 12.0)];
            let split = ["train", "train", "train", "valid", "test"][at as usize % 5];
            vec![
                a.to_string(),
                cell(at % 9 == 4, b.to_string()),
                cell(at % 13 == 3, colour.to_owned()),
                split.to_owned(),
                format!("{}", a * 3.0 - b),
                format!("{}", 1e6 + a * b),
                third.to_owned(),
                class.to_owned(),
            ]
        })
        .collect()
}

const NAMES: [&str; 8] = ["a", "b", "colour", "split", "y1", "y2", "third", "class"];

/// A CSV of some columns of these rows.
fn csv(rows: &[Vec<String>], columns: &[&str]) -> String {
    let place = |name: &&str| NAMES.iter().position(|own| own == name);
    let line = |row: &Vec<String>| {
        let cells = columns.iter().map(|name| place(name).map_or("?", |at| row[at].as_str()));
        cells.collect::<Vec<_>>().join(",") + "\n"
    };
    columns.join(",") + "\n" + &rows.iter().map(line).collect::<String>()
}

/// A place with the table, its test rows in other columns' company, and a config.
fn place(config: &str) -> Place {
    let place = Place::new();
    let rows = rows();
    let test: Vec<Vec<String>> = rows.iter().filter(|row| row[3] == "test").cloned().collect();
    place.write("all.csv", &csv(&rows, &NAMES));
    let reordered = ["third", "b", "other", "y2", "class", "colour", "a", "y1"];
    place.write("test.csv", &csv(&test, &reordered));
    let common = "data.source = \"all.csv\"\ndata.split.column = \"split\"\nmodel.hidden = [12, 8]\n\
                  training.epochs = 3\n";
    place.write("c.toml", &format!("{common}{config}"));
    place.succeeds(&["run", "--config", "c.toml", "--quiet"]);
    place
}

fn predict(place: &Place, weights: &Path, rest: &[&str]) -> Output {
    let weights = weights.display().to_string();
    let output = place.bnes(&[&["predict", weights.as_str()], rest].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Holds the metrics on the test rows, bit for bit, against those in `run.json`; how many trainings there were.
fn metrics_are_those_recorded(place: &Place, data: &str) -> usize {
    let trainings = place.trainings("results/c");
    for training in &trainings {
        let record = json(&training.join("run.json"));
        let recorded = record["arms"][0]["metrics"].as_object().unwrap();
        let weights = training.join(record["arms"][0]["weights"].as_str().unwrap());
        predict(place, &weights, &["--data", data, "--metrics", "m.json"]);
        let measured = json(&place.path("m.json"));
        let mut compared = 0;
        for (name, value) in recorded {
            if let Some(name) = name.strip_prefix("test_") {
                assert_eq!(&measured[name], value, "{name} of {}", training.display());
                compared += 1;
            }
        }
        assert!(compared > 3 && measured.as_object().unwrap().len() == compared + 1);
    }
    trainings.len()
}

#[test]
fn test_rows_are_predicted_as_they_were_measured_whatever_the_norm() {
    let common =
        "data.drop = [\"y1\", \"y2\", \"third\"]\nmodel.dropout = 0.2\nmodel.norm.groups = 4\n";
    let before = place(&format!(
        "{common}[matrix]\n\"model.norm.kind\" = [\"none\", \"batch\", \"layer\", \"group\", \"rms\", \
         \"weight\", \"mean_only_batch\", \"batch_renorm\", \"ghost_batch\"]\n"
    ));
    assert_eq!(metrics_are_those_recorded(&before, "test.csv"), 9);
    let after = place(&format!(
        "{common}model.norm.placement = \"after_activation\"\n[matrix]\n\"model.norm.kind\" = [\"batch\", \
         \"layer\", \"group\", \"rms\", \"mean_only_batch\", \"batch_renorm\", \"ghost_batch\"]\n"
    ));
    assert_eq!(metrics_are_those_recorded(&after, "test.csv"), 7);
}

#[test]
fn test_rows_are_predicted_as_they_were_measured_whatever_the_loss_and_the_activation() {
    let drop = "data.drop = [\"y1\", \"y2\", \"third\"]\nmodel.norm.kind = \"batch\"\n";
    let of_two = place(&format!(
        "{drop}[matrix]\n\"training.loss\" = [\"cross_entropy\", \"mse\", \"bce\"]\n\
         \"model.norm.at\" = [[\"hidden\"], [\"input\", \"hidden\"]]\n"
    ));
    assert_eq!(metrics_are_those_recorded(&of_two, "test.csv"), 6);
    let activations = "\"sigmoid\", \"tanh\", \"softsign\", \"gelu\", \"silu\", \"leaky_relu\", \"elu\", \
                       \"selu\", \"identity\"";
    let of_three = place(&format!(
        "data.target = \"third\"\ndata.drop = [\"y1\", \"y2\", \"class\"]\nmodel.norm.kind = \"layer\"\n\
         model.norm.eps_placement = \"std\"\n[matrix]\n\"model.activation\" = [{activations}]\n"
    ));
    assert_eq!(metrics_are_those_recorded(&of_three, "test.csv"), 9);
    let of_numbers = place(
        "data.target = [\"y1\", \"y2\"]\ndata.drop = [\"third\", \"class\"]\n[matrix]\n\
         \"data.standardize\" = [true, false]\n\"model.hidden\" = [[], [6]]\n",
    );
    assert_eq!(metrics_are_those_recorded(&of_numbers, "test.csv"), 4);
}

#[test]
fn neither_the_order_of_rows_nor_what_stands_beside_them_matters() {
    let place = place("data.drop = [\"y1\", \"y2\", \"third\"]\nmodel.norm.kind = \"batch\"\n");
    let training = &place.trainings("results/c")[0];
    let rows = rows();
    let lines = |rows: &[Vec<String>]| -> Vec<String> {
        place.write("rows.csv", &csv(rows, &["a", "b", "colour"]));
        let output = predict(&place, training, &["--data", "rows.csv", "--proba"]);
        assert!(stderr(&output).is_empty() || !stderr(&output).contains("accuracy"));
        stdout(&output).lines().skip(1).map(str::to_owned).collect()
    };
    let all = lines(&rows);
    assert_eq!(all.len(), 180);
    let reversed: Vec<Vec<String>> = rows.iter().rev().cloned().collect();
    assert_eq!(lines(&reversed), all.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!([lines(&rows[..1]), lines(&rows[1..77]), lines(&rows[77..])].concat(), all);
    // Enough rows for several blocks, and beyond those that a training keeps in 64 bits.
    let many: Vec<Vec<String>> = rows.iter().cycle().take(180 * 200).cloned().collect();
    assert_eq!(lines(&many), all.iter().cycle().take(180 * 200).cloned().collect::<Vec<_>>());
}

#[test]
fn classes_values_and_probabilities_are_in_the_words_and_units_of_the_target() {
    let classes = place("data.drop = [\"y1\", \"y2\", \"class\"]\ndata.target = \"third\"\n");
    let training = &classes.trainings("results/c")[0];
    let output = predict(&classes, training, &["--data", "test.csv", "--proba"]);
    let text = stdout(&output);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("third,p_high,p_low,p_middle"));
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let shares: Vec<f64> = cells[1..].iter().map(|cell| cell.parse().unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        let likeliest = (0..3).max_by(|a, b| shares[*a].total_cmp(&shares[*b])).unwrap();
        assert_eq!(cells[0], ["high", "low", "middle"][likeliest]);
    }
    let json_lines = stdout(&predict(
        &classes,
        training,
        &["--data", "test.csv", "--proba", "--format", "json"],
    ));
    let first: Value = serde_json::from_str(json_lines.lines().next().unwrap()).unwrap();
    let line: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(first["third"], line[0]);
    assert_eq!(first["probabilities"]["low"], line[2].parse::<f64>().unwrap());
    let numbers = place("data.drop = [\"third\", \"class\", \"y1\"]\ndata.target = \"y2\"\n");
    let training = &numbers.trainings("results/c")[0];
    predict(&numbers, training, &["--data", "test.csv", "--output", "p.csv"]);
    let written = fs::read_to_string(numbers.path("p.csv")).unwrap();
    assert!(written.starts_with("y2\n"), "{written}");
    let near = |line: &str| (line.parse::<f64>().unwrap() - 1e6).abs() < 5e3;
    assert!(written.lines().skip(1).all(near), "{written}");
    let weights = training.display().to_string();
    let refused = numbers.fails(2, &["predict", &weights, "--data", "test.csv", "--proba"]);
    assert!(refused.contains("--proba is for classes"), "{refused}");
}

#[test]
fn what_does_not_suit_the_network_is_named() {
    let place = place("data.drop = [\"y1\", \"y2\", \"third\"]\n");
    let training = place.trainings("results/c")[0].display().to_string();
    let fails = |text: &str| {
        place.write("new.csv", text);
        place.fails(1, &["predict", &training, "--data", "new.csv"])
    };
    let told = fails("colour,x\nred,1\n");
    assert!(
        told.contains("the columns `a`, `b` were trained on and cannot be found here"),
        "{told}"
    );
    // Of a file without names the first line is taken for them.
    assert!(fails("1,2,red\n1,2,red\n").contains("`a`, `b`, `colour` were trained on"));
    assert!(fails("a,b,colour\n").contains("no row below it"));
    let told = fails("a,b,colour\n1,2,red\n1,oops,red\n");
    assert!(told.contains("line 3 (row 2), column `b`: `oops` is not a finite number"), "{told}");
    // Levels, classes and missing cells that were not there in training are told.
    place.write(
        "new.csv",
        ",a,b,colour,class\n0,1,2,red,yes\n1,,2,pink,no\n2,3,NA,,maybe\n3,4,1,red,\n",
    );
    let output = place.bnes(&["predict", &training, "--data", "new.csv"]);
    let told = stderr(&output);
    assert_eq!(stdout(&output).lines().count(), 5);
    for part in [
        "`colour`: 1 cell of 1 level that no training row had, taken as \"other\": `pink`",
        "`a`: 1 missing cell, taken as",
        "`class`: 1 row of classes that the network does not know, left out of the metrics: `maybe`",
        "2 rows with `class`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for (file, why) in [
        ("./new.csv".to_owned(), "which holds the rows to predict"),
        (format!("{training}/run.json"), "which is a file of the results"),
    ] {
        let told = place.fails(2, &["predict", &training, "--data", "new.csv", "--output", &file]);
        assert!(told.contains(why), "{told}");
    }
    fs::write(place.path("all.weights"), "x").unwrap();
    assert!(
        place.fails(2, &["predict", "all.weights", "--data", "new.csv"]).contains("weights-EPOCH")
    );
    assert!(
        place
            .fails(2, &["predict", "results/c", "--data", "new.csv"])
            .contains("1 trainings: name one")
    );
    let copy = place.path("elsewhere");
    fs::create_dir(&copy).unwrap();
    let weights = Path::new(&training).join("weights-3.safetensors");
    fs::copy(&weights, copy.join("weights-3.safetensors")).unwrap();
    let told = place.fails(1, &["predict", "elsewhere/weights-3.safetensors", "--data", "new.csv"]);
    assert!(told.contains("no run.json of a training beside it"), "{told}");
    // A weight with another last bit is a weight, too.
    let mut flipped = fs::read(&weights).unwrap();
    let whole = flipped.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&weights, flipped).unwrap();
    let told = place.fails(1, &["predict", &training, "--data", "new.csv"]);
    assert!(told.contains("its bytes do not match their checksum"), "{told}");
    fs::write(&weights, whole).unwrap();
    for length in [0, 7, 100, 1900] {
        let bytes = fs::read(&weights).unwrap();
        fs::write(&weights, &bytes[..length]).unwrap();
        let told = place.fails(1, &["predict", &training, "--data", "new.csv"]);
        assert!(told.contains("weights-3.safetensors"), "{told}");
        fs::write(&weights, bytes).unwrap();
    }
}

#[test]
fn arms_that_keep_different_weights_are_told_apart_by_where() {
    let place = place(
        "data.drop = [\"y1\", \"y2\", \"third\"]\n[matrix]\nearly_stopping = [{ kind = \"none\" }, \
         { kind = \"patience\", patience = 1, min_delta = 9.0 }]\n",
    );
    let training = place.trainings("results/c")[0].display().to_string();
    let arms = json(&Path::new(&training).join("run.json"))["arms"].clone();
    assert_ne!(arms[0]["weights"], arms[1]["weights"]);
    let told = place.fails(2, &["predict", &training, "--data", "test.csv"]);
    assert!(
        told.contains("choose one by --where") && told.contains("early_stopping=patience"),
        "{told}"
    );
    for arm in [0, 1] {
        let level =
            format!("early_stopping={}", arms[arm]["factors"]["early_stopping"].as_str().unwrap());
        let weights = format!("{training}/{}", arms[arm]["weights"].as_str().unwrap());
        assert_eq!(
            place.succeeds(&[
                "predict", &training, "--where", &level, "--data", "test.csv", "--proba"
            ]),
            place.succeeds(&["predict", &weights, "--data", "test.csv", "--proba"]),
        );
    }
    let told = place.fails(2, &["predict", &training, "--where", "seed=1", "--data", "test.csv"]);
    assert!(told.contains("no arm is at seed=1"), "{told}");
    // An archive is read as folders are.
    let before = place.succeeds(&[
        "predict",
        &training,
        "--where",
        "early_stopping=none",
        "--data",
        "test.csv",
    ]);
    place.succeeds(&["pack", "results"]);
    assert!(!Path::new(&training).exists());
    assert_eq!(
        place.succeeds(&[
            "predict",
            &training,
            "--where",
            "early_stopping=none",
            "--data",
            "test.csv"
        ]),
        before
    );
}

#[test]
fn rows_come_from_every_format_and_from_files_without_names() {
    let place = place("data.drop = [\"y1\", \"y2\", \"third\", \"colour\"]\n");
    let training = place.trainings("results/c")[0].display().to_string();
    let predicted = |file: &str| place.succeeds(&["predict", &training, "--data", file, "--proba"]);
    let rows = rows();
    place.write("t.csv", &csv(&rows, &["a", "b"]));
    let expected = predicted("t.csv");
    let line = |row: &Vec<String>| {
        format!(
            "{{\"b\": {}, \"a\": {}}}\n",
            if row[1].is_empty() { "null" } else { &row[1] },
            row[0]
        )
    };
    place.write("t.jsonl", &rows.iter().map(line).collect::<String>());
    let line = |row: &Vec<String>| {
        format!("{},{}\n", row[0], if row[1].is_empty() { "?" } else { &row[1] })
    };
    let body = rows.iter().map(line).collect::<String>();
    place.write(
        "t.arff",
        &format!("@relation t\n@attribute a numeric\n@attribute b real\n@data\n{body}"),
    );
    place.write("t.tsv", &csv(&rows, &["b", "a"]).replace(',', "\t"));
    for file in ["t.jsonl", "t.arff", "t.tsv"] {
        assert_eq!(predicted(file), expected, "{file}");
    }
    // Without names columns are those of their places, in training and here.
    let nameless = |columns: &[&str]| csv(&rows, columns).split_once('\n').unwrap().1.to_owned();
    place.write("n.csv", &nameless(&["a", "b", "class"]));
    place.write("n.toml", "data.source = \"n.csv\"\nmodel.hidden = [4]\ntraining.epochs = 1\n");
    place.succeeds(&["run", "--config", "n.toml", "--quiet"]);
    let training = place.trainings("results/n")[0].display().to_string();
    place.write("n2.csv", &nameless(&["a", "b"]));
    let by_place = place.succeeds(&["predict", &training, "--data", "n2.csv", "--proba"]);
    let output = place.bnes(&["predict", &training, "--data", "t.csv", "--proba"]);
    assert_eq!(stdout(&output), by_place);
    assert!(stderr(&output).contains("taken by their place"), "{}", stderr(&output));
    // A libsvm file leaves out what is 0, even where no row has anything else.
    let sparse = |row: &Vec<String>| format!("{} 1:{} 2:1\n", i32::from(row[7] == "yes"), row[0]);
    place
        .write("s.libsvm", &rows.iter().map(sparse).collect::<String>().replacen("2:1", "2:0", 60));
    place.write("s.toml", "data.source = \"s.libsvm\"\nmodel.hidden = [4]\ntraining.epochs = 1\n");
    place.succeeds(&["run", "--config", "s.toml", "--quiet"]);
    let training = place.trainings("results/s")[0].display().to_string();
    place.write("s1.libsvm", "0 1:3.5\n1 1:9.25\n");
    place.write("s1.csv", "x1,x2\n3.5,0\n9.25,0\n");
    assert_eq!(
        place.succeeds(&["predict", &training, "--data", "s1.libsvm", "--proba"]),
        place.succeeds(&["predict", &training, "--data", "s1.csv", "--proba"]),
    );
}

#[test]
fn images_are_predicted_as_they_were_measured() {
    let place = Place::new();
    place.write(
        "c.toml",
        "data.source = \"digits\"\nmodel.hidden = [16]\ntraining.epochs = 3\nmodel.norm.kind = \"batch\"\n\
         data.binarize = 0.4\n",
    );
    place.succeeds(&["run", "--config", "c.toml", "--quiet"]);
    let training = &place.trainings("results/c")[0];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let all = stdout(&predict(&place, training, &["--data", "digits", "--proba"]));
    let images = root.join("digits-images-idx3-ubyte.gz").display().to_string();
    let output = predict(&place, training, &["--data", &images, "--proba", "--metrics", "m.json"]);
    assert_eq!(stdout(&output), all);
    assert_eq!(json(&place.path("m.json"))["rows"], 1797);
    // The test rows among them are answered as often as recorded.
    let bytes = fs::read(training.join("test_rows.safetensors")).unwrap();
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    let header_text: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let tensor = |name: &str| {
        let offsets = &header_text[name]["data_offsets"];
        let at =
            |index: usize| 8 + header + usize::try_from(offsets[index].as_u64().unwrap()).unwrap();
        bytes[at(0)..at(1)].to_vec()
    };
    let rows: Vec<usize> = tensor("rows")
        .chunks_exact(8)
        .map(|row| usize::try_from(i64::from_le_bytes(row.try_into().unwrap())).unwrap())
        .collect();
    let losses: Vec<f32> = tensor("3.loss")
        .chunks_exact(4)
        .map(|loss| f32::from_le_bytes(loss.try_into().unwrap()))
        .collect();
    let right: Vec<bool> =
        tensor("3.accuracy").chunks_exact(4).map(|right| right != [0; 4]).collect();
    let lines: Vec<Vec<&str>> = all.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), lines.len()), (359, 1797));
    for ((row, loss), right) in rows.iter().zip(&losses).zip(right) {
        let answer: usize = lines[*row][0].parse().unwrap();
        // What a loss says of the class that is right.
        let share: f64 = (-f64::from(*loss)).exp();
        let given: f64 = lines[*row][1 + answer].parse().unwrap();
        assert_eq!((given - share).abs() < 1e-5, right, "row {row}");
    }
}
