//! What the server said of the organisation, of the person's own places, and of the students' teams: facts, as of the last exchange.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use sync_core::document::name::DocumentKind;
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::SlotKey;
use sync_core::exchange::client::state::{Profile, Server, Tablet};
use sync_core::exchange::codec;
use sync_core::ids::{PersonId, StudentId};
use sync_core::kv::KvError;
use sync_core::projection::card::{CARD, Card};
use sync_core::projection::facts::{
    GRANTS, GrantsFact, ORGANISATION, OrganisationFact, OwnGrant, STUDENT, StudentFact,
};
use sync_core::roster::calendar::Calendar;
use sync_core::roster::reading::Roles;
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;
use sync_core::time::{Moment, Zone};

use crate::local::Local;
use crate::store::State;
use crate::trouble::Trouble;

/// What is known of people, students and terms.
#[derive(Debug, Clone)]
pub struct Roster {
    /// Whose tablet this is.
    pub profile: Profile,
    /// What the district's roster calls this person.
    pub person_external_id: String,
    /// The zone of school days.
    pub zone: Zone,
    /// The organisation's terms.
    pub calendar: Calendar,
    /// The version of the policy that the server named last, or the nearest that is known here.
    pub policy: PolicyVersion,
    /// The person's places, present and coming.
    pub grants: Vec<OwnGrant>,
    /// The students on whose teams the person is.
    pub students: BTreeMap<StudentId, StudentFact>,
    /// The cards of students whose plan and log the person does not read whole.
    pub cards: BTreeMap<StudentId, Card>,
    /// What the last reply said of the time.
    heard: Option<Server>,
}

/// How far the tablet's clock may run on without the server before it counts as wrong, in milliseconds: 400 days.
const UNHEARD_MS_MAX: i64 = 400 * 24 * 60 * 60 * 1_000;
/// How many days ahead something may be logged: a clock that is behind is not to keep anybody from it, and another year is a slip.
pub const AHEAD_DAYS_MAX: i64 = 31;

impl Roster {
    /// Reads the facts.
    ///
    /// # Errors
    /// [`Trouble::NotPaired`], or the store's.
    pub fn read(state: &State<'_>) -> Result<Self, Trouble> {
        let tablet = Tablet(state);
        let profile = tablet.profile()?.ok_or(Trouble::NotPaired)?;
        let home = Local(state).home()?.ok_or(Trouble::NotPaired)?;
        let organisation: Option<OrganisationFact> = fact(&tablet, ORGANISATION)?;
        let (zone, calendar) = match organisation {
            Some(organisation) => (organisation.zone, organisation.calendar),
            // Paired, and never synced: the zone is known, the terms are not.
            None => {
                (Zone::named(&home.zone).map_err(|_| KvError::Damaged("the time zone"))?, Calendar::default())
            }
        };
        let grants: GrantsFact = fact(&tablet, GRANTS)?.unwrap_or_default();
        let mut students = BTreeMap::new();
        for (_, value) in tablet.facts(STUDENT)? {
            let student: StudentFact = decode(&value)?;
            students.insert(student.id, student);
        }
        let mut cards = BTreeMap::new();
        for (student, value) in tablet.facts(CARD)? {
            let student = student.parse().map_err(|_| KvError::Damaged("a fact of the server"))?;
            cards.insert(student, decode(&value)?);
        }
        Ok(Self {
            profile,
            person_external_id: home.person_external_id,
            zone,
            calendar,
            policy: tablet.policy()?,
            grants: grants.grants,
            students,
            cards,
            heard: tablet.server()?,
        })
    }

    /// Returns the school day that it is when the tablet's clock shows `now`.
    ///
    /// A tablet's clock is off by what the last reply said. One that was set back behind that reply, or has run on for longer than anybody
    /// leaves a tablet alone, is not believed: the day of the reply is taken.
    pub fn today(&self, now: Moment) -> Date {
        let believed = match self.heard {
            Some(heard) if now < heard.heard || now.0.saturating_sub(heard.heard.0) > UNHEARD_MS_MAX => {
                heard.heard
            }
            Some(_) | None => now,
        };
        let offset_ms = self.heard.map_or(0, |heard| heard.offset_ms);
        self.day_of(Moment(believed.0.saturating_add(offset_ms)))
    }

    /// Returns whether a day lies too far ahead to have anything to log.
    pub fn is_ahead(&self, day: Date, now: Moment) -> bool {
        self.today(now).checked_add(AHEAD_DAYS_MAX.days()).is_ok_and(|last| day > last)
    }

    /// Returns the school day on which `now` falls.
    pub fn day_of(&self, now: Moment) -> Date {
        self.zone.day_of(now)
    }

    /// Returns as what the person stands on a student's team on a day.
    pub fn roles_on(&self, student: StudentId, day: Date) -> Roles {
        let in_force = |grant: &&OwnGrant| {
            grant.student == student && grant.from <= day && grant.to.is_none_or(|last| day <= last)
        };
        self.grants.iter().filter(in_force).map(|grant| grant.role).collect()
    }

    /// Returns whether the person had a place on this student's team that is over by a day.
    pub fn ended_by(&self, student: StudentId, day: Date) -> bool {
        let over = |grant: &OwnGrant| grant.student == student && grant.to.is_some_and(|last| last < day);
        self.grants.iter().any(over) && self.roles_on(student, day).is_empty()
    }

    /// Returns the student that `text` names: an id, or what the district's roster calls the student.
    pub fn student(&self, text: &str) -> StudentId {
        let known = self.students.values().find(|student| student.external_id == text);
        let id = text.parse().ok().or(known.map(|student| student.id));
        id.unwrap_or_else(|| StudentId::imported(self.profile.org, text))
    }

    /// Returns the record that `text` names: its key, or what the import calls it.
    pub fn record(&self, kind: RecordKind, text: &str) -> SlotKey {
        text.parse().unwrap_or_else(|_| SlotKey::imported(self.profile.org, kind.container(), text))
    }

    /// Returns the name of a colleague, for the screen.
    pub fn name_of(&self, person: PersonId) -> Option<&str> {
        let named = self.students.values().flat_map(|student| {
            let team = student.team.iter().map(|member| (member.person, &member.name));
            team.chain(student.not_today.iter().map(|other| (other.person, &other.name)))
        });
        // It goes to the screen of somebody on the same team.
        named.into_iter().find(|(who, _)| *who == person).map(|(_, name)| name.expose().as_str())
    }

    /// Says who can help with what a person may not do with a student.
    pub fn who_can_help(&self, student: StudentId) -> String {
        let team = self.students.get(&student).map(|student| student.team.as_slice()).unwrap_or_default();
        let managers = team.iter().filter(|member| member.roles.contains(&Role::Cm));
        // It goes to the screen of somebody on the same team.
        let names: Vec<&str> = managers.map(|member| member.name.expose().as_str()).collect();
        if names.is_empty() {
            "ask the student's case manager or an administrator".into()
        } else {
            format!("ask {}, the case manager", names.join(" or "))
        }
    }

    /// Returns whether a person with these roles reads a kind of document of others.
    pub fn reads(&self, kind: DocumentKind, roles: &Roles) -> bool {
        sync_core::roster::reading::may_read_kind(self.policy, kind, None, self.profile.person, roles)
    }
}

fn fact<T: serde::de::DeserializeOwned>(tablet: &Tablet<'_>, name: &str) -> Result<Option<T>, KvError> {
    tablet.fact(name)?.map(|bytes| decode(&bytes)).transpose()
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, KvError> {
    codec::from_bytes(bytes).map_err(|_| KvError::Damaged("a fact of the server"))
}
