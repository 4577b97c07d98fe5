//! The server of Carryover: it merges what tablets send, admits or holds every single change by its author's place on the student's
//! team, and shows families a read-only view.
//!
//! [`http`] speaks to the network and nothing below it names a web framework; [`store`] keeps the log, which is the truth, and the index
//! derived from it; [`family`] draws the pages that families see; [`auth`] says who is asking; [`backup`] copies what there is, and
//! [`register`] keeps what no copy may take back; [`import`] reads the district's tables; [`telemetry`] says where log lines go.

pub mod admin;
pub mod auth;
pub mod backup;
pub mod clock;
pub mod commands;
pub mod crash;
pub mod demo;
pub mod engine;
pub mod family;
pub mod http;
pub mod import;
pub mod register;
pub mod store;
pub mod telemetry;
mod whole_file;
