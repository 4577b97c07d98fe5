//! A school in which everything has happened that leaves something to be told, and all that anybody is told there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sync_core::exchange::codec;
use sync_core::exchange::message::{Entry, Reply};
use sync_core::time::Moment;
use tests::process::http::send;
use tests::process::{BareDevice, Tablet, World};

use crate::stories::family::Guardian;

/// What an administrator may ask.
const ADMINISTRATOR: [&str; 8] = [
    "person list",
    "student list",
    "grant list",
    "device list",
    "guardian list",
    "hold list",
    "refusal list",
    "restored status",
];
/// Who has a token on the server's machine, and what may be asked with it.
const REVIEWERS: [(&str, [&str; 2]); 2] =
    [("coord1", ["hold list", "refusal list"]), ("cm1", ["hold list", "refusal list"])];
/// Everybody who works there: each of them might come with a new device.
const PEOPLE: [&str; 7] = ["slp1", "slp2", "ot1", "cm1", "para1", "asst1", "coord1"];

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn session(tablet: &Tablet, student: &str, day: u32, hour: u32) -> String {
    let logged = tablet.ok(&format!(
        "log --student {student} --mode push-in --place general-class --start 2026-10-{day}T{hour:02}:00:00-05:00 --minutes 30"
    ));
    text(&logged["session"]).to_owned()
}

/// The ids of the holds by one person, in the order of what they are about.
fn holds_by(tablet: &Tablet, author: &str) -> Vec<String> {
    let holds = tablet.ok("holds");
    let mut of: Vec<(String, String)> = list(&holds["holds"])
        .iter()
        .filter(|hold| hold["author"] == author)
        .map(|hold| (format!("{} {}", hold["record"], hold["field"]), text(&hold["id"]).to_owned()))
        .collect();
    of.sort();
    of.into_iter().map(|(_, id)| id).collect()
}

