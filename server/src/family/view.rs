//! A published page in a language's words.

use std::borrow::Cow;

use askama::Template;
use jiff::ToSpan;
use jiff::civil::Date;
use sync_core::projection::family::{
    FamilyPage, GoalOnPage, Going, MissedOnPage, ServiceOnPage, Stand, VisitOnPage, Week,
};

use super::chart::{Chart, HEIGHT, WIDTH};
use super::text::{Text, Value};

/// A link to the same page in another language.
pub(super) struct LanguageLink {
    pub(super) tag: &'static str,
    pub(super) name: String,
    pub(super) is_current: bool,
}

/// What every page has.
pub(super) struct Frame {
    pub(super) text: &'static Text,
    pub(super) style: Cow<'static, str>,
    pub(super) languages: Vec<LanguageLink>,
}

impl Frame {
    pub(super) fn in_language(text: &'static Text) -> Self {
        let link = |one: &'static Text| LanguageLink {
            tag: one.tag(),
            name: one.say("language-name"),
            is_current: one.tag() == text.tag(),
        };
        let languages = Text::all().iter().map(link).collect();
        Self { text, style: Cow::Borrowed(super::pages::STYLE_PATH), languages }
    }
}

/// The page of a child.
#[derive(Template)]
#[template(path = "family/page.html")]
pub(super) struct PageTemplate {
    frame: Frame,
    /// Where the forms of the page lead.
    path: String,
    title: String,
    lead: String,
    goals_title: String,
    goals: Vec<GoalWords>,
    weeks: Vec<WeekWords>,
    questions: String,
}

struct GoalWords {
    discipline: Option<String>,
    statement: String,
    statement_corrected: Option<String>,
    going: String,
    tone: &'static str,
    sentences: Vec<String>,
    chart: Option<ChartWords>,
}

struct ChartWords {
    chart: Chart,
    label: String,
    caption: &'static str,
    first_day: String,
    last_day: Option<String>,
    rows: Vec<RowWords>,
}

struct RowWords {
    day: String,
    seen: String,
    corrected: Option<String>,
}

struct WeekWords {
    title: String,
    days: String,
    none: Option<String>,
    services: Vec<ServiceWords>,
}

struct ServiceWords {
    name: String,
    count: String,
    lines: Vec<LineWords>,
}

struct LineWords {
    line: String,
    corrected: Option<String>,
}

impl PageTemplate {
    /// Puts a page into words; `path` is where its guardian signs in and out.
    pub(super) fn of(page: &FamilyPage, text: &'static Text, path: String) -> Self {
        // The name goes to the family itself.
        let words = Words { text, child: page.child.expose() };
        let today = text.weekday(page.today);
        Self {
            title: words.child("page-title", &[]),
            lead: words.child("page-lead", &[("day", today.into())]),
            goals_title: words.child("goals-title", &[]),
            goals: page.goals.iter().map(|goal| words.goal(goal, page.today)).collect(),
            weeks: vec![
                words.week("this-week", "week-none", &page.this_week),
                words.week("last-week", "last-week-none", &page.last_week),
            ],
            questions: words.child("about-questions", &[]),
            frame: Frame::in_language(text),
            path,
        }
    }
}

/// The greatest percentage, in thousandths.
const WHOLE: i64 = 100_000;

#[derive(Clone, Copy)]
struct Words<'a> {
    text: &'static Text,
    child: &'a str,
}

