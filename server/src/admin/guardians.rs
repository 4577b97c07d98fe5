//! Guardians: who is invited to a student's family page, and whose access ends.
//!
//! What the roster says of a guardian and what was decided by hand stand beside each other, and the stricter counts: a restriction that
//! either knows of keeps everything from that guardian.

use sync_core::document::slot::ContentHash;
use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::{GuardianId, PersonId, StudentId};
use sync_core::projection::family::{AccessByHand, FamilyEntry};
use sync_core::roster::Guardian;
use sync_core::sensitive::Sensitive;
use sync_core::time::Moment;

use super::{audit, guardian_named, student_named};

/// How long an invitation is good for, in milliseconds: a letter lies for a while.
pub const INVITATION_LIFE_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// Characters of a guardian's name.
pub const NAME_CHARS_MAX: usize = 200;
/// Characters of a language's tag or name (RFC 5646, section 4.4.1, for tags).
pub const LANGUAGE_CHARS_MAX: usize = 35;

/// Whom somebody invites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The student, by either id.
    pub student: String,
    /// The guardian's name. The same name of the same student is the same guardian.
    pub name: Sensitive<String>,
    /// The language of the page; none leaves it as it is.
    pub language: Option<String>,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GuardianRefused {
    /// There is no such student.
    #[error("there is no such student")]
    UnknownStudent,
    /// There is no such guardian.
    #[error("there is no such guardian")]
    UnknownGuardian,
    /// A name is one line, not empty and not too long.
    #[error("a name is one line of 1 to {NAME_CHARS_MAX} characters")]
    Name,
    /// A language is a short tag or name.
    #[error("a language has 1 to {LANGUAGE_CHARS_MAX} characters")]
    Language,
    /// Nobody is invited against a court order.
    #[error("this guardian is restricted")]
    Restricted,
}

/// Invites a guardian, who is made where there is none of that name; returns who it is. `drawn` is the id of a new one, `hash` the keyed
/// hash of the invitation.
///
/// # Errors
/// Outside, [`DeskError`]; inside, why nobody was invited.
pub fn invite(
    desk: &mut Desk<'_>,
    by: Option<PersonId>,
    asked: &Invited,
    drawn: GuardianId,
    hash: ContentHash,
) -> Result<Result<(Guardian, Moment), GuardianRefused>, DeskError> {
    let org = desk.organisation().id;
    let Some(student) = student_named(&desk.index(), org, &asked.student)? else {
        return Ok(Err(GuardianRefused::UnknownStudent));
    };
    let name = asked.name.expose().trim(); // to be compared and stored
    if !is_line(name, NAME_CHARS_MAX) {
        return Ok(Err(GuardianRefused::Name));
    }
    let language = asked.language.as_deref().map(str::trim);
    if language.is_some_and(|language| !is_line(language, LANGUAGE_CHARS_MAX)) {
        return Ok(Err(GuardianRefused::Language));
    }
    let known = known(desk, student.id, name)?;
    let mut guardian = known.clone().unwrap_or_else(|| Guardian {
        id: drawn,
        external_id: String::new(),
        student: student.id,
        name: Sensitive::new(name.to_owned()),
        language: student.home_language.clone(),
        restricted: false,
    });
    if known.is_some() && !desk.index().may_see(guardian.id)? {
        return Ok(Err(GuardianRefused::Restricted));
    }
    if let Some(language) = language {
        language.clone_into(&mut guardian.language);
    }
    if known.as_ref() != Some(&guardian) {
        desk.emit(LogEntry::Guardian(guardian.clone()))?;
    }
    let expires = give_out(desk, guardian.id, hash, INVITATION_LIFE_MS)?;
    audit(desk, by, "guardian_invite", guardian.id)?;
    Ok(Ok((guardian, expires)))
}

/// Puts an invitation into the log; returns until when it is good.
///
/// # Errors
/// [`DeskError`].
pub fn give_out(
    desk: &mut Desk<'_>,
    guardian: GuardianId,
    hash: ContentHash,
    life_ms: i64,
) -> Result<Moment, DeskError> {
    let expires = desk.conditions().now.plus_ms(life_ms);
    desk.emit(LogEntry::Family(FamilyEntry::Invited { hash, guardian, expires }))?;
    Ok(expires)
}

/// Keeps everything from a guardian, or lifts what was decided so by hand; what the roster says stays.
///
/// # Errors
/// Outside, [`DeskError`]; inside, why nothing was done.
pub fn restrict(
    desk: &mut Desk<'_>,
    by: Option<PersonId>,
    named: &str,
    restricted: bool,
) -> Result<Result<GuardianId, GuardianRefused>, DeskError> {
    let action = if restricted { "guardian_restrict" } else { "guardian_restrict_lift" };
    decide(desk, by, named, action, |access| AccessByHand { restricted, ..access })
}

/// Ends a guardian's access for good.
///
/// # Errors
/// Outside, [`DeskError`]; inside, why nothing was done.
pub fn end(
    desk: &mut Desk<'_>,
    by: Option<PersonId>,
    named: &str,
) -> Result<Result<GuardianId, GuardianRefused>, DeskError> {
    decide(desk, by, named, "guardian_end", |access| AccessByHand { ended: true, ..access })
}

fn decide(
    desk: &mut Desk<'_>,
    by: Option<PersonId>,
    named: &str,
    action: &str,
    next: impl FnOnce(AccessByHand) -> AccessByHand,
) -> Result<Result<GuardianId, GuardianRefused>, DeskError> {
    let org = desk.organisation().id;
    let Some(known) = guardian_named(&desk.index(), org, named)? else {
        return Ok(Err(GuardianRefused::UnknownGuardian));
    };
    let (guardian, before) = (known.id, desk.index().access_by_hand(known.id)?);
    let AccessByHand { restricted, ended } = next(before);
    if (AccessByHand { restricted, ended }) != before {
        desk.emit(LogEntry::Family(FamilyEntry::Access { guardian, restricted, ended }))?;
        audit(desk, by, action, guardian)?;
    }
    Ok(Ok(guardian))
}

/// Returns the guardian of a student with this name whose access has not ended.
fn known(desk: &Desk<'_>, student: StudentId, name: &str) -> Result<Option<Guardian>, DeskError> {
    for guardian in desk.index().guardians()? {
        // Compared here, and shown to nobody.
        let same = guardian.student == student && guardian.name.expose() == name;
        if same && !desk.index().access_by_hand(guardian.id)?.ended {
            return Ok(Some(guardian));
        }
    }
    Ok(None)
}

fn is_line(text: &str, chars_max: usize) -> bool {
    !text.is_empty() && text.chars().count() <= chars_max && !text.chars().any(char::is_control)
}
