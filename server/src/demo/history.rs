//! The weeks, day by day: the roster, the tablets, and what the server heard of them each afternoon.

use jiff::civil::{Date, Weekday};
use sync_core::exchange::server::answer::AnswerTo;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::DeviceId;
use sync_core::roster::DeviceState;
use sync_core::roster::role::Role;
use sync_core::time::{Moment, Zone};

use super::calendar::{DAYS_PER_WEEK, DISMISSAL_MS, MINUTE_MS, OFFICE_OPENS_MS, SchoolDays};
use super::caseload::{Line, caseload};
use super::day::Day;
use super::district::{STAFF, files};
use super::tablet::DemoTablet;
use super::{DemoError, Size, at, story};
use crate::admin::import::{ApplyError, KnownHere, apply};
use crate::engine::{Past, Settings};
use crate::import::read;

/// Up to which place of the log a backup exists: of a demo there is none.
const BACKED_UP: u64 = 0;

/// Lives through the past of a district that was just founded, up to the morning of `today`.
pub(super) fn live(
    settings: &Settings,
    zone: &Zone,
    days: &SchoolDays,
    today: Date,
    size: Size,
) -> Result<(), DemoError> {
    let past = Past::open(settings)?;
    let mut district = District { past, zone, days, today, size, lines: caseload(size), tablets: Vec::new() };
    district.import(days.first())?;
    district.hand_out_tablets(days.first())?;
    for (number, date) in days.iter() {
        district.begin_year(date)?;
        district.teach(number, date)?;
    }
    district.collect_tablets(days.before_last(0))?;
    district.begin_year(today)?;
    Ok(district.past.sync()?)
}

struct District<'a> {
    past: Past,
    zone: &'a Zone,
    days: &'a SchoolDays,
    today: Date,
    size: Size,
    lines: Vec<Line>,
    tablets: Vec<DemoTablet>,
}

impl District<'_> {
    /// Imports the roster, as its office would.
    fn import(&mut self, date: Date) -> Result<(), DemoError> {
        let files = files(self.size, self.days, self.today);
        let roster = read(&files, &KnownHere::new(self.past.organisation(), self.past.index()));
        let roster = roster.map_err(|errors| DemoError::Import(ApplyError::Rows(errors)))?;
        self.past.decide(at(self.zone, date, OFFICE_OPENS_MS), |desk| {
            apply(desk, &roster).map_err(DemoError::Import)
        })?;
        Ok(())
    }

    /// Imports the roster again where a school year begins with this day: it has new plans.
    fn begin_year(&mut self, date: Date) -> Result<(), DemoError> {
        let calendar = self.past.index().calendar()?;
        let last = self.past.index().day()?.unwrap_or(date);
        if calendar.year_of(last) == calendar.year_of(date) { Ok(()) } else { self.import(date) }
    }

    /// Everybody on a team gets a tablet.
    fn hand_out_tablets(&mut self, date: Date) -> Result<(), DemoError> {
        let now = at(self.zone, date, OFFICE_OPENS_MS);
        for member in STAFF.into_iter().filter(|member| member.role.is_on_teams()) {
            self.tablets.push(DemoTablet::pair(&mut self.past, now, member)?);
        }
        self.exchange(now, &|_| true)
    }

    fn teach(&mut self, number: usize, date: Date) -> Result<(), DemoError> {
        let calendar = self.past.index().calendar()?;
        let (org, zone, days, size) = (self.past.organisation(), self.zone, self.days, self.size);
        let day = Day { org, zone, calendar: &calendar, days, size, date, number };
        let before_last = day.before_last();
        let is_week_over = date.weekday() == Weekday::Friday && before_last >= DAYS_PER_WEEK;
        for tablet in &mut self.tablets {
            day.sessions(tablet, &self.lines)?;
            day.edits(tablet)?;
            // Therapists certify at the end of the day, the others what lies a week behind.
            if is_week_over || certifies_daily(tablet.who.role) {
                tablet.certifies(zone, at(zone, date, DISMISSAL_MS - MINUTE_MS))?;
            }
        }
        self.exchange(at(zone, date, DISMISSAL_MS), &|who| !story::is_away(who, before_last))
    }

    /// Lets tablets exchange until nothing is left to ask for.
    fn exchange(&mut self, now: Moment, takes_part: &dyn Fn(&str) -> bool) -> Result<(), DemoError> {
        let mut asking: Vec<&mut DemoTablet> =
            self.tablets.iter_mut().filter(|tablet| takes_part(tablet.who.id)).collect();
        while !asking.is_empty() {
            let mut taken = Vec::new();
            for tablet in asking {
                let sent = tablet.compose(now)?;
                let fates = self.past.take(now, tablet.profile.device, sent.request.clone())?;
                taken.push((tablet, sent, fates.map_err(|_| DemoError::NotTaken)?));
            }
            asking = Vec::new();
            for (tablet, sent, fates) in taken {
                let asked = AnswerTo::of(&sent.request, BACKED_UP);
                let reply = self.past.answer(now, tablet.profile.device, &asked, fates)?;
                if tablet.take(&sent, &reply, now)? {
                    asking.push(tablet);
                }
            }
        }
        Ok(())
    }

    /// The tablets' keys go with them: nobody can speak for their people but with a tablet that is paired anew.
    fn collect_tablets(&mut self, date: Date) -> Result<(), DemoError> {
        let devices: Vec<DeviceId> = self.tablets.drain(..).map(|tablet| tablet.profile.device).collect();
        self.past.decide(at(self.zone, date, DISMISSAL_MS + MINUTE_MS), |desk| {
            for device in devices {
                desk.emit(LogEntry::DeviceState { device, state: DeviceState::Revoked })?;
            }
            Ok(())
        })
    }
}

fn certifies_daily(role: Role) -> bool {
    matches!(role, Role::Slp | Role::Ot | Role::Pt)
}
