//! Looking records up for policy, which knows of no failure: what could not be read is never taken for what is not there.

use std::cell::RefCell;

use crate::document::slot::SlotKey;
use crate::gate::policy::Known;
use crate::kv::KvError;

/// Returns what `judge` says with what `find` knows of records.
///
/// # Errors
/// The first failure of `find`: whatever was said without it is worth nothing, and must not be written down.
pub(crate) fn look_up<T>(
    find: impl Fn(&SlotKey) -> Result<Option<Known>, KvError>,
    judge: impl FnOnce(&dyn Fn(&SlotKey) -> Option<Known>) -> T,
) -> Result<T, KvError> {
    let failed = RefCell::new(None);
    let said = judge(&|key| {
        find(key).unwrap_or_else(|error| {
            failed.borrow_mut().get_or_insert(error);
            None
        })
    });
    failed.into_inner().map_or(Ok(said), Err)
}
