//! What can be checked of an envelope before its turn: many are checked side by side.

use crate::document::change::ChangeHash;
use crate::document::container::Containers;
use crate::document::name::DocumentName;
use crate::document::schema;
use crate::document::slot::{ContentHash, Slot};
use crate::envelope::{Content, Envelope, EnvelopeError, Verified};
use crate::exchange::message::Sealed;
use crate::exchange::server::apply::{Contents, containers_in, contents_of};
use crate::exchange::server::index::{DocumentState, Index};
use crate::exchange::server::receipt::content_of;
use crate::gate::apart::{Apart, Misshapen, shape_apart};
use crate::gate::refusal::Refusal;
use crate::gate::shape::{Shaped, Writer, shape_change, shape_slots, slots_in};
use crate::ids::{ActId, DeviceId, DocumentId, PersonId};
use crate::key::Keys;
use crate::kv::KvError;
use crate::roster::Device;
use crate::roster::reading::{Roles, might_read};

/// The code of what is refused because there is no such document for its author, whether or not it exists for others.
pub const NO_SUCH_DOCUMENT: &str = "no_such_document";

/// The code of what was sealed to another server's key, or is damaged.
pub const SEALED_UNREADABLE: &str = "sealed_unreadable";

/// An envelope on which all has been done that needs no turn: its signature and shape are checked.
#[derive(Debug, Clone)]
pub struct Checked {
    pub(super) envelope: Envelope,
    pub(super) hash: ContentHash,
    pub(super) content: Result<Whole, Refused>,
}

/// Who says what, in which document.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    pub(super) verified: Verified,
    pub(super) device: Device,
    pub(super) name: DocumentName,
    pub(super) shaped: Shaped,
    /// What the slots say: a member's keys stand once in an envelope.
    pub(super) contents: Contents,
    /// The acts that travelled with them and are no lists of slots.
    pub(super) misshapen: Vec<Misshapen>,
}

impl Checked {
    /// Returns the hash of the change that the envelope brought, if it brought one that could be read.
    pub fn change(&self) -> Option<ChangeHash> {
        let whole = self.content.as_ref().ok()?;
        whole.shaped.wrapping().map(|wrapping| wrapping.outline.hash)
    }

    /// Returns the device that signed the envelope, as far as that is known.
    pub(crate) fn device(&self) -> Option<DeviceId> {
        match &self.content {
            Ok(whole) => Some(whole.device.id),
            Err(refused) => refused.device,
        }
    }

    /// Returns what the envelope says if all of it is this act, in this document.
    pub(crate) fn only_act(&self, document: DocumentId, act: ActId) -> Option<ContentHash> {
        let whole = self.content.as_ref().ok()?;
        let slots = whole.shaped.slots();
        let all = whole.verified.body().document == document
            && whole.misshapen.is_empty()
            && slots.iter().all(|slot| slot.act() == Some(act));
        all.then(|| content_of(slots.iter().map(Slot::content_hash)))
    }
}

/// Why an envelope has nothing in it that could stand.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) document: DocumentId,
    pub(super) device: Option<DeviceId>,
    pub(super) code: String,
    /// The acts of which each is refused by itself; none where the envelope cannot be looked into.
    pub(super) acts: Vec<Misshapen>,
}

/// Checks all of an envelope that depends on nothing that could change before it is committed: many can be checked side by side.
///
/// # Errors
/// [`KvError`]: the index could not be read.
pub fn check(index: &Index<'_>, keys: Keys<'_>, envelope: Envelope) -> Result<Checked, KvError> {
    check_for(index, keys, envelope, None)
}

