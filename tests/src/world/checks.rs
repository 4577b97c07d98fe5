//! What must hold: while things go on, and when everybody is at rest.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::document::change::{ChangeHash, outline};
use sync_core::document::copy::slots_of_document;
use sync_core::document::rehearsal::rehearse;
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::Slot;
use sync_core::exchange::client::state::{ActState, Phase};
use sync_core::exchange::codec;
use sync_core::exchange::message::{Entry, HoldReason, HoldState, Reply};
use sync_core::ids::{ActId, DocumentId, HoldId, PersonId};
use sync_core::record::{Source, fold};

use super::clock::zone;
use super::people::STUDENTS;
use super::{World, deeds, records};
use crate::model::{Verdict, Wrong};

/// One seed in so many has its index built again from the log.
const REBUILD_EVERY: u64 = 5;
/// One seed in so many has its documents put together in another order.
const REORDER_EVERY: u64 = 10;
/// One seed in so many has each of its changes rehearsed.
const REHEARSE_EVERY: u64 = 40;

impl World {
    /// Checks that a reply holds nothing that its reader may not read at this moment.
    ///
    /// # Errors
    /// The document from which something went out.
    pub fn is_for(&self, person: PersonId, reply: &Reply) -> Result<(), Wrong> {
        let day = self.clock.day();
        let may = |document: DocumentId| {
            if self.model.reads(person, document, day) {
                Ok(())
            } else {
                Err(format!("something of {document} went to {person}"))
            }
        };
        let mut others = reply.clone();
        others.entries.retain(|entry| !matches!(entry, Entry::Hold(hold) if hold.author == person));
        for entry in &others.entries {
            match entry {
                Entry::Change { document, .. } | Entry::Review { document, .. } => may(*document)?,
                Entry::Begin { name, .. } => may(name.id())?,
                Entry::Hold(hold) => may(hold.name.id())?,
                Entry::End { .. } | Entry::Replace { .. } | Entry::Fact { .. } => {}
            }
        }
        // The entries' own word for it is not enough: every text in a document names it.
        let bytes = codec::encode(&others);
        let text = String::from_utf8_lossy(&bytes);
        for (at, mark) in text.match_indices("canary ") {
            let id = text.get(at + mark.len()..at + mark.len() + 26).and_then(|id| id.parse().ok());
            may(id.ok_or("a canary without a document")?)?;
        }
        Ok(())
    }

    /// Checks that until a restored server is confirmed nothing goes down but fates, and what became of the log.
    ///
    /// # Errors
    /// That something did.
    pub fn nothing_goes_down_unconfirmed(&self, reply: &Reply) -> Result<(), Wrong> {
        let quiet = reply.entries.is_empty() && reply.cursor.is_none() && !reply.listing_wanted;
        if quiet || !self.server.waits() { Ok(()) } else { Err("something went down unconfirmed".into()) }
    }

