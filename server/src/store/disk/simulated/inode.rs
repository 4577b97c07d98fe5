//! The bytes of one file: as a process sees them, as the disk itself has them, and what a crash leaves of the difference.

use sync_core::random::{Random, SECTOR_BYTES};

#[derive(Default)]
pub(super) struct Inode {
    pub(super) current: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// The first byte that a sync still has to save.
    pub(super) dirty_from: Option<usize>,
    /// Room that was set aside for it, and is taken from others.
    pub(super) allocated: u64,
}

impl Inode {
    pub(super) fn touch(&mut self, offset: usize) {
        self.dirty_from = Some(self.dirty_from.map_or(offset, |from| from.min(offset)));
    }

    pub(super) fn save(&mut self) {
        if let Some(from) = self.dirty_from.take() {
            self.durable.resize(from, 0);
            self.durable.extend_from_slice(self.current.get(from..).unwrap_or_default());
        }
    }

    pub(super) fn crash(&mut self, random: &mut Random) {
        let unsynced = self.current != self.durable;
        if unsynced {
            let kept = match random.below(4) {
                0 => self.durable.clone(),
                1 => self.current.clone(),
                2 => {
                    let grown = self.current.len().saturating_sub(self.durable.len());
                    let keep = self.durable.len() + random.below(grown + 1);
                    self.current.get(..keep.min(self.current.len())).unwrap_or_default().to_vec()
                }
                _ => self.sectors(random),
            };
            self.durable = kept;
        }
        self.current = self.durable.clone();
        self.dirty_from = None;
    }

    /// Keeps the new length, and of each sector either the new or the old bytes; what was never written is zero.
    fn sectors(&self, random: &mut Random) -> Vec<u8> {
        let mut kept = self.durable.clone();
        kept.resize(self.current.len(), 0);
        for (old, new) in kept.chunks_mut(SECTOR_BYTES).zip(self.current.chunks(SECTOR_BYTES)) {
            if random.below(2) == 0 {
                old.copy_from_slice(new);
            }
        }
        kept
    }
}
