//! Who may do what where: deeds by roles, and the documents that they go to.

use super::super::expect::{Cause, Expectation, Found, expect};
use super::super::home::{Home, Standpoint, document_for};
use super::*;
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::steps;
use crate::gate::policy::{Known, Lack, Place as TeamPlace, judge};
use crate::ids::{OrgId, StudentId};
use crate::roster::calendar::{Calendar, Term};
use crate::roster::reading::Roles;
use crate::roster::version::PolicyVersion;
use crate::time::Zone;

use Role::{Asst, Cm, Ot, Para, Psy, Pt, Set, Slp};

const CLINICIANS: &[Role] = &[Slp, Ot, Pt, Psy, Set, Cm];
pub(super) const EVERYONE: &[Role] = &[Slp, Ot, Pt, Psy, Set, Cm, Para, Asst];

/// A record that stands, by the name that [`key`] gives it.
fn known(kind: RecordKind, owner: PersonId) -> Known {
    let discipline = matches!(kind, RecordKind::Goal).then(|| "slp".to_owned());
    Known { kind, owner, discipline, edits: None }
}

pub(super) fn look_up(wanted: &SlotKey) -> Option<Known> {
    [
        (RecordKind::Session, ME, "session"),
        (RecordKind::Observation, ME, "observation"),
        (RecordKind::Session, COLLEAGUE, "session"),
        (RecordKind::Goal, COLLEAGUE, "goal"),
        (RecordKind::Service, COLLEAGUE, "service"),
        (RecordKind::Tally, COLLEAGUE, "tally"),
    ]
    .into_iter()
    .find(|(_, owner, name)| key(*owner, name) == *wanted)
    .map(|(kind, owner, _)| known(kind, owner))
}

/// Every deed, and the roles that may do it without review.
pub(super) fn table() -> Vec<(Deed, &'static [Role])> {
    let (mine, theirs) = (key(ME, "session"), key(COLLEAGUE, "session"));
    let (the_goal, tally) = (key(COLLEAGUE, "goal"), key(COLLEAGUE, "tally"));
    vec![
        (full_session(), EVERYONE),
        (missed(), EVERYONE),
        (observe(Observer::Primary), EVERYONE),
        (observe(Observer::Reliability), &[Slp, Ot, Pt, Psy]),
        (edit(mine, RecordKind::Session, "segments.1.minutes", 25), EVERYONE),
        (edit(theirs, RecordKind::Session, "note", "seen"), &[]),
        (void(mine, RecordKind::Session, None), &[Slp, Ot, Pt, Psy, Set, Cm, Para]),
        (void(key(ME, "observation"), RecordKind::Observation, None), EVERYONE),
        (void(theirs, RecordKind::Session, Some("logged twice")), &[Cm]),
        (void(theirs, RecordKind::Session, None), &[]),
        (reinstate(theirs, RecordKind::Session), &[Cm]),
        (Deed::Certify { target: mine, covers: ContentHash([9; 16]) }, CLINICIANS),
        (Deed::Certify { target: theirs, covers: ContentHash([9; 16]) }, &[]),
        (plan_version(), &[Cm]),
        (service(), &[Cm]),
        (edit(key(COLLEAGUE, "service"), RecordKind::Service, "minutes", 45), &[Cm]),
        (goal(Discipline::Slp), &[Slp]),
        (goal(Discipline::Set), &[Set, Cm]),
        (edit(the_goal, RecordKind::Goal, "statement", "asks twice"), &[Slp, Cm]),
        (void(the_goal, RecordKind::Goal, None), &[Slp, Cm]),
        (Deed::Assign { goal: the_goal, person: COLLEAGUE }, &[Slp, Cm]),
        (Deed::OpenTally { goal: the_goal, start: at("2026-11-20T09:30:00-06:00") }, EVERYONE),
        (Deed::Tap { tally, n: 5 }, EVERYONE),
        (Deed::Tap { tally, n: -1 }, EVERYONE),
    ]
}

