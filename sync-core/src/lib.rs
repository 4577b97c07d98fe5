//! Being laid out.

pub mod measure;
pub mod service;
