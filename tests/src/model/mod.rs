//! The reference: what must come of every act, said without any of the code that is being tested.
//!
//! The model knows who made what, what happened in the world, and which entries the server committed. It takes nothing but ids from the
//! core: a record is a container, a key and opaque bytes; who may do what is written out anew in [`rights`], what stands in a field in
//! [`register`]. Whatever the server decides is shown to it entry by entry, and the first decision that it cannot justify ends the run.

pub mod register;
pub mod rights;
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

    /// Is shown that a document begins a new life without some records.
    pub fn begins_anew(&mut self, document: DocumentId, without: &BTreeSet<String>) {
        let all: Vec<_> = self.standing.keys().filter(|(of, _)| *of == document).cloned().collect();
        for place in all {
            if let Some(standing) = self.standing.remove(&place).filter(|_| !without.contains(&place.1)) {
                self.anew.insert(place, standing.content);
            }
        }
    }

    /// Checks that all of a document was said again in its new life.
    ///
    /// # Errors
    /// The first record that was not.
    pub fn nothing_is_missing(&self) -> Result<(), Wrong> {
        match self.anew.keys().next() {
            Some((document, key)) => Err(format!("{key} of {document} was not said again")),
            None => Ok(()),
        }
    }

    fn ever_stood(&self, document: DocumentId, slot: &Said) -> bool {
        self.ever.contains(&(document, bare(&slot.key).to_owned(), slot.content.clone()))
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

    fn stands(&self, document: DocumentId, key: &str) -> Option<&Standing> {
        self.standing.get(&(document, key.to_owned()))
    }

    /// Returns whether exactly this stands, under its own key or as a twin.
    fn said(&self, document: DocumentId, slot: &Said) -> bool {
        let from = (document, slot.key.clone());
        let mut under =
            self.standing.range(from..).take_while(|((of, key), _)| *of == document && bare(key) == slot.key);
        under.any(|(_, standing)| standing.content == slot.content)
    }

    fn candidates(&self, document: DocumentId, key: &str) -> impl Iterator<Item = &Act> {
        let acts = self.by_key.get(&(document, bare(key).to_owned()));
        acts.into_iter().flatten().filter_map(|at| self.acts.get(*at))
    }

    /// Is shown what came to stand with one entry of the log.
    ///
    /// # Errors
    /// What must not stand.
    pub fn came_to_stand(
        &mut self,
        seq: u64,
        day: i64,
        document: DocumentId,
        slots: &[Said],
        way: &Way,
    ) -> Result<(), Wrong> {
        for slot in slots {
            let place = (document, slot.key.clone());
            if self.standing.contains_key(&place) {
                return Err(format!("{} stands already and came again at {seq}", slot.key));
            }
            let late = !self.candidates(document, &slot.key).any(|act| self.reads(act.author, document, day));
            let standing = Standing { content: slot.content.clone(), seq, late };
            if *way == Way::Renewed && self.anew.remove(&place).as_ref() != Some(&slot.content) {
                return Err(format!("{} is said again at {seq}, and did not stand", slot.key));
            }
            if *way == Way::Again && !self.ever_stood(document, slot) {
                return Err(format!("{} stands again at {seq}, and never stood", slot.key));
            }
            self.standing.insert(place, standing);
            self.ever.insert((document, bare(&slot.key).to_owned(), slot.content.clone()));
        }
        for slot in slots {
            let makes = |act: &&Act| {
                act.slots.iter().any(|made| made.key == bare(&slot.key) && made.content == slot.content)
            };
            let made: Vec<&Act> = self.candidates(document, &slot.key).filter(makes).collect();
            if made.is_empty() {
                return Err(format!("{} stands at {seq}, and nobody made it so", slot.key));
            }
            if *way == Way::Renewed {
                continue;
            }
            let twin = slot.key != bare(&slot.key);
            if twin && (*way == Way::Straight || self.stands(document, bare(&slot.key)).is_none()) {
                return Err(format!("{} stands as a twin of nothing", slot.key));
            }
            if *way == Way::Straight && !made.iter().any(|act| self.lacks(act, day).is_none()) {
                let why: Vec<_> = made.iter().map(|act| (self.lacks(act, day), &act.deed)).collect();
                return Err(format!("{} stands at {seq} in spite of {why:?}", slot.key));
            }
            for base in made.iter().flat_map(|act| &act.bases) {
                if self.stands(document, base).is_none() {
                    return Err(format!("{} stands at {seq} on {base}, which does not", slot.key));
                }
            }
        }
        Ok(())
    }

    /// Is shown a hold that was made, or made again.
    ///
    /// # Errors
    /// A hold of what stands, or of a decided one.
    pub fn was_held(&mut self, hold: Hold) -> Result<(), Wrong> {
        let Hold { id, document, ref slots, .. } = hold;
        if self.holds.get(&id).is_some_and(|hold| hold.verdict != Verdict::Waiting) {
            return Err(format!("the decided hold {id} was held again"));
        }
        if let Some(slot) = slots.iter().find(|slot| self.said(document, slot)) {
            return Err(format!("{} is held, and stands", slot.key));
        }
        if let Some(slot) = slots.iter().find(|slot| hold.recovered && !self.ever_stood(document, slot)) {
            return Err(format!("{} is recovered, and never stood", slot.key));
        }
        for slot in slots {
            let place = (document, slot.key.clone());
            self.held.entry(place).or_default().insert(slot.content.clone());
        }
        self.holds.insert(id, hold);
        Ok(())
    }

    /// Is shown what a hold became.
    ///
    /// # Errors
    /// A second decision, one by somebody without the right, an admission that nobody may have made.
    pub fn was_decided(&mut self, id: HoldId, verdict: Verdict, day: i64) -> Result<(), Wrong> {
        let Some(hold) = self.holds.get(&id).cloned() else { return Err(format!("no hold {id} was made")) };
        if hold.verdict == verdict {
            return Ok(());
        }
        if hold.verdict != Verdict::Waiting {
            return Err(format!("hold {id} was decided twice: {:?}, then {verdict:?}", hold.verdict));
        }
        match &verdict {
            Verdict::Admitted(Some(by)) | Verdict::Closed(Some(by)) => {
                let coordinates = self.coordinates(*by);
                let other = *by != hold.author || self.corrects(&hold, *by);
                if !other || !(self.reads(*by, hold.document, day) || coordinates) {
                    return Err(format!("hold {id} was decided by somebody who may not"));
                }
            }
            Verdict::Admitted(None) => {
                // It came in by itself: then it must have waited for nothing but what it built on, or have stood before.
                for slot in hold.slots.iter().filter(|slot| !self.ever_stood(hold.document, slot)) {
                    let mut acts = self.candidates(hold.document, &slot.key);
                    if !acts.any(|act| act.author == hold.author && self.lacks(act, day).is_none()) {
                        return Err(format!("hold {id} came in by itself, without the right"));
                    }
                }
            }
            Verdict::Waiting | Verdict::Closed(None) => {}
        }
        if matches!(verdict, Verdict::Admitted(_))
            && let Some(slot) = hold.slots.iter().find(|slot| !self.said(hold.document, slot))
        {
            return Err(format!("hold {id} was admitted, and {} does not stand", slot.key));
        }
        self.holds.insert(id, Hold { verdict, ..hold });
        Ok(())
    }

    /// Returns whether somebody may review a hold on a day: who reads the document, is not the author, and is the case manager or has
    /// the right that the act lacked. What its author did for the own record the reviewer would do for the reviewer's own.
    pub fn reviews(&self, person: PersonId, id: HoldId, day: i64) -> bool {
        let Some(hold) = self.holds.get(&id) else { return false };
        let Some(document) = self.documents.get(&hold.document) else { return false };
        if person == hold.author || !self.reads(person, hold.document, day) {
            return false;
        }
        let places = self.places(person, document.student, day);
        if places.contains(&Place::CaseManager) {
            return true;
        }
        let kind = if document.kind == rights::Kind::Own { rights::Kind::Log } else { document.kind };
        let could = |act: &Act| {
            let mut target = act.deed.target().map(|key| self.target(act.document, key));
            if let Some(Some(target)) = &mut target
                && target.owner == hold.author
            {
                target.owner = person;
            }
            rights::may(kind, false, &places, person, &act.deed, target.as_ref())
        };
        let says = |act: &&Act, said: &Said| act.slots.iter().any(|slot| slot == said);
        hold.slots.iter().all(|slot| {
            let mut acts = self.candidates(hold.document, &slot.key);
            acts.any(|act| act.author == hold.author && says(&act, slot) && could(act))
        })
    }

    /// Returns whether a hold is somebody's own correction of a wrong value that the same person has just admitted.
    fn corrects(&self, hold: &Hold, by: PersonId) -> bool {
        let wrong = |key: &String| {
            let mut acts = self.candidates(hold.document, key);
            acts.any(|act| act.bad && act.author != by) && self.stands(hold.document, key).is_some()
        };
        hold.slots.iter().all(|slot| {
            let mut acts = self.candidates(hold.document, &slot.key);
            acts.any(|act| act.edit.is_some() && act.bases.iter().any(wrong))
        })
    }

    fn coordinates(&self, person: PersonId) -> bool {
        self.grants.values().any(|grant| grant.person == person && grant.place == Place::Coordinator)
    }

    /// Is shown the fate that the server gave to an act. `first` is the first place in the log of what was decided with it.
    ///
    /// # Errors
    /// A fate that nothing justifies.
    pub fn was_told(
        &mut self,
        day: i64,
        first: u64,
        document: DocumentId,
        act: ActId,
        fate: &Fate,
    ) -> Result<(), Wrong> {
        let mut why = format!("{act} of nobody");
        let numbers: Vec<usize> = (0..self.acts.len())
            .filter(|at| self.acts[*at].id == act && self.acts[*at].document == document)
            .collect();
        // What an attacker sends need not be an act at all; nobody is missing anything where it is refused.
        if numbers.is_empty() && *fate == Fate::Refused {
            return Ok(());
        }
        for at in numbers {
            match self.judged(day, first, &self.acts[at], fate) {
                Ok(()) => {
                    if *fate == Fate::Refused {
                        self.refused.insert((document, act));
                    }
                    return Ok(());
                }
                Err(wrong) => why = format!("{wrong} ({:?})", self.acts[at].deed),
            }
        }
        Err(format!("{fate:?} is no fate for {why}"))
    }

    fn judged(&self, day: i64, first: u64, act: &Act, fate: &Fate) -> Result<(), Wrong> {
        let (document, lacks) = (act.document, self.lacks(act, day));
        match fate {
            Fate::Stored => match act.slots.iter().find(|slot| !self.said(document, slot)) {
                Some(slot) => Err(format!("{}, which does not stand", slot.key)),
                None => Ok(()),
            },
            Fate::Refused if act.kept && self.ever_given(act) => Err("an honest act".into()),
            Fate::Refused => Ok(()),
            Fate::Held { waiting: false, .. } => Ok(()),
            Fate::Held { reason, .. } => {
                let other = |slot: &Said| {
                    self.stands(document, &slot.key).is_some_and(|stands| stands.content != slot.content)
                };
                let reason = reason.as_str();
                if act.slots.iter().any(other) && reason == "twin" {
                    return Ok(());
                }
                // What is left of an act of which something is held goes the way of that; a resend is answered as it was first.
                let before = |slot: &Said| {
                    let held = self.held.get(&(document, slot.key.clone()));
                    held.is_some_and(|held| held.contains(&slot.content))
                };
                let missing = |base: &&String| {
                    let stands = self.stands(document, base.as_str());
                    stands.is_none_or(|stands| stands.seq >= first)
                };
                let on_top = act.bases.iter().any(|base| missing(&base));
                match lacks {
                    Some(reasons) if reasons.contains(&reason) => Ok(()),
                    None if reason == "on_top" && on_top => Ok(()),
                    // It was held before, for a reason that may have passed since.
                    _ if act.slots.iter().any(before) && self.old_news(act) => Ok(()),
                    // A target that is not known here has no owner and no discipline to go by.
                    Some(_) if reason == "on_top" && on_top => Ok(()),
                    lacks => Err(format!("an act that lacks {lacks:?}, on top: {on_top}")),
                }
            }
        }
    }

    fn old_news(&self, act: &Act) -> bool {
        let same = |hold: &Hold| {
            hold.document == act.document
                && hold.slots.iter().any(|held| act.slots.iter().any(|slot| slot.key == held.key))
        };
        self.holds.values().any(same)
    }

    /// Returns whether the act's document was ever given to its author, by whatever rules.
    fn ever_given(&self, act: &Act) -> bool {
        let Some(document) = self.documents.get(&act.document) else { return false };
        let given = |grant: &Grant| {
            let place = BTreeSet::from([grant.place]);
            grant.person == act.author
                && grant.student == document.student
                && [Rules::First, Rules::Second].into_iter().any(|rules| {
                    rights::reads(rules, document.kind, document.member == Some(act.author), &place)
                })
        };
        self.grants.values().any(given)
    }

    /// Checks that no act is lost: each stands, is held, was refused, or is still on a tablet.
    ///
    /// # Errors
    /// The first that is nowhere.
    pub fn nothing_is_lost(&self, on_tablets: &BTreeSet<(DocumentId, ActId)>) -> Result<(), Wrong> {
        for act in self.acts.iter().filter(|act| act.kept) {
            let place = (act.document, act.id);
            if on_tablets.contains(&place) || self.refused.contains(&place) {
                continue;
            }
            for slot in &act.slots {
                let held = self.held.get(&(act.document, slot.key.clone()));
                if !self.said(act.document, slot) && !held.is_some_and(|held| held.contains(&slot.content)) {
                    return Err(format!("{} of {:?} is nowhere", slot.key, act.deed));
                }
            }
        }
        Ok(())
    }

    /// Checks that the server's document says what the model saw come to stand, and nothing else.
    ///
    /// # Errors
    /// The first difference.
    pub fn document_is(&self, document: DocumentId, slots: &[Said]) -> Result<(), Wrong> {
        let from = (document, String::new());
        let mine = self.standing.range(from..).take_while(|((of, _), _)| *of == document);
        let mine: BTreeMap<&str, &Vec<u8>> =
            mine.map(|((_, key), standing)| (key.as_str(), &standing.content)).collect();
        let theirs: BTreeMap<&str, &Vec<u8>> =
            slots.iter().map(|slot| (slot.key.as_str(), &slot.content)).collect();
        if mine == theirs { Ok(()) } else { Err(format!("{document} says something else than was let in")) }
    }

    /// Returns the values that stand in a field of a record, by their ids.
    pub fn values(&self, document: DocumentId, target: &str, field: &str) -> BTreeMap<String, String> {
        let of = |act: &&Act| {
            act.document == document
                && act.edit.as_ref().is_some_and(|edit| edit.target == target && edit.field == field)
        };
        let mut edits = BTreeMap::new();
        for act in self.acts.iter().filter(of) {
            for (slot, edit) in act.slots.iter().zip(&act.edit) {
                let from = (document, slot.key.clone());
                let under = self
                    .standing
                    .range(from..)
                    .take_while(|((of, key), _)| *of == document && bare(key) == slot.key);
                for ((_, key), standing) in under {
                    if standing.content == slot.content {
                        edits.insert(key.clone(), edit.clone());
                    }
                }
            }
        }
        register::values(target, &edits)
    }

    /// Returns the holds that wait only because the model has seen nobody decide.
    pub fn waiting(&self) -> impl Iterator<Item = (HoldId, PersonId)> {
        let waits = |hold: &&Hold| hold.verdict == Verdict::Waiting;
        self.holds.iter().filter(move |(_, hold)| waits(hold)).map(|(id, hold)| (*id, hold.author))
    }

    /// Returns the verdict on a hold.
    pub fn verdict(&self, id: HoldId) -> Option<&Verdict> {
        self.holds.get(&id).map(|hold| &hold.verdict)
    }

    /// Returns whether all that a hold builds on is here, standing or held.
    pub fn knows_bases(&self, id: HoldId) -> bool {
        let Some(hold) = self.holds.get(&id) else { return false };
        let acts = hold.slots.iter().flat_map(|slot| self.candidates(hold.document, &slot.key));
        acts.flat_map(|act| &act.bases).all(|base| {
            let place = (hold.document, bare(base).to_owned());
            self.stands(hold.document, base).is_some() || self.held.contains_key(&place)
        })
    }

    /// Returns the goals that stand, by document and key.
    pub fn goals(&self) -> Vec<(DocumentId, String)> {
        let goal = |(document, key): &&(DocumentId, String)| {
            self.candidates(*document, key).any(|act| act.discipline.is_some())
        };
        self.standing.keys().filter(goal).cloned().collect()
    }

    /// Returns whether a record that stands came from somebody who could read nothing there that day.
    pub fn came_late(&self, document: DocumentId, key: &str) -> Option<bool> {
        self.stands(document, key).map(|standing| standing.late)
    }

    /// Checks that nothing waits only for what stands.
    ///
    /// # Errors
    /// The first hold that should have come in.
    pub fn nothing_is_stuck(&self, only_on_top: &BTreeSet<HoldId>) -> Result<(), Wrong> {
        for id in only_on_top {
            let Some(hold) = self.holds.get(id).filter(|hold| hold.verdict == Verdict::Waiting) else {
                continue;
            };
            let own: BTreeSet<&String> = hold.slots.iter().map(|slot| &slot.key).collect();
            let acts = hold.slots.iter().flat_map(|slot| self.candidates(hold.document, &slot.key));
            let open = acts
                .flat_map(|act| &act.bases)
                .any(|base| !own.contains(base) && self.stands(hold.document, base).is_none());
            if !open {
                return Err(format!("hold {id} waits for nothing"));
            }
        }
        Ok(())
    }
}
