//! Tables as people have them: levels, missing cells, splits that came along, files without header.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::super::{ColumnKind, ColumnRole, Dataset, Inputs, Source, Targets};
use super::{doubts, labels, names, opened, row, taken};
use crate::config::data::{DataConfig, Target};
use crate::seed::Seed;

/// A split column gives the training rows, so that what is learnt is known.
const MIXED: &str = "\
split,size,colour,weight,y
train,1,red,,a
train,,blue,5,b
train,3,?,5,a
Train,5,red,5,b
valid,NA,green,7,a
VALIDATION,2,,,b
val,2,blue,5,b
test,4,red,9,a
";

fn mixed(edit: impl Fn(&mut DataConfig)) -> Result<Dataset, String> {
    taken("t.csv", MIXED.as_bytes(), |config| {
        config.split.column = Some("split".to_owned());
        edit(config);
    })
}

#[test]
fn levels_missing_cells_and_scales_are_learnt_on_the_training_rows() {
    let dataset = mixed(|_| ()).unwrap();
    assert_eq!(
        dataset.summary,
        "t.csv: 8 rows, 7 inputs, to predict: `y`, 2 classes (task inferred: classification); train 4, validation 3, test 1 (as given)"
    );
    assert_eq!(
        doubts(&dataset),
        [
            "taken only for whether they hold something, as they are constant over the training rows where they do: `weight`",
            "levels that no training row has, taken as \"other\": `colour`",
        ]
    );
    // size, size missing; blue, red, missing, other; weight missing.
    #[allow(clippy::cast_possible_truncation)]
    let scaled = |size: f64| ((size - 3.0) / (8.0_f64 / 3.0).sqrt()) as f32;
    assert_eq!(row(&dataset, 0), [scaled(1.0), 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    assert_eq!(row(&dataset, 1), [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(row(&dataset, 2), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(row(&dataset, 4), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(row(&dataset, 5), [scaled(2.0), 0.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
    assert_eq!(dataset.splits.train, [0, 1, 2, 3]);
    assert_eq!(dataset.splits.validation, [4, 5, 6]);
    assert_eq!(dataset.splits.test, [7]);
    let plain = mixed(|config| config.standardize = false).unwrap();
    assert_eq!(row(&plain, 1), [3.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn missing_cells_that_training_rows_lack_are_filled_and_said() {
    let content = "s,a,b,y\ntrain,1,u,x\ntrain,3,v,z\ntest,,,x\nvalid,2,u,z\n";
    let dataset = taken("t.csv", content.as_bytes(), |config| {
        config.split.column = Some("s".to_owned());
    })
    .unwrap();
    assert_eq!(
        doubts(&dataset),
        [
            "missing cells outside the training rows alone, filled with the mean and not indicated: `a`",
            "levels that no training row has, taken as \"other\": `b`",
        ]
    );
    assert_eq!(row(&dataset, 2), [0.0, 0.0, 0.0, 1.0]);
}

/// Applies what is saved with the weights to the cells of a row, as a stranger would.
fn applied(preprocessing: &Value, cells: &HashMap<&str, &str>) -> Vec<f32> {
    let inputs = &preprocessing["inputs"];
    let is_missing =
        |cell: &str| inputs["missing"].as_array().unwrap().iter().any(|word| word == cell);
    let mut row = Vec::new();
    for column in inputs["columns"].as_array().unwrap() {
        let cell = cells[column["name"].as_str().unwrap()];
        let missing = is_missing(cell);
        let number = |key: &str| column[key].as_f64().unwrap();
        let indicator = f32::from(u8::from(missing));
        match column["kind"].as_str().unwrap() {
            "number" => {
                let value = if missing { number("imputed") } else { cell.parse().unwrap() };
                #[allow(clippy::cast_possible_truncation)]
                row.push(((value - number("mean")) / number("sd")) as f32);
                if column["missing_indicator"] == true {
                    row.push(indicator);
                }
            }
            "missing_indicator" => row.push(indicator),
            "levels" => {
                let levels = column["levels"].as_array().unwrap();
                let mut known: Vec<bool> =
                    levels.iter().map(|level| !missing && level == cell).collect();
                if column["missing_level"] == true {
                    known.push(missing);
                }
                known.push(!known.contains(&true));
                row.extend(known.iter().map(|is| f32::from(u8::from(*is))));
            }
            other => panic!("{other}"),
        }
    }
    row
}

#[test]
fn what_is_saved_with_the_weights_turns_a_row_of_the_source_into_its_input() {
    for dataset in [mixed(|_| ()).unwrap(), mixed(|config| config.standardize = false).unwrap()] {
        let mut lines = MIXED.lines();
        let header: Vec<&str> = lines.next().unwrap().split(',').collect();
        for (at, line) in lines.enumerate() {
            let cells = header.iter().copied().zip(line.split(',')).collect();
            assert_eq!(applied(&dataset.preprocessing, &cells), row(&dataset, at), "{line}");
        }
    }
}

#[test]
fn the_training_rows_decide_whether_a_column_is_numeric() {
    let row = |n: usize| {
        let part = ["train", "train", "valid", "test"][n % 4];
        format!("{part},{n},{}\n", ["x", "z"][n % 2])
    };
    let plain = format!("s,a,y\n{}", (0..400).map(row).collect::<String>());
    let with = |cells: &[(usize, &str)]| {
        let mut lines: Vec<String> = plain.lines().map(str::to_owned).collect();
        for (n, cell) in cells {
            lines[n + 1] = lines[n + 1].replace(&format!(",{n},"), &format!(",{cell},"));
        }
        taken("t.csv", lines.join("\n").as_bytes(), |config| {
            config.split.column = Some("s".to_owned());
        })
    };
    let slip = "`red` is not a number, and the column is numeric: correct the cell, add it to data.missing if it means a missing value, or name the column in data.categorical";
    // A test row of a hundred, and half of them: no test row makes levels of a column.
    let told = format!("t.csv, line 5 (row 4), column `a`: {slip}");
    assert_eq!(with(&[(3, "red")]).unwrap_err(), told);
    let elsewhere: Vec<(usize, &str)> =
        (0..400).filter(|n| n % 4 > 1).map(|n| (n, "red")).collect();
    assert_eq!(with(&elsewhere).unwrap_err(), told.replace("5 (row 4)", "4 (row 3)"));
    // One training row of two hundred is a slip, two are not, whatever the others hold.
    assert_eq!(with(&[(4, "red")]).unwrap_err(), told.replace("5 (row 4)", "6 (row 5)"));
    let levels = with(&[(4, "red"), (8, "red"), (3, "blue")]).unwrap();
    assert_eq!(levels.preprocessing["inputs"]["columns"][0]["kind"], "levels");
    assert!(
        doubts(&levels).iter().any(|note| note.starts_with(
            "warning: taken as levels for the text among their cells, most of which are numbers: `a` (`red`)"
        )),
        "{:?}",
        doubts(&levels)
    );
}

#[test]
fn a_column_called_as_splits_are_and_one_of_names_are_pointed_at() {
    let table = |word: fn(usize) -> &'static str, name: fn(usize) -> String| {
        let row = |n: usize| format!("{},{},{n}.5,{}\n", word(n), name(n), ["x", "z"][n % 2]);
        let content = format!("part,who,a,y\n{}", (0..60).map(row).collect::<String>());
        move |edit: fn(&mut DataConfig)| doubts(&taken("t.csv", content.as_bytes(), edit).unwrap())
    };
    let told = |notes: &[String], what: &str| notes.iter().any(|note| note.contains(what));
    let splits = "set data.split.column = \"part\"";
    let rows = "which tell nothing of other rows: `who`; leave out by data.drop = [\"who\"]";
    let named = table(|n| ["Train", "valid", "test"][n % 3], |n| format!("name {n}"));
    let notes = named(|_| ());
    assert!(told(&notes, splits) && told(&notes, rows), "{notes:?}");
    let notes = named(|config| {
        config.split.column = Some("part".to_owned());
        config.categorical = names(&["who"]);
    });
    assert!(!told(&notes, "split") && !told(&notes, "value of their own"), "{notes:?}");
    let notes = table(|n| ["train", "bus"][n % 2], |n| format!("name {}", n / 3))(|_| ());
    assert!(!told(&notes, "split") && !told(&notes, "value of their own"), "{notes:?}");
}

#[test]
fn cells_that_look_as_if_they_held_nothing_are_pointed_at() {
    let rows = |marker: &str| {
        let row = |n: usize| format!("{n}.5,{},{}\n", [marker, "u"][n % 2], ["x", "z"][n / 2 % 2]);
        format!("a,b,y\n{}", (0..40).map(row).collect::<String>())
    };
    let dataset = taken("t.csv", rows("N/A").as_bytes(), |_| ()).unwrap();
    let told = "`N/A` in `b` taken as a level; if such cells are missing values, set data.missing = [\"\", \"NA\", \"?\", \"N/A\"]";
    assert_eq!(doubts(&dataset), [told]);
    let listed = taken("t.csv", rows("N/A").as_bytes(), |config| config.missing = names(&["N/A"]));
    assert!(doubts(&listed.unwrap()).is_empty());
    let numeric = rows("u").replacen("\n7.5,", "\n-,", 1);
    let message = taken("t.csv", numeric.as_bytes(), |config| {
        (config.split.validation, config.split.test) = (0.0, 0.0);
        config.target = Some(Target::One("a".to_owned()));
        config.task = Some(crate::config::data::Task::Regression);
    });
    assert_eq!(
        message.unwrap_err(),
        "t.csv, line 9 (row 8), column `a`: `-` is not a number: if such cells are missing values, add `-` to data.missing (which is [\"\", \"NA\", \"?\"] unless set); else correct the cell"
    );
}

#[test]
fn a_test_file_that_is_the_source_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let rows = format!("a,y\n{}", "1,x\n2,z\n".repeat(10));
    for name in ["a.csv", "b.csv"] {
        fs::write(folder.path().join(name), &rows).unwrap();
    }
    let dataset = opened(folder.path(), "a.csv", |config| {
        config.test_source = Some("b.csv".to_owned());
    });
    let notes = doubts(&dataset.unwrap());
    assert!(
        notes[0].starts_with("warning: data.test_source holds the same as data.source"),
        "{notes:?}"
    );
}

#[test]
fn built_in_tables_need_no_file() {
    let penguins = opened(Path::new("/nowhere"), "penguins", |_| ()).unwrap();
    assert_eq!(
        penguins.summary,
        "penguins: 344 rows, 16 inputs, to predict: `species`, 3 classes (task inferred: classification); train 206, validation 69, test 69 (stratified, split seed 0)"
    );
    let text = include_str!("../../../data/penguins.csv");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    for (at, line) in lines.enumerate() {
        let cells: HashMap<&str, &str> = header.iter().copied().zip(line.split(',')).collect();
        for (by_hand, held) in
            applied(&penguins.preprocessing, &cells).iter().zip(row(&penguins, at))
        {
            // The stranger's f64 of a cell and our f32 of it differ in the last bit.
            assert!((by_hand - held).abs() < 1e-6, "{line}");
        }
        assert_eq!(labels(&penguins)[at], cells["species"]);
    }
    let concrete = opened(Path::new("/nowhere"), "concrete", |_| ()).unwrap();
    assert_eq!(
        concrete.summary,
        "concrete: 1030 rows, 8 inputs, to predict: `compressive_strength`, 1 target (task inferred: regression); train 618, validation 206, test 206 (random, split seed 0)"
    );
    assert!(doubts(&concrete).is_empty());
}

type Edit = fn(&mut DataConfig);

#[test]
fn columns_are_dropped_and_taken_as_levels_as_asked() {
    let dataset = mixed(|config| {
        config.drop = names(&["size", "weight"]);
        config.categorical = names(&["colour"]);
        config.missing = names(&["blue"]);
    })
    .unwrap();
    let column = &dataset.preprocessing["inputs"]["columns"];
    assert_eq!(column.as_array().unwrap().len(), 1);
    assert_eq!(column[0]["levels"], serde_json::json!(["?", "red"]));
    let dataset = mixed(|config| config.categorical = names(&["size"])).unwrap();
    assert_eq!(
        dataset.preprocessing["inputs"]["columns"][0]["levels"],
        serde_json::json!(["1", "3", "5"])
    );
    let refused: [(Edit, &str); 9] = [
        (
            |config| config.drop = names(&["colr"]),
            "t.csv: data.drop names `colr`, and there is no such column; did you mean `colour`?; there is `split`, `size`, `colour`, `weight`, `y`",
        ),
        (
            |config| config.categorical = names(&["sizes"]),
            "t.csv: data.categorical names `sizes`, and there is no such column; did you mean `size`?; there is `split`, `size`, `colour`, `weight`, `y`",
        ),
        (
            |config| config.split.column = Some("part".to_owned()),
            "t.csv: data.split.column names `part`, and there is no such column; there is `split`, `size`, `colour`, `weight`, `y`",
        ),
        (
            |config| {
                config.target = Some(Target::One("y".to_owned()));
                config.drop = names(&["y"]);
            },
            "t.csv: the column `y` is both the target and in data.drop: choose one",
        ),
        (
            |config| config.drop = names(&["size", "colour", "weight"]),
            "t.csv: no column is left as an input: take one out of data.drop",
        ),
        (
            |config| config.drop = names(&["size", "colour", "weight", "y"]),
            "t.csv: no column is left to predict: take one out of data.drop",
        ),
        (
            |config| config.split.column = Some("colour".to_owned()),
            "t.csv, line 2 (row 1), column `colour`: `red` is not a split: expected train, valid, validation, val or test",
        ),
        (
            |config| config.test_source = Some("t.csv".to_owned()),
            "t.csv: data.test_source and data.split.column both give a test split: leave one of them out",
        ),
        (
            |config| config.binarize = Some(0.5),
            "t.csv: data.binarize is for images, and this is a table: leave it out",
        ),
    ];
    for (edit, message) in refused {
        assert_eq!(mixed(edit).map(|d| d.summary).unwrap_err(), message);
    }
}

#[test]
fn a_quoted_file_of_any_length_keeps_its_first_row() {
    let first = |length: usize| format!("\"1.5\",\"{}\",\"x\"\n", "n".repeat(length));
    let below = "\"2.5\",\"n,\nm\",\"z\"\n\"3.5\",\"n\",\"x\"\n".repeat(2000);
    // The beginning of the file that is looked at ends anywhere in a row.
    for length in 1..below.len() / 2000 + 2 {
        let content = first(length) + &below;
        let dataset = taken("t.csv", content.as_bytes(), |_| ()).unwrap();
        assert_eq!(dataset.inputs.rows(), 4001, "{length}");
        assert!(doubts(&dataset)[0].starts_with("there is no header line"), "{length}");
        let header = "\"a\",\"b\",\"y\"\n".to_owned() + &content;
        let dataset = taken("t.csv", header.as_bytes(), |_| ()).unwrap();
        assert_eq!(dataset.inputs.rows(), 4001, "{length}");
    }
}

#[test]
fn a_file_without_a_header_has_counted_columns() {
    let content = b"5.1,3.5,setosa\n4.9,3.0,other\n4.7,3.2,setosa\n5.2,3.1,other\n5.0,3.3,setosa\n";
    let dataset = taken("t.data", content, |_| ()).unwrap();
    assert_eq!(
        doubts(&dataset)[0],
        "there is no header line: the columns are called `c1` to `c3` (data.header = true if there is one)"
    );
    assert_eq!(dataset.inputs.rows(), 5);
    assert_eq!(labels(&dataset)[..2], ["setosa", "other"]);
    let first =
        taken("t.data", content, |config| config.target = Some(Target::One("c1".to_owned())));
    assert!(first.unwrap().summary.contains("1 target"));
    let header = taken("t.data", content, |config| config.header = Some(true)).unwrap();
    assert_eq!(header.inputs.rows(), 4);
    let none = taken("t.csv", b"a b\n1 x\n2 x\n1 y\n3 y\n3 x\n", |config| {
        (config.header, config.delimiter) = (Some(false), Some(' '));
    });
    assert_eq!(none.unwrap().inputs.rows(), 6);
    assert_eq!(
        taken("t.csv", b"1.5,2,x\n2,3,y\n4,x\n", |_| ()).unwrap_err(),
        "t.csv, line 3 (row 3): 2 cells, but the first row has 3: add or take out cells, or quote those that hold the delimiter"
    );
}

#[test]
fn an_unnamed_column_that_counts_the_rows_can_be_dropped() {
    let content = b",a,y\n0,1,x\n1,2,z\n2,3,x\n3,1,z\n4,2,x\n";
    let dataset = taken("t.csv", content, |config| config.drop = names(&["c1"])).unwrap();
    assert_eq!(dataset.inputs.width(), 1);
}

#[test]
fn rows_without_a_target_are_left_out_counted_and_said() {
    let row = |n: usize| format!("{n},{}\n", ["x", "None"][n % 2]);
    let rows = (0..10).map(row).collect::<String>();
    let content = format!("a,y\n1,\n2,NA\n3,?\n4,\n{rows}");
    let dataset = taken("t.csv", content.as_bytes(), |_| ()).unwrap();
    assert_eq!(
        doubts(&dataset),
        ["4 rows left out, as the target `y` is missing: line 2, line 3, line 4, 1 more"]
    );
    assert_eq!(labels(&dataset)[..2], ["x", "None"]);
    let two = "a,b,y\n1,2,\n,3,1\n4,,2\n5,6,2.5\n1,2,3\n4,4,4\n5,5,5\n";
    let dataset = taken("t.csv", two.as_bytes(), |config| {
        config.target = Some(Target::Several(names(&["b", "y"])));
    })
    .unwrap();
    assert_eq!(dataset.inputs.rows(), 5);
    assert!(doubts(&dataset)[0].starts_with("2 rows left out, as the target `b`, `y` is missing"));
}

#[test]
fn a_column_with_almost_as_many_levels_as_rows_is_refused_by_name() {
    let row = |n: usize| format!("name {n},{},{}\n", n % 7, ["x", "z"][n % 2]);
    let content = format!("id,a,y\n{}", (0..1200).map(row).collect::<String>());
    assert_eq!(
        taken("t.csv", content.as_bytes(), |_| ()).unwrap_err(),
        "t.csv: more than 1000 levels, as in a column that names its rows: `id`; leave out by data.drop = [\"id\"], or group the levels"
    );
    assert!(taken("t.csv", content.as_bytes(), |config| config.drop = names(&["id"])).is_ok());
}

#[test]
fn classes_of_one_row_with_gaps_or_odd_names_are_classes() {
    let content = format!("a,y\n{}7,9\n", "1,0\n2,5\n".repeat(10));
    let dataset = taken("t.csv", content.as_bytes(), |_| ()).unwrap();
    assert!(doubts(&dataset)[0].starts_with("class `9` has too few rows for 3 splits (1)"));
    let Targets::Classes { names, .. } = &dataset.targets else { panic!() };
    assert_eq!(names, &["0", "5", "9"]);
    let content = format!("a,y\n{}", "1,True\n2,False\n3,None\n".repeat(5));
    let dataset = taken("t.csv", content.as_bytes(), |_| ()).unwrap();
    let Targets::Classes { names, .. } = &dataset.targets else { panic!() };
    assert_eq!(names, &["False", "None", "True"]);
}

#[test]
fn binarized_images_hold_two_values() {
    let digits = opened(Path::new("/nowhere"), "digits", |config| {
        (config.binarize, config.standardize) = (Some(0.5), false);
    })
    .unwrap();
    let plain = opened(Path::new("/nowhere"), "digits", |_| ()).unwrap();
    let (Inputs::Images { bytes, scale, .. }, Inputs::Images { bytes: before, .. }) =
        (&digits.inputs, &plain.inputs)
    else {
        panic!()
    };
    assert!(bytes.iter().zip(&**before).all(|(b, before)| *b == if *before > 8 { 16 } else { 0 }));
    assert_eq!(*scale, 1.0 / 16.0);
    assert_eq!(digits.preprocessing["inputs"]["binarize"], 0.5);
    assert_eq!(
        opened(Path::new("/nowhere"), "digits", |config| config.drop = names(&["id"])).unwrap_err(),
        "digits: data.drop is for CSV, TSV, Parquet, .npy, .npz, ARFF, libsvm and JSON lines files: leave it out"
    );
}

#[test]
fn a_description_names_every_column_and_what_it_is_taken_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.csv"), MIXED).unwrap();
    let mut config = DataConfig::new("t.csv");
    config.drop = names(&["weight"]);
    config.split.column = Some("split".to_owned());
    let source = Source::open(&config, folder.path()).unwrap();
    let description = source.describe(&config);
    assert_eq!((description.rows, description.columns.len()), (8, 5));
    assert_eq!(description.classes, [("a".to_owned(), 4), ("b".to_owned(), 4)]);
    let [split, size, colour, weight, y] = &description.columns[..] else { panic!() };
    assert_eq!(
        (split.role, weight.role, y.role),
        (ColumnRole::Split, ColumnRole::Dropped, ColumnRole::Target)
    );
    assert_eq!(size.missing, 2);
    assert_eq!(size.kind, ColumnKind::Number { min: 1.0, max: 5.0, mean: 17.0 / 6.0 });
    let ColumnKind::Levels { levels } = &colour.kind else { panic!() };
    assert_eq!((levels[0].0.as_str(), levels[0].1, colour.missing), ("blue", 2, 2));
    assert!(source.dataset(&config, Seed(0)).is_ok());
}

#[test]
fn a_categorical_column_that_holds_nothing_is_left_out_and_said() {
    let content = "a,c,y\n1,,0\n2,,1\n3,,0\n4,,1\n";
    let categorical = |config: &mut DataConfig| {
        config.categorical = vec!["c".to_owned()];
        (config.split.validation, config.split.test) = (0.0, 0.0);
    };
    let dataset = taken("t.csv", content.as_bytes(), categorical).unwrap();
    assert_eq!(dataset.inputs.width(), 1);
    assert_eq!(doubts(&dataset), ["left out, no training row holds anything: `c`"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.csv"), content).unwrap();
    let mut config = DataConfig::new("t.csv");
    categorical(&mut config);
    let described = Source::open(&config, folder.path()).unwrap().describe(&config);
    assert_eq!((described.columns[1].missing, described.rows), (4, 4));
}
