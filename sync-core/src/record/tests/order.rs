//! The same slots give the same record, whatever the order, the batches and the repetitions.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;

use super::accounting::week_of;
use super::*;

/// Few keys, so that slots meet: same keys in several containers, twins, edits of one another.
fn key() -> impl Strategy<Value = SlotKey> {
    (prop::sample::select(&[SLP, PSY, PARA][..]), 1_u128..7)
        .prop_map(|(member, record)| SlotKey::new(member, Ulid::from(record)))
}

fn value() -> impl Strategy<Value = Value> {
    let words =
        ["push-in", "complete", "draft", "count", "primary", "certify", "week", "2026-10-06", "x", ""];
    prop_oneof![
        prop::sample::select(words.to_vec()).prop_map(Value::from),
        (-2_i64..40).prop_map(Value::from),
        (0_i64..90).prop_map(|minute| (TEN + minute * MINUTE).into()),
        any::<bool>().prop_map(Value::from),
        key().prop_map(text),
    ]
}

fn field() -> impl Strategy<Value = String> {
    let names = [
        "target",
        "statement",
        "void",
        "state",
        "minutes",
        "sessions",
        "to",
        "service",
        "goal",
        "session",
        "start",
        "reason",
        "date",
        "mood",
        "segments.1.minutes",
        "segments.2.start",
        "value.count",
        "kind",
        "tally",
        "n",
    ];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

/// A record of any kind as the desk makes it, with some values put out of order.
fn record() -> impl Strategy<Value = (DocumentKind, Slot)> {
    let odd = prop_oneof![3 => Just(None), 1 => (field(), value()).prop_map(Some)];
    (0_usize..10, key(), key(), 0_i64..40, odd, 0_i64..3).prop_map(|(what, key, other, n, odd, at)| {
        let mut desk = Desk::default();
        let start = TEN + n * 5 * MINUTE;
        let by = key.member;
        let made = match what {
            0 => desk.goal(n * 1000),
            1 => desk.assign(other, by),
            2 => desk.service(n, 30),
            3 => desk.missed(other, "2026-10-06", "provider_absent"),
            4 => desk.add(DocumentKind::Log, "moods", by, fields([("about", text(other))])),
            5 => desk.add(
                DocumentKind::Tally,
                "tallies",
                by,
                fields([("goal", text(other)), ("start", start.into())]),
            ),
            6 => desk.add(
                DocumentKind::Tally,
                "taps",
                by,
                fields([("tally", text(other)), ("n", (n - 5).into())]),
            ),
            7 => desk.add(DocumentKind::Log, "issued", by, fields([("late", (n % 2 == 0).into())])),
            8 => desk.session(
                by,
                Some(other),
                &[("push-in", start, 30), ("pull-out", start + 20 * MINUTE, 15)],
            ),
            _ => {
                let made = desk.observation(by, other, start, n);
                desk.slot_mut(made).fields.insert("session".into(), text(other));
                made
            }
        };
        let (name, mut slots) = desk.documents.into_iter().next().unwrap();
        let mut slot = slots.pop().unwrap();
        assert_eq!(slot.key, made);
        slot.key = key;
        slot.fields.insert(AT.into(), (TEN + at).into());
        slot.fields.extend(odd.filter(|(field, _)| !field.contains('.')));
        (name.kind, slot)
    })
}

fn edit() -> impl Strategy<Value = (DocumentKind, Slot)> {
    let kind = prop::sample::select(DocumentKind::ALL.to_vec());
    (kind, key(), key(), field(), value(), vec(key(), 0..4)).prop_map(
        |(kind, key, target, field, value, replaces)| {
            let replaces: Fields = replaces.into_iter().map(|id| (id.to_string(), true.into())).collect();
            let values = fields([
                ("target", text(target)),
                ("field", field.into()),
                ("value", value),
                ("replaces", replaces.into()),
                (AT, TEN.into()),
            ]);
            (kind, Slot { container: "edits".into(), key, fields: values })
        },
    )
}

/// Slots, some of which were said a second time at another moment, or under the same key with another content.
fn all() -> impl Strategy<Value = Vec<(DocumentKind, Slot)>> {
    let again = |(slot, again): ((DocumentKind, Slot), usize)| {
        let mut copy = slot.clone();
        match again {
            0 => copy.1.fields.insert(AT.into(), (TEN - 1).into()),
            1 => copy.1.fields.insert("note".into(), "on the other copy".into()),
            _ => None,
        };
        [slot, copy]
    };
    let pairs = vec((prop_oneof![record(), edit()], 0_usize..6).prop_map(again), 0..40);
    pairs.prop_map(|pairs| pairs.into_iter().flatten().collect())
}

static NAMES: LazyLock<Vec<DocumentName>> = LazyLock::new(|| DocumentKind::ALL.map(name).to_vec());

/// Folds slots that come in batches of so many, each batch split by document.
fn folded(slots: &[(DocumentKind, Slot)], batch: usize) -> Record<'_> {
    let sources = slots.chunks(batch).flat_map(|batch| {
        let of_document = |name: &'static DocumentName| Source {
            name,
            slots: batch.iter().filter(|(kind, _)| *kind == name.kind).map(|(_, slot)| slot),
        };
        NAMES.iter().map(of_document)
    });
    fold(STUDENT, &zone(), sources)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn order_batches_and_repetitions_change_nothing(
        (slots, shuffled) in all().prop_flat_map(|slots| {
            let twice: Vec<_> = slots.iter().chain(&slots).cloned().collect();
            (Just(slots), Just(twice).prop_shuffle())
        }),
        batch in 1_usize..9,
    ) {
        let (one, other) = (folded(&slots, usize::MAX), folded(&shuffled, batch));
        prop_assert_eq!(week_of(&one, &[]), week_of(&other, &[]));
        for entry in one.entries() {
            prop_assert_eq!(one.covers(&entry.id()), other.covers(&entry.id()));
        }
        prop_assert_eq!(one, other);
    }

    #[test]
    fn every_record_and_every_standing_value_is_kept(slots in all()) {
        let record = folded(&slots, usize::MAX);
        for entry in record.entries() {
            for field in ["target", "void", "segments.1.minutes", "state"] {
                prop_assert!(!entry.standing(field).is_empty());
            }
        }
        for conflict in &record.conflicts {
            prop_assert!(conflict.values.len() > 1);
            let standing = record.entry(&conflict.record).unwrap().standing(&conflict.field).len();
            prop_assert_eq!(conflict.replaces().len(), standing);
        }
        // A slot of a known kind is a record or speaks of one, a slot of an unknown kind is listed.
        let unknown = slots.iter().filter(|(_, slot)| slot.container == "moods");
        let known: BTreeSet<SlotKey> = record.newer.iter().map(|newer| SlotKey { twin: None, ..newer.key }).collect();
        prop_assert!(unknown.into_iter().all(|(_, slot)| known.contains(&slot.key)));
    }

    #[test]
    fn resolving_every_conflict_leaves_none(slots in all()) {
        let mut slots = slots;
        let conflicts: Vec<Conflict> = folded(&slots, usize::MAX).conflicts;
        for (n, conflict) in conflicts.iter().enumerate() {
            let kind = DocumentKind::ALL.into_iter().find(|kind| name(*kind).id() == conflict.record.document);
            let replaces: Fields = conflict.replaces().iter().map(|id| (id.to_string(), true.into())).collect();
            let values = fields([
                ("target", text(conflict.record.key)),
                ("field", conflict.field.as_str().into()),
                ("value", conflict.effective.clone().unwrap_or(true.into())),
                ("replaces", replaces.into()),
            ]);
            let key = SlotKey::new(SLP, Ulid::from(1_000 + n as u128));
            slots.push((kind.unwrap(), Slot { container: "edits".into(), key, fields: values }));
        }
        let left = folded(&slots, usize::MAX);
        // Where two records of one document share a key, an edit speaks of both, and may stand beside what only one of them says.
        let alone = |conflict: &&Conflict| {
            let RecordRef { key, document, .. } = conflict.record;
            left.entries().filter(|entry| (entry.id().key, entry.id().document) == (key, document)).count() == 1
        };
        prop_assert_eq!(left.conflicts.iter().find(alone), None);
    }
}

