//! Who may say what: one verdict for each slot, by the author's place on the student's team on arrival.
//!
//! Policy sees the document's kind, the slot, and what the index says of the record that it names: kind, owner and discipline, which
//! never change. It never sees present values, another document, a claimed time, or whether something is certified. What no rule
//! allows is held, never let through.

use crate::document::name::DocumentKind;
use crate::document::schema::{Fault, RecordKind, VOID, check_record, check_value, editable_leaf};
use crate::document::slot::{Slot, SlotKey, Value};
use crate::ids::PersonId;
use crate::roster::reading::{Roles, may_read_kind};
use crate::roster::role::Role;
use crate::roster::version::PolicyVersion;

/// Where the author stands when the slot arrives.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The version of the policy that is in force; a verdict is kept with it, and never judged again.
    pub policy: PolicyVersion,
    /// The kind of the document.
    pub kind: DocumentKind,
    /// For an `own` document, whose it is.
    pub member: Option<PersonId>,
    /// Who speaks.
    pub author: PersonId,
    /// As what the author stands on the subject's team today; empty where there is no place any more.
    pub roles: &'a Roles,
    /// For a `plan`, whether its school year is over.
    pub year_closed: bool,
}

impl Place<'_> {
    /// Returns whether the author reads the document.
    pub fn reads(&self) -> bool {
        may_read_kind(self.policy, self.kind, self.member, self.author, self.roles)
    }
}

/// What the index says of a record that a slot names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What kind of record it is.
    pub kind: RecordKind,
    /// Whose record it is.
    pub owner: PersonId,
    /// The discipline of a goal, or of the goal that an assignment names.
    pub discipline: Option<String>,
    /// For an edit, which leaf of which record it is about.
    pub edits: Option<(SlotKey, String)>,
}

/// What a slot lacks to stand at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// The role may propose this; somebody with the right decides.
    Proposal,
    /// The role may not do this.
    NotAllowed,
    /// The plan's year is over; late edits of it are reviewed.
    ClosedYear,
    /// No rule speaks of this.
    NoPolicy,
}

/// The verdict on one slot: with neither, it may stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The right that is missing.
    pub lack: Option<Lack>,
    /// The value that is wrong; it can be admitted only with an edit that corrects it.
    pub fault: Option<Fault>,
}

/// Returns the records of the same document that a slot builds on: while one of them is held or unknown, so is the slot.
pub fn builds_on(slot: &Slot) -> Vec<SlotKey> {
    let key = |path: &str| slot.leaf(path).and_then(Value::as_text).and_then(|text| text.parse().ok());
    match RecordKind::of_container(&slot.container) {
        Some(RecordKind::Edit) => {
            let replaced = slot.leaf("replaces").and_then(Value::as_map).into_iter().flatten();
            let replaced = replaced.filter_map(|(text, _)| text.parse().ok());
            key("target").into_iter().chain(replaced).collect()
        }
        Some(RecordKind::Signature) => key("target").into_iter().collect(),
        Some(RecordKind::Observation) => key("session").into_iter().collect(),
        Some(RecordKind::Tap) => key("tally").into_iter().collect(),
        Some(RecordKind::Assignment) => key("goal").into_iter().collect(),
        Some(
            RecordKind::PlanVersion
            | RecordKind::Service
            | RecordKind::Goal
            | RecordKind::Session
            | RecordKind::Missed
            | RecordKind::Tally
            | RecordKind::Issued,
        )
        | None => Vec::new(),
    }
}

/// Returns what the index is to remember of a slot. `look_up` finds the goal of an assignment.
///
/// A slot of a container that this build does not know is remembered as nothing.
pub fn known_of(slot: &Slot, look_up: &dyn Fn(&SlotKey) -> Option<Known>) -> Option<Known> {
    let kind = RecordKind::of_container(&slot.container)?;
    let text = |path: &str| slot.leaf(path).and_then(Value::as_text);
    let discipline = match kind {
        RecordKind::Goal => text("discipline").map(str::to_owned),
        RecordKind::Assignment => {
            text("goal").and_then(|goal| goal.parse().ok()).and_then(|goal| look_up(&goal)?.discipline)
        }
        RecordKind::PlanVersion
        | RecordKind::Service
        | RecordKind::Session
        | RecordKind::Missed
        | RecordKind::Observation
        | RecordKind::Tally
        | RecordKind::Tap
        | RecordKind::Edit
        | RecordKind::Signature
        | RecordKind::Issued => None,
    };
    let target = text("target").and_then(|target| target.parse().ok());
    let field = text("field").map(str::to_owned);
    let edits = if kind == RecordKind::Edit { target.zip(field) } else { None };
    Some(Known { kind, owner: slot.key.member, discipline, edits })
}

