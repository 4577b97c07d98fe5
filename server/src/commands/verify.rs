//! `verify`: reads everything and says what is wrong, where, and what it concerns.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use sync_core::ids::DocumentId;

use super::{CommandError, Common, Done, Exit, Outcome};
use crate::engine::verify;
use crate::store::Fault;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The data folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Verify {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let failed = |error: std::io::Error| {
            CommandError::of(Exit::Failed, "unreadable", &error, "check --data and the disk")
        };
        let report = verify(&self.data, &common.keys(&self.data)).map_err(failed)?;
        let faults: Vec<Value> = report.faults.iter().map(fault).collect();
        let found = json!({
            "sound": faults.is_empty(),
            "running": report.running,
            "records": report.records,
            "seq": report.end_seq,
            "index_rows": report.index_rows,
            "torn_tail": report.torn_tail.map(|(file, offset)| json!({"file": file, "offset": offset})),
            "faults": faults,
        });
        if faults.is_empty() {
            let words = format!("sound: {} records, the last is {}", report.records, report.end_seq);
            return Ok(Done { json: found, words });
        }
        let words: Vec<String> = faults.iter().map(in_words).collect();
        let message = format!("{} faults found: {}", faults.len(), words.join("; "));
        Err(CommandError::new(Exit::Failed, "damaged", message, "restore the data from a backup").with(found))
    }
}

pub(super) fn fault(fault: &Fault) -> Value {
    let documents: Vec<DocumentId> = fault.documents.iter().copied().map(DocumentId).collect();
    json!({
        "file": fault.file, "offset": fault.offset, "what": fault.what, "seqs": fault.seqs, "documents": documents,
        "concerns": fault.concerns,
    })
}

fn in_words(fault: &Value) -> String {
    let text = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    let seqs = match fault["seqs"].as_array().map(Vec::as_slice) {
        Some([first, last]) => format!(" (records {first} to {last})"),
        Some(_) | None => String::new(),
    };
    let concerns: Vec<&str> =
        fault["concerns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let concerns =
        if concerns.is_empty() { String::new() } else { format!(". It concerns {}", concerns.join(", ")) };
    format!("{} at byte {}: {}{seqs}{concerns}", text("file"), fault["offset"], text("what"))
}
