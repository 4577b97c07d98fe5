//! The words that a choice can be: what is stored, travels and is scripted. How they read in a language is not their business.

/// Delivery modes of a segment or a service line.
pub const MODES: &[&str] = &["push-in", "pull-out", "consult"];
/// Where a segment takes place.
pub const PLACES: &[&str] = &[
    "general-class",
    "resource-room",
    "quiet-space",
    "hallway",
    "playground",
    "cafeteria",
    "gym",
    "bus",
    "remote",
    "other",
];
/// Classroom routines into which a push-in segment falls.
pub const ROUTINES: &[&str] = &[
    "whole-group",
    "small-group",
    "center",
    "circle",
    "transition",
    "hallway",
    "recess",
    "lunch",
    "arrival",
    "dismissal",
    "specials",
];
/// Why a session did not take place.
pub const REASONS: &[&str] = &[
    "student_absent",
    "student_refused",
    "student_unavailable_school",
    "student_unavailable_other",
    "provider_absent",
    "provider_meeting",
    "no_substitute",
    "school_closed_planned",
    "school_closed_emergency",
    "schedule_conflict",
    "not_logged",
];
/// Kinds of data that a goal is measured by: frequency count, skill probe, percentage of trials.
pub const MEASURES: &[&str] = &["count", "probe", "percent"];
/// Which way a goal's figure should go.
pub const DIRECTIONS: &[&str] = &["increase", "decrease"];
/// Disciplines of goals and service lines.
pub const DISCIPLINES: &[&str] = &["slp", "ot", "pt", "psy", "set"];
/// Periods in which a service line promises its sessions.
pub const PERIODS: &[&str] = &["day", "week", "cycle", "month", "quarter", "term", "year"];
/// Kinds of learner plan.
pub const PLAN_KINDS: &[&str] = &["iep", "504", "mtss", "el", "sel"];
/// Roles in which a record can be made.
pub const AUTHOR_ROLES: &[&str] = &["slp", "ot", "pt", "psy", "set", "cm", "para", "asst"];