    /// Checks that the whole copies of a tablet are the server's documents as they were at its cursor.
    ///
    /// # Errors
    /// The first copy that is not.
    pub fn copies_are_the_servers(&self, tablet: usize) -> Result<(), Wrong> {
        let store = self.tablets[tablet].store();
        let cursor = store.cursor().expect("reads");
        // Of a log that is lost nobody can say any more what it was.
        if cursor.is_some_and(|cursor| !self.server.knows(&cursor)) {
            return Ok(());
        }
        let cursor = cursor.map_or(0, |cursor| cursor.seq);
        let ended: BTreeSet<DocumentId> =
            store.to_purge().expect("reads").into_iter().map(|(document, _)| document).collect();
        for copy in store.copies().expect("reads") {
            let id = copy.name.id();
            // What has ended here is told no more, and a copy whose reader's right ended and began anew is at that end.
            if copy.phase != Phase::Whole || ended.contains(&id) || !self.is_told(tablet, id, cursor) {
                continue;
            }
            let until = cursor.max(copy.last);
            let index = self.server.index();
            let state = index.document(id).expect("reads").expect("a document");
            if state.renewed > until {
                continue;
            }
            let (mut heads, mut slots): (BTreeSet<ChangeHash>, BTreeMap<_, _>) = Default::default();
            for (seq, change) in self.server.changes(id).into_iter().filter(|(seq, _)| *seq <= until) {
                let outline = outline(&change).expect("a stored change");
                heads.retain(|head| !outline.deps.contains(head));
                heads.insert(outline.hash);
                if seq > 0 {
                    slots.extend(self.slots_of(id, &change).into_iter().map(named));
                }
            }
            let mine: BTreeSet<ChangeHash> = copy.heads.iter().copied().collect();
            if mine != heads || copy.heads.len() != heads.len() {
                return Err(format!("tablet {tablet} has other heads of {id} at {until} than the server"));
            }
            let shown: BTreeMap<_, _> = store.slots(id).expect("reads").into_iter().map(named).collect();
            if shown != slots {
                return Err(format!("tablet {tablet} has other records of {id} at {until} than the server"));
            }
        }
        Ok(())
    }

    /// Of each document, the index has the places of its changes as the log has them, of each head what the head's own row has, and the
    /// newest of its records.
    fn documents_are_the_logs(&self) -> Result<(), Wrong> {
        let index = self.server.index();
        for state in index.all_documents().expect("reads") {
            let id = state.name.id();
            if index.is_gone(id).expect("reads") {
                continue;
            }
            let places = index.changes(id, state.renewed, u64::MAX - 1, usize::MAX).expect("reads");
            let changes: Vec<_> = self.server.changes(id).into_iter().filter(|(seq, _)| *seq > 0).collect();
            let stored: Vec<u64> = changes.iter().map(|(seq, _)| *seq).collect();
            if places != stored {
                return Err(format!("the index has other places of {id} than the log"));
            }
            let said: Vec<_> = changes.iter().map(|(_, change)| self.slots_of(id, change)).collect();
            let newest =
                said.iter().flat_map(|slots: &Vec<Slot>| records(slots)).map(|slot| slot.key.record.0).max();
            if newest.unwrap_or_default() != state.newest {
                return Err(format!("the index has another newest record of {id} than the log"));
            }
            for head in &state.heads {
                let row = index.change(id, &head.hash).expect("reads");
                if row.is_none_or(|row| (row.max_op, row.step) != (head.max_op, head.step)) {
                    return Err(format!("the index has a head of {id} otherwise than its row"));
                }
            }
        }
        Ok(())
    }

    /// Returns whether the server's reply up to a cursor told all of a document: whether its last beginning lies behind that.
    fn is_told(&self, tablet: usize, document: DocumentId, cursor: u64) -> bool {
        let person = self.tablets[tablet].person;
        let reading = self.server.index().reading(person, document).expect("reads");
        reading.is_some_and(|reading| reading.ended.is_none() && reading.begun <= cursor)
    }

