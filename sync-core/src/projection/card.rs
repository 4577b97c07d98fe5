//! The student card: what a member sees of a student whose plan and log the member does not read whole.
//!
//! It is the member's column of the matrix, projected by the server from the effective record and delivered as a fact, never a second
//! copy that could disagree. A paraprofessional sees today's sessions, an assistant the supervisor's; whoever does not read the plan sees of it
//! the assigned goals in their operational text, and the services in force today.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::name::{DocumentKind, DocumentName};
use crate::document::slot::{Slot, SlotKey};
use crate::exchange::codec;
use crate::exchange::server::apply::{containers, hash_of};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::index::{DocumentState, Index};
use crate::exchange::server::renew::changes_of;
use crate::exchange::server::reply::LogRead;
use crate::ids::{PersonId, StudentId};
use crate::kv::KvError;
use crate::record::{Record, SessionView, Source, fold};
use crate::roster::GrantState;
use crate::roster::reading::{Roles, may_read_kind, needs_card};
use crate::roster::role::Role;
use crate::roster::version::PolicyVersion;
use crate::sensitive::Sensitive;
use crate::time::{Moment, Zone};

/// What the keys of all cards begin with; the student's id follows.
pub const CARD: &str = "card/";
/// Sessions that a card shows: the latest ones.
pub const SESSIONS_MAX: usize = 40;

/// Returns the key of a student's card.
pub fn card_key(student: StudentId) -> String {
    format!("{CARD}{student}")
}

/// A goal as a card shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardGoal {
    /// Which goal: what is logged for it names this.
    pub id: SlotKey,
    /// What to work on, in plain words where there are some.
    pub statement: Sensitive<String>,
    /// How it is measured.
    pub kind: String,
    /// The target, in thousandths.
    pub target: Option<i64>,
    /// Whose discipline it is.
    pub discipline: String,
}

/// A service in force, as a card shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardService {
    /// Which service: a session names this.
    pub id: SlotKey,
    /// Whose discipline it is.
    pub discipline: String,
    /// How it is delivered.
    pub mode: String,
    /// Minutes of one session.
    pub minutes: u16,
}

/// A colleague's session, as a card shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSession {
    /// Which session.
    pub id: SlotKey,
    /// Who delivered it.
    pub author: PersonId,
    /// When it began.
    pub start: Moment,
    /// How long it took.
    pub minutes: u32,
    /// How it was delivered.
    pub mode: String,
}

/// A student as a restricted member sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Card {
    /// The goals that are the member's to work on.
    pub goals: Vec<CardGoal>,
    /// The services in force on the day of the card.
    pub services: Vec<CardService>,
    /// Sessions that the member may see.
    pub sessions: Vec<CardSession>,
}

/// Whose card it is, and for when.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The member.
    pub person: PersonId,
    /// As what the member stands on the team.
    pub roles: &'a Roles,
    /// The version of the policy that is in force.
    pub policy: PolicyVersion,
    /// Who signs for the member's work.
    pub supervisors: &'a BTreeSet<PersonId>,
    /// The school day.
    pub today: Date,
}

