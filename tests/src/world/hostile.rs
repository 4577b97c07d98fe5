//! A device whose program means harm. It holds a real key and can sign whatever it likes.

use sync_core::document::change::{Position, encode};
use sync_core::document::founding::containers_of;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::SlotKey;
use sync_core::envelope::{Body, Content, ENVELOPE_VERSION, Envelope, Evidence};
use sync_core::time::Moment;

use super::deeds::{Draft, canary, deed, edit, edit_of, role_of, said, session};
use super::people::{self, ORG, key_of};
use super::tablet::Tablet;
use crate::model::rights::Deed;
use sync_core::random::Random;

/// What an attacker sends: an envelope, and the act in it if it has one that could be read.
#[derive(Debug, Clone)]
pub struct Attack {
    /// What was tried.
    pub what: &'static str,
    /// What is sent.
    pub envelope: Envelope,
    /// What the model is told of it.
    pub draft: Option<Draft>,
}

/// Signs content for a document with a tablet's key.
pub fn signed(tablet: &Tablet, name: &DocumentName, content: Content) -> Envelope {
    let body = Body {
        version: ENVELOPE_VERSION,
        org: ORG,
        document: name.id(),
        device: tablet.device,
        content,
        evidence: Evidence { seen: None, app: "hostile".into() },
    };
    Envelope::sign(&body, tablet.key())
}

/// Returns the change in which a tablet would send a draft, after something was done to its position.
pub fn change_of(tablet: &Tablet, draft: &Draft, alter: impl FnOnce(&mut Position)) -> Option<Vec<u8>> {
    let id = draft.name.id();
    let copy = tablet.store().copy(id).ok()??;
    let mut position =
        Position::next(tablet.device.0, copy.own_tip(), &copy.heads, copy.max_op, Moment(1_760_000_000_000));
    alter(&mut position);
    let containers = containers_of(draft.name.kind, id);
    encode(&containers, &position, &draft.slots).ok().map(|change| change.bytes)
}

/// Makes an attack; none where there is nothing at hand to make it of.
pub fn attack(random: &mut Random, tablet: &Tablet, now: Moment) -> Option<Attack> {
    let mut draft = deed(random, tablet, now)?;
    draft.act.kept = false;
    let name = draft.name.clone();
    let odd = |what, random: &mut Random, draft: Draft, alter: &dyn Fn(&mut Position, u64)| {
        let number = random.number();
        let change = change_of(tablet, &draft, |position| alter(position, number))?;
        let envelope = signed(tablet, &draft.name, Content::Change(change));
        Some(Attack { what, envelope, draft: Some(draft) })
    };
    match random.below(9) {
        0 => odd("a gap in its numbers", random, draft, &|position, n| position.seq += 1 + n % 5),
        1 => odd("a jump of the counter", random, draft, &|position, n| position.start_op += 1 + n % 1_000),
        2 => odd("a dep that nobody has", random, draft, &|position, n| {
            let hash = [(n % 251) as u8; 32];
            position.deps.push(sync_core::document::change::ChangeHash(hash));
        }),
        3 => odd("an old head alone", random, draft, &|position, _| {
            position.deps.truncate(1);
        }),
        4 => odd("another's actor", random, draft, &|position, n| position.actor[0] ^= 1 + (n % 9) as u8),
        5 => {
            let mut change = change_of(tablet, &draft, |_| ())?;
            let at = random.below(change.len());
            change[at] ^= 1 << random.below(8);
            let envelope = signed(tablet, &name, Content::Change(change));
            Some(Attack { what: "a flipped bit", envelope, draft: None })
        }
        6 => {
            let mut slots = draft.slots.clone();
            slots.iter_mut().for_each(|slot| slot.key.member = people::person("cm"));
            let forged = tablet.person != people::person("cm");
            let envelope = signed(tablet, &name, Content::Slots(slots));
            forged.then_some(Attack { what: "another member's slots", envelope, draft: None })
        }
        7 => {
            let key = key_of("nobody's");
            let body = Body {
                version: ENVELOPE_VERSION,
                org: ORG,
                document: name.id(),
                device: tablet.device,
                content: Content::Slots(draft.slots.clone()),
                evidence: Evidence { seen: None, app: "hostile".into() },
            };
            Some(Attack { what: "another's signature", envelope: Envelope::sign(&body, &key), draft: None })
        }
        _ => far_fetched(random, tablet, now),
    }
}

/// Says things that no app would: about what is not there, about another field, in a document that was never given.
fn far_fetched(random: &mut Random, tablet: &Tablet, now: Moment) -> Option<Attack> {
    let (role, place) = role_of(tablet.person);
    let student = *random.pick(&people::STUDENTS)?;
    let mut make;
    let (what, mut draft) = match random.below(3) {
        0 => {
            let name = people::document(DocumentKind::Tally, student, None);
            let nowhere = SlotKey::new(tablet.person, ulid::Ulid::from_bytes(random.id())).to_string();
            let replaces = std::collections::BTreeSet::from([nowhere.clone()]);
            let note = canary(name.id());
            make = super::deeds::Maker::begin(random, tablet, name, now);
            make.record(RecordKind::Edit, edit(&nowhere, "void", true.into(), &replaces, Some(note)));
            ("an edit of nothing", make.draft(Deed::Void { target: nowhere, reasoned: true }))
        }
        1 => {
            let member = people::person(if role == "para" { "asst" } else { "para" });
            let name = people::document(DocumentKind::Own, student, Some(member));
            let note = canary(name.id());
            make = super::deeds::Maker::begin(random, tablet, name, now);
            make.record(RecordKind::Session, session(role, 30, note));
            let mut draft = make.draft(Deed::Log);
            draft.act.claims = Some(place);
            ("a session in another's record", draft)
        }
        _ => {
            let name = people::document(DocumentKind::Plan, student, None);
            let slots = tablet.shown(student, name.id());
            let goals: Vec<_> = slots.iter().filter(|slot| slot.container == "goals").collect();
            let (one, other) = (random.pick(&goals)?.key, random.pick(&goals)?.key);
            if one == other {
                return None;
            }
            let replaces = std::collections::BTreeSet::from([other.to_string()]);
            let note = canary(name.id());
            make = super::deeds::Maker::begin(random, tablet, name, now);
            let target = one.to_string();
            make.record(RecordKind::Edit, edit(&target, "target", 66_000.into(), &replaces, Some(note)));
            let mut draft = make.draft(Deed::Edit { target });
            draft.act.bad = true;
            ("an edit that replaces elsewhere", draft)
        }
    };
    draft.act.kept = false;
    draft.act.slots = draft.slots.iter().map(said).collect();
    if let Some(edit) = draft.slots.first().and_then(edit_of) {
        draft.act.bases = edit.replaces.iter().cloned().chain([edit.target.clone()]).collect();
        draft.act.edit = Some(edit);
    }
    let envelope = signed(tablet, &draft.name, Content::Slots(draft.slots.clone()));
    Some(Attack { what, envelope, draft: Some(draft) })
}
