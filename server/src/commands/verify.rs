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
        let words: Vec<String> = report.faults.iter().map(in_words).collect();
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

fn in_words(fault: &Fault) -> String {
    let seqs = fault.seqs.map(|(first, last)| format!(" (records {first} to {last})")).unwrap_or_default();
    let concerns = if fault.concerns.is_empty() {
        String::new()
    } else {
        format!(". It concerns {}", fault.concerns.join(", "))
    };
    format!("{}: {}{seqs}{concerns}", fault.place(), fault.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_said_where_it_is_known_and_none_where_it_is_not() {
        let known = Fault {
            file: "data/log/00000001.seg".into(),
            offset: Some(0),
            what: "torn".into(),
            seqs: Some((1, 2)),
            concerns: vec!["1 x word of the roster".into()],
            ..Fault::default()
        };
        assert_eq!(
            in_words(&known),
            "data/log/00000001.seg at byte 0: torn (records 1 to 2). It concerns 1 x word of the roster"
        );
        assert_eq!(fault(&known)["offset"], 0);
        let unknown = Fault { file: "data.keys/served".into(), what: "bent".into(), ..Fault::default() };
        assert_eq!(in_words(&unknown), "data.keys/served: bent");
        assert_eq!(fault(&unknown)["offset"], Value::Null);
    }
}
