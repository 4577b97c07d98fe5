//! What holds of every account, whatever the records.

use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::super::line::Period;
use super::super::missed::Reason;
use super::*;

const MONDAY: Date = date(2025, 9, 29);
const LINES: u32 = 2;
/// Ids of misses begin here.
const MISSES: u32 = 1000;

#[derive(Debug, Clone)]
struct World {
    lines: Vec<LineVersion<u32>>,
    delivered: Vec<Delivered<u32>>,
    missed: Vec<Missed<u32>>,
}

impl World {
    fn account(&self) -> Account<u32> {
        let records = Records {
            lines: &self.lines,
            delivered: &self.delivered,
            missed: &self.missed,
            calendar: &Calendar::default(),
            partial: PartialPeriod::ProrateDays,
        };
        account(&records, Weeks::covering(MONDAY, MONDAY.saturating_add(5.weeks())).unwrap())
    }
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::PushIn, Mode::PullOut, Mode::Consult])
}

fn day() -> impl Strategy<Value = i64> {
    0_i64..21
}

fn version() -> impl Strategy<Value = LineVersion<u32>> {
    let period = prop::sample::select(vec![Period::Day, Period::Week, Period::Month, Period::Term]);
    (0..LINES, -20_i64..20, prop::option::of(0_i64..40), 0_u16..4, 1_u16..60, period, mode()).prop_map(
        |(line, from, length, sessions, minutes, period, mode)| {
            let from = MONDAY.saturating_add(from.days());
            let to = length.map(|days| from.saturating_add(days.days()));
            LineVersion { line, from, to, sessions, minutes, period, mode }
        },
    )
}

/// Sessions crowd into two hours of a day, so that most overlap; ids are given by [`world`].
fn session() -> impl Strategy<Value = Delivered<u32>> {
    let segment = (mode(), 0_i64..120, 0_u16..60);
    let make_up = prop::option::of(MISSES..MISSES + 5);
    (day(), prop::collection::vec(segment, 1..3), prop::option::of(0..LINES), any::<[bool; 2]>(), make_up)
        .prop_map(|(day, segments, line, [certified, void], make_up_for)| {
            let segment = |(mode, minute, minutes)| {
                let start_ms = ((day + 20_360) * 24 * 60 + 600 + minute) * 60_000;
                Segment { mode, start_ms, minutes }
            };
            let segments = segments.into_iter().map(segment).collect();
            let date = MONDAY.saturating_add(day.days());
            Delivered { id: 0, line, date, segments, certified, void, make_up_for }
        })
}

fn miss() -> impl Strategy<Value = Missed<u32>> {
    (0..LINES, day(), prop::sample::select(Reason::ALL.to_vec()), any::<bool>()).prop_map(
        |(line, day, reason, void)| Missed {
            id: 0,
            line,
            date: MONDAY.saturating_add(day.days()),
            reason,
            void,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let records = (
        prop::collection::vec(version(), 0..4),
        prop::collection::vec(session(), 0..12),
        prop::collection::vec(miss(), 0..5),
    );
    records.prop_map(|(lines, mut delivered, mut missed)| {
        for (id, session) in (0..).zip(&mut delivered) {
            session.id = id;
        }
        for (id, miss) in (MISSES..).zip(&mut missed) {
            miss.id = id;
        }
        World { lines, delivered, missed }
    })
}

/// The minutes of the line that stand in some week, as delivered or made up for.
fn counted(account: &Account<u32>, line: u32) -> u32 {
    account
        .weeks
        .iter()
        .filter(|((of, _), _)| *of == line)
        .map(|(_, week)| week.delivered + week.make_up)
        .sum()
}

/// The length of the union of the line's sessions, minute by minute.
fn union(world: &World, line: u32) -> usize {
    let misses: BTreeMap<&u32, &Missed<u32>> =
        world.missed.iter().filter(|miss| !miss.void).map(|miss| (&miss.id, miss)).collect();
    let sessions = attribute(&world.delivered, &misses);
    let segments =
        sessions.iter().filter(|counted| *counted.line == line).flat_map(|counted| &counted.session.segments);
    segments.flat_map(|segment| segment.span().0..segment.span().1).collect::<BTreeSet<i64>>().len()
}

proptest! {
    #[test]
    fn order_of_input_never_matters(world in world(), seed in any::<prop::sample::Index>()) {
        let mut other = world.clone();
        other.lines.reverse();
        other.missed.reverse();
        other.delivered.reverse();
        if !other.delivered.is_empty() {
            let middle = seed.index(other.delivered.len());
            other.delivered.rotate_left(middle);
        }
        prop_assert_eq!(world.account(), other.account());
    }

    #[test]
    fn every_minute_of_a_line_is_counted_exactly_once(world in world()) {
        let account = world.account();
        for line in 0..LINES {
            prop_assert_eq!(counted(&account, line) as usize, union(&world, line));
        }
    }

    #[test]
    fn one_more_uncertified_session_never_lowers_what_was_delivered(world in world(), more in session()) {
        let before = world.account();
        let mut after = world.clone();
        let id = u32::try_from(after.delivered.len()).unwrap();
        after.delivered.push(Delivered { id, certified: false, make_up_for: None, ..more });
        let after = after.account();
        for (key, week) in &before.weeks {
            prop_assert!(after.weeks[key].delivered >= week.delivered);
        }
        for line in 0..LINES {
            prop_assert!(counted(&after, line) >= counted(&before, line));
        }
    }

    #[test]
    fn certifying_changes_no_total_but_of_the_uncertified(world in world()) {
        let mut certified = world.clone();
        certified.delivered.iter_mut().for_each(|session| session.certified = true);
        let certified = certified.account();
        for line in 0..LINES {
            prop_assert_eq!(counted(&certified, line), counted(&world.account(), line));
        }
        prop_assert!(certified.weeks.values().all(|week| week.uncertified + week.make_up_uncertified == 0));
    }

    #[test]
    fn the_figures_of_a_week_agree_with_one_another(world in world()) {
        for week in world.account().weeks.values() {
            let modes = week.by_mode;
            prop_assert_eq!(modes.push_in + modes.pull_out + modes.consult, week.delivered + week.make_up);
            prop_assert!(week.uncertified <= week.delivered && week.make_up_uncertified <= week.make_up);
            let balance = week.mandated.map(|m| i64::from(week.delivered + week.make_up) - i64::from(m));
            prop_assert_eq!(week.balance, balance);
        }
    }

    #[test]
    fn what_is_owed_is_the_sum_of_the_misses(world in world()) {
        let account = world.account();
        let by_week: u32 = account.weeks.values().map(|week| week.owed).sum();
        let by_miss: u32 = account.missed.values().map(|miss| miss.owed).sum();
        prop_assert_eq!(by_week, by_miss);
        prop_assert!(account.missed.values().all(|miss| miss.owed <= miss.planned));
    }

    #[test]
    fn exactly_the_sessions_that_share_time_are_flagged(world in world()) {
        let misses = BTreeMap::new();
        let sessions = attribute(&world.delivered, &misses);
        let shares = |a: &Counted<'_, u32>, b: &Counted<'_, u32>| {
            a.session.segments.iter().map(|s| s.span()).any(|(from, to)| {
                b.session.segments.iter().map(|s| s.span()).any(|(start, end)| from.max(start) < to.min(end))
            })
        };
        let expected: BTreeSet<u32> = sessions
            .iter()
            .filter(|a| sessions.iter().any(|b| a.session.id != b.session.id && shares(a, b)))
            .map(|a| a.session.id)
            .collect();
        prop_assert_eq!(overlapping(&sessions), expected);
    }
}
