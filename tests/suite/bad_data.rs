//! What people read when the data is wrong: the file with line and column, or the key of the
//! config; 1 where it was found while reading, 2 where the config asks for what is not there; and
//! nothing is written.

use std::fs;
use std::io::Write;

use crate::common::Place;
use crate::common::bad::{fails, says};

/// Thirty rows of two numbers and two classes.
fn good() -> String {
    let row = |n: u32| format!("{n},{}.5,{}\n", n * 7 % 11, n % 2);
    format!("a,b,y\n{}", (1..=30).map(row).collect::<String>())
}

/// The message on a file, the same from `run` and from `check`.
#[track_caller]
fn refused(code: i32, name: &str, content: &[u8], config: &str) -> String {
    let place = Place::new();
    fs::write(place.path(name), content).unwrap();
    of(&place, code, &format!("[data]\nsource = \"{name}\"\n{config}"))
}

#[track_caller]
fn of(place: &Place, code: i32, config: &str) -> String {
    place.write("a.toml", config);
    let message = fails(place, code, &["run", "--config", "a.toml"]);
    assert_eq!(message, fails(place, code, &["check", "--config", "a.toml"]));
    assert!(message.starts_with("error: "), "{message}");
    message
}

#[test]
fn a_table_found_wrong_while_it_is_read_names_line_and_column() {
    let with = |row: &str| format!("{}{row}\n", good());
    let many = |row: &str| format!("{}{row}\n", good() + &good().split_off(6).repeat(9));
    let wide = format!("{},2,1", "x".repeat(10_000_000));
    for (content, what, advice) in [
        (String::new(), "t.csv: the file is empty", "expected a header line and a row"),
        ("a,b,y\n".to_owned(), "t.csv: there is a header and no row below it", "add the rows"),
        (with("1,2"), "t.csv, line 32 (row 31): 2 cells, but the header has 3", "add or take out"),
        (
            many("red,2,1"),
            "t.csv, line 302 (row 301), column `a`: `red` is not a number",
            "or name the column in data.categorical",
        ),
        (
            many("null,2,1"),
            "t.csv, line 302 (row 301), column `a`: `null` is not a number",
            "add `null` to data.missing (which is [\"\", \"NA\", \"?\"] unless set)",
        ),
        (with("NaN,2,1"), "line 32 (row 31), column `a`: `NaN` is not finite", "data.missing"),
        (with("inf,2,1"), "line 32 (row 31), column `a`: `inf` is not finite", "correct the cell"),
        (with("1e39,2,1"), "column `a`: `1e39` is too large", "rescale the column"),
        (with("1\0,2,1"), "line 32 (row 31), column `a`: there is a NUL byte", "fetch it again"),
        (
            "a,a,y\n1,2,0\n".to_owned(),
            "t.csv, line 1: two columns are called `a`",
            "a name of its own",
        ),
        (with(&wide), "line 32 (row 31), column `a`: 10000000 bytes are too long", "data.drop"),
        (
            with("\"1,2,1"),
            "t.csv, line 32: the quote that opens in this line is never closed",
            "close it",
        ),
        (with("\"1\"x,2,1"), "t.csv, line 32: text follows the closing quote", "double the quotes"),
        (
            "a,b,y\n1,2,x\n2,3,x\n3,4,x\n".to_owned(),
            "t.csv: the target `y` has one class only (`x`)",
            "set data.target",
        ),
        (
            "a,b,y\n1,2,u\n2,3,v\n3,4,w\n".to_owned(),
            "t.csv: the target `y` has 3 classes in 3 rows",
            "set data.target",
        ),
    ] {
        let message = refused(1, "t.csv", content.as_bytes(), "");
        says(&message, &[what, advice]);
        assert!(message.len() < 600, "{} bytes", message.len());
    }
    let latin = [good().as_bytes(), b"caf\xe9,2,1\n"].concat();
    says(&refused(1, "t.csv", &latin, ""), &["column `a`: this is not UTF-8", "iconv -f latin1"]);
}

