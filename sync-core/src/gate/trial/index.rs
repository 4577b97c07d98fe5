//! The index of one document in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::change::{ActorTip, ChangeHash, Outline};
use crate::gate::verbatim::{ChangeMeta, History};
use crate::kv::KvError;

/// What the gate must know of a document, gathered from the outlines of its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    founder: [u8; 16],
    heads: BTreeSet<ChangeHash>,
    changes: BTreeMap<ChangeHash, ChangeMeta>,
    actors: BTreeMap<[u8; 16], ActorTip>,
}

impl Index {
    /// Returns the index of a document without changes.
    pub fn new(founder: [u8; 16]) -> Self {
        Self { founder, heads: BTreeSet::new(), changes: BTreeMap::new(), actors: BTreeMap::new() }
    }

    /// Adds a stored change; those that it builds on must have been added.
    pub fn add(&mut self, change: &Outline) {
        let founded = u32::try_from(change.seq).ok().filter(|_| change.actor == self.founder).unwrap_or(0);
        let below = change.deps.iter().filter_map(|dep| self.changes.get(dep));
        let step = below.map(|meta| meta.step).max().unwrap_or(0).max(founded);
        self.changes.insert(change.hash, ChangeMeta { max_op: change.max_op, step });
        for dep in &change.deps {
            self.heads.remove(dep);
        }
        self.heads.insert(change.hash);
        self.actors.insert(change.actor, ActorTip { seq: change.seq, hash: change.hash });
    }

    /// Returns the largest counter of an operation.
    pub fn max_op(&self) -> u64 {
        self.changes.values().map(|meta| meta.max_op).max().unwrap_or(0)
    }
}

impl History for Index {
    fn heads(&self) -> Result<Vec<ChangeHash>, KvError> {
        Ok(self.heads.iter().copied().collect())
    }

    fn change(&self, hash: &ChangeHash) -> Result<Option<ChangeMeta>, KvError> {
        Ok(self.changes.get(hash).copied())
    }

    fn actor(&self, actor: &[u8; 16]) -> Result<Option<ActorTip>, KvError> {
        Ok(self.actors.get(actor).copied())
    }
}
