//! Folders with damage in them: each is reported with file and place or heals, and none is answered from otherwise than before.
//!
//! A round takes a school that was stopped in good order or killed, damages one file of it, checks it with `verify`, and serves it. A flipped
//! bit, 512 zeroed bytes and a cut tail are tried in each kind of file. Then
//!
//! - nothing may be served while a file is damaged that nothing else could give back, and the refusal and `verify` name it;
//! - each record of the log, and each answer, is as it was, or it is refused loudly and `verify` has named a file.
//!
//! `DAMAGE_ROUNDS` sets how many rounds there are; `DAMAGE_SEED` where their row of dice begins, as a failure prints it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sync_core::ids::DocumentId;
use sync_core::random::{Random, bent};

use super::copy_folder;
use super::school::{School, Tablet, bytes, header, in_json};
use super::*;
use crate::engine::{OpenEngineError, verify};
use crate::register::{LatestBackup, OwnError, RegisterError, note_backup};
use crate::store::OpenError;

/// Rounds of all tests here together, each time.
const ROUNDS: u64 = 500;
/// The tests that they are divided among, so that they run side by side.
const SHARES: u64 = 4;
/// Segments small enough that the school's log has sealed ones.
const SEGMENT_BYTES: u64 = 16 * 1024;
/// How often somebody logs and syncs in the school.
const DAYS: usize = 20;

/// What is expected of a file that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Nothing else has what it says: it is named, and nothing is served.
    Refused,
    /// It is named by `verify`, and heals when it is served.
    Healed,
    /// It is built again or made good from the log; `verify` may name it.
    Derived,
}

/// The kinds of files that a served organisation has, but for locks: those have nothing in them that could be damaged.
const KINDS: [(&str, Then); 11] = [
    ("sealed segment", Then::Refused),
    ("active segment", Then::Refused),
    ("note of what was synced", Then::Healed),
    ("index", Then::Derived),
    ("condition of the index", Then::Derived),
    ("snapshot", Then::Healed),
    ("key", Then::Refused),
    ("owner of the keys", Then::Refused),
    ("note of the newest backup", Then::Healed),
    ("register", Then::Refused),
    ("note of what was served", Then::Healed),
];
const LOCK: &str = "lock";
/// How often a damage is drawn that must change something: zeroing zeros does not.
const DRAWS_MAX: usize = 100;

/// Returns which kind of file this is; a file of no known kind fails the test, so that no kind is forgotten.
fn kind_of(path: &Path, folder: &Path) -> &'static str {
    let inside = path.strip_prefix(folder).unwrap();
    let parts: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
    match parts.as_slice() {
        ["data", "log", "synced"] => "note of what was synced",
        ["data", "log", name] if path.with_file_name(following(name)).exists() => "sealed segment",
        ["data", "log", name] if name.ends_with(".seg") => "active segment",
        ["data", "index", ..] | ["data", "index.redo"] => "index",
        ["data", "index.condition"] => "condition of the index",
        ["data", "snapshots", _] => "snapshot",
        ["data", "lock"] => LOCK,
        ["data.keys", "organisation"] => "owner of the keys",
        ["data.keys", "backup"] => "note of the newest backup",
        ["data.keys", "register"] => "register",
        ["data.keys", "served"] => "note of what was served",
        ["data.keys", "register.lock"] => LOCK,
        ["data.keys", name] if name.ends_with(".key") || name.ends_with(".secret") => "key",
        _ => panic!("{} is of no known kind: say what its damage does", inside.display()),
    }
}

fn following(segment: &str) -> String {
    let number = segment.strip_suffix(".seg").and_then(|number| number.parse::<u32>().ok());
    number.map_or_else(String::new, |number| format!("{:08}.seg", number + 1))
}

