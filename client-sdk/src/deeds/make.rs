//! Making a deed: in which document, in which role, and whether it is the person's to do.

use sync_core::document::deed::Deed;
use sync_core::document::deed::act::{Act, Author, Stamp, act};
use sync_core::document::deed::expect::{Cause, Expectation};
use sync_core::document::deed::home::{Home, Standpoint, document_for};
use sync_core::document::name::DocumentName;
use sync_core::document::schema::OFFSET_MAX;
use sync_core::document::slot::SlotKey;
use sync_core::exchange::client::outbox;
use sync_core::gate::policy::Lack;
use sync_core::ids::{ActId, StudentId};
use sync_core::kv::KvError;
use sync_core::roster::reading::Roles;
use sync_core::roster::role::Role;
use ulid::Ulid;

use crate::chance::{Chance, draw_id};
use crate::trouble::Trouble;

use super::expect::expectation;
use super::{Desk, LocalPolicy};

impl Desk<'_> {
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
}