/// Where somebody in this role does a deed of these kinds.
pub(super) fn kind_for(deed: &Deed, role: Role) -> DocumentKind {
    match deed.kinds() {
        [DocumentKind::Log, DocumentKind::Own] if role.is_supervised() => DocumentKind::Own,
        kinds => kinds[0],
    }
}

pub(super) fn place(kind: DocumentKind, roles: &Roles) -> TeamPlace<'_> {
    let member = (kind == DocumentKind::Own).then_some(ME);
    TeamPlace { policy: PolicyVersion::V1, kind, member, author: ME, roles, year_closed: false }
}

#[test]
fn each_deed_stands_where_the_role_may_do_it_and_lacks_a_right_elsewhere() {
    for (deed, may) in table() {
        for role in EVERYONE {
            let roles = Roles::from([*role]);
            let act = made_by(&deed, *role).unwrap();
            let mut earlier: Vec<SlotKey> = Vec::new();
            for slot in &act.slots {
                let session = |wanted: &SlotKey| {
                    let own = earlier.contains(wanted).then(|| known(RecordKind::Session, ME));
                    own.or_else(|| look_up(wanted))
                };
                let verdict = judge(&place(kind_for(&deed, *role), &roles), slot, &session);
                assert_eq!(verdict.fault, None, "{role} {deed:?}");
                assert_eq!(verdict.lack.is_none(), may.contains(role), "{role} {deed:?}");
                earlier.push(slot.key);
            }
        }
    }
}

#[test]
fn records_are_not_made_in_a_role_that_no_team_has() {
    for role in [Role::Coord, Role::Admin] {
        let refused = made_by(&full_session(), role).unwrap_err();
        assert_eq!(refused.fault().map(|fault| fault.field()), Some("role"));
        assert_eq!(Author::on_team(ME, &Roles::from([role])), None);
    }
    let speaks = |roles: &[Role]| Author::on_team(ME, &roles.iter().copied().collect()).map(|a| a.role);
    assert_eq!(speaks(&[Cm, Set]), Some(Set));
    assert_eq!(speaks(&[Para, Cm, Role::Coord]), Some(Cm));
    assert_eq!(speaks(&[]), None);
}

#[test]
fn every_record_finds_its_container_in_every_document_of_the_deed() {
    for (deed, _) in table() {
        let act = made(&deed).unwrap();
        assert!(!deed.kinds().is_empty(), "{deed:?}");
        for kind in deed.kinds() {
            let founded = steps(*kind).concat();
            assert!(
                act.slots.iter().all(|slot| founded.contains(&slot.container.as_str())),
                "{kind} {deed:?}"
            );
        }
    }
}

struct School {
    calendar: Calendar,
    zone: Zone,
}

fn school() -> School {
    let term =
        |id: &str, first, last| Term { first: day(first), id: id.into(), name: id.into(), last: day(last) };
    let terms = vec![term("fall", "2026-08-17", "2026-12-18"), term("spring", "2027-01-05", "2027-05-28")];
    School { calendar: Calendar::new(terms), zone: Zone::named("America/Chicago").unwrap() }
}

/// The kind, period and member of the document for a deed done on a day in March, long after what it logs.
fn home(deed: &Deed, roles: &[Role]) -> Home {
    home_by(PolicyVersion::V1, deed, roles)
}

/// As [`home`], by a version of the policy.
pub(super) fn home_by(policy: PolicyVersion, deed: &Deed, roles: &[Role]) -> Home {
    let School { calendar, zone } = school();
    let roles: Roles = roles.iter().copied().collect();
    let from = Standpoint {
        org: OrgId([1; 16]),
        student: StudentId([4; 16]),
        member: ME,
        policy,
        roles: &roles,
        calendar: &calendar,
        zone: &zone,
        today: day("2027-03-01"),
        given: &[],
    };
    document_for(deed, &from)
}

