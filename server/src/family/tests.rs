//! The words of the pages: every language has all of them, templates have none, and what is shown stays text.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template as _;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use sync_core::document::slot::SlotKey;
use sync_core::ids::PersonId;
use sync_core::projection::family::{
    Aim, DayPoint, FamilyPage, GoalOnPage, Going, Missed, MissedOnPage, Promise, ServiceOnPage, Stand, Start,
    Visit, VisitOnPage, Week,
};
use sync_core::sensitive::Sensitive;
use sync_core::service::missed::Reason;

use super::text::Text;
use super::view::{ClosedTemplate, Frame, PageTemplate, SignInTemplate};

const SOURCES: [(&str, &str); 2] = [
    ("en", include_str!("../../locales/en/family.ftl")),
    ("es", include_str!("../../locales/es/family.ftl")),
];

const TEMPLATES: [(&str, &str); 5] = [
    ("frame.html", include_str!("../../templates/family/frame.html")),
    ("page.html", include_str!("../../templates/family/page.html")),
    ("sign_in.html", include_str!("../../templates/family/sign_in.html")),
    ("closed.html", include_str!("../../templates/family/closed.html")),
    ("restored.html", include_str!("../../templates/family/restored.html")),
];

const CODE: [&str; 5] = [
    include_str!("view.rs"),
    include_str!("pages/mod.rs"),
    include_str!("pages/answer.rs"),
    include_str!("pages/sign_in.rs"),
    include_str!("text.rs"),
];

/// Returns each message of a Fluent file with the names of its places.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if let Some((id, _)) =
            line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            current = id.to_owned();
            assert!(messages.insert(current.clone(), BTreeSet::new()).is_none(), "{id} is there twice");
        }
        for place in line.split('$').skip(1) {
            let name: String = place.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            messages.entry(current.clone()).or_default().insert(name);
        }
    }
    messages
}

#[test]
fn every_language_has_every_message_with_the_same_places() {
    let first = messages(SOURCES[0].1);
    assert!(first.len() > 100);
    for (tag, source) in &SOURCES[1..] {
        assert_eq!(messages(source), first, "{tag}");
    }
    let tags: Vec<&str> = Text::all().iter().map(Text::tag).collect();
    assert_eq!(tags, SOURCES.map(|(tag, _)| tag));
    for text in Text::all() {
        for (id, places) in &first {
            let places: Vec<(&'static str, _)> =
                places.iter().map(|name| (&*name.clone().leak(), "5".to_owned().into())).collect();
            assert!(!text.with(id, &places).is_empty(), "{} does not parse in {}", id, text.tag());
        }
    }
}

/// The ids that stand in a call such as `say("visits-title")`, and the beginnings of those that are put together.
fn asked(source: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut whole, mut begun) = (BTreeSet::new(), BTreeSet::new());
    // Quotes within quotes, as in an attribute of a template, leave some of what is between them outside: all of it is looked at.
    for literal in source.split('"') {
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if let Some((start, _)) = literal.split_once('{') {
            if start.ends_with('-') && start.chars().all(is_id) {
                begun.insert(start.to_owned());
            }
        } else if !literal.is_empty() && literal.chars().all(is_id) {
            whole.insert(literal.to_owned());
        }
    }
    (whole, begun)
}

