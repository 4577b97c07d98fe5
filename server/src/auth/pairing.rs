//! One-time codes that pair a tablet with a person.
//!
//! A code is ten letters and digits in two groups, `7KD4M-QWH3R`: short enough to type in a
//! hallway, 48 bits. Its alphabet of 28 leaves out what is misread, and where one of two look-alikes
//! is in it, the other is understood as that one (a typed `S` is a `5`).
//!
//! The server never stores a code. It stores two keyed hashes: one of the first four characters,
//! the *locator*, which finds the record, and one of the whole. Because a wrong code still finds
//! the record that it was meant for, tries can be counted per code, and after [`TRIES_MAX`] wrong
//! ones the code is burnt. (With the whole code as the key, a wrong one would find nothing, and there
//! would be nothing to count.) What is left to guess behind a locator is 28 bits, of which five are
//! tried; how often one address may try at all is limited apart from this.

use std::fmt;

use super::keys::{HashSecret, Purpose};

/// The characters of a code: digits and capitals without `0 O 1 I L`, and without `S Z B`, which are
/// read as `5 2 8`.
pub const ALPHABET: &[u8; 28] = b"23456789ACDEFGHJKMNPQRTUVWXY";
/// Characters in a code.
pub const CODE_CHARS: usize = 10;
/// Characters of it that find the record.
pub const LOCATOR_CHARS: usize = 4;
/// Characters that are read together.
const GROUP_CHARS: usize = 5;
/// The longest input that is looked at, in bytes: a code with generous spacing.
pub const INPUT_BYTES_MAX: usize = 64;
/// Wrong tries after which a code is burnt.
pub const TRIES_MAX: u8 = 5;
/// How long a code is good for unless said otherwise, in milliseconds: the time of a walk to the
/// tablet cart and back.
pub const LIFE_MS_DEFAULT: i64 = 10 * 60 * 1000;

/// A code in the clear: on its way to the screen that shows it, or from the keys that typed it.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode([u8; CODE_CHARS]);

/// What was typed cannot be a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pairing code has {CODE_CHARS} letters and digits")]
pub struct NotACode;

impl PairingCode {
    /// Makes a code of 16 random bytes. Where another code with the same locator is open, the
    /// caller draws again.
    pub fn issue(random: [u8; 16]) -> Self {
        // 128 bits over 28^10 (48 bits): no code is likelier than another by more than one part in 2^80.
        let mut rest = u128::from_be_bytes(random);
        Self(std::array::from_fn(|_| {
            let letter = letter(rest);
            rest /= ALPHABET.len() as u128;
            letter
        }))
    }

    /// Reads what a person typed: case, spaces and dashes do not matter, look-alikes are understood.
    pub fn parse(typed: &str) -> Result<Self, NotACode> {
        if typed.len() > INPUT_BYTES_MAX {
            return Err(NotACode);
        }
        let letters: Vec<u8> = typed
            .chars()
            .filter(|letter| !letter.is_whitespace() && !DASHES.contains(letter))
            .map(|letter| understood(letter).ok_or(NotACode))
            .collect::<Result<_, _>>()?;
        letters.try_into().map(Self).map_err(|_| NotACode)
    }

    /// The hash under which the code's record is found.
    pub fn locator(&self, secret: &HashSecret) -> [u8; 32] {
        secret.hash(Purpose::PairingLocator, &self.0[..LOCATOR_CHARS])
    }

    /// The hash of the whole, which the record keeps.
    pub fn hash(&self, secret: &HashSecret) -> [u8; 32] {
        secret.hash(Purpose::PairingCode, &self.0)
    }
}

/// The code in its groups, to be shown once to the person whom it is for.
impl fmt::Display for PairingCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in self.0.iter().enumerate() {
            if at > 0 && at % GROUP_CHARS == 0 {
                out.write_str("-")?;
            }
            write!(out, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

/// Shows nothing: a code in a log line would pair the reader's tablet.
impl fmt::Debug for PairingCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PairingCode(..)")
    }
}

/// What the server stores of an open code, under its locator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCode {
    /// The keyed hash of the whole code.
    pub hash: [u8; 32],
    /// When it ends, in milliseconds since 1970 on the server's clock.
    pub expires_ms: i64,
    /// How often something else was typed behind its locator.
    pub tries_wrong: u8,
}

/// What came of a try. All but `Accepted` look the same to whoever typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// It is the code: pair, and remove the record in the same transaction.
    Accepted,
    /// It is another: store this count before answering.
    Wrong {
        /// The wrong tries so far, this one included.
        tries_wrong: u8,
    },
    /// Too many wrong ones came before; even the right code is no good any more.
    Burnt,
    /// Its time is over.
    Expired,
}

impl OpenCode {
    /// Opens a code from `now_ms` for `life_ms`.
    pub fn new(code: &PairingCode, secret: &HashSecret, now_ms: i64, life_ms: i64) -> Self {
        Self { hash: code.hash(secret), expires_ms: now_ms.saturating_add(life_ms), tries_wrong: 0 }
    }

    /// Judges what was typed.
    pub fn attempt(&self, typed: &PairingCode, secret: &HashSecret, now_ms: i64) -> Try {
        if self.tries_wrong >= TRIES_MAX {
            Try::Burnt
        } else if now_ms >= self.expires_ms {
            Try::Expired
        } else if secret.verifies(Purpose::PairingCode, &typed.0, &self.hash) {
            Try::Accepted
        } else {
            Try::Wrong { tries_wrong: self.tries_wrong + 1 }
        }
    }
}

/// Hyphen, the dashes that keyboards put in its place, and the underscore.
const DASHES: [char; 5] = ['-', '\u{2010}', '\u{2011}', '\u{2013}', '_'];