#[test]
fn a_test_file_found_wrong_is_named_itself() {
    let place = Place::new();
    place.write("t.csv", &good());
    place.write("u.csv", "a,b,y\n1,2,0\nred,3,1\n");
    let config = "[data]\nsource = \"t.csv\"\ntest_source = \"u.csv\"\n";
    says(&of(&place, 1, config), &["u.csv, line 3 (row 2), column `a`: `red` is not a number"]);
}

#[test]
fn what_the_config_asks_of_the_data_is_pointed_at_by_its_key() {
    for (config, place, what) in [
        ("target = \"yy\"", "a.toml:3:10", "there is no column `yy` to predict; did you mean `y`?"),
        ("target = [\"a\", \"b\"]\ntask = \"classification\"", "a.toml:4:8", "set data.task"),
        ("drop = [\"aa\"]", "a.toml:3:8", "did you mean `a`?"),
        ("drop = [\"y\"]\ntarget = \"y\"", "a.toml:3:8", "both the target and in data.drop"),
        ("categorical = [\"y\"]", "a.toml:3:15", "both the target and in data.categorical"),
        ("split.column = \"y\"\ntarget = \"y\"", "a.toml:3:16", "and in data.split.column"),
        ("drop = [\"a\", \"b\"]", "a.toml:3:8", "take one out of data.drop"),
        ("binarize = 0.5", "a.toml:3:12", "data.binarize is for images"),
        ("test_source = \"u.csv\"", "a.toml:3:15", "data.test_source names u.csv, and there is no"),
        ("test_source = \"u.xlsx\"", "a.toml:3:15", "there is no such file"),
        (
            "test_source = \"t.csv\"\nsplit.column = \"a\"",
            "a.toml:4:16",
            "data.test_source and data.split.column both give a test split",
        ),
        ("split.test = 0.001", "a.toml:3:14", "data.split.test = 0.001 of 30 rows leaves no row"),
        (
            "split = { validation = 0.5, test = 0.5 }",
            "a.toml:3:36",
            "no row is left to train on with data.split.validation = 0.5 and data.split.test = 0.5 \
             of 30 rows",
        ),
        ("split.validation = 0.9", "a.toml:3:20", "no row is left to train on"),
        (
            "split.validation = 0\n[early_stopping]\nkind = \"patience\"",
            "a.toml:3:20",
            "the stopping rule `patience` needs `val_loss`, and there is no validation row",
        ),
    ] {
        let message = refused(2, "t.csv", good().as_bytes(), config);
        says(&message, &[place, what]);
    }
    let place = Place::new();
    let nowhere = of(&place, 2, "[data]\nsource = \"nowhere.csv\"\n");
    says(&nowhere, &["nowhere.csv is not there", "a.toml:2:10", "relative to the folder"]);
    says(
        &refused(2, "t.xlsx", b"x", ""),
        &["a.toml:2:10", "give a .csv, .tsv, .dt, .parquet, .npy"],
    );
    let dt = "bool_in=0\nreal_in=1\nbool_out=2\nreal_out=0\ntraining_examples=2\n\
              validation_examples=1\ntest_examples=1\n1 1 0\n2 0 1\n3 1 0\n4 0 1\n";
    for key in ["header = true", "drop = [\"x1\"]", "delimiter = \",\""] {
        let message = refused(2, "t.dt", dt.as_bytes(), key);
        says(&message, &["a.toml:3:", "is for CSV", "files: leave it out"]);
    }
    let wrong = dt.replace("test_examples=1", "test_examples=2");
    let told = "the header announces 2 + 1 + 2 = 5 examples, there are 4";
    says(&refused(1, "t.dt", wrong.as_bytes(), ""), &["t.dt: ", told, "its counts are wrong"]);
}

