//! A district with its server and its tablets.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use serde_json::Value;
use tempfile::TempDir;

use super::clock::{SchoolClock, TODAY};
use super::district;
use super::network::Network;
use super::server::{Installation, Server};
use super::tablet::Tablet;

/// The server's folder in a world where it has one of its own.
const SCHOOL: &str = "school";

/// A district that is served. Everything of it is gone when it is dropped.
#[derive(Debug)]
pub struct World {
    /// The server's folder.
    pub installation: Installation,
    /// The time that all programs show.
    pub clock: SchoolClock,
    server: RwLock<Option<Server>>,
    tablets: AtomicUsize,
    folder: TempDir,
}

impl World {
    /// Founds the district, imports it and serves it.
    pub fn new() -> Self {
        Self::importing(&district::files())
    }

    /// Founds a district of which the import says this, and serves it.
    pub fn importing(files: &[(&str, String)]) -> Self {
        Self::around(Installation::found, Installation::serve).import(files)
    }

    /// Founds the district in a folder that somebody prepares first; data and keys come to lie in it, and nothing of the tablets'.
    pub fn on(prepare: impl FnOnce(&Path)) -> Self {
        let found = |folder: &Path, clock| {
            let school = folder.join(SCHOOL);
            fs::create_dir_all(&school).unwrap();
            prepare(&school);
            Installation::found(&school, clock)
        };
        Self::around(found, Installation::serve).import(&district::files())
    }

    /// Founds the district on a disk of so many bytes, on which nothing of the tablets' lies.
    pub fn on_a_disk_of(bytes: u64) -> Self {
        let found = |folder: &Path, clock| {
            let school = folder.join(SCHOOL);
            fs::create_dir_all(&school).unwrap();
            Installation::found_on_a_disk(&school, clock, bytes)
        };
        Self::around(found, Installation::serve).import(&district::files())
    }

    fn import(self, files: &[(&str, String)]) -> Self {
        let world = self;
        let csv = world.folder("csv");
        for (name, text) in files {
            fs::write(csv.join(name), text).unwrap();
        }
        let imported = world.admin(&format!("import '{}'", csv.display()));
        assert_eq!(imported["errors"], serde_json::json!([]), "{imported}");
        world
    }

    /// Founds the demo district and serves it.
    pub fn demo() -> Self {
        Self::around(Installation::at, Installation::serve_demo)
    }

    fn around(
        found: impl FnOnce(&Path, SchoolClock) -> Installation,
        serve: impl FnOnce(&Installation) -> Server,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = SchoolClock::starting(TODAY);
        let installation = found(folder.path(), clock);
        let server = RwLock::new(Some(serve(&installation)));
        Self { installation, clock, server, tablets: AtomicUsize::new(0), folder }
    }

    /// Copies a district at rest, with its tablets, into a world of its own.
    pub fn copied(of: &World) -> Self {
        assert!(
            of.server.read().unwrap_or_else(PoisonError::into_inner).is_none(),
            "only what is at rest can be copied"
        );
        let folder = tempfile::tempdir().unwrap();
        copy(of.folder.path(), folder.path());
        let installation = Installation::at(folder.path(), of.clock);
        let server = RwLock::new(Some(installation.serve()));
        Self {
            installation,
            clock: of.clock,
            server,
            tablets: AtomicUsize::new(of.tablets.load(Ordering::SeqCst)),
            folder,
        }
    }

    /// Lets days go by; the server is started again, and tablets that are unpacked from now on show the new time.
    pub fn let_days_pass(&mut self, days: i64) {
        self.take_server().stop();
        self.clock = self.clock.later(24 * days);
        self.installation = self.installation.clone().at_time(self.clock);
        self.set_server(self.installation.serve());
    }

    /// Returns where the server answers.
    pub fn url(&self) -> String {
        self.with_server(|server| server.url.clone())
    }

    /// Asks something of the running server.
    pub fn with_server<T>(&self, ask: impl FnOnce(&Server) -> T) -> T {
        ask(self
            .server
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .expect("the server is running"))
    }

    /// Runs a remote command as the administrator.
    pub fn admin(&self, line: &str) -> Value {
        self.with_server(|server| server.ok(line))
    }

    /// Returns a token of a coordinator's or a case manager's, made on the server's machine.
    pub fn token_of(&self, person: &str) -> String {
        let ran = self.installation.carryover(&format!("admin token --as {person} --json --data"), &[]).ok();
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        said["token"].as_str().unwrap().to_owned()
    }

    /// Runs a remote command as a coordinator or a case manager.
    pub fn as_person(&self, person: &str, line: &str) -> Value {
        let token = self.token_of(person);
        let ran = self.with_server(|server| server.run_as(&token, line)).ok();
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Takes the server away, running as it is.
    pub fn take_server(&self) -> Server {
        self.server.write().unwrap_or_else(PoisonError::into_inner).take().expect("the server is running")
    }

    /// Lets a server be the world's.
    pub fn set_server(&self, server: Server) {
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = Some(server);
    }

    /// Returns a folder of the world, which is there.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Gives somebody a paired tablet that has seen its caseload.
    pub fn tablet(&self, person: &str) -> Tablet {
        let code = self.admin(&format!("device code {person}"));
        self.paired_with(person, code["code"].as_str().unwrap())
    }

    /// Gives somebody a tablet that is paired with a code, and has seen its caseload.
    pub fn paired_with(&self, person: &str, code: &str) -> Tablet {
        let tablet = self.unpaired(person);
        tablet.ok(&format!("pair --server {} --code {code}", tablet.network.url()));
        tablet.ok("sync");
        tablet
    }

    /// Gives somebody a tablet out of its box.
    pub fn unpaired(&self, person: &str) -> Tablet {
        let nth = self.tablets.fetch_add(1, Ordering::SeqCst) + 1;
        let store = self.folder.path().join(format!("tablet-{nth}-{person}"));
        Tablet::new(person, &store, Network::to(&self.url()), self.clock)
    }

    /// Returns this world's copy of another world's tablet, on the way that the tablet knows.
    pub fn adopt(&self, tablet: &Tablet) -> Tablet {
        tablet.network.lead_to(&self.url());
        let store = self.folder.path().join(tablet.store().file_name().unwrap());
        Tablet::new(&tablet.person, &store, tablet.network.clone(), self.clock)
    }

    /// Returns a person's id.
    pub fn person(&self, external_id: &str) -> String {
        let people = self.admin("person list");
        find(&people["people"], "external_id", external_id)["id"].as_str().unwrap().to_owned()
    }

    /// Returns what the district knows of a student.
    pub fn student(&self, external_id: &str) -> Value {
        let students = self.admin("student list");
        find(&students["students"], "external_id", external_id).clone()
    }

    /// Returns the id of one person's grant on one student.
    pub fn grant(&self, student: &str, person: &str) -> String {
        let grants = self.admin(&format!("grant list --student {student} --person {person}"));
        grants["grants"][0]["id"].as_str().unwrap().to_owned()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn find<'a>(list: &'a Value, name: &str, wanted: &str) -> &'a Value {
    let mut all = list.as_array().unwrap().iter();
    all.find(|one| one[name] == wanted).unwrap_or_else(|| panic!("no {name} {wanted} in {list}"))
}

/// Copies a folder as it is, permissions included.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "reserve" {
            // The server sets its reserve of room aside by itself.
            // Permissions come along: keys are looked at by their owner alone.
            fs::copy(entry.path(), target).unwrap();
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}
