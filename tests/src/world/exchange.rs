//! The tablets' side of an exchange: acts are kept, requests go out and replies come in, over the network or with nothing in between.

use sync_core::exchange::codec;
use sync_core::exchange::message::{Reply, Request};

use super::network::{Mishap, Way, Weather};
use super::{World, deeds};
use crate::model::Wrong;

/// Entries of one request's answer that are looked through for a page; more pages than this do not come.
const PAGES_MAX: usize = 20;

impl World {
    /// Lets the person of a tablet make this act: it is safe there, and the model knows of it.
    pub fn keep(&mut self, tablet: usize, draft: deeds::Draft) {
        self.note("act", format!("tablet {tablet} {} {:?}", draft.act.id, draft.act.deed));
        self.tablets[tablet].keep(&draft.name, draft.act.id, draft.slots);
        self.model.made(draft.act);
    }

    /// Lets a tablet send a request on its way.
    pub fn ask(&mut self, tablet: usize) {
        self.asked += 1;
        let number = self.asked;
        // Some acts travel as plain slots: those that the tablet expects to be held, or thinks it does.
        let outgoing =
            self.tablets[tablet].ask(number, self.clock.now(), &|act| act.act.0[15].is_multiple_of(8));
        let acts = outgoing.acts.values().map(Vec::len).sum::<usize>();
        self.note("request", format!("tablet {tablet} number {number}, {acts} acts"));
        self.send((Way::Up, tablet, number), codec::encode(&outgoing.request));
    }

    pub(super) fn send(&mut self, address: (Way, usize, u64), bytes: Vec<u8>) {
        for mishap in self.network.send(&mut self.random, self.weather, address, bytes) {
            let what = match mishap {
                Mishap::Lost => "lost",
                Mishap::Doubled => "doubled",
                Mishap::Cut => "cut",
                Mishap::Late => "late",
            };
            self.note(what, format!("{:?} of tablet {} number {}", address.0, address.1, address.2));
        }
    }

    /// Lets one message arrive, if one is there.
    ///
    /// # Errors
    /// What must not be.
    pub fn deliver(&mut self) -> Result<(), Wrong> {
        let Some(message) = self.network.arrival(&mut self.random) else { return Ok(()) };
        match message.way {
            Way::Up => match codec::decode::<Request>(&message.bytes) {
                Ok(request) => self.request(Some((message.tablet, message.number)), request),
                Err(_) => {
                    self.note("unreadable", "request");
                    Ok(())
                }
            },
            Way::Down => match codec::decode::<Reply>(&message.bytes) {
                Ok(reply) => self.reply(message.tablet, message.number, &reply),
                Err(_) => {
                    self.note("unreadable", "reply");
                    self.tablets[message.tablet].waits = false;
                    Ok(())
                }
            },
        }
    }

    /// Lets a reply arrive at a tablet.
    ///
    /// # Errors
    /// What is wrong with the copies afterwards.
    pub fn reply(&mut self, tablet: usize, number: u64, reply: &Reply) -> Result<(), Wrong> {
        let kill = self.weather != Weather::FAIR && self.random.chance(4);
        let now = self.clock.now();
        match self.tablets[tablet].answered(number, reply, now, kill) {
            None if kill => self.note("killed while it took a reply", tablet),
            None => self.note("nobody asked any more", tablet),
            Some(Ok(brought)) => {
                if brought.more {
                    self.note("more", tablet);
                }
                if self.random.chance(10) {
                    self.copies_are_the_servers(tablet)?;
                }
            }
            Some(Err(error)) => {
                if matches!(error, sync_core::exchange::client::reply::NotTaken::OtherCursor) {
                    self.note("a reply to an older question", tablet);
                } else {
                    return Err(format!("tablet {tablet} could not take a reply: {error}"));
                }
            }
        }
        Ok(())
    }

    /// Lets a tablet and the server exchange until there is no more, with nothing going wrong.
    ///
    /// # Errors
    /// As the steps of it.
    pub fn exchange(&mut self, tablet: usize) -> Result<(), Wrong> {
        for _ in 0..PAGES_MAX {
            self.asked += 1;
            let number = self.asked;
            let now = self.clock.now();
            let outgoing = self.tablets[tablet].ask(number, now, &|act| act.act.0[15].is_multiple_of(8));
            let bytes = codec::encode(&outgoing.request);
            let request: Request = codec::decode(&bytes).map_err(|error| error.to_string())?;
            let before = self.inbox.len();
            self.request(None, request)?;
            if self.inbox.len() == before {
                return Ok(());
            }
            let reply = self.commit_for_last()?;
            let brought = self.tablets[tablet]
                .answered(number, &reply, now, false)
                .ok_or("the tablet forgot its question")?
                .map_err(|error| format!("tablet {tablet} could not take a reply: {error}"))?;
            if !brought.more {
                return Ok(());
            }
        }
        Err(format!("tablet {tablet} was told more and more"))
    }

    /// Lets a tablet fetch what it wants, as far as it gets it.
    ///
    /// # Errors
    /// A snapshot for somebody who may not read it, or one that the tablet cannot use.
    pub fn fetch(&mut self, tablet: usize, cached: bool) -> Result<(), Wrong> {
        use sync_core::exchange::client::copy::CopyError;
        let wanted = self.tablets[tablet].store().to_fetch().expect("reads");
        for (name, at_least) in wanted {
            let (device, person) = (self.tablets[tablet].device, self.tablets[tablet].person);
            let document = name.id();
            let got = self.server.fetch(self.clock.now(), device, document, at_least, cached);
            self.observe(u64::MAX)?;
            let Some(got) = got else {
                self.note("no snapshot", tablet);
                continue;
            };
            if !self.model.reads(person, document, self.clock.day()) {
                return Err(format!("{document} was handed to tablet {tablet}"));
            }
            match self.tablets[tablet].fetched(document, &got) {
                Ok(()) => self.note("snapshot", format!("{document} up to {}", got.seq)),
                Err(CopyError::TooOld) if got.seq < at_least => self.note("old snapshot", document),
                Err(error) => return Err(format!("tablet {tablet} could not use a snapshot: {error}")),
            }
        }
        Ok(())
    }
}
