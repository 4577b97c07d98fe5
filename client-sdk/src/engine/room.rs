//! How much goes into one exchange on a line that breaks.
//!
//! On a good line there is no limit but the protocol's. Where a connection was made and broke, the next exchange asks for less, and so on
//! until something comes through whole; from there it grows slowly, since each try that breaks costs a wait. What was found out is kept
//! with the last contact, so that a tablet that is opened for a moment between two classes does not begin with too much again.

/// What is tried first after a break: with its answer, a second's worth on a slow radio link.
pub const ROOM_FIRST_BYTES: u32 = 32 * 1024;
/// The least: below it, the head of an answer is most of it.
pub const ROOM_BYTES_MIN: u32 = 2 * 1024;
/// Where there is so much room, no limit is needed.
pub const ROOM_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// Returns the room after a connection broke.
pub fn after_break(room: Option<u32>) -> u32 {
    room.map_or(ROOM_FIRST_BYTES, |room| (room / 2).max(ROOM_BYTES_MIN))
}

/// Returns the room after an exchange came through; none where the line is good enough for anything.
pub fn after_success(room: Option<u32>) -> Option<u32> {
    room.map(|room| room.saturating_add(room / 4 + 1)).filter(|room| *room < ROOM_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_take_room_down_to_the_least_and_no_further() {
        let mut room = None;
        for _ in 0..20 {
            room = Some(after_break(room));
        }
        assert_eq!(room, Some(ROOM_BYTES_MIN));
    }

    #[test]
    fn a_line_that_has_become_good_has_no_limit_after_a_while() {
        let mut room = Some(ROOM_BYTES_MIN);
        let mut exchanges = 0;
        while room.is_some() {
            room = after_success(room);
            exchanges += 1;
        }
        assert!(exchanges < 50, "{exchanges}");
        assert_eq!(after_success(None), None);
    }
}
