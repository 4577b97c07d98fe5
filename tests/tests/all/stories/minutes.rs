//! The minutes of a week, as two members of a team see them and a stranger does not.

use serde_json::{Value, json};
use tests::process::{Tablet, World};

use super::{list, log_session, text};

/// The week of the stories, and the one behind it.
const WEEK: &str = "2026-10-12";
const NEXT: &str = "2026-10-19";

struct Week {
    tablets: [Tablet; 2],
    service: Value,
}

impl Week {
    fn of(world: &World) -> Self {
        let service = world.student("s1")["services"][0]["id"].clone();
        Self { tablets: [world.tablet("slp1"), world.tablet("cm1")], service }
    }

    fn ana(&self) -> &Tablet {
        &self.tablets[0]
    }

    fn deliver(&self, tablet: &Tablet, start: &str, minutes: u32, more: &str) -> String {
        let logged = tablet.ok(&format!(
            "log --student s1 --mode push-in --place general-class --start {start} --minutes {minutes} --service v1 {more}"
        ));
        text(&logged["session"]).to_owned()
    }

    fn miss(&self, date: &str, reason: &str) -> String {
        let missed =
            self.ana().ok(&format!("missed --student s1 --service v1 --date {date} --reason {reason}"));
        text(&missed["missed"]).to_owned()
    }

    /// Checks the row of a week on both tablets, after everybody has heard of everything.
    fn comes_to(&self, week: &str, figures: Value) {
        for tablet in [&self.tablets[0], &self.tablets[1], &self.tablets[0]] {
            tablet.ok("sync");
        }
        for tablet in &self.tablets {
            let record = tablet.ok(&format!("record --student s1 --week {week}"));
            let rows = list(&record["minutes"]);
            let row = rows.iter().find(|row| row["service"] == self.service && row["week"] == week);
            let row = row.unwrap_or_else(|| panic!("no row of {week}: {record}"));
            for (name, figure) in figures.as_object().unwrap() {
                assert_eq!(&row[name], figure, "{name} of {week} for {}: {row}", tablet.person);
            }
        }
    }
}

#[test]
fn minutes_1_two_delivered_sessions_meet_the_promise() {
    let world = World::new();
    let week = Week::of(&world);
    week.deliver(week.ana(), "2026-10-12T10:00:00-05:00", 30, "");
    week.deliver(week.ana(), "2026-10-14T10:00:00-05:00", 30, "");
    week.comes_to(WEEK, json!({"mandated": 60, "delivered": 60, "uncertified": 60, "owed": 0, "balance": 0}));
}

#[test]
fn minutes_2_an_absent_provider_owes_until_it_is_made_up() {
    let world = World::new();
    let mut week = Week::of(&world);
    week.deliver(week.ana(), "2026-10-12T10:00:00-05:00", 30, "");
    let missed = week.miss("2026-10-14", "provider_absent");
    week.comes_to(WEEK, json!({"mandated": 60, "delivered": 30, "owed": 30, "balance": -30}));
    week.tablets[0].set_clock(Some("2026-10-20T15:00:00-05:00"));
    week.deliver(week.ana(), "2026-10-20T10:00:00-05:00", 30, &format!("--make-up-for {missed}"));
    week.tablets[0].set_clock(None);
    week.comes_to(WEEK, json!({"mandated": 60, "owed": 0, "balance": 0}));
    week.comes_to(NEXT, json!({"mandated": 60, "delivered": 0, "owed": 0, "balance": -60}));
}

#[test]
fn minutes_3_an_absent_student_is_owed_nothing() {
    let world = World::new();
    let week = Week::of(&world);
    week.deliver(week.ana(), "2026-10-12T10:00:00-05:00", 30, "");
    week.miss("2026-10-14", "student_absent");
    week.comes_to(WEEK, json!({"mandated": 60, "delivered": 30, "owed": 0, "balance": -30}));
}

#[test]
fn minutes_5_the_same_half_hour_twice_counts_once() {
    let world = World::new();
    let week = Week::of(&world);
    let ben = world.tablet("para1");
    week.deliver(week.ana(), "2026-10-12T10:00:00-05:00", 30, "");
    week.deliver(&ben, "2026-10-12T10:20:00-05:00", 30, "");
    ben.ok("sync");
    week.comes_to(WEEK, json!({"delivered": 50}));
}

#[test]
fn minutes_7_a_blended_session_is_the_sum_of_its_parts() {
    let world = World::new();
    let week = Week::of(&world);
    week.ana().ok("log --student s1 --segment push-in,general-class,2026-10-12T10:00:00-05:00,20 \
         --segment pull-out,resource-room,2026-10-12T10:20:00-05:00,15 --service v1");
    week.comes_to(WEEK, json!({"delivered": 35, "balance": -25}));
    for tablet in &week.tablets {
        let record = tablet.record("s1");
        let row = &record["sessions"][0];
        assert_eq!((&row["mode"], &row["minutes"]), (&json!("blended"), &json!(35)), "{row}");
        let parts: Vec<_> = list(&row["segments"])
            .iter()
            .map(|part| (text(&part["mode"]), part["minutes"].as_i64()))
            .collect();
        assert_eq!(parts, [("push-in", Some(20)), ("pull-out", Some(15))]);
    }
}

#[test]
fn minutes_8_each_of_four_has_all_the_minutes() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let carla = world.tablet("cm1");
    let group = "01JA0000000000000000000000";
    for nth in 1..=4 {
        ana.ok(&format!(
            "log --student s{nth} --mode push-in --place general-class --start 2026-10-12T10:00:00-05:00 --minutes 30 \
             --service v{nth} --group {group} --size 4"
        ));
    }
    ana.ok("sync");
    carla.ok("sync");
    for nth in 1..=4 {
        let record = carla.ok(&format!("record --student s{nth} --week {WEEK}"));
        assert_eq!(record["sessions"][0]["group"]["size"], 4);
        assert_eq!(record["minutes"][0]["delivered"], 30, "{record}");
    }
}

#[test]
fn who_is_not_on_the_team_gets_nothing() {
    let world = World::new();
    let week = Week::of(&world);
    week.deliver(week.ana(), "2026-10-12T10:00:00-05:00", 30, "");
    let sol = world.tablet("slp2");
    week.comes_to(WEEK, json!({"delivered": 30}));
    sol.ok("sync");
    let caseload = sol.ok("caseload");
    let students: Vec<_> =
        list(&caseload["students"]).iter().map(|one| one["display_name"].clone()).collect();
    assert_eq!(students, ["Bruno Falkenrath"]);
    // A student who is there and one who is not look the same.
    let forbidden = sol.exits(7, "record --student s1");
    let unknown = sol.exits(7, "record --student s99");
    assert_eq!(forbidden["error"]["code"], unknown["error"]["code"]);
    sol.exits(
        7,
        "log --student s1 --mode push-in --place hallway --start 2026-10-12T10:00:00-05:00 --minutes 30",
    );
    assert_eq!(sol.files_with("Quintero"), Vec::<std::path::PathBuf>::new());
    assert_eq!(sol.ok("status")["waiting"], 0);
    log_session(&sol, "s6", "2026-10-12T10:00:00-05:00");
    assert_eq!(sol.ok("sync")["stored"], 1);
}
