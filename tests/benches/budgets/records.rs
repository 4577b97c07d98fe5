//! Records like those of a school day, with everything in them that compresses badly: ids, times and words.

use sync_core::document::slot::{Fields, Slot, SlotKey, Value};
use sync_core::ids::{ActId, PersonId};
use sync_core::random::Random;
use ulid::Ulid;

/// The school year's first day of work, in milliseconds: 24 August 2026, 8:00 in Chicago.
pub const FIRST_DAY_MS: i64 = 1_787_576_400_000;
const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
const SCHOOL_DAY_MS: usize = 7 * 3_600_000;
const GOALS: u64 = 3;

/// Words that notes are made of.
const WORDS: [&str; 24] = [
    "asked",
    "for",
    "help",
    "twice",
    "during",
    "centers",
    "then",
    "waited",
    "peer",
    "model",
    "used",
    "visual",
    "card",
    "after",
    "prompt",
    "transition",
    "calm",
    "reading",
    "group",
    "off",
    "task",
    "returned",
    "alone",
    "smiled",
];

/// What the records say, the same in every run.
#[derive(Debug, Clone)]
struct Dice(Random);

impl Dice {
    fn number(&mut self, limit: usize) -> i64 {
        self.0.below(limit) as i64
    }

    /// Returns an id drawn at `at`, as a tablet draws it: the time, then 80 random bits.
    fn ulid(&mut self, at: i64) -> Ulid {
        let random = (u128::from(self.0.number()) << 64) | u128::from(self.0.number());
        Ulid::from_parts(at.cast_unsigned(), random)
    }

    fn note(&mut self, words_max: usize) -> String {
        let count = 1 + self.0.below(words_max);
        let words: Vec<&str> = (0..count).filter_map(|_| self.0.pick(&WORDS).copied()).collect();
        words.join(" ")
    }
}

/// An act: its id, and the slots that it makes.
pub type Act = (ActId, Vec<Slot>);

/// Makes one person's records, in one role.
#[derive(Debug, Clone)]
pub struct Author {
    person: PersonId,
    role: &'static str,
    dice: Dice,
    /// The goals that are observed.
    goals: Vec<String>,
}

impl Author {
    /// Returns an author; another seed makes other records.
    pub fn new(person: PersonId, role: &'static str, seed: u64) -> Self {
        let mut dice = Dice(Random::of(seed));
        let goal = |_| SlotKey::new(person, dice.ulid(FIRST_DAY_MS)).to_string();
        let goals = (0..GOALS).map(goal).collect();
        Self { person, role, dice, goals }
    }

    /// Makes a lone observation on a day of the year.
    pub fn observation(&mut self, day: i64) -> Act {
        let at = self.moment(day);
        let act = self.dice.ulid(at);
        (ActId::from(act), vec![self.observed(at, act, None)])
    }

    /// Makes a session on a day of the year, with observations in it: what finishing a live session keeps.
    pub fn session(&mut self, day: i64, observations: usize) -> Act {
        let at = self.moment(day);
        let act = self.dice.ulid(at);
        let segment = fields([
            ("mode", "push-in".into()),
            ("place", "general-class".into()),
            ("start", (at - 30 * MINUTE_MS).into()),
            ("minutes", (20 + self.dice.number(25)).into()),
        ]);
        let mut session = fields([
            ("role", self.role.into()),
            ("segments", fields([("1", segment.into())]).into()),
            ("state", "complete".into()),
        ]);
        if self.dice.0.below(3) == 0 {
            session.insert("note".to_owned(), self.dice.note(18).into());
        }
        let session = self.slot("sessions", at, act, session);
        let key = session.key.to_string();
        let mut slots = vec![session];
        slots.extend((0..observations).map(|_| self.observed(at, act, Some(&key))));
        (ActId::from(act), slots)
    }

    fn observed(&mut self, at: i64, act: Ulid, session: Option<&str>) -> Slot {
        let of = 5 + self.dice.number(6);
        let goal = self.dice.0.pick(&self.goals).cloned().unwrap_or_default();
        let mut observation = fields([
            ("role", self.role.into()),
            ("goal", goal.into()),
            ("kind", "percent".into()),
            ("observer", "primary".into()),
            ("start", (at - self.dice.number(30) * MINUTE_MS).into()),
            ("value", fields([("correct", self.dice.number(6).into()), ("of", of.into())]).into()),
        ]);
        observation.extend(session.map(|key| ("session".to_owned(), Value::from(key))));
        if self.dice.0.below(2) == 0 {
            observation.insert("note".to_owned(), self.dice.note(7).into());
        }
        self.slot("observations", at, act, observation)
    }

    fn slot(&mut self, container: &str, at: i64, act: Ulid, mut fields: Fields) -> Slot {
        fields.insert("act".to_owned(), act.to_string().into());
        fields.insert("at".to_owned(), at.into());
        fields.insert("offset".to_owned(), (self.dice.number(400) - 200).into());
        Slot { container: container.to_owned(), key: SlotKey::new(self.person, self.dice.ulid(at)), fields }
    }

    fn moment(&mut self, day: i64) -> i64 {
        FIRST_DAY_MS + day * DAY_MS + self.dice.number(SCHOOL_DAY_MS)
    }
}

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Fields {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