/// The school, with who is in it.
pub(super) struct School {
    tablets: Vec<Tablet>,
    rosa: Guardian,
    devices: Vec<(&'static str, BareDevice)>,
}

impl School {
    /// Lets everything happen, to students of whom the rounds of a test know nothing.
    pub(super) fn lived(world: &World) -> Self {
        let [ana, carla, sol, ben, mina] =
            ["slp1", "cm1", "slp2", "para1", "asst1"].map(|person| world.tablet(person));

        // A refusal, and an end behind which three sessions come late: one stays open, one is admitted, one is declined.
        ben.ok("goal g2 --statement 'Shouts the answer' --no-local-policy");
        assert_eq!(ben.exits(5, "sync")["refused"], 1);
        for hour in 9..12 {
            session(&ben, "s2", 14, hour);
        }
        let grant = world.grant("s2", "para1");
        world.admin(&format!("grant end {grant} --on 2026-10-13 --reason 'moved to another class'"));
        assert_eq!(ben.run("sync").json["held"], 3);

        // What an assistant may not: the same three.
        world.admin("grant add --student s4 --person asst1 --role asst --from 2026-08-24 --supervisor slp1 --reason class");
        mina.ok("sync");
        for edit in ["--target 9", "--statement 'Waits'", "--statement 'Waits for two turns'"] {
            mina.ok(&format!("goal g4 {edit} --no-local-policy"));
            assert_eq!(mina.exits(4, "sync")["held"], 1);
        }
        carla.ok("sync");
        for person in ["para1", "asst1"] {
            let [open, admitted, declined] = &holds_by(&carla, &world.person(person))[..] else {
                panic!("three")
            };
            assert_ne!(open, admitted);
            carla.ok(&format!("admit {admitted}"));
            carla.ok(&format!("decline {declined} --reason 'this was somebody else'"));
        }

        // A place that is to come, a conflict, a tally, and a session in every state.
        world.admin("grant add --student s3 --person ot1 --role ot --from 2026-11-02 --reason caseload");
        ana.ok("goal g3 --target 8");
        carla.ok("goal g3 --target 10");
        let tally = text(&ana.ok("tally open --student s4 --goal g4")["tally"]).to_owned();
        for tablet in [&ana, &carla] {
            tablet.ok("sync");
        }
        ana.ok("sync");
        ana.ok(&format!("tally add {tally} 5"));
        carla.ok(&format!("tally add {tally} 3"));
        let [certified, amended, voided, _] = [9, 10, 11, 12].map(|hour| session(&ana, "s5", 12, hour));
        ana.ok("missed --student s5 --service v5 --date 2026-10-13 --reason provider_absent");
        ana.ok(&format!("certify {certified} {amended}"));
        ana.ok(&format!("amend {amended} --set minutes=45 --reason 'began late'"));
        ana.ok("log --student s2 --mode push-in --place general-class --start 2026-10-12T10:00:00-05:00 --minutes 30 --service v2");
        ana.ok("sync");
        carla.ok("sync");
        carla.ok(&format!("void {voided} --reason 'entered twice'"));
        carla.ok("sync");
        ana.ok("sync");
        assert_eq!(list(&ana.ok("conflicts")["conflicts"]).len(), 1);

        // A tablet that is lost, and hands in.
        let known = world.admin("device list --person slp2");
        let lost = world.tablet("slp2");
        session(&lost, "s6", 14, 9);
        let devices = world.admin("device list --person slp2");
        let mut new =
            list(&devices["devices"]).iter().filter(|device| !list(&known["devices"]).contains(device));
        let new = new.find(|device| list(&known["devices"]).iter().all(|one| one["id"] != device["id"]));
        world.admin(&format!("device revoke {} --lost", text(&new.expect("a second device")["id"])));
        assert_eq!(lost.exits(6, "sync")["held"], 1);

        let mut rosa = Guardian::invited(world, "s5", "Rosa Achebe", "es");
        rosa.redeems();
        let devices = PEOPLE.iter().enumerate().map(|(nth, person)| {
            let code = world.admin(&format!("device code {person}"));
            let seed = u8::try_from(100 + nth).unwrap();
            (*person, BareDevice::pair(&world.url(), text(&code["code"]), seed))
        });
        let devices = devices.collect();
        let tablets = vec![ana, carla, sol, ben, mina, lost];
        // Everybody hears what was decided, looks at it, and lets go of it.
        for tablet in &tablets {
            for line in ["sync", "holds", "sync"] {
                tablet.run(line);
            }
        }
        Self { tablets, rosa, devices }
    }

