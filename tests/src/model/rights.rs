//! Who may read and do what, written out from the description of the work, not from the code.

use std::collections::BTreeSet;

use sync_core::ids::PersonId;

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Goals and services.
    Plan,
    /// What clinicians log.
    Log,
    /// What one restricted member logs.
    Own,
    /// Shared tallies.
    Tally,
}

/// As what somebody stands on a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Speech-language pathologist.
    Slp,
    /// Occupational therapist.
    Ot,
    /// School psychologist.
    Psychologist,
    /// Special-education teacher.
    Teacher,
    /// Case manager.
    CaseManager,
    /// Paraprofessional.
    Para,
    /// Therapy assistant.
    Assistant,
    /// Inclusion coordinator: on no team.
    Coordinator,
}

/// Which rules the server goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rules {
    /// Those of the matrix.
    #[default]
    First,
    /// A paraprofessional counts on no tally of the team, and an assistant has no plan.
    Second,
}

use Place::{Assistant, CaseManager, Coordinator, Ot, Para, Psychologist, Slp, Teacher};

/// What a deed does, as far as rights go by it. Records are named by their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Logs a session, a miss or an observation.
    Log,
    /// Adds a goal of a discipline.
    Goal(&'static str),
    /// Adds a service line or a version of the plan.
    Plan,
    /// Gives a goal to a person.
    Assign {
        /// The goal.
        goal: String,
    },
    /// Edits a leaf of a record.
    Edit {
        /// The record.
        target: String,
    },
    /// Takes a record out.
    Void {
        /// The record.
        target: String,
        /// Whether with a reason.
        reasoned: bool,
    },
    /// Puts a record in again.
    Reinstate {
        /// The record.
        target: String,
        /// Whether with a reason.
        reasoned: bool,
    },
    /// Opens a tally or taps on one.
    Tap,
    /// Certifies a session.
    Certify {
        /// The session.
        target: String,
    },
    /// Something that nobody may ever do.
    Forged,
}

impl Deed {
    /// Returns the record that the right depends on.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Assign { goal: target }
            | Self::Edit { target }
            | Self::Void { target, .. }
            | Self::Reinstate { target, .. }
            | Self::Certify { target } => Some(target),
            Self::Log | Self::Goal(_) | Self::Plan | Self::Tap | Self::Forged => None,
        }
    }
}

/// What a deed is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whose record.
    pub owner: PersonId,
    /// Where it stands.
    pub container: String,
    /// For a goal and what hangs on one, its discipline.
    pub discipline: Option<&'static str>,
}

fn is_clinician(place: &Place) -> bool {
    matches!(place, Slp | Ot | Psychologist | Teacher | CaseManager)
}

fn disciplines(places: &BTreeSet<Place>) -> BTreeSet<&'static str> {
    let of = |place: &Place| match place {
        Slp => Some("slp"),
        Ot => Some("ot"),
        Psychologist => Some("psy"),
        Teacher | CaseManager => Some("set"),
        Para | Assistant | Coordinator => None,
    };
    places.iter().filter_map(of).collect()
}

/// Returns whether somebody who stands so reads such a document; `own` says whether it is theirs.
pub fn reads(rules: Rules, kind: Kind, own: bool, places: &BTreeSet<Place>) -> bool {
    let clinician = places.iter().any(is_clinician);
    match (kind, rules) {
        (Kind::Plan, Rules::Second) => clinician,
        (Kind::Tally, Rules::Second) => clinician || places.contains(&Assistant),
        (Kind::Plan | Kind::Tally | Kind::Log | Kind::Own, _) => reads_by_the_matrix(kind, own, places),
    }
}

fn reads_by_the_matrix(kind: Kind, own: bool, places: &BTreeSet<Place>) -> bool {
    let clinician = places.iter().any(is_clinician);
    match kind {
        Kind::Plan => clinician || places.contains(&Assistant),
        Kind::Log => clinician,
        Kind::Own => clinician || (own && (places.contains(&Assistant) || places.contains(&Para))),
        Kind::Tally => places.iter().any(|place| *place != Coordinator),
    }
}

/// Returns whether somebody may do a deed without asking anybody. `target` is what the deed names: outside, whether it names something;
/// inside, whether that is known.
pub fn may(
    kind: Kind,
    own: bool,
    places: &BTreeSet<Place>,
    author: PersonId,
    deed: &Deed,
    target: Option<&Option<Target>>,
) -> bool {
    let clinician = places.iter().any(is_clinician);
    let on_team = places.iter().any(|place| *place != Coordinator);
    let manages = places.contains(&CaseManager);
    let unknown = matches!(target, Some(None));
    let target = target.and_then(Option::as_ref);
    let mine = target.is_some_and(|target| target.owner == author);
    let container = target.map_or("", |target| target.container.as_str());
    let logged = matches!(container, "sessions" | "missed" | "observations" | "tallies" | "taps");
    let discipline = target.and_then(|target| target.discipline);
    let of_mine = discipline.is_some_and(|discipline| disciplines(places).contains(discipline));
    match deed {
        Deed::Forged => false,
        Deed::Log => match kind {
            Kind::Log => clinician,
            Kind::Own => own && (places.contains(&Para) || places.contains(&Assistant)),
            Kind::Plan | Kind::Tally => false,
        },
        Deed::Goal(discipline) => disciplines(places).contains(discipline),
        Deed::Plan => manages,
        Deed::Assign { .. } => of_mine || manages,
        Deed::Tap => on_team,
        Deed::Certify { .. } => {
            matches!(kind, Kind::Log | Kind::Own)
                && clinician
                && (unknown || (mine && matches!(container, "sessions" | "missed")))
        }
        Deed::Edit { .. } | Deed::Void { .. } | Deed::Reinstate { .. } if unknown => on_team,
        Deed::Edit { .. } if !logged => match container {
            "goals" | "assignments" => of_mine || manages,
            "services" | "plan_versions" => manages,
            _ => false,
        },
        Deed::Edit { .. } => mine && on_team,
        Deed::Void { .. } | Deed::Reinstate { .. } if !logged => match container {
            "goals" | "assignments" => of_mine || manages,
            "services" | "plan_versions" => manages,
            _ => false,
        },
        // The case manager takes anybody's record out and puts it in again, with a reason; nobody's own count, though.
        Deed::Void { reasoned, .. } | Deed::Reinstate { reasoned, .. }
            if manages && *reasoned && container != "taps" =>
        {
            true
        }
        Deed::Void { .. } => {
            let session = matches!(container, "sessions" | "missed");
            let assistant_only = places.iter().all(|place| matches!(place, Assistant | Coordinator));
            mine && on_team && !(session && assistant_only)
        }
        Deed::Reinstate { .. } => false,
    }
}