/// Projects a member's card from the effective record.
pub fn card(record: &Record<'_>, holder: &Holder<'_>, zone: &Zone) -> Card {
    let para = holder.roles.contains(&Role::Para);
    let planless = !may_read_kind(holder.policy, DocumentKind::Plan, None, holder.person, holder.roles);
    let goals = record
        .goals
        .iter()
        .filter(|goal| planless && goal.head.counts() && goal.assigned.contains(&holder.person));
    let goals = goals.filter_map(|goal| {
        Some(CardGoal {
            id: goal.head.key(),
            statement: goal.plain_statement.clone().or_else(|| goal.statement.clone())?,
            kind: goal.kind?.to_owned(),
            target: goal.target,
            discipline: goal.discipline?.to_owned(),
        })
    });
    let in_force = |from: Option<Date>, to: Option<Date>| {
        from.is_some_and(|from| from <= holder.today) && to.is_none_or(|to| holder.today <= to)
    };
    let services =
        record.services.iter().filter(|line| planless && line.head.counts() && in_force(line.from, line.to));
    let services = services.filter_map(|line| {
        Some(CardService {
            id: line.head.key(),
            discipline: line.discipline?.to_owned(),
            mode: line.mode?.to_owned(),
            minutes: line.minutes?,
        })
    });
    let of_today =
        |session: &SessionView| session.start().is_some_and(|start| zone.day_of(start) == holder.today);
    let supervised = |session: &SessionView| holder.supervisors.contains(&session.head.author);
    let seen = record.sessions.iter().rev().filter(|session| {
        let others = session.head.author != holder.person && session.head.counts();
        others && ((para && of_today(session)) || (holder.roles.contains(&Role::Asst) && supervised(session)))
    });
    let sessions = seen.take(SESSIONS_MAX).filter_map(|session| {
        Some(CardSession {
            id: session.head.key(),
            author: session.head.author,
            start: session.start()?,
            minutes: session.minutes()?,
            mode: session.mode()?.to_owned(),
        })
    });
    Card { goals: goals.collect(), services: services.collect(), sessions: sessions.collect() }
}

/// Reads the slots of a document out of the log.
///
/// # Errors
/// [`KvError`] where index or log cannot be read, or a stored change does not decode.
pub fn slots_of(
    index: &Index<'_>,
    log: &dyn LogRead,
    document: &DocumentState,
) -> Result<Vec<Slot>, KvError> {
    let places = containers(&document.name, document.steps);
    let mut slots = Vec::new();
    for (_, change) in changes_of(index, log, document.name.id())? {
        let made = crate::document::collect::slots_of_change(&places, &change)
            .map_err(|_| KvError::Damaged("change"))?;
        slots.extend(made);
    }
    Ok(slots)
}

/// Reads all documents of a student out of the log, those of which `wanted` says so.
///
/// # Errors
/// As [`slots_of`].
pub fn documents_of(
    index: &Index<'_>,
    log: &dyn LogRead,
    student: StudentId,
    wanted: impl Fn(DocumentKind) -> bool,
) -> Result<Vec<(DocumentName, Vec<Slot>)>, KvError> {
    let states = index.documents(student)?.into_iter().filter(|state| wanted(state.name.kind));
    states.map(|state| Ok((state.name.clone(), slots_of(index, log, &state)?))).collect()
}

impl Desk<'_> {
    /// Says a student's cards again to the members whose card differs from what was said last, and returns whether anybody has one.
    ///
    /// # Errors
    /// [`DeskError::Index`], also where the log cannot be read.
    pub fn project_cards(&mut self, student: StudentId, log: &dyn LogRead) -> Result<bool, DeskError> {
        let today = self.today();
        let team = self.index().team(student)?;
        let current: Vec<_> = team.iter().filter(|grant| grant.state(today) == GrantState::Current).collect();
        let people: BTreeSet<PersonId> = current.iter().map(|grant| grant.person).collect();
        let mut documents = None;
        for person in people {
            let roles = self.roles_on(person, student, today)?;
            if !needs_card(&roles) {
                continue;
            }
            if documents.is_none() {
                // Taps and what restricted members log are on no card.
                let wanted = |kind| matches!(kind, DocumentKind::Plan | DocumentKind::Log);
                documents = Some(documents_of(&self.index(), log, student, wanted)?);
            }
            let own = current.iter().filter(|grant| grant.person == person);
            let supervisors = own.filter_map(|grant| grant.supervisor).collect();
            let zone = self.organisation().zone.clone();
            let sources =
                documents.iter().flatten().map(|(name, slots)| Source { name, slots: slots.iter() });
            let policy = self.policy();
            let holder = Holder { person, roles: &roles, policy, supervisors: &supervisors, today };
            let card = codec::to_bytes(&card(&fold(student, &zone, sources), &holder, &zone));
            if self.index().fact(person, &card_key(student))? != Some(hash_of(&card)) {
                self.emit(LogEntry::Fact {
                    person,
                    key: card_key(student),
                    value: Some(Sensitive::new(card.into())),
                })?;
            }
        }
        Ok(documents.is_some())
    }
}