    /// Returns all that anybody is told who may ask, each by whom and what was asked.
    pub(super) fn told(&self, world: &World) -> BTreeMap<String, Value> {
        let mut told = BTreeMap::new();
        let mut say = |who: String, said: Value| assert!(told.insert(who, said).is_none());
        for line in ADMINISTRATOR {
            let mut said = world.admin(line);
            if line == "device list" {
                without(&mut said["devices"], "last_contact");
            }
            say(format!("an administrator: {line}"), said);
        }
        for (person, lines) in REVIEWERS {
            let token = world.token_of(person);
            let ask = |line: &str| -> Value {
                let ran = world.with_server(|server| server.run_as(&token, line)).ok();
                serde_json::from_str(&ran.stdout).unwrap()
            };
            for line in lines {
                let said = ask(line);
                for hold in said["holds"].as_array().into_iter().flatten() {
                    let line = format!("hold show {}", text(&hold["id"]));
                    say(format!("{person}: {line}"), ask(&line));
                }
                say(format!("{person}: {line}"), said);
            }
        }
        for (nth, tablet) in self.tablets.iter().enumerate() {
            let who = format!("tablet {nth} of {}", tablet.person);
            let synced = tablet.run("sync");
            say(
                format!("{who}: sync"),
                json!([synced.code, synced.json["stored"], synced.json["error"]["code"]]),
            );
            let caseload = tablet.run("caseload").json;
            let mut students: BTreeSet<String> = caseload["students"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|student| text(&student["external_id"]).to_owned())
                .collect();
            students.extend(["s2".to_owned(), "s6".to_owned()]);
            for student in students {
                let said = tablet.run(&format!("record --student {student}"));
                say(format!("{who}: record of {student}"), json!([said.code, said.json]));
            }
            say(format!("{who}: caseload"), caseload);
            for line in ["holds", "conflicts"] {
                say(format!("{who}: {line}"), tablet.run(line).json);
            }
            let mut status = json!([tablet.run("status").json]);
            without(&mut status, "last_sync");
            say(format!("{who}: status"), status);
        }
        for (person, device) in &self.devices {
            let (reply, token) = device.exchange();
            assert!(!reply.more, "{person}: all of it comes at once");
            for entry in &reply.entries {
                if let Entry::Begin { name, .. } = entry {
                    let bearer = format!("Bearer {token}");
                    let path = format!("/v1/documents/{}/snapshot", name.id());
                    let got = send(&world.url(), "GET", &path, &[("authorization", &bearer)], b"");
                    assert_eq!(got.status, 200, "{person}: {name:?}");
                    let bytes = [got.headers["x-carryover-incarnation"].clone(), hex(&got.body)];
                    say(format!("a new device of {person}: {:?} {}", name.kind, name.id()), json!(bytes));
                }
            }
            // Where the log ends now, and which document comes first, is no part of what is told.
            let mut entries: Vec<String> =
                reply.entries.iter().map(|entry| hex(&codec::to_bytes(&placeless(entry)))).collect();
            entries.sort();
            let rest = Reply { entries: Vec::new(), cursor: None, clock: Moment(0), ..reply };
            say(format!("a new device of {person}"), json!([entries, hex(&codec::encode(&rest))]));
        }
        say("a family's page".into(), self.rosa.reads().into());
        told
    }
}

/// Checks that all is there that was to happen, so that what is compared later is not nothing.
pub(super) fn is_rich(told: &BTreeMap<String, Value>) {
    let states = |list_of: &Value| -> BTreeSet<String> {
        list(list_of).iter().map(|one| text(&one["state"]).to_owned()).collect()
    };
    let of = |who: &str| told.get(who).unwrap_or_else(|| panic!("nothing of {who}"));
    let named =
        |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!(states(&of("an administrator: grant list")["grants"]), named(&["coming", "current", "ended"]));
    assert_eq!(states(&of("an administrator: device list")["devices"]), named(&["active", "lost"]));
    let holds = &of("coord1: hold list")["holds"];
    assert_eq!(states(holds), named(&["admitted", "declined", "waiting"]));
    assert_eq!(list(holds).len(), 7, "three of the para's, three of the assistant's, one of a lost tablet's");
    assert_eq!(list(&of("an administrator: refusal list")["refusals"]).len(), 1);
    assert_eq!(of("an administrator: restored status")["waiting_for_confirmation"], false);
    let record = &of("tablet 0 of slp1: record of s5")[1];
    assert!(states(&record["sessions"]).is_superset(&named(&["certified", "complete", "void"])), "{record}");
    assert_eq!(list(&record["missed"]).len(), 1);
    assert_eq!(list(&of("tablet 0 of slp1: conflicts")["conflicts"]).len(), 1);
    assert_eq!(of("tablet 5 of slp2: sync")[0], 6, "the lost one");
    let documents = told.keys().filter(|who| who.starts_with("a new device of slp1: ")).count();
    assert!(documents >= 15, "a plan, a log and tallies of each of five students at least: {documents}");
    assert!(text(of("a family's page")).contains("Wendell Achebe"));
}

fn placeless(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if let Entry::Begin { fetch: Some(at), .. } = &mut entry {
        *at = 0;
    }
    entry
}

fn without(rows: &mut Value, name: &str) {
    for row in rows.as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove(name);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks that everybody is told what they were told before, and names who is not.
pub(super) fn same(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>, when: &str) {
    let asked = |told: &BTreeMap<String, Value>| told.keys().cloned().collect::<Vec<_>>();
    assert_eq!(asked(after), asked(before), "{when}");
    for (who, said) in after {
        assert_eq!(said, &before[who], "{when}: {who}");
    }
}
