//! What deeds make, and which values they are refused for.

use proptest::prelude::*;

use super::*;
use crate::document::change::{Position, encode};
use crate::document::founding::containers_of;
use crate::document::name::DocumentKind;
use crate::document::schema::{
    FIGURE_MAX, Fault, MINUTES_MAX, NOTE_CHARS_MAX, REASON_CHARS_MAX, REPLACES_MAX, SEGMENTS_MAX,
    STATEMENT_CHARS_MAX, TAPS_MAX, check_record,
};
use crate::gate::preparse::CHANGE_BYTES_MAX;
use crate::gate::shape::shape_change;
use crate::ids::DeviceId;
use crate::measure::value::ValueError;

fn text(slot: &crate::document::slot::Slot, path: &str) -> String {
    slot.leaf(path).and_then(Value::as_text).unwrap_or_default().to_owned()
}

fn int(slot: &crate::document::slot::Slot, path: &str) -> i64 {
    slot.leaf(path).and_then(Value::as_int).unwrap()
}

#[test]
fn a_session_comes_first_and_its_observations_name_it() {
    let act = made(&full_session()).unwrap();
    let containers: Vec<&str> = act.slots.iter().map(|slot| slot.container.as_str()).collect();
    assert_eq!(containers, ["sessions", "observations", "observations", "observations"]);
    let [session, count, probe, percent] = act.slots.as_slice() else { panic!() };
    assert_eq!(
        (text(session, "role"), text(session, "segments.2.mode")),
        ("slp".to_owned(), "pull-out".to_owned())
    );
    assert_eq!((int(session, "segments.1.minutes"), int(session, "group.size")), (20, 3));
    for observation in [count, probe, percent] {
        assert_eq!(text(observation, "session"), session.key.to_string());
        assert_eq!(observation.act(), Some(act.id));
    }
    assert_eq!((int(count, "value.count"), int(probe, "value.errors"), int(percent, "value.of")), (12, 3, 5));
    assert_eq!((text(probe, "kind"), int(probe, "offset")), ("probe".to_owned(), -1_500));
}

/// Writes a record's values down, each leaf by its path; ids of records by what they are here.
fn written(act: &Act) -> String {
    fn leaves(path: &str, value: &Value, all: &mut Vec<String>) {
        let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match value {
            Value::Map(map) => map.iter().for_each(|(name, value)| leaves(&inner(name), value, all)),
            Value::Text(text) => all.push(format!("{path}={text}")),
            Value::Int(int) => all.push(format!("{path}={int}")),
            Value::Flag(flag) => all.push(format!("{path}={flag}")),
        }
    }
    let records = act.slots.iter().map(|slot| {
        let mut all = Vec::new();
        for (name, value) in
            slot.fields.iter().filter(|(name, _)| !["act", "at", "offset"].contains(&name.as_str()))
        {
            leaves(name, value, &mut all);
        }
        format!("{}: {}", slot.container, all.join(" "))
    });
    let text = records.collect::<Vec<_>>().join("\n");
    let names = ["goal", "service", "tally"].map(|name| (key(COLLEAGUE, name), name));
    let own =
        [(key(ME, "session"), "my session"), (key(ME, "missed"), "my missed"), (act.slots[0].key, "first")];
    let named = names.into_iter().chain(own);
    named.fold(text, |text, (key, name)| text.replace(&key.to_string(), &format!("[{name}]")))
}