#[test]
fn what_is_older_than_anything_that_was_given_goes_to_the_oldest() {
    let School { calendar, zone } = school();
    let roles = Roles::from([Slp]);
    let name = |kind, period: &str| DocumentName {
        org: OrgId([1; 16]),
        kind,
        subject: StudentId([4; 16]),
        period: period.into(),
        member: None,
    };
    let given = [
        name(DocumentKind::Log, "spring"),
        name(DocumentKind::Log, "fall"),
        name(DocumentKind::Plan, "2019-20"),
        DocumentName { subject: StudentId([5; 16]), ..name(DocumentKind::Log, "2020-21") },
    ];
    let from = Standpoint {
        org: OrgId([1; 16]),
        student: StudentId([4; 16]),
        member: ME,
        policy: PolicyVersion::V1,
        roles: &roles,
        calendar: &calendar,
        zone: &zone,
        today: day("2027-03-01"),
        given: &given,
    };
    let tally = |start| Deed::OpenTally { goal: key(COLLEAGUE, "goal"), start: at(start) };
    let Deed::Observe { observation, .. } = observe(Observer::Primary) else { panic!("an observation") };
    let session = |start| Deed::Observe {
        session: None,
        observation: NewObservation { start: at(start), ..observation.clone() },
    };
    let log = |period| document(DocumentKind::Log, period);
    assert_eq!(document_for(&session("1970-01-01T09:00:00Z"), &from), log("fall"), "a clock that began anew");
    assert_eq!(document_for(&session("2026-11-20T09:30:00Z"), &from), log("fall"));
    assert_eq!(document_for(&session("2027-02-20T09:30:00Z"), &from), log("spring"));
    // Of what nothing was given yet, nothing is known: the day's own term it is.
    assert_eq!(document_for(&tally("2024-11-20T09:30:00Z"), &from), document(DocumentKind::Tally, "2024-25"));
}

fn document(kind: DocumentKind, period: &str) -> Home {
    let member = (kind == DocumentKind::Own).then_some(ME);
    let (org, subject) = (OrgId([1; 16]), StudentId([4; 16]));
    Home::Document(DocumentName { org, kind, subject, period: period.into(), member })
}

#[test]
fn what_is_logged_goes_to_the_term_of_its_own_day() {
    for deed in [full_session(), missed(), observe(Observer::Primary)] {
        assert_eq!(home(&deed, &[Slp]), document(DocumentKind::Log, "fall"), "{deed:?}");
        assert_eq!(home(&deed, &[Para]), document(DocumentKind::Own, "fall"), "{deed:?}");
        assert_eq!(home(&deed, &[Para, Cm]), document(DocumentKind::Log, "fall"), "{deed:?}");
        assert_eq!(home(&deed, &[Role::Coord]), Home::Nowhere, "{deed:?}");
        assert_eq!(home(&deed, &[]), Home::Nowhere, "{deed:?}");
    }
    let tally = Deed::OpenTally { goal: key(COLLEAGUE, "goal"), start: at("2026-11-20T09:30:00-06:00") };
    assert_eq!(home(&tally, &[Para]), document(DocumentKind::Tally, "fall"));
    // The evening before a term begins is still the term before, though it is the next day in London.
    let evening = NewSegment { start: at("2027-01-05T05:59:59Z"), ..segment(5) };
    let begins = NewSegment { start: at("2027-01-05T06:00:00Z"), ..segment(5) };
    for (segments, term) in [
        (vec![evening.clone()], "fall"),
        (vec![begins.clone()], "spring"),
        // A session over midnight is of the day on which it began, in whichever order it is told.
        (vec![begins, evening], "fall"),
    ] {
        assert_eq!(home(&session(segments, vec![]), &[Slp]), document(DocumentKind::Log, term));
    }
}

#[test]
fn the_plan_is_this_years() {
    for deed in [plan_version(), service(), goal(Discipline::Slp)] {
        assert_eq!(home(&deed, &[Asst]), document(DocumentKind::Plan, "2026-27"));
        assert_eq!(home(&deed, &[Para]), Home::Nowhere);
    }
}