/// Judges one slot. `look_up` says what is known of a record of this document that stands, is held, or comes earlier in the same change;
/// where it knows nothing of a record that the slot builds on, the caller holds the slot for that alone.
pub fn judge(place: &Place<'_>, slot: &Slot, look_up: &dyn Fn(&SlotKey) -> Option<Known>) -> Verdict {
    let Some(kind) = RecordKind::of_container(&slot.container) else {
        return Verdict { lack: Some(Lack::NoPolicy), fault: None };
    };
    let fault = check_record(kind, slot).err().or_else(|| fault_in_edit(kind, slot, look_up));
    let lack = right(place, kind, slot, look_up).or_else(|| false_role(place, slot));
    let closed = (place.kind == DocumentKind::Plan && place.year_closed).then_some(Lack::ClosedYear);
    Verdict { lack: lack.or(closed), fault }
}

/// An edit's value must fit its target's leaf, and it replaces nothing but values of that leaf.
fn fault_in_edit(
    kind: RecordKind,
    slot: &Slot,
    look_up: &dyn Fn(&SlotKey) -> Option<Known>,
) -> Option<Fault> {
    if kind != RecordKind::Edit {
        return None;
    }
    let target: SlotKey = slot.leaf("target")?.as_text()?.parse().ok()?;
    let field = slot.leaf("field")?.as_text()?;
    let known = look_up(&target)?;
    let Some(ty) = editable_leaf(known.kind, field) else {
        return Some(Fault::UnknownField(field.chars().take(64).collect()));
    };
    if let Err(fault) = check_value(field, ty, slot.leaf("value")?) {
        return Some(fault);
    }
    let elsewhere = |key: &SlotKey| {
        *key != target
            && look_up(key).is_some_and(|value| value.edits.as_ref() != Some(&(target, field.to_owned())))
    };
    let replaced = slot.leaf("replaces")?.as_map()?.keys().filter_map(|text| text.parse().ok());
    replaced.into_iter().any(|key| elsewhere(&key)).then(|| Fault::Disagrees("replaces".into()))
}

/// A record says in which role it was made; it must be one that the author has.
fn false_role(place: &Place<'_>, slot: &Slot) -> Option<Lack> {
    let claimed: Role = slot.leaf("role")?.as_text()?.parse().ok()?;
    (!place.roles.contains(&claimed)).then_some(Lack::NotAllowed)
}

/// Returns the right that somebody standing at `place` would lack to say this; the values are not looked at.
pub fn lacks(place: &Place<'_>, slot: &Slot, look_up: &dyn Fn(&SlotKey) -> Option<Known>) -> Option<Lack> {
    match RecordKind::of_container(&slot.container) {
        Some(kind) => right(place, kind, slot, look_up),
        None => Some(Lack::NoPolicy),
    }
}

fn right(
    place: &Place<'_>,
    kind: RecordKind,
    slot: &Slot,
    look_up: &dyn Fn(&SlotKey) -> Option<Known>,
) -> Option<Lack> {
    let named =
        |path: &str| slot.leaf(path).and_then(Value::as_text).and_then(|text| text.parse::<SlotKey>().ok());
    match kind {
        RecordKind::Goal => create_goal(place, slot.leaf("discipline").and_then(Value::as_text)),
        RecordKind::Assignment => {
            let goal = named("goal").and_then(|goal| look_up(&goal));
            amend_goal(place, goal.and_then(|goal| goal.discipline).as_deref())
        }
        RecordKind::PlanVersion | RecordKind::Service => amend_plan(place),
        RecordKind::Session | RecordKind::Missed => log(place),
        RecordKind::Observation => log(place).or_else(|| second_observer(place, slot)),
        RecordKind::Tally | RecordKind::Tap => when(place.reads()),
        RecordKind::Edit => match named("target").and_then(|target| look_up(&target)) {
            Some(target) => edit(place, &target, slot),
            // Of what is not known here, nothing more can be said than that the author is on the team.
            None => when(place.roles.iter().any(|role| role.is_on_teams())),
        },
        RecordKind::Signature => match slot.leaf("kind").and_then(Value::as_text) {
            Some("certify") => certify(place, named("target").and_then(|target| look_up(&target)).as_ref()),
            _ => Some(Lack::NoPolicy),
        },
        RecordKind::Issued => Some(Lack::NoPolicy),
    }
}

fn when(allowed: bool) -> Option<Lack> {
    if allowed { None } else { Some(Lack::NotAllowed) }
}

