//! Tables in other formats than CSV.

use std::io::{Cursor, Write};

use crate::common::Place;

/// 60 rows of three numbers and a class.
fn rows() -> Vec<([f64; 3], &'static str)> {
    let row = |at: u32| {
        let (a, b) = (f64::from(at * 37 % 60) / 8.0, f64::from(at * 11 % 17) - 4.0);
        let class = ["red", "green", "blue"][usize::from(a > 2.5) + usize::from(b > 3.0)];
        ([a, b, f64::from(at % 2)], class)
    };
    (0..60).map(row).collect()
}

fn npy(descr: &str, is_fortran: bool, shape: &str, items: &[u8]) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), items].concat()
}

/// An archive of the rows, the items of `x` in columns where `is_fortran`.
fn npz(is_fortran: bool, in_single: bool) -> Vec<u8> {
    let rows = rows();
    let at = |row: usize, column: usize| rows[row].0[column];
    let places: Vec<(usize, usize)> = if is_fortran {
        (0..3).flat_map(|column| (0..60).map(move |row| (row, column))).collect()
    } else {
        (0..60).flat_map(|row| (0..3).map(move |column| (row, column))).collect()
    };
    let x: Vec<u8> = if in_single {
        #[allow(clippy::cast_possible_truncation)]
        places.iter().flat_map(|(row, column)| (at(*row, *column) as f32).to_le_bytes()).collect()
    } else {
        places.iter().flat_map(|(row, column)| at(*row, *column).to_le_bytes()).collect()
    };
    let y: Vec<u8> = rows
        .iter()
        .flat_map(|(_, class)| format!("{class:\0<5}").chars().collect::<Vec<char>>())
        .flat_map(|character| u32::from(character).to_le_bytes())
        .collect();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let descr = if in_single { "<f4" } else { "<f8" };
    // The answers are found by their name, wherever they stand.
    for (name, content) in [
        ("y.npy", npy("<U5", false, "(60,)", &y)),
        ("x.npy", npy(descr, is_fortran, "(60, 3)", &x)),
    ] {
        let options = zip::write::SimpleFileOptions::default().compression_method(if in_single {
            zip::CompressionMethod::Deflated
        } else {
            zip::CompressionMethod::Stored
        });
        archive.start_file(name, options).unwrap();
        archive.write_all(&content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The rows in Parquet.
fn parquet(compression: parquet::basic::Compression) -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
    let schema = "message t { required double x1; required double x2; required double x3; required binary y (UTF8); }";
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let settings = parquet::file::properties::WriterProperties::builder();
    let settings = std::sync::Arc::new(settings.set_compression(compression).build());
    let mut writer =
        parquet::file::writer::SerializedFileWriter::new(Vec::new(), schema, settings).unwrap();
    // Two groups of rows, as of a larger file.
    for rows in rows().chunks(40) {
        let mut group = writer.next_row_group().unwrap();
        for at in 0..3 {
            let cells: Vec<f64> = rows.iter().map(|(x, _)| x[at]).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<DoubleType>().write_batch(&cells, None, None).unwrap();
            column.close().unwrap();
        }
        let classes: Vec<ByteArray> =
            rows.iter().map(|(_, class)| ByteArray::from(*class)).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&classes, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// The tensors of the weights that a training on a file keeps, without the names of columns beside them.
fn tensors(place: &Place, file: &str) -> Vec<u8> {
    let source = format!("data.source={file}");
    let name = format!("name={}", file.replace('.', "_"));
    place.succeeds(&["run", "--config", "c.toml", "--set", &source, "--set", &name, "--quiet"]);
    let trainings = place.trainings(&format!("results/{}", file.replace('.', "_")));
    assert_eq!(trainings.len(), 1);
    let files = std::fs::read_dir(&trainings[0]).unwrap().map(|entry| entry.unwrap().path());
    let is_weights = |path: &std::path::PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("weights-"))
    };
    let weights: Vec<std::path::PathBuf> = files.filter(is_weights).collect();
    assert_eq!(weights.len(), 1, "{file}");
    let bytes = std::fs::read(&weights[0]).unwrap();
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    bytes[8 + header..].to_vec()
}

#[test]
fn the_same_rows_give_the_same_weights_in_every_format() {
    let place = Place::new();
    place.write(
        "c.toml",
        "data.source = \"x\"\nmodel.hidden = [8]\ntraining.epochs = 5\nmodel.norm.kind = \"batch\"\n",
    );
    let rows = rows();
    let lines = |header: &str, line: &dyn Fn(&[f64; 3], &str) -> String| {
        rows.iter().fold(header.to_owned(), |all, (x, y)| all + &line(x, y) + "\n")
    };
    place.write("t.csv", &lines("x1,x2,x3,y\n", &|[a, b, c], y| format!("{a},{b},{c},{y}")));
    place.write("t.data", &lines("x1 x2 x3 y\n", &|[a, b, c], y| format!("  {a}   {b} {c}\t{y}")));
    place.write(
        "t.jsonl",
        &lines("", &|[a, b, c], y| {
            format!("{{\"x1\": {a}, \"x2\": {b}, \"x3\": {c}, \"y\": \"{y}\"}}")
        }),
    );
    let header = "% a comment\n@RELATION t\n@attribute x1 numeric\n@attribute 'x2' real\n@attribute x3 integer\n\
                  @attribute y {blue, green, red}\n@data\n";
    place.write("t.arff", &lines(header, &|[a, b, c], y| format!("{a}, {b}, {c}, '{y}'")));
    let sparse = |[a, b, c]: &[f64; 3], y: &str| {
        let cells = [a, b, c].into_iter().enumerate().filter(|(_, value)| **value != 0.0);
        let cells: Vec<String> = cells.map(|(at, value)| format!("{at} {value}")).collect();
        // The first level is what is not given.
        let class = if y == "blue" { Vec::new() } else { vec![format!("3 {y}")] };
        format!("{{{}}}", [cells, class].concat().join(", "))
    };
    place.write("s.arff", &lines(header, &sparse));
    let number = |y: &str| ["blue", "green", "red"].iter().position(|class| *class == y).unwrap();
    let of_libsvm = |first: usize| {
        move |x: &[f64; 3], y: &str| {
            let cells = x.iter().enumerate().filter(|(_, value)| **value != 0.0);
            let cells = cells.map(|(at, value)| format!(" {}:{value}", at + first));
            format!("{}{} # a comment", number(y), cells.collect::<String>())
        }
    };
    place.write("t.libsvm", &lines("", &of_libsvm(1)));
    place.write("zero.libsvm", &lines("", &of_libsvm(0)));
    for (name, is_fortran, in_single) in
        [("t.npz", false, false), ("f.npz", true, false), ("s.npz", true, true)]
    {
        std::fs::write(place.path(name), npz(is_fortran, in_single)).unwrap();
    }
    let zstd = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default());
    for (name, compression) in
        [("t.parquet", parquet::basic::Compression::SNAPPY), ("z.parquet", zstd)]
    {
        std::fs::write(place.path(name), parquet(compression)).unwrap();
    }
    let wanted = tensors(&place, "t.csv");
    for file in [
        "t.data",
        "t.jsonl",
        "t.arff",
        "s.arff",
        "t.libsvm",
        "zero.libsvm",
        "t.npz",
        "f.npz",
        "s.npz",
        "t.parquet",
        "z.parquet",
    ] {
        assert!(tensors(&place, file) == wanted, "{file}");
    }
    let described = place.succeeds(&["data", "describe", "t.npz"]);
    assert!(described.contains("x1") && described.contains("green"), "{described}");
}

#[test]
fn arrays_named_after_splits_are_the_splits() {
    let place = Place::new();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, rows) in [("x_test", 10_u8), ("x_train", 40), ("y_train", 40), ("y_test", 10)] {
        let content = if name.starts_with('x') {
            // Pictures of 2 x 2.
            npy("|u1", false, &format!("({rows}, 2, 2)"), &(0..4 * rows).collect::<Vec<u8>>())
        } else {
            npy(
                "|i1",
                false,
                &format!("({rows},)"),
                &(0..rows).map(|at| at % 2).collect::<Vec<u8>>(),
            )
        };
        archive
            .start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&content).unwrap();
    }
    std::fs::write(place.path("t.npz"), archive.finish().unwrap().into_inner()).unwrap();
    let described = place.succeeds(&["data", "describe", "t.npz"]);
    assert!(described.contains("10 test") && described.contains("x4"), "{described}");
}

