//! A family's page in a browser's place: invited, opened, read; and closed to whoever may not see it.

use serde_json::Value;
use tests::process::http::{Answer, send};
use tests::process::{BareDevice, Server, Tablet, World};

use super::{list, text};
use crate::copies::{back_up, restore_and_serve};

const PASSPHRASE: &str = "four+small+green+apples";

/// A guardian with a browser: an address, and the cookie of a session once there is one.
#[derive(Clone)]
pub(crate) struct Guardian {
    id: String,
    url: String,
    path: String,
    invitation: String,
    cookie: String,
}

impl Guardian {
    pub(crate) fn invited(world: &World, student: &str, name: &str, language: &str) -> Self {
        let line = format!("guardian invite --student {student} --name '{name}' --language {language}");
        Self::of(&world.url(), &world.admin(&line), "guardian")
    }

    fn of(url: &str, said: &Value, id: &str) -> Self {
        let sign_in = text(&said["sign_in_url"]);
        let path = sign_in.strip_prefix(url).expect("an address of this server").to_owned();
        Self {
            id: text(&said[id]).to_owned(),
            url: url.to_owned(),
            path,
            invitation: said["invitation"].as_str().unwrap_or_default().to_owned(),
            cookie: String::new(),
        }
    }

    fn get(&self, path: &str) -> Answer {
        let cookie = [("cookie", self.cookie.as_str())];
        send(&self.url, "GET", &format!("{}{path}", self.path), &cookie, b"")
    }

