//! Envelopes and acts that are none, in requests that are fine: each has a fate with its exact code, and whatever else is in the request,
//! or in the same envelope, is stored.

use sync_core::document::change::{Position, encode};
use sync_core::document::container::Containers;
use sync_core::document::schema;
use sync_core::document::slot::{ACT, AT, Fields, OFFSET, Slot, SlotKey, Value};
use sync_core::envelope::{
    APP_BYTES_MAX, Body, Content, ENVELOPE_BYTES_MAX, ENVELOPE_VERSION, Envelope, Evidence,
};
use sync_core::exchange::codec::{decode, encode as encode_message, to_bytes};
use sync_core::exchange::message::{Fate, Outcome, Reply};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::gate::preparse::CHANGE_BYTES_MAX;
use sync_core::gate::shape::{FIELDS_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX};
use sync_core::ids::{DeviceId, DocumentId, OrgId, PersonId};
use sync_core::time::Moment;
use ulid::Ulid;

use super::super::school::bytes as body_of;
use super::{Beside, CANARY};
use crate::engine::entry_of;

/// What is wrong with one act, what makes it so, and the code that it is refused with.
type Fault = (&'static str, fn(&mut Slot), &'static str);

const FAULTS: &[Fault] = &[
    ("a text that is too long", |slot| set(slot, "note", "a".repeat(TEXT_BYTES_MAX + 1)), "text_too_long"),
    (
        "more text than a record holds",
        |slot| (0..4).for_each(|n| set(slot, &format!("t{n}"), "a".repeat(TEXT_BYTES_MAX))),
        "slot_too_large",
    ),
    (
        "more fields than a record has",
        |slot| (0..=FIELDS_MAX).for_each(|n| set(slot, &format!("f{n}"), "a".into())),
        "too_many_fields",
    ),
    (
        "a field whose name is too long",
        |slot| set(slot, &"n".repeat(NAME_BYTES_MAX + 1), "a".into()),
        "key_too_long",
    ),
    ("a field without a name", |slot| set(slot, "", "a".into()), "nameless_field"),
    ("maps in maps in maps", |slot| nest(slot, 4), "too_deep"),
    ("a container that there is not", |slot| slot.container = "canary7".into(), "unknown_container"),
    ("a container of another kind of document", |slot| slot.container = "goals".into(), "unknown_container"),
    ("another member's key", |slot| slot.key.member = PersonId([3; 16]), "other_member"),
    ("the key of a twin", |slot| slot.key.twin = Some(slot.content_hash()), "server_only"),
    ("a note that only the server writes", |slot| slot.container = "issued".into(), "server_only"),
];

fn set(slot: &mut Slot, field: &str, text: String) {
    slot.fields.insert(field.to_owned(), text.into());
}

fn nest(slot: &mut Slot, levels: usize) {
    let deep = (0..levels).fold(Fields::new(), |inner, _| Fields::from([("m".to_owned(), inner.into())]));
    slot.fields.insert("m".to_owned(), deep.into());
}

/// Draws ids, and speaks as the hostile device.
struct Hand<'a> {
    beside: &'a Beside,
    drawn: u128,
    counter: u64,
}

