//! One exchange: checked beside others, decided in its turn, answered from what is durable.
//!
//! Checking and answering read the index and compute, from a tenth of a millisecond to many. What is little is done where it is: handing it
//! to another thread and back would cost as much again. Everything else goes to threads of its own, as many at a time as there are
//! processors: more would only take turns.

use std::sync::Arc;

use sync_core::exchange::message::{REPLY_BYTES_MAX, Reply, Request};
use sync_core::exchange::server::answer::{
    AnswerTo, Taken, Unanswered, answer, audit, check_request, fates_only,
};
use sync_core::roster::Device;

use super::log::DurableLog;
use super::{Engine, EngineError, Ruling};

/// Envelopes of a request that is checked where it is.
const LITTLE_ENVELOPES: usize = 4;
/// Bytes of all their contents.
const LITTLE_BYTES: usize = 16 * 1024;
/// Entries of the log, whoever they are for, through which the answer to a request is looked for where it is.
const LITTLE_ENTRIES: u64 = 512;

/// What an exchange comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// The reply; all that it says is durable.
    Reply(Box<Reply>),
    /// The request was not taken: nothing of it has been judged.
    Not(Unanswered),
}

impl Engine {
    /// Takes a request of a device, and answers it with what its person may read: with about `room` bytes of it, where the line carries
    /// no more.
    pub async fn exchange(
        self: &Arc<Self>,
        device: Device,
        request: Request,
        room: Option<usize>,
    ) -> Result<Answered, EngineError> {
        let room = room.unwrap_or(REPLY_BYTES_MAX);
        let asked = AnswerTo { room, ..AnswerTo::of(&request, self.backed_up()) };
        let taken = match self.take(device.clone(), request).await? {
            Ok(taken) => taken,
            Err(unanswered) => return Ok(Answered::Not(unanswered)),
        };
        match self.project_cards_of(device.person).await {
            // Reading goes on near a full disk; a card says itself up to where it was projected.
            Ok(()) | Err(EngineError::DiskFull) => {}
            // So does it beside one record that cannot be read, which was said where it was found.
            Err(error) if error.is_of_one_record() => {}
            Err(error) => return Err(error),
        }
        let engine = Arc::clone(self);
        let little = self.is_little_to_answer(&asked);
        let (reply, delivered) = self
            .compute(little, move || {
                let conditions = engine.conditions();
                let log = DurableLog::with_tail(engine.reader().as_ref(), &engine.tail);
                // It may have been revoked while its request was decided; then it is told its fates alone.
                let device = engine.index().device(device.id)?.unwrap_or(device);
                let (reply, documents) = answer(&engine.index(), &log, &conditions, &device, &asked, taken)?;
                Ok((reply, audit(&conditions, &device, &documents)))
            })
            .await?;
        if let Some(entry) = delivered {
            self.decide_from_reserve(move |desk| desk.emit(entry).map(Ruling::Stands)).await?;
        }
        Ok(Answered::Reply(Box::new(reply)))
    }

    /// Takes what any known device hands in, and tells it the fates and nothing else.
    pub async fn hand_in(
        self: &Arc<Self>,
        device: Device,
        request: Request,
    ) -> Result<Answered, EngineError> {
        let asked = AnswerTo::of(&request, self.backed_up());
        Ok(match self.take(device.clone(), request).await? {
            Ok(taken) => {
                let (log, conditions) =
                    (DurableLog::with_tail(self.reader().as_ref(), &self.tail), self.conditions());
                let reply = fates_only(&self.index(), &log, &conditions, &device, &asked, taken.fates)?;
                Answered::Reply(Box::new(reply))
            }
            Err(unanswered) => Answered::Not(unanswered),
        })
    }

    async fn take(
        self: &Arc<Self>,
        device: Device,
        request: Request,
    ) -> Result<Result<Taken, Unanswered>, EngineError> {
        for seen in [request.cursor, request.mark].into_iter().flatten() {
            self.begin_if_set_back(seen).await?;
        }
        let brings = !request.envelopes.is_empty()
            || !request.withdrawals.is_empty()
            || !request.sealed.is_empty()
            || !request.offers.is_empty();
        let engine = Arc::clone(self);
        let checked = self
            .compute(is_little_to_check(&request), move || {
                let log = DurableLog::with_tail(engine.reader().as_ref(), &engine.tail);
                let keys = |key: &[u8; 32]| engine.device_key(key);
                let unseal = |sealed: &[u8]| engine.opening.open(sealed).ok();
                let conditions = engine.conditions();
                Ok(check_request(&engine.index(), &log, &conditions, &keys, &unseal, &device, request)?)
            })
            .await?;
        match checked {
            Err(unanswered) => Ok(Err(unanswered)),
            // What brings nothing needs no turn.
            Ok(_) if !brings => Ok(Ok(Taken::default())),
            Ok(checked) => self.decide(move |desk| desk.take(checked).map(Ruling::Stands)).await.map(Ok),
        }
    }

    fn is_little_to_answer(&self, asked: &AnswerTo) -> bool {
        let end = self.reader().end().seq;
        let behind = asked.cursor.map(|cursor| end.saturating_sub(cursor.seq));
        asked.listing.is_none() && behind.is_some_and(|behind| behind <= LITTLE_ENTRIES)
    }

    /// Runs what a request needs: where it is if it is `little`, and otherwise beside the workers, in turn.
    async fn compute<R: Send + 'static>(
        &self,
        little: bool,
        work: impl FnOnce() -> Result<R, EngineError> + Send + 'static,
    ) -> Result<R, EngineError> {
        if little {
            return work();
        }
        // The semaphore is never closed.
        let _turn = self.processors.acquire().await.map_err(|_| EngineError::Closing)?;
        self.aside(work).await
    }

    /// Runs what reads or computes for longer than an async worker should be kept.
    pub(crate) async fn aside<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, EngineError> + Send + 'static,
    ) -> Result<R, EngineError> {
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(EngineError::Abandoned))
    }
}

fn is_little_to_check(request: &Request) -> bool {
    let bytes: usize = request.envelopes.iter().map(|envelope| envelope.body.len()).sum();
    request.envelopes.len() <= LITTLE_ENVELOPES
        && bytes <= LITTLE_BYTES
        && request.sealed.is_empty()
        && request.offers.is_empty()
}
