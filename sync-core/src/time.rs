//! Two kinds of time that must not be mixed: an instant, and a school day.
//!
//! An instant is what a clock said, in milliseconds since 1970 UTC. A school day is a date in the organisation's zone; grants, terms and
//! service weeks go by it. Nothing here reads a clock.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Milliseconds in a day of 24 hours.
pub const DAY_MS: i64 = 86_400_000;

/// The latest instant that a change or slot may claim: 2^53 - 1 ms, what every JavaScript reader can hold.
pub const MOMENT_MAX: i64 = (1 << 53) - 1;

/// An instant in milliseconds since 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl Moment {
    /// Returns this instant moved by `ms` milliseconds, held within what can be written.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms).clamp(0, MOMENT_MAX))
    }
}

/// The organisation's time zone: an IANA name that the bundled database knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A zone name that the bundled database does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone: an IANA name such as America/Chicago is expected")]
pub struct UnknownZone;

impl Zone {
    /// Finds a zone by its IANA name, in the database that is compiled in.
    ///
    /// # Errors
    /// [`UnknownZone`]: spell it as the IANA database does.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZone::get(name).map_err(|_| UnknownZone)?;
        // The zone's own spelling is required: the name is stored and compared.
        if zone.iana_name() == Some(name) { Ok(Self(zone)) } else { Err(UnknownZone) }
    }

    /// Returns the zone's IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Returns the school day on which `moment` falls.
    pub fn day_of(&self, moment: Moment) -> Date {
        self.timestamp(moment).to_zoned(self.0.clone()).date()
    }

    /// Returns the first instant of a school day.
    pub fn start_of(&self, day: Date) -> Moment {
        let zoned = day.to_zoned(self.0.clone());
        Moment(zoned.map(|z| z.timestamp().as_millisecond()).unwrap_or(0))
    }

    /// Returns `moment` in RFC 3339 with this zone's offset, for example `2026-11-20T09:30:00-06:00`.
    pub fn rfc3339(&self, moment: Moment) -> String {
        let zoned = self.timestamp(moment).to_zoned(self.0.clone());
        let whole = moment.0.rem_euclid(1000) == 0;
        zoned.strftime(if whole { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S%.3f%:z" }).to_string()
    }

    fn timestamp(&self, moment: Moment) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(moment.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = String::deserialize(d)?;
        Self::named(&name).map_err(serde::de::Error::custom)
    }
}

/// Reads an RFC 3339 instant with offset.
pub fn moment_from_rfc3339(text: &str) -> Option<Moment> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    let ms = stamp.as_millisecond();
    (0..=MOMENT_MAX).contains(&ms).then_some(Moment(ms))
}

/// Reads a school day written `YYYY-MM-DD`, and nothing else.
pub fn day_from_text(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    (date.to_string() == text && date.year() >= 1900).then_some(date)
}

/// Returns the Monday of the week in which `day` lies.
pub fn monday_of(day: Date) -> Date {
    let back = i64::from(day.weekday().since(Weekday::Monday));
    day.checked_sub(jiff::Span::new().days(back)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_schools_not_the_servers() {
        let chicago = Zone::named("America/Chicago").unwrap();
        let late = moment_from_rfc3339("2026-11-21T05:59:59Z").unwrap();
        assert_eq!(chicago.day_of(late).to_string(), "2026-11-20");
        assert_eq!(chicago.day_of(late.plus_ms(1000)).to_string(), "2026-11-21");
        assert_eq!(chicago.start_of("2026-11-21".parse().unwrap()), late.plus_ms(1000));
        assert_eq!(chicago.rfc3339(late), "2026-11-20T23:59:59-06:00");
    }

    #[test]
    fn zones_are_spelled_as_the_database_does() {
        assert!(Zone::named("america/chicago").is_err());
        assert!(Zone::named("Mars/Olympus").is_err());
    }

    #[test]
    fn weeks_begin_on_monday() {
        for (day, monday) in
            [("2026-11-22", "2026-11-16"), ("2026-11-16", "2026-11-16"), ("2027-01-01", "2026-12-28")]
        {
            assert_eq!(monday_of(day.parse().unwrap()).to_string(), monday);
        }
    }

    #[test]
    fn only_plain_dates_are_days() {
        for bad in ["2026-2-3", "20260203", "2026-02-30", "2026-02-03T00:00", ""] {
            assert_eq!(day_from_text(bad), None, "{bad}");
        }
    }
}
