//! Which documents there are, and how each gets its id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, OrgId, PersonId, StudentId, derive};

/// What a document is for. The kind decides who may read it whole, and what can be said in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// Goals, service lines, plan versions and assignments of one student and school year.
    Plan,
    /// What clinicians log for one student in one term.
    Log,
    /// What one restricted member logs for one student in one term.
    Own,
    /// Shared tallies of one student and term.
    Tally,
}

impl DocumentKind {
    /// All kinds, in the order of the book.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Log, Self::Own, Self::Tally];

    /// Returns the kind's name in the book and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Log => "log",
            Self::Own => "own",
            Self::Tally => "tally",
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DocumentKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// What a document is called in full. Its id follows from this alone, so everyone who may name it finds the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentName {
    /// The organisation that keeps it.
    pub org: OrgId,
    /// What it is for.
    pub kind: DocumentKind,
    /// The student that it speaks of.
    pub subject: StudentId,
    /// The school year (`plan`) or term (all others): the id that the calendar gives it.
    pub period: String,
    /// For `own`, the member whose document it is.
    pub member: Option<PersonId>,
}

impl DocumentName {
    /// Returns the document's id.
    pub fn id(&self) -> DocumentId {
        let member = self.member.map(|member| member.0.to_vec()).unwrap_or_default();
        let parts: [&[u8]; 5] =
            [&self.org.0, self.kind.name().as_bytes(), &self.subject.0, self.period.as_bytes(), &member];
        DocumentId(derive("document", &parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_name_makes_another_document() {
        let name = DocumentName {
            org: OrgId([1; 16]),
            kind: DocumentKind::Own,
            subject: StudentId([2; 16]),
            period: "fall".into(),
            member: Some(PersonId([3; 16])),
        };
        let others = [
            DocumentName { org: OrgId([9; 16]), ..name.clone() },
            DocumentName { kind: DocumentKind::Log, ..name.clone() },
            DocumentName { subject: StudentId([9; 16]), ..name.clone() },
            DocumentName { period: "spring".into(), ..name.clone() },
            DocumentName { member: None, ..name.clone() },
        ];
        assert!(others.iter().all(|other| other.id() != name.id()));
        assert_eq!(name.clone().id(), name.id());
    }
}