/// A school at rest, what it answers, and the tablets that ask.
struct Stopped {
    /// Its folder as a clean stop left it, and as a kill would.
    folders: [tempfile::TempDir; 2],
    tablets: Vec<Tablet>,
    log: Vec<Vec<u8>>,
    answers: Vec<Told>,
}

/// One answer, under the name of what was asked.
type Told = (String, Result<String, StatusCode>);

impl Stopped {
    async fn new() -> Self {
        let school = School::new().await.restart_rolling(SEGMENT_BYTES);
        let (log, plan) =
            (school.document(DocumentKind::Log, None), school.document(DocumentKind::Plan, None));
        let (mut ana, mut ben, mut pia) =
            (school.tablet("ana", 1).await, school.tablet("ben", 1).await, school.tablet("pia", 1).await);
        for _ in 0..DAYS {
            ana.sync(&school).await;
            ana.log(&log, "slp");
            ana.make(&plan, "goals", goal());
            ana.sync(&school).await;
        }
        pia.sync(&school).await;
        // What comes after a place has ended waits for review; and somebody's tablet was lost.
        school.grant("tom", Role::Set, None).await;
        let mut tom = school.tablet("tom", 1).await;
        tom.sync(&school).await;
        school.grant("tom", Role::Set, Some("2026-11-19")).await;
        tom.log(&log, "set");
        assert_eq!(tom.sync(&school).await.held, 1);
        let lost = school.tablet("ben", 2).await;
        school.set_state(lost.profile.device, DeviceState::Lost).await;
        ben.sync(&school).await;
        fetch_all(&school, &mut ben).await.unwrap();
        for document in [&log, &plan] {
            let path = format!("/v1/documents/{}/snapshot", document.id());
            assert_eq!(school.get(&path, &ben.token).await.status(), StatusCode::OK);
        }
        let tablets = vec![ana, ben, pia, tom, lost];
        let backup = LatestBackup {
            log: school.engine.log_id(),
            seq: 1,
            running: String::new(),
            taken: String::new(),
            folder: PathBuf::new(),
        };
        note_backup(&school.folder.path().join("data.keys"), &backup).unwrap();
        // Whoever asks first is told what nobody asked for yet, and that is written down: from then on answers are the same.
        let mut asking = tablets.clone();
        answers(&school, &mut asking).await;
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        copy_folder(school.folder.path(), folders[1].path());
        school.engine.close();
        copy_folder(school.folder.path(), folders[0].path());
        let mut stopped = Self { folders, tablets: asking, log: Vec::new(), answers: Vec::new() };
        let served = School::serve(stopped.copy(0)).unwrap();
        stopped.log = records(&served);
        stopped.answers = answers(&served, &mut stopped.tablets.clone()).await;
        assert!(stopped.answers.iter().all(|(_, told)| told.is_ok()), "{:?}", stopped.answers);
        stopped
    }

    /// Returns a copy: 0 of what was stopped in good order, 1 of what was killed.
    fn copy(&self, which: usize) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(self.folders[which].path(), copy.path());
        copy
    }
}

/// Returns the payloads of all records.
fn records(school: &School) -> Vec<Vec<u8>> {
    let all = school.engine.reader().read_range(1, u64::MAX, usize::MAX).unwrap();
    all.into_iter().map(|stored| stored.record.payload).collect()
}

/// Asks everything that anybody may ask.
async fn answers(school: &School, tablets: &mut [Tablet]) -> Vec<Told> {
    let mut told = Vec::new();
    let (admin, reviewer) = (school.admin_token(None), school.admin_token(Some("cora")));
    for (path, token) in [
        ("/v1/people", &admin),
        ("/v1/students", &admin),
        ("/v1/grants", &admin),
        ("/v1/devices", &admin),
        ("/v1/holds", &reviewer),
    ] {
        let (status, answer) = in_json(school.get(path, token).await).await;
        let answer = if status == StatusCode::OK { Ok(answer.to_string()) } else { Err(status) };
        told.push((path.to_owned(), answer));
    }
    for tablet in tablets {
        let name = format!("{}", tablet.profile.device);
        for what in ["goes on", "begins"] {
            let mut asking = if what == "begins" { tablet.emptied() } else { tablet.clone() };
            let seen = see_all(school, &mut asking).await;
            told.push((
                format!("{name} {what}"),
                seen.map(|withheld| format!("{withheld:?}\n{}", rows(&asking))),
            ));
            tablet.take_counter_of(&asking);
        }
    }
    told
}

