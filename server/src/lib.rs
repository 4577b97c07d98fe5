//! Being laid out.

pub mod auth;
pub mod http;
pub mod import;
pub mod telemetry;