    fn post(&self, path: &str, form: &str) -> Answer {
        let headers =
            [("cookie", self.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        send(&self.url, "POST", &format!("{}{path}", self.path), &headers, form.as_bytes())
    }

    /// Sends a form that lets in, and keeps the cookie.
    fn comes_in(&mut self, path: &str, form: &str) {
        let answer = self.post(path, form);
        assert_eq!(answer.status, 303, "{}", words(&answer));
        assert!(answer.headers["location"].starts_with(&format!("{}/page", self.path)));
        let cookie = &answer.headers["set-cookie"];
        for part in ["HttpOnly", "SameSite=Strict", &format!("Path={};", self.path)] {
            assert!(cookie.contains(part), "{cookie}");
        }
        self.cookie = cookie.split(';').next().unwrap().to_owned();
    }

    pub(crate) fn redeems(&mut self) {
        let form = format!("invitation={}&passphrase={PASSPHRASE}&again={PASSPHRASE}", self.invitation);
        self.comes_in("/redeem", &form);
    }

    /// Opens the page and returns what can be read there.
    pub(crate) fn reads(&self) -> String {
        let answer = self.get("/page");
        assert_eq!(answer.status, 200, "{}", words(&answer));
        words(&answer)
    }

    /// Checks that there is no page, and nothing that says why.
    fn finds_nothing(&self) {
        let answer = self.get("/page");
        assert_eq!(answer.status, 404);
        let nobody = Self { path: NOBODY.to_owned(), ..self.clone() };
        assert_eq!(
            words(&answer),
            words(&nobody.get("/page")),
            "unknown, forbidden and restricted look the same"
        );
    }
}

const NOBODY: &str = "/family/01JA0000000000000000000000";

/// Returns what a person reads of an answer.
fn words(answer: &Answer) -> String {
    let html = String::from_utf8_lossy(&answer.body);
    let text = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    text.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn practises(tablet: &Tablet, day: u8, correct: u8) -> String {
    let logged = tablet.ok(&format!(
        "log --student s1 --mode push-in --place general-class --start 2026-10-{day:02}T10:00:00-05:00 \
         --minutes 30 --service v1 --goal g1p --correct {correct} --of 10 --note 'cried for the orange kite'"
    ));
    text(&logged["session"]).to_owned()
}

#[test]
fn a17_a_guardian_is_invited_and_reads_what_is_certified() {
    let world = World::new();
    let (ana, ben) = (world.tablet("slp1"), world.tablet("para1"));
    let mut rosa = Guardian::invited(&world, "s1", "Rosa Quintero", "es");

    // What a mail scanner fetches is nobody's first visit.
    for path in ["", "?language=en", "/redeem", "/page"] {
        let answer = rosa.get(path);
        assert!(matches!(answer.status, 200 | 404 | 405), "{path}: {}", answer.status);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    rosa.finds_nothing();
    let short = rosa.post("/redeem", &format!("invitation={}&passphrase=short&again=short", rosa.invitation));
    assert_eq!(short.status, 422, "{}", words(&short));
    let from_elsewhere = send(
        &rosa.url,
        "POST",
        &format!("{}/redeem", rosa.path),
        &[("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")],
        format!("invitation={}&passphrase={PASSPHRASE}&again={PASSPHRASE}", rosa.invitation).as_bytes(),
    );
    assert_eq!(from_elsewhere.status, 403);
    rosa.redeems();
    assert_eq!(
        rosa.post(
            "/redeem",
            &format!("invitation={}&passphrase={PASSPHRASE}&again={PASSPHRASE}", rosa.invitation)
        )
        .status,
        403,
        "once"
    );

    let certified = practises(&ana, 12, 7);
    ana.ok(&format!("certify {certified}"));
    practises(&ana, 13, 2);
    ben.ok("log --student s1 --mode push-in --place hallway --start 2026-10-14T10:00:00-05:00 --minutes 17 --goal g1 --count 3 --seconds 600");
    ana.ok("sync");
    ben.ok("sync");
    let page = rosa.reads();
    for said in [
        "Cómo le va a Maribel Quintero",
        "Answers who and where questions",
        "7 de 10 salieron bien",
        "lunes 12 de octubre: ayuda en la clase, 30 minutos",
        "1 de 2 visitas",
        "La meta es 8 de 10",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    for unsaid in ["2 de 10", "martes", "17 minutos", "kite", "Silva", "Lindqvist", "%"] {
        assert!(!page.contains(unsaid), "{unsaid}: {page}");
    }
    assert!(words(&rosa.get("/page?language=en")).contains("Monday, October 12: help in class, 30 minutes"));

    let answer = rosa.get("/page");
    let html = String::from_utf8(answer.body.clone()).unwrap();
    assert!(!html.contains("<script") && !html.contains("style="));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers[name], value);
    }
    let policy = &answer.headers["content-security-policy"];
    for part in ["default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");

    // She signs out, and in again with the passphrase.
    assert_eq!(rosa.post("/sign-out", "").status, 303);
    rosa.finds_nothing();
    assert_eq!(rosa.post("/sign-in", "passphrase=something+else").status, 403);
    rosa.comes_in("/sign-in", &format!("passphrase={PASSPHRASE}"));
    rosa.reads();

    assert_eq!(world.installation.verify().code, Some(0));
    let said = world.installation.said();
    for secret in ["Quintero", "Rosa", &rosa.invitation, "apples", rosa.cookie.split('=').nth(1).unwrap()] {
        assert!(!said.contains(secret), "{secret} is in the server's log");
    }
}

#[test]
fn a18_a_restricted_guardian_gets_nothing_at_the_next_request() {
    let world = World::new();
    let mut rosa = Guardian::invited(&world, "s1", "Rosa Quintero", "es");
    let mut luis = Guardian::invited(&world, "s1", "Luis Quintero", "en");
    assert_ne!(rosa.id, luis.id, "each separately");
    rosa.redeems();
    luis.redeems();
    rosa.reads();
    luis.reads();
    // Another's page is none of theirs, with whatever cookie.
    let crossed = Guardian { cookie: rosa.cookie.clone(), ..luis.clone() };
    crossed.finds_nothing();

    world.admin(&format!("guardian restrict {}", luis.id));
    luis.finds_nothing();
    assert_eq!(luis.post("/sign-in", &format!("passphrase={PASSPHRASE}")).status, 403);
    rosa.reads();
    let again = world.with_server(|server| server.run("guardian invite --student s1 --name 'Luis Quintero'"));
    assert_eq!(again.code, Some(7), "nobody is invited against a court order: {again:?}");

    world.admin(&format!("guardian restrict {} --lift", luis.id));
    luis.finds_nothing();
    luis.comes_in("/sign-in", &format!("passphrase={PASSPHRASE}"));
    luis.reads();
    world.admin(&format!("guardian end {}", luis.id));
    luis.finds_nothing();

    let guardians = world.admin("guardian list --student s1");
    let mut states: Vec<(&str, &str)> =
        list(&guardians["guardians"]).iter().map(|one| (text(&one["name"]), text(&one["state"]))).collect();
    states.sort_unstable();
    assert_eq!(states, [("Luis Quintero", "ended"), ("Rosa Quintero", "enrolled")]);

    // It is so after a restart, and the session goes on.
    world.take_server().stop();
    world.set_server(world.installation.serve());
    rosa.url = world.url();
    luis.url = world.url();
    rosa.reads();
    luis.finds_nothing();
}

#[test]
fn a_restored_server_shows_no_family_anything_until_it_is_confirmed_and_a_court_order_holds() {
    let world = World::new();
    let mut rosa = Guardian::invited(&world, "s1", "Rosa Quintero", "en");
    let mut luis = Guardian::invited(&world, "s1", "Luis Quintero", "es");
    rosa.redeems();
    luis.redeems();
    let backup = world.folder("backups").join("yesterday");
    back_up(&world.installation, &backup);
    world.admin(&format!("guardian restrict {}", luis.id));
    restore_and_serve(&world, &backup);

    for guardian in [&rosa, &luis] {
        for path in ["", "/page", "/page?language=es"] {
            let answer = guardian.get(path);
            assert_eq!((answer.status, &*answer.headers["retry-after"]), (503, "3600"), "{path}");
            assert!(!words(&answer).contains("Maribel"), "{}", words(&answer));
        }
        assert_eq!(guardian.post("/sign-in", &format!("passphrase={PASSPHRASE}")).status, 503);
    }
    assert!(words(&rosa.get("/page?language=es")).contains("Vuelva más tarde"));
    assert_eq!(send(&rosa.url, "GET", "/family/style.css", &[], b"").status, 200);

    world.admin("restored confirm");
    rosa.reads();
    luis.finds_nothing();
    assert_eq!(luis.post("/sign-in", &format!("passphrase={PASSPHRASE}")).status, 403);
}

#[test]
fn while_two_values_disagree_the_last_published_one_stands() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let mut rosa = Guardian::invited(&world, "s1", "Rosa Quintero", "en");
    rosa.redeems();
    ana.ok("goal g1p --target 90");
    ana.ok("sync");
    assert!(rosa.reads().contains("The goal is 9 of 10."));
    // Her tablet has not heard of the ninety.
    carla.ok("goal g1p --target 70");
    carla.ok("sync");
    let page = rosa.reads();
    assert!(page.contains("The goal is 9 of 10.") && !page.contains("corrected"), "{page}");
    let conflict = text(&carla.ok("conflicts")["conflicts"][0]["id"]).to_owned();
    carla.ok(&format!("resolve {conflict} --value 70"));
    carla.ok("sync");
    let page = rosa.reads();
    assert!(page.contains("The goal is 7 of 10. (corrected on October 16, 2026)"), "{page}");

    let session = practises(&ana, 12, 7);
    ana.ok(&format!("certify {session}"));
    ana.ok("sync");
    assert!(rosa.reads().contains("7 of 10 went well"));
    ana.ok(&format!("amend {session} --set minutes=45 --reason 'began late'"));
    ana.ok("sync");
    assert!(rosa.reads().contains("30 minutes"), "stale, so what was certified stands");
    ana.ok(&format!("certify {session}"));
    ana.ok("sync");
    assert!(rosa.reads().contains("45 minutes (corrected on October 16, 2026)"));
    ana.ok(&format!("void {session} --reason 'entered twice'"));
    ana.ok("sync");
    let page = rosa.reads();
    assert!(!page.contains("45 minutes") && !page.contains("7 of 10 went well"), "{page}");
}

#[test]
fn nobody_but_the_guardian_fetches_the_page() {
    let world = World::new();
    let mut rosa = Guardian::invited(&world, "s1", "Rosa Quintero", "en");
    let mut olaf = Guardian::invited(&world, "s2", "Olaf Lindqvist", "en");
    rosa.redeems();
    olaf.redeems();
    let device = world.with_server(|server: &Server| {
        let code = text(&server.ok("device code slp1")["code"]).to_owned();
        BareDevice::pair(&server.url, &code, 9)
    });
    let (_, token) = device.exchange();
    let admin = world.with_server(|server| server.token.clone());
    let manager = world.installation.carryover("admin token --json --as cm1 --data", &[]).ok();
    let manager: Value = serde_json::from_str(&manager.stdout).unwrap();
    let bearer = |token: &str| format!("Bearer {token}");
    let assertion = device.assertion(b"");
    let (admin, clinician, manager) = (bearer(&admin), bearer(&token), bearer(text(&manager["token"])));
    let path = format!("{}/page", rosa.path);
    let crossed = olaf.cookie.clone();
    for (who, header) in [
        ("nobody", ("x-nothing", "")),
        ("an administrator", ("authorization", admin.as_str())),
        ("a clinician of the team", ("authorization", clinician.as_str())),
        ("a case manager of the team", ("authorization", manager.as_str())),
        ("a device of the team", ("authorization", assertion.as_str())),
        ("another child's guardian", ("cookie", crossed.as_str())),
        ("a made-up session", ("cookie", "carryover_family=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let answer = send(&rosa.url, "GET", &path, &[header], b"");
        assert_eq!(answer.status, 404, "{who}");
        assert!(!words(&answer).contains("Maribel"), "{who}");
    }
    for (guardian, child) in [(&rosa, "Maribel Quintero"), (&olaf, "Oskar Lindqvist")] {
        assert!(guardian.reads().contains(child));
    }
    // And a guardian's cookie opens nothing of the staff's.
    for path in ["/v1/people", "/v1/students", "/v1/guardians", "/v1/holds"] {
        let answer = send(&rosa.url, "GET", path, &[("cookie", rosa.cookie.as_str())], b"");
        assert_eq!(answer.status, 401, "{path}");
    }
}

#[test]
fn too_many_tries_end_an_invitation_and_make_everybody_wait() {
    let world = World::new();
    let mut rosa = Guardian::invited(&world, "s1", "Rosa Quintero", "en");
    let wrong = format!("invitation=22222-22222&passphrase={PASSPHRASE}&again={PASSPHRASE}");
    for _ in 0..5 {
        assert_eq!(rosa.post("/redeem", &wrong).status, 403);
    }
    let right = format!("invitation={}&passphrase={PASSPHRASE}&again={PASSPHRASE}", rosa.invitation);
    assert_eq!(rosa.post("/redeem", &right).status, 403, "burnt by five wrong ones");
    let again = Guardian::invited(&world, "s1", "Rosa Quintero", "en");
    assert_eq!(again.id, rosa.id, "the same name of the same student is the same guardian");
    rosa = again;
    rosa.redeems();
    for _ in 0..4 {
        assert_eq!(rosa.post("/sign-in", "passphrase=not+this+one").status, 403);
    }
    let refused = rosa.post("/sign-in", &format!("passphrase={PASSPHRASE}"));
    assert_eq!((refused.status, &*refused.headers["retry-after"]), (429, "900"), "ten wrong tries in all");
    rosa.reads();
}

#[test]
fn the_rosters_guardians_are_announced_with_invitations() {
    let world = World::new();
    let folder = world.folder("guardians");
    let csv = "external_id,student,name,language,restricted\nu1,s1,Rosa Quintero,es,\nu2,s1,Luis Quintero,en,true\n";
    std::fs::write(folder.join("guardians.csv"), csv).unwrap();
    let imported = world.admin(&format!("import '{}'", folder.display()));
    assert_eq!(imported["created"], 2);
    world.take_server().stop();
    world.set_server(world.installation.serve());
    let announced = world.with_server(|server| server.announced["guardians"].clone());
    let of = |name: &str| list(&announced).iter().find(|one| one["name"] == name).unwrap().clone();
    let (rosa, luis) = (of("Rosa Quintero"), of("Luis Quintero"));
    assert_eq!(rosa["student"], world.student("s1")["id"]);
    assert!(luis["invitation"].is_null(), "a restricted one is not invited");
    let mut rosa = Guardian::of(&world.url(), &rosa, "id");
    rosa.redeems();
    assert!(rosa.reads().contains("Cómo le va a Maribel Quintero"));
    world.take_server().stop();
    world.set_server(world.installation.serve());
    let announced = world.with_server(|server| server.announced["guardians"].clone());
    assert!(list(&announced).iter().all(|one| one["invitation"].is_null()), "used up: {announced}");
    // The order reaches the district by its roster, too.
    rosa.url = world.url();
    rosa.reads();
    std::fs::write(folder.join("guardians.csv"), csv.replace("es,\n", "es,true\n")).unwrap();
    world.admin(&format!("import '{}'", folder.display()));
    rosa.finds_nothing();
}
