//! The minutes of a record.

use jiff::civil::date;

use super::super::minutes::{Minutes, Terms, minutes};
use super::*;
use crate::service::calendar::{Calendar, Weeks};
use crate::service::promise::PartialPeriod;

pub(super) fn week_of(record: &Record<'_>, unread: &[DocumentName]) -> Option<Minutes> {
    let (periods, school) = (crate::roster::calendar::Calendar::default(), Calendar::default());
    let terms = Terms { periods: &periods, school: &school, partial: PartialPeriod::None, unread };
    minutes(record, &terms, Weeks::of(date(2026, 10, 5)))
}

/// Mandated, delivered, uncertified, owed and balance of the only row.
fn only_row(record: &Record<'_>) -> (Option<u32>, u32, u32, u32, Option<i64>) {
    let minutes = week_of(record, &[]).unwrap();
    assert_eq!(minutes.rows.len(), 1);
    let row = &minutes.rows[0];
    assert_eq!(row.week, date(2026, 10, 5));
    let figures = &row.figures;
    (figures.mandated, figures.delivered, figures.uncertified, figures.owed, figures.balance)
}

#[test]
fn delivered_missed_and_made_up_minutes_of_a_week() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    let session = desk.session(SLP, Some(service), &[("push-in", TEN, 30)]);
    assert_eq!(only_row(&desk.fold()), (Some(60), 30, 30, 0, Some(-30)));
    desk.sign(SLP, "certify", session);
    assert_eq!(only_row(&desk.fold()), (Some(60), 30, 0, 0, Some(-30)));
    let missed = desk.missed(service, "2026-10-07", "provider_meeting");
    assert_eq!(only_row(&desk.fold()), (Some(60), 30, 0, 30, Some(-30)));
    let next_tuesday = TEN + 8 * 1440 * MINUTE;
    let make_up = desk.session(SLP, Some(service), &[("push-in", next_tuesday, 30)]);
    desk.slot_mut(make_up).fields.insert("make_up_for".into(), text(missed));
    let record = desk.fold();
    assert_eq!(only_row(&record), (Some(60), 30, 0, 0, Some(0)));
    assert_eq!(week_of(&record, &[]).unwrap().owed, BTreeMap::from([(record.id(missed), 0)]));
}

#[test]
fn drafts_and_voids_deliver_nothing() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    let draft = desk.session(SLP, Some(service), &[("push-in", TEN, 30)]);
    desk.slot_mut(draft).fields.insert("state".into(), "draft".into());
    let void = desk.session(SLP, Some(service), &[("push-in", TEN + 60 * MINUTE, 30)]);
    desk.edit(SLP, void, "void", true, &[void]);
    assert_eq!(only_row(&desk.fold()), (Some(60), 0, 0, 0, Some(-60)));
}

#[test]
fn two_who_log_the_same_half_hour_deliver_it_once() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    desk.session(SLP, Some(service), &[("push-in", TEN, 30)]);
    desk.session(PARA, Some(service), &[("push-in", TEN, 30)]);
    assert_eq!(only_row(&desk.fold()).1, 30);
    desk.session(PSY, Some(service), &[("push-in", TEN + 20 * MINUTE, 30)]);
    assert_eq!(only_row(&desk.fold()).1, 50);
}

#[test]
fn a_conflict_over_the_promise_counts_as_the_higher_one() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    desk.edit(SLP, service, "minutes", 20, &[service]);
    desk.edit(PSY, service, "minutes", 45, &[service]);
    assert_eq!(only_row(&desk.fold()).0, Some(90));
}

#[test]
fn a_minute_that_cannot_be_counts_as_none() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    desk.session(SLP, Some(service), &[("push-in", TEN, 100_000)]);
    assert_eq!(only_row(&desk.fold()).1, 0);
}

#[test]
fn who_cannot_read_a_document_of_the_week_sees_no_figure() {
    let mut desk = Desk::default();
    desk.service(2, 30);
    let record = desk.fold();
    for kind in [DocumentKind::Plan, DocumentKind::Log, DocumentKind::Own] {
        assert_eq!(week_of(&record, &[name(kind)]), None, "{kind}");
    }
    let last_year = DocumentName { period: "2025-26".into(), ..name(DocumentKind::Log) };
    let others = DocumentName { subject: StudentId([8; 16]), ..name(DocumentKind::Log) };
    assert!(week_of(&record, &[name(DocumentKind::Tally), last_year, others]).is_some());
}

#[test]
fn a_record_that_a_newer_version_touched_leaves_no_partial_figure() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    let session = desk.session(SLP, Some(service), &[("push-in", TEN, 30)]);
    desk.add(DocumentKind::Log, "verdicts", PSY, fields([("about", text(session))]));
    assert_eq!(week_of(&desk.fold(), &[]), None);
    desk.edit(SLP, session, "segments.1.start", TEN + 7 * 1440 * MINUTE, &[session]);
    assert_eq!(only_row(&desk.fold()).1, 0, "another week's session does not matter here");
}
