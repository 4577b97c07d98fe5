//! Progress science: what an observation's figures mean and how they are shown.
//!
//! An observation stores the integers that a person saw: taps, trials, seconds. Everything else is computed
//! here from those integers, in integer arithmetic, so that tablet, server, report and family page agree to the
//! last digit. [`value`] says which figures can be at all and turns them into an exact [`number::Ratio`];
//! [`number`] says how a ratio is pooled, averaged, compared and, at the very end, rounded.
//!
//! ```
//! use sync_core::measure::{number, value::{Percent, Value}};
//!
//! let monday = Value::from(Percent::new(1, 2)?);
//! let friday = Value::from(Percent::new(9, 10)?);
//! let sessions = [monday.ratio(), friday.ratio()];
//!
//! // Ten of twelve trials, but a mean of 50% and 90%: both are shown, neither stands for the other.
//! assert_eq!(number::pooled(sessions.into_iter().flatten()).map(|r| r.percent()), Some(83));
//! assert_eq!(number::mean_of_sessions(sessions.into_iter().flatten()).map(|m| m.percent()), Some(70));
//! # Ok::<(), sync_core::measure::value::ValueError>(())
//! ```

pub mod number;
pub mod thousandths;
pub mod value;
