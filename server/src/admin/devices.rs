//! Devices, ended by hand.

use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::{DeviceId, PersonId};
use sync_core::roster::{Device, DeviceState};

use super::audit;

/// How long a code that an administrator asks for is good, in milliseconds: a school day.
pub const CODE_LIFE_MS: i64 = 24 * 60 * 60 * 1000;

/// Ends a device's access, or says that it is lost, too; returns it, or none where there is no such device.
///
/// What is lost stays lost: a device that is out of its person's hands does not come back by being revoked.
///
/// # Errors
/// [`DeskError`].
pub fn revoke(
    desk: &mut Desk<'_>,
    by: Option<PersonId>,
    id: DeviceId,
    lost: bool,
) -> Result<Option<Device>, DeskError> {
    let Some(device) = desk.index().device(id)? else { return Ok(None) };
    let state = match (lost, device.state) {
        (true, _) | (false, DeviceState::Lost) => DeviceState::Lost,
        (false, DeviceState::Active | DeviceState::Revoked | DeviceState::Unconfirmed) => {
            DeviceState::Revoked
        }
    };
    if state != device.state {
        desk.emit(LogEntry::DeviceState { device: id, state })?;
        audit(desk, by, if lost { "device_lost" } else { "device_revoke" }, id)?;
    }
    Ok(Some(Device { state, ..device }))
}