#[test]
fn fractions_count_only_where_the_source_brings_no_split() {
    let place = Place::new();
    place.write("t.csv", &good());
    place.write("u.csv", &good());
    let split = |row: u32| ["train", "train", "valid", "test"][row as usize % 4];
    let row = |n: u32| format!("{n},{}.5,{},{}\n", n * 7 % 11, split(n), n % 3);
    place.write("s.csv", &format!("a,b,s,y\n{}", (1..=30).map(row).collect::<String>()));
    place.write(
        "t.dt",
        "bool_in=0\nreal_in=1\nbool_out=2\nreal_out=0\ntraining_examples=2\n\
         validation_examples=1\ntest_examples=1\n1 1 0\n2 0 1\n3 1 0\n4 0 1\n",
    );
    let unused = "split.validation = 0.85\nsplit.test = 0.9";
    let none = "split.validation = 0\nsplit.test = 0\n[early_stopping]\nkind = \"patience\"";
    for (source, rest, splits) in [
        ("t.csv\"\ntest_source = \"u.csv", unused, "train 4, validation 26, test 30"),
        ("s.csv\"\nsplit.column = \"s", unused, "train 15, validation 8, test 7"),
        ("s.csv\"\nsplit.column = \"s", none, "train 15, validation 8, test 7"),
        ("t.dt", unused, "train 2, validation 1, test 1"),
        ("t.dt", none, "train 2, validation 1, test 1"),
    ] {
        place.write("a.toml", &format!("[data]\nsource = \"{source}\"\n{rest}"));
        let checked = place.succeeds(&["check", "--config", "a.toml", "--format", "json"]);
        assert!(checked.contains(splits), "{checked}");
    }
}

#[test]
fn a_fault_of_one_level_names_the_cell() {
    let place = Place::new();
    place.write("t.csv", &good());
    let config = "[data]\nsource = \"t.csv\"\n[matrix]\n\"data.drop\" = [[\"a\"], [\"aa\"]]\n";
    let message = of(&place, 2, config);
    says(&message, &["a.toml:4:23", "in the cell data.drop = [\"aa\"]"]);
}

#[test]
fn compressed_files_that_are_none_or_damaged() {
    let none = refused(1, "t.csv.gz", good().as_bytes(), "");
    says(&none, &["t.csv.gz: not a gzip file", "compress it with gzip"]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(good().as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let half = refused(1, "t.csv.gz", &whole[..whole.len() / 2], "");
    says(&half, &["t.csv.gz: the compressed data is cut short", "copy or download"]);
    assert_eq!(half.matches("stream").count(), 1, "{half}");
}

#[test]
fn idx_files_that_lie_or_do_not_fit_together() {
    let images = |count: u32, pixels: &[u8]| {
        [&[0, 0, 8, 3][..], &count.to_be_bytes(), &[0, 0, 0, 1, 0, 0, 0, 2], pixels].concat()
    };
    let labels =
        |count: u32, labels: &[u8]| [&[0, 0, 8, 1][..], &count.to_be_bytes(), labels].concat();
    let two = labels(2, &[0, 1]);
    for (images, labels, parts) in [
        (b"\x89PNG and more".to_vec(), two.clone(), ["train-images-idx3-ubyte", "IDX"]),
        (images(u32::MAX, b"abcd"), two.clone(), ["its header lies", "fetch the file again"]),
        (images(2, b"abc"), two, ["cut short", "there are 3"]),
        (images(2, b"abcd"), labels(3, &[0, 1, 0]), ["3 labels for the 2 images", "of one set"]),
    ] {
        let place = Place::new();
        fs::create_dir(place.path("set")).unwrap();
        fs::write(place.path("set/train-images-idx3-ubyte"), images).unwrap();
        fs::write(place.path("set/train-labels-idx1-ubyte"), labels).unwrap();
        says(&of(&place, 1, "[data]\nsource = \"set\"\n"), &parts);
    }
}
