//! Closed lists of words: a type for each, so that a mode can never stand where a place is meant.
//!
//! Records, scripts and imports all write the same words, the codes. Each type reads them back in exactly that spelling; what to make
//! of capitals or blanks is for whoever talks to people.

/// A text that is none of the words that can stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of the words that can stand here: {}", .0.join(" "))]
pub struct UnknownWord(pub &'static [&'static str]);

/// Declares an enum whose variants are words.
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        $vis enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order in which they are offered.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Their codes, in the same order.
            pub const CODES: &'static [&'static str] = &[$($word),+];

            /// Returns the code that stands in records and in output.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Returns what a code stands for, or none where this version does not know it.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|word| word.code() == code)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::word::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::from_code(text).ok_or($crate::word::UnknownWord(Self::CODES))
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    words! {
        /// An example.
        enum Fruit {
            /// Green.
            Pear = "pear",
            /// Yellow.
            Lemon = "lemon",
        }
    }

    #[test]
    fn a_word_reads_back_and_another_says_what_could_stand_there() {
        for fruit in Fruit::ALL {
            assert_eq!(fruit.to_string().parse(), Ok(fruit));
        }
        for text in ["", "Pear", "pears", " lemon"] {
            let refused = text.parse::<Fruit>().unwrap_err();
            assert_eq!(refused.to_string(), "not one of the words that can stand here: pear lemon");
        }
    }
}
