//! Places on teams, given and ended by hand: in force when the frame is durable.

use jiff::civil::Date;
use sync_core::document::schema::REASON_CHARS_MAX;
use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::ids::{GrantId, PersonId};
use sync_core::roster::Grant;
use sync_core::roster::role::Role;
use sync_core::sensitive::Sensitive;

use super::{audit, person_named, student_named};
use crate::import::{YEAR_MAX, YEAR_MIN};

/// A place that somebody is to have.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// The student, by id or external id.
    pub student: String,
    /// The person, by id or external id.
    pub person: String,
    /// As what.
    pub role: Role,
    /// The first day.
    pub from: Date,
    /// The last day, included; none until it is ended.
    pub to: Option<Date>,
    /// Who signs, by id or external id; needed for who works under supervision.
    pub supervisor: Option<String>,
    /// Why.
    pub reason: Sensitive<String>,
}

/// Why a place was not given or ended. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefused {
    /// There is no such student.
    #[error("there is no such student")]
    UnknownStudent,
    /// There is no such person.
    #[error("there is no such person")]
    UnknownPerson,
    /// There is no such grant.
    #[error("there is no such grant")]
    UnknownGrant,
    /// The role has no place on teams.
    #[error("coord and admin have no place on a student's team")]
    NotOnTeams,
    /// Who works under supervision needs a supervisor.
    #[error(
        "an assistant or paraprofessional needs a supervisor who is a clinician, and nobody is their own"
    )]
    Supervisor,
    /// The last day lies before the first.
    #[error("the last day lies before the first")]
    EndsBeforeStart,
    /// A day is in no year that can be meant.
    #[error("a day lies in the years {YEAR_MIN} to {YEAR_MAX}")]
    Day,
    /// There is no reason, or too long a one.
    #[error("a reason has 1 to {REASON_CHARS_MAX} characters")]
    Reason,
    /// It ends earlier already: ending cannot give days back.
    #[error("the grant ends on an earlier day already; give a new one for more days")]
    EndsEarlier,
}

/// Gives a place. The same place given again, from the same day, is the same grant with these terms.
///
/// # Errors
/// [`DeskError`]; an expected refusal is the inner result.
pub fn add(
    desk: &mut Desk<'_>,
    by: Option<PersonId>,
    new: NewGrant,
) -> Result<Result<Grant, GrantRefused>, DeskError> {
    let org = desk.organisation().id;
    let index = desk.index();
    let Some(student) = student_named(&index, org, &new.student)? else {
        return Ok(Err(GrantRefused::UnknownStudent));
    };
    let Some(person) = person_named(&index, org, &new.person)? else {
        return Ok(Err(GrantRefused::UnknownPerson));
    };
    let supervisor = match &new.supervisor {
        Some(named) => match person_named(&index, org, named)? {
            Some(supervisor) => Some(supervisor),
            None => return Ok(Err(GrantRefused::UnknownPerson)),
        },
        None => None,
    };
    let fits = supervisor.as_ref().is_none_or(|signs| signs.role.is_clinician() && signs.id != person.id);
    if !fits || (new.role.is_supervised() && supervisor.is_none()) {
        return Ok(Err(GrantRefused::Supervisor));
    }
    if !new.role.is_on_teams() {
        return Ok(Err(GrantRefused::NotOnTeams));
    }
    if let Err(refused) = days_fit(new.from, new.to).and_then(|()| reason_fits(&new.reason)) {
        return Ok(Err(refused));
    }
    let grant = Grant {
        id: Grant::id_of(org, student.id, person.id, new.role, new.from),
        student: student.id,
        person: person.id,
        role: new.role,
        from: new.from,
        to: new.to,
        supervisor: supervisor.map(|person| person.id),
        reason: new.reason,
    };
    desk.set_grant(grant.clone())?;
    audit(desk, by, "grant_add", grant.id)?;
    Ok(Ok(grant))
}

/// Ends a grant with a last day, included, which may lie in the past.
///
/// # Errors
/// As of [`add`].
pub fn end(
    desk: &mut Desk<'_>,
    by: Option<PersonId>,
    id: GrantId,
    on: Date,
    reason: &Sensitive<String>,
) -> Result<Result<Grant, GrantRefused>, DeskError> {
    let Some(grant) = desk.index().grant(id)? else { return Ok(Err(GrantRefused::UnknownGrant)) };
    if let Err(refused) = days_fit(on, None).and_then(|()| reason_fits(reason)) {
        return Ok(Err(refused));
    }
    if grant.to.is_some_and(|last| last < on) {
        return Ok(Err(GrantRefused::EndsEarlier));
    }
    if grant.to == Some(on) {
        // Said again: the first reason stands.
        return Ok(Ok(grant));
    }
    // Both reasons go into the grant, which is where they belong.
    let both = [grant.reason.expose().as_str(), reason.expose().as_str()];
    let reason = both.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    let ended = Grant { to: Some(on), reason: reason.into(), ..grant };
    desk.set_grant(ended.clone())?;
    audit(desk, by, "grant_end", id)?;
    Ok(Ok(ended))
}

fn days_fit(from: Date, to: Option<Date>) -> Result<(), GrantRefused> {
    let mut days = std::iter::once(from).chain(to);
    if !days.all(|day| (YEAR_MIN..=YEAR_MAX).contains(&day.year())) {
        return Err(GrantRefused::Day);
    }
    if to.is_some_and(|to| to < from) { Err(GrantRefused::EndsBeforeStart) } else { Ok(()) }
}

fn reason_fits(reason: &Sensitive<String>) -> Result<(), GrantRefused> {
    // Its length and nothing else is looked at.
    let reason = reason.expose().trim();
    let fits = !reason.is_empty() && reason.chars().count() <= REASON_CHARS_MAX;
    if fits { Ok(()) } else { Err(GrantRefused::Reason) }
}
