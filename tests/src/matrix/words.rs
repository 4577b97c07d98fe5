//! The closed vocabularies of the table: its roles, documents, grant states and outcomes.

/// Makes an enum of the words of one column, with all of them in order and the way from a word and back.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every word of the column, in the order of the table's head.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word as the table writes it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Returns what the table means by a word, or none for a word that the column does not have.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|each| each.word() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words! {
    /// An author's place on a student's team.
    Role {
        /// Speech-language pathologist.
        Slp = "slp",
        /// Occupational therapist.
        Ot = "ot",
        /// Physical therapist.
        Pt = "pt",
        /// School psychologist.
        Psy = "psy",
        /// Special-ed teacher.
        Set = "set",
        /// Case manager, whose own discipline is the special-ed teacher's.
        Cm = "cm",
        /// Paraprofessional.
        Para = "para",
        /// Assistant of a therapist, under a supervisor.
        Asst = "asst",
        /// Inclusion coordinator.
        Coord = "coord",
        /// School or district administrator.
        Admin = "admin",
        /// Staff without any grant on the student.
        None = "none",
    }
}

words! {
    /// A document of one student in the current period.
    Document {
        /// The year's plan.
        Plan = "plan",
        /// The clinicians' records of the term.
        Log = "log",
        /// The author's own document, where the author is a para or an assistant.
        Own = "own",
        /// The own document of another para or assistant.
        OwnOfAnother = "own-of-another",
        /// The shared tallies of the term.
        Tally = "tally",
    }
}

words! {
    /// Where the author's grant on the student stands on the day that the act arrives.
    Grant {
        /// It runs today.
        Current = "current",
        /// Its first day is in the future, and there never was one before.
        Coming = "coming",
        /// There was one until yesterday.
        Ended = "ended",
        /// There never was one.
        None = "none",
    }
}

words! {
    /// What an act must end in.
    Outcome {
        /// It is stored.
        Allow = "allow",
        /// It is held as a proposal that needs approval.
        HoldProposal = "hold:proposal",
        /// It is held: the author has the document, but not the right.
        HoldNotAllowed = "hold:not-allowed",
        /// It is held: the author once had the document and has it no longer.
        HoldAccessEnded = "hold:access-ended",
        /// It is held: no rule exists for the action.
        HoldNoPolicy = "hold:no-policy",
        /// It is refused: the author was never given the document.
        RefuseNoSuchDocument = "refuse:no-such-document",
    }
}
