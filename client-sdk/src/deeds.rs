//! From what a person does to acts in the outbox.
//!
//! A [`Desk`] lies over one state of the store. Each deed made on it is checked as the server would, put into its document, and kept as
//! an act with a fate of its own; later deeds on the same desk see the earlier ones. What is on the desk when it is cleared goes to the
//! store in one transaction.

use std::collections::BTreeSet;

use sync_core::document::deed::Deed;
use sync_core::document::deed::act::{Act, Author, Stamp, act};
use sync_core::document::deed::expect::{Cause, Expectation, Found, expect};
use sync_core::document::deed::home::{Home, Standpoint, document_for};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::{OFFSET_MAX, RecordKind};
use sync_core::document::slot::{Fields, Slot, SlotKey, Value};
use sync_core::exchange::client::outbox;
use sync_core::exchange::client::state::{ActRow, ActState, Tablet};
use sync_core::gate::policy::{Lack, Place};
use sync_core::ids::{ActId, DocumentId, StudentId};
use sync_core::kv::{KvError, Overlay, Write};
use sync_core::record::{Record, Source, fold};
use sync_core::roster::reading::Roles;
use sync_core::roster::role::Role;
use sync_core::time::Moment;
use ulid::Ulid;

use crate::chance::{Chance, draw_id};
use crate::local::Local;
use crate::roster::Roster;
use crate::sealer::Sealer;
use crate::store::State;
use crate::trouble::Trouble;

/// Whether the tablet checks by itself what the server will check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalPolicy {
    /// It does: what would not be allowed is not made.
    Kind,
    /// It does not, so that the server's own check can be seen.
    Skipped,
}

/// Where deeds are made.
pub struct Desk<'a> {
    sheet: Overlay<'a>,
    /// What is known of people, students and terms.
    pub roster: Roster,
    /// The tablet's time.
    pub now: Moment,
    policy: LocalPolicy,
    /// Whether what is made corrects own work that waits for review: it may wait as that does.
    corrects: bool,
    /// Whether this device's access has ended: nothing new is made then.
    ended: bool,
    /// What seals each act; none on a desk that only tries something out.
    sealer: Option<Sealer>,
}

/// A record, and where it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The document.
    pub name: DocumentName,
    /// The record as it was made.
    pub slot: Slot,
    /// Whether it stands or is on its way; false where it waits for review or was refused.
    pub stands: bool,
}

impl<'a> Desk<'a> {
    /// Lays a desk over a state, to look or to try something out. What is made to be kept is made on one that [seals](Self::sealing).
    ///
    /// # Errors
    /// [`Trouble::NotPaired`], or the store's.
    pub fn over(state: &'a State<'a>, now: Moment, policy: LocalPolicy) -> Result<Self, Trouble> {
        let ended = Local(state).ended()?.is_some();
        Ok(Self {
            sheet: Overlay::new(state),
            roster: Roster::read(state)?,
            now,
            policy,
            corrects: false,
            ended,
            sealer: None,
        })
    }

    /// Has each act sealed to the server's key when it is kept.
    ///
    /// # Errors
    /// [`Trouble::Chance`], or the store's.
    pub fn sealing(mut self, local: &Local<'_>, chance: &mut dyn Chance) -> Result<Self, Trouble> {
        self.sealer = Sealer::drawn(local, chance)?;
        Ok(self)
    }

    /// Lays a desk for the engine, which finishes what was begun, whatever has ended since.
    pub(crate) fn of_engine(state: &'a State<'a>, now: Moment) -> Result<Self, Trouble> {
        let roster = Roster::read(state)?;
        Ok(Self {
            sheet: Overlay::new(state),
            roster,
            now,
            policy: LocalPolicy::Skipped,
            corrects: false,
            ended: false,
            sealer: None,
        })
    }

    /// Lets what is made from now on wait for review, where it corrects own work that does.
    ///
    /// # Errors
    /// The store's.
    pub fn correct(&mut self, record: SlotKey) -> Result<(), Trouble> {
        let about = |slot: &Slot| {
            slot.key == record || slot.leaf("target").and_then(Value::as_text) == Some(&record.to_string())
        };
        let tablet = self.tablet();
        let held = |act: &ActRow| matches!(act.state, ActState::Held(_)) && act.slots.iter().any(about);
        self.corrects = tablet.acts()?.iter().any(held);
        Ok(())
    }

    /// Returns what is to be written.
    pub fn clear(self) -> Vec<Write> {
        self.sheet.into_writes()
    }

