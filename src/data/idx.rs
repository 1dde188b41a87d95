//! IDX files as MNIST uses them: images of bytes and their labels, in a folder.
//!
//! A header is never believed: what it announces is held against the length of the file before
//! memory is taken, and a compressed file is read no further than its header says.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::DataError;
use super::file::{self, Opened};

/// Images and labels, the test part (if any) after the training part.
#[derive(Debug)]
pub(super) struct Images {
    pub bytes: Vec<u8>,
    pub labels: Vec<u8>,
    pub width: usize,
    pub height: usize,
    /// The first row of the test part that came along.
    pub test_from: Option<usize>,
}

/// Reads a folder of IDX files.
pub(super) fn read_folder(folder: &Path) -> Result<Images, DataError> {
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
    let mut all = read_pair(&images, &labels)?;
    match (find(folder, "t10k-images", 3), find(folder, "t10k-labels", 1)) {
        (Some(images), Some(labels)) => {
            let test = read_pair(&images, &labels)?;
            if (test.width, test.height) != (all.width, all.height) {
                return Err(DataError::File {
                    file: images,
                    problem: format!(
                        "images of {} x {}, but those of the training part are {} x {}: both have to be alike",
                        test.height, test.width, all.height, all.width
                    ),
                });
            }
            all.test_from = Some(all.labels.len());
            all.bytes.extend_from_slice(&test.bytes);
            all.labels.extend_from_slice(&test.labels);
        }
        (None, None) => {}
        (Some(_), None) => return Err(missing("t10k-labels-idx1-ubyte")),
        (None, Some(_)) => return Err(missing("t10k-images-idx3-ubyte")),
    }
    Ok(all)
}

/// The plain file before the compressed one, the original's spelling before the dotted one.
fn find(folder: &Path, part: &str, dimensions: usize) -> Option<PathBuf> {
    ["", ".gz"]
        .iter()
        .flat_map(|gz| ["-", "."].iter().map(move |mark| (mark, gz)))
        .map(|(mark, gz)| folder.join(format!("{part}{mark}idx{dimensions}-ubyte{gz}")))
        .find(|path| path.is_file())
}

fn read_pair(images: &Path, labels: &Path) -> Result<Images, DataError> {
    let pair = (read(file::open(images)?, images, 3)?, read(file::open(labels)?, labels, 1)?);
    joined(pair, images, labels)
}

/// Images and labels from memory; `name` stands for the files in messages.
pub(super) fn from_gzip(images: &[u8], labels: &[u8], name: &Path) -> Result<Images, DataError> {
    let opened = |bytes: &[u8]| Opened {
        reader: Box::new(flate2::bufread::GzDecoder::new(Cursor::new(bytes.to_vec()))),
        at_most: u64::MAX,
        exact: false,
    };
    joined((read(opened(images), name, 3)?, read(opened(labels), name, 1)?), name, name)
}

fn joined(
    (images, labels): (Array, Array),
    images_file: &Path,
    labels_file: &Path,
) -> Result<Images, DataError> {
    let [count, height, width] = images.shape;
    if count != labels.shape[0] {
        return Err(DataError::File {
            file: labels_file.to_owned(),
            problem: format!(
                "{} labels for the {count} images of {}: both files have to be of one set",
                labels.shape[0],
                images_file.display()
            ),
        });
    }
    if images.bytes.is_empty() {
        return Err(DataError::File {
            file: images_file.to_owned(),
            problem: format!(
                "no pixels: the header announces {count} images of {height} x {width}"
            ),
        });
    }
    Ok(Images { bytes: images.bytes, labels: labels.bytes, width, height, test_from: None })
}

struct Array {
    /// Ones fill up what a file of fewer dimensions lacks.
    shape: [usize; 3],
    bytes: Vec<u8>,
}

/// Reads one file that must have this many dimensions.
fn read(mut opened: Opened, path: &Path, dimensions: u8) -> Result<Array, DataError> {
    let file = || path.to_owned();
    let wrong = |problem: String| DataError::File { file: file(), problem };
    let failed = |cause| DataError::reading(path, cause);
    let mut header = Vec::new();
    let header_length = 4 + 4 * usize::from(dimensions);
    opened.reader.by_ref().take(header_length as u64).read_to_end(&mut header).map_err(failed)?;
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
    let announced = shape.iter().try_fold(1_u64, |product, side| product.checked_mul(*side as u64));
    let room = opened.at_most.saturating_sub(header_length as u64);
    let cut_short = |held: String| {
        let shape: Vec<String> =
            shape[..usize::from(dimensions)].iter().map(ToString::to_string).collect();
        wrong(format!(
            "cut short, or its header lies: it announces {} bytes, there are {held}; fetch the file again",
            shape.join(" x ")
        ))
    };
    let announced = match announced {
        Some(announced) if announced <= room => announced,
        _ if opened.exact => return Err(cut_short(room.to_string())),
        _ => return Err(cut_short(format!("at most {room} in a file of this size"))),
    };
    let mut bytes = Vec::new();
    // No more than the file can fill, by the check above; for built-in sets the header is ours.
    let capacity = usize::try_from(announced).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(capacity).map_err(|_| {
        wrong(format!("{announced} bytes do not fit into memory: use a smaller set"))
    })?;
    opened.reader.by_ref().take(announced).read_to_end(&mut bytes).map_err(failed)?;
    if (bytes.len() as u64) < announced {
        return Err(cut_short(bytes.len().to_string()));
    }
    // Reading past the end also checks the sum at the end of a gzip file.
    if opened.reader.read(&mut [0]).map_err(failed)? > 0 {
        return Err(wrong(
            "longer than its header says: there are bytes after the last row; fetch the file again"
                .to_owned(),
        ));
    }
    Ok(Array { shape, bytes })
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
        file::hex(hash)
    }
}