impl Hand<'_> {
    fn draw(&mut self) -> Ulid {
        self.drawn += 1;
        Ulid::from((77_u128 << 64) + self.drawn)
    }

    /// A session that may stand.
    fn session(&mut self) -> Slot {
        let fields = |pairs: &[(&str, Value)]| -> Fields {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let at = 1_795_183_200_000;
        let segment = fields(&[
            ("mode", "push-in".into()),
            ("place", "general-class".into()),
            ("start", at.into()),
            ("minutes", 30.into()),
        ]);
        let act = self.draw().to_string();
        let fields = fields(&[
            (ACT, act.as_str().into()),
            (AT, at.into()),
            (OFFSET, 0.into()),
            ("role", "slp".into()),
            ("segments", fields(&[("1", segment.into())]).into()),
            ("state", "complete".into()),
        ]);
        let key = SlotKey::new(self.beside.hostile.profile.person, self.draw());
        Slot { container: "sessions".into(), key, fields }
    }

    fn body(&self, content: Content) -> Body {
        let profile = &self.beside.hostile.profile;
        Body {
            version: ENVELOPE_VERSION,
            org: profile.org,
            document: self.beside.log.id(),
            device: profile.device,
            content,
            evidence: Evidence { seen: None, app: "test".into() },
        }
    }

    fn signed(&self, body: &Body) -> Envelope {
        Envelope::sign(body, self.beside.hostile.key())
    }

    fn change(&self, slots: &[Slot]) -> Vec<u8> {
        let log = &self.beside.log;
        let places = Containers::of(log.id(), schema::steps(log.kind));
        let copy = self.beside.hostile.stored().copy(log.id()).unwrap().unwrap();
        let device = self.beside.hostile.profile.device;
        let position = Position::next(device.0, copy.own_tip(), &copy.heads, copy.max_op, Moment(5));
        encode(&places, &position, slots).unwrap().bytes
    }

    /// Sends envelopes, and returns their fates, and the codes of what the log keeps as evidence of what was refused.
    async fn send(&mut self, envelopes: Vec<Envelope>) -> (Vec<Fate>, Vec<String>) {
        let before = self.beside.log_end();
        let mut request = self.beside.hostile.compose().request;
        request.envelopes = envelopes;
        self.counter += 1;
        let request = self.beside.sent("/v1/exchange", 5_000 + self.counter, encode_message(&request));
        let response = self.beside.school.send(request).await;
        let reply: Reply = decode(&body_of(response).await).unwrap();
        let reader = self.beside.school.engine.reader();
        let entries = (before + 1..=self.beside.log_end()).map(|seq| reader.read(seq).unwrap().unwrap());
        let evidence = entries.filter_map(|stored| {
            if let LogEntry::Refused { code, .. } = entry_of(&stored).unwrap() { Some(code) } else { None }
        });
        (reply.fates, evidence.collect())
    }
}

fn code(fate: &Fate) -> &str {
    match &fate.outcome {
        Outcome::Stored => "stored",
        Outcome::Held { .. } => "held",
        Outcome::Refused { code } => code,
    }
}

#[tokio::test]
async fn an_act_that_is_none_is_refused_by_itself() {
    let mut beside = Beside::new().await;
    beside.exchange().await;
    let mut hand = Hand { beside: &beside, drawn: 0, counter: 0 };
    let mut stored = Vec::new();
    for (what, spoil, expected) in FAULTS {
        // As plain slots, and, where such a thing can be written as a change at all, as that.
        for as_change in [false, true] {
            let (before, mut spoiled, after) = (hand.session(), hand.session(), hand.session());
            spoil(&mut spoiled);
            let slots = vec![before.clone(), spoiled.clone(), after.clone()];
            let readable =
                !matches!(*expected, "unknown_container" | "too_deep" | "nameless_field" | "key_too_long");
            let content = match as_change {
                false => Content::Slots(slots),
                true if readable => Content::Change(hand.change(&slots)),
                true => continue,
            };
            let (fates, evidence) = hand.send(vec![hand.signed(&hand.body(content))]).await;
            assert_eq!(evidence, [*expected], "{what}");
            let said: Vec<_> = fates.iter().map(|fate| (fate.act, code(fate))).collect();
            let all = [(before.act(), "stored"), (after.act(), "stored"), (spoiled.act(), *expected)];
            assert_eq!(said, all, "{what}, as a change: {as_change}");
            stored.extend([before.key, after.key]);
        }
    }
    let twice = hand.session();
    let (mut again, good) = (hand.session(), hand.session());
    again.key = twice.key;
    let content = Content::Slots(vec![twice.clone(), again.clone(), good.clone()]);
    let (fates, evidence) = hand.send(vec![hand.signed(&hand.body(content))]).await;
    let said: Vec<_> = fates.iter().map(|fate| (fate.act, code(fate))).collect();
    assert_eq!(said, [(good.act(), "stored"), (twice.act(), "key_twice"), (again.act(), "key_twice")]);
    assert_eq!(evidence, ["key_twice"], "the envelope is kept once for each thing that is wrong in it");
    stored.push(good.key);
    beside.exchange().await;
    for key in stored {
        assert!(beside.ben.has(beside.log.id(), &key), "a colleague has what stood beside it");
    }
}

