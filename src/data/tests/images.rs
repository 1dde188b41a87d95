//! The built-in digits and IDX folders.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::super::{Dataset, Inputs, Source, Targets};
use super::{doubts, gzipped, opened, target};
use crate::config::data::{DataConfig, Task};
use crate::seed::Seed;

#[test]
fn digits_needs_no_file_and_says_what_it_is() {
    let digits = opened(Path::new("/nowhere"), "digits", |_| ()).unwrap();
    assert_eq!(
        digits.summary,
        "digits: 1797 rows, 64 inputs, to predict: `digit`, 10 classes (task: classification); train 1079, validation 359, test 359 (stratified, split seed 0)"
    );
    assert!(doubts(&digits).is_empty());
    let Inputs::Images { bytes, width: 64, scale, shift } = &digits.inputs else { panic!() };
    assert_eq!((bytes.len(), bytes.iter().max()), (1797 * 64, Some(&16)));
    let Targets::Classes { labels, names } = &digits.targets else { panic!() };
    let counts: Vec<usize> = (0..10).map(|c| labels.iter().filter(|l| **l == c).count()).collect();
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(names[9], "9");
    let train: Vec<f64> = digits
        .splits
        .train
        .iter()
        .flat_map(|row| &bytes[*row as usize * 64..][..64])
        .map(|byte| f64::from(*byte) * f64::from(*scale) + f64::from(*shift))
        .collect();
    #[allow(clippy::cast_precision_loss)]
    let n = train.len() as f64;
    assert!((train.iter().sum::<f64>() / n).abs() < 1e-6);
    assert!((train.iter().map(|x| x * x).sum::<f64>() / n - 1.0).abs() < 1e-6);
    assert_eq!(digits.preprocessing["inputs"]["full_scale"], 16);
    assert_eq!(digits.preprocessing["target"]["name"], "digit");
}

#[test]
fn digits_has_one_target() {
    let at = Path::new("/nowhere");
    assert!(opened(at, "digits", target(&["digit"])).is_ok());
    assert_eq!(
        opened(at, "digits", target(&["digits"])).unwrap_err(),
        "digits: there is no column `digits` to predict; did you mean `digit`?; there is `digit`"
    );
}

#[test]
fn images_that_are_not_standardised_lie_between_0_and_1() {
    let digits =
        opened(Path::new("/nowhere"), "digits", |config| config.standardize = false).unwrap();
    let Inputs::Images { scale, shift, .. } = digits.inputs else { panic!() };
    assert_eq!((scale, shift), (1.0 / 16.0, 0.0));
    assert!(shift.is_sign_positive());
}

/// An IDX file of bytes.
fn idx(shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, u8::try_from(shape.len()).unwrap()];
    bytes.extend(shape.iter().flat_map(|side| side.to_be_bytes()));
    bytes.extend_from_slice(data);
    bytes
}

const PARTS: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Ten images of 1 x 2, labels 3 and 7; two images for the test.
fn idx_set() -> [Vec<u8>; 4] {
    let pixels: Vec<u8> = (0..20).collect();
    [
        idx(&[10, 1, 2], &pixels),
        idx(&[10], &[3, 7, 3, 7, 3, 7, 3, 7, 3, 7]),
        idx(&[2, 1, 2], &[255, 255, 0, 255]),
        idx(&[2], &[7, 3]),
    ]
}

fn idx_taken(parts: &[(&str, Vec<u8>)]) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("set")).unwrap();
    for (name, bytes) in parts {
        fs::write(folder.path().join("set").join(name), bytes).unwrap();
    }
    opened(folder.path(), "set", |_| ())
}

#[test]
fn an_idx_folder_brings_its_test_split_in_any_spelling_and_compression() {
    let set = idx_set();
    let plain: Vec<(&str, Vec<u8>)> = PARTS.into_iter().zip(set.clone()).collect();
    let plain = idx_taken(&plain).unwrap();
    assert_eq!(
        plain.summary,
        "set: 12 rows, 2 inputs, to predict: `label`, 2 classes (task: classification); train 8, validation 2, test 2 (stratified, test as given, split seed 0)"
    );
    assert_eq!(plain.splits.test, [10, 11]);
    let Targets::Classes { labels, names } = &plain.targets else { panic!() };
    assert_eq!((names[0].as_str(), names[1].as_str()), ("3", "7"));
    assert_eq!(labels[8..], [0, 1, 1, 0]);
    assert_eq!(plain.preprocessing["inputs"]["width"], 2);
    assert_eq!(plain.preprocessing["inputs"]["full_scale"], 255);
    let names = [
        "train-images.idx3-ubyte.gz",
        "train-labels.idx1-ubyte",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte",
    ];
    let mixed: Vec<(&str, Vec<u8>)> = names
        .into_iter()
        .zip(set)
        .map(|(name, bytes)| (name, if name.contains("gz") { gzipped(&bytes) } else { bytes }))
        .collect();
    let mixed = idx_taken(&mixed).unwrap();
    assert_eq!((mixed.digest, mixed.splits), (plain.digest, plain.splits));
}