#[test]
fn every_message_is_asked_for_and_every_one_that_is_asked_for_is_there() {
    let all = messages(SOURCES[0].1);
    let (mut whole, mut begun) = (BTreeSet::new(), BTreeSet::new());
    for source in TEMPLATES.iter().map(|(_, source)| *source).chain(CODE) {
        let (more, beginnings) = asked(source);
        whole.extend(more);
        begun.extend(beginnings);
    }
    let unused: Vec<&String> = all
        .keys()
        .filter(|id| !whole.contains(*id) && !begun.iter().any(|start| id.starts_with(start.as_str())))
        .collect();
    assert!(unused.is_empty(), "nobody asks for {unused:?}");
    for (name, source) in TEMPLATES {
        for call in source.split("say(\"").skip(1) {
            let id = call.split('"').next().unwrap();
            assert!(all.contains_key(id), "{name} asks for {id}");
        }
    }
    for reason in Reason::ALL {
        assert!(all.contains_key(&format!("reason-{}", reason.code())), "{reason}");
    }
    for discipline in sync_core::document::schema::DISCIPLINES {
        assert!(all.contains_key(&format!("discipline-{discipline}")));
    }
    for mode in sync_core::document::schema::MODES.iter().chain(["blended"].iter()) {
        assert!(all.contains_key(&format!("mode-{mode}")));
    }
}

#[test]
fn no_template_holds_a_word_that_a_family_reads() {
    const READ_ALOUD: [&str; 5] = ["aria-label=\"", "alt=\"", "title=\"", "placeholder=\"", "value=\""];
    for (name, source) in TEMPLATES {
        let mut text = String::new();
        let mut rest = source;
        // What askama puts in, and tags, are no text.
        while let Some(at) = rest.find(['{', '<']) {
            text.push_str(&rest[..at]);
            let end = ["{{", "{%", "<"]
                .into_iter()
                .zip(["}}", "%}", ">"])
                .find(|(open, _)| rest[at..].starts_with(open));
            let (_, close) = end.unwrap_or(("", "{"));
            let tag = &rest[at..at + rest[at..].find(close).unwrap() + close.len()];
            for attribute in READ_ALOUD.iter().filter_map(|name| tag.split(name).nth(1)) {
                assert!(attribute.starts_with("{{"), "{name}: {tag}");
            }
            // An attribute may hold an expression with a greater-than sign in it; none does.
            rest = &rest[at + tag.len()..];
        }
        text.push_str(rest);
        assert!(
            !text.chars().any(char::is_alphabetic),
            "{name} says {:?}",
            text.split_whitespace().collect::<Vec<_>>()
        );
        assert!(!source.contains("<script") && !source.contains(" style="), "{name}");
        let handlers =
            source.split_whitespace().filter(|word| word.starts_with("on") && word.contains("=\""));
        assert_eq!(handlers.count(), 0, "{name}");
    }
}

fn key(nth: u8) -> SlotKey {
    SlotKey::new(PersonId([nth; 16]), ulid::Ulid::from(u128::from(nth)))
}

fn day(month: i8, day: i8) -> Date {
    date(2026, month, day)
}

/// A page with something in every place of it; `text` is what people typed.
fn full(text: &str, going: Going) -> FamilyPage {
    let points = (0..12).map(|nth| DayPoint {
        day: day(10, 1 + nth),
        figure: 40_000 + 4_000 * i64::from(nth),
        of: Some((4, 10)),
        corrected: (nth == 3).then(|| day(10, 20)),
    });
    let goal = |kind: &str, discipline: &str| GoalOnPage {
        id: key(1),
        statement: Stand::Value(Sensitive::new(text.to_owned()), Some(day(10, 9))),
        aim: Stand::Value(
            Aim { discipline: discipline.into(), kind: kind.into(), direction: "increase".into() },
            None,
        ),
        target: Stand::Value(85_000, Some(day(10, 12))),
        by: Stand::Value(date(2027, 5, 28), None),
        start: Stand::Value(Start { figure: 42_000, day: Some(day(9, 1)) }, None),
        points: points.clone().collect(),
        lately: Some(76_000),
        going,
    };
    let promise = Promise {
        discipline: "slp".into(),
        sessions: 2,
        period: "week".into(),
        minutes: 30,
        from: day(8, 24),
        to: None,
    };
    let visit = |mode: Option<&str>, minutes| VisitOnPage {
        visit: Visit {
            day: day(10, 12),
            service: None,
            discipline: Some("slp".into()),
            mode: mode.map(str::to_owned),
            minutes,
            seen: BTreeMap::new(),
        },
        corrected: Some(day(10, 14)),
    };
    let missed = Reason::ALL.map(|reason| MissedOnPage {
        missed: Missed {
            day: day(10, 13),
            service: key(2),
            discipline: Some("slp".into()),
            reason: reason.code().to_owned(),
        },
        corrected: None,
    });
    let service = ServiceOnPage {
        discipline: Some("slp".into()),
        promised: vec![promise],
        visits: vec![visit(Some("push-in"), 30), visit(Some("blended"), 1), visit(None, 45)],
        missed: missed.to_vec(),
    };
    FamilyPage {
        child: Sensitive::new(text.to_owned()),
        today: day(10, 16),
        goals: vec![goal("percent", "slp"), goal("probe", "set"), goal("count", "ot")],
        this_week: Week { monday: day(10, 12), services: vec![service.clone()] },
        last_week: Week { monday: day(10, 5), services: vec![ServiceOnPage { discipline: None, ..service }] },
    }
}