#[test]
fn every_deed_says_what_was_meant() {
    let target = key(ME, "session");
    let deeds = [
        full_session(),
        missed(),
        observe(Observer::Reliability),
        edit(target, RecordKind::Session, "segments.1.minutes", 25),
        void(target, RecordKind::Session, Some("twice")),
        reinstate(target, RecordKind::Session),
        Deed::Certify { target, covers: ContentHash([9; 16]) },
        plan_version(),
        service(),
        goal(Discipline::Slp),
        Deed::Assign { goal: key(COLLEAGUE, "goal"), person: COLLEAGUE },
        Deed::OpenTally { goal: key(COLLEAGUE, "goal"), start: Moment(5) },
        Deed::Tap { tally: key(COLLEAGUE, "tally"), n: -2 },
    ];
    let all: Vec<String> = deeds.iter().map(|deed| written(&made(deed).unwrap())).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn ids_come_from_outside_in_their_order_and_as_many_as_said() {
    let deed = full_session();
    let mut ids = ids();
    let author = Author { member: ME, role: Role::Slp };
    let stamp = Stamp { at: Moment(1), offset_ms: 0 };
    let act = act(&deed, DOCUMENT, &author, stamp, &mut ids, ActId([5; 16])).unwrap();
    let expected: Vec<Ulid> = super::ids().take(deed.records()).collect();
    assert_eq!(act.slots.iter().map(|slot| slot.key.record).collect::<Vec<_>>(), expected);
    assert_eq!(ids.next(), super::ids().nth(deed.records()));
}

#[test]
fn too_few_ids_or_one_twice_make_nothing() {
    let author = Author { member: ME, role: Role::Slp };
    let stamp = Stamp { at: Moment(1), offset_ms: 0 };
    let with = |ids: &mut dyn Iterator<Item = Ulid>| {
        act(&full_session(), DOCUMENT, &author, stamp, ids, ActId([5; 16]))
    };
    assert_eq!(with(&mut ids().take(3)), Err(DeedError::NoId));
    assert_eq!(with(&mut std::iter::repeat(Ulid::from_bytes([1; 16]))), Err(DeedError::IdTwice));
    assert_eq!(DeedError::NoId.fault(), None);
}

#[test]
fn a_live_session_finished_twice_says_the_same() {
    let bytes = |act: &Act| {
        let mut bytes = Vec::new();
        ciborium::into_writer(&act.slots, &mut bytes).unwrap();
        bytes
    };
    let (once, twice) = (made(&full_session()).unwrap(), made(&full_session()).unwrap());
    assert_eq!(bytes(&once), bytes(&twice));
    // On a copied tablet with another clock the bytes differ and the content does not.
    let stamp = Stamp { at: at("2026-11-21T08:00:00-06:00"), offset_ms: 0 };
    let author = Author { member: ME, role: Role::Slp };
    let copied = act(&full_session(), DOCUMENT, &author, stamp, &mut ids(), ActId([5; 16])).unwrap();
    assert_ne!(bytes(&once), bytes(&copied));
    let hashes = |act: &Act| act.slots.iter().map(|slot| slot.content_hash()).collect::<Vec<_>>();
    assert_eq!(hashes(&once), hashes(&copied));
}

#[test]
fn what_is_not_given_is_not_there() {
    let Deed::LogSession { segments, observations, .. } = full_session() else { panic!() };
    let bare = Deed::LogSession {
        service: None,
        segments: vec![NewSegment { routine: None, ..segments[0].clone() }],
        group: None,
        make_up_for: None,
        note: None,
        state: SessionState::Draft,
        observations: observations[..0].to_vec(),
    };
    let act = made(&bare).unwrap();
    let fields: Vec<&str> = act.slots[0].fields.keys().map(String::as_str).collect();
    assert_eq!(fields, ["act", "at", "offset", "role", "segments", "state"]);
    assert_eq!(act.slots[0].leaf("segments.1.routine"), None);
}

#[test]
fn impossible_values_are_refused_with_their_field() {
    let target = key(ME, "session");
    let note = |chars| Some("é".repeat(chars).into());
    let with_note = |chars| {
        let Deed::LogMissed { service, date, reason, .. } = missed() else { panic!() };
        Deed::LogMissed { service, date, reason, note: note(chars) }
    };
    assert!(made(&with_note(NOTE_CHARS_MAX)).is_ok(), "characters are counted, not bytes");
    let mut service_backwards = service();
    if let Deed::AddService { to, .. } = &mut service_backwards {
        *to = Some(day("2026-08-31"));
    }
    let mut same_as_baseline = goal(Discipline::Slp);
    if let Deed::AddGoal { baseline_thousandths, .. } = &mut same_as_baseline {
        *baseline_thousandths = Some(80_000);
    }
    let mut long_goal = goal(Discipline::Slp);
    if let Deed::AddGoal { statement, .. } = &mut long_goal {
        *statement = "x".repeat(STATEMENT_CHARS_MAX + 1).into();
    }
    let mut group_of_one = full_session();
    if let Deed::LogSession { group, .. } = &mut group_of_one {
        *group = Some(NewGroup { id: "g1".into(), size: 1 });
    }
    let replaces = (0..=REPLACES_MAX).map(|n| key(ME, &n.to_string())).collect();
    let value = Value::from("none");
    let flood =
        Deed::Edit { target, kind: RecordKind::Session, field: "note".into(), value, replaces, reason: None };
    let table = [
        (session(Vec::new(), Vec::new()), "segments"),
        (session(vec![segment(1); SEGMENTS_MAX + 1], Vec::new()), "segments"),
        (session(vec![segment(240), segment(241)], Vec::new()), "segments"),
        (session(vec![segment(10), segment(0)], Vec::new()), "segments.2.minutes"),
        (session(vec![segment(MINUTES_MAX + 1)], Vec::new()), "segments.1.minutes"),
        (group_of_one, "group.size"),
        (with_note(NOTE_CHARS_MAX + 1), "note"),
        (service_backwards, "to"),
        (same_as_baseline, "target"),
        (long_goal, "statement"),
        (edit(target, RecordKind::Session, "note", "x".repeat(NOTE_CHARS_MAX + 1)), "note"),
        (edit(target, RecordKind::Session, "role", "cm"), "role"),
        (edit(target, RecordKind::Session, "segments.1.minutes", 0), "segments.1.minutes"),
        (edit(target, RecordKind::Session, "segments.9.minutes", 5), "segments.9.minutes"),
        (edit(target, RecordKind::Goal, "target", "high"), "target"),
        (flood, "replaces"),
        (void(target, RecordKind::Session, Some(&"x".repeat(REASON_CHARS_MAX + 1))), "reason"),
        (void(target, RecordKind::Signature, None), "void"),
        (reinstate(target, RecordKind::Edit), "void"),
        (Deed::Tap { tally: target, n: 0 }, "n"),
        (Deed::Tap { tally: target, n: -TAPS_MAX - 1 }, "n"),
    ];
    for (deed, field) in table {
        assert_eq!(refused_field(&deed), field, "{deed:?}");
    }
}

#[test]
fn an_edit_replaces_something() {
    let target = key(ME, "session");
    let deed = Deed::Void { target, kind: RecordKind::Session, replaces: BTreeSet::new(), reason: None };
    assert_eq!(made(&deed), Err(Fault::OutOfRange("replaces".into()).into()));
}

#[test]
fn a_wrong_observation_is_named_by_its_number() {
    let figures = |n| observation(Count::new(n, 60).unwrap());
    let deed = session(vec![segment(30)], vec![figures(FIGURE_MAX), figures(FIGURE_MAX + 1)]);
    let fault = Fault::OutOfRange("value.count".into());
    assert_eq!(made(&deed), Err(DeedError::Observation { number: 2, fault }));
    let words = "observation 2: value.count is out of range";
    assert_eq!(made(&deed).unwrap_err().to_string(), words);
}

#[test]
fn the_fullest_session_fits_into_one_change() {
    let note = |chars| Some("\u{1F600}".repeat(chars).into());
    let observed = NewObservation { note: note(NOTE_CHARS_MAX), ..observation(Probe::new(9, 9, 9).unwrap()) };
    let full = |observations| {
        let mut deed = session(vec![segment(60); SEGMENTS_MAX], vec![observed.clone(); observations]);
        if let Deed::LogSession { note: of_session, .. } = &mut deed {
            *of_session = note(NOTE_CHARS_MAX);
        }
        deed
    };
    let act = made(&full(OBSERVATIONS_MAX)).unwrap();
    let containers = containers_of(DocumentKind::Log, DOCUMENT);
    let device = DeviceId([3; 16]);
    let position = Position::next(device.0, None, &[], 6, Moment(1));
    let change = encode(&containers, &position, &act.slots).unwrap();
    assert!(change.bytes.len() <= CHANGE_BYTES_MAX, "{}", change.bytes.len());
    let shaped = shape_change(&change.bytes, &containers, ME, device).unwrap();
    assert_eq!(shaped.slots(), act.slots);
    assert_eq!(refused_field(&full(OBSERVATIONS_MAX + 1)), "observations");
}

#[test]
fn nothing_about_a_child_is_printed() {
    let printed = format!("{:?} {:?}", full_session(), goal(Discipline::Slp));
    for words in ["calm", "help", "three sessions"] {
        assert!(!printed.contains(words), "{printed}");
    }
}

proptest! {
    #[test]
    fn sessions_keep_their_segments_and_are_made_only_within_the_limits(
        minutes in prop::collection::vec(0_i64..=MINUTES_MAX + 1, 0..=SEGMENTS_MAX + 1),
        observations in 0_usize..4,
    ) {
        let segments: Vec<NewSegment> = minutes.iter().map(|minutes| segment(*minutes)).collect();
        let observed = vec![observation(Percent::new(4, 5).unwrap()); observations];
        let deed = session(segments, observed);
        let fits = (1..=SEGMENTS_MAX).contains(&minutes.len())
            && minutes.iter().all(|minutes| (1..=MINUTES_MAX).contains(minutes))
            && minutes.iter().sum::<i64>() <= MINUTES_MAX;
        let made = made(&deed);
        prop_assert_eq!(made.is_ok(), fits);
        let Ok(act) = made else { return Ok(()) };
        prop_assert_eq!(act.slots.len(), deed.records());
        let kept: Vec<i64> =
            (1..=minutes.len()).map(|n| int(&act.slots[0], &format!("segments.{n}.minutes"))).collect();
        prop_assert_eq!(kept, minutes);
        for slot in &act.slots {
            prop_assert_eq!(check_record(RecordKind::of_container(&slot.container).unwrap(), slot), Ok(()));
        }
    }

    #[test]
    fn figures_that_cannot_be_are_refused_alike_where_typed_and_where_taken_in(
        measure in prop::sample::select(Measure::ALL.as_slice()),
        a in -2_i64..6,
        b in -2_i64..6,
        seconds in prop::sample::select(&[-1_i64, 0, 1, 60, 86_400, 86_401][..]),
    ) {
        let (typed, figures): (Result<Figures, ValueError>, _) = match measure {
            Measure::Count => (Count::new(a, seconds).map(Into::into), vec![("count", a), ("seconds", seconds)]),
            Measure::Probe => (
                Probe::new(a, b, seconds).map(Into::into),
                vec![("attempted", a), ("errors", b), ("seconds", seconds)],
            ),
            Measure::Percent => (Percent::new(a, b).map(Into::into), vec![("correct", a), ("of", b)]),
        };
        // The same figures, written past the typed deed.
        let valid = observation(Percent::new(1, 1).unwrap());
        let mut slot = made(&Deed::Observe { session: None, observation: valid }).unwrap().slots.remove(0);
        let map = figures.iter().map(|(name, figure)| ((*name).to_owned(), Value::Int(*figure))).collect();
        slot.fields.insert("value".into(), Value::Map(map));
        slot.fields.insert("kind".into(), measure.code().into());
        let taken_in = check_record(RecordKind::Observation, &slot);
        prop_assert_eq!(typed.is_ok(), taken_in.is_ok());
        // Of several wrong figures each side names the one that it sees first.
        let timed = measure != Measure::Percent;
        let parted = measure != Measure::Count;
        let wrong = figures.iter().filter(|(name, figure)| *name != "seconds" && *figure < 0).count()
            + usize::from(timed && !(1..=86_400).contains(&seconds))
            + usize::from(parted && if measure == Measure::Probe { b > a } else { a > b });
        if wrong == 1 {
            prop_assert_eq!(typed.map_err(Fault::from).unwrap_err(), taken_in.unwrap_err());
        }
    }
}