/// Lets a tablet sync until it has all, as a tablet whose device is lost tries in vain; returns the documents that are withheld from it.
pub(super) async fn see_all(school: &School, tablet: &mut Tablet) -> Result<Vec<DocumentId>, StatusCode> {
    loop {
        match tablet.try_sync(school).await {
            Ok(brought) if brought.more => {}
            Ok(_) => return fetch_all(school, tablet).await,
            Err((StatusCode::FORBIDDEN, _)) => return Ok(Vec::new()),
            Err((status, _)) => return Err(status),
        }
    }
}

/// Fetches what the tablet lacks; returns what it may read no more.
async fn fetch_all(school: &School, tablet: &mut Tablet) -> Result<Vec<DocumentId>, StatusCode> {
    let mut withheld = Vec::new();
    for (name, at_least) in tablet.stored().to_fetch().unwrap() {
        let path = format!("/v1/documents/{}/snapshot?at_least={at_least}", name.id());
        let response = school.get(&path, &tablet.token).await;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                withheld.push(name.id());
                continue;
            }
            status => return Err(status),
        }
        let number = |name: &str| header(response.headers(), name).parse::<u64>().unwrap();
        let (seq, incarnation) = (number("x-carryover-seq"), number("x-carryover-incarnation") as u32);
        let mark = Cursor::from_text(header(response.headers(), "x-carryover-mark"));
        let saved = bytes(response).await;
        let device = tablet.profile.device;
        let got = Fetched { incarnation, seq, mark, bytes: &saved };
        let writes = fetched(&tablet.store, device, name.id(), &got);
        tablet.store.apply(writes.unwrap());
    }
    Ok(withheld)
}

