//! A simulated line: how long bytes take over it, by a plain model of TCP.
//!
//! Segments leave at the line's rate, as many at once as the window allows, and are lost at random, each by itself. The window begins at
//! ten segments, grows by as many as were acknowledged until the first loss, then by one a round trip, and is halved by a loss. What was
//! lost is sent again with the next round trip; where everything of a round trip was lost, or the last segments were, the sender waits
//! for its timer first. Times are medians over many seeds, so that they are the same in every run.

use sync_core::random::Random;

/// Bytes of a segment's payload, and of all that goes around it: IP, TCP and TLS.
const SEGMENT_BYTES: usize = 1_400;
const AROUND_BYTES: usize = 80;
/// Segments of the first window (RFC 6928).
const FIRST_WINDOW: f64 = 10.0;
/// Round trips before the first byte of a request: TCP's handshake, and TLS 1.3's.
const HANDSHAKES: f64 = 2.0;
/// What a timer adds to a round trip, in seconds: Linux waits no less.
const TIMER_S: f64 = 0.2;

/// A line.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub bits_per_s: f64,
    pub round_trip_s: f64,
    /// Out of a thousand segments.
    pub lost_per_mille: usize,
}

impl Line {
    /// Returns the seconds of one exchange on a new connection: handshakes, the request up, the reply down.
    pub fn exchange(&self, up_bytes: usize, down_bytes: usize, dice: &mut Random) -> f64 {
        HANDSHAKES * self.round_trip_s + self.transfer(up_bytes, dice) + self.transfer(down_bytes, dice)
    }

    /// Returns the seconds until the last of so many bytes has arrived in one direction.
    fn transfer(&self, bytes: usize, dice: &mut Random) -> f64 {
        let (mut left, mut window, mut growing) = (bytes.div_ceil(SEGMENT_BYTES), FIRST_WINDOW, true);
        let segment_s = ((SEGMENT_BYTES + AROUND_BYTES) * 8) as f64 / self.bits_per_s;
        let mut seconds = 0.0;
        while left > 0 {
            let sent = left.min(window as usize);
            let fates: Vec<bool> = (0..sent).map(|_| dice.below(1_000) < self.lost_per_mille).collect();
            let lost = fates.iter().filter(|lost| **lost).count();
            left -= sent - lost;
            let sending = sent as f64 * segment_s;
            if left == 0 {
                // The last one is on its way for half a round trip.
                return seconds + sending + self.round_trip_s / 2.0;
            }
            seconds += sending.max(self.round_trip_s);
            if lost > 0 {
                // A loss is noticed by what arrives behind it; behind the last segments nothing does.
                let unnoticed = fates.iter().rev().take(1).any(|lost| *lost);
                seconds += if unnoticed { TIMER_S } else { 0.0 };
                (window, growing) = ((window / 2.0).max(2.0), false);
            } else {
                window += if growing { sent as f64 } else { 1.0 };
            }
        }
        seconds
    }
}
