//! Live sessions: a journal on this tablet, event by event, until finishing turns it into acts.
//!
//! ```text
//! start   draws the seed of all ids, and writes down who, how and where
//! tap     one event each: a count, a trial, an undo       durable before it is shown
//! leave   somebody goes before the others
//! finish  one act for each student who was there; the journal is gone in the same transaction
//! ```
//!
//! > Whatever was shown survives: a killed program, an empty battery, a restart in the middle.
//!
//! All ids follow from the seed, so a copied folder that finishes the same session again makes the same records. Nothing runs while a
//! session is open: its minutes are the time between start and finish.
//!
//! Who took no part, absent or not willing, gets no session. Where the session was held under a service line of that student, a missed
//! session is recorded instead, with the reason `student_absent` or `student_refused`. The size of a group is the number of those who took
//! part; whoever left early did, and has the minutes until then.

mod count;
mod finish;
mod journal;
mod live;
mod taps;

pub(crate) use count::can_undo;
pub use count::{Counted, Tally, counts};
pub use finish::{Finished, Finishing, draft_of, finish};
pub(crate) use journal::note;
pub use journal::{Journal, begin, happened, leave};
pub use live::{EVENTS_MAX, Event, Live, STUDENTS_MAX, Start, Student, Trial};
pub use taps::{Tapped, gather, tap_tally};
