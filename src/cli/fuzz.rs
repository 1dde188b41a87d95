//! By hand, `.ci/fuzz`: everything that is read from a file or the command line, mutated. Nothing may panic, take longer than
//! a second, or more memory than 64 MiB and 20 times its input.

use std::any::Any;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::rule::{Defaults, parse_rules};
use crate::config::{Experiment, Overrides};
use crate::console::eprintln;
use crate::logs::mutation::{Random, mutate};
use crate::nn::StateDict;
use crate::results::{Plan, TestRows, TrainingRecord, epochs_csv, seal};
use crate::runner::{DatasetCache, PreparedExperiment, peak_memory_mib};
use crate::train::Checkpoint;

/// Reads the bytes of a file of this name, or refuses them.
type Take = Box<dyn Fn(&str, &[u8])>;

/// What is read, from which examples, and how.
struct Target {
    name: &'static str,
    /// Of every thousand executions.
    share: usize,
    examples: Vec<(String, Vec<u8>)>,
    take: Take,
}

fn target(
    name: &'static str,
    share: usize,
    examples: Vec<(String, Vec<u8>)>,
    take: impl Fn(&str, &[u8]) + 'static,
) -> Target {
    assert!(!examples.is_empty(), "{name}: no examples");
    Target { name, share, examples, take: Box::new(take) }
}

const DATA: &str = "data.source = \"digits\"\n";

/// Configs as people write them, and what they may hold beside.
fn configs(is_wanted: fn(&Path) -> bool) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    files(&root.join("configs"), &mut paths);
    paths.retain(|path| is_wanted(path));
    paths.into_iter().map(|path| (name_of(&path), fs::read(path).unwrap())).collect()
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

fn as_json((name, toml): (String, Vec<u8>)) -> (String, Vec<u8>) {
    let value: toml::Value = toml::from_str(&String::from_utf8(toml).unwrap()).unwrap();
    (name.replace(".toml", ".json"), serde_json::to_vec_pretty(&value).unwrap())
}

fn read_config(name: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Experiment::parse(name, &text, Path::new(""), &Overrides::default());
}

const SETS: &[&str] = &[
    "training.optimizer.lr=0.01",
    "model.hidden=[64, 64]",
    "early_stopping={ kind = \"any\", rules = [{ kind = \"patience\" }, { kind = \"slope\", window = 3, min_slope = 0.0 }] }",
    "matrix.\"model.norm.kind\"=[\"none\", \"batch\"]",
    "matrix={ seed = \"0..10\", \"training.batch_size\" = [8, \"full\"] }",
    "data.split.validation=0.2",
    "tune.\"training.optimizer.lr\"=[1e-4, 1e-3]",
    "name=x",
];

const RULES: &[&str] = &[
    "kind = \"patience\", patience = [3, 5, 10], min_delta = 0.0, monitor = \"val_loss\", mode = \"min\"",
    "kind = \"all\", rules = [{ kind = \"slope\", window = 3, min_slope = 0.0 }, { kind = \"threshold\", column = \"train_loss\", below = 0.1 }]",
    "kind = \"generalization_loss\", alpha = 5.0, every = 5",
    "kind = \"progress_quotient\", alpha = 0.5, strip = 5",
    "kind = \"correlation\", window = 5, below = 0.5",
    "kind = \"moving_average\", window = 3, patience = 2, baseline = 0.5, min_delta_mode = \"relative\"",
    "kind = \"relative_to_first\", column = \"train_loss\", below = 0.1, count = 2",
    "kind = \"time_budget\", seconds = 5.0",
];

fn texts(texts: &[&str]) -> Vec<(String, Vec<u8>)> {
    texts.iter().map(|text| ((*text).to_owned(), text.as_bytes().to_vec())).collect()
}

fn npy(descr: &str, shape: &str, items: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), items].concat()
}

