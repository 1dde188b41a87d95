//! IDX files as MNIST uses them: images of bytes and their labels, in a folder.
//!
//! A header is never believed: what it announces is held against the length of the file before
//! memory is taken, and a compressed file is read no further than its header says.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::file::{self, Opened};
use crate::config::data::DataConfig;
use crate::data::error::{DataError, UnpacksTooFar};
use crate::text::hex;

/// Images and labels, the test part (if any) after the training part.
#[derive(Debug)]
pub struct Images {
    pub bytes: Vec<u8>,
    pub labels: Vec<u8>,
    pub width: usize,
    pub height: usize,
    /// The first row of the test part that came along.
    pub test_from: Option<usize>,
}

/// Reads a folder of IDX files.
pub fn read_folder(folder: &Path, config: &DataConfig) -> Result<Images, DataError> {
    let missing = |what: &str| DataError::File {
        file: folder.to_owned(),
        problem: format!(
            "the folder has no {what} (.gz too): an IDX source is train-images-idx3-ubyte and train-labels-idx1-ubyte, with t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte for the test"
        ),
    };
    let images =
        find(folder, "train-images", 3).ok_or_else(|| missing("train-images-idx3-ubyte"))?;
    let labels =
        find(folder, "train-labels", 1).ok_or_else(|| missing("train-labels-idx1-ubyte"))?;
    let train = Pair::open(&images, &labels, config)?;
    let test_files = (find(folder, "t10k-images", 3), find(folder, "t10k-labels", 1));
    let test = match &test_files {
        (Some(images), Some(labels)) => {
            let test = Pair::open(images, labels, config)?;
            let ([_, height, width], [_, train_height, train_width]) =
                (test.images.shape, train.images.shape);
            if (width, height) != (train_width, train_height) {
                return Err(DataError::File {
                    file: images.clone(),
                    problem: format!(
                        "images of {height} x {width}, but those of the training part are {train_height} x {train_width}: both have to be alike"
                    ),
                });
            }
            Some(test)
        }
        (None, None) => None,
        (Some(_), None) => return Err(missing("t10k-labels-idx1-ubyte")),
        (None, Some(_)) => return Err(missing("t10k-images-idx3-ubyte")),
    };
    joined(train, test)
}

/// Images alone, with their labels where there are any.
pub struct Unsplit {
    pub bytes: Vec<u8>,
    pub labels: Option<Vec<u8>>,
    pub width: usize,
    pub height: usize,
}

/// Reads the images of a folder, the training part first, or of one file; the labels, where those of each part lie
/// beside it.
pub fn read_unsplit(path: &Path, config: &DataConfig) -> Result<Unsplit, DataError> {
    let files: Vec<(PathBuf, Option<PathBuf>)> = if path.is_dir() {
        let part = |name: &str| {
            let images = find(path, &format!("{name}-images"), 3)?;
            Some((images, find(path, &format!("{name}-labels"), 1)))
        };
        ["train", "t10k"].into_iter().filter_map(part).collect()
    } else {
        vec![(path.to_owned(), labels_beside(path))]
    };
    if files.is_empty() {
        let problem =
            "the folder has no train-images-idx3-ubyte and no t10k-images-idx3-ubyte (.gz too)";
        return Err(DataError::File { file: path.to_owned(), problem: problem.to_owned() });
    }
    let mut all = Unsplit { bytes: Vec::new(), labels: Some(Vec::new()), width: 0, height: 0 };
    for (images, labels) in &files {
        let of_images = Array::begin(file::open(images, config)?, images, 3)?;
        let [_, height, width] = of_images.shape;
        if !all.bytes.is_empty() && (width, height) != (all.width, all.height) {
            return Err(of_images.wrong(format!(
                "images of {height} x {width}, but those before are {} x {}",
                all.height, all.width
            )));
        }
        (all.width, all.height) = (width, height);
        if let Some(labels) = labels {
            let pair = Pair::of(of_images, Array::begin(file::open(labels, config)?, labels, 1)?)?;
            pair.images.read(&mut all.bytes)?;
            if let Some(all) = &mut all.labels {
                pair.labels.read(all)?;
            }
        } else {
            all.labels = None;
            of_images.read(&mut all.bytes)?;
        }
    }
    Ok(all)
}