    /// Reads the tablet's tables, with what was made here.
    pub fn tablet(&self) -> Tablet<'_> {
        Tablet(&self.sheet)
    }

    /// Adds writes that are no deed's.
    pub fn add(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Put(key, value) => self.sheet.put(key, value),
                Write::Delete(key) => self.sheet.delete(key),
            }
        }
    }

    /// Makes a deed with drawn ids, and returns the keys of its records.
    ///
    /// # Errors
    /// [`Trouble`]; nothing was made then.
    pub fn make(
        &mut self,
        student: StudentId,
        deed: &Deed,
        chance: &mut dyn Chance,
    ) -> Result<Vec<SlotKey>, Trouble> {
        let mut ids = Vec::new();
        for _ in 0..deed.records() {
            ids.push(draw_id(chance, self.now)?);
        }
        let id = ActId::from(draw_id(chance, self.now)?);
        self.make_with(student, deed, &mut ids.into_iter(), id)
    }

    /// Makes a deed with ids that were drawn before. Made twice, it is one act.
    ///
    /// # Errors
    /// [`Trouble`]; nothing was made then.
    pub fn make_with(
        &mut self,
        student: StudentId,
        deed: &Deed,
        ids: &mut dyn Iterator<Item = Ulid>,
        id: ActId,
    ) -> Result<Vec<SlotKey>, Trouble> {
        if self.ended {
            return Err(Trouble::DeviceEnded);
        }
        let mut roles = self.roster.roles_on(student, self.roster.today(self.now));
        if roles.is_empty() {
            if self.policy == LocalPolicy::Kind && !self.corrects {
                return Err(self.no_place(student)?);
            }
            roles = self.former_roles(student);
        }
        self.make_as(student, deed, ids, id, &roles)
    }

    /// Makes a deed as somebody with these roles: those of when it was begun.
    ///
    /// # Errors
    /// [`Trouble`]; nothing was made then.
    pub fn make_as(
        &mut self,
        student: StudentId,
        deed: &Deed,
        ids: &mut dyn Iterator<Item = Ulid>,
        id: ActId,
        roles: &Roles,
    ) -> Result<Vec<SlotKey>, Trouble> {
        if self.ended {
            return Err(Trouble::DeviceEnded);
        }
        let member = self.roster.profile.person;
        let author = Author::on_team(member, roles).unwrap_or(Author { member, role: Role::Para });
        let name = self.home_of(student, deed, roles)?;
        let offset_ms = self.tablet().server()?.map_or(0, |server| server.offset_ms);
        let stamp = Stamp { at: self.now, offset_ms: offset_ms.clamp(-OFFSET_MAX, OFFSET_MAX) };
        let made = act(deed, name.id(), &author, stamp, ids, id)?;
        if self.policy == LocalPolicy::Kind {
            self.allow(student, roles, &name, &made)?;
        }
        let keys = made.slots.iter().map(|slot| slot.key).collect();
        let sheet = &self.sheet;
        let writes = match &mut self.sealer {
            Some(sealer) => {
                sealer.keeping(|safe| outbox::keep(sheet, &name, made.id, made.slots, Some(safe)))?
            }
            None => outbox::keep(sheet, &name, made.id, made.slots, None)?,
        };
        self.add(writes);
        Ok(keys)
    }

    /// A student who is unknown and one who may not be seen look alike; one who was the person's own once does not.
    fn no_place(&self, student: StudentId) -> Result<Trouble, Trouble> {
        let had = self.roster.ended_by(student, self.roster.today(self.now))
            || self.tablet().acts()?.iter().any(|act| act.name.subject == student);
        Ok(if had { Trouble::AccessEnded } else { Trouble::unknown("student") })
    }

    /// Without a place on this team today, the record still says in which role it was made: one that the person had here, or has
    /// elsewhere.
    pub fn former_roles(&self, student: StudentId) -> Roles {
        let grants = self.roster.grants.iter().filter(|grant| grant.role.is_on_teams());
        let here: Roles =
            grants.clone().filter(|grant| grant.student == student).map(|grant| grant.role).collect();
        if here.is_empty() { grants.map(|grant| grant.role).take(1).collect() } else { here }
    }

    fn home_of(&self, student: StudentId, deed: &Deed, roles: &Roles) -> Result<DocumentName, Trouble> {
        let given: Vec<DocumentName> = self.tablet().copies()?.into_iter().map(|copy| copy.name).collect();
        let from = Standpoint {
            org: self.roster.profile.org,
            student,
            member: self.roster.profile.person,
            policy: self.roster.policy,
            roles,
            calendar: &self.roster.calendar,
            zone: &self.roster.zone,
            today: self.roster.today(self.now),
            given: &given,
        };
        match document_for(deed, &from) {
            Home::Document(name) => Ok(name),
            Home::Beside(key) => {
                let standing = self.standing(key)?.or_else(|| self.unread_goal(key));
                standing.map(|record| record.name).ok_or_else(|| Trouble::unknown("record"))
            }
            Home::Nowhere if self.policy == LocalPolicy::Kind => Err(self.not_allowed(student, None)),
            // As somebody whose place has it would.
            Home::Nowhere => {
                let everywhere = Roles::from([Role::Cm]);
                match document_for(deed, &Standpoint { roles: &everywhere, ..from }) {
                    Home::Document(name) => Ok(name),
                    Home::Beside(_) | Home::Nowhere => Err(self.not_allowed(student, None)),
                }
            }
        }
    }

    fn not_allowed(&self, student: StudentId, cause: Option<&Cause>) -> Trouble {
        let message = cause.map_or_else(|| "your role cannot do this".to_owned(), |cause| cause.to_string());
        Trouble::NotAllowed { message, help: self.roster.who_can_help(student) }
    }

    /// Refuses what would not be allowed. What is proposed, late in the year or on top of held work may wait for review.
    fn allow(
        &self,
        student: StudentId,
        roles: &Roles,
        name: &DocumentName,
        made: &Act,
    ) -> Result<(), Trouble> {
        match self.expectation(roles, name, made)? {
            Expectation::Allowed
            | Expectation::Held(Cause::OnTop | Cause::Lack(Lack::Proposal | Lack::ClosedYear)) => Ok(()),
            Expectation::Held(Cause::Fault(fault)) => Err(fault.into()),
            Expectation::Held(Cause::AccessEnded | Cause::Lack(Lack::NotAllowed | Lack::NoPolicy))
                if self.corrects =>
            {
                Ok(())
            }
            Expectation::Held(
                cause @ (Cause::AccessEnded | Cause::Lack(Lack::NotAllowed | Lack::NoPolicy)),
            ) => Err(self.not_allowed(student, Some(&cause))),
        }
    }

    fn expectation(&self, roles: &Roles, name: &DocumentName, made: &Act) -> Result<Expectation, KvError> {
        expectation(&self.tablet(), &self.roster, self.now, roles, name, made)
    }

    /// Finds a record by its key, in whatever document: in a copy, or in an own act.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn standing(&self, key: SlotKey) -> Result<Option<Standing>, KvError> {
        let tablet = self.tablet();
        for copy in tablet.copies()? {
            if let Some(slot) = tablet.record(copy.name.id(), &key)? {
                return Ok(Some(Standing { name: copy.name, slot, stands: true }));
            }
        }
        let made = tablet.acts()?.into_iter().find_map(|act| {
            let slot = act.slots.into_iter().find(|slot| slot.key == key)?;
            let stands = matches!(act.state, ActState::Unsent | ActState::Stored);
            Some(Standing { name: act.name, slot, stands })
        });
        if made.is_some() {
            return Ok(made);
        }
        // Others' held work, as far as this person may review it.
        let held = tablet.holds()?.into_iter().find_map(|hold| {
            let slot = hold.slots.into_iter().find(|slot| slot.key == key)?;
            Some(Standing { name: hold.name, slot, stands: false })
        });
        Ok(held)
    }

    /// Without the tablet's own check, says where a goal would stand that this member cannot read, so that the server's check can be
    /// seen: in the plan of the student on whose card it is, or else of the first on the caseload.
    pub fn unread_goal(&self, key: SlotKey) -> Option<Standing> {
        if self.policy == LocalPolicy::Kind {
            return None;
        }
        let on_card = self.roster.cards.iter().find(|(_, card)| card.goals.iter().any(|goal| goal.id == key));
        let student = on_card.map(|(student, _)| *student).or(self.roster.students.keys().next().copied())?;
        let name = DocumentName {
            org: self.roster.profile.org,
            kind: DocumentKind::Plan,
            subject: student,
            period: self.roster.calendar.year_of(self.roster.today(self.now)),
            member: None,
        };
        let container = RecordKind::Goal.container().to_owned();
        Some(Standing { name, slot: Slot { container, key, fields: Fields::new() }, stands: true })
    }

    /// Folds a student's record out of everything that is here, and looks at it.
    ///
    /// # Errors
    /// What `look` says, or the store's.
    pub fn with_record<T>(
        &self,
        student: StudentId,
        look: impl FnOnce(&Record<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let shown = self.tablet().shown(student)?;
        let sources = shown.iter().map(|document| Source { name: &document.name, slots: &document.slots });
        look(&fold(student, &self.roster.zone, sources))
    }

    /// Returns the ids of the standing values of a record's field, which an edit made now replaces.
    ///
    /// # Errors
    /// The store's.
    pub fn replaced(&self, standing: &Standing, field: &str) -> Result<BTreeSet<SlotKey>, Trouble> {
        if !standing.stands {
            // Of held work, the edits on top of it that are held as well.
            let first = Some(standing.slot.key);
            return Ok(self.said_by_acts(standing, field, first, |_| true)?);
        }
        if self.corrects {
            // What is corrected is the own value that waits, and not the one that stands: that is for the reviewer to see.
            let waits = |state: &ActState| matches!(state, ActState::Held(_) | ActState::Unsent);
            let waiting = self.said_by_acts(standing, field, None, waits)?;
            if !waiting.is_empty() {
                return Ok(waiting);
            }
        }
        self.with_record(standing.name.subject, |record| {
            let entry = record.stands_in(standing.name.id(), standing.slot.key);
            let said = entry.map(|entry| entry.standing(field).iter().map(|said| said.id).collect());
            Ok(said.unwrap_or_else(|| BTreeSet::from([standing.slot.key])))
        })
    }

    /// Returns the values of a field that own acts have made of it, but for those that another one of them replaces.
    fn said_by_acts(
        &self,
        standing: &Standing,
        field: &str,
        first: Option<SlotKey>,
        counts: impl Fn(&ActState) -> bool,
    ) -> Result<BTreeSet<SlotKey>, KvError> {
        let target = standing.slot.key.to_string();
        let text =
            |slot: &Slot, path: &str| slot.leaf(path).and_then(|value| value.as_text().map(str::to_owned));
        let acts = self.tablet().acts()?.into_iter();
        let edits: Vec<Slot> = acts
            .filter(|act| act.name == standing.name && counts(&act.state))
            .flat_map(|act| act.slots)
            .filter(|slot| text(slot, "target").as_deref() == Some(target.as_str()))
            .filter(|slot| text(slot, "field").as_deref() == Some(field))
            .collect();
        let gone: BTreeSet<SlotKey> = edits
            .iter()
            .filter_map(|slot| slot.leaf("replaces")?.as_map())
            .flat_map(|map| map.keys().filter_map(|key| key.parse().ok()))
            .collect();
        let all = first.into_iter().chain(edits.iter().map(|slot| slot.key));
        Ok(all.filter(|key| !gone.contains(key)).collect())
    }
}