fn npz() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let x: Vec<u8> = (0..60_u8).flat_map(|at| f64::from(at).to_le_bytes()).collect();
    let y: Vec<u8> = (0..20_i64).flat_map(|at| (at % 2).to_le_bytes()).collect();
    for (name, content, method) in [
        ("x.npy", npy("<f8", "(20, 3)", &x), zip::CompressionMethod::Deflated),
        ("y.npy", npy("<i8", "(20,)", &y), zip::CompressionMethod::Stored),
    ] {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(name, options).unwrap();
        archive.write_all(&content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A small table in every format.
fn tables() -> Vec<(String, Vec<u8>)> {
    let row = |at: usize| [at * 37 % 60, at * 11 % 17, at % 3];
    let rows =
        |of: &dyn Fn([usize; 3]) -> String| (0..20).map(|at| of(row(at))).collect::<String>();
    let csv = "a,\"b, c\",class\n".to_owned()
        + &rows(&|[a, b, c]| format!("{a}.5,{b},{}\n", ["red", "green", "?"][c]));
    let tsv = csv.replace("\"b, c\"", "b").replace(',', "\t");
    let blanks = rows(&|[a, b, c]| format!("  {a}   {b}.0 {c}\n"));
    let dt = "bool_in=0\nreal_in=2\nbool_out=2\nreal_out=0\ntraining_examples=10\n\
              validation_examples=5\ntest_examples=5\n"
        .to_owned()
        + &rows(&|[a, b, c]| format!("{a} {b}.25 {} {}\n", c % 2, 1 - c % 2));
    let arff = "@relation r\n@attribute a numeric\n@attribute 'b c' {x,'y z'}\n@attribute class {0,1,2}\n@data\n"
        .to_owned()
        + &rows(&|[a, b, c]| format!("{a},{},{c}\n", ["x", "'y z'"][b % 2]));
    let sparse =
        "@relation r\n@attribute a numeric\n@attribute b real\n@attribute class {n,p}\n@data\n"
            .to_owned()
            + &rows(&|[a, b, c]| format!("{{0 {a}, 1 {b}.5, 2 {}}}\n", ["n", "p"][c % 2]));
    let libsvm = rows(&|[a, b, c]| format!("{} 1:{a} 3:{b}.5 # row\n", c % 2));
    let jsonl =
        rows(&|[a, b, c]| format!("{{\"a\": {a}, \"b\": \"{b}\", \"n\": null, \"class\": {c}}}\n"));
    let list: Vec<serde_json::Value> =
        jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let items: Vec<u8> = (0..80_u8).flat_map(|at| f32::from(at).to_le_bytes()).collect();
    let text = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    vec![
        text("t.csv", &csv),
        text("t.tsv", &tsv),
        text("t.data", &blanks),
        text("t.dt", &dt),
        text("t.arff", &arff),
        text("s.arff", &sparse),
        text("t.libsvm", &libsvm),
        text("t.jsonl", &jsonl),
        ("t.json".to_owned(), serde_json::to_vec(&list).unwrap()),
        ("t.npy".to_owned(), npy("<f4", "(20, 4)", &items)),
        ("t.npz".to_owned(), npz()),
        ("t.csv.gz".to_owned(), gz(csv.as_bytes())),
        ("t.arff.gz".to_owned(), gz(arff.as_bytes())),
    ]
}

/// Reads a table as `bnes check` does: the rows, the splits, what can be learnt from them.
fn read_table(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
    prepare(folder, name);
}

fn prepare(folder: &Path, source: &str) {
    let config = format!("data.source = \"{source}\"\n");
    let experiment =
        Experiment::parse("fuzz.toml", &config, folder, &Overrides::default()).unwrap();
    let mut cache = DatasetCache::of(&experiment);
    let _ = PreparedExperiment::new(&experiment, &mut cache, 1);
}

/// A folder of three images, of which one file or the other is mutated.
fn images() -> Vec<(String, Vec<u8>)> {
    let image = |at: u8| [at, 255 - at, 0, at / 2];
    let images = [0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 2];
    let images: Vec<u8> = images.into_iter().chain((0..20).flat_map(image)).collect();
    let labels: Vec<u8> =
        [0, 0, 8, 1, 0, 0, 0, 20].into_iter().chain((0..20).map(|at| at % 3)).collect();
    vec![
        ("train-images-idx3-ubyte".to_owned(), images),
        ("train-labels-idx1-ubyte".to_owned(), labels),
    ]
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Files of results, of which `begins` is how their names begin.
fn results(begins: &str) -> Vec<(String, Vec<u8>)> {
    let folder = std::env::var_os("FUZZ_RESULTS").expect("FUZZ_RESULTS: results to mutate");
    let mut paths = Vec::new();
    files(Path::new(&folder), &mut paths);
    paths.retain(|path| name_of(path).starts_with(begins));
    paths.into_iter().map(|path| (name_of(&path), fs::read(path).unwrap())).collect()
}

/// Records as a tool leaves them that wrote them anew, without their checksum: else that is all that would be looked at.
fn unsealed(records: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let plain = |(name, bytes): (String, Vec<u8>)| {
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        (name, value.to_string().into_bytes())
    };
    records.into_iter().map(plain).collect()
}

fn targets(place: &Path) -> Vec<Target> {
    let (tables_in, images_in) = (place.join("tables"), place.join("images"));
    for folder in [&tables_in, &images_in] {
        fs::create_dir_all(folder).unwrap();
    }
    let json = configs(is_toml).into_iter().map(as_json).collect();
    vec![
        target("configs in TOML", 60, configs(is_toml), read_config),
        target("configs in JSON", 60, json, read_config),
        target("--set", 60, texts(SETS), |_, bytes| {
            let set = vec![String::from_utf8_lossy(bytes).into_owned()];
            let overrides = Overrides { set, seeds: None };
            let _ = Experiment::parse("fuzz.toml", DATA, Path::new(""), &overrides);
        }),
        target("--criterion", 160, texts(RULES), |_, bytes| {
            let _ = parse_rules(&String::from_utf8_lossy(bytes), Defaults::default());
        }),
        target("tables", 120, tables(), move |name, bytes| read_table(&tables_in, name, bytes)),
        target("images", 20, images(), move |name, bytes| {
            for (other, whole) in images() {
                fs::write(images_in.join(&other), if other == name { bytes } else { &whole })
                    .unwrap();
            }
            prepare(images_in.parent().unwrap(), "images");
        }),
        target("run.json", 80, unsealed(results("run.json")), |_, bytes| {
            let _ = seal::read::<TrainingRecord>(bytes);
        }),
        target("run.json with its checksum", 100, results("run.json"), |_, bytes| {
            let _ = seal::read::<TrainingRecord>(bytes);
        }),
        target("experiment.json", 80, unsealed(results("experiment.json")), |_, bytes| {
            let _ = seal::read::<Plan>(bytes);
        }),
        target("epochs.csv", 100, results("epochs.csv"), |name, bytes| {
            let _ = epochs_csv::read(&String::from_utf8_lossy(bytes), name);
        }),
        target("checkpoints", 60, results("checkpoint-"), |_, bytes| {
            let _ = Checkpoint::decode(&Checkpoint::with_its_checksum(bytes));
        }),
        target("weights", 60, results("weights-"), |_, bytes| {
            let _ = StateDict::from_safetensors(bytes);
        }),
        target("test rows", 40, results("test_rows"), |_, bytes| {
            let _ = TestRows::decode(bytes);
        }),
    ]
}

/// Where the last panic was, and what it said.
static PANICKED: Mutex<String> = Mutex::new(String::new());

fn executed(target: &Target, name: &str, bytes: &[u8]) -> Result<Duration, String> {
    let begun = Instant::now();
    let done: Result<(), Box<dyn Any + Send>> =
        catch_unwind(AssertUnwindSafe(|| (target.take)(name, bytes)));
    done.map(|()| begun.elapsed()).map_err(|_| PANICKED.lock().unwrap().clone())
}

/// Most that reading may take.
const LONGEST: Duration = Duration::from_secs(1);

/// Mebibytes that reading may take beside 20 times its input.
const MEMORY_MIB: f64 = 64.0;

#[test]
#[ignore = "takes as long as it is told to"]
fn nothing_that_is_read_panics_hangs_or_takes_much_memory() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let executions: usize = number("FUZZ_EXECUTIONS").unwrap_or(10_000);
    let seed: u64 = number("FUZZ_SEED").unwrap_or(1) as u64;
    let only = std::env::var("FUZZ_ONLY").unwrap_or_default();
    let finds_in = std::env::var_os("FUZZ_FINDS").map(PathBuf::from);
    std::panic::set_hook(Box::new(|info| *PANICKED.lock().unwrap() = info.to_string()));
    let place = tempfile::tempdir().unwrap();
    let (mut all, mut finds) = (0, BTreeMap::new());
    let begun = Instant::now();
    for target in targets(place.path()).iter().filter(|target| target.name.contains(&only)) {
        let mut random = Random::new(seed + target.share as u64);
        let (begun, executions) = (Instant::now(), executions * target.share / 1000);
        let (mut slowest, mut largest) = (Duration::ZERO, 0);
        let before = peak_memory_mib().unwrap_or_default();
        for _ in 0..executions {
            let (name, whole) = &target.examples[random.below(target.examples.len())];
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            largest = largest.max(bytes.len());
            let mut taken = executed(target, name, &bytes);
            if taken.as_ref().is_ok_and(|time| *time > LONGEST) {
                // Others may have had the processor.
                taken = executed(target, name, &bytes);
            }
            let find = match taken {
                Ok(time) if time > LONGEST => Some(format!("takes {time:?}")),
                Ok(time) => {
                    slowest = slowest.max(time);
                    None
                }
                Err(panic) => Some(panic),
            };
            if let Some(find) = find {
                let number = finds.len();
                finds.entry((target.name, find)).or_insert_with(|| {
                    if let Some(folder) = &finds_in {
                        fs::create_dir_all(folder).unwrap();
                        fs::write(
                            folder.join(format!("{number}-{name}").replace('/', "_")),
                            &bytes,
                        )
                        .unwrap();
                    }
                    name.clone()
                });
            }
        }
        // The peak of a process never falls: one look sees the most that any of them took.
        let grown = peak_memory_mib().unwrap_or_default() - before;
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let allowed = MEMORY_MIB + 20.0 * largest as f64 / f64::from(1 << 20);
        if grown > allowed {
            finds.insert((target.name, format!("takes {grown:.0} MiB")), String::new());
        }
        all += executions;
        eprintln(format_args!(
            "{}: {executions} executions in {:.1} s, the slowest {slowest:.1?}, {grown:.1} MiB more",
            target.name,
            begun.elapsed().as_secs_f64()
        ));
    }
    let seconds = begun.elapsed().as_secs_f64();
    eprintln(format_args!("{all} executions in {seconds:.0} s, {} finds", finds.len()));
    for ((target, find), example) in &finds {
        eprintln(format_args!("{target}, {example}: {find}"));
    }
    let _ = std::panic::take_hook();
    assert!(finds.is_empty(), "{} finds", finds.len());
}