fn letter(number: u128) -> u8 {
    // The remainder is below 28, so that it fits and is in the alphabet.
    ALPHABET[(number % ALPHABET.len() as u128) as usize]
}

fn understood(typed: char) -> Option<u8> {
    let letter = match typed.to_ascii_uppercase() {
        'S' => '5',
        'Z' => '2',
        'B' => '8',
        other => other,
    };
    u8::try_from(letter).ok().filter(|letter| ALPHABET.contains(letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: i64 = 1_780_000_000_000;

    fn secret() -> HashSecret {
        HashSecret::new([1; 32])
    }

    fn code(text: &str) -> PairingCode {
        PairingCode::parse(text).unwrap()
    }

    #[test]
    fn the_alphabet_has_28_letters_none_of_them_twice_or_misread() {
        let mut letters = ALPHABET.to_vec();
        letters.dedup();
        assert_eq!(letters.len(), 28);
        assert!(ALPHABET.is_sorted());
        assert!(!ALPHABET.iter().any(|letter| b"0O1ILSZB".contains(letter)));
    }

    #[test]
    fn every_letter_comes_up_in_every_place() {
        let codes: Vec<_> = (0..2000u128)
            .map(|n| {
                PairingCode::issue(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes())
            })
            .collect();
        for place in 0..CODE_CHARS {
            for letter in ALPHABET {
                assert!(
                    codes.iter().any(|code| code.0[place] == *letter),
                    "{} at {place}",
                    char::from(*letter)
                );
            }
        }
    }

    #[test]
    fn a_code_reads_in_two_groups() {
        assert_eq!(PairingCode::issue([0; 16]).to_string(), "22222-22222");
        assert_eq!(PairingCode::issue(27u128.to_be_bytes()).to_string(), "Y2222-22222");
    }

    #[test]
    fn people_may_type_it_as_they_like() {
        let shown = code("7KD4M-Q5H28");
        for typed in [
            "7kd4mq5h28",
            " 7KD4M q5h28 ",
            "7k-d4-mq-5h-28",
            "7KD4M\u{2013}Q5H28",
            "7KD4M-QSHZB",
            "7kd4m_qshzb",
        ] {
            assert_eq!(code(typed), shown, "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_refused() {
        for typed in ["", "7KD4M-Q5H2", "7KD4M-Q5H288", "7KD4M-Q5H2O", "7KD4M-Q5H2!", "7KD4M-Q5H2\u{e9}"] {
            assert_eq!(PairingCode::parse(typed), Err(NotACode), "{typed}");
        }
        let spaced = |spaces: usize| PairingCode::parse(&format!("7KD4MQ5H28{}", " ".repeat(spaces)));
        assert!(spaced(INPUT_BYTES_MAX - CODE_CHARS).is_ok());
        assert_eq!(spaced(INPUT_BYTES_MAX - CODE_CHARS + 1), Err(NotACode));
    }

    #[test]
    fn the_right_code_is_accepted_until_it_expires() {
        let shown = code("7KD4M-Q5H28");
        let open = OpenCode::new(&shown, &secret(), NOW_MS, LIFE_MS_DEFAULT);
        assert_eq!(open.attempt(&shown, &secret(), NOW_MS), Try::Accepted);
        assert_eq!(open.attempt(&shown, &secret(), NOW_MS + LIFE_MS_DEFAULT - 1), Try::Accepted);
        assert_eq!(open.attempt(&shown, &secret(), NOW_MS + LIFE_MS_DEFAULT), Try::Expired);
        assert_eq!(OpenCode::new(&shown, &secret(), NOW_MS, i64::MAX).expires_ms, i64::MAX);
    }

    #[test]
    fn five_wrong_tries_burn_it_for_the_right_one_too() {
        let (shown, wrong) = (code("7KD4M-Q5H28"), code("7KD4M-Q5H29"));
        assert_eq!(
            shown.locator(&secret()),
            wrong.locator(&secret()),
            "a wrong code finds the record it was meant for"
        );
        let mut open = OpenCode::new(&shown, &secret(), NOW_MS, LIFE_MS_DEFAULT);
        for n in 1..=TRIES_MAX {
            assert_eq!(open.attempt(&shown, &secret(), NOW_MS), Try::Accepted, "before try {n}");
            assert_eq!(open.attempt(&wrong, &secret(), NOW_MS), Try::Wrong { tries_wrong: n });
            open.tries_wrong = n;
        }
        assert_eq!(open.attempt(&wrong, &secret(), NOW_MS), Try::Burnt);
        assert_eq!(open.attempt(&shown, &secret(), NOW_MS), Try::Burnt);
    }

    #[test]
    fn hashes_depend_on_code_secret_and_part() {
        let shown = code("7KD4M-Q5H28");
        assert_ne!(shown.hash(&secret()), code("7KD4M-Q5H29").hash(&secret()));
        assert_ne!(shown.hash(&secret()), shown.hash(&HashSecret::new([2; 32])));
        assert_ne!(shown.locator(&secret()), code("7KD5M-Q5H28").locator(&secret()));
    }

    #[test]
    fn a_code_never_shows_in_debug_output() {
        assert_eq!(format!("{:?}", code("7KD4M-Q5H28")), "PairingCode(..)");
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed(random: [u8; 16]) {
            let issued = PairingCode::issue(random);
            prop_assert_eq!(PairingCode::parse(&issued.to_string()), Ok(issued.clone()));
            prop_assert_eq!(PairingCode::parse(&issued.to_string().to_lowercase()), Ok(issued));
        }

        #[test]
        fn any_input_is_a_code_or_is_not(typed in ".{0,80}") {
            let _ = PairingCode::parse(&typed);
        }
    }
}
