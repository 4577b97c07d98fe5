//! Disks that fill up: the server's, keys and data on the same one, and a tablet's.
//!
//! What they do on a full disk is asked of the programs on every machine: they are told how large their disk is, and it ends there. Where a
//! machine lets a test mount a file system, the same is asked of a real one, which ends for everything that is written to it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sync_core::envelope::Envelope;
use sync_core::exchange::codec;
use tests::process::{BareDevice, Said, Server, Tablet, World, http};

use super::copies::{back_up, restore_and_serve};
use super::kills::{log, sessions};

const MIB: u64 = 1024 * 1024;
/// The size of the server's disk: a twentieth of it, 3.2 MiB, is to be free, and as much is set aside.
const DISK_BYTES: u64 = 64 * MIB;
/// What is too little for new work, and enough for small things.
const LITTLE_BYTES: u64 = MIB;
/// What the log says of a device that was revoked.
const FRAME_BYTES: u64 = 226;
/// The size of a tablet's disk.
const TABLET_BYTES: u64 = 4 * MIB;
/// What a tablet needs to be read: SQLite's file that programs share.
const READING_BYTES: u64 = 40 * 1024;

/// A file system in memory, mounted until it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// Mounts one; none where this machine does not let a test do that.
    fn at(folder: &Path, bytes: u64) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let size = format!("size={bytes},mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        let mounted = mounted.is_ok_and(|mounted| mounted.status.success()).then(|| Self(folder.to_owned()));
        if mounted.is_none() {
            println!(
                "SKIPPED: this machine does not let a test mount a file system, so no real disk was filled"
            );
        }
        mounted
    }

    /// Fills it up to the last byte, and then leaves some room.
    fn fill(&self, left_bytes: u64) -> PathBuf {
        let path = self.0.join("filling");
        let mut file = File::create(&path).unwrap();
        let mut bytes = 0;
        while file.write_all(&[7; 4096]).is_ok() {
            bytes += 4096;
        }
        file.set_len(bytes - left_bytes).unwrap();
        path
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn taken_up(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let bytes = entries.map(|entry| {
        let found = entry.metadata().unwrap();
        if found.is_dir() { taken_up(&entry.path()) } else { found.len() }
    });
    bytes.sum()
}

/// A school with a disk that somebody else fills up.
struct School {
    world: World,
    ana: Tablet,
    carla: Tablet,
    ben: Tablet,
    mina: Tablet,
    /// What was sent while there was room.
    first: String,
    bare: BareDevice,
    port: u16,
}

impl School {
    fn in_world(world: World) -> Self {
        let [ana, carla, ben, mina] = ["slp1", "cm1", "para1", "asst1"].map(|person| world.tablet(person));
        let code = world.admin("device code cm1")["code"].as_str().unwrap().to_owned();
        let bare = BareDevice::pair(&world.url(), &code, 7);
        let first = log(&ana, 1);
        ana.ok("sync");
        let port = world.with_server(Server::port);
        Self { world, ana, carla, ben, mina, first, bare, port }
    }

    /// Asks for something as the administrator, by hand.
    fn post(&self, path: &str, body: &Value) -> http::Answer {
        let token = format!("Bearer {}", self.world.with_server(|server| server.token.clone()));
        let headers = [("authorization", &*token), ("content-type", "application/json")];
        http::send(&self.world.url(), "POST", path, &headers, body.to_string().as_bytes())
    }

    /// New work is refused with a word of when to come again, and what waits is safe on its tablet.
    fn refuses_new_work(&self, when: &str) {
        let mut request = self.bare.request();
        request.envelopes = vec![Envelope { body: vec![7; 100], signature: [0; 64] }];
        let person = self.world.person("para1");
        let student = self.world.student("s3")["id"].clone();
        let grant = json!({
            "student": student, "person": person, "role": "para", "from": "2026-10-16", "reason": "new",
        });
        let answers = [
            self.bare.post("/v1/exchange", &codec::encode(&request)),
            self.post("/v1/grants", &grant),
            self.post(&format!("/v1/people/{person}/code"), &json!({})),
        ];
        for answer in answers {
            assert_eq!((answer.status, &*answer.refusal()), (507, "storage_full"), "{when}: {answer:?}");
            let after: u64 = answer.headers["retry-after"].parse().unwrap();
            assert!(after > 0, "{when}");
        }
        let refused = self.ana.run("sync");
        assert_eq!(refused.code, Some(3), "{when}: {refused:?}");
        assert_eq!(refused.json["error"]["code"], "storage_full", "{when}: {refused:?}");
        assert_eq!(self.ana.ok("status")["waiting"], 1, "{when}");
    }

    /// Reading goes on, and stands in the audit.
    fn is_read(&self, when: &str) {
        let before = self.records();
        self.carla.ok("sync");
        assert_eq!(sessions(&self.carla), [self.first.clone()].into(), "{when}");
        let (reply, token) = self.bare.exchange();
        assert!(!reply.entries.is_empty(), "{when}");
        assert!(!token.is_empty(), "{when}");
        assert!(self.records() > before, "{when}: what was read is in the audit");
    }

    fn records(&self) -> u64 {
        let verified = self.world.installation.carryover("--json verify --data", &[]).ok();
        let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
        verified["seq"].as_u64().unwrap()
    }

    fn restart(&self) {
        self.world.take_server().stop();
        self.world.set_server(self.world.installation.serve_on(self.port));
    }

    fn device_of(&self, person: &str) -> Value {
        self.world.admin(&format!("device list --person {person}"))["devices"][0].clone()
    }

    /// A right can be ended.
    fn revokes(&self, tablet: &Tablet) {
        let device = self.device_of(&tablet.person)["id"].as_str().unwrap().to_owned();
        let revoked = self.post(&format!("/v1/devices/{device}/revoke"), &json!({"lost": true}));
        assert_eq!(revoked.status, 200, "{}: {revoked:?}", tablet.person);
        self.is_out(tablet);
    }

    fn is_out(&self, tablet: &Tablet) {
        assert_eq!(self.device_of(&tablet.person)["state"], "lost");
        assert_eq!(tablet.run("sync").code, Some(6), "{}", tablet.person);
    }

    /// When there is room again all goes on by itself.
    fn goes_on(&self, waited: &str) {
        self.ana.ok("sync --until-done");
        self.carla.ok("sync");
        let all: BTreeSet<String> = [self.first.clone(), waited.to_owned()].into();
        assert_eq!((sessions(&self.ana), sessions(&self.carla)), (all.clone(), all));
        let reserve = self.world.installation.data().join("log/reserve");
        assert_eq!(fs::metadata(reserve).unwrap().len(), DISK_BYTES / 20, "it is set aside anew");
        let verified = self.world.installation.verify();
        assert_eq!(verified.code, Some(0), "{verified:?}");
    }
}

/// Others fill the disk up to its last bytes.
fn others_fill_it(last_bytes: impl FnOnce(&World) -> u64) {
    let school = School::in_world(World::on_a_disk_of(DISK_BYTES));
    let folder = school.world.installation.folder().to_owned();
    let backup = school.world.folder("backups").join("yesterday");
    back_up(&school.world.installation, &backup);
    let filling = folder.join("filling");
    let leave = |bytes: u64| {
        drop(fs::remove_file(&filling));
        // It takes up its length there, and nothing of the machine's own disk.
        let others = DISK_BYTES.saturating_sub(taken_up(&folder) + bytes);
        File::create(&filling).unwrap().set_len(others).unwrap();
    };
    let waited = log(&school.ana, 2);
    leave(LITTLE_BYTES);
    school.refuses_new_work("there is little room");
    school.is_read("there is little room");
    school.revokes(&school.ben);

    // Then the reserve is given up, for the log and for the note beside the keys.
    leave(last_bytes(&school.world));
    school.revokes(&school.mina);
    assert!(school.world.installation.said().contains("the reserve is in use"), "it is said loudly");
    for when in ["the reserve is in use", "started anew", "after a power cut"] {
        school.refuses_new_work(when);
        school.is_read(when);
        match when {
            "started anew" => school.world.take_server().kill(),
            _ => school.world.take_server().stop(),
        }
        school.world.set_server(school.world.installation.serve_on(school.port));
    }
    school.is_out(&school.ben);
    school.is_out(&school.mina);
    fs::remove_file(&filling).unwrap();
    school.goes_on(&waited);

    // What was revoked on a full disk is in the register beside the keys: an older copy of the data does not undo it.
    restore_and_serve(&school.world, &backup);
    for tablet in [&school.ben, &school.mina] {
        assert_eq!(school.device_of(&tablet.person)["state"], "lost", "{}", tablet.person);
    }
}

#[test]
fn a_disk_with_keys_and_data_fills_up_and_has_room_again() {
    others_fill_it(|_| 0);
}

#[test]
fn a_disk_with_room_for_the_log_and_none_for_the_keys_fills_up_and_has_room_again() {
    // The register is written whole beside the old one, and is longer by a device then.
    others_fill_it(|world| {
        FRAME_BYTES + fs::metadata(world.installation.keys().join("register")).unwrap().len()
    });
}

#[test]
fn a_real_disk_with_keys_and_data_fills_up_and_has_room_again() {
    let mut disk = None;
    let world = World::on(|school| disk = Mounted::at(school, DISK_BYTES));
    let Some(disk) = disk else { return };
    let school = School::in_world(world);
    let filling = disk.fill(LITTLE_BYTES);
    let waited = log(&school.ana, 2);
    for when in ["running", "started anew"] {
        school.refuses_new_work(when);
        school.is_read(when);
        school.restart();
    }
    school.revokes(&school.ben);
    fs::remove_file(filling).unwrap();
    school.goes_on(&waited);
    school.world.take_server().stop();
    drop(disk);
}

/// A tablet on which there is no more room says so, shows what it has, and takes work again when there is.
fn fills_up(
    world: &World,
    ana: &Tablet,
    leave: impl Fn(u64),
    run: impl Fn(&str) -> Said,
    make_room: impl FnOnce(),
) {
    ana.ok("start --student s1 --mode push-in --place hallway");
    ana.ok("tap --goal g1");
    let mut logged: BTreeSet<String> = sessions(ana);
    let line = |nth: usize| {
        format!(
            "log --student s1 --mode push-in --place hallway --start 2026-10-12T{:02}:{:02}:00-05:00 --minutes 1 \
             --goal g1 --count {nth} --seconds 60",
            8 + nth / 60,
            nth % 60
        )
    };
    // What is left of the store's own pages is still to be filled.
    let refused = (logged.len()..400)
        .find_map(|nth| {
            leave(0);
            let said = run(&line(nth));
            if said.code != Some(0) {
                return Some(said);
            }
            logged.insert(said.json["session"].as_str().unwrap().to_owned());
            None
        })
        .expect("it fills up");
    assert_eq!(
        (refused.code, &refused.json["error"]["code"]),
        (Some(1), &"store_failed".into()),
        "{refused:?}"
    );
    let error = &refused.json["error"];
    assert_eq!(error["message"], "there is no room left on this device", "{error}");
    assert!(error["help"].as_str().unwrap().contains("free some room"), "{error}");
    // What it had said was saved is there, and nothing of what it had not.
    leave(READING_BYTES);
    assert_eq!(sessions(ana), logged);
    leave(0);
    let synced = run("sync");
    assert!(matches!(synced.code, Some(0 | 1)), "{synced:?}");
    leave(READING_BYTES);
    assert_eq!(sessions(ana), logged);

    make_room();
    let live = ana.ok("live");
    assert_eq!(live["counts"][0]["n"], 1, "the open session has its tap: {live}");
    logged.insert(ana.ok("finish")["sessions"][0]["session"].as_str().unwrap().to_owned());
    ana.ok("sync --until-done");
    let carla = world.tablet("cm1");
    assert_eq!((sessions(ana), sessions(&carla)), (logged.clone(), logged));
}

#[test]
fn a_tablet_that_is_full_says_so_and_loses_nothing() {
    let world = World::new();
    let ana = world.tablet("slp1");
    log(&ana, 0);
    ana.ok("sync");
    fills_up(&world, &ana, |_| (), |line| ana.run_full(line), || ());
}

#[test]
fn a_tablet_on_a_real_disk_that_is_full_says_so_and_loses_nothing() {
    let world = World::new();
    let ana = world.unpaired("slp1");
    let Some(disk) = Mounted::at(ana.store(), TABLET_BYTES) else { return };
    let code = world.admin("device code slp1")["code"].as_str().unwrap().to_owned();
    ana.ok(&format!("pair --server {} --code {code}", ana.network.url()));
    ana.ok("sync");
    log(&ana, 0);
    ana.ok("sync");
    let filling = disk.0.join("filling");
    let leave = |bytes: u64| {
        drop(fs::remove_file(&filling));
        disk.fill(bytes);
    };
    fills_up(&world, &ana, leave, |line| ana.run(line), || fs::remove_file(&filling).unwrap());
    drop(disk);
}
