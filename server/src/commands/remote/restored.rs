//! `restored status`, `restored confirm`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Remote;
use crate::commands::{Done, Outcome};

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Restored {
    /// Say what came back since the server was restored, and whether it waits to be confirmed
    Status,
    /// Confirm that grants and revoked devices are right: the server sends and takes as before
    Confirm,
}

impl Restored {
    pub(super) fn run(&self, remote: &Remote) -> Outcome {
        let answer = match self {
            Self::Status => remote.get(&["restored"], &[])?,
            Self::Confirm => remote.post(&["restored", "confirm"], &[], &json!({}))?,
        };
        Ok(Done { words: in_words(&answer), json: answer })
    }
}

fn in_words(answer: &Value) -> String {
    let number = |name: &str| answer[name].as_u64().unwrap_or(0);
    let unconfirmed = answer["unconfirmed_devices"].as_array().map_or(0, Vec::len);
    let what = match answer["by"].as_str() {
        Some("backup") => "This server was restored from a backup.",
        Some(_) => "This server's folder was set back; nobody said so, and it was found out.",
        None => return "This server was never restored.".to_owned(),
    };
    let mut lines = vec![what.to_owned()];
    lines.push(format!(
        "{} acts came back by their receipts; {} were found on colleagues' tablets and wait for review.",
        number("resent"),
        number("recovered")
    ));
    if unconfirmed > 0 {
        lines.push(format!(
            "{unconfirmed} devices were paired in what was lost; until you confirm they may only send again what they have."
        ));
    }
    if number("parked_documents") > 0 {
        lines.push(format!(
            "{} documents are of students whom nobody has named; import them, or leave them parked.",
            number("parked_documents")
        ));
    }
    lines.push(if answer["waiting_for_confirmation"] == true {
        "It waits to be confirmed: nothing is sent to tablets and nothing new is taken; everything is safe on them.\n\
         Check `grant list` and `device list`, mend what was changed since the copy, then: carryover restored confirm"
            .to_owned()
    } else if unconfirmed > 0 {
        "It is confirmed and serves as before; those devices came since. Check `device list`, then: carryover restored confirm".to_owned()
    } else {
        "It is confirmed. What tablets still have comes back as they sync.".to_owned()
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_to_do_is_said_and_nothing_that_is_not() {
        let said = |waiting: bool, unconfirmed: &[&str]| {
            in_words(&json!({
                "by": "backup", "resent": 3, "recovered": 1, "parked_documents": 2,
                "waiting_for_confirmation": waiting, "unconfirmed_devices": unconfirmed,
            }))
        };
        let (stands_still, confirm) = ("nothing is sent to tablets", "carryover restored confirm");
        let waits = said(true, &["d1"]);
        assert!(waits.contains(stands_still) && waits.contains(confirm), "{waits}");
        assert!(waits.contains("1 devices were paired in what was lost"), "{waits}");
        let late = said(false, &["d1"]);
        assert!(!late.contains(stands_still) && late.contains(confirm), "{late}");
        let done = said(false, &[]);
        assert!(!done.contains(stands_still) && !done.contains(confirm), "{done}");
        assert!(done.contains("2 documents are of students whom nobody has named; import them"), "{done}");
        assert_eq!(in_words(&json!({ "by": null })), "This server was never restored.");
    }
}