#[test]
fn statements_go_where_their_record_stands() {
    let target = key(ME, "session");
    let in_session =
        Deed::Observe { session: Some(target), observation: observation(Count::new(1, 60).unwrap()) };
    for deed in [
        edit(target, RecordKind::Session, "note", "x"),
        void(target, RecordKind::Session, None),
        reinstate(target, RecordKind::Session),
        Deed::Certify { target, covers: ContentHash([9; 16]) },
        Deed::Tap { tally: target, n: 1 },
        Deed::Assign { goal: target, person: ME },
        in_session,
    ] {
        assert_eq!(home(&deed, &[Slp]), Home::Beside(target), "{deed:?}");
    }
}

fn expected(deed: &Deed, role: Role, kind: DocumentKind, stands: bool) -> Expectation {
    let roles = Roles::from([role]);
    let act = made_by(deed, role).unwrap();
    let found = |key: &SlotKey| look_up(key).map(|known| Found { known, stands });
    expect(&place(kind, &roles), &act, &found)
}

#[test]
fn a_tablet_expects_what_the_policy_says() {
    for (deed, may) in table() {
        for role in EVERYONE {
            let kind = kind_for(&deed, *role);
            let expectation = expected(&deed, *role, kind, true);
            assert_eq!(expectation == Expectation::Allowed, may.contains(role), "{role} {deed:?}");
        }
    }
}

#[test]
fn the_cause_says_what_is_in_the_way() {
    let held = |cause| Expectation::Held(cause);
    let by_psy = expected(&plan_version(), Psy, DocumentKind::Plan, true);
    assert_eq!(by_psy, held(Cause::Lack(Lack::Proposal)));
    let in_log = expected(&full_session(), Para, DocumentKind::Log, true);
    assert_eq!(in_log, held(Cause::AccessEnded));
    let theirs = void(key(COLLEAGUE, "session"), RecordKind::Session, None);
    assert_eq!(expected(&theirs, Slp, DocumentKind::Log, true), held(Cause::Lack(Lack::NotAllowed)));
    // The right comes first: what may not be done is not worth correcting.
    let neither = edit(key(COLLEAGUE, "session"), RecordKind::Goal, "statement", "x");
    assert_eq!(expected(&neither, Slp, DocumentKind::Log, true), held(Cause::Lack(Lack::NotAllowed)));
    let mine = edit(key(ME, "session"), RecordKind::Session, "note", "x");
    assert_eq!(expected(&mine, Slp, DocumentKind::Log, false), held(Cause::OnTop));
    let unknown = edit(key(ME, "nowhere"), RecordKind::Session, "note", "x");
    assert_eq!(expected(&unknown, Slp, DocumentKind::Log, true), held(Cause::OnTop));
    let of_another_kind = edit(key(ME, "session"), RecordKind::Goal, "statement", "x");
    let fault = expected(&of_another_kind, Slp, DocumentKind::Log, true);
    assert!(matches!(fault, Expectation::Held(Cause::Fault(_))), "{fault:?}");

    let roles = Roles::from([Cm]);
    let closed = TeamPlace { year_closed: true, ..place(DocumentKind::Plan, &roles) };
    let act = made_by(&plan_version(), Cm).unwrap();
    assert_eq!(expect(&closed, &act, &|_| None), held(Cause::Lack(Lack::ClosedYear)));
}

#[test]
fn causes_have_the_names_of_the_servers_reasons() {
    use crate::document::schema::Fault;
    use crate::exchange::message::HoldReason;
    for (cause, reason) in [
        (Cause::AccessEnded, HoldReason::AccessEnded),
        (Cause::Lack(Lack::Proposal), HoldReason::Proposal),
        (Cause::Lack(Lack::NotAllowed), HoldReason::NotAllowed),
        (Cause::Lack(Lack::ClosedYear), HoldReason::ClosedYear),
        (Cause::Lack(Lack::NoPolicy), HoldReason::NoPolicy),
        (Cause::Fault(Fault::Missing("n".into())), HoldReason::NeedsCorrection),
        (Cause::OnTop, HoldReason::OnTop),
    ] {
        assert_eq!(cause.code(), reason.name());
    }
}