#[test]
fn a_file_that_cannot_be_read_says_where_and_why() {
    let place = Place::new();
    place.write(
        "a.arff",
        "@relation t\n@attribute a numeric\n@attribute y {p,q}\n@data\n1,p\n2,r\n",
    );
    place.write("b.arff", "@relation t\n@attribute a numeric\n");
    place.write("a.libsvm", "1 1:0.5 2:x\n");
    place.write("b.libsvm", "1 1:1 4000000000:1\n");
    place.write("a.jsonl", "{\"a\": 1, \"y\": 2}\n{\"a\": [1], \"y\": 2}\n");
    place.write("b.jsonl", "{\"a\": 1, \"y\": 2}\n{\"a\": 1,\n");
    place.write("a.parquet", "PAR1, but no more");
    place.write("a.npy", "no array");
    std::fs::write(place.path("b.npy"), npy("<f8", false, "(1000, 2)", &[0; 16])).unwrap();
    std::fs::write(place.path("a.npz"), &npz(false, true)[..200]).unwrap();
    for (file, parts) in [
        ("a.arff", ["a.arff, line 6", "`r` is no level of the attribute `y`"]),
        ("b.arff", ["b.arff", "there is no @data"]),
        ("a.libsvm", ["a.libsvm, line 1", "`2:x`"]),
        ("b.libsvm", ["b.libsvm", "too sparse"]),
        ("a.jsonl", ["a.jsonl, line 2", "`a` holds a list"]),
        ("b.jsonl", ["b.jsonl, line 2", "not valid JSON"]),
        ("a.parquet", ["a.parquet", "cut short or damaged"]),
        ("a.npy", ["a.npy", "expected its header"]),
        ("b.npy", ["b.npy", "cut short"]),
        ("a.npz", ["a.npz", "cut short or damaged"]),
    ] {
        let message = place.fails(1, &["data", "describe", file]);
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn what_unpacks_into_far_more_than_its_size_is_refused_until_it_is_allowed() {
    let place = Place::new();
    let gzipped = |content: &mut dyn std::io::Read| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::copy(content, &mut encoder).unwrap();
        encoder.finish().unwrap()
    };
    let zeros = |bytes: u64| std::io::Read::take(std::io::repeat(b'0'), bytes);
    let rows = "0.5,1.5,p\n0.25,1.75,q\n".repeat(4 << 20);
    std::fs::write(place.path("one.csv.gz"), gzipped(&mut zeros(1 << 30))).unwrap();
    std::fs::write(place.path("rows.csv.gz"), gzipped(&mut rows.as_bytes())).unwrap();
    std::fs::write(place.path("a.jsonl.gz"), gzipped(&mut zeros(1 << 30))).unwrap();
    std::fs::create_dir(place.path("images")).unwrap();
    // 65,536 images of 64 x 64 that are all black.
    let header = [0, 0, 8, 3, 0, 1, 0, 0, 0, 0, 0, 64, 0, 0, 0, 64];
    let images =
        std::io::Read::chain(&header[..], std::io::Read::take(std::io::repeat(0), 1 << 28));
    std::fs::write(place.path("images/train-images-idx3-ubyte.gz"), gzipped(&mut { images }))
        .unwrap();
    let labels = [&[0, 0, 8, 1, 0, 1, 0, 0][..], &vec![1; 1 << 16]].concat();
    std::fs::write(place.path("images/train-labels-idx1-ubyte"), labels).unwrap();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("x.npy", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&npy("|u1", false, "(16777216, 8)", &vec![0; 1 << 27])).unwrap();
    std::fs::write(place.path("x.npz"), archive.finish().unwrap().into_inner()).unwrap();
    for file in ["one.csv.gz", "rows.csv.gz", "a.jsonl.gz", "images", "x.npz"] {
        let begun = std::time::Instant::now();
        let message = place.fails(1, &["data", "describe", file]);
        let took = begun.elapsed();
        assert!(took < std::time::Duration::from_secs(5), "{file}: {took:?}");
        assert!(message.contains(file) && message.contains("MiB"), "{message}");
        assert!(message.contains("set data.max_unpacked_mib"), "{message}");
    }
    let described =
        place.succeeds(&["data", "describe", "rows.csv.gz", "--set", "data.max_unpacked_mib=100"]);
    assert!(described.starts_with("rows.csv.gz: 8388608 rows"), "{described}");
    let message =
        place.fails(2, &["data", "describe", "rows.csv.gz", "--set", "data.max_unpacked_mib=0"]);
    assert!(message.contains("max_unpacked_mib"), "{message}");
}