/// Returns all that a tablet holds but its cursor, which names the length of a log that grows with every question.
fn rows(tablet: &Tablet) -> String {
    let rows = tablet.store.iter().filter(|(key, _)| key.first() != Some(&b'm'));
    rows.map(|(key, value)| format!("{} {}\n", hex(key), hex(value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// Damages a file; returns what was done to it, or nothing if the file is as it was.
fn damage(path: &Path, random: &mut Random) -> Option<String> {
    let old = fs::read(path).unwrap();
    // Much of the index's file is empty; where something stands, damage matters more.
    let mut at = random.below(old.len());
    if random.chance(60) {
        at = (0..old.len()).map(|step| (at + step) % old.len()).find(|at| old[*at] != 0).unwrap_or(at);
    }
    let (new, what) = bent(&old, at, random);
    if new == old {
        return None;
    }
    File::create(path).and_then(|mut file| file.write_all(&new)).unwrap();
    Some(what)
}

/// Returns the file that a refusal to serve names.
fn refused_for(error: &OpenEngineError) -> Option<PathBuf> {
    match error {
        OpenEngineError::Store(OpenError::Damaged { file, .. }) => Some(file.clone()),
        OpenEngineError::Keys(error) => error.path().map(Path::to_owned),
        OpenEngineError::Own(OwnError::Unreadable(error))
        | OpenEngineError::Register(RegisterError::Unreadable(error)) => Some(error.path().to_owned()),
        OpenEngineError::Own(_)
        | OpenEngineError::Register(_)
        | OpenEngineError::Store(_)
        | OpenEngineError::NotFounded(_)
        | OpenEngineError::CatchUp(_)
        | OpenEngineError::Read(_)
        | OpenEngineError::Entry { .. }
        | OpenEngineError::Desk(_)
        | OpenEngineError::Append(_)
        | OpenEngineError::Sync(_)
        | OpenEngineError::System(_)
        | OpenEngineError::Tokens(_) => None,
    }
}

/// Damages a copy and serves it; the error says what was silent.
async fn round(stopped: &Stopped, seed: u64, kind: &str, then: Then) -> Result<(), String> {
    let mut random = Random::of(seed);
    let drawn = random.below(2);
    // Some files are only there after a clean stop, or only after a kill.
    let found = [drawn, 1 - drawn].into_iter().find_map(|which| {
        let folder = stopped.copy(which);
        let of_kind =
            |path: &PathBuf| kind_of(path, folder.path()) == kind && fs::metadata(path).unwrap().len() > 0;
        let files: Vec<PathBuf> = files(folder.path()).into_iter().filter(of_kind).collect();
        (!files.is_empty()).then_some((which, folder, files))
    });
    let Some((which, folder, files)) = found else { return Err("there is no such file".into()) };
    let (data, keys) = (folder.path().join("data"), folder.path().join("data.keys"));
    let mut draw = || {
        let file = random.pick(&files)?.clone();
        damage(&file, &mut random).map(|what| (file, what))
    };
    let Some((file, what)) = (0..DRAWS_MAX).find_map(|_| draw()) else {
        return Err("no damage changed anything".into());
    };
    let state = ["stopped", "killed"][which];
    let case = format!("{state}, {}: {what}", file.strip_prefix(folder.path()).unwrap().display());
    let report = verify(&data, &keys).map_err(|error| format!("{case}: verify failed: {error}"))?;
    let named = report.faults.iter().any(|fault| fault.file == file || file.starts_with(&fault.file));
    if !named && then != Then::Derived {
        return Err(format!("{case}: verify did not name the file: {report:?}"));
    }
    // A place is said of the log alone: of the other files only the whole is known to be wrong.
    let whole = fs::metadata(&file).map_or(0, |file| file.len());
    let is_of_log = kind.ends_with("segment");
    let misplaced = |offset: u64| !is_of_log || offset > whole;
    if report.faults.iter().any(|fault| fault.offset.is_some_and(misplaced)) {
        return Err(format!("{case}: verify says a place that it cannot know: {report:?}"));
    }
    match (School::serve(folder), then) {
        (Err(error), Then::Refused) if refused_for(&error) == Some(file) => Ok(()),
        (Err(error), _) => Err(format!("{case}: not served: {error}")),
        (Ok(_), Then::Refused) => Err(format!("{case}: served")),
        (Ok(school), Then::Healed | Then::Derived) => {
            compare(stopped, &school, named).await.map_err(|what| format!("{case}: {what}"))
        }
    }
}

async fn compare(stopped: &Stopped, school: &School, named: bool) -> Result<(), String> {
    if records(school)[..stopped.log.len()] != stopped.log {
        return Err("the log's records are others".into());
    }
    let told = answers(school, &mut stopped.tablets.clone()).await;
    for ((asked, before), (_, now)) in stopped.answers.iter().zip(&told) {
        match now {
            now if now == before => {}
            Err(_) if named => {}
            now => return Err(format!("{asked}: another answer\nbefore {before:?}\nnow    {now:?}")),
        }
    }
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Runs one share of the rounds; each kind of file has its turn.
async fn share(number_of: u64) {
    let stopped = Stopped::new().await;
    let rounds = number("DAMAGE_ROUNDS").unwrap_or(ROUNDS).div_ceil(SHARES);
    let first = number("DAMAGE_SEED").unwrap_or(0) + number_of * rounds;
    let mut silent = Vec::new();
    for seed in first..first + rounds {
        let (kind, then) = KINDS[usize::try_from(seed).unwrap() % KINDS.len()];
        if let Err(what) = round(&stopped, seed, kind, then).await {
            silent.push(format!("{kind}, DAMAGE_SEED={seed} DAMAGE_ROUNDS=1: {what}"));
        }
    }
    assert!(silent.is_empty(), "{} of {rounds} rounds:\n{}", silent.len(), silent.join("\n"));
}

#[tokio::test]
async fn damaged_folders_are_reported_or_heal_first_share() {
    share(0).await;
}

#[tokio::test]
async fn damaged_folders_are_reported_or_heal_second_share() {
    share(1).await;
}

#[tokio::test]
async fn damaged_folders_are_reported_or_heal_third_share() {
    share(2).await;
}

#[tokio::test]
async fn damaged_folders_are_reported_or_heal_fourth_share() {
    share(3).await;
}

/// The same folder gives the same answers, so that a difference means something.
#[tokio::test]
async fn an_undamaged_folder_answers_the_same_each_time() {
    let stopped = Stopped::new().await;
    for which in [0, 1, 1, 0] {
        let school = School::serve(stopped.copy(which)).unwrap();
        compare(&stopped, &school, false).await.unwrap();
    }
    let (locks, others): (Vec<PathBuf>, Vec<PathBuf>) = files(stopped.folders[0].path())
        .into_iter()
        .partition(|path| kind_of(path, stopped.folders[0].path()) == LOCK);
    assert!(locks.iter().all(|lock| fs::metadata(lock).unwrap().len() == 0), "{locks:?}");
    let kinds: BTreeSet<_> = others.iter().map(|path| kind_of(path, stopped.folders[0].path())).collect();
    assert_eq!(kinds.len(), KINDS.len(), "{kinds:?}");
}

/// Every so many bytes of the log one is damaged: more would only take longer.
const STRIDE_BYTES: usize = 211;

#[tokio::test]
async fn verify_names_what_damage_concerns_in_words_and_nobody_by_name() {
    let stopped = Stopped::new().await;
    let folder = stopped.copy(0);
    let (data, keys) = (folder.path().join("data"), folder.path().join("data.keys"));
    let mut concerns = BTreeSet::new();
    for file in
        files(&data.join("log")).into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "seg"))
    {
        let whole = fs::read(&file).unwrap();
        // What each frame begins with, and the first one here.
        let magic = &whole[64..68];
        for at in (64..whole.len()).step_by(STRIDE_BYTES) {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            fs::write(&file, bent).unwrap();
            let report = verify(&data, &keys).unwrap();
            let place = report.faults.first().and_then(|fault| fault.offset).expect("a place in the log");
            let place = usize::try_from(place).unwrap();
            assert!(place <= at && whole[place..].starts_with(magic), "byte {at}, {place} was named");
            let behind = whole[place + 1..=at].windows(magic.len()).any(|bytes| bytes == magic);
            assert!(!behind, "byte {at} is of a later frame than the one at {place}");
            concerns.extend(report.faults.into_iter().flat_map(|fault| fault.concerns));
        }
        fs::write(&file, whole).unwrap();
    }
    let said: Vec<String> = concerns.into_iter().collect();
    for expected in [
        "1 x change of the log about student ",
        "1 x change of the plan about student ",
        "word of the roster",
    ] {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:#?}");
    }
    let school = School::serve(folder).unwrap();
    let (_, students) = in_json(school.get("/v1/students", &school.admin_token(None)).await).await;
    let (_, people) = in_json(school.get("/v1/people", &school.admin_token(None)).await).await;
    let names = students["students"].as_array().unwrap().iter().map(|student| &student["display_name"]);
    let names: Vec<_> =
        names.chain(people["people"].as_array().unwrap().iter().map(|person| &person["name"])).collect();
    assert!(names.len() > 2);
    for name in names {
        assert!(!said.iter().any(|said| said.contains(name.as_str().unwrap())), "{name}: {said:#?}");
    }
}
