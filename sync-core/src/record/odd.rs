//! Finds what a person should look at, once all views are there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::entry::{Entry, RecordRef};
use super::flag::Flag;
use super::observers::{Watched, set_aside};
use super::overlap::sharing;
use super::register::Register;
use super::{GoalView, Record, ServiceView, SessionView};
use crate::document::schema::{Fault, RecordKind, VOID};
use crate::document::slot::{OFFSET, SlotKey, Value};
use crate::time::DAY_MS;

/// Adds the flags of the record, and takes observations out of the count that perhaps saw what another one saw.
pub(super) fn flag(record: &mut Record<'_>, has_plan: bool) {
    let mut flags = std::mem::take(&mut record.flags);
    for entry in record.entries.values() {
        flags.extend(of_entry(entry));
    }
    flags.extend(record.newer.iter().map(|one| Flag::Newer { document: one.document, record: one.key }));
    flags.extend(of_goals(record, has_plan));
    flags.extend(of_sessions(record));
    let aside = set_aside(watched(record));
    let not_counted: BTreeSet<RecordRef> = aside.iter().filter_map(aside_of).collect();
    for observation in record.observations.iter_mut() {
        observation.counts &= !not_counted.contains(&observation.head.id);
    }
    flags.extend(aside);
    record.flags = flags;
}

fn aside_of(flag: &Flag) -> Option<RecordRef> {
    if let Flag::SameEventsOrShared { set_aside, .. } = flag { Some(*set_aside) } else { None }
}

fn of_entry(entry: &Entry<'_>) -> Vec<Flag> {
    let record = entry.id();
    let unfit = entry.unfit.keys().map(|field| Flag::Unfit { record, field: field.clone() });
    let mut flags: Vec<Flag> = unfit.collect();
    // A field that only a newer version knows is none of the record's faults.
    if entry.fault.as_ref().is_some_and(|fault| !matches!(fault, Fault::UnknownField(_))) {
        flags.push(Flag::Faulty(record));
    }
    if record.key.twin.is_some() {
        flags.push(Flag::Twin { record, of: SlotKey { twin: None, ..record.key } });
    }
    let void_again = entry.registers.get(VOID).is_some_and(Register::is_said_again);
    if entry.is_void() && !void_again && entry.registers.keys().any(|field| field != VOID) {
        flags.push(Flag::VoidBesideAmendment(record));
    }
    let offset = entry.made.leaf(OFFSET).and_then(Value::as_int).unwrap_or(0);
    if offset.unsigned_abs() > DAY_MS.unsigned_abs() {
        flags.push(Flag::ClockOff(record));
    }
    if entry.newer {
        flags.push(Flag::Newer { document: record.document, record: record.key });
    }
    flags
}

fn of_goals(record: &Record<'_>, has_plan: bool) -> Vec<Flag> {
    let goals: BTreeMap<SlotKey, &GoalView> =
        record.goals.iter().map(|goal| (goal.head.key(), goal)).collect();
    let observed = record.observations.iter().filter_map(|one| Some((&one.head, one.goal?)));
    let mut flags = Vec::new();
    for (head, goal) in observed {
        match goals.get(&goal) {
            Some(goal) if goal.assigned.contains(&head.author) => {}
            Some(_) => flags.push(Flag::UnassignedGoal(head.id)),
            None if has_plan => flags.push(Flag::UnknownGoal(head.id)),
            None => {}
        }
    }
    let tallied = record.tallies.iter().filter(|one| one.goal.is_some_and(|goal| !goals.contains_key(&goal)));
    flags.extend(tallied.filter(|_| has_plan).map(|tally| Flag::UnknownGoal(tally.head.id)));
    flags
}

fn of_sessions(record: &Record<'_>) -> Vec<Flag> {
    let mut flags = Vec::new();
    let services: BTreeMap<SlotKey, &ServiceView> =
        record.services.iter().map(|service| (service.head.key(), service)).collect();
    let (mut of_author, mut of_line) = (Vec::new(), Vec::new());
    let mut delivered: BTreeMap<(SlotKey, Date), RecordRef> = BTreeMap::new();
    let mut made_up: BTreeMap<SlotKey, RecordRef> = BTreeMap::new();
    for session in record.sessions.iter().filter(|session| session.is_delivered()) {
        let id = session.head.id;
        for (start, end) in session.spans() {
            of_author.push((session.head.author, start, end, id));
            of_line.extend(session.service.map(|line| (line, start, end, id)));
        }
        if segments_overlap(session) {
            flags.push(Flag::SegmentsOverlap(id));
        }
        let promised = session.service.and_then(|line| services.get(&line)).and_then(|line| line.mode);
        if promised.is_some() && session.segments.iter().any(|segment| segment.mode != promised) {
            flags.push(Flag::ModeMismatch(id));
        }
        if let (Some(line), Some(start)) = (session.service, session.start()) {
            delivered.entry((line, record.zone.day_of(start))).or_insert(id);
        }
        // Sessions come by start, then id: the first claim is the one that counts.
        if let Some(missed) = session.make_up_for
            && *made_up.entry(missed).or_insert(id) != id
        {
            flags.push(Flag::MadeUpAlready { session: id, missed });
        }
    }
    for missed in record.missed.iter().filter(|missed| !missed.head.void) {
        if let Some(occurrence) = missed.service.zip(missed.date)
            && let Some(session) = delivered.get(&occurrence)
        {
            flags.push(Flag::MissedBesideDelivered { missed: missed.head.id, session: *session });
        }
    }
    flags.extend(sharing(of_author).into_iter().map(|(one, other)| Flag::SessionsOverlap(one, other)));
    flags.extend(sharing(of_line).into_iter().map(|(one, other)| Flag::Duplicate(one, other)));
    flags
}

fn segments_overlap(session: &SessionView) -> bool {
    let spans: Vec<(i64, i64)> = session.spans().collect();
    // Segments are sorted by start, so two that share time have neighbours that do.
    spans.windows(2).any(|pair| matches!(pair, [(_, end), (start, _)] if start < end))
}

/// Returns the primary observations that count so far.
fn watched(record: &Record<'_>) -> Vec<Watched> {
    let ends: BTreeMap<RecordRef, i64> = record
        .sessions
        .iter()
        .filter_map(|session| Some((session.head.id, session.spans().map(|(_, end)| end).max()?)))
        .collect();
    let assigned: BTreeMap<SlotKey, &GoalView> =
        record.goals.iter().map(|goal| (goal.head.key(), goal)).collect();
    let counting = record.observations.iter().filter(|observation| observation.counts);
    let watched = counting.filter_map(|observation| {
        let goal = observation.goal?;
        let id = observation.head.id;
        let session = observation.session.map(|key| RecordRef { kind: RecordKind::Session, key, ..id });
        let unassigned =
            !assigned.get(&goal).is_some_and(|goal| goal.assigned.contains(&observation.head.author));
        let window_ms = observation.window_ms(session.and_then(|id| ends.get(&id).copied()))?;
        Some(Watched { goal, unassigned, record: id, window_ms })
    });
    watched.collect()
}