/// What a clinician may not do to the plan is a proposal; of others it is nothing that they may do.
fn propose(place: &Place<'_>) -> Option<Lack> {
    let clinician = place.roles.iter().any(|role| role.is_clinician());
    Some(if clinician { Lack::Proposal } else { Lack::NotAllowed })
}

fn has_discipline(place: &Place<'_>, discipline: Option<&str>) -> bool {
    discipline.is_some() && place.roles.iter().any(|role| role.discipline() == discipline)
}

fn create_goal(place: &Place<'_>, discipline: Option<&str>) -> Option<Lack> {
    if has_discipline(place, discipline) {
        return None;
    }
    // A case manager amends every goal, and adds those of the own discipline only.
    let proposes = place.roles.iter().any(|role| role.is_clinician() && *role != Role::Cm);
    Some(if proposes { Lack::Proposal } else { Lack::NotAllowed })
}

fn amend_goal(place: &Place<'_>, discipline: Option<&str>) -> Option<Lack> {
    if has_discipline(place, discipline) || place.roles.contains(&Role::Cm) { None } else { propose(place) }
}

fn amend_plan(place: &Place<'_>) -> Option<Lack> {
    if place.roles.contains(&Role::Cm) { None } else { propose(place) }
}

/// Clinicians log in `log`; a restricted member in the member's `own`, where others add only statements about its records.
fn log(place: &Place<'_>) -> Option<Lack> {
    when(match place.kind {
        DocumentKind::Log => place.roles.iter().any(|role| role.is_clinician()),
        DocumentKind::Own => {
            place.member == Some(place.author) && place.roles.iter().any(|role| role.is_supervised())
        }
        DocumentKind::Plan | DocumentKind::Tally => false,
    })
}

/// A second, independent record of what a colleague observes is a therapist's or a psychologist's to add.
fn second_observer(place: &Place<'_>, slot: &Slot) -> Option<Lack> {
    let second = slot.leaf("observer").and_then(Value::as_text) == Some("reliability");
    let adds = |role: &Role| matches!(role, Role::Slp | Role::Ot | Role::Pt | Role::Psy);
    when(!second || place.roles.iter().any(adds))
}

fn edit(place: &Place<'_>, target: &Known, slot: &Slot) -> Option<Lack> {
    match target.kind {
        RecordKind::Goal | RecordKind::Assignment => amend_goal(place, target.discipline.as_deref()),
        RecordKind::PlanVersion | RecordKind::Service => amend_plan(place),
        RecordKind::Session
        | RecordKind::Missed
        | RecordKind::Observation
        | RecordKind::Tally
        | RecordKind::Tap => edit_of_logged(place, target, slot),
        RecordKind::Edit | RecordKind::Signature | RecordKind::Issued => Some(Lack::NotAllowed),
    }
}

/// What was logged is its author's to amend and to void. The case manager voids and reinstates everyone's, with a reason.
fn edit_of_logged(place: &Place<'_>, target: &Known, slot: &Slot) -> Option<Lack> {
    let voids = slot.leaf("field").and_then(Value::as_text) == Some(VOID);
    let reinstates = voids && slot.leaf("value") == Some(&Value::Flag(false));
    let reasoned =
        slot.leaf("reason").and_then(Value::as_text).is_some_and(|reason| !reason.trim().is_empty());
    // Taps are a member's own count: nobody takes them away.
    if voids && reasoned && place.roles.contains(&Role::Cm) && target.kind != RecordKind::Tap {
        return None;
    }
    let in_tally = matches!(target.kind, RecordKind::Tally | RecordKind::Tap);
    if target.owner != place.author || reinstates || (in_tally && !place.reads()) {
        return Some(Lack::NotAllowed);
    }
    let more_than_assistant = place.roles.iter().any(|role| role.is_on_teams() && *role != Role::Asst);
    let session = matches!(target.kind, RecordKind::Session | RecordKind::Missed);
    when(if voids && session {
        more_than_assistant
    } else {
        place.roles.iter().any(|role| role.is_on_teams())
    })
}

/// Clinicians certify their own sessions; those of assistants and paraprofessionals wait for their supervisor's signature.
fn certify(place: &Place<'_>, target: Option<&Known>) -> Option<Lack> {
    let clinician = place.roles.iter().any(|role| role.is_clinician());
    let own = target.is_none_or(|target| {
        target.owner == place.author && matches!(target.kind, RecordKind::Session | RecordKind::Missed)
    });
    // A clinician's record can stand in another's `own` document, too, where it was admitted.
    when(clinician && own && matches!(place.kind, DocumentKind::Log | DocumentKind::Own))
}
