//! What a person should look at: told by the program that shows the record, and never in the way of logging.

use serde_json::{Value, json};
use tests::process::{Tablet, World};

use super::{list, text};

const TEN: &str = "2026-10-12T10:00:00-05:00";

/// Returns the flags of `s1` of one kind: the records that each is about.
fn flags(tablet: &Tablet, what: &str) -> Vec<(String, Option<String>)> {
    let record = tablet.record("s1");
    let of_kind = list(&record["flags"]).iter().filter(|flag| flag["what"] == what);
    let ids =
        of_kind.map(|flag| (text(&flag["record"]).to_owned(), flag["other"].as_str().map(str::to_owned)));
    ids.collect()
}

fn deliver(tablet: &Tablet, start: &str, rest: &str) -> String {
    let line = format!("log --student s1 --place general-class --start {start} --minutes 30 {rest}");
    text(&tablet.ok(&line)["session"]).to_owned()
}

fn asked(tablet: &Tablet) -> Vec<Value> {
    list(&tablet.ok("conflicts")["flags"]).iter().map(|flag| flag["what"].clone()).collect()
}

#[test]
fn one_session_logged_on_two_tablets_is_a_question_to_both_until_one_is_removed() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let one = deliver(&ana, TEN, "--mode push-in --service v1");
    let other = deliver(&carla, TEN, "--mode push-in --service v1");
    for tablet in [&ana, &carla, &ana] {
        tablet.ok("sync");
    }
    for tablet in [&ana, &carla] {
        let [(first, Some(second))] = &flags(tablet, "duplicate")[..] else {
            panic!("{}", tablet.record("s1"))
        };
        let mut pair = [first.clone(), second.clone()];
        pair.sort();
        let mut expected = [one.clone(), other.clone()];
        expected.sort();
        assert_eq!(pair, expected);
        assert_eq!(asked(tablet), [json!("duplicate")]);
        assert!(tablet.in_words("record --student s1").contains("two sessions of one service share time"));
    }
    carla.ok(&format!("void {other} --reason 'the same session'"));
    carla.ok("sync");
    ana.ok("sync");
    for tablet in [&ana, &carla] {
        assert_eq!((flags(tablet, "duplicate"), asked(tablet)), (vec![], vec![]));
    }
}

#[test]
fn two_sessions_of_one_person_at_one_time_are_told_once() {
    let world = World::new();
    let ana = world.tablet("slp1");
    deliver(&ana, TEN, "--mode push-in --service v1");
    deliver(&ana, "2026-10-12T10:20:00-05:00", "--mode push-in");
    assert_eq!(flags(&ana, "sessions_overlap").len(), 1);
    deliver(&ana, "2026-10-12T10:10:00-05:00", "--mode push-in --service v1");
    // Each of the three is in a pair, and one of the pairs is of one service.
    assert_eq!((flags(&ana, "sessions_overlap").len(), flags(&ana, "duplicate").len()), (2, 1));
    let told = ana.in_words("record --student s1");
    let lines = |words: &str| told.lines().filter(|line| line.contains(words)).count();
    assert_eq!((lines("two sessions of one person"), lines("two sessions of one service")), (1, 1), "{told}");
    assert_eq!(asked(&ana), [json!("duplicate")], "who was in two places at once is told, and not asked");
}

#[test]
fn a_part_in_another_mode_than_promised_is_told_beside_the_record_and_in_its_week() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let session = text(
        &ana.ok(&format!(
            "log --student s1 --segment push-in,general-class,{TEN},20 \
         --segment pull-out,resource-room,2026-10-12T10:20:00-05:00,15 --service v1"
        ))["session"],
    )
    .to_owned();
    assert_eq!(flags(&ana, "mode_mismatch"), [(session.clone(), None)]);
    let record = ana.ok("record --student s1 --week 2026-10-12");
    let week = list(&record["minutes"]).iter().find(|row| row["week"] == "2026-10-12").unwrap();
    assert_eq!(week["flags"], json!([{"what": "mode_mismatch", "record": session}]));
    assert_eq!(asked(&ana), Vec::<Value>::new());
}

#[test]
fn a_miss_that_is_made_up_for_twice_and_one_beside_a_session_are_questions() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let missed = ana.ok("missed --student s1 --service v1 --date 2026-10-14 --reason provider_absent");
    let missed = text(&missed["missed"]);
    let make_up = format!("--mode push-in --service v1 --make-up-for {missed}");
    deliver(&ana, "2026-10-15T10:00:00-05:00", &make_up);
    let second = deliver(&ana, "2026-10-16T10:00:00-05:00", &make_up);
    assert_eq!(flags(&ana, "made_up_already"), [(second, Some(missed.to_owned()))]);
    let session = deliver(&ana, "2026-10-14T10:00:00-05:00", "--mode push-in --service v1");
    assert_eq!(flags(&ana, "missed_beside_delivered"), [(missed.to_owned(), Some(session))]);
    let mut asked = asked(&ana);
    asked.sort_by_key(Value::to_string);
    assert_eq!(asked, [json!("made_up_already"), json!("missed_beside_delivered")]);
}

#[test]
fn two_who_watched_the_same_goal_at_the_same_time_are_asked() {
    let world = World::new();
    let (ana, ben) = (world.tablet("slp1"), world.tablet("para1"));
    for tablet in [&ana, &ben] {
        deliver(tablet, TEN, "--mode push-in --goal g1 --count 5 --seconds 600");
    }
    ben.ok("sync");
    ana.ok("sync");
    let [(counted, Some(aside))] = &flags(&ana, "same_events_or_shared")[..] else {
        panic!("{}", ana.record("s1"))
    };
    let record = ana.record("s1");
    let author = |id: &str| super::with_id(&record["observations"], id)["author"].clone();
    let (slp, para) = (json!(world.person("slp1")), json!(world.person("para1")));
    let mut authors = [author(counted), author(aside)];
    authors.sort_by_key(Value::to_string);
    let mut expected = [slp, para];
    expected.sort_by_key(Value::to_string);
    assert_eq!(authors, expected);
    // Who does not read the colleague's document is asked nothing about it.
    assert_eq!(flags(&ben, "same_events_or_shared"), []);
}

#[test]
fn a_clock_that_was_days_off_is_told() {
    let world = World::new();
    let mut ana = world.tablet("slp1");
    ana.set_clock(Some("2026-10-19T15:00:00-05:00"));
    ana.ok("sync");
    let session = deliver(&ana, "2026-10-19T10:00:00-05:00", "--mode push-in");
    ana.set_clock(None);
    assert_eq!(flags(&ana, "clock_off"), [(session, None)]);
    assert!(ana.in_words("record --student s1").contains("off by more than a day"));
}
