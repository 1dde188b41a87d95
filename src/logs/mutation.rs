//! Files as no tool wrote them, for the tests of what reads files.

/// A stream of random numbers, the same for the same seed.
pub struct Random(u64);

impl Random {
    /// Of a seed.
    pub fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    /// The next number, below this one.
    pub fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

/// One of the ways in which files get damaged, and some that nobody means well by.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        let length = (1 + random.below(16)).min(bytes.len() - at);
        match random.below(9) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = b"\0\x7f\x80\xff\"[{,\n-"[random.below(10)],
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let piece = bytes[at..at + length].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            5 => bytes[at..at + length].fill(0xff),
            6 => {
                let piece = bytes[at..at + length].repeat(1 + random.below(40));
                bytes.splice(at..at, piece);
            }
            7 => {
                let word = WORDS[random.below(WORDS.len())].bytes();
                bytes.splice(at..at, word);
            }
            _ => {
                // A number in place of one.
                let begin = bytes[at..].iter().position(u8::is_ascii_digit).map(|next| at + next);
                if let Some(begin) = begin {
                    let end = bytes[begin..].iter().position(|byte| !byte.is_ascii_digit());
                    let end = end.map_or(bytes.len(), |length| begin + length);
                    let number = NUMBERS[random.below(NUMBERS.len())].bytes();
                    bytes.splice(begin..end, number);
                }
            }
        }
    }
}

const WORDS: &[&str] = &[
    "null",
    "true",
    "nan",
    "-inf",
    "\u{1f600}",
    "\u{feff}",
    "[[[[[[[[",
    "{{{{",
    "\"",
    "''",
    "\r\n",
    "=",
    "..",
    "#",
    "%",
    "\t",
];

const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "2",
    "255",
    "65536",
    "4294967296",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "1e308",
    "1e999",
    "1e-400",
    "0.1",
    "000",
    "0x10",
];
