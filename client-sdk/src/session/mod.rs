//! Live sessions: a journal on this tablet, event by event, until finishing turns it into acts.
//!
//! ```text
//! start   draws the seed of all ids, and writes down who, how and where
//! tap     one event each: a count, a trial, an undo       durable before it is shown
//! finish  one act for each student who was there; the journal is gone in the same transaction
//! ```
//!
//! > Whatever was shown survives: a killed program, an empty battery, a restart in the middle.
//!
//! All ids follow from the seed, so a copied folder that finishes the same session again makes the same records. Nothing runs while a
//! session is open: its minutes are the time between start and finish.
//!
//! A student marked absent at the end gets no session. Where the session was held under a service line of that student, a missed session
//! is recorded instead, with the reason `student_absent`. The size of a group is the number of those who were there.

mod count;
mod finish;
mod journal;
mod taps;

pub(crate) use count::can_undo;
pub use count::{Counted, Tally, counts};
pub use finish::{Finished, Finishing, draft_of, finish};
pub use journal::{EVENTS_MAX, Event, Journal, Live, STUDENTS_MAX, Start, Student, Trial, begin, note};
pub use taps::{Tapped, gather, tap_tally};
