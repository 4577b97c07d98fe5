//! `rebuild`: builds the index anew from the log.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Done, Outcome};
use crate::engine::rebuild;

#[derive(Debug, Args)]
pub(super) struct Rebuild {
    /// The data folder; no server may be running on it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Rebuild {
    pub(super) fn run(&self) -> Outcome {
        let seq = rebuild(&self.data)?;
        Ok(Done { json: json!({"seq": seq}), words: format!("the index holds the log up to {seq}") })
    }
}
