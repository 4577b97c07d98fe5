//! Bugs that a test can ask for, each of which must turn a named test red.
//!
//! With the feature `testing`, `CARRYOVER_SEEDED_BUG=no_sync` puts the bug of that name into the program for as long as it runs; `tests/seeded.txt`
//! says which test finds it, and `tests/scripts/seeded.sh` goes through all of them. Without the feature [`seeded`] is the constant `false`,
//! and nothing of a bug is in the program.

macro_rules! bugs {
    ($($variant:ident = $name:literal, $what:literal;)*) => {
        /// A bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug { $(#[doc = $what] $variant,)* }

        impl Bug {
            /// Every bug there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the name by which it is asked for.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

bugs! {
    NoSync = "no_sync", "A group of frames is written and never synced.";
    ReceiptBeforeSync = "receipt_before_sync", "Answers leave before the sync that they speak of.";
    IndexAheadOfTheLog = "index_ahead_of_the_log", "The index shows what the log has not got yet.";
    HalfAFrame = "half_a_frame", "Of what belongs together only the first half is logged.";
    IndexUnchecked = "index_unchecked", "An index is believed without its rows being counted.";
    KeyUnchecked = "key_unchecked", "A key is believed whatever its checksum says.";
    ReserveNeverGivenUp = "reserve_never_given_up", "On a full disk the reserve stays where it is.";
    DoorWithoutPolicy = "door_without_policy", "A snapshot is handed out without asking who may read it.";
    StaleVerdict = "stale_verdict", "What is committed was judged by where the author stood before.";
    StoodBefore = "stood_before", "A put into a slot that stands already is taken for a new one.";
    IssuedWithoutLateness = "issued_without_lateness", "What came late is issued as if it had come in time.";
    CursorUnsigned = "cursor_unsigned", "A cursor is believed without its keyed hash.";
    ReceiptUnsigned = "receipt_unsigned", "A receipt is believed without its keyed hash.";
    ReplacesIgnored = "replaces_ignored", "The fold ignores what an edit replaces.";
    UnseenReplaced = "unseen_replaced", "An edit replaces every value there is, seen by its author or not.";
    OtherFieldReplaced = "other_field_replaced", "An edit replaces values of another field.";
    PurgedBeforeReceipt = "purged_before_receipt", "A tablet purges what has no receipt yet.";
    CursorWithoutItsReply = "cursor_without_its_reply", "A tablet keeps a reply's cursor and not its entries.";
    SnapshotOlderThanBegin = "snapshot_older_than_begin", "A snapshot from before a document's begin is taken.";
    Predecessor = "predecessor", "The gate lets an operation with a predecessor through.";
    PolicyWithoutEnds = "policy_without_ends", "A narrower policy is set, and nobody's reading ends.";
    RowsUncounted = "rows_uncounted", "A tablet's store is believed without its rows being counted.";
}

/// Returns whether a test asked for this bug.
#[cfg(feature = "testing")]
pub fn seeded(bug: Bug) -> bool {
    static ASKED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let asked = ASKED.get_or_init(|| std::env::var("CARRYOVER_SEEDED_BUG").ok());
    asked.as_deref() == Some(bug.name())
}

/// Returns false: only tests can ask for a bug.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub const fn seeded(_: Bug) -> bool {
    false
}