/// Returns what the server is expected to say of an act that is kept.
///
/// # Errors
/// [`KvError`].
pub fn expected_of(
    tablet: &Tablet<'_>,
    roster: &Roster,
    now: Moment,
    row: &ActRow,
) -> Result<Expectation, KvError> {
    let roles = roster.roles_on(row.name.subject, roster.today(now));
    let made = Act { id: row.act, document: row.name.id(), slots: row.slots.clone() };
    expectation(tablet, roster, now, &roles, &row.name, &made)
}

fn expectation(
    tablet: &Tablet<'_>,
    roster: &Roster,
    now: Moment,
    roles: &Roles,
    name: &DocumentName,
    made: &Act,
) -> Result<Expectation, KvError> {
    let place = Place {
        policy: roster.policy,
        kind: name.kind,
        member: name.member,
        author: roster.profile.person,
        roles,
        year_closed: name.kind == DocumentKind::Plan
            && roster.calendar.year_is_closed(&name.period, roster.today(now)),
    };
    let failed = std::cell::RefCell::new(None);
    let look_up = |key: &SlotKey| {
        found(tablet, name.id(), key).unwrap_or_else(|error| {
            failed.replace(Some(error));
            None
        })
    };
    let expected = expect(&place, made, &look_up);
    failed.into_inner().map_or(Ok(expected), Err)
}

fn found(tablet: &Tablet<'_>, document: DocumentId, key: &SlotKey) -> Result<Option<Found>, KvError> {
    let Some(known) = tablet.known(document, key)? else { return Ok(None) };
    let stands = tablet.record(document, key)?.is_some()
        || tablet.acts()?.iter().any(|act| {
            act.name.id() == document
                && matches!(act.state, ActState::Unsent | ActState::Stored)
                && act.slots.iter().any(|slot| slot.key == *key)
        });
    Ok(Some(Found { known, stands }))
}