/// A term's worth of everything, in which people disagree.
fn busy_desk() -> Desk {
    let mut desk = Desk::default();
    let (goal, service) = (desk.goal(80_000), desk.service(2, 30));
    desk.assign(goal, SLP);
    for n in 0..12 {
        let by = [SLP, PSY, PARA][n % 3];
        let start = TEN + n as i64 * 25 * MINUTE;
        let session =
            desk.session(by, Some(service), &[("push-in", start, 30), ("pull-out", start + 20 * MINUTE, 15)]);
        let observation = desk.observation(by, goal, start, n as i64);
        desk.slot_mut(observation).fields.insert("session".into(), text(session));
        desk.sign(by, "certify", session);
        let one = desk.edit(by, session, "segments.1.minutes", 20 + n as i64, &[session]);
        desk.edit(by, session, "segments.1.minutes", 40, &[if n % 2 == 0 { session } else { one }]);
        desk.edit(by, goal, "target", 60_000 + n as i64, &[goal]);
        desk.edit(by, session, "void", n % 4 == 0, &[session]);
    }
    desk.missed(service, "2026-10-07", "provider_absent");
    desk
}

#[test]
fn a_hundred_random_orders_with_repetitions_give_one_state() {
    let desk = busy_desk();
    let mut slots: Vec<(DocumentKind, Slot)> = desk
        .documents
        .iter()
        .flat_map(|(name, slots)| slots.iter().map(|slot| (name.kind, slot.clone())))
        .collect();
    let first = slots.clone();
    let expected = folded(&first, usize::MAX);
    assert!(!expected.conflicts.is_empty() && !expected.flags.is_empty());
    slots.extend_from_within(..);
    let mut state: u64 = 1;
    for _ in 0..100 {
        for n in (1..slots.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            slots.swap(n, (state >> 33) as usize % (n + 1));
        }
        let record = folded(&slots, 7);
        assert_eq!(record, expected);
        assert_eq!(week_of(&record, &[]), week_of(&expected, &[]));
    }
}
