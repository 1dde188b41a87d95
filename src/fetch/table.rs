//! Tables made of sets whose originals are none that can be read as they are, and the keys by which sets are read.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::error::FetchError;
use super::sets::Set;

/// Columns of adult, as its notes name them.
const ADULT: &str = "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,capital_loss,hours_per_week,native_country,income";

/// Columns of California housing, as scikit-learn names them.
const CALIFORNIA: &str =
    "MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,MedHouseVal";

/// Where the numbers of California housing lie in its archive.
const CAL_HOUSING: &str = "CaliforniaHousing/cal_housing.data";

/// Makes what is to be made, and tells how the set is read.
pub(super) fn keys(set: Set, folder: &Path) -> Result<Vec<(&'static str, String)>, FetchError> {
    let shown = |path: PathBuf| path.display().to_string();
    Ok(match set {
        Set::Mnist | Set::FashionMnist => vec![("source", shown(folder.to_owned()))],
        Set::Adult => {
            let (train, test) = (folder.join("train.csv"), folder.join("test.csv"));
            for (from, to) in [("adult.data", &train), ("adult.test", &test)] {
                make(&folder.join(from), to, |bytes| {
                    String::from_utf8(bytes).map(|text| adult(&text)).map_err(|e| e.to_string())
                })?;
            }
            vec![
                ("source", shown(train)),
                ("test_source", shown(test)),
                ("target", "income".to_owned()),
            ]
        }
        Set::CaliforniaHousing => {
            let table = folder.join("california_housing.csv");
            make(&folder.join("cal_housing.tgz"), &table, |bytes| california(&numbers(&bytes)?))?;
            vec![("source", shown(table)), ("target", "MedHouseVal".to_owned())]
        }
        Set::Proben1 => vec![("source", shown(folder.join("cancer/cancer1.dt")))],
    })
}

/// Makes a table of a file, unless it is there.
fn make(
    from: &Path,
    to: &Path,
    table: impl FnOnce(Vec<u8>) -> Result<String, String>,
) -> Result<(), FetchError> {
    if to.exists() {
        return Ok(());
    }
    let write = |cause| FetchError::Write { path: to.to_owned(), cause };
    let mut bytes = Vec::new();
    File::open(from).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(write)?;
    let table =
        table(bytes).map_err(|problem| FetchError::Content { path: from.to_owned(), problem })?;
    // Whole or not at all.
    let half = to.with_extension("csv.partial");
    let written = File::create(&half).and_then(|mut file| file.write_all(table.as_bytes()));
    written.and_then(|()| fs::rename(&half, to)).map_err(write)
}

/// Adult without the remark in the first line of its test file, and without the points behind the classes there.
fn adult(text: &str) -> String {
    let rows = text.lines().filter(|line| !line.starts_with('|') && !line.trim().is_empty());
    let rows = rows.map(|line| {
        let cells: Vec<&str> =
            line.trim_end().trim_end_matches('.').split(',').map(str::trim).collect();
        cells.join(",")
    });
    std::iter::once(ADULT.to_owned()).chain(rows).map(|line| line + "\n").collect()
}

/// The text with the numbers of California housing.
fn numbers(archive: &[u8]) -> Result<String, String> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    let problem = |cause: std::io::Error| cause.to_string();
    for member in archive.entries().map_err(problem)? {
        let mut member = member.map_err(problem)?;
        if member.path().map_err(problem)?.as_os_str() == CAL_HOUSING {
            let mut text = String::new();
            member.read_to_string(&mut text).map_err(problem)?;
            return Ok(text);
        }
    }
    Err(format!("there is no {CAL_HOUSING} in it"))
}

/// Means of each household, and values in 100,000 dollars, as scikit-learn has them.
fn california(text: &str) -> Result<String, String> {
    let mut table = format!("{CALIFORNIA}\n");
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let numbers: Result<Vec<f64>, _> =
            line.split(',').map(|cell| cell.trim().parse()).collect();
        let Ok(&[longitude, latitude, age, rooms, bedrooms, population, households, income, value]) =
            numbers.as_deref()
        else {
            return Err(format!("`{line}` does not hold nine numbers"));
        };
        let cells = [
            income,
            age,
            rooms / households,
            bedrooms / households,
            population,
            population / households,
            latitude,
            longitude,
            value / 100_000.0,
        ];
        let cells: Vec<String> = cells.iter().map(f64::to_string).collect();
        table += &(cells.join(",") + "\n");
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adult_has_a_header_and_classes_of_one_spelling() {
        let train = "39, State-gov, 77516, <=50K\n50, ?, 83311, >50K\n\n";
        let test = "|1x3 Cross validator\n39, State-gov, 77516, <=50K.\n50, ?, 83311, >50K.\n\n";
        let wanted = format!("{ADULT}\n39,State-gov,77516,<=50K\n50,?,83311,>50K\n");
        assert_eq!(adult(train), wanted);
        assert_eq!(adult(test), wanted);
    }

    #[test]
    fn california_is_as_scikit_learn_has_it() {
        // The first district, and what `fetch_california_housing` gives for it.
        let line = "-122.230000,37.880000,41.000000,880.000000,129.000000,322.000000,126.000000,8.325200,452600.000000\n";
        let wanted = "8.3252,41,6.984126984126984,1.0238095238095237,322,2.5555555555555554,37.88,-122.23,4.526";
        assert_eq!(california(line), Ok(format!("{CALIFORNIA}\n{wanted}\n")));
        assert!(california("1,2\n").is_err());
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
            Vec::new(),
            flate2::Compression::fast(),
        ));
        let mut header = tar::Header::new_gnu();
        header.set_size(line.len() as u64);
        archive.append_data(&mut header, CAL_HOUSING, line.as_bytes()).unwrap();
        let archive = archive.into_inner().unwrap().finish().unwrap();
        assert_eq!(numbers(&archive), Ok(line.to_owned()));
        assert!(numbers(b"none").is_err());
    }
}
