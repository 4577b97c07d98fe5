//! In which document a deed belongs.
//!
//! A record of its own goes by its school-local day: what was logged stands in the term of that day, whenever it is written down. A day
//! before anything that the member was ever given, such as that of a tablet whose clock began anew in 1970, goes to the oldest document
//! of the kind, so that what was logged has a place. What the plan is to say stands in the plan of the present school year. A statement about a record stands where the record does.

use jiff::civil::Date;

use super::Deed;
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::RecordKind;
use crate::document::slot::SlotKey;
use crate::ids::{OrgId, PersonId, StudentId};
use crate::roster::calendar::Calendar;
use crate::roster::reading::{Roles, may_read};
use crate::roster::version::PolicyVersion;
use crate::time::{Moment, Zone};

/// From where a member looks for a document.
#[derive(Debug, Clone, Copy)]
pub struct Standpoint<'a> {
    /// The organisation.
    pub org: OrgId,
    /// Of whom the deed speaks.
    pub student: StudentId,
    /// Who does it.
    pub member: PersonId,
    /// The version of the policy that the server goes by, as far as it is known here.
    pub policy: PolicyVersion,
    /// As what the member stands on the student's team.
    pub roles: &'a Roles,
    /// The organisation's terms.
    pub calendar: &'a Calendar,
    /// The zone in which school days are counted.
    pub zone: &'a Zone,
    /// The school day that it is now.
    pub today: Date,
    /// The documents that the member was given.
    pub given: &'a [DocumentName],
}

/// Where a deed belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// In this document.
    Document(DocumentName),
    /// In whatever document this record stands.
    Beside(SlotKey),
    /// Nowhere: the member has no document for it.
    Nowhere,
}

impl Deed {
    /// Returns in which kinds of document the deed can be done.
    pub fn kinds(&self) -> &'static [DocumentKind] {
        match self {
            Self::LogSession { .. }
            | Self::LogMissed { .. }
            | Self::Observe { .. }
            | Self::Certify { .. } => &[DocumentKind::Log, DocumentKind::Own],
            Self::AddPlanVersion { .. }
            | Self::AddService { .. }
            | Self::AddGoal { .. }
            | Self::Assign { .. } => &[DocumentKind::Plan],
            Self::OpenTally { .. } | Self::Tap { .. } => &[DocumentKind::Tally],
            Self::Edit { kind, .. } | Self::Void { kind, .. } | Self::Reinstate { kind, .. } => match kind {
                RecordKind::PlanVersion | RecordKind::Service | RecordKind::Goal | RecordKind::Assignment => {
                    &[DocumentKind::Plan]
                }
                RecordKind::Session | RecordKind::Missed | RecordKind::Observation => {
                    &[DocumentKind::Log, DocumentKind::Own]
                }
                RecordKind::Tally | RecordKind::Tap => &[DocumentKind::Tally],
                RecordKind::Edit | RecordKind::Signature | RecordKind::Issued => &[],
            },
        }
    }

    /// Returns the record beside which the deed's own must stand, in the same document; none for a record of its own.
    pub fn beside(&self) -> Option<SlotKey> {
        match self {
            Self::Observe { session, .. } => *session,
            Self::Edit { target, .. }
            | Self::Void { target, .. }
            | Self::Reinstate { target, .. }
            | Self::Certify { target, .. } => Some(*target),
            Self::Assign { goal, .. } => Some(*goal),
            Self::Tap { tally, .. } => Some(*tally),
            // An open tally names a goal of another document.
            Self::LogSession { .. }
            | Self::LogMissed { .. }
            | Self::AddPlanVersion { .. }
            | Self::AddService { .. }
            | Self::AddGoal { .. }
            | Self::OpenTally { .. } => None,
        }
    }
}

/// Returns the document for a deed: of those in which it can be done, the first that the member reads.
///
/// So clinicians log in `log`, and who works under supervision in a document of their own.
pub fn document_for(deed: &Deed, from: &Standpoint<'_>) -> Home {
    if let Some(record) = deed.beside() {
        return Home::Beside(record);
    }
    let day = day_of(deed, from.zone).unwrap_or(from.today);
    let named = |kind: &DocumentKind| DocumentName {
        org: from.org,
        kind: *kind,
        subject: from.student,
        period: match kind {
            DocumentKind::Plan => from.calendar.year_of(from.today),
            DocumentKind::Log | DocumentKind::Own | DocumentKind::Tally => from.term_of(*kind, day),
        },
        member: (*kind == DocumentKind::Own).then_some(from.member),
    };
    let mut names = deed.kinds().iter().map(named);
    names
        .find(|name| may_read(from.policy, name, from.member, from.roles))
        .map_or(Home::Nowhere, Home::Document)
}

impl Standpoint<'_> {
    /// Returns the term of a day, or the oldest one of which the member was given a document, whichever is later.
    fn term_of(&self, kind: DocumentKind, day: Date) -> String {
        let term = self.calendar.term_of(day);
        let given = self.given.iter().filter(|name| {
            (name.kind, name.subject) == (kind, self.student)
                && name.member.is_none_or(|member| member == self.member)
        });
        let first_days =
            given.filter_map(|name| Some((self.calendar.first_day_of(&name.period)?, &name.period)));
        match (first_days.min(), self.calendar.first_day_of(&term)) {
            (Some((oldest, period)), Some(first)) if first < oldest => period.clone(),
            (Some(_) | None, Some(_) | None) => term,
        }
    }
}

/// Returns the school-local day of what a deed logs; none where it logs nothing.
///
/// A session is of the day on which its first segment began.
pub fn day_of(deed: &Deed, zone: &Zone) -> Option<Date> {
    let on = |moment: Moment| zone.day_of(moment);
    match deed {
        Deed::LogSession { segments, .. } => segments.iter().map(|segment| segment.start).min().map(on),
        Deed::LogMissed { date, .. } => Some(*date),
        Deed::Observe { observation, .. } => Some(on(observation.start)),
        Deed::OpenTally { start, .. } => Some(on(*start)),
        Deed::Edit { .. }
        | Deed::Void { .. }
        | Deed::Reinstate { .. }
        | Deed::Certify { .. }
        | Deed::AddPlanVersion { .. }
        | Deed::AddService { .. }
        | Deed::AddGoal { .. }
        | Deed::Assign { .. }
        | Deed::Tap { .. } => None,
    }
}
