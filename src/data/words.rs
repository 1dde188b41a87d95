//! Eight bytes at once, as one number of 64 bits.

/// 1 in each byte.
pub(super) const ONES: u64 = 0x0101_0101_0101_0101;

/// The top bit of each byte.
pub(super) const TOPS: u64 = 0x80 * ONES;
