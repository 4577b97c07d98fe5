//! Refusals as a person sees them: that something came, from whom and for what, and why it was not taken. What it said is evidence in the
//! log, and is shown to nobody here.

use std::collections::BTreeMap;
use std::sync::Arc;

use sync_core::document::name::DocumentKind;
use sync_core::exchange::server::index::RefusalState;
use sync_core::ids::{DeviceId, PersonId, StudentId};
use sync_core::kv::KvError;
use sync_core::roster::role::Role;

use super::holds::Viewer;
use super::{Engine, EngineError};

/// So many refusals are listed, the newest first; the log keeps them all.
pub const REFUSALS_LISTED_MAX: usize = 1_000;
/// So many of one device are: whoever sends what is refused over and over hides nobody else's.
pub const REFUSALS_OF_DEVICE_MAX: usize = 20;

/// An envelope that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// Its place in the log.
    pub seq: u64,
    /// Whose device sent it; none if that is not known here.
    pub author: Option<PersonId>,
    /// Which device sent it.
    pub device: DeviceId,
    /// About whom it was, and for what kind of document; none if there is no such document.
    pub document: Option<(StudentId, DocumentKind)>,
    /// Why, as a stable code.
    pub code: String,
}

impl Engine {
    /// Returns the newest refusals that a viewer may know of: an administrator all, a coordinator those of the school, anybody else the own.
    pub async fn refusals(self: &Arc<Self>, viewer: Viewer) -> Result<Vec<RefusalRow>, EngineError> {
        let engine = Arc::clone(self);
        self.aside(move || {
            let mut of_device: BTreeMap<DeviceId, usize> = BTreeMap::new();
            let mut refusals = engine.index().refusals(usize::MAX)?;
            refusals.retain(|(_, refusal)| {
                let listed = of_device.entry(refusal.device).or_default();
                *listed += 1;
                *listed <= REFUSALS_OF_DEVICE_MAX
            });
            let rows = refusals.into_iter().map(|(seq, refusal)| {
                let row = engine.refusal_row(seq, refusal)?;
                Ok(engine.may_know(viewer, &row)?.then_some(row))
            });
            rows.filter_map(Result::transpose).take(REFUSALS_LISTED_MAX).collect()
        })
        .await
    }

    fn refusal_row(&self, seq: u64, refusal: RefusalState) -> Result<RefusalRow, KvError> {
        let RefusalState { document, device, code } = refusal;
        let index = self.index();
        let author = index.device(device)?.map(|device| device.person);
        let document = index.document(document)?.map(|state| (state.name.subject, state.name.kind));
        Ok(RefusalRow { seq, author, device, document, code })
    }

    fn may_know(&self, viewer: Viewer, row: &RefusalRow) -> Result<bool, KvError> {
        let viewer = match viewer {
            Viewer::Administrator => return Ok(true),
            Viewer::Person(person) if row.author == Some(person) => return Ok(true),
            Viewer::Person(person) => person,
        };
        let index = self.index();
        let Some(viewer) = index.person(viewer)?.filter(|person| person.role == Role::Coord) else {
            return Ok(false);
        };
        // What is for no document is a matter of the school that it came from.
        let school = match (row.document, row.author) {
            (Some((student, _)), _) => index.student(student)?.and_then(|student| student.school),
            (None, Some(author)) => index.person(author)?.and_then(|author| author.school),
            (None, None) => None,
        };
        Ok(viewer.school.is_none() || viewer.school == school)
    }
}