    /// Checks everything that must hold at rest.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn check_all(&self, seed: u64) -> Result<(), Wrong> {
        self.everybody_rests()?;
        self.documents_are_the_logs()?;
        let mut on_tablets: BTreeSet<(DocumentId, ActId)> = BTreeSet::new();
        for (at, tablet) in self.tablets.iter().enumerate() {
            self.copies_are_the_servers(at)?;
            let unsent = tablet.acts().into_iter().filter(|act| act.state == ActState::Unsent);
            on_tablets.extend(unsent.map(|act| (act.name.id(), act.act)));
            // A folder that was set back to where no tablet had seen more is found out by nobody; what was receipted since is still there.
            if self.is_set_back() {
                let kept = tablet.store().kept().expect("reads");
                on_tablets.extend(kept.into_iter().map(|kept| (kept.document, kept.act)));
            }
        }
        self.model.nothing_is_lost(&on_tablets)?;
        let waiting = self.server.index().all_waiting().expect("reads");
        let only_on_top = waiting.iter().filter(|hold| hold.only_on_top).map(|hold| hold.id).collect();
        self.model.nothing_is_stuck(&only_on_top)?;
        self.records_agree()?;
        self.model.nothing_is_missing()?;
        if seed.is_multiple_of(REBUILD_EVERY) && self.server.rebuilt() != self.server.index {
            return Err("the index that is built from the log is another one".into());
        }
        let documents: Vec<DocumentId> = self.model.documents.keys().copied().collect();
        for document in documents {
            let changes = self.server.changes(document);
            let said: Vec<_> = changes
                .iter()
                .filter(|(seq, _)| *seq > 0)
                .flat_map(|(_, change)| {
                    records(&self.slots_of(document, change)).map(deeds::said).collect::<Vec<_>>()
                })
                .collect();
            self.model.document_is(document, &said)?;
            if seed.is_multiple_of(REORDER_EVERY) {
                self.order_does_not_matter(document)?;
            }
            if seed.is_multiple_of(REHEARSE_EVERY) {
                for at in 1..changes.len() {
                    let before = changes[..at].iter().map(|(_, change)| change.as_slice());
                    rehearse(before, &changes[at].1)
                        .map_err(|error| format!("a change of {document} fails its rehearsal: {error}"))?;
                }
            }
        }
        Ok(())
    }

    fn everybody_rests(&self) -> Result<(), Wrong> {
        for (at, tablet) in self.tablets.iter().enumerate() {
            if !self.is_active(at) {
                if tablet.store().unsent().expect("reads") > 0
                    || tablet.store().is_giving_back().expect("reads")
                {
                    return Err(format!("tablet {at} may hand in, and did not"));
                }
                continue;
            }
            if !tablet.is_at_rest() {
                return Err(format!("tablet {at} does not come to rest"));
            }
            for act in tablet.acts() {
                match &act.state {
                    ActState::Unsent | ActState::Stored => {
                        return Err(format!("tablet {at} does not let go of {}", act.act));
                    }
                    ActState::Held(hold) if self.model.verdict(*hold) != Some(&Verdict::Waiting) => {
                        return Err(format!("tablet {at} does not let go of {}, which is decided", act.act));
                    }
                    ActState::Held(_) | ActState::Refused(_) => {}
                }
            }
            let copies: BTreeSet<DocumentId> =
                tablet.store().copies().expect("reads").into_iter().map(|copy| copy.name.id()).collect();
            let reads: BTreeSet<DocumentId> = self
                .model
                .documents
                .keys()
                .filter(|document| self.model.reads(tablet.person, **document, self.clock.day()))
                .copied()
                .collect();
            if copies != reads {
                return Err(format!("tablet {at} has other documents than its person may read"));
            }
            self.holds_are_known(at)?;
        }
        Ok(())
    }

    /// Checks that a tablet knows its person's own holds as they are, and exactly those of others that she may review.
    fn holds_are_known(&self, at: usize) -> Result<(), Wrong> {
        let (tablet, index) = (&self.tablets[at], self.server.index());
        let known: BTreeMap<HoldId, HoldState> =
            tablet.store().holds().expect("reads").into_iter().map(|hold| (hold.id, hold.state)).collect();
        for (id, state) in &known {
            let hold = index.hold(*id).expect("reads").ok_or("a hold that the server does not know")?;
            if hold.state != *state {
                return Err(format!(
                    "tablet {at} thinks that hold {id} of {} ({:?}, {:?}) is {state:?}, and it is {:?}",
                    hold.act,
                    hold.reason,
                    hold.slots.first().map(|slot| &slot.container),
                    hold.state
                ));
            }
        }
        for hold in index.all_waiting().expect("reads") {
            let reviews = self.model.reviews(tablet.person, hold.id, self.clock.day());
            let mine = hold.author == tablet.person;
            // What builds on something that nobody knows is its author's alone, whatever else it lacks.
            // What was recovered is the coordinators' to decide, who have no tablet for it.
            let of_the_team = hold.reason != HoldReason::Recovered;
            let wanted = mine || (reviews && of_the_team && self.model.knows_bases(hold.id));
            if wanted && !known.contains_key(&hold.id) {
                return Err(format!(
                    "tablet {at} does not know of hold {} of {}, {:?}",
                    hold.id, hold.act, hold.reason
                ));
            }
            if !wanted && known.contains_key(&hold.id) {
                return Err(format!(
                    "tablet {at} still has hold {} of {}, {:?}",
                    hold.id, hold.act, hold.reason
                ));
            }
        }
        Ok(())
    }

    /// Checks the fold's standing values of every goal's target against the model's.
    fn records_agree(&self) -> Result<(), Wrong> {
        let index = self.server.index();
        for student in STUDENTS {
            let documents = index.documents(student).expect("reads");
            let slots: Vec<Vec<Slot>> = documents
                .iter()
                .map(|document| {
                    let changes = self.server.changes(document.name.id()).into_iter().skip(1);
                    changes.flat_map(|(_, change)| self.slots_of(document.name.id(), &change)).collect()
                })
                .collect();
            let sources =
                documents.iter().zip(&slots).map(|(document, slots)| Source { name: &document.name, slots });
            let record = fold(student, &zone(), sources);
            for (document, key) in self.model.goals() {
                let Some(entry) = key.parse().ok().and_then(|key| record.stands_in(document, key)) else {
                    continue;
                };
                if entry.id().kind != RecordKind::Goal {
                    continue;
                }
                for field in ["target", "void"] {
                    let fold: BTreeSet<String> =
                        entry.standing(field).iter().map(|said| said.id.to_string()).collect();
                    let mine: BTreeSet<String> =
                        self.model.values(document, &key, field).into_keys().collect();
                    if fold != mine {
                        return Err(format!("{field} of {key} stands as {fold:?} here, as {mine:?} there"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks that a document says the same whichever of its orders its changes come in.
    fn order_does_not_matter(&self, document: DocumentId) -> Result<(), Wrong> {
        let changes = self.server.changes(document);
        let mut rest: Vec<(ChangeHash, Vec<ChangeHash>, &[u8])> = changes
            .iter()
            .map(|(_, change)| {
                let outline = outline(change).expect("a stored change");
                (outline.hash, outline.deps, change.as_slice())
            })
            .collect();
        // The latest first, as far as what it builds on is there.
        let (mut done, mut order): (BTreeSet<ChangeHash>, Vec<&[u8]>) = Default::default();
        while !rest.is_empty() {
            let next = rest.iter().rposition(|(_, deps, _)| deps.iter().all(|dep| done.contains(dep)));
            let (hash, _, change) = rest.remove(next.ok_or("a change builds on nothing that is there")?);
            done.insert(hash);
            order.push(change);
        }
        let opened = |order: Vec<&[u8]>| {
            let saved = sync_core::document::copy::snapshot(order.into_iter());
            saved.and_then(|saved| slots_of_document(document, &saved)).map_err(|error| error.to_string())
        };
        let (one, other) =
            (opened(changes.iter().map(|(_, change)| change.as_slice()).collect())?, opened(order)?);
        let mut logged: Vec<Slot> =
            changes.iter().skip(1).flat_map(|(_, change)| self.slots_of(document, change)).collect();
        logged.sort_by(|one, other| {
            (&one.container, one.key.to_string()).cmp(&(&other.container, other.key.to_string()))
        });
        if one == other && one.slots == logged {
            Ok(())
        } else {
            Err(format!("{document} depends on the order"))
        }
    }
}

fn named(slot: Slot) -> ((String, String), Slot) {
    ((slot.container.clone(), slot.key.to_string()), slot)
}
