//! How goals are said to be going, and what the index keeps of guardians.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ulid::Ulid;

use super::going::{Course, going};
use super::*;
use crate::document::slot::{ContentHash, SlotKey};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::index::Index;
use crate::ids::{GuardianId, PersonId, StudentId};
use crate::kv::{Memory, Overlay};
use crate::roster::Guardian;
use crate::sensitive::Sensitive;
use crate::time::Moment;

const TODAY: &str = "2026-10-16";

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Days of one week of October, a figure each.
fn week(figures: &[i64]) -> Vec<DayPoint> {
    let days = (9..).map(|number| jiff::civil::date(2026, 10, number));
    let point = |(day, figure): (Date, &i64)| DayPoint { day, figure: *figure, of: None, corrected: None };
    days.zip(figures).map(point).collect()
}

fn course(points: &[DayPoint]) -> Course<'_> {
    // Half of the way in time: the line is at 60.
    let start = Start { figure: 40_000, day: Some(day("2026-09-02")) };
    Course { increase: true, target: Some(80_000), by: Some(day("2026-11-23")), start: Some(start), points }
}

#[test]
fn the_middle_of_three_days_says_how_a_goal_is_going() {
    for (figures, word) in [
        (&[][..], Going::Early),
        (&[80_000, 80_000], Going::Early),
        (&[80_000, 20_000, 85_000], Going::Reached),
        (&[60_000, 60_000, 60_000], Going::OnTrack),
        (&[57_000, 57_000, 57_000], Going::OnTrack),
        (&[50_000, 50_000, 50_000], Going::Moving),
        (&[44_000, 44_000, 44_000], Going::Steady),
        (&[36_000, 36_000, 36_000], Going::Steady),
        (&[35_000, 35_000, 35_000], Going::Harder),
        (&[10_000, 60_000, 60_000, 60_000], Going::OnTrack),
        (&[60_000, 60_000, 60_000, 10_000], Going::OnTrack),
    ] {
        let points = week(figures);
        assert_eq!(going(&course(&points), day(TODAY)), word, "{figures:?}");
    }
}

#[test]
fn what_should_go_down_is_judged_the_other_way_round() {
    let down = |figures: &[i64]| {
        let points = week(figures);
        let start = Start { figure: 10_000, day: None };
        let course =
            Course { increase: false, target: Some(2_000), by: None, start: Some(start), points: &points };
        going(&course, day(TODAY))
    };
    assert_eq!(down(&[2_000, 2_000, 2_000]), Going::Reached);
    assert_eq!(down(&[5_000, 5_000, 5_000]), Going::Moving, "no day to be on track for");
    assert_eq!(down(&[10_000, 10_000, 10_000]), Going::Steady);
    assert_eq!(down(&[12_000, 12_000, 12_000]), Going::Harder);
}

#[test]
fn nothing_is_said_of_long_ago() {
    let points = week(&[60_000, 60_000, 60_000]);
    assert_eq!(going(&course(&points), day("2026-10-25")), Going::OnTrack, "the fourteenth day");
    assert_eq!(going(&course(&points), day("2026-10-26")), Going::Quiet);
    let no_target = Course { target: None, ..course(&points) };
    assert_eq!(going(&no_target, day(TODAY)), Going::Early);
}

#[test]
fn the_line_ends_at_its_ends() {
    let points = week(&[70_000, 70_000, 70_000]);
    let over = Course { by: Some(day("2026-10-01")), ..course(&points) };
    assert_eq!(going(&over, day(TODAY)), Going::Moving, "the day has come and the target has not");
    let backwards = Course { by: Some(day("2026-09-01")), ..course(&points) };
    assert_eq!(going(&backwards, day(TODAY)), Going::Moving, "a line that goes back in time is none");
}

const ROSA: GuardianId = GuardianId([1; 16]);
const HASH: ContentHash = ContentHash([2; 16]);

/// What the index is after some entries.
fn after(entries: &[FamilyEntry]) -> Memory {
    let entries: Vec<LogEntry> = entries.iter().cloned().map(LogEntry::Family).collect();
    applied([&[LogEntry::Guardian(rosa(false))], &entries[..]].concat())
}

fn restricted_by_the_roster(entries: &[FamilyEntry]) -> Memory {
    let entries: Vec<LogEntry> = entries.iter().cloned().map(LogEntry::Family).collect();
    applied([&[LogEntry::Guardian(rosa(false))], &entries[..], &[LogEntry::Guardian(rosa(true))]].concat())
}

fn rosa(restricted: bool) -> Guardian {
    Guardian {
        id: ROSA,
        external_id: "u1".into(),
        student: StudentId([3; 16]),
        name: Sensitive::default(),
        language: "es".into(),
        restricted,
    }
}

