//! Where a document's founded maps are, known without loading the document.
//!
//! A founded map is named by the operation that made it, and the founding changes are a pure function of the document's id. So the ids of
//! all containers can be computed, and bytes can be turned into slots, and slots into bytes, with nothing but this table in hand.

use std::borrow::Cow;

use crate::ids::{DocumentId, derive};

/// Where one founded map is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerAt {
    /// The counter of the operation that made it; the operation's actor is the founder.
    pub counter: u64,
    /// The founding step that made it, from 1: a change that uses the map must have this step among its ancestors.
    pub step: u32,
}

/// The founded maps of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Containers {
    /// The actor of the document's founding changes.
    pub founder: [u8; 16],
    /// Sorted by name: a table is made for each envelope, and six rows in one piece are made faster than a tree of them.
    by_name: Vec<(Cow<'static, str>, ContainerAt)>,
}

/// Returns the actor of a document's founding changes. No device can have it: a device's actor is the hash of its key.
pub fn founder(document: DocumentId) -> [u8; 16] {
    derive("founding", &[&document.0])
}

impl Containers {
    /// Returns the table of a document founded with these steps.
    pub fn of(document: DocumentId, steps: &[&[&'static str]]) -> Self {
        let mut table = Self::none(founder(document));
        let names = (1u32..).zip(steps).flat_map(|(step, names)| names.iter().map(move |name| (step, *name)));
        for (counter, (step, name)) in (1u64..).zip(names) {
            table.add(Cow::Borrowed(name), ContainerAt { counter, step });
        }
        table
    }

    /// Returns a table without any container yet, for a document whose founding is still to be read.
    pub fn none(founder: [u8; 16]) -> Self {
        Self { founder, by_name: Vec::with_capacity(8) }
    }

    /// Adds a container, such as one that a newer version's founding step made.
    pub fn add(&mut self, name: Cow<'static, str>, at: ContainerAt) {
        match self.row(&name) {
            Ok(row) => self.by_name[row].1 = at,
            Err(row) => self.by_name.insert(row, (name, at)),
        }
    }

    /// Returns where the container with this name is.
    pub fn get(&self, name: &str) -> Option<ContainerAt> {
        self.row(name).ok().map(|row| self.by_name[row].1)
    }

    /// Returns the container that the founder's operation `counter` made.
    pub fn made_by(&self, counter: u64) -> Option<(&str, ContainerAt)> {
        // A document has about six containers: looking through them is as fast as a second map.
        self.iter().find(|(_, at)| at.counter == counter)
    }

    /// Returns all containers by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ContainerAt)> {
        self.by_name.iter().map(|(name, at)| (name.as_ref(), *at))
    }

    /// Returns the number of founding steps that the table knows of.
    pub fn steps(&self) -> u32 {
        self.by_name.iter().map(|(_, at)| at.step).max().unwrap_or(0)
    }

    fn row(&self, name: &str) -> Result<usize, usize> {
        self.by_name.binary_search_by(|(known, _)| known.as_ref().cmp(name))
    }
}