/// The labels of a file of images, where a file of that name is there.
fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    let path = images.with_file_name(&labels);
    (labels != name && path.is_file()).then_some(path)
}

/// The plain file before the compressed one, the original's spelling before the dotted one.
fn find(folder: &Path, part: &str, dimensions: usize) -> Option<PathBuf> {
    ["", ".gz"]
        .iter()
        .flat_map(|gz| ["-", "."].iter().map(move |mark| (mark, gz)))
        .map(|(mark, gz)| folder.join(format!("{part}{mark}idx{dimensions}-ubyte{gz}")))
        .find(|path| path.is_file())
}

/// Images and labels from memory; `name` stands for the files in messages.
pub fn from_gzip(images: &[u8], labels: &[u8], name: &Path) -> Result<Images, DataError> {
    let opened = |bytes: &[u8]| Opened {
        reader: Box::new(flate2::bufread::GzDecoder::new(Cursor::new(bytes.to_vec()))),
        at_most: u64::MAX,
        exact: false,
        room: u64::MAX,
    };
    let images = Array::begin(opened(images), name, 3)?;
    joined(Pair::of(images, Array::begin(opened(labels), name, 1)?)?, None)
}

/// Reads the training part and, behind it, the test part; memory is taken once, for both.
fn joined(train: Pair, test: Option<Pair>) -> Result<Images, DataError> {
    let [_, height, width] = train.images.shape;
    let test_from = test.as_ref().map(|_| train.images.shape[0]);
    let parts = || std::iter::once(&train).chain(&test);
    let mut bytes = train.images.room(parts().map(|part| part.images.length).sum())?;
    let mut labels = train.labels.room(parts().map(|part| part.labels.length).sum())?;
    for part in std::iter::once(train).chain(test) {
        part.images.read(&mut bytes)?;
        part.labels.read(&mut labels)?;
    }
    Ok(Images { bytes, labels, width, height, test_from })
}

/// Images and their labels, before they are read.
struct Pair<'a> {
    images: Array<'a>,
    labels: Array<'a>,
}

impl<'a> Pair<'a> {
    fn open(images: &'a Path, labels: &'a Path, config: &DataConfig) -> Result<Self, DataError> {
        let images = Array::begin(file::open(images, config)?, images, 3)?;
        Self::of(images, Array::begin(file::open(labels, config)?, labels, 1)?)
    }

    fn of(images: Array<'a>, labels: Array<'a>) -> Result<Self, DataError> {
        let [count, height, width] = images.shape;
        if count != labels.shape[0] {
            return Err(labels.wrong(format!(
                "{} labels for the {count} images of {}: both files have to be of one set",
                labels.shape[0],
                images.path.display()
            )));
        }
        if images.length == 0 {
            return Err(images.wrong(format!(
                "no pixels: the header announces {count} images of {height} x {width}"
            )));
        }
        Ok(Self { images, labels })
    }
}

/// A file whose header was read.
struct Array<'a> {
    path: &'a Path,
    reader: Box<dyn Read + Send>,
    dimensions: usize,
    /// Ones fill up what a file of fewer dimensions lacks.
    shape: [usize; 3],
    /// Bytes that the header announces.
    length: usize,
}