#[tokio::test]
async fn an_envelope_that_is_none_is_refused_by_itself() {
    let mut beside = Beside::new().await;
    beside.exchange().await;
    let usual = beside.exchange().await;
    let mut hand = Hand { beside: &beside, drawn: 0, counter: 0 };
    let good = hand.session();
    let body = |content| hand.body(content);
    let slots = || Content::Slots(vec![good.clone()]);
    let sign = |body: Body| hand.signed(&body);
    let raw = |bytes: Vec<u8>| Envelope { body: bytes, signature: [7; 64] };
    let written = hand.change(std::slice::from_ref(&good));
    let mut bent = written.clone();
    *bent.last_mut().unwrap() ^= 1;
    let chunk = |kind: u8, rest: usize| {
        let head = [&[0x85, 0x6f, 0x4a, 0x83][..], &written[4..8], &[kind]].concat();
        [head, vec![0; rest]].concat()
    };
    let forged = Envelope { signature: [9; 64], ..sign(body(slots())) };
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[8; 32]);
    let app = Evidence { seen: None, app: CANARY.repeat(APP_BYTES_MAX) };
    let of_another = body(slots());
    let rows: Vec<(&str, Envelope, &str)> = vec![
        ("nothing", raw(Vec::new()), "envelope_unreadable"),
        ("words", raw(CANARY.into()), "envelope_unreadable"),
        (
            "a body with a byte behind it",
            raw([to_bytes(&body(slots())), vec![0]].concat()),
            "envelope_unreadable",
        ),
        ("lists a hundred thousand deep", raw(vec![0x81; 100_000]), "envelope_unreadable"),
        ("more bytes than an envelope has", raw(vec![0; ENVELOPE_BYTES_MAX + 1]), "envelope_too_large"),
        (
            "the next version",
            sign(Body { version: ENVELOPE_VERSION + 1, ..body(slots()) }),
            "unsupported_version",
        ),
        ("an app with a long name", sign(Body { evidence: app, ..body(slots()) }), "envelope_unreadable"),
        (
            "a device that nobody knows",
            sign(Body { device: DeviceId([3; 16]), ..body(slots()) }),
            "unknown_device",
        ),
        ("a signature that is none", forged, "forged_envelope"),
        ("a stranger's signature", Envelope::sign(&of_another, &stranger), "forged_envelope"),
        (
            "a colleague's device",
            sign(Body { device: hand.beside.ben.profile.device, ..body(slots()) }),
            "forged_envelope",
        ),
        (
            "a document that there is not",
            sign(Body { document: DocumentId([3; 16]), ..body(slots()) }),
            "no_such_document",
        ),
        ("another organisation", sign(Body { org: OrgId([3; 16]), ..body(slots()) }), "no_such_document"),
        ("no slots", sign(body(Content::Slots(Vec::new()))), "empty"),
        ("an empty change", sign(body(Content::Change(Vec::new()))), "not_a_change"),
        ("a change of words", sign(body(Content::Change(CANARY.into()))), "not_a_change"),
        (
            "a change that breaks off",
            sign(body(Content::Change(written[..written.len() - 1].into()))),
            "not_a_change",
        ),
        (
            "a change with a byte behind it",
            sign(body(Content::Change([written.as_slice(), &[0]].concat()))),
            "not_a_change",
        ),
        ("a change that was bent", sign(body(Content::Change(bent))), "wrong_checksum"),
        ("a deflated chunk", sign(body(Content::Change(chunk(2, 40)))), "compressed"),
        ("a document", sign(body(Content::Change(chunk(0, 40)))), "not_a_change"),
        ("a chunk of no known kind", sign(body(Content::Change(chunk(9, 40)))), "not_a_change"),
        (
            "more bytes than a change has",
            sign(body(Content::Change(vec![0; CHANGE_BYTES_MAX + 1]))),
            "too_large",
        ),
    ];
    for (what, envelope, expected) in rows {
        let good = hand.session();
        let honest = hand.signed(&hand.body(Content::Slots(vec![good.clone()])));
        let (fates, evidence) = hand.send(vec![envelope.clone(), honest]).await;
        let said: Vec<_> = fates.iter().map(|fate| (fate.envelope, fate.act, code(fate))).collect();
        assert_eq!(said[0], (envelope.hash(), None, expected), "{what}");
        assert_eq!((said[1].1, said[1].2, said.len()), (good.act(), "stored", 2), "{what}");
        assert_eq!(evidence, [expected], "{what}");
    }
    beside.exchange().await;
    assert_eq!(beside.exchange().await, usual);
}
