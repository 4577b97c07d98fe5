//! The same uploads in other orders, and twice.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use client_sdk::clock::Clock;
use client_sdk::deeds::LocalPolicy;
use client_sdk::engine::{APP, Until};
use client_sdk::local::Local;
use client_sdk::store::State;
use client_sdk::tools::Tools;
use client_sdk::transport::http::Http;
use client_sdk::trouble::Trouble;
use client_sdk::view::conflicts::conflicts;
use client_sdk::view::holds::holds;
use client_sdk::view::record::record;
use client_sdk::view::sight;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sync_core::envelope::{Body, Content, Envelope};
use sync_core::exchange::assertion::{Assertion, SCHEME};
use sync_core::exchange::client::outbox::{Outgoing, compose};
use sync_core::exchange::client::state::{ActState, Tablet as Kept};
use sync_core::exchange::codec;
use sync_core::exchange::message::Request;
use tests::process::http::send;
use tests::process::{Tablet, World};

use super::{list, log_session, text};
use crate::kills::dice;

/// Orders in which four tablets come to the network.
const FEW: [[usize; 4]; 5] = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [3, 0, 2, 1]];

/// Sorts the lists of a record by their members' ids: in which order equals are shown is nobody's promise.
fn settled(mut record: Value) -> Value {
    for list in record.as_object_mut().unwrap().values_mut() {
        if let Some(list) = list.as_array_mut() {
            list.sort_by_key(|one| one.to_string());
            for one in list {
                if let Some(values) = one["values"].as_array_mut() {
                    values.sort_by_key(Value::to_string);
                }
            }
        }
    }
    record
}

#[test]
fn a27_any_order_and_any_repetition_come_to_the_same() {
    let world = World::new();
    let tablets = ["slp1", "cm1", "ot1", "para1"].map(|person| world.tablet(person));
    let [ana, carla, dov, ben] = &tablets;
    let shared = log_session(ana, "s1", "2026-10-12T09:00:00-05:00");
    let tally = ana.ok("tally open --student s1 --goal g1");
    let tally = text(&tally["tally"]).to_owned();
    for tablet in [ana, carla, dov, ben] {
        tablet.ok("sync");
    }
    // Everybody works on the same things, offline.
    log_session(ana, "s1", "2026-10-13T09:00:00-05:00");
    ana.ok("goal g1 --statement 'Raises a hand and waits' --target 8");
    ana.ok(&format!("amend {shared} --set minutes=45 --reason 'began late'"));
    ana.ok(&format!("tally add {tally} 5"));
    carla.ok("goal g1 --statement 'Waits to be called on' --target 10");
    carla.ok(&format!("void {shared} --reason 'entered twice'"));
    log_session(dov, "s1", "2026-10-13T09:10:00-05:00");
    dov.ok("goal g1 --statement 'Puts a hand up' --no-local-policy");
    log_session(ben, "s1", "2026-10-13T11:00:00-05:00");
    ben.ok(&format!("tally add {tally} 3"));
    world.take_server().stop();

    let mut outcomes: Vec<(Value, Value, Value)> = Vec::new();
    for order in FEW {
        let copy = World::copied(&world);
        let tablets: Vec<Tablet> = tablets.iter().map(|tablet| copy.adopt(tablet)).collect();
        for nth in order {
            tablets[nth].network.keep();
            assert!(matches!(tablets[nth].run("sync").code, Some(0 | 4)));
            tablets[nth].network.repeat();
        }
        for tablet in &tablets {
            tablet.ok("sync");
        }
        let carla = &tablets[1];
        let holds = carla.ok("holds");
        let mut proposed: Vec<Value> =
            list(&holds["holds"]).iter().map(|hold| hold["proposed"].clone()).collect();
        proposed.sort_by_key(Value::to_string);
        let mut record = settled(carla.ok("record --student s1 --week 2026-10-12"));
        // A hold's id is drawn by the server when it is made.
        record.as_object_mut().unwrap().remove("waiting_for_review");
        let tally = carla.ok(&format!("tally show {tally}"));
        assert_eq!(tally["total"], 8);
        assert_eq!(
            settled(tablets[0].ok("record --student s1 --week 2026-10-12"))["sessions"],
            record["sessions"]
        );
        assert_eq!(copy.installation.verify().code, Some(0));
        outcomes.push((record, tally, Value::from(proposed)));
    }
    for (nth, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome, &outcomes[0], "order {:?}", FEW[nth]);
    }
}

