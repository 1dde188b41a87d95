//! Laws of the file of epochs, and files as other trainers write them.

use proptest::prelude::*;

use super::*;

fn column(table: &EpochTable, name: &str) -> Vec<Option<f64>> {
    table.column(name).map(<[_]>::to_vec).unwrap_or_default()
}

#[test]
fn floats_look_like_floats_and_counts_like_counts() {
    let names = ["epoch", "train_loss", "val_loss", "step", "samples_seen", "elapsed_s"];
    let mut table = EpochTable::new(names.map(str::to_owned).to_vec());
    table.push(&[Some(1.0), Some(1.0), Some(0.1), Some(20.0), Some(640.0), Some(3.0)]);
    table.push(&[
        Some(2.0),
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(40.0),
        None,
        Some(f64::NEG_INFINITY),
    ]);
    table.push(&[Some(3.0), None, Some(-0.0), Some(0.5), Some(1e300), Some(1e-7)]);
    assert_eq!(
        write(&table),
        "epoch,train_loss,val_loss,step,samples_seen,elapsed_s\n\
         1,1.0,0.1,20,640,3.0\n\
         2,NaN,inf,40,,-inf\n\
         3,,-0.0,0.5,1e300,1e-7\n"
    );
}

#[test]
fn columns_that_are_not_asked_for_are_not_looked_at() {
    let text = "epoch,train_loss,val_loss\n1,x,0.5\n2,1.0,\n";
    let table = read_columns(text, "epochs.csv", |name| name == "val_loss").unwrap();
    assert_eq!(table.names(), ["epoch", "val_loss"]);
    assert_eq!(column(&table, "val_loss"), [Some(0.5), None]);
    let error = read(text, "epochs.csv").unwrap_err();
    assert_eq!(error.to_string(), "epochs.csv:2: column `train_loss`: `x` is not a number");
}

#[test]
fn a_table_without_an_epoch_column_is_numbered() {
    let mut table = EpochTable::new(vec!["val_loss".to_owned()]);
    table.push(&[Some(0.5)]);
    table.push(&[None]);
    assert_eq!(write(&table), "epoch,val_loss\n1,0.5\n2,\n");
}

#[test]
fn errors_name_file_line_and_column() {
    let message = |text| read(text, "a/epochs.csv").unwrap_err().to_string();
    assert_eq!(
        message("epoch,val_loss\n1,0.5\n2,x\n"),
        "a/epochs.csv:3: column `val_loss`: `x` is not a number"
    );
    assert_eq!(
        message("epoch,val_loss\n1,0.5\n2\n"),
        "a/epochs.csv:3: 1 cells where the header has 2"
    );
    assert_eq!(message("a,a\n"), "a/epochs.csv:1: column `a` appears twice");
    assert_eq!(message(""), "a/epochs.csv:1: the file is empty: expected a header");
}

#[test]
fn not_finite_values_parse_however_they_are_spelt() {
    let table = read("epoch,a,b\n1,nan,inf\n2,NaN,-inf\n3,NAN,Infinity\n", "x").unwrap();
    assert!(column(&table, "a").iter().all(|v| v.is_some_and(f64::is_nan)));
    assert_eq!(
        column(&table, "b"),
        [Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(f64::INFINITY)]
    );
}

/// Bits, with every NaN alike: text has one NaN.
fn bits(table: &EpochTable) -> Vec<Vec<Option<u64>>> {
    let canonical = |value: f64| if value.is_nan() { f64::NAN } else { value };
    (1..=table.len())
        .map(|epoch| table.row(epoch).iter().map(|c| c.map(|v| canonical(v).to_bits())).collect())
        .collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_bit_for_bit(
        rows in prop::collection::vec(prop::collection::vec(
            prop::option::of(prop::num::f64::ANY), 3), 0..20)
    ) {
        let names = ["epoch", "val_loss", "step", "a,\"b\""];
        let mut table = EpochTable::new(names.map(str::to_owned).to_vec());
        for (epoch, row) in (1_u32..).zip(&rows) {
            let mut cells = vec![Some(f64::from(epoch))];
            cells.extend(row);
            table.push(&cells);
        }
        let back = read(&write(&table), "epochs.csv").unwrap();
        prop_assert_eq!(back.names(), table.names());
        prop_assert_eq!(bits(&back), bits(&table));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z0-9,;\"\n\t. -]{0,60}") {
        let _ = read(&text, "x");
    }
}
