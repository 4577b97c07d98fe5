//! Lives that begin in the middle of something.

use std::fs;

use sync_core::exchange::server::reply::{LogRead as _, cursor_at};
use sync_core::ids::{DeviceId, GuardianId, StudentId};
use sync_core::projection::family::FamilyEntry;
use sync_core::roster::version::PolicyVersion;
use sync_core::roster::{DeviceState, Student};
use sync_core::time::Moment;

use sync_core::exchange::server::entry::LogEntry;

use super::*;
use crate::engine::Ruling;
use crate::engine::founded::founded;
use crate::engine::served::SERVED;

const LOST: DeviceId = DeviceId([7; 16]);
const STUDENT: StudentId = StudentId([5; 16]);

async fn lose(engine: &Engine) -> Result<(), EngineError> {
    let entry = LogEntry::DeviceState { device: LOST, state: DeviceState::Lost };
    engine.decide(move |desk| desk.emit(entry).map(|_| Ruling::Stands(()))).await
}

fn registered(settings: &Settings) -> Register {
    RegisterFile::beside(&settings.keys).read().unwrap()
}

#[tokio::test]
async fn a_life_is_registered_before_it_says_anything_and_a_loss_before_it_is_answered() {
    let (_folder, settings) = founded();
    let life = registered(&settings).lives;
    let engine = Engine::open(&settings).unwrap();
    assert_eq!(life, [Life { log: engine.log_id(), from: None }]);
    lose(&engine).await.unwrap();
    assert_eq!(registered(&settings).devices.get(&LOST), Some(&DeviceState::Lost));
}

#[tokio::test]
async fn what_could_not_be_noted_is_said_and_noted_as_soon_as_it_can_be() {
    let (_folder, settings) = founded();
    let engine = Engine::open(&settings).unwrap();
    // A folder where the lock should be: nothing can be written there.
    let lock = settings.keys.join("register.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert!(matches!(lose(&engine).await, Err(EngineError::NotNoted(_))));
    assert!(matches!(engine.note_rest().await, Err(EngineError::NotNoted(_))));
    fs::remove_dir(&lock).unwrap();
    engine.note_rest().await.unwrap();
    assert_eq!(registered(&settings).devices.get(&LOST), Some(&DeviceState::Lost));
}

#[tokio::test]
async fn what_a_crash_kept_from_the_register_is_noted_at_the_next_start() {
    let (_folder, settings) = founded();
    let engine = Engine::open(&settings).unwrap();
    let [register, served] = ["register", SERVED].map(|name| settings.keys.join(name));
    let before = [&register, &served].map(|path| fs::read(path).unwrap());
    lose(&engine).await.unwrap();
    engine.close();
    fs::write(&register, &before[0]).unwrap();
    fs::write(&served, &before[1]).unwrap();
    assert!(registered(&settings).devices.is_empty());
    drop(engine);
    let engine = Engine::open(&settings).unwrap();
    assert_eq!(registered(&settings).devices.get(&LOST), Some(&DeviceState::Lost));
    assert!(!engine.restored().unwrap().waiting, "a crash is no set-back");
}

#[tokio::test]
async fn a_folder_that_was_set_back_gives_nothing_back_that_was_taken_since() {
    let (folder, settings) = founded();
    let guardian = GuardianId([8; 16]);
    let device = |state| LogEntry::DeviceState { device: LOST, state };
    let access = |restricted| LogEntry::Family(FamilyEntry::Access { guardian, restricted, ended: false });
    let policy = |version| LogEntry::Policy { version, by: None, time: Moment(0) };
    let taken = || [device(DeviceState::Lost), access(true), policy(PolicyVersion::V2)];
    let given = [device(DeviceState::Active), access(false), policy(PolicyVersion::V1)];
    let engine = Engine::open(&settings).unwrap();
    for entry in taken().into_iter().chain(given) {
        engine.decide(move |desk| desk.emit(entry).map(|_| Ruling::Stands(()))).await.unwrap();
    }
    engine.close();
    drop(engine);
    let copy = folder.path().join("copy");
    let put = |from: &Path, to: &Path| {
        let done = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(done.success());
    };
    put(&settings.data, &copy);
    let engine = Engine::open(&settings).unwrap();
    for entry in taken() {
        engine.decide(move |desk| desk.emit(entry).map(|_| Ruling::Stands(()))).await.unwrap();
    }
    engine.close();
    drop(engine);
    fs::remove_dir_all(&settings.data).unwrap();
    put(&copy, &settings.data);
    let engine = Engine::open(&settings).unwrap();
    assert!(engine.restored().unwrap().waiting, "it was found out");
    let register = registered(&settings);
    assert_eq!(register.devices.get(&LOST), Some(&DeviceState::Lost));
    assert!(register.guardians[&guardian].restricted);
    assert_eq!((register.policy, engine.index().policy()), (Some(PolicyVersion::V2), Ok(PolicyVersion::V2)));
    assert_eq!(engine.index().banned(LOST), Ok(Some(DeviceState::Lost)));
}

#[tokio::test]
async fn a_life_that_a_crash_kept_from_its_first_frame_begins_at_the_next_start() {
    let (_folder, settings) = founded();
    let own = Engine::open(&settings).unwrap().log_id();
    let new = LogId([9; 16]);
    RegisterFile::beside(&settings.keys).change(|register| register.begin(new, own, 0)).unwrap();
    EmbeddedStore::open(&settings.data).unwrap().begin_log_id(new.0).unwrap();
    for _ in 0..2 {
        let engine = Engine::open(&settings).unwrap();
        let restored = engine.restored().unwrap();
        assert_eq!((engine.log_id(), restored.waiting, restored.by), (new, true, Some(RestoredBy::RollBack)));
        engine.close();
    }
    assert_eq!(registered(&settings).lives.len(), 2);
}

#[tokio::test]
async fn a_life_that_a_tablet_begins_has_every_card_and_page_looked_at_again() {
    let (_folder, settings) = founded();
    let engine = Engine::open(&settings).unwrap();
    let student = Student {
        id: STUDENT,
        external_id: "s1".into(),
        display_name: "Sam".to_owned().into(),
        grade: "03".into(),
        school: None,
        home_language: "en".into(),
    };
    let entry = LogEntry::Student(student);
    engine.decide(move |desk| desk.emit(entry).map(|_| Ruling::Stands(()))).await.unwrap();
    engine.project_cards(|_| true).await.unwrap();
    engine.publish_to_family(STUDENT).await.unwrap();
    assert!(!engine.cards.is_due(|_| true) && engine.publisher.knows(STUDENT));
    let log = engine.log_id();
    let seen = DurableLog::of(engine.reader().as_ref());
    let beyond = cursor_at(&seen, log, &engine.conditions().secret, seen.end() + 1).unwrap();
    engine.begin_if_set_back(beyond).await.unwrap();
    assert!(engine.log_id() != log && engine.restored().unwrap().waiting);
    assert!(engine.cards.is_due(|student| *student == STUDENT));
    assert!(!engine.publisher.knows(STUDENT));
}

#[tokio::test]
async fn a_register_that_came_back_without_its_lives_gets_them_from_the_log() {
    let (_folder, settings) = founded();
    fs::remove_file(settings.keys.join("register")).unwrap();
    let engine = Engine::open(&settings).unwrap();
    assert_eq!(registered(&settings).lives, [Life { log: engine.log_id(), from: None }]);
}