fn applied(entries: Vec<LogEntry>) -> Memory {
    let mut memory = Memory::default();
    let writes = {
        let mut sheet = Overlay::new(&memory);
        for (seq, entry) in (1..).zip(&entries) {
            crate::exchange::server::apply::apply(&mut sheet, seq, entry).unwrap();
        }
        sheet.into_writes()
    };
    memory.apply(writes);
    memory
}

fn invited() -> FamilyEntry {
    FamilyEntry::Invited { hash: HASH, guardian: ROSA, expires: Moment(100) }
}

fn enrolled() -> FamilyEntry {
    FamilyEntry::Enrolled { guardian: ROSA, passphrase: Sensitive::new("hash".into()) }
}

fn signed_in(session: u8, time: i64) -> FamilyEntry {
    let session = ContentHash([session; 16]);
    FamilyEntry::SignedIn { guardian: ROSA, session, time: Moment(time), expires: Moment(time + 100) }
}

#[test]
fn enrolling_uses_invitations_up_and_ends_what_was_open() {
    let before = after(&[invited(), enrolled(), invited(), signed_in(1, 0)]);
    assert!(Index(&before).is_invited(ROSA, Moment(99)).unwrap());
    assert!(!Index(&before).is_invited(ROSA, Moment(100)).unwrap(), "its time is over");
    let again = after(&[invited(), enrolled(), invited(), signed_in(1, 0), enrolled()]);
    assert_eq!(Index(&again).invitation(ROSA, &HASH).unwrap(), None);
    assert_eq!(Index(&again).family_session(ROSA, &ContentHash([1; 16])).unwrap(), None);
    assert!(Index(&again).account(ROSA).unwrap().is_some());
    let burnt = after(&[invited(), FamilyEntry::InvitationsBurnt { guardian: ROSA }]);
    assert!(!Index(&burnt).is_invited(ROSA, Moment(0)).unwrap());
}

#[test]
fn a_restriction_ends_everything_and_lifting_it_opens_nothing_by_itself() {
    let access = |restricted, ended| FamilyEntry::Access { guardian: ROSA, restricted, ended };
    let open = [enrolled(), signed_in(1, 0), invited()];
    assert!(Index(&after(&open)).may_see(ROSA).unwrap());
    let restricted = after(&[&open[..], &[access(true, false)]].concat());
    assert!(!Index(&restricted).may_see(ROSA).unwrap());
    let lifted = after(&[&open[..], &[access(true, false), access(false, false)]].concat());
    assert!(Index(&lifted).may_see(ROSA).unwrap());
    assert_eq!(Index(&lifted).family_session(ROSA, &ContentHash([1; 16])).unwrap(), None);
    assert_eq!(Index(&lifted).invitation(ROSA, &HASH).unwrap(), None);
    let rosters = restricted_by_the_roster(&open);
    assert!(!Index(&rosters).may_see(ROSA).unwrap());
    assert_eq!(Index(&rosters).family_session(ROSA, &ContentHash([1; 16])).unwrap(), None);
    assert!(!Index(&after(&[access(false, true)])).may_see(ROSA).unwrap());
    assert!(!Index(&Memory::default()).may_see(ROSA).unwrap(), "nobody knows her");
}

#[test]
fn a_guardian_has_few_sessions_and_none_that_is_over() {
    let many: Vec<FamilyEntry> = (0..=SESSIONS_MAX as u8).map(|nth| signed_in(nth, i64::from(nth))).collect();
    let index = after(&many);
    let open = |nth: u8| Index(&index).family_session(ROSA, &ContentHash([nth; 16])).unwrap().is_some();
    assert!(!open(0), "the one that ends first gave way");
    assert!((1..=SESSIONS_MAX as u8).all(open));
    let later = after(&[&many[..], &[signed_in(99, 1_000)]].concat());
    assert_eq!(Index(&later).family_session(ROSA, &ContentHash([5; 16])).unwrap(), None);
}

#[test]
fn every_entry_has_a_number_of_its_own_that_never_changes() {
    let session = HASH;
    let published = FamilyEntry::Published {
        student: StudentId([3; 16]),
        field: Field::Visit(SlotKey::new(PersonId([4; 16]), Ulid::nil())),
        shown: Box::new(Shown::Withdrawn),
        basis: HASH,
        seq: 1,
        day: day(TODAY),
        corrected: None,
        figures_corrected: BTreeMap::new(),
    };
    let kinds = [
        invited(),
        FamilyEntry::InvitationsBurnt { guardian: ROSA },
        enrolled(),
        signed_in(1, 0),
        FamilyEntry::SignedOut { guardian: ROSA, session },
        FamilyEntry::Access { guardian: ROSA, restricted: true, ended: false },
        published,
        FamilyEntry::Viewed { guardian: ROSA, student: StudentId([3; 16]), time: Moment(0) },
    ];
    let kinds: Vec<u16> = kinds.iter().map(FamilyEntry::kind).collect();
    assert_eq!(kinds, [40, 41, 42, 43, 44, 45, 46, 47]);
}
