//! Which sets there are: their files, with sizes and digests, and where they are kept.
//!
//! `files.tsv` has a line for each file: the set, its path, its bytes and its SHA-256.

/// A set that can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Set {
    /// 70,000 images of handwritten digits, 28 x 28 (LeCun et al. 1998), 12 MB
    Mnist,
    /// 70,000 images of clothes, 28 x 28 (Xiao et al. 2017), 31 MB
    FashionMnist,
    /// 48,842 people, does one earn over 50,000 dollars a year? (Becker & Kohavi 1996), 6 MB
    Adult,
    /// 20,640 districts and the median value of their houses (Pace & Barry 1997), 0.4 MB
    CaliforniaHousing,
    /// 15 problems in 3 partitions each, as .dt files (Prechelt 1994), 15 MB
    Proben1,
}

/// A file of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RemoteFile {
    /// Below the folder of the set.
    pub path: &'static str,
    pub bytes: u64,
    pub sha256: &'static str,
}

impl Set {
    /// As the command line and folders call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Adult => "adult",
            Self::CaliforniaHousing => "california-housing",
            Self::Proben1 => "proben1",
        }
    }

    /// Its files.
    pub(super) fn files(self) -> Vec<RemoteFile> {
        let parsed = |line: &'static str| {
            let mut cells = line.split('\t');
            let is_of_set = cells.next()? == self.name();
            let (path, bytes, sha256) = (cells.next()?, cells.next()?.parse().ok()?, cells.next()?);
            is_of_set.then_some(RemoteFile { path, bytes, sha256 })
        };
        include_str!("files.tsv").lines().filter_map(parsed).collect()
    }

    /// Where a file can be had, in the order in which they are tried.
    pub(super) fn urls(self, file: &RemoteFile, mirror: Option<&str>) -> Vec<String> {
        let bases: &[&str] = match self {
            _ if mirror.is_some() => &[],
            Self::Mnist => &[
                "https://ossci-datasets.s3.amazonaws.com/mnist",
                "https://storage.googleapis.com/cvdf-datasets/mnist",
            ],
            Self::FashionMnist => &[
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            ],
            Self::Adult => &["https://archive.ics.uci.edu/ml/machine-learning-databases/adult"],
            // The archive that scikit-learn reads, which has a number there.
            Self::CaliforniaHousing => {
                return vec!["https://ndownloader.figshare.com/files/5976036".to_owned()];
            }
            Self::Proben1 => &[
                "https://raw.githubusercontent.com/jeffheaton/proben1/1c63a400c5811fdd924510e08ccdba631d118c96",
            ],
        };
        let own = mirror.map(|url| format!("{}/{}", url.trim_end_matches('/'), self.name()));
        let bases = own.into_iter().chain(bases.iter().map(ToString::to_string));
        bases.map(|base| format!("{base}/{}", file.path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_line_of_the_list_is_a_file_of_a_set() {
        let all: Vec<RemoteFile> =
            Set::value_variants().iter().flat_map(|set| set.files()).collect();
        assert_eq!(all.len(), include_str!("files.tsv").lines().count());
        for file in all {
            let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            assert!(file.sha256.len() == 64 && file.sha256.bytes().all(is_hex), "{}", file.path);
            assert!(file.bytes > 0 && !file.path.contains(".."), "{}", file.path);
        }
    }

    #[test]
    fn a_mirror_stands_for_all_places() {
        for set in Set::value_variants() {
            let (file, name) = (set.files()[0], set.name());
            assert_eq!(set.to_possible_value().unwrap().get_name(), name);
            let mirrored = set.urls(&file, Some("http://localhost:1/"));
            assert_eq!(mirrored, [format!("http://localhost:1/{name}/{}", file.path)]);
            assert!(set.urls(&file, None)[0].starts_with("https://"));
        }
    }
}
