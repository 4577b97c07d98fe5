//! Worked examples of the account, each with the figures that a person computed by hand.
//!
//! The line promises two sessions of 30 minutes a week, pushed in; a normal week has five days.

use jiff::ToSpan;
use jiff::civil::date;

use super::super::line::Period;
use super::super::missed::Reason;
use super::*;

const MONDAY: Date = date(2025, 9, 29);
const SPEECH: &str = "line/speech";

/// The records of a story, told one after another.
#[derive(Default)]
struct Story {
    lines: Vec<LineVersion<&'static str>>,
    delivered: Vec<Delivered<&'static str>>,
    missed: Vec<Missed<&'static str>>,
    calendar: Calendar,
    partial: PartialPeriod,
}

impl Story {
    fn new() -> Self {
        Self { lines: vec![version(SPEECH, date(2025, 8, 25), 2, 30)], ..Self::default() }
    }

    /// A certified push-in session of the line; change what differs in what is returned.
    fn delivers(
        &mut self,
        id: &'static str,
        day: Date,
        clock: (i64, i64),
        minutes: u16,
    ) -> &mut Delivered<&'static str> {
        self.delivered.push(Delivered {
            id,
            line: Some(SPEECH),
            date: day,
            segments: vec![segment(Mode::PushIn, day, clock, minutes)],
            certified: true,
            void: false,
            make_up_for: None,
        });
        self.delivered.last_mut().unwrap()
    }

    fn misses(&mut self, id: &'static str, day: Date, reason: Reason) -> &mut Missed<&'static str> {
        self.missed.push(Missed { id, line: SPEECH, date: day, reason, void: false });
        self.missed.last_mut().unwrap()
    }

    fn account(&self) -> Account<&'static str> {
        let records = Records {
            lines: &self.lines,
            delivered: &self.delivered,
            missed: &self.missed,
            calendar: &self.calendar,
            partial: self.partial,
        };
        account(&records, Weeks::covering(MONDAY, in_days(13)).unwrap())
    }

    fn week(&self, monday: Date) -> WeekMinutes<&'static str> {
        self.account().weeks.remove(&(SPEECH, monday)).unwrap()
    }

    /// Mandated, delivered, owed and balance of the first week.
    fn figures(&self) -> (u32, u32, u32, i64) {
        let week = self.week(MONDAY);
        (week.mandated.unwrap(), week.delivered, week.owed, week.balance.unwrap())
    }
}

fn version(line: &'static str, from: Date, sessions: u16, minutes: u16) -> LineVersion<&'static str> {
    LineVersion { line, from, to: None, sessions, minutes, period: Period::Week, mode: Mode::PushIn }
}

fn segment(mode: Mode, day: Date, (hour, minute): (i64, i64), minutes: u16) -> Segment {
    let days = i64::from((day - date(1970, 1, 1)).get_days());
    Segment { mode, start_ms: ((days * 24 + hour) * 60 + minute) * 60_000, minutes }
}

fn in_days(days: i64) -> Date {
    MONDAY.saturating_add(days.days())
}

fn next_monday() -> Date {
    in_days(7)
}

#[test]
fn oracle_1_both_sessions_delivered() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 0), 30);
    story.delivers("s2", in_days(2), (10, 0), 30);
    assert_eq!(story.figures(), (60, 60, 0, 0));
    assert!(story.week(MONDAY).flags.is_empty());
}

#[test]
fn oracle_2_provider_absent_is_owed_until_made_up_next_week() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 0), 30);
    story.misses("m1", in_days(2), Reason::ProviderAbsent);
    assert_eq!(story.figures(), (60, 30, 30, -30));

    story.delivers("s2", next_monday(), (10, 0), 30).make_up_for = Some("m1");
    assert_eq!(story.figures(), (60, 30, 0, 0));
    assert_eq!(story.week(MONDAY).make_up, 30);
    assert_eq!(story.account().missed[&"m1"], MissedMinutes { planned: 30, made_up: 30, owed: 0 });
    let next = story.week(next_monday());
    assert_eq!(
        (next.mandated, next.delivered, next.balance),
        (Some(60), 0, Some(-60)),
        "its own mandate untouched"
    );
}

#[test]
fn oracle_3_student_absent_is_not_owed() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 0), 30);
    story.misses("m1", in_days(2), Reason::StudentAbsent);
    assert_eq!(story.figures(), (60, 30, 0, -30));
    assert_eq!(story.week(MONDAY).flags, [Flag::NotOwed("m1")].into());
}

#[test]
fn oracle_4_three_day_week_by_either_policy() {
    let mut story = Story::new();
    story.calendar.school_days = Some((0..3).map(in_days).collect());
    assert_eq!(story.week(MONDAY).mandated, Some(60));
    story.partial = PartialPeriod::ProrateDays;
    assert_eq!(story.week(MONDAY).mandated, Some(36));
}