impl Words<'_> {
    /// Says a message that names the child.
    fn child(&self, id: &str, more: &[(&'static str, Value<'_>)]) -> String {
        let mut arguments = vec![("child", Value::from(self.child))];
        arguments.extend(more.iter().cloned());
        self.text.with(id, &arguments)
    }

    fn corrected(&self, day: Option<Date>) -> Option<String> {
        day.map(|day| self.text.with("corrected-on", &[("day", self.text.year(day).into())]))
    }

    fn discipline(&self, discipline: Option<&str>) -> String {
        self.text.say(&format!("discipline-{}", discipline.unwrap_or("none")))
    }

    fn goal(&self, goal: &GoalOnPage, today: Date) -> GoalWords {
        let kind = goal.aim.value().map_or("", |aim| aim.kind.as_str());
        let statement = match &goal.statement {
            // It goes to the family itself.
            Stand::Value(statement, _) => statement.expose().clone(),
            Stand::BeingUpdated | Stand::Nothing => self.text.say("goal-being-updated"),
        };
        let being_updated =
            matches!(goal.target, Stand::BeingUpdated) || matches!(goal.aim, Stand::BeingUpdated);
        let (going, tone) = if being_updated {
            (self.text.say("target-being-updated"), "early")
        } else {
            self.going(goal, today)
        };
        GoalWords {
            discipline: goal.aim.value().map(|aim| self.discipline(Some(&aim.discipline))),
            statement,
            statement_corrected: self.corrected(goal.statement.corrected()),
            tone,
            sentences: self.sentences(goal, kind),
            chart: self.chart(goal, kind, &going),
            going,
        }
    }

    fn going(&self, goal: &GoalOnPage, today: Date) -> (String, &'static str) {
        match goal.going {
            Going::Reached => (self.child("going-reached", &[]), "reached"),
            Going::OnTrack => match goal.by.value() {
                Some(by) => {
                    let day = self.text.year(*by);
                    (self.child("going-on-track-by", &[("day", day.into())]), "good")
                }
                None => (self.child("going-on-track", &[]), "good"),
            },
            Going::Moving => (self.child("going-moving", &[]), "good"),
            Going::Steady => (self.child("going-steady", &[]), "steady"),
            Going::Harder => (self.child("going-harder", &[]), "steady"),
            Going::Early => (self.text.say("going-early"), "early"),
            Going::Quiet => {
                let last = goal.points.last().map_or(today, |point| point.day);
                (self.text.with("going-quiet", &[("day", self.text.day(last).into())]), "early")
            }
        }
    }

    /// Says where it is lately, where it started and where it should go.
    fn sentences(&self, goal: &GoalOnPage, kind: &str) -> Vec<String> {
        let say = |id: &str, figure: i64| self.text.with(id, &[("n", self.text.number(figure).into())]);
        let zero = || self.text.say("start-zero");
        let ten = |figure: i64| ((figure + 5_000) / 10_000) * 1_000;
        let start = goal.start.value().map(|start| start.figure);
        let (lately, start, target) = match kind {
            "percent" => (
                goal.lately.map(|figure| say("lately-of-ten", ten(figure))),
                start.map(|figure| say("start-of-ten", ten(figure))),
                goal.target.value().map(|figure| self.target_of(*figure)),
            ),
            "probe" => (
                goal.lately.map(|figure| say("lately-probe", figure)),
                start.map(|figure| if figure > 0 { say("start-probe", figure) } else { zero() }),
                goal.target.value().map(|figure| say("target-probe", *figure)),
            ),
            "count" => {
                let down = goal.aim.value().is_some_and(|aim| aim.direction == "decrease");
                let target = if down { "target-count-down" } else { "target-count-up" };
                (
                    goal.lately.map(|figure| say("lately-count", figure)),
                    start.map(|figure| if figure > 0 { say("start-count", figure) } else { zero() }),
                    goal.target.value().map(|figure| say(target, *figure)),
                )
            }
            _ => (None, None, None),
        };
        let with = |sentence: Option<String>, corrected: Option<Date>| {
            let sentence = sentence?;
            Some(self.corrected(corrected).map_or(sentence.clone(), |note| format!("{sentence} {note}")))
        };
        let all = [lately, with(start, goal.start.corrected()), with(target, goal.target.corrected())];
        all.into_iter().flatten().collect()
    }

    /// Says a percentage as so many of so many, exactly, with as few as that takes.
    fn target_of(&self, figure: i64) -> String {
        let of = [10, 20, 100].into_iter().find(|of| (figure * of) % WHOLE == 0).unwrap_or(100);
        let n = self.text.number(figure * of * 1_000 / WHOLE);
        self.text.with("target-of", &[("n", n.into()), ("of", of.to_string().into())])
    }

    fn chart(&self, goal: &GoalOnPage, kind: &str, sentence: &str) -> Option<ChartWords> {
        let whole = (kind == "percent").then_some(WHOLE);
        let start = goal.start.value().map(|start| start.figure);
        let chart = Chart::of(&goal.points, goal.target.value().copied(), start, whole)?;
        let (first, last) = (goal.points.first()?, goal.points.last()?);
        let row = |point: &sync_core::projection::family::DayPoint| {
            let seen = match point.of {
                Some((n, of)) => {
                    self.text.with("seen-of", &[("n", n.to_string().into()), ("of", of.to_string().into())])
                }
                None => {
                    let id = if kind == "probe" { "seen-probe" } else { "seen-count" };
                    self.text.with(id, &[("n", self.text.number(point.figure).into())])
                }
            };
            RowWords { day: self.text.day(point.day), seen, corrected: self.corrected(point.corrected) }
        };
        Some(ChartWords {
            caption: if chart.goal.is_some() { "chart-caption" } else { "chart-caption-dots" },
            chart,
            label: self.text.with("chart-label", &[("sentence", sentence.into())]),
            first_day: self.text.short_day(first.day),
            last_day: (first.day != last.day).then(|| self.text.short_day(last.day)),
            rows: goal.points.iter().rev().map(row).collect(),
        })
    }

    fn week(&self, title: &str, none: &str, week: &Week) -> WeekWords {
        let friday = week.monday.checked_add(4.days()).unwrap_or(week.monday);
        let empty =
            week.services.iter().all(|service| service.visits.is_empty() && service.missed.is_empty());
        let days = [("from", self.text.day(week.monday).into()), ("to", self.text.day(friday).into())];
        WeekWords {
            title: self.text.say(title),
            days: self.text.with("week-days", &days),
            none: empty.then(|| self.text.say(none)),
            // So many of so many, where nothing is signed off yet, would only look like neglect.
            services: week
                .services
                .iter()
                .filter(|_| !empty)
                .filter_map(|service| self.service(service))
                .collect(),
        }
    }

    fn service(&self, service: &ServiceOnPage) -> Option<ServiceWords> {
        let done = u32::try_from(service.visits.len()).unwrap_or(u32::MAX);
        let weekly = service.promised.iter().filter(|promise| promise.period == "week");
        let planned = weekly.map(|promise| u32::from(promise.sessions)).sum::<u32>();
        if done == 0 && service.missed.is_empty() && planned == 0 {
            return None;
        }
        let count = if planned > 0 && done == 0 {
            // What is signed off can be days behind: nobody is told that nobody came.
            self.text.with("visits-planned", &[("planned", planned.into())])
        } else if planned > 0 {
            let of = [("done", done.to_string().into()), ("planned", planned.into())];
            self.text.with("visits-of", &of)
        } else {
            self.text.with("visits-done", &[("done", done.into())])
        };
        let visits = service.visits.iter().map(|one| (one.visit.day, self.visit(one)));
        let missed = service.missed.iter().map(|one| (one.missed.day, self.missed(one)));
        let mut lines: Vec<(Date, LineWords)> = visits.chain(missed).collect();
        lines.sort_by_key(|(day, _)| *day);
        Some(ServiceWords {
            name: self.discipline(service.discipline.as_deref()),
            count,
            lines: lines.into_iter().map(|(_, line)| line).collect(),
        })
    }

    fn visit(&self, one: &VisitOnPage) -> LineWords {
        let day = self.text.weekday(one.visit.day);
        let minutes = self.text.with("minutes", &[("minutes", one.visit.minutes.into())]);
        let line = match one.visit.mode.as_deref() {
            Some(mode) => {
                let mode = self.text.say(&format!("mode-{mode}"));
                let places = [("day", day.into()), ("mode", mode.into()), ("minutes", minutes.into())];
                self.text.with("visit-line", &places)
            }
            None => self.text.with("visit-line-plain", &[("day", day.into()), ("minutes", minutes.into())]),
        };
        LineWords { line, corrected: self.corrected(one.corrected) }
    }

    fn missed(&self, one: &MissedOnPage) -> LineWords {
        let reason = self.child(&format!("reason-{}", one.missed.reason), &[]);
        let places = [("day", self.text.weekday(one.missed.day).into()), ("reason", reason.into())];
        LineWords { line: self.text.with("missed-line", &places), corrected: self.corrected(one.corrected) }
    }
}

/// The page on which a guardian signs in. What a browser takes for the name of an account is the page's path, and is not sent: so it tells the
/// passphrases of two guardians apart.
#[derive(Template)]
#[template(path = "family/sign_in.html")]
pub(super) struct SignInTemplate {
    pub(super) frame: Frame,
    pub(super) path: String,
    pub(super) wrong: Option<String>,
    pub(super) choose: String,
}

/// The page for whoever may see nothing, for whatever reason.
#[derive(Template)]
#[template(path = "family/closed.html")]
pub(super) struct ClosedTemplate {
    pub(super) frame: Frame,
    /// Where to sign in; none where the address names nobody.
    pub(super) path: Option<String>,
}

/// The page for everybody while a restored server waits to be confirmed.
#[derive(Template)]
#[template(path = "family/restored.html")]
pub(super) struct RestoredTemplate {
    pub(super) frame: Frame,
}
