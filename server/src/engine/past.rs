//! A past for an organisation that nobody serves yet: what is decided here is decided at times that lie behind.
//!
//! The demo district lives through its weeks with it. It is the engine's own way, in one hand: requests are checked, decided on desks and
//! answered from the durable log; only that the clock is told, and that a whole day's frames share a sync.

use std::collections::BTreeSet;

use sync_core::exchange::message::{Reply, Request};
use sync_core::exchange::server::answer::{AnswerTo, Taken, Unanswered, answer, check_request};
use sync_core::exchange::server::desk::{Conditions, Desk, DeskError};
use sync_core::exchange::server::index::Index;
use sync_core::ids::{DeviceId, LogId, OrgId};
use sync_core::key::DeviceKey;
use sync_core::kv::KvError;
use sync_core::roster::Device;
use sync_core::time::Moment;

use super::log::{DurableLog, frame_of};
use super::open::{OpenEngineError, catch_up, standing};
use super::{Settings, Standing};
use crate::auth::keys::ServerKeys;
use crate::store::{AppendError, EmbeddedStore, Store};

/// An organisation whose clock is told with every call, and never goes back.
pub(crate) struct Past {
    store: EmbeddedStore,
    standing: Standing,
    organisation: OrgId,
}

impl Past {
    /// Opens a folder in which an organisation was founded.
    pub(crate) fn open(settings: &Settings) -> Result<Self, OpenEngineError> {
        let keys = ServerKeys::open(&settings.keys)?;
        let mut store = EmbeddedStore::open(&settings.data)?;
        catch_up(&mut store)?;
        let organisation = Index(store.index()).organisation().map_err(DeskError::from)?;
        let organisation = organisation.ok_or_else(|| OpenEngineError::NotFounded(settings.data.clone()))?;
        let standing = standing(settings, &keys)?;
        Ok(Self { store, standing, organisation: organisation.id })
    }

    /// Returns the organisation.
    pub(crate) fn organisation(&self) -> OrgId {
        self.organisation
    }

    /// Returns the index, with all that was decided so far.
    pub(crate) fn index(&self) -> Index<'_> {
        Index(self.store.index())
    }

    /// Decides something as of `now`. It is durable after the next [`sync`](Self::sync).
    pub(crate) fn decide<R, E: From<OpenEngineError>>(
        &mut self,
        now: Moment,
        work: impl FnOnce(&mut Desk<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let conditions = self.conditions(now);
        let desk = Desk::new(self.store.index(), self.store.next_seq(), conditions);
        let mut desk = desk.map_err(OpenEngineError::from)?;
        desk.advance().map_err(OpenEngineError::from)?;
        let result = work(&mut desk)?;
        desk.refresh_facts().map_err(OpenEngineError::from)?;
        let decided = desk.decide();
        if decided.entries.is_empty() {
            return Ok(result);
        }
        let frame = frame_of(&decided.entries);
        match self.store.append(&frame, decided.writes.clone()) {
            Err(AppendError::GroupFull) => {
                self.sync()?;
                self.store.append(&frame, decided.writes).map_err(OpenEngineError::from)?;
            }
            appended => drop(appended.map_err(OpenEngineError::from)?),
        }
        Ok(result)
    }

    /// Takes a device's request, as an exchange does.
    pub(crate) fn take(
        &mut self,
        now: Moment,
        device: DeviceId,
        request: Request,
    ) -> Result<Result<Taken, Unanswered>, OpenEngineError> {
        let device = self.device(device)?;
        let reader = self.store.reader();
        let (log, conditions) = (DurableLog::of(reader.as_ref()), self.conditions(now));
        let nothing_sealed = |_: &[u8]| None;
        let checked = check_request(
            &self.index(),
            &log,
            &conditions,
            &DeviceKey::of,
            &nothing_sealed,
            &device,
            request,
        );
        match checked.map_err(DeskError::from)? {
            Ok(checked) => self.decide(now, |desk| Ok(Ok(desk.take(checked)?))),
            Err(unanswered) => Ok(Err(unanswered)),
        }
    }

    /// Answers a request that was taken, once all is durable.
    pub(crate) fn answer(
        &mut self,
        now: Moment,
        device: DeviceId,
        asked: &AnswerTo,
        taken: Taken,
    ) -> Result<Reply, OpenEngineError> {
        self.sync()?;
        let device = self.device(device)?;
        let reader = self.store.reader();
        let log = DurableLog::of(reader.as_ref());
        let answered = answer(&self.index(), &log, &self.conditions(now), &device, asked, taken);
        let (reply, _): (_, BTreeSet<_>) = answered.map_err(DeskError::from)?;
        Ok(reply)
    }

    /// Makes everything durable that was decided.
    pub(crate) fn sync(&mut self) -> Result<(), OpenEngineError> {
        self.store.sync()?;
        Ok(())
    }

    fn device(&self, id: DeviceId) -> Result<Device, OpenEngineError> {
        let device = self.index().device(id).map_err(DeskError::from)?;
        Ok(device.ok_or(DeskError::Index(KvError::Damaged("device")))?)
    }

    fn conditions(&self, now: Moment) -> Conditions {
        Conditions { now, ..self.standing.conditions(LogId(self.store.reader().log_id())) }
    }
}