impl<'a> Array<'a> {
    /// Reads the header of a file that must have this many dimensions.
    fn begin(mut opened: Opened, path: &'a Path, dimensions: u8) -> Result<Self, DataError> {
        let wrong = |problem: String| DataError::File { file: path.to_owned(), problem };
        let mut header = Vec::new();
        let header_length = 4 + 4 * usize::from(dimensions);
        let mut head = opened.reader.by_ref().take(header_length as u64);
        head.read_to_end(&mut header).map_err(|cause| DataError::reading(path, cause))?;
        check_magic(&header, dimensions).map_err(wrong)?;
        if header.len() < header_length {
            return Err(wrong(format!(
                "cut short within the header: {} of {header_length} bytes",
                header.len()
            )));
        }
        let mut shape = [1_usize; 3];
        for (side, bytes) in shape.iter_mut().zip(header[4..].chunks_exact(4)) {
            let announced = bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            *side = usize::try_from(announced).unwrap_or(usize::MAX);
        }
        let dimensions = usize::from(dimensions);
        let mut array = Self { path, reader: opened.reader, dimensions, shape, length: 0 };
        let room = opened.at_most.saturating_sub(header_length as u64);
        let announced =
            shape.iter().try_fold(1_u64, |product, side| product.checked_mul(*side as u64));
        array.length = match announced.map(|announced| (announced, usize::try_from(announced))) {
            Some((announced, _))
                if !opened.exact && announced <= room && announced > opened.room =>
            {
                return Err(DataError::reading(path, UnpacksTooFar(opened.room).into()));
            }
            Some((announced, Ok(length))) if announced <= room => length,
            _ if opened.exact => return Err(array.cut_short(&room.to_string())),
            _ => return Err(array.cut_short(&format!("at most {room} in a file of this size"))),
        };
        Ok(array)
    }

    fn wrong(&self, problem: String) -> DataError {
        DataError::File { file: self.path.to_owned(), problem }
    }

    fn cut_short(&self, held: &str) -> DataError {
        let shape: Vec<String> =
            self.shape[..self.dimensions].iter().map(ToString::to_string).collect();
        self.wrong(format!(
            "cut short, or its header lies: it announces {} bytes, there are {held}; fetch the file again",
            shape.join(" x ")
        ))
    }

    /// Room for this many bytes, no more than the files can fill.
    fn room(&self, length: usize) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| {
            self.wrong(format!("{length} bytes do not fit into memory: use a smaller set"))
        })?;
        Ok(bytes)
    }

    /// Appends what the header announces.
    fn read(mut self, bytes: &mut Vec<u8>) -> Result<(), DataError> {
        let failed = |cause| DataError::reading(self.path, cause);
        let read = self.reader.by_ref().take(self.length as u64).read_to_end(bytes);
        let read = read.map_err(failed)?;
        if read < self.length {
            return Err(self.cut_short(&read.to_string()));
        }
        // Reading past the end also checks the sum at the end of a gzip file.
        if self.reader.read(&mut [0]).map_err(failed)? > 0 {
            return Err(self.wrong(
                "longer than its header says: there are bytes after the last row; fetch the file again"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

fn check_magic(header: &[u8], dimensions: u8) -> Result<(), String> {
    let (what, other) = if dimensions == 3 { ("images", "labels") } else { ("labels", "images") };
    match header.get(..4) {
        Some([0, 0, 8, found]) if *found == dimensions => Ok(()),
        Some([0, 0, 8, found]) if *found == 4 - dimensions => {
            Err(format!("holds {other}, expected {what}: are the two files swapped?"))
        }
        Some([0, 0, 8, found]) => Err(format!(
            "an IDX file of {found} dimensions, expected {dimensions} for {what}: other shapes are not yet built"
        )),
        Some([0, 0, 9 | 0x0b..=0x0e, _]) => {
            Err("an IDX file of numbers other than unsigned bytes: these are not yet built"
                .to_owned())
        }
        Some(magic) => Err(format!(
            "is no IDX file: it begins with the bytes {magic:02x?}, expected [00, 00, 08, {dimensions:02x}] for {what}"
        )),
        None => Err(format!("is no IDX file: {} bytes in all", header.len())),
    }
}

impl Images {
    /// Of all that was read, the same for plain and compressed files.
    pub fn digest(&self, full_scale: u8) -> String {
        let mut hash = Sha256::new();
        hash.update(b"images\0");
        for number in [
            self.labels.len(),
            self.height,
            self.width,
            self.test_from.unwrap_or(self.labels.len()),
            usize::from(full_scale),
        ] {
            hash.update((number as u64).to_le_bytes());
        }
        hash.update(&self.bytes);
        hash.update(&self.labels);
        hex(hash.finalize())
    }
}
