//! Splits that come along: a split column, a test file, PROBEN1's `.dt`.

use std::fs;

use proptest::prelude::*;

use super::super::Dataset;
use super::{doubts, gzipped, labels, names, opened, row, taken};
use crate::config::data::{DataConfig, Task};

#[test]
fn a_split_column_without_validation_or_test_says_what_becomes_of_them() {
    let row = |n: usize| format!("train,{n},{}\n", ["x", "z"][n % 2]);
    let content = format!("s,a,y\n{}", (0..10).map(row).collect::<String>());
    let dataset = taken("t.csv", content.as_bytes(), |config| {
        config.split.column = Some("s".to_owned());
    })
    .unwrap();
    assert_eq!(
        doubts(&dataset),
        [
            "the column `s` names no validation row: drawn from the training rows",
            "the column `s` names no test row: there is no test split",
        ]
    );
    assert_eq!((dataset.splits.train.len(), dataset.splits.validation.len()), (8, 2));
    assert!(dataset.summary.ends_with("(stratified, test as given, split seed 0)"));
    let content = content.replace("train", "test");
    let message = taken("t.csv", content.as_bytes(), |config| {
        config.split.column = Some("s".to_owned());
    });
    assert_eq!(
        message.unwrap_err(),
        "t.csv: the source's own split has no training row: give it some"
    );
}

fn with_test(test: &str, edit: impl Fn(&mut DataConfig)) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().unwrap();
    let train = format!("id,a,b,y\n{}", "1,2,u,x\n2,3,v,z\n3,4,u,x\n4,6,v,z\n".repeat(5));
    fs::write(folder.path().join("train.csv"), train).unwrap();
    fs::write(folder.path().join("test.csv"), test).unwrap();
    opened(folder.path(), "train.csv", |config| {
        config.test_source = Some("test.csv".to_owned());
        config.drop = names(&["id"]);
        edit(config);
    })
}

