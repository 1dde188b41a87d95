//! The checksums of the files that trackers write record by record.

/// CRC-32C, Castagnoli's, which `TensorBoard` uses.
const CASTAGNOLI: u32 = 0x82f6_3b78;

/// CRC-32 as in zlib, which Weights & Biases uses.
const ZLIB: u32 = 0xedb8_8320;

const fn table(polynomial: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        #[allow(clippy::cast_possible_truncation)] // below 256
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ polynomial } else { crc >> 1 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
}

static OF_CASTAGNOLI: [u32; 256] = table(CASTAGNOLI);
static OF_ZLIB: [u32; 256] = table(ZLIB);

fn crc(table: &[u32; 256], parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().copied().flatten();
    !bytes.fold(!0, |crc, byte| table[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

/// `TensorBoard`'s, which masks it so that checksums of checksums differ.
pub(super) fn masked_castagnoli(bytes: &[u8]) -> u32 {
    crc(&OF_CASTAGNOLI, &[bytes]).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// zlib's, of parts one after the other.
pub(super) fn zlib(parts: &[&[u8]]) -> u32 {
    crc(&OF_ZLIB, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_those_of_their_standards() {
        // The check values of the catalogue of parametrised CRC algorithms.
        assert_eq!(crc(&OF_CASTAGNOLI, &[b"123456789"]), 0xe306_9283);
        assert_eq!(zlib(&[b"1234", b"56789"]), 0xcbf4_3926);
    }
}
