//! The server's side of an exchange: requests that it has looked at gather, are decided as one frame, and are answered.

use sync_core::exchange::codec;
use sync_core::exchange::message::{Fate, HoldState, Outcome, Reply, Request};
use sync_core::exchange::server::answer::{AnswerTo, CheckedRequest, Unanswered};
use sync_core::exchange::server::reply::LogRead;
use sync_core::ids::DeviceId;

use super::World;
use super::network::Way;
use crate::model::{self, Wrong};

/// A request that the server has looked at and not yet decided.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// Who waits for the reply; nobody waits for what an attacker or a carrier sent.
    tablet: Option<(usize, u64)>,
    device: DeviceId,
    checked: CheckedRequest,
    to: AnswerTo,
}

impl World {
    /// Lets the server look at a request; it is decided with the next batch.
    ///
    /// # Errors
    /// What the model finds wrong with a life of the log that begins because the tablet has seen more of it.
    pub fn request(&mut self, tablet: Option<(usize, u64)>, request: Request) -> Result<(), Wrong> {
        let to = AnswerTo::of(&request, self.server.backed_up);
        let device = request.device;
        match self.server.check(request.clone()) {
            Ok(checked) => self.inbox.push(Pending { tablet, device, checked, to }),
            Err(Unanswered::RolledBack) => {
                self.find_out()?;
                return self.request(tablet, request);
            }
            Err(Unanswered::Waiting) => self.note("waits to be confirmed", device),
            Err(unanswered) => self.note("unanswered", unanswered.code()),
        }
        Ok(())
    }

    /// Lets the server decide all requests that it has looked at, as one frame, and answer them.
    ///
    /// # Errors
    /// What the model cannot justify, and every byte for somebody who may not read it.
    pub fn commit(&mut self, crash: bool) -> Result<(), Wrong> {
        let batch = std::mem::take(&mut self.inbox);
        if batch.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let requests = batch.iter().map(|pending| pending.checked.clone()).collect();
        let Some(decisions) = self.server.take(now, requests, crash) else {
            self.note("crash before the commit", batch.len());
            return Ok(());
        };
        if batch.len() > 1 {
            self.note("batch", batch.len());
        }
        let firsts: Vec<u64> = decisions.iter().map(|decision| decision.first).collect();
        let end = self.server.log.end();
        self.observe(firsts[0] - 1)?;
        for (at, decision) in decisions.iter().enumerate() {
            self.observe(firsts.get(at + 1).map_or(end, |next| next - 1))?;
            for fate in &decision.taken.fates {
                self.fate(decision.first, fate)?;
            }
        }
        for (pending, decision) in batch.into_iter().zip(decisions) {
            let reply = self.server.answer(now, pending.device, &pending.to, decision.taken);
            self.observe(u64::MAX)?;
            let device = self.server.index().device(pending.device).expect("reads").expect("known");
            self.is_for(device.person, &reply)?;
            self.nothing_goes_down_unconfirmed(&reply)?;
            if let Some((tablet, number)) = pending.tablet {
                self.note("reply", format!("{} fates, {} entries", reply.fates.len(), reply.entries.len()));
                self.send((Way::Down, tablet, number), codec::encode(&reply));
            }
        }
        Ok(())
    }

    /// Lets the server answer a request at once.
    ///
    /// # Errors
    /// That it is not taken, or what must not be.
    pub fn ask_server(&mut self, request: Request) -> Result<Reply, Wrong> {
        let before = self.inbox.len();
        self.request(None, request)?;
        if self.inbox.len() == before { Err("not taken".into()) } else { self.commit_for_last() }
    }

    /// Returns the codes with which the server refuses what a request brings; the model is not asked.
    pub fn server_says(&mut self, request: Request) -> Vec<String> {
        let checked = self.server.check(request).expect("taken");
        let decisions = self.server.take(self.clock.now(), vec![checked], false).expect("no crash");
        let fates = decisions.into_iter().flat_map(|decision| decision.taken.fates);
        let code = |fate: Fate| match fate.outcome {
            Outcome::Refused { code } => Some(code),
            _ => None,
        };
        fates.filter_map(code).collect()
    }

    /// Decides what is there and returns the reply to the last request, before the network gets it.
    pub(super) fn commit_for_last(&mut self) -> Result<Reply, Wrong> {
        let last = self.inbox.pop().ok_or("nothing was asked")?;
        self.commit(false)?;
        let now = self.clock.now();
        let decisions = self.server.take(now, vec![last.checked], false).ok_or("no crash was asked for")?;
        let decision = decisions.into_iter().next().ok_or("one request, one decision")?;
        self.observe(u64::MAX)?;
        for fate in &decision.taken.fates {
            self.fate(decision.first, fate)?;
        }
        let reply = self.server.answer(now, last.device, &last.to, decision.taken);
        self.observe(u64::MAX)?;
        let device = self.server.index().device(last.device).expect("reads").expect("known");
        self.is_for(device.person, &reply)?;
        self.nothing_goes_down_unconfirmed(&reply)?;
        Ok(reply)
    }

    fn fate(&mut self, first: u64, fate: &Fate) -> Result<(), Wrong> {
        let told = match &fate.outcome {
            Outcome::Stored => model::Fate::Stored,
            Outcome::Held { reason, state, .. } => {
                model::Fate::Held { reason: reason.name().to_owned(), waiting: *state == HoldState::Waiting }
            }
            Outcome::Refused { code } => {
                self.note("refused", code);
                model::Fate::Refused
            }
        };
        let Some(act) = fate.act else { return Ok(()) };
        self.note("fate", format!("{act} {told:?}"));
        self.model.was_told(self.clock.day(), first, fate.document, act, &told)
    }
}