#[test]
fn a_test_file_is_the_test_split_with_columns_found_by_name() {
    let dataset = with_test("y;b;extra;a\nx;u;7;2\nz;w;7;3\n;u;7;1\n", |_| ()).unwrap();
    assert_eq!(
        dataset.summary,
        "train.csv: 22 rows, 4 inputs, to predict: `y`, 2 classes (task inferred: classification); train 16, validation 4, test 2 (stratified, test as given, split seed 0)"
    );
    assert_eq!(dataset.splits.test, [20, 21]);
    assert_eq!(row(&dataset, 20), row(&dataset, 0));
    assert_eq!(row(&dataset, 21)[1..], [0.0, 0.0, 1.0]);
    assert!(doubts(&dataset)[0].starts_with("columns that only "), "{:?}", doubts(&dataset));
    assert!(doubts(&dataset)[0].ends_with("test.csv has are not read: `extra`"));
    assert_eq!(doubts(&dataset)[1], "1 row left out, as the target `y` is missing: line 4");
    let other = with_test("y;b;extra;a\nx;u;7;2\nz;w;7;3\n;u;7;2\n", |_| ()).unwrap();
    assert_ne!(dataset.digest, other.digest);
    for (content, message) in [
        (
            "a,y\n1,x\n",
            "test.csv: there is no column `b`, which data.source has: both files need the same columns",
        ),
        (
            "a,b,y\nred,u,x\n",
            "test.csv, line 2 (row 1), column `a`: `red` is not a number, and the column is numeric: correct the cell, add it to data.missing if it means a missing value, or name the column in data.categorical",
        ),
        (
            "a,b,y\n1,u,?\n",
            "test.csv: the target is missing in every row: a test file needs answers",
        ),
        (
            "a,b,y\n",
            "test.csv: there is a header and no row below it: add the rows, or set data.header = false if the line is one",
        ),
    ] {
        assert_eq!(with_test(content, |_| ()).map(|d| d.summary).unwrap_err(), message);
    }
    let levels = |config: &mut DataConfig| config.categorical = names(&["a"]);
    assert!(with_test("a,b,y\nred,u,x\n", levels).is_ok());
    let nowhere =
        with_test("a,b,y\n1,u,x\n", |config| config.test_source = Some("no.csv".to_owned()));
    assert_eq!(
        nowhere.unwrap_err(),
        "train.csv: data.test_source names no.csv, and there is no such file: a path is relative to the config file"
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train.csv"), "a,y\n1,x\n").unwrap();
    fs::write(folder.path().join("test.dt"), DT).unwrap();
    let no_table = opened(folder.path(), "train.csv", |config| {
        config.test_source = Some("test.dt".to_owned());
    });
    assert_eq!(
        no_table.map(|d| d.summary).unwrap_err(),
        "train.csv: data.test_source names test.dt, which is not a table: give a CSV, TSV, Parquet, .npy, .npz, ARFF or JSON lines file (.gz too) with the columns of data.source"
    );
}

const DT: &str = "\
bool_in=1
real_in=2
bool_out=2
real_out=0
training_examples=3
validation_examples=1
test_examples=1
0 0.5 0.25 1 0
1 0.1 0.75 0 1
1 0.2 0.5 0 1
0 0.3 0.5 1 0
1 0.4 0.5 0 1
";

#[test]
fn a_dt_file_brings_its_split_and_its_classes() {
    let dt = |content: &str| taken("t.dt", content.as_bytes(), |_| ());
    let dataset = dt(DT).unwrap();
    assert_eq!(
        dataset.summary,
        "t.dt: 5 rows, 3 inputs, to predict: `class`, 2 classes (task inferred: classification); train 3, validation 1, test 1 (as given)"
    );
    assert_eq!(dataset.splits.train, [0, 1, 2]);
    assert_eq!((&dataset.splits.validation[..], &dataset.splits.test[..]), (&[3][..], &[4][..]));
    assert_eq!(labels(&dataset), ["0", "1", "1", "0", "1"]);
    let zipped = taken("t.dt.gz", &gzipped(DT.as_bytes()), |_| ()).unwrap();
    assert_eq!(zipped.digest, dataset.digest);
    let single =
        DT.replace("bool_out=2", "bool_out=1").replace(" 1 0\n", " 0\n").replace(" 0 1\n", " 1\n");
    assert_eq!(labels(&dt(&single).unwrap()), ["0", "1", "1", "0", "1"]);
    let real = taken("t.dt", DT.as_bytes(), |config| config.task = Some(Task::Regression)).unwrap();
    assert!(real.summary.contains("2 targets (task: regression)"), "{}", real.summary);
    // The values decide, not the header.
    let real = dt(&single.replace("0.25 0\n", "0.25 0.6\n")).unwrap();
    assert!(real.summary.contains("1 target (task inferred: regression)"), "{}", real.summary);
}

#[test]
fn a_dt_file_that_lies_or_is_damaged_says_so_and_takes_no_memory() {
    for (from, to, message) in [
        (
            "test_examples=1",
            "test_examples=2",
            "t.dt: the header announces 3 + 1 + 2 = 6 examples, there are 5: the file is cut short, or its counts are wrong",
        ),
        (
            "test_examples=1",
            "test_examples=0",
            "t.dt: the header announces 3 + 1 + 0 = 4 examples, there are more: the file is cut short, or its counts are wrong",
        ),
        (
            "training_examples=3",
            "training_examples=4294967295",
            "t.dt: the header announces 4294967295 + 1 + 1 = 4294967297 examples, there are 5: the file is cut short, or its counts are wrong",
        ),
        (
            "real_in=2",
            "real_in=4294967295",
            "t.dt, line 8 (row 1): 5 numbers, but the header announces 4294967296 inputs and 2 outputs: correct the line or the counts",
        ),
        (
            "0.1 0.75",
            "0.1",
            "t.dt, line 9 (row 2): 4 numbers, but the header announces 3 inputs and 2 outputs: correct the line or the counts",
        ),
        (
            "real_in=2",
            "real_in=-2",
            "t.dt, line 2: `real_in=-2` is not a line of a PROBEN1 header: expected one of bool_in, real_in, bool_out, real_out, training_examples, validation_examples, test_examples with `=` and a whole number",
        ),
        ("real_in=2", "bool_in=2", "t.dt, line 2: `bool_in` is given twice"),
        (
            "0.1 0.75",
            "1e39 0.75",
            "t.dt, line 9 (row 2), column `x2`: `1e39` is too large: a 32-bit float ends at about 3.4e38, rescale the column",
        ),
        (
            "0.75 0 1",
            "0.75 0 x",
            "t.dt, line 9 (row 2), column `y2`: `x` is not a number, and the target is numeric: correct the cell, or set task = \"classification\" if these are class names",
        ),
    ] {
        let content = DT.replacen(from, to, 1);
        assert_eq!(taken("t.dt", content.as_bytes(), |_| ()).unwrap_err(), message);
    }
    let half = taken("t.dt", &DT.as_bytes()[..40], |_| ()).unwrap_err();
    assert!(half.starts_with("t.dt"), "{half}");
    assert!(taken("t.dt", b"", |_| ()).unwrap_err().contains("ends within its header"));
    assert_eq!(
        taken("t.dt", DT.as_bytes(), |config| config.drop = names(&["x1"])).unwrap_err(),
        "t.dt: data.drop is for CSV, TSV, Parquet, .npy, .npz, ARFF, libsvm and JSON lines files: leave it out"
    );
}

proptest! {
    #[test]
    fn arbitrary_tables_and_dt_files_are_taken_or_refused(
        text in "[a-b0-2,;|\t\n\"?. -]{0,200}",
        from in 0..DT.len(), bytes in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let edit = |config: &mut DataConfig| {
            (config.split.validation, config.split.test) = (0.0, 0.0);
            config.header = Some(false);
        };
        let _ = taken("t.csv", text.as_bytes(), edit);
        let mut dt = DT.as_bytes().to_vec();
        dt.splice(from..(from + bytes.len()).min(DT.len()), bytes);
        let _ = taken("t.dt", &dt, |_| ());
    }
}
