//! What the server is expected to say of an act.

use sync_core::document::deed::act::Act;
use sync_core::document::deed::expect::{Expectation, Found, expect};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::SlotKey;
use sync_core::exchange::client::state::{ActRow, ActState, Tablet};
use sync_core::gate::policy::Place;
use sync_core::ids::DocumentId;
use sync_core::kv::KvError;
use sync_core::roster::reading::Roles;
use sync_core::time::Moment;

use crate::roster::Roster;

/// Returns what the server is expected to say of an act that is kept.
///
/// # Errors
/// [`KvError`].
pub fn expected_of(
    tablet: &Tablet<'_>,
    roster: &Roster,
    now: Moment,
    row: &ActRow,
) -> Result<Expectation, KvError> {
    let roles = roster.roles_on(row.name.subject, roster.today(now));
    let made = Act { id: row.act, document: row.name.id(), slots: row.slots.clone() };
    expectation(tablet, roster, now, &roles, &row.name, &made)
}

pub(super) fn expectation(
    tablet: &Tablet<'_>,
    roster: &Roster,
    now: Moment,
    roles: &Roles,
    name: &DocumentName,
    made: &Act,
) -> Result<Expectation, KvError> {
    let place = Place {
        policy: roster.policy,
        kind: name.kind,
        member: name.member,
        author: roster.profile.person,
        roles,
        year_closed: name.kind == DocumentKind::Plan
            && roster.calendar.year_is_closed(&name.period, roster.today(now)),
    };
    let failed = std::cell::RefCell::new(None);
    let look_up = |key: &SlotKey| {
        found(tablet, name.id(), key).unwrap_or_else(|error| {
            failed.replace(Some(error));
            None
        })
    };
    let expected = expect(&place, made, &look_up);
    failed.into_inner().map_or(Ok(expected), Err)
}

fn found(tablet: &Tablet<'_>, document: DocumentId, key: &SlotKey) -> Result<Option<Found>, KvError> {
    let Some(known) = tablet.known(document, key)? else { return Ok(None) };
    let stands = tablet.record(document, key)?.is_some()
        || tablet.acts()?.iter().any(|act| {
            act.name.id() == document
                && matches!(act.state, ActState::Unsent | ActState::Stored)
                && act.slots.iter().any(|slot| slot.key == *key)
        });
    Ok(Some(Found { known, stands }))
}
