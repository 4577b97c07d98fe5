//! Every command that districts script, with every field that they were promised.
//!
//! What the fields say is the stories' business; here they must be there, and nothing but the one object may be on standard output.

use serde_json::{Value, json};
use tests::process::{Tablet, World};

/// Runs a command that must be done and checks that the object has these members, and a list's members these.
fn fields(tablet: &Tablet, line: &str, names: &[&str]) -> Value {
    let said = tablet.ok(line);
    has(&said, names, line);
    said
}

fn has(object: &Value, names: &[&str], what: &str) {
    for name in names {
        assert!(object.get(name).is_some(), "{what}: no {name} in {object}");
    }
}

fn first_has(list: &Value, names: &[&str], what: &str) -> Value {
    let first =
        list.as_array().and_then(|list| list.first()).unwrap_or_else(|| panic!("{what}: nothing in {list}"));
    has(first, names, what);
    first.clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

const GOAL: [&str; 6] = ["id", "statement", "target", "target_by", "target_at", "kind"];
const SESSION: [&str; 11] =
    ["id", "author", "service", "mode", "place", "start", "minutes", "segments", "group", "state", "late"];
const HOLD: [&str; 12] = [
    "id", "student", "record", "author", "mine", "reason", "what", "field", "present", "proposed", "state",
    "late",
];

#[test]
fn the_tablet_says_what_was_promised() {
    let world = World::new();
    let ana = world.unpaired("slp1");
    let code = world.admin("device code slp1");
    let pair = format!("pair --server {} --code {}", ana.network.url(), text(&code["code"]));
    fields(&ana, &pair, &["device", "person"]);
    let sync = ["stored", "held", "refused", "waiting", "round_trips", "bytes_up", "bytes_down", "purged"];
    fields(&ana, "sync", &sync);
    let caseload = fields(&ana, "caseload", &["students"]);
    let names = ["id", "display_name", "roles", "goals", "services"];
    let student = first_has(&caseload["students"], &names, "caseload");
    first_has(&student["goals"], &GOAL, "caseload");
    first_has(
        &student["services"],
        &["id", "minutes", "sessions", "period", "mode", "discipline"],
        "caseload",
    );

    fields(
        &ana,
        "start --student s1 --mode push-in --place hallway --routine small-group --service v1",
        &["live"],
    );
    let live = fields(&ana, "tap --goal g1 --n 2", &["live", "counts"]);
    first_has(&live["counts"], &["student", "goal", "n"], "tap");
    for line in [
        "trial --goal g1p correct",
        "trial --goal g1p incorrect",
        "trial --goal g1p no-response",
        "undo",
        "live",
    ] {
        fields(&ana, line, &["live", "counts"]);
    }
    fields(&ana, &format!("live --live {}", text(&live["live"])), &["counts"]);
    let finished = fields(&ana, "finish --note 'a calm morning'", &["sessions"]);
    let session = first_has(&finished["sessions"], &["student", "session", "observations"], "finish");

    let logged = fields(
        &ana,
        "log --student s1 --mode pull-out --place resource-room --start 2026-10-15T10:00:00-05:00 --minutes 20 --service v1 \
         --group 01JA0000000000000000000000 --size 2 --note 'read aloud' --goal g1 --count 3 --seconds 600 --goal g1p --correct 4 --of 5",
        &["session", "observations"],
    );
    assert_eq!(logged["observations"].as_array().unwrap().len(), 2);
    let missed =
        "missed --student s1 --service v1 --date 2026-10-14 --reason provider_absent --note 'out sick'";
    let missed = fields(&ana, missed, &["missed"]);
    fields(
        &ana,
        &format!(
            "log --student s1 --segment push-in,general-class,2026-10-16T10:00:00-05:00,20 \
             --segment pull-out,resource-room,2026-10-16T10:20:00-05:00,15 --routine small-group --service v1 --make-up-for {}",
            text(&missed["missed"])
        ),
        &["session", "observations"],
    );
    let id = text(&session["session"]);
    fields(&ana, &format!("certify {id}"), &["record"]);
    fields(&ana, &format!("amend {id} --set minutes=5 --reason 'began late'"), &["record"]);
    fields(&ana, &format!("void {} --reason 'entered twice'", text(&logged["session"])), &["record"]);
    fields(&ana, "goal g1 --statement 'Raises a hand and waits' --target 8", &["goal"]);
    let tally = fields(&ana, "tally open --student s1 --goal g1", &["tally"]);
    let tally = text(&tally["tally"]).to_owned();
    for line in ["add {} 5", "undo {} 1", "add {}", "show {}"] {
        let shown = fields(&ana, &format!("tally {}", line.replace("{}", &tally)), &["tally", "total", "by"]);
        first_has(&shown["by"], &["person", "n"], line);
    }

    let record = fields(
        &ana,
        "record --student s1 --week 2026-10-14",
        &[
            "student",
            "sessions",
            "missed",
            "observations",
            "goals",
            "conflicts",
            "waiting_for_review",
            "flags",
            "minutes",
        ],
    );
    let shown = first_has(&record["sessions"], &SESSION, "record");
    first_has(&shown["segments"], &["mode", "place", "routine", "start", "minutes"], "record");
    first_has(&record["missed"], &["id", "service", "date", "reason", "owed"], "record");
    first_has(
        &record["observations"],
        &["id", "goal", "author", "session", "kind", "value", "late"],
        "record",
    );
    first_has(&record["goals"], &GOAL, "record");
    let figures = ["service", "week", "mandated", "delivered", "uncertified", "owed", "balance", "flags"];
    let row = first_has(&record["minutes"], &figures, "record");
    assert_eq!(row["week"], "2026-10-12", "a week is its Monday");
    fields(&ana, "status", &["person", "waiting", "held", "refused", "last_sync", "ended"]);
    fields(&ana, "sync --until-done", &sync);

    // Two who disagree, and what waits for review.
    let (carla, mina) = (world.tablet("cm1"), world.tablet("asst1"));
    ana.ok("goal g1 --target 9");
    carla.ok("goal g1 --target 10");
    mina.ok("goal g1 --target 11 --no-local-policy");
    carla.ok("sync");
    ana.ok("sync");
    mina.exits(4, "sync");
    let conflicts = fields(&ana, "conflicts", &["conflicts", "flags"]);
    let conflict = first_has(
        &conflicts["conflicts"],
        &["id", "student", "goal", "field", "what", "values"],
        "conflicts",
    );
    first_has(&conflict["values"], &["value", "by", "at"], "conflicts");
    carla.ok("sync");
    let holds = fields(&carla, "holds", &["holds"]);
    let hold = first_has(&holds["holds"], &HOLD, "holds");
    let id = text(&hold["id"]);
    first_has(&fields(&carla, &format!("hold {id}"), &["holds"])["holds"], &HOLD, "hold");
    mina.ok("sync");
    first_has(&fields(&mina, &format!("withdraw {id}"), &["holds"])["holds"], &HOLD, "withdraw");
    let decline = format!("decline {id} --reason 'as it is'");
    first_has(&fields(&carla, &decline, &["holds"])["holds"], &HOLD, "decline");
    fields(&ana, &format!("resolve {} --keep 1", text(&conflict["id"])), &["record"]);
}

#[test]
fn the_server_says_what_was_promised() {
    let world = World::new();
    world.with_server(|server| {
        let announced = &server.announced;
        has(announced, &["server", "admin_token", "people", "students", "guardians"], "announce");
        let again = server.run(&format!("import '{}' --dry-run", world.folder("csv").display())).ok();
        let again: Value = serde_json::from_str(&again.stdout).unwrap();
        has(&again, &["created", "changed", "unchanged", "errors"], "import");
        assert_eq!((&again["created"], &again["changed"]), (&json!(0), &json!(0)));
        let people = server.ok("person list");
        first_has(&people["people"], &["id", "external_id", "name", "role", "school"], "person list");
        assert!(people["people"][0].get("pairing_code").is_none(), "codes are announced, not listed");
        let students = server.ok("student list");
        let student = first_has(&students["students"], &["id", "external_id", "display_name", "team", "goals", "services"], "student list");
        first_has(&student["team"], &["person", "role"], "student list");
        first_has(&student["goals"], &["id", "statement", "kind", "target", "discipline"], "student list");
        first_has(&student["services"], &["id", "minutes", "sessions", "period", "mode", "discipline"], "student list");

        let added = server.ok(
            "grant add --student s6 --person para1 --role para --from 2026-10-01 --to 2026-12-18 --supervisor slp2 --reason 'class'",
        );
        let grant = text(&added["grant"]);
        let listed = server.ok("grant list --student s6 --person para1");
        let row = first_has(&listed["grants"], &["id", "student", "person", "role", "from", "to", "state"], "grant list");
        assert_eq!((text(&row["id"]), &row["state"]), (grant, &json!("current")));
        server.ok("grant add --student s5 --person para1 --role para --from 2026-11-02 --supervisor slp1 --reason 'class'");
        let coming = server.ok("grant list --student s5 --person para1");
        assert_eq!(coming["grants"][0]["state"], "coming");
        has(&server.ok(&format!("grant end {grant} --on 2026-10-15 --reason 'moved'")), &["grant"], "grant end");
        let ended = server.ok("grant list --student s6 --person para1");
        assert_eq!(ended["grants"][0]["state"], "ended", "a past day is in force when the command returns");

        has(&server.ok("device code slp1"), &["code", "expires"], "device code");
    });
    let ana = world.tablet("slp1");
    let mina = world.tablet("asst1");
    mina.ok("goal g1 --target 11 --no-local-policy");
    mina.exits(4, "sync");
    drop(ana);
    let token_of = |person: &str| {
        let line = format!("admin token --as {person} --days 1 --json --data");
        let token: Value =
            serde_json::from_str(&world.installation.carryover(&line, &[]).ok().stdout).unwrap();
        text(&token["token"]).to_owned()
    };
    let (token, case_manager) = (token_of("coord1"), token_of("cm1"));
    world.with_server(|server| {
        let devices = server.ok("device list --person slp1");
        let device =
            first_has(&devices["devices"], &["id", "person", "state", "last_contact"], "device list");
        has(
            &server.ok(&format!("device revoke {} --lost", text(&device["id"]))),
            &["device"],
            "device revoke",
        );
        let holds = server.ok("hold list");
        let hold = first_has(&holds["holds"], &["id", "student", "author", "state"], "hold list");
        assert!(
            !holds.to_string().contains("\"proposed\":11"),
            "an administrator sees that it is there: {holds}"
        );
        let shown = server.run_as(&token, &format!("hold show {}", text(&hold["id"]))).ok();
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        let shown = first_has(&shown["holds"], &HOLD, "hold show as a coordinator");
        assert_eq!((&shown["field"], &shown["proposed"]), (&json!("target"), &json!(11)));
        // Deciding is for the case manager, as long as there is one.
        let decline = format!("hold decline {} --reason 'as it is'", text(&hold["id"]));
        assert_eq!(server.run_as(&token, &decline).code, Some(7));
        let declined = server.run_as(&case_manager, &decline).ok();
        let declined: Value = serde_json::from_str(&declined.stdout).unwrap();
        assert_eq!(first_has(&declined["holds"], &HOLD, "hold decline")["state"], "declined");
    });
}