#[test]
fn oracle_5_overlap_of_one_line_counts_once() {
    for (second, minutes) in [((10, 0), 30), ((10, 20), 50)] {
        let mut story = Story::new();
        story.delivers("s1", MONDAY, (10, 0), 30);
        story.delivers("s2", MONDAY, second, 30);
        assert_eq!(story.figures().1, minutes);
        assert_eq!(story.week(MONDAY).flags, [Flag::Overlap("s1"), Flag::Overlap("s2")].into());
    }
}

#[test]
fn one_session_after_another_is_no_overlap() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 0), 30);
    story.delivers("s2", MONDAY, (10, 30), 30);
    assert_eq!(story.figures().1, 60);
    assert!(story.week(MONDAY).flags.is_empty());
}

#[test]
fn oracle_6_week_belongs_to_the_version_in_force_on_its_first_instructional_day() {
    let mut story = Story::new();
    story.lines[0].sessions = 4;
    story.lines.push(version(SPEECH, in_days(2), 3, 20));
    story.misses("m1", in_days(3), Reason::ProviderAbsent);
    assert_eq!(story.figures(), (120, 0, 30, -120));
    assert_eq!(story.week(next_monday()).mandated, Some(60));

    // With Monday and Tuesday off, Wednesday is the first.
    story.calendar.school_days = Some((2..5).map(in_days).collect());
    assert_eq!(story.figures(), (60, 0, 20, -60));
}

#[test]
fn oracle_7_blended_session_is_split_by_mode() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 0), 20).segments.push(segment(Mode::PullOut, MONDAY, (10, 20), 15));
    let week = story.week(MONDAY);
    assert_eq!(week.delivered, 35);
    assert_eq!(week.by_mode, ModeMinutes { push_in: 20, pull_out: 15, consult: 0 });
    assert_eq!(week.flags, [Flag::ModeMismatch("s1")].into());
}

#[test]
fn oracle_8_group_minutes_count_in_full_for_each_of_four() {
    for session in ["s1", "s2", "s3", "s4"] {
        let mut story = Story::new();
        story.delivers(session, MONDAY, (10, 0), 30);
        assert_eq!(story.figures().1, 30);
    }
}

#[test]
fn co_treatment_counts_under_both_lines() {
    let mut story = Story::new();
    story.lines.push(version("line/ot", date(2025, 8, 25), 1, 30));
    story.delivers("s1", MONDAY, (10, 0), 30);
    story.delivers("s2", MONDAY, (10, 0), 30).line = Some("line/ot");
    let account = story.account();
    for line in [SPEECH, "line/ot"] {
        let week = &account.weeks[&(line, MONDAY)];
        assert_eq!((week.delivered, week.flags.len()), (30, 0));
    }
}

#[test]
fn uncertified_minutes_are_those_that_nobody_certified() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 20), 30);
    story.delivers("s2", MONDAY, (10, 0), 30).certified = false;
    let week = story.week(MONDAY);
    assert_eq!((week.delivered, week.uncertified), (50, 20));
}

#[test]
fn void_records_count_for_nothing() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 0), 30).void = true;
    story.misses("m1", MONDAY, Reason::ProviderAbsent).void = true;
    assert_eq!(story.figures(), (60, 0, 0, -60));
    assert!(story.week(MONDAY).flags.is_empty() && story.account().missed.is_empty());
}

#[test]
fn of_two_claims_for_one_miss_the_first_by_date_makes_up_and_the_other_is_extra() {
    let mut story = Story::new();
    story.misses("m1", in_days(2), Reason::ProviderAbsent);
    story.delivers("s1", in_days(8), (10, 0), 30).make_up_for = Some("m1");
    story.delivers("s2", in_days(7), (10, 0), 25).make_up_for = Some("m1");
    assert_eq!((story.week(MONDAY).make_up, story.week(MONDAY).owed), (25, 5));
    let next = story.week(next_monday());
    assert_eq!((next.delivered, next.flags), (30, [Flag::ExtraService("s1")].into()));

    story.delivered[0].date = in_days(7);
    assert_eq!(story.week(MONDAY).make_up, 30, "on one date the lower id makes up");
    story.delivered[0].void = true;
    assert_eq!(story.week(MONDAY).make_up, 25, "a void session claims nothing");
}

#[test]
fn a_make_up_logged_twice_makes_up_once() {
    let mut story = Story::new();
    story.misses("m1", in_days(2), Reason::ProviderAbsent);
    for id in ["s1", "s2"] {
        story.delivers(id, next_monday(), (10, 0), 30).make_up_for = Some("m1");
    }
    assert_eq!((story.week(MONDAY).make_up, story.week(next_monday()).delivered), (30, 0));

    story.delivered[0].certified = false;
    assert_eq!(story.week(MONDAY).make_up, 30, "the claim that lost takes nothing, certified or not");
}