/// Orders of every single upload. Each has a server and tablets of its own.
const ORDERS: u64 = 100;
/// How many of them are under way at a time.
const AT_A_TIME: usize = 4;
/// The week that everybody works in.
const WEEK: &str = "2026-10-12";
/// When they come back to the network.
const NOW: &str = "2026-10-16T16:00:00-05:00";

/// A tablet's radio in the test's hand: what the tablet would send, signed with its key as often as need be.
struct Radio {
    key: SigningKey,
    /// A request that brings nothing, from where the tablet stood.
    bare: Request,
    counter: u64,
    /// What it would have sent after each thing that was done on it, and each act by itself.
    uploads: Vec<Vec<Envelope>>,
}

impl Radio {
    fn of(tablet: &Tablet) -> Self {
        let tools = open(tablet.store());
        let look =
            |state: &State<'_>| -> Result<_, Trouble> { Ok((Local(state).key()?, Local(state).counter()?)) };
        let (key, counter) = tools.store.read(look).unwrap();
        let key = SigningKey::from_bytes(&key.expect("a paired tablet has a key"));
        let said = composed(&tools, &key).request;
        let bare = Request::bare(said.org, said.device, said.cursor, said.clock);
        Self { key, bare, counter, uploads: Vec::new() }
    }

    /// Does something on the tablet, and hears what it would send now: all of it so far.
    fn does(&mut self, tablet: &Tablet, line: &str) -> Value {
        let said = tablet.ok(line);
        // Taps become an act when there is a try to send them.
        if line.starts_with("tally") {
            tablet.exits(3, "sync");
        }
        self.uploads.push(composed(&open(tablet.store()), &self.key).request.envelopes);
        said
    }

    /// Takes each act by itself, too, as nothing but what it says.
    fn takes_apart(&mut self, tablet: &Tablet) {
        let last = self.uploads.last().and_then(|upload| upload.first()).expect("something was done");
        let body: Body = codec::from_bytes(&last.body).unwrap();
        let acts = open(tablet.store()).store.read(|state| Ok::<_, Trouble>(Kept(state).acts()?)).unwrap();
        for act in acts.into_iter().filter(|act| act.state == ActState::Unsent) {
            let body = Body { document: act.name.id(), content: Content::Slots(act.slots), ..body.clone() };
            self.uploads.push(vec![Envelope::sign(&body, &self.key)]);
        }
    }

