//! A real disk that fills up: a small file system of its own under the data folder, where the machine lets a test mount one.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::process::World;

use super::kills::{log, sessions};

/// The size of the disk: a twentieth of it, 3.2 MiB, is to be free, and as much is set aside.
const DISK_MIB: usize = 64;
/// What others leave of it.
const LEFT_BYTES: u64 = 1024 * 1024;

/// A file system in memory, mounted until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one; none where this machine does not let a test do that.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={DISK_MIB}m,mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then(|| Self(at.to_owned()))
    }

    /// Fills it up to the last byte, and then leaves some room.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filling");
        let mut file = File::create(&path).unwrap();
        let mut bytes = 0;
        while file.write_all(&[7; 4096]).is_ok() {
            bytes += 4096;
        }
        file.set_len(bytes - LEFT_BYTES).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn a_real_disk_that_fills_up_is_read_from_and_takes_work_again_when_there_is_room() {
    let mut disk = None;
    let world = World::on(|data| disk = SmallDisk::mount(data));
    let Some(disk) = disk else {
        println!("SKIPPED: this machine does not let a test mount a file system, so no real disk was filled");
        return;
    };
    let (ana, carla, ben) = (world.tablet("slp1"), world.tablet("cm1"), world.tablet("para1"));
    let first = log(&ana, 1);
    ana.ok("sync");
    let filling = disk.fill();
    let second = log(&ana, 2);
    for round in ["running", "started anew"] {
        let refused = ana.run("sync");
        assert_eq!(refused.code, Some(3), "{round}: {refused:?}");
        assert_eq!(refused.json["error"]["code"], "storage_full", "{round}: {refused:?}");
        assert_eq!(ana.ok("status")["waiting"], 1, "{round}");
        carla.ok("sync");
        assert_eq!(sessions(&carla), [first.clone()].into(), "{round}: it is read");
        if round == "running" {
            let port = world.with_server(tests::process::Server::port);
            world.take_server().stop();
            world.set_server(world.installation.serve_on(port));
        }
    }
    let devices = world.admin("device list");
    let person = world.person("para1");
    let devices = devices["devices"].as_array().unwrap();
    let lost = devices.iter().find(|device| device["person"] == person.as_str()).unwrap();
    world.admin(&format!("device revoke {} --lost", lost["id"].as_str().unwrap()));
    assert_eq!(ben.run("sync").code, Some(6), "a right can be ended on a full disk");
    std::fs::remove_file(filling).unwrap();
    ana.ok("sync --until-done");
    carla.ok("sync");
    assert_eq!(sessions(&carla), [first, second].into());
    let verified = world.installation.verify();
    assert_eq!(verified.code, Some(0), "{verified:?}");
    world.take_server().stop();
    drop(disk);
}
