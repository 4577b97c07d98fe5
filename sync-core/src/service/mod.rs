//! Service accounting: what the plan promised, what was delivered, and what is still owed.
//!
//! A *service line* is a promise: two sessions of 30 minutes a week, pushed in. Sessions and missed sessions are
//! what became of it. Reading down: [`mod@line`] holds the promise in its versions, [`calendar`] the days and weeks,
//! [`promise`] how many minutes a week was promised, [`delivered`] and [`missed`] the records, `make_up` which
//! week a session counts in, [`minutes`] the account of every line and week, [`units`] what a payer bills by.
//!
//! > No minute of a line is counted twice, and none that was delivered is lost.
//!
//! Nothing here is stored. The account is a pure function of the records, the same in any order of arrival, on a
//! tablet as on the server. All minutes are whole; all dates are school-local.

pub mod calendar;
mod cover;
pub mod delivered;
pub mod line;
mod make_up;
pub mod minutes;
pub mod missed;
mod overlap;
pub mod promise;
pub mod units;
