//! What only this tablet knows: its key, its server, its counter, and what it remembers of its own contacts.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_core::exchange::codec;
use sync_core::ids::{StudentId, TabletId};
use sync_core::kv::KvError;
use sync_core::sealing::SealingKey;
use sync_core::time::Moment;
use zeroize::Zeroizing;

use crate::store::{State, Table, Writes};

const KEY: &[u8] = b"key";
const TABLET: &[u8] = b"tablet";
const HOME: &[u8] = b"home";
const COUNTER: &[u8] = b"counter";
const CONTACT: &[u8] = b"contact";
const ENDED: &[u8] = b"ended";
const SCRUB: &[u8] = b"scrub";
/// A student of whom nothing may be read any more follows.
const LEFT: &[u8] = b"left/";

/// Where this tablet was paired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// The server's address.
    pub server: String,
    /// The organisation's name.
    pub organisation: String,
    /// The name of its time zone.
    pub zone: String,
    /// What the district's roster calls the person.
    pub person_external_id: String,
    /// The server's word that the device was paired.
    #[serde(with = "serde_bytes")]
    pub certificate: Vec<u8>,
    /// The server's key, to which acts are sealed; none where the tablet was paired with an older server.
    #[serde(default)]
    pub sealing: Option<SealingKey>,
}

/// What is remembered of exchanges.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contact {
    /// When the last one succeeded.
    pub synced: Option<Moment>,
    /// Why the last one failed, if it did: a stable code.
    pub failed: Option<String>,
    /// How much goes into one exchange, in bytes, where the line did not carry more; none: as much as there is.
    #[serde(default)]
    pub room: Option<u32>,
}

/// Reads what only this tablet knows.
#[derive(Clone, Copy)]
pub struct Local<'a>(pub &'a State<'a>);

impl Local<'_> {
    fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, KvError> {
        let value = self.0.get_in(Table::Local, key)?;
        value
            .map(|bytes| {
                codec::from_bytes(&bytes).map_err(|_| KvError::Damaged("what only this tablet knows"))
            })
            .transpose()
    }

    /// Returns the device's secret key; none before pairing was tried.
    pub fn key(&self) -> Result<Option<Zeroizing<[u8; 32]>>, KvError> {
        let stored = self.0.get_in(Table::Local, KEY)?.map(Zeroizing::new);
        let whole = |bytes: Zeroizing<Vec<u8>>| bytes.as_slice().try_into().map(Zeroizing::new);
        stored.map(|bytes| whole(bytes).map_err(|_| KvError::Damaged("the device's key"))).transpose()
    }

    /// Returns the id of the tablet as a thing.
    pub fn tablet(&self) -> Result<Option<TabletId>, KvError> {
        self.read(TABLET)
    }

    /// Returns where this tablet was paired.
    pub fn home(&self) -> Result<Option<Home>, KvError> {
        self.read(HOME)
    }

    /// Returns the counter of the last assertion.
    pub fn counter(&self) -> Result<u64, KvError> {
        Ok(self.read(COUNTER)?.unwrap_or(0))
    }

    /// Returns what is remembered of exchanges.
    pub fn contact(&self) -> Result<Contact, KvError> {
        Ok(self.read(CONTACT)?.unwrap_or_default())
    }

    /// Returns when the server said that this device's access has ended.
    pub fn ended(&self) -> Result<Option<Moment>, KvError> {
        self.read(ENDED)
    }

    /// Returns whether something removed may still be in the files.
    pub fn scrub_is_due(&self) -> Result<bool, KvError> {
        Ok(self.0.get_in(Table::Local, SCRUB)?.is_some())
    }

    /// Returns whether the person could read of a student once, and cannot any more.
    pub fn has_left(&self, student: StudentId) -> Result<bool, KvError> {
        Ok(self.0.get_in(Table::Local, &left(student))?.is_some())
    }
}

fn left(student: StudentId) -> Vec<u8> {
    [LEFT, &student.0].concat()
}

/// Writes what only this tablet knows.
impl Writes {
    fn local<T: Serialize>(&mut self, key: &[u8], value: &T) {
        self.put(Table::Local, key.to_vec(), codec::to_bytes(value));
    }

    /// Keeps the device's secret key and the tablet's id.
    pub fn set_key(&mut self, key: &[u8; 32], tablet: TabletId) {
        self.put(Table::Local, KEY.to_vec(), key.to_vec());
        self.local(TABLET, &tablet);
    }

    /// Keeps where this tablet was paired.
    pub fn set_home(&mut self, home: &Home) {
        self.local(HOME, home);
    }

    /// Keeps the counter of an assertion that is about to be sent.
    pub fn set_counter(&mut self, counter: u64) {
        self.local(COUNTER, &counter);
    }

    /// Keeps what is remembered of exchanges.
    pub fn set_contact(&mut self, contact: &Contact) {
        self.local(CONTACT, contact);
    }

    /// Notes that this device's access has ended.
    pub fn set_ended(&mut self, at: Moment) {
        self.local(ENDED, &at);
    }

    /// Notes that something removed may still be in the files, or that nothing is any more.
    pub fn set_scrub(&mut self, due: bool) {
        if due {
            self.put(Table::Local, SCRUB.to_vec(), Vec::new());
        } else {
            self.delete(Table::Local, SCRUB.to_vec());
        }
    }

    /// Notes that nothing of a student may be read any more, or that it may again.
    pub fn set_left(&mut self, student: StudentId, has_left: bool) {
        if has_left {
            self.put(Table::Local, left(student), Vec::new());
        } else {
            self.delete(Table::Local, left(student));
        }
    }
}