#[test]
fn minutes_that_another_session_had_make_up_for_nothing() {
    let mut story = Story::new();
    story.misses("m1", in_days(2), Reason::ProviderAbsent);
    story.delivers("s1", next_monday(), (10, 0), 30).make_up_for = Some("m1");
    story.delivers("s2", next_monday(), (10, 10), 30).certified = false;
    assert_eq!((story.week(MONDAY).make_up, story.week(MONDAY).owed), (10, 20));
    assert_eq!(story.week(next_monday()).delivered, 30);
}

#[test]
fn a_long_make_up_never_pays_for_another_miss() {
    let mut story = Story::new();
    story.misses("m1", in_days(1), Reason::ProviderAbsent);
    story.misses("m2", in_days(2), Reason::ProviderAbsent);
    story.delivers("s1", next_monday(), (10, 0), 60).make_up_for = Some("m1");
    assert_eq!(story.figures(), (60, 0, 30, 0));
}

#[test]
fn a_make_up_without_a_line_counts_under_the_line_of_its_miss() {
    let mut story = Story::new();
    story.misses("m1", in_days(2), Reason::ProviderAbsent);
    let make_up = story.delivers("s1", next_monday(), (10, 0), 30);
    (make_up.line, make_up.make_up_for) = (None, Some("m1"));
    assert_eq!(story.figures(), (60, 0, 0, -30));
}

#[test]
fn a_make_up_under_another_line_or_for_a_void_miss_is_extra_service() {
    let mut story = Story::new();
    story.lines.push(version("line/ot", date(2025, 8, 25), 1, 30));
    story.misses("m1", in_days(2), Reason::ProviderAbsent);
    story.misses("m2", in_days(3), Reason::ProviderAbsent).void = true;
    let other = story.delivers("s1", next_monday(), (10, 0), 30);
    (other.line, other.make_up_for) = (Some("line/ot"), Some("m1"));
    story.delivers("s2", next_monday(), (11, 0), 30).make_up_for = Some("m2");
    let account = story.account();
    assert_eq!(account.weeks[&(SPEECH, MONDAY)].owed, 30);
    for (line, session) in [("line/ot", "s1"), (SPEECH, "s2")] {
        let week = &account.weeks[&(line, next_monday())];
        assert_eq!((week.delivered, &week.flags), (30, &[Flag::ExtraService(session)].into()));
    }
}

#[test]
fn a_make_up_counts_for_a_week_whose_account_leaves_its_own_week_out() {
    let mut story = Story::new();
    story.misses("m1", in_days(2), Reason::ProviderAbsent);
    story.delivers("s1", in_days(100), (10, 0), 30).make_up_for = Some("m1");
    assert_eq!(story.figures(), (60, 0, 0, -30));
}

#[test]
fn a_miss_on_a_day_with_a_delivered_session_is_an_occurrence_of_its_own() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 0), 30);
    story.misses("m1", MONDAY, Reason::NoSubstitute);
    assert_eq!(story.figures(), (60, 30, 30, -30));
}

#[test]
fn what_policy_has_not_decided_is_owed_and_what_nobody_logged_is_asked_about() {
    let mut story = Story::new();
    story.misses("m1", MONDAY, Reason::SchoolClosedEmergency);
    story.misses("m2", in_days(1), Reason::NotLogged);
    assert_eq!(story.figures(), (60, 0, 30, -60));
    assert_eq!(story.week(MONDAY).flags, [Flag::LiabilityUnknown("m2")].into());
}

#[test]
fn records_outside_the_line_s_time_are_counted_and_flagged() {
    let mut story = Story::new();
    story.lines[0].to = Some(in_days(-3));
    story.delivers("s1", MONDAY, (10, 0), 30);
    story.misses("m1", MONDAY, Reason::ProviderAbsent);
    assert_eq!(story.figures(), (0, 30, 0, 30));
    assert_eq!(story.week(MONDAY).flags, [Flag::NotInForce("m1"), Flag::NotInForce("s1")].into());
    assert!(!story.account().weeks.contains_key(&(SPEECH, next_monday())), "nothing to say, no row");
}

#[test]
fn where_the_promise_is_unknown_so_is_the_balance() {
    let mut story = Story::new();
    story.lines[0].period = Period::Term;
    story.delivers("s1", MONDAY, (10, 0), 30);
    story.misses("m1", MONDAY, Reason::ProviderAbsent);
    let week = story.week(MONDAY);
    assert_eq!((week.mandated, week.balance), (None, None));
    assert_eq!((week.delivered, week.owed), (30, 30));
}

#[test]
fn a_session_that_names_no_line_counts_under_none() {
    let mut story = Story::new();
    story.delivers("s1", MONDAY, (10, 0), 30).line = None;
    assert_eq!(story.figures(), (60, 0, 0, -60));
}