    /// Delivers uploads to a server.
    fn delivers(&self, url: &str, nth: u64, uploads: &[usize]) {
        let envelopes = uploads.iter().flat_map(|upload| self.uploads[*upload].clone()).collect();
        let request = Request { envelopes, ..self.bare.clone() };
        let body = codec::encode(&request);
        let (org, device) = (request.org.0, request.device.0);
        let assertion = Assertion::of(org, device, self.counter + nth, &body).signed_by(&self.key);
        let proof = format!("{SCHEME} {assertion}");
        let headers = [("authorization", &*proof), ("content-type", "application/cbor")];
        let answer = send(url, "POST", "/v1/exchange", &headers, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn open(store: &Path) -> Tools {
    Tools::open(store, Clock::start(NOW.parse().unwrap()), LocalPolicy::Skipped).unwrap()
}

fn composed(tools: &Tools, key: &SigningKey) -> Outgoing {
    let now = tools.clock.now();
    tools.store.read(|state| Ok::<_, Trouble>(compose(state, key, APP, now, &|_| false).unwrap())).unwrap()
}

/// Everybody's week on one student, offline, and nothing of it at school yet.
struct Week {
    /// Whose tablets they are.
    people: Vec<String>,
    /// The names of their folders.
    folders: Vec<PathBuf>,
    radios: Vec<Radio>,
    /// A coordinator's.
    token: String,
}

impl Week {
    /// Lets them have it in a district, which is at rest then.
    fn offline_in(world: &World) -> Self {
        let tablets: Vec<Tablet> =
            ["slp1", "cm1", "ot1", "para1", "asst1"].into_iter().map(|person| world.tablet(person)).collect();
        let ana = &tablets[0];
        let shared = log_session(ana, "s1", "2026-10-12T09:00:00-05:00");
        let missed = ana.ok("missed --student s1 --service v1 --date 2026-10-13 --reason provider_absent");
        let missed = text(&missed["missed"]).to_owned();
        let tally = ana.ok("tally open --student s1 --goal g1");
        let tally = text(&tally["tally"]).to_owned();
        ana.ok("sync");
        let mut radios = Vec::new();
        for tablet in &tablets {
            tablet.ok("sync");
            tablet.network.set_up(false);
            radios.push(Radio::of(tablet));
        }
        let grant = world.grant("s1", "asst1");
        world.admin(&format!("grant end {grant} --on 2026-10-12 --reason 'moved to another class'"));
        let log = |day: u32, at: &str, more: &str| {
            format!(
                "log --student s1 --mode push-in --place general-class --start 2026-10-{day}T{at}:00-05:00 --minutes 30 {more}"
            )
        };
        let counted = "--service v1 --goal g1 --count 4 --seconds 600";
        for (nth, line) in [
            (0, log(13, "09:00", counted)),
            (0, "goal g1 --statement 'Raises a hand and waits' --target 8".into()),
            (0, format!("amend {shared} --set minutes=45 --reason 'began late'")),
            (0, format!("tally add {tally} 5")),
            (0, log(15, "09:00", &format!("--service v1 --make-up-for {missed}"))),
            (1, "goal g1 --statement 'Waits to be called on' --target 10".into()),
            (1, format!("void {shared} --reason 'entered twice'")),
            (1, log(14, "09:00", "--service v1")),
            (2, log(13, "09:10", "")),
            (2, "goal g1 --statement 'Puts a hand up' --no-local-policy".into()),
            (2, "goal g1 --target 11 --no-local-policy".into()),
            (3, log(13, "11:00", counted)),
            (3, format!("tally add {tally} 3")),
            (3, "goal g1 --statement 'Shouts the answer' --no-local-policy".into()),
            (4, log(14, "11:00", counted)),
            (4, log(15, "11:00", counted)),
        ] {
            let said = radios[nth].does(&tablets[nth], &line);
            if nth == 0 && line.starts_with("log") {
                // What builds on this may arrive before it.
                let session = text(&said["session"]);
                for line in [
                    format!("amend {session} --set minutes=40 --reason 'went on'"),
                    format!("certify {session}"),
                ] {
                    radios[nth].does(&tablets[nth], &line);
                }
            }
        }
        for (radio, tablet) in radios.iter_mut().zip(&tablets) {
            radio.takes_apart(tablet);
        }
        let token = world.token_of("coord1");
        world.take_server().stop();
        let folder = |tablet: &Tablet| PathBuf::from(tablet.store().file_name().unwrap());
        let folders = tablets.iter().map(folder).collect();
        Self { folders, people: tablets.iter().map(|tablet| tablet.person.clone()).collect(), radios, token }
    }

    /// Draws an order in which everything arrives, some of it more than once, and some of it together.
    fn draw(&self, seed: u64) -> Vec<(usize, Vec<usize>)> {
        let mut dice = dice(seed);
        let mut below = |end: usize| dice.below(end);
        let each = self.radios.iter().enumerate();
        let mut order: Vec<(usize, usize)> =
            each.flat_map(|(nth, radio)| (0..radio.uploads.len()).map(move |upload| (nth, upload))).collect();
        for _ in 0..order.len() / 2 {
            order.push(order[below(order.len())]);
        }
        for at in (1..order.len()).rev() {
            order.swap(at, below(at + 1));
        }
        let mut deliveries: Vec<(usize, Vec<usize>)> = Vec::new();
        for (radio, upload) in order {
            match deliveries.last_mut() {
                Some((last, together)) if *last == radio && below(2) == 0 => together.push(upload),
                _ => deliveries.push((radio, vec![upload])),
            }
        }
        deliveries
    }

    /// Lets everybody's tablet hear of everything, and returns what each shows, and what the coordinator is told.
    fn comes_to(&self, copy: &World) -> BTreeMap<String, Value> {
        let mut shown = BTreeMap::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (person, folder) in self.people.iter().zip(&self.folders) {
            let tools = open(&copy.folder(folder.to_str().unwrap()));
            let (http, report) = (Http::new(&copy.url()).unwrap(), RefCell::default());
            let done = runtime.block_on(tools.engine(&http, &|_| {}).run(Until::Done, &report));
            assert!(done.is_ok(), "{person}: {done:?}");
            let all = tools.look(|desk, local| {
                let student = desk.roster.student("s1");
                let record = record(desk, student, sight(desk, local, student)?, WEEK.parse().unwrap())?;
                let tallies = desk.with_record(student, |record| {
                    let all = record.tallies.iter();
                    Ok(all.map(|tally| (tally.head.key().to_string(), tally.by.clone())).collect::<Vec<_>>())
                })?;
                let (conflicts, holds) = (conflicts(desk)?, holds(desk)?);
                Ok(json!({
                    "record": record, "conflicts": conflicts, "holds": holds, "tallies": tallies,
                    "report": [report.borrow().stored, report.borrow().held, report.borrow().refused],
                }))
            });
            let mut all = all.unwrap();
            only_waiting(&mut all["holds"]);
            for (what, said) in all.as_object().unwrap() {
                shown.insert(format!("{person}: {what}"), unordered(said.clone()));
            }
        }
        let bearer = format!("Bearer {}", self.token);
        for (path, list) in [("/v1/holds", "holds"), ("/v1/refusals", "refusals")] {
            let said = send(&copy.url(), "GET", path, &[("authorization", &bearer)], b"").json();
            let mut rows = unordered(said[list].clone());
            if list == "holds" {
                only_waiting(&mut rows);
            } else {
                // The log has each envelope that came as evidence, and the list each of them.
                rows.as_array_mut().unwrap().dedup();
            }
            shown.insert(format!("coord1: {list}"), rows);
        }
        shown
    }
}

/// Leaves the holds that wait. What came before the record that it builds on was held, and judged when that came: a hold that is closed
/// says so.
fn only_waiting(holds: &mut Value) {
    holds.as_array_mut().unwrap().retain(|hold| hold["state"] == "waiting");
}

/// Sorts every list, and takes out what the server draws or notes when something arrives: ids and places of holds, instants of arrival.
fn unordered(mut said: Value) -> Value {
    match &mut said {
        Value::Array(list) => {
            for one in list.iter_mut() {
                *one = unordered(one.take());
            }
            list.sort_by_key(Value::to_string);
        }
        Value::Object(fields) => {
            if fields.contains_key("late") && fields.contains_key("reason") && fields.contains_key("proposed")
            {
                fields.remove("id");
            }
            for drawn in ["received", "seq", "at_seq"] {
                fields.remove(drawn);
            }
            for (_, one) in fields.iter_mut() {
                *one = unordered(one.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    said
}

#[test]
fn a27_a_hundred_orders_of_every_upload_come_to_the_same() {
    let world = World::new();
    let week = &Week::offline_in(&world);
    let (next, outcomes) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let arrive = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::SeqCst)).filter(|seed| *seed < ORDERS) {
            let copy = World::copied(&world);
            for (nth, (radio, uploads)) in (1..).zip(week.draw(seed)) {
                week.radios[radio].delivers(&copy.url(), nth, &uploads);
            }
            let shown = week.comes_to(&copy);
            if seed % 10 == 0 {
                copy.take_server().stop();
                assert_eq!(copy.installation.verify().code, Some(0), "order {seed}");
            }
            outcomes.lock().unwrap().push((seed, shown));
        }
    };
    thread::scope(|scope| (0..AT_A_TIME).map(|_| scope.spawn(arrive)).for_each(drop));
    let outcomes = outcomes.into_inner().unwrap();
    assert_eq!(outcomes.len() as u64, ORDERS);
    let (_, first) = &outcomes[0];
    is_what_was_done(first);
    for (seed, shown) in &outcomes {
        assert_eq!(shown.len(), first.len());
        for (what, said) in shown {
            assert_eq!(said, &first[what], "order {seed}: {what}");
        }
    }
}

/// Checks that what all orders come to is what was done.
fn is_what_was_done(shown: &BTreeMap<String, Value>) {
    let of = |what: &str| &shown[what];
    let record = of("slp1: record");
    assert_eq!(list(&record["sessions"]).len(), 6, "{record}");
    assert_eq!(list(&record["observations"]).len(), 2, "{record}");
    assert_eq!(list(of("slp1: conflicts")).len(), 2, "a statement and a target");
    assert_eq!(list(of("coord1: holds")).len(), 4, "two proposals, two late sessions");
    assert_eq!(list(of("coord1: refusals")).len(), 1);
    assert_eq!(of("slp1: tallies")[0][1].as_object().unwrap().len(), 2);
    for what in ["sessions", "missed", "goals", "conflicts", "minutes"] {
        assert_eq!(record[what], of("cm1: record")[what], "{what}: the two who read all of it agree");
    }
    assert_eq!(of("asst1: record")["sessions"], json!([]));
    assert_eq!(list(&of("asst1: record")["waiting_for_review"]).len(), 2);
    let [week] = list(&record["minutes"]) else { panic!("{record}") };
    // Two of half an hour and one of forty minutes, and forty that make up for the missed half hour; the voided one counts nowhere.
    let figures = ["mandated", "delivered", "owed", "balance"].map(|name| week[name].as_i64().unwrap());
    assert_eq!(figures, [60, 100, 0, 80], "{week}");
}