fn drawn(page: &FamilyPage, tag: &str) -> String {
    let text = Text::written(tag).unwrap();
    PageTemplate::of(page, text, "/family/someone".to_owned()).render().unwrap()
}

/// Returns what a person reads of a page.
fn read(html: &str) -> String {
    let mut read = String::new();
    for part in html.split('<') {
        read.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        read.push(' ');
    }
    read.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn markup_in_names_and_goals_stays_text() {
    const HOSTILE: &str =
        "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><b>&amp; {{ path }} { $child }";
    for tag in ["en", "es"] {
        let html = drawn(&full(HOSTILE, Going::Moving), tag);
        for raw in ["<script", "<img", "<b>", "onerror=alert(1)>"] {
            assert!(!html.contains(raw), "{raw} in {tag}");
        }
        assert!(read(&html).contains("&#60;script&#62;alert(1)"), "shown as it was typed");
        assert!(html.contains("{{ path }} { $child }"), "and put into nothing");
    }
}

#[test]
fn every_page_can_be_said_in_every_language() {
    for text in Text::all() {
        for going in [
            Going::Early,
            Going::Quiet,
            Going::Reached,
            Going::OnTrack,
            Going::Moving,
            Going::Steady,
            Going::Harder,
        ] {
            let html = drawn(&full("Mira", going), text.tag());
            assert!(html.contains(&format!("lang=\"{}\" dir=\"ltr\"", text.tag())));
            assert!(!html.contains("<p></p>") && !html.contains("<li></li>"), "nothing is left unsaid");
            assert!(html.contains("Mira"));
        }
        let frame = || Frame::in_language(text);
        let path = "/family/someone".to_owned();
        let wrong = Some(text.say("wrong-sign-in"));
        let welcome = SignInTemplate { frame: frame(), path: path.clone(), wrong, choose: "x".into() };
        assert!(welcome.render().unwrap().contains("method=\"post\""));
        let closed = ClosedTemplate { frame: frame(), path: Some(path) };
        assert!(closed.render().unwrap().contains(&text.say("closed-title")));
    }
}

#[test]
fn dates_and_numbers_are_in_the_languages_manner() {
    let (english, spanish) = (Text::written("en").unwrap(), Text::written("es-MX").unwrap());
    let fifth = date(2026, 10, 5);
    assert_eq!(
        (english.weekday(fifth), spanish.weekday(fifth)),
        ("Monday, October 5".into(), "lunes 5 de octubre".into())
    );
    assert_eq!(
        (english.year(fifth), spanish.year(fifth)),
        ("October 5, 2026".into(), "5 de octubre de 2026".into())
    );
    assert_eq!((english.number(1_240), spanish.number(1_250)), ("1.2".into(), "1,3".into()));
    assert_eq!((english.number(57_040), spanish.number(0)), ("57".into(), "0".into()));
}

#[test]
fn a_language_is_understood_as_districts_and_browsers_write_it() {
    for (written, tag) in
        [("es", "es"), ("es-MX", "es"), ("Spanish", "es"), ("ESPAÑOL", "es"), ("en_US", "en")]
    {
        assert_eq!(Text::written(written).map(Text::tag), Some(tag), "{written}");
    }
    assert!(Text::written("ar").is_none() && Text::written("").is_none());
    assert_eq!(Text::accepted("fr-FR,fr;q=0.9,es;q=0.8,en;q=0.7").map(Text::tag), Some("es"));
    assert!(Text::accepted("fr, *").is_none());
}

/// Returns the school grade that a text can be read in, after Flesch and Kincaid.
fn grade(words: f64, sentences: f64, syllables: f64) -> f64 {
    0.39 * words / sentences + 11.8 * syllables / words - 15.59
}

/// Counts the syllables of an English word as its groups of vowels, less a silent ending.
fn syllables(word: &str) -> usize {
    let word = word.to_lowercase();
    let is_vowel = |c: char| "aeiouy".contains(c);
    let groups = word
        .chars()
        .fold((0, false), |(count, inside), c| (count + usize::from(is_vowel(c) && !inside), is_vowel(c)));
    let silent = word.ends_with('e') && !word.ends_with("le") || word.ends_with("ed");
    (groups.0 - usize::from(silent && groups.0 > 1)).max(1)
}

#[test]
fn a_sixth_grader_can_read_it() {
    assert!(
        (grade(100.0, 10.0, 130.0) - 3.65).abs() < 0.01 && (grade(100.0, 5.0, 170.0) - 12.27).abs() < 0.01
    );
    let english = Text::written("en").unwrap();
    for id in messages(SOURCES[0].1).keys().filter(|id| {
        let spoken =
            ["page-lead", "going-", "sign-in-first-lead", "wrong-", "about-", "closed-lead", "goals-none"];
        spoken.iter().any(|start| id.starts_with(start)) && !id.ends_with("title")
    }) {
        let places = [("child", "Mira".into()), ("day", "May 3".into()), ("n", "8".into())];
        let said = english.with(id, &places);
        let sentences = said.matches(['.', '!', '?']).count().max(1);
        let words: Vec<&str> =
            said.split(|c: char| !c.is_alphanumeric() && c != '’').filter(|word| !word.is_empty()).collect();
        let spoken: usize = words.iter().map(|word| syllables(word)).sum();
        let grade = grade(words.len() as f64, sentences as f64, spoken as f64);
        assert!(grade <= 6.0, "{id} is for grade {grade:.1}: {said}");
    }
}

#[test]
fn nothing_on_a_page_sounds_like_a_form() {
    let html = drawn(&full("Mira", Going::OnTrack), "en");
    let said = read(&html).to_lowercase();
    for jargon in [
        "percent",
        "%",
        "criterion",
        "trial",
        "prompt",
        "baseline",
        "mastery",
        "push-in",
        "pull-out",
        "null",
        "none",
    ] {
        assert!(!said.contains(jargon), "{jargon}");
    }
    assert!(said.contains("the goal is 17 of 20."), "85 of a hundred, in as few as that takes");
    assert!(said.contains("about 8 of 10"));
}

#[test]
fn a_page_is_small() {
    let html = drawn(&full("Mira Sample-Finch", Going::OnTrack), "es");
    let style = include_str!("../../templates/family/style.css");
    println!("a full page of three goals: {} bytes, its stylesheet {}", html.len(), style.len());
    assert!(html.len() + style.len() <= 20 * 1024, "all in, before it is packed");
}

proptest! {
    #[test]
    fn no_text_makes_a_tag(text in ".{0,60}") {
        let tags = |text: &str| drawn(&full(text, Going::Moving), "en").matches(['<', '>']).count();
        prop_assert_eq!(tags(&text), tags("Mira"));
    }
}
