//! Holds as a person sees them: who may know of one, what it would do, and deciding about it.

use std::sync::Arc;

use sync_core::document::slot::Slot;
use sync_core::exchange::message::HoldState;
use sync_core::exchange::server::desk::Desk;
use sync_core::exchange::server::entry::{Hold, LogEntry};
use sync_core::exchange::server::review::Review;
use sync_core::ids::{HoldId, PersonId};
use sync_core::kv::KvError;
use sync_core::record::{Source, Waiting, fold, waiting};
use sync_core::time::Zone;

use super::{Engine, EngineError, Ruling};

/// Who looks at holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// An administrator: sees that they exist.
    Administrator,
    /// Anybody else: sees what is hers, and what she may review.
    Person(PersonId),
}

/// What a viewer sees of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// That it exists, and why: to whom may see no more, and in a list where what it is about cannot be read.
    Exists(Box<Hold>),
    /// All of it.
    Whole {
        /// The hold.
        hold: Box<Hold>,
        /// Whether the viewer is its author, who never sees the present value here.
        mine: bool,
        /// What it would make or change.
        would: Vec<Waiting>,
        /// The zone in which its instants are told.
        zone: Zone,
    },
}

/// How much of a hold a viewer may see.
enum Sight {
    /// Not even that it exists.
    None,
    /// That it exists.
    Existence,
    /// All of it.
    Whole {
        /// Whether the viewer is its author.
        mine: bool,
    },
}

/// What a person decides about holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They come in.
    Admit,
    /// They do not, for a reason that their authors read.
    Decline(String),
}

impl Engine {
    /// Returns the holds that a viewer may know of, decided ones too.
    pub async fn holds(self: &Arc<Self>, viewer: Viewer) -> Result<Vec<Seen>, EngineError> {
        let engine = Arc::clone(self);
        self.aside(move || {
            let holds = engine.index().holds()?;
            let seen = holds.into_iter().map(|hold| engine.listed_for(viewer, hold));
            seen.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// Returns one hold, if the viewer may know of it.
    pub async fn hold(self: &Arc<Self>, viewer: Viewer, id: HoldId) -> Result<Option<Seen>, EngineError> {
        let engine = Arc::clone(self);
        self.aside(move || match engine.index().hold(id)? {
            Some(hold) => engine.seen_by(viewer, hold),
            None => Ok(None),
        })
        .await
    }

    /// Decides about holds in a person's name; all or none.
    pub async fn review(
        &self,
        reviewer: PersonId,
        ids: Vec<HoldId>,
        verdict: Verdict,
    ) -> Result<Review, EngineError> {
        self.decide(move |desk| {
            let review = match &verdict {
                Verdict::Admit => desk.admit(reviewer, &ids)?,
                Verdict::Decline(reason) => desk.decline(reviewer, &ids, reason)?,
            };
            if !matches!(review, Review::Decided(_)) {
                return Ok(Ruling::Void(review));
            }
            let (time, action) = (
                desk.conditions().now,
                match verdict {
                    Verdict::Admit => "hold_admitted",
                    Verdict::Decline(_) => "hold_declined",
                },
            );
            for id in ids {
                let subject = id.to_string();
                desk.emit(LogEntry::Audit { person: Some(reviewer), action: action.into(), subject, time })?;
            }
            Ok(Ruling::Stands(review))
        })
        .await
    }

    fn seen_by(&self, viewer: Viewer, hold: Hold) -> Result<Option<Seen>, EngineError> {
        match self.sight(viewer, &hold)? {
            Sight::None => Ok(None),
            Sight::Existence => Ok(Some(Seen::Exists(Box::new(hold)))),
            Sight::Whole { mine } => self.whole(hold, mine).map(Some),
        }
    }

    /// As [`seen_by`](Self::seen_by), but that one record that cannot be read hides no other hold.
    fn listed_for(&self, viewer: Viewer, hold: Hold) -> Result<Option<Seen>, EngineError> {
        let Sight::Whole { mine } = self.sight(viewer, &hold)? else { return self.seen_by(viewer, hold) };
        match self.whole(hold.clone(), mine) {
            Err(error) if error.is_of_one_record() => {
                let (id, document) = (hold.id, hold.document());
                tracing::error!(hold = %id, %document, %error, "what a hold would do cannot be shown");
                Ok(Some(Seen::Exists(Box::new(hold))))
            }
            seen => seen.map(Some),
        }
    }

    fn sight(&self, viewer: Viewer, hold: &Hold) -> Result<Sight, EngineError> {
        let person = match viewer {
            Viewer::Administrator => return Ok(Sight::Existence),
            Viewer::Person(person) => person,
        };
        // Only looked at, and thrown away: a desk knows who reviews what.
        let desk = Desk::new(self.reader().index(), self.reader().end().seq + 1, self.conditions())?;
        let reviews = desk.reviews(person, hold)? || desk.coordinates(person, hold)?;
        let mine = hold.author == person;
        Ok(if reviews || mine { Sight::Whole { mine } } else { Sight::None })
    }

    fn whole(&self, hold: Hold, mine: bool) -> Result<Seen, EngineError> {
        // The present value is for whoever decides, and only as long as there is something to decide.
        let standing =
            if mine || hold.state != HoldState::Waiting { Vec::new() } else { self.standing_in(&hold)? };
        let zone = self.index().organisation()?.ok_or(KvError::Damaged("organisation"))?.zone;
        let would = would(&hold, &standing, &zone);
        Ok(Seen::Whole { hold: Box::new(hold), mine, would, zone })
    }

    /// Returns the slots that stand in a hold's document.
    fn standing_in(&self, hold: &Hold) -> Result<Vec<Slot>, KvError> {
        match self.index().document(hold.document())? {
            Some(state) => self.slots_in(&state),
            None => Ok(Vec::new()),
        }
    }
}

fn would(hold: &Hold, standing: &[Slot], zone: &Zone) -> Vec<Waiting> {
    let source = Source { name: &hold.name, slots: standing };
    waiting(&fold(hold.name.subject, zone, [source]), hold.document(), &hold.slots)
}
