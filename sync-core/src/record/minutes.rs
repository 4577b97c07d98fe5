//! The minutes of a record: what each service line promised, what was delivered, what is owed.
//!
//! A figure is computed only where the reader has every document that it needs: the plan of the week's school year, and all
//! documents of the week's terms in which sessions are logged. Otherwise there is none here, never a partial one.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{MissedView, Record, RecordRef, SegmentView, ServiceView, SessionView};
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::RecordKind;
use crate::document::slot::SlotKey;
use crate::roster;
use crate::service::calendar::{self, Days, Weeks, monday_of, week_of};
use crate::service::delivered::{Delivered, Segment};
use crate::service::line::{LineVersion, Mode, Period};
use crate::service::minutes::{Account, Records, WeekMinutes, account};
use crate::service::missed::Missed;
use crate::service::promise::PartialPeriod;

/// What the figures need beside the record.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// In which documents a day's work stands.
    pub periods: &'a roster::calendar::Calendar,
    /// The school's days, and what it calls a cycle or quarter.
    pub school: &'a calendar::Calendar,
    /// What a partial period promises.
    pub partial: PartialPeriod,
    /// The student's documents that exist and that the reader does not have.
    pub unread: &'a [DocumentName],
}

/// One service line's week. All figures are minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinuteRow {
    /// The line.
    pub service: SlotKey,
    /// The Monday of the week.
    pub week: Date,
    /// The figures.
    pub figures: WeekMinutes<RecordRef>,
}

/// The minutes of some weeks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minutes {
    /// By line and week: every week in which a line is in force or has records.
    pub rows: Vec<MinuteRow>,
    /// What is still owed for each standing miss, of whichever week.
    pub owed: BTreeMap<RecordRef, u32>,
}

/// Returns the minutes of the weeks; none where the reader cannot know them all.
pub fn minutes(record: &Record<'_>, terms: &Terms<'_>, weeks: Weeks) -> Option<Minutes> {
    let readable = weeks.mondays().all(|monday| is_readable(terms, record, week_of(monday)));
    if !readable || is_touched(record, weeks) {
        return None;
    }
    let account = account_of(record, terms, weeks);
    let owed = account.missed.into_iter().map(|(id, missed)| (id, missed.owed)).collect();
    let row =
        |((line, week), figures): ((RecordRef, Date), _)| MinuteRow { service: line.key, week, figures };
    Some(Minutes { rows: account.weeks.into_iter().map(row).collect(), owed })
}

fn account_of(record: &Record<'_>, terms: &Terms<'_>, weeks: Weeks) -> Account<RecordRef> {
    let lines: Vec<_> = record.services.iter().filter_map(line_version).collect();
    let delivered: Vec<_> = record.sessions.iter().filter_map(|session| delivered(record, session)).collect();
    let missed: Vec<_> = record.missed.iter().filter_map(|one| missed(record, one)).collect();
    let records = Records {
        lines: &lines,
        delivered: &delivered,
        missed: &missed,
        calendar: terms.school,
        partial: terms.partial,
    };
    account(&records, weeks)
}

fn is_readable(terms: &Terms<'_>, record: &Record<'_>, week: Days) -> bool {
    let needs = |name: &&DocumentName| match name.kind {
        DocumentKind::Plan => week.iter().any(|day| terms.periods.year_of(day) == name.period),
        DocumentKind::Log | DocumentKind::Own => {
            week.iter().any(|day| terms.periods.term_of(day) == name.period)
        }
        DocumentKind::Tally => false,
    };
    !terms.unread.iter().filter(|name| name.subject == record.student).any(|name| needs(&name))
}

/// Returns whether a newer version said something of a record that goes into these weeks, or may.
fn is_touched(record: &Record<'_>, weeks: Weeks) -> bool {
    let in_weeks = |day: Option<Date>| day.is_none_or(|day| weeks.contains(monday_of(day)));
    let sessions = record.sessions.iter().filter(|session| session.head.newer && !session.head.void);
    let missed = record.missed.iter().filter(|missed| missed.head.newer && !missed.head.void);
    record.services.iter().any(|service| service.head.newer && !service.head.void)
        // A make-up counts in the week of its miss.
        || sessions.clone().any(|session| session.make_up_for.is_some() || in_weeks(day_of(record, session)))
        || missed.clone().any(|missed| in_weeks(missed.date))
}

fn day_of(record: &Record<'_>, session: &SessionView) -> Option<Date> {
    session.start().map(|start| record.zone.day_of(start))
}

fn line_version(service: &ServiceView) -> Option<LineVersion<RecordRef>> {
    if service.head.void {
        return None;
    }
    Some(LineVersion {
        line: service.head.id,
        from: service.from?,
        to: service.to,
        sessions: service.sessions?,
        minutes: service.minutes?,
        period: Period::from_code(service.period?)?,
        mode: Mode::from_code(service.mode?)?,
    })
}

fn delivered(record: &Record<'_>, session: &SessionView) -> Option<Delivered<RecordRef>> {
    if !session.is_delivered() {
        return None;
    }
    let id_of = |kind, key| record.resolve(kind, key).map(|entry| entry.id());
    // More minutes than a session can have are none.
    let segments = session.minutes().map(|_| session.segments.iter().filter_map(segment).collect());
    Some(Delivered {
        id: session.head.id,
        line: session.service.and_then(|key| id_of(RecordKind::Service, key)),
        date: day_of(record, session)?,
        segments: segments.unwrap_or_default(),
        certified: session.certified,
        void: session.head.void,
        make_up_for: session.make_up_for.and_then(|key| id_of(RecordKind::Missed, key)),
    })
}

fn segment(segment: &SegmentView) -> Option<Segment> {
    Some(Segment {
        mode: Mode::from_code(segment.mode?)?,
        start_ms: segment.start?.0,
        minutes: segment.minutes?,
    })
}

fn missed(record: &Record<'_>, missed: &MissedView) -> Option<Missed<RecordRef>> {
    Some(Missed {
        id: missed.head.id,
        line: record.resolve(RecordKind::Service, missed.service?)?.id(),
        date: missed.date?,
        reason: missed.reason?,
        void: missed.head.void,
    })
}
