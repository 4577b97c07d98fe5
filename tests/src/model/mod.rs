//! The reference: what must come of every act, said without any of the code that is being tested.
//!
//! The model knows who made what, what happened in the world, and which entries the server committed. It takes nothing but ids from the
//! core: a record is a container, a key and opaque bytes; who may do what is written out anew in [`rights`], what stands in a field in
//! [`register`]. Whatever the server decides is shown to it entry by entry, and the first decision that it cannot justify ends the run:
//! `standing` is shown what comes to stand, `holds` what is held and decided, `fates` what authors are told.

mod fates;
mod holds;
pub mod register;
pub mod rights;
mod standing;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use sync_core::ids::{ActId, DeviceId, DocumentId, HoldId, PersonId, StudentId};

use rights::{Deed, Place, Rules, Target};
use words::Standing;
pub use words::{Act, Document, Edit, Fate, Grant, Hold, Said, Verdict, Way};

/// A decision of the server that must not have been made, or something that is missing at the end.
pub type Wrong = String;

/// The reference.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The documents.
    pub documents: BTreeMap<DocumentId, Document>,
    /// The places, keyed so that a changed one takes the place of the old.
    pub grants: BTreeMap<Vec<u8>, Grant>,
    /// The devices, and whether they are in use.
    pub devices: BTreeMap<DeviceId, bool>,
    /// The rules that the server was told to go by.
    pub rules: Rules,
    acts: Vec<Act>,
    by_key: BTreeMap<(DocumentId, String), Vec<usize>>,
    standing: BTreeMap<(DocumentId, String), Standing>,
    holds: BTreeMap<HoldId, Hold>,
    held: BTreeMap<(DocumentId, String), BTreeSet<Vec<u8>>>,
    refused: BTreeSet<(DocumentId, ActId)>,
    /// What ever stood, in whatever life of the log, by its bare key and content.
    ever: BTreeSet<(DocumentId, String, Vec<u8>)>,
    /// What has yet to be said again in a new life of a document.
    anew: BTreeMap<(DocumentId, String), Vec<u8>>,
}

fn bare(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}

impl Model {
    /// Remembers an act that was made.
    pub fn made(&mut self, act: Act) {
        let number = self.acts.len();
        for slot in &act.slots {
            self.by_key.entry((act.document, slot.key.clone())).or_default().push(number);
        }
        self.acts.push(act);
    }

    /// Learns that a value of an act cannot be.
    pub fn is_bad(&mut self, act: ActId) {
        self.acts.iter_mut().filter(|made| made.id == act).for_each(|made| made.bad = true);
    }

    /// Remembers what an attacker sent, if it says anything.
    pub fn made_by_attack(&mut self, act: Option<Act>) {
        act.into_iter().for_each(|act| self.made(act));
    }

    /// Is told that the server is what it was when `past` was the model. Who made what stays; a revoked device stays out, and the rules
    /// are those that it was told last.
    pub fn goes_back_to(&mut self, past: Self) {
        let now = std::mem::replace(self, past);
        self.acts = now.acts;
        self.by_key = now.by_key;
        self.devices = now.devices;
        self.rules = now.rules;
        self.ever = now.ever;
    }

    /// Returns how many acts were made.
    pub fn count(&self) -> usize {
        self.acts.len()
    }

    /// Returns as what a person stands on a team on a day.
    pub fn places(&self, person: PersonId, student: StudentId, day: i64) -> BTreeSet<Place> {
        let current = |grant: &&Grant| {
            grant.person == person
                && grant.student == student
                && grant.from <= day
                && grant.to.is_none_or(|to| day <= to)
        };
        self.grants.values().filter(current).map(|grant| grant.place).collect()
    }

    /// Returns whether a person reads a document on a day.
    pub fn reads(&self, person: PersonId, document: DocumentId, day: i64) -> bool {
        self.documents.get(&document).is_some_and(|document| {
            let places = self.places(person, document.student, day);
            rights::reads(self.rules, document.kind, document.member == Some(person), &places)
        })
    }

    fn target(&self, document: DocumentId, key: &str) -> Option<Target> {
        let acts = self.by_key.get(&(document, bare(key).to_owned()))?;
        let act = acts.iter().find_map(|at| self.acts.get(*at))?;
        let container = act.slots.iter().find(|slot| slot.key == bare(key))?.container.clone();
        let discipline = if let Deed::Assign { goal } = &act.deed {
            self.target(document, goal).and_then(|goal| goal.discipline)
        } else {
            act.discipline
        };
        Some(Target { owner: act.author, container, discipline })
    }

    /// Returns why an act may not stand at once, by the name that the author is told: leaving aside whether what it builds on stands.
    fn lacks(&self, act: &Act, day: i64) -> Option<&'static [&'static str]> {
        let document = self.documents.get(&act.document)?;
        let places = self.places(act.author, document.student, day);
        let own = document.member == Some(act.author);
        if !rights::reads(self.rules, document.kind, own, &places) {
            return Some(&["access_ended"]);
        }
        if !self.devices.get(&act.device).copied().unwrap_or_default() {
            return Some(&["device_revoked", "device_lost"]);
        }
        let target = act.deed.target().map(|key| self.target(act.document, key));
        let allowed = rights::may(document.kind, own, &places, act.author, &act.deed, target.as_ref());
        if !allowed || act.claims.is_some_and(|claimed| !places.contains(&claimed)) {
            return Some(&["not_allowed", "proposal"]);
        }
        if act.bad { Some(&["needs_correction"]) } else { None }
    }

    fn candidates(&self, document: DocumentId, key: &str) -> impl Iterator<Item = &Act> {
        let acts = self.by_key.get(&(document, bare(key).to_owned()));
        acts.into_iter().flatten().filter_map(|at| self.acts.get(*at))
    }
}
