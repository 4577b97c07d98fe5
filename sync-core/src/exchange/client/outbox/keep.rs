//! An act is kept: as it will be shown and sent, and beside that signed and sealed.

use ed25519_dalek::SigningKey;

use super::{OutboxError, evidence};
use crate::document::container::Containers;
use crate::document::name::DocumentName;
use crate::document::schema;
use crate::document::slot::Slot;
use crate::envelope::{Body, Content, ENVELOPE_VERSION, Envelope};
use crate::exchange::client::state::{ActRow, ActState, KeptRow, KeptState, Profile, Tablet, key, put};
use crate::exchange::codec;
use crate::exchange::message::{Cursor, Kept};
use crate::gate::shape::{Writer, shape_slots};
use crate::ids::ActId;
use crate::kv::{KvRead, Overlay, Write};

/// What seals an act when it is kept, so that it can be sent again, or handed in without its person.
#[derive(Clone, Copy)]
pub struct Safe<'a> {
    /// The device's key.
    pub key: &'a SigningKey,
    /// The app's name and version.
    pub app: &'a str,
    /// Seals bytes to the server's key; called once for each act. Its randomness comes from outside.
    pub seal: &'a dyn Fn(&[u8]) -> Vec<u8>,
}

/// Keeps an act. When the writes are done, it is safe on this tablet.
///
/// What no server takes is not kept, so that whoever typed it hears of it there and then, and not after the next exchange.
///
/// An act that is kept already, such as that of a live session finished twice, is kept once. With `safe`, it is kept a second time beside
/// itself, signed and sealed; without, where the server gave no key to seal to, it cannot be sent again once it is let go.
///
/// # Errors
/// [`OutboxError`]; nothing was kept then.
pub fn keep(
    store: &dyn KvRead,
    name: &DocumentName,
    act: ActId,
    slots: Vec<Slot>,
    safe: Option<&Safe<'_>>,
) -> Result<Vec<Write>, OutboxError> {
    let tablet = Tablet(store);
    if tablet.act_number(name.id(), act)?.is_some() {
        return Ok(Vec::new());
    }
    let profile = tablet.profile()?.ok_or(OutboxError::NotPaired)?;
    let places = Containers::of(name.id(), schema::steps(name.kind));
    let (slots, _) = shape_slots(slots, &places, Writer::Member(profile.person))?.into_parts();
    let number = tablet.next_act()?;
    let mut sheet = Overlay::new(store);
    if let Some(safe) = safe {
        let sealed = safe.seal_act(&profile, tablet.cursor()?, name, slots.clone());
        let document = name.id();
        let kept = KeptRow { document, act, number, state: KeptState::Unsent, receipt: None };
        put(&mut sheet, key::kept(&[&document.0, &act.0]), &kept);
        sheet.put(key::sealed(&[&document.0, &act.0]), sealed);
    }
    let row = ActRow { number, act, name: name.clone(), slots, state: ActState::Unsent, receipt: None };
    put(&mut sheet, key::act(Some(number)), &row);
    put(&mut sheet, key::act_number(name.id(), act), &number);
    put(&mut sheet, key::meta("next act"), &(number + 1));
    Ok(sheet.into_writes())
}

impl Safe<'_> {
    fn seal_act(
        &self,
        profile: &Profile,
        cursor: Option<Cursor>,
        name: &DocumentName,
        slots: Vec<Slot>,
    ) -> Vec<u8> {
        let body = Body {
            version: ENVELOPE_VERSION,
            org: profile.org,
            document: name.id(),
            device: profile.device,
            content: Content::Slots(slots),
            evidence: evidence(cursor, self.app),
        };
        let kept = Kept { name: name.clone(), envelope: Envelope::sign(&body, self.key) };
        (self.seal)(&codec::to_bytes(&kept))
    }
}