#[test]
fn an_idx_file_that_lies_or_is_damaged_is_refused_without_taking_memory() {
    let lie = [&[0, 0, 8, 3][..], &[255; 4], &[0, 0, 0, 28, 0, 0, 0, 28], &[0; 84]].concat();
    let huge = [&[0, 0, 8, 3][..], &[255; 12], &[0; 84]].concat();
    let set = idx_set();
    for (part, bytes, message) in [
        (
            0,
            lie.clone(),
            "set/train-images-idx3-ubyte: cut short, or its header lies: it announces 4294967295 x 28 x 28 bytes, there are 84; fetch the file again",
        ),
        (
            0,
            gzipped(&lie),
            "set/train-images-idx3-ubyte: cut short, or its header lies: it announces 4294967295 x 28 x 28 bytes, there are at most",
        ),
        (
            0,
            huge,
            "set/train-images-idx3-ubyte: cut short, or its header lies: it announces 4294967295 x 4294967295 x 4294967295 bytes, there are 84; fetch the file again",
        ),
        (
            0,
            set[0][..30].to_vec(),
            "set/train-images-idx3-ubyte: cut short, or its header lies: it announces 10 x 1 x 2 bytes, there are 14; fetch the file again",
        ),
        (
            0,
            gzipped(&set[0][..30]),
            "set/train-images-idx3-ubyte: cut short, or its header lies: it announces 10 x 1 x 2 bytes, there are 14; fetch the file again",
        ),
        (
            0,
            gzipped(&[&set[0][..], b"x"].concat()),
            "set/train-images-idx3-ubyte: longer than its header says: there are bytes after the last row; fetch the file again",
        ),
        (
            0,
            set[1].clone(),
            "set/train-images-idx3-ubyte: holds labels, expected images: are the two files swapped?",
        ),
        (
            0,
            b"\x89PNG....".to_vec(),
            "set/train-images-idx3-ubyte: is no IDX file: it begins with the bytes [89, 50, 4e, 47], expected [00, 00, 08, 03] for images",
        ),
        (
            0,
            vec![0, 0, 13, 3, 0],
            "set/train-images-idx3-ubyte: an IDX file of numbers other than unsigned bytes: these are not yet built",
        ),
        (
            0,
            vec![0, 0, 8, 4, 0],
            "set/train-images-idx3-ubyte: an IDX file of 4 dimensions, expected 3 for images: other shapes are not yet built",
        ),
        (
            0,
            vec![0, 0, 8, 3, 0],
            "set/train-images-idx3-ubyte: cut short within the header: 5 of 16 bytes",
        ),
        (0, Vec::new(), "set/train-images-idx3-ubyte: is no IDX file: 0 bytes in all"),
        (
            0,
            idx(&[10, 0, 2], &[]),
            "set/train-images-idx3-ubyte: no pixels: the header announces 10 images of 0 x 2",
        ),
        (
            1,
            idx(&[9], &[1; 9]),
            "set/train-labels-idx1-ubyte: 9 labels for the 10 images of set/train-images-idx3-ubyte: both files have to be of one set",
        ),
        (
            2,
            idx(&[2, 2, 1], &[0; 4]),
            "set/t10k-images-idx3-ubyte: images of 2 x 1, but those of the training part are 1 x 2: both have to be alike",
        ),
        (
            3,
            idx(&[1], &[7]),
            "set/t10k-labels-idx1-ubyte: 1 labels for the 2 images of set/t10k-images-idx3-ubyte: both files have to be of one set",
        ),
    ] {
        let mut set = set.clone();
        set[part] = bytes;
        let parts: Vec<(&str, Vec<u8>)> = PARTS.into_iter().zip(set).collect();
        let error = idx_taken(&parts).map(|dataset| dataset.summary).unwrap_err();
        assert!(error.starts_with(message), "{error}\n{message}");
    }
    let parts: Vec<(&str, Vec<u8>)> = PARTS.into_iter().zip(set).collect();
    for (missing, name) in PARTS.iter().enumerate() {
        let mut parts = parts.clone();
        parts.remove(missing);
        let error = idx_taken(&parts).unwrap_err();
        assert!(error.starts_with(&format!("set: the folder has no {name}")), "{error}");
    }
    let mut parts = parts;
    parts[1].0 = "train-labels-idx1-ubyte.gz";
    assert!(idx_taken(&parts).unwrap_err().contains("not a gzip file"));
}

#[test]
fn a_source_serves_any_split_and_refuses_another_target() {
    let mut config = DataConfig::new("digits");
    let source = Source::open(&config, Path::new("")).unwrap();
    config.split.test = 0.0;
    assert!(source.dataset(&config, Seed(1)).unwrap().splits.test.is_empty());
    config.task = Some(Task::Regression);
    assert!(source.dataset(&config, Seed(1)).unwrap_err().to_string().contains("open it again"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_images_or_an_error(
        shape in prop::collection::vec(prop_oneof![0_u32..5, any::<u32>()], 3),
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let labels = idx(&shape[..1], &bytes);
        let images = idx(&shape, &bytes);
        let _ = idx_taken(&[(PARTS[0], bytes.clone()), (PARTS[1], bytes)]);
        let _ = idx_taken(&[(PARTS[0], gzipped(&images)), (PARTS[1], labels.clone())]);
        let _ = idx_taken(&[(PARTS[0], images), (PARTS[1], labels)]);
    }
}
