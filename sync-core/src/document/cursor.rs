//! Bytes that are still to be read, and the numbers in them.

/// The bytes end too early, or a number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The bytes that are still to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], Malformed> {
        let count = usize::try_from(count).map_err(|_| Malformed)?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (byte, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*byte)
    }

    /// Reads an unsigned LEB128 number of at most 64 bits, however many bytes it is written in.
    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// Reads a signed LEB128 number of at most 64 bits, however many bytes it is written in.
    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte != 0 && byte != 0x7f {
                break;
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let negative = byte & 0x40 != 0 && shift < 63;
                return Ok(if negative { value | (-1 << (shift + 7).min(63)) } else { value });
            }
        }
        Err(Malformed)
    }

    /// Reads an unsigned number that is written in as few bytes as it can be.
    pub(crate) fn shortest_number(&mut self) -> Result<u64, Malformed> {
        let before = self.0;
        let number = self.number()?;
        match self.read_since(before) {
            [_, .., 0] => Err(Malformed),
            _ => Ok(number),
        }
    }

    /// Reads a signed number that is written in as few bytes as it can be.
    pub(crate) fn shortest_signed(&mut self) -> Result<i64, Malformed> {
        let before = self.0;
        let number = self.signed()?;
        match self.read_since(before) {
            // The last byte repeats the sign that the one before it has already.
            [.., before, 0] if before & 0x40 == 0 => Err(Malformed),
            [.., before, 0x7f] if before & 0x40 != 0 => Err(Malformed),
            _ => Ok(number),
        }
    }

    fn read_since(&self, before: &'a [u8]) -> &'a [u8] {
        before.get(..before.len() - self.0.len()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gate::trial::mutate::{leb, signed_leb};

    proptest! {
        #[test]
        fn numbers_read_as_they_were_written(number: u64, signed: i64, shift in 0u32..64) {
            let (number, signed) = (number >> shift, signed >> shift);
            prop_assert_eq!(Cursor(&leb(number)).number(), Ok(number));
            prop_assert_eq!(Cursor(&leb(number)).shortest_number(), Ok(number));
            prop_assert_eq!(Cursor(&signed_leb(signed)).signed(), Ok(signed));
            prop_assert_eq!(Cursor(&signed_leb(signed)).shortest_signed(), Ok(signed));
        }

        #[test]
        fn only_one_form_of_a_number_is_the_shortest(bytes in proptest::collection::vec(any::<u8>(), 0..11)) {
            let mut cursor = Cursor(&bytes);
            if let Ok(number) = cursor.shortest_number() {
                prop_assert_eq!([leb(number).as_slice(), cursor.0].concat(), bytes.clone());
            }
            let mut cursor = Cursor(&bytes);
            if let Ok(number) = cursor.shortest_signed() {
                prop_assert_eq!([signed_leb(number).as_slice(), cursor.0].concat(), bytes);
            }
        }
    }

    #[test]
    fn longer_forms_are_numbers_and_not_the_shortest() {
        for (bytes, number) in [(&[0x80, 0][..], 0), (&[0xff, 0x80, 0][..], 0x7f), (&[0x81, 0x80, 0][..], 1)]
        {
            assert_eq!(Cursor(bytes).number(), Ok(number));
            assert_eq!(Cursor(bytes).shortest_number(), Err(Malformed));
        }
        for (bytes, number) in [(&[0xff, 0x7f][..], -1), (&[0x80, 0][..], 0), (&[0xbf, 0][..], 63)] {
            assert_eq!(Cursor(bytes).signed(), Ok(number));
            assert_eq!(Cursor(bytes).shortest_signed(), Err(Malformed));
        }
        assert_eq!(Cursor(&[0xc0, 0]).shortest_signed(), Ok(64), "the second byte is needed for the sign");
    }
}
