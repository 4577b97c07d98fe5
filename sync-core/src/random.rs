//! For tests: numbers that look random and are the same in every run, and what a broken disk does with bytes.
//!
//! The whole workspace draws from this one generator, so a seed that is told with a failure is enough to see it again anywhere.

/// Numbers that all follow from one seed: SplitMix64 (Steele, Lea and Flood 2014), which has a full period for every seed.
#[derive(Debug, Clone)]
pub struct Random(u64);

/// The unit in which a disk keeps or loses bytes.
pub const SECTOR_BYTES: usize = 512;

impl Random {
    /// Starts the sequence of a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `limit`, 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % (limit.max(1) as u64)).unwrap_or_default()
    }

    /// Returns true `percent` times out of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns one of these, none where there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// Returns 16 bytes that nobody else draws.
    pub fn id(&mut self) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.number().to_be_bytes());
        id[8..].copy_from_slice(&self.number().to_be_bytes());
        id
    }
}

/// Returns bytes as a broken disk gives them back, and says how: from a place on, one bit is flipped, a sector is zero, or all is gone.
///
/// They may be the same as before, such as zeroes over zeroes: whoever wants damage draws again.
pub fn bent(sound: &[u8], at: usize, random: &mut Random) -> (Vec<u8>, String) {
    let mut bytes = sound.to_vec();
    let how = match random.below(3) {
        0 => {
            let bit = random.below(8);
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << bit);
            format!("bit {bit} of byte {at} flipped")
        }
        1 => {
            bytes.iter_mut().skip(at).take(SECTOR_BYTES).for_each(|byte| *byte = 0);
            format!("{SECTOR_BYTES} bytes from {at} zeroed")
        }
        _ => {
            bytes.truncate(at);
            format!("cut off at {at}")
        }
    };
    (bytes, how)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_good() {
        let mut random = Random::of(1_234_567);
        // The reference values of the authors' program for this seed.
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
        ];
        assert_eq!([(); 4].map(|()| random.number()), expected);
    }

    #[test]
    fn damage_is_of_each_kind_and_where_it_is_said_to_be() {
        let sound: Vec<u8> = (0..2_000_usize).map(|n| (n % 255) as u8 + 1).collect();
        let mut random = Random::of(1);
        let mut kinds = [0; 3];
        for _ in 0..100 {
            let (bytes, how) = bent(&sound, 700, &mut random);
            assert_eq!(bytes[..700], sound[..700]);
            let differs = bytes.iter().zip(&sound).filter(|(one, other)| one != other).count();
            let kind = match (differs, bytes.len()) {
                (1, 2_000) => 0,
                (SECTOR_BYTES, 2_000) => 1,
                (0, 700) => 2,
                other => panic!("{how}: {other:?}"),
            };
            kinds[kind] += 1;
        }
        assert!(kinds.iter().all(|count| *count > 10), "{kinds:?}");
    }
}