/// As [`check`]; `named` is the document's name where something proves that the author was given it: then it need not be known here.
pub(crate) fn check_for(
    index: &Index<'_>,
    keys: Keys<'_>,
    envelope: Envelope,
    named: Option<&DocumentName>,
) -> Result<Checked, KvError> {
    let mut failed = None;
    let mut device = None;
    let verified = envelope.verify(|id| match index.device(id) {
        Ok(known) => {
            device = known;
            keys(&device.as_ref()?.key)
        }
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let hash = verified.as_ref().map_or_else(|_| envelope.hash(), Verified::hash);
    let content = match (verified, device) {
        (Ok(verified), Some(device)) => shape(index, verified, device, named)?,
        (Ok(_), None) => Err(refused(None, None, EnvelopeError::UnknownDevice.code())),
        (Err(error), _) => Err(refused(None, None, error.code())),
    };
    Ok(Checked { envelope, hash, content })
}

/// Returns what becomes of a sealed act that this server cannot open: refused, and kept as evidence as it came.
pub(crate) fn unreadable(sealed: &Sealed) -> Checked {
    let envelope = Envelope { body: sealed.sealed.clone(), signature: [0; 64] };
    let hash = envelope.hash();
    Checked { envelope, hash, content: Err(refused(Some(sealed.document), None, SEALED_UNREADABLE)) }
}

/// Returns whether somebody was given a document, as far as anybody can know.
///
/// What a restore has lost may have given it, and taken it again: by a place that was over before the roster was entered anew, or by a
/// version of the policy that is in force no more. So there everybody counts to whom any version gives it in any place that the student's
/// team has, or had, for them.
pub(crate) fn may_have_been_given(
    index: &Index<'_>,
    person: PersonId,
    name: &DocumentName,
) -> Result<bool, KvError> {
    if index.was_given(person, name.id())? {
        return Ok(true);
    }
    if index.restored()?.is_none() {
        return Ok(false);
    }
    let places = index.grants_of(name.subject, person)?.into_iter();
    let real = places.filter(|grant| grant.to.is_none_or(|to| grant.from <= to));
    let roles: Roles = real.map(|grant| grant.role).filter(|role| role.is_on_teams()).collect();
    Ok(might_read(name, person, &roles))
}

fn refused(document: Option<DocumentId>, device: Option<DeviceId>, code: &str) -> Refused {
    let document = document.unwrap_or(DocumentId([0; 16]));
    Refused { document, device, code: code.to_owned(), acts: Vec::new() }
}

fn shape(
    index: &Index<'_>,
    verified: Verified,
    device: Device,
    named: Option<&DocumentName>,
) -> Result<Result<Whole, Refused>, KvError> {
    let body = verified.body();
    let no = |code: &str| Ok(Err(refused(Some(body.document), Some(device.id), code)));
    let state = index.document(body.document)?;
    let known = state.as_ref().map(|state| (state.name.clone(), state.steps));
    let given = match &known {
        Some((name, _)) if named.is_none() => may_have_been_given(index, device.person, name)?,
        Some(_) | None => named.is_some(),
    };
    // Founded now or when it is decided, a document has the same maps.
    let founded = named.map(|name| (name.clone(), schema::steps(name.kind).len() as u32));
    let (Some((name, steps)), true) = (known.or(founded), given && !index.is_gone(body.document)?) else {
        return no(NO_SUCH_DOCUMENT);
    };
    if name.org != body.org {
        return no(NO_SUCH_DOCUMENT);
    }
    let places = containers_in(body.document, name.kind, steps);
    match shape_content(&body.content, &places, &device) {
        Ok(Apart { shaped: Some(shaped), misshapen }) => {
            let contents = contents_of(shaped.slots());
            look_up_ahead(index, body.document, state.as_ref(), &shaped)?;
            Ok(Ok(Whole { name, verified, device, shaped, contents, misshapen }))
        }
        Ok(Apart { shaped: None, misshapen }) => {
            Ok(Err(Refused { acts: misshapen, ..refused(Some(body.document), Some(device.id), "") }))
        }
        Err(refusal) => no(refusal.code()),
    }
}

/// Looks up what the turn will look up again, beside those of others: then the index has it at hand when the turn comes.
fn look_up_ahead(
    index: &Index<'_>,
    document: DocumentId,
    state: Option<&DocumentState>,
    shaped: &Shaped,
) -> Result<(), KvError> {
    for slot in shaped.slots() {
        if state.is_some_and(|state| state.may_have(&slot.key)) {
            index.slot(document, &slot.key)?;
        }
    }
    if let Some(wrapping) = shaped.wrapping() {
        index.actor(document, &wrapping.outline.actor)?;
        let is_head = |dep: &ChangeHash| state.is_some_and(|state| state.head(dep).is_some());
        for dep in wrapping.outline.deps.iter().filter(|dep| !is_head(dep)) {
            index.change(document, dep)?;
        }
    }
    Ok(())
}

fn shape_content(content: &Content, places: &Containers, device: &Device) -> Result<Apart, Refusal> {
    let shaped = match content {
        Content::Change(bytes) => shape_change(bytes, places, device.person, device.id),
        Content::Slots(slots) => shape_slots(slots.clone(), places, Writer::Member(device.person)),
    };
    // Nearly always all of it is well-formed; only where it is not, the acts are told apart.
    shaped.map(Apart::from).or_else(|_| {
        let slots = match content {
            Content::Change(bytes) => slots_in(bytes, places)?,
            Content::Slots(slots) => slots.clone(),
        };
        shape_apart(slots, places, device.person)
    })
}
