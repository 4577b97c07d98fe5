//! The words of the pages, in each language: Fluent files, and dates and numbers in the language's manner.
//!
//! Nothing that a family reads stands in code or templates. A new language is a file beside the others and a line in [`LANGUAGES`]; a test
//! holds that every language has every message.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jiff::civil::Date;
use unic_langid::LanguageIdentifier;

/// A language that pages can be in.
struct Known {
    tag: &'static str,
    /// What districts write for it besides the tag, in small letters.
    also: &'static [&'static str],
    direction: Direction,
    source: &'static str,
}

/// Which way a language is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    LeftToRight,
    #[allow(
        dead_code,
        reason = "no language of this direction has its file yet; the pages are ready for one"
    )]
    RightToLeft,
}

/// All languages; the first one is for whoever asks for none of them.
const LANGUAGES: [Known; 2] = [
    Known {
        tag: "en",
        also: &["eng", "english"],
        direction: Direction::LeftToRight,
        source: include_str!("../../locales/en/family.ftl"),
    },
    Known {
        tag: "es",
        also: &["spa", "spanish", "español", "espanol", "castellano"],
        direction: Direction::LeftToRight,
        source: include_str!("../../locales/es/family.ftl"),
    },
];

static TEXTS: LazyLock<[Text; 2]> = LazyLock::new(|| LANGUAGES.each_ref().map(Text::of));

/// The words of one language.
pub struct Text {
    tag: &'static str,
    direction: Direction,
    bundle: FluentBundle<FluentResource>,
}

/// What stands in a message's places.
pub type Arguments<'a> = [(&'static str, Value<'a>)];

/// What can stand in a message's place.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// A text, as it is.
    Text(Cow<'a, str>),
    /// A number of things, by which the language may choose a form.
    Count(u32),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u32> for Value<'_> {
    fn from(count: u32) -> Self {
        Self::Count(count)
    }
}

impl Text {
    fn of(known: &Known) -> Self {
        let language: LanguageIdentifier = known.tag.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // What is put into a sentence of the other direction keeps its own; among languages of one direction it would only be noise.
        bundle.set_use_isolating(known.direction == Direction::RightToLeft);
        // What does not parse is left out, and a test finds it.
        let resource = FluentResource::try_new(known.source.to_owned()).unwrap_or_else(|(rest, _)| rest);
        bundle.add_resource_overriding(resource);
        Self { tag: known.tag, direction: known.direction, bundle }
    }

    /// Returns all languages.
    pub fn all() -> &'static [Self] {
        &*TEXTS
    }

    /// Returns the language that somebody writes so, as a tag (`es-MX`) or by its name.
    pub fn written(language: &str) -> Option<&'static Self> {
        let small = language.trim().to_lowercase();
        let primary = small.split(['-', '_']).next().unwrap_or_default();
        let at = LANGUAGES.iter().position(|known| known.tag == primary || known.also.contains(&primary));
        TEXTS.get(at?)
    }

    /// Returns the language that a browser asks for first among those that there are.
    pub fn accepted(header: &str) -> Option<&'static Self> {
        // Browsers list what they prefer in its order.
        header.split(',').filter_map(|one| one.split(';').next()).find_map(Self::written)
    }

    /// Returns the language for whoever asks for none.
    pub fn usual() -> &'static Self {
        &TEXTS[0]
    }

    /// Returns the language's tag.
    pub fn tag(&self) -> &'static str {
        self.tag
    }

    /// Returns the direction, as HTML writes it.
    pub fn direction(&self) -> &'static str {
        match self.direction {
            Direction::LeftToRight => "ltr",
            Direction::RightToLeft => "rtl",
        }
    }

    /// Returns a message.
    pub fn say(&self, id: &str) -> String {
        self.with(id, &[])
    }

    /// Returns a message with what stands in its places. What this language lacks is said in the first one.
    pub fn with(&self, id: &str, arguments: &Arguments<'_>) -> String {
        let mut values = FluentArgs::with_capacity(arguments.len());
        for (name, value) in arguments {
            match value {
                Value::Text(text) => values.set(*name, FluentValue::String(text.clone())),
                Value::Count(count) => values.set(*name, FluentValue::from(*count)),
            }
        }
        let found = self.found(id, &values).or_else(|| Self::usual().found(id, &values));
        found.unwrap_or_else(|| {
            tracing::error!(message = id, language = self.tag, "a message is missing");
            String::new()
        })
    }

    fn found(&self, id: &str, values: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let said = self.bundle.format_pattern(pattern, Some(values), &mut errors).into_owned();
        errors.is_empty().then_some(said)
    }

    /// Returns a day with its weekday.
    pub fn weekday(&self, day: Date) -> String {
        let weekday = self.say(&format!("weekday-{}", day.weekday().to_monday_one_offset()));
        self.with(
            "date-weekday",
            &[("weekday", weekday.into()), ("month", self.month(day)), ("day", day_of(day))],
        )
    }

    /// Returns a day of this school year.
    pub fn day(&self, day: Date) -> String {
        self.with("date-day", &[("month", self.month(day)), ("day", day_of(day))])
    }

    /// Returns a day where there is little room.
    pub fn short_day(&self, day: Date) -> String {
        let month = self.say(&format!("month-short-{}", day.month()));
        self.with("date-short", &[("month", month.into()), ("day", day_of(day))])
    }

    /// Returns a day with its year.
    pub fn year(&self, day: Date) -> String {
        let year = day.year().to_string();
        self.with("date-year", &[("month", self.month(day)), ("day", day_of(day)), ("year", year.into())])
    }

    /// Returns a figure given in thousandths: a whole number, or one with a tenth.
    pub fn number(&self, thousandths: i64) -> String {
        let tenths = (thousandths.max(0) + 50) / 100;
        if tenths % 10 == 0 {
            return (tenths / 10).to_string();
        }
        let (whole, tenth) = ((tenths / 10).to_string(), (tenths % 10).to_string());
        self.with("number-tenths", &[("whole", whole.into()), ("tenth", tenth.into())])
    }

    fn month(&self, day: Date) -> Value<'static> {
        self.say(&format!("month-{}", day.month())).into()
    }
}

fn day_of(day: Date) -> Value<'static> {
    day.day().to_string().into()
}
