//! More than one message carries: it goes in several, each within its limit, and none of it stays behind.

use std::collections::BTreeMap;
use std::iter::repeat_n;

use sync_core::document::schema::{NOTE_CHARS_MAX, RecordKind};
use sync_core::exchange::client::outbox::{ENVELOPE_SLOT_BYTES_MAX, Outgoing, REQUEST_SLOT_BYTES_MAX};
use sync_core::exchange::client::state::ActRow;
use sync_core::exchange::codec;
use sync_core::exchange::message::REPLY_BYTES_MAX;
use sync_core::gate::preparse::CHANGE_BYTES_MAX;
use sync_core::ids::ActId;
use tests::model::rights::Deed;
use tests::world::deeds;

use super::{Made, Story, log};

/// Acts of the sizes below: together more than a request or a reply carries.
const ACTS: usize = 110;
/// Sessions of an act, one after the other. The longest note there may be is of 4 KB; the third is more than half an envelope.
const SESSIONS: [usize; 3] = [1, 8, 20];

/// Lets somebody log so much that neither a request nor a reply carries it.
fn log_much(story: &mut Story, device: &str) -> Vec<Made> {
    let logged = (0..ACTS).map(|nth| {
        let canary = deeds::canary(log().id());
        let letters = repeat_n('\u{10348}', NOTE_CHARS_MAX - canary.chars().count());
        let note: String = canary.chars().chain(letters).collect();
        story.make(device, &log(), Deed::Log, |make| {
            for _ in 0..SESSIONS[nth % SESSIONS.len()] {
                make.record(RecordKind::Session, deeds::session(device, 30, note.clone()));
            }
        })
    });
    logged.collect()
}

fn asked(story: &mut Story, device: &str) -> Outgoing {
    let (at, now) = (story.at(device), story.world.clock.now());
    story.world.tablets[at].ask(u64::MAX, now, &|_| false)
}

#[test]
fn more_than_a_request_or_a_reply_carries() {
    let mut story = Story::school();
    let logged = log_much(&mut story, "slp");
    let weigh = |act: &ActRow| act.slots.iter().map(|slot| codec::to_bytes(slot).len()).sum::<usize>();
    let weights: BTreeMap<ActId, usize> =
        story.world.tablets[0].acts().iter().map(|act| (act.act, weigh(act))).collect();
    let all: usize = weights.values().sum();
    assert!(all > REQUEST_SLOT_BYTES_MAX, "{all}");

    let outgoing = asked(&mut story, "slp");
    let mut whole = 0;
    for envelope in &outgoing.request.envelopes {
        let acts = &outgoing.acts[&envelope.hash()];
        let bytes: usize = acts.iter().map(|(_, act)| weights[act]).sum();
        assert!(bytes <= ENVELOPE_SLOT_BYTES_MAX, "{} acts of {bytes} bytes", acts.len());
        whole += bytes;
    }
    let is_sent = |made: &&Made| outgoing.acts.values().any(|acts| acts.contains(&(log().id(), made.act)));
    let next = weights[&logged.iter().find(|made| !is_sent(made)).unwrap().act];
    assert!(whole <= REQUEST_SLOT_BYTES_MAX && whole + next > REQUEST_SLOT_BYTES_MAX, "{whole} of {all}");

    while logged.iter().any(|made| !story.stands(made)) {
        let before = logged.iter().filter(|made| story.stands(made)).count();
        story.sync("slp");
        let after = logged.iter().filter(|made| story.stands(made)).count();
        assert!(after > before, "each exchange carries some");
    }

    let at = story.at("cm");
    let request = story.world.bare_request(at, Vec::new());
    let reply = story.world.ask_server(request).unwrap();
    let bytes = codec::to_bytes(&reply).len();
    assert!(reply.more, "there is more than {bytes} bytes");
    assert!(bytes <= REPLY_BYTES_MAX + CHANGE_BYTES_MAX, "{bytes}");
    assert!(bytes > REPLY_BYTES_MAX - 2 * CHANGE_BYTES_MAX, "and no less than it could carry: {bytes}");
    story.sync("cm");
    let store = story.world.tablets[at].store();
    for made in &logged {
        assert!(made.keys.iter().all(|key| store.record(log().id(), key).unwrap().is_some()));
    }
    story.ends();
}
