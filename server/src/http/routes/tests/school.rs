//! A small school on a folder of its own, and tablets that speak to its router in process.

use std::path::Path;

use axum::body::Body;
use axum::http::{HeaderMap, Request as HttpRequest, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::{Fields, Slot, SlotKey};
use sync_core::exchange::client::outbox::{Outgoing, Safe, compose, keep};
use sync_core::exchange::client::reply::{Brought, take};
use sync_core::exchange::client::state::{Profile, Tablet as Stored};
use sync_core::exchange::client::view::paired;
use sync_core::exchange::codec;
use sync_core::exchange::message::Reply;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::{ActId, DeviceId, DocumentId, GrantId, GuardianId, OrgId, PersonId, StudentId, derive};
use sync_core::kv::Memory;
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;
use sync_core::roster::{DeviceState, Grant, Guardian, Person, Student};
use sync_core::sealing::SealingKey;
use sync_core::time::{Moment, Zone};
use tower::ServiceExt as _;

use super::super::*;
use crate::auth::assertion::{Assertion, SCHEME};
use crate::auth::keys::{ServerKeys, system_random};
use crate::clock::{Clock, ClockSetting};
use crate::engine::{Founding, OpenEngineError, Ruling, Settings};
use crate::http::shell;
use crate::store::disk::SimulatedDisk;
use crate::store::{EmbeddedStore, MemoryDisk, MemoryStore};

/// Where the log lies on a simulated disk.
pub(super) const LOG: &str = "log";
/// Segments on a simulated disk, small enough to be sealed now and then.
const SEGMENT_BYTES: u64 = 64 * 1024;

pub(super) const START: &str = "2026-11-20T09:00:00-06:00";

pub(super) struct School {
    pub folder: tempfile::TempDir,
    pub engine: Arc<Engine>,
    pub router: Router,
    clock: ClockSetting,
}

pub(super) fn person(name: &str) -> PersonId {
    PersonId(derive("test person", &[name.as_bytes()]))
}

pub(super) fn maya() -> StudentId {
    StudentId([7; 16])
}

fn settings(folder: &tempfile::TempDir, clock: ClockSetting) -> Settings {
    let data = folder.path().join("data");
    let keys = folder.path().join("data.keys");
    Settings { data, keys, clock: Clock::start(clock), verbatim: true, policy: None }
}

impl School {
    /// Founds a school with one student, whose team is a speech therapist, an occupational therapist and a para. The teacher is on nobody's.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: ClockSetting = START.parse().unwrap();
        let zone = Zone::named("America/Chicago").unwrap();
        let settings = settings(&folder, clock);
        Engine::found(&settings, Founding { name: "Lake".into(), zone }).unwrap();
        Self::open(folder, clock).with_people().await
    }

    /// Founds the same school on a simulated disk; its keys lie in a folder, and so do its snapshots.
    pub async fn on_disk(disk: &SimulatedDisk) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder, START.parse().unwrap());
        let keys = ServerKeys::open_or_create(&settings.keys, false, system_random).unwrap();
        let founding = Founding { name: "Lake".into(), zone: Zone::named("America/Chicago").unwrap() };
        EmbeddedStore::create_on(Arc::new(disk.clone()), Path::new(LOG), [1; 16]).unwrap();
        Engine::found_on(&mut Self::store_on(disk), &settings, &keys, founding).unwrap();
        Self::open_on_disk(folder, disk).with_people().await
    }

    /// Serves what a simulated disk holds.
    pub fn open_on_disk(folder: tempfile::TempDir, disk: &SimulatedDisk) -> Self {
        let clock: ClockSetting = START.parse().unwrap();
        let settings = settings(&folder, clock);
        let keys = ServerKeys::open(&settings.keys).unwrap();
        let engine = Engine::open_on(Box::new(Self::store_on(disk)), &settings, keys).unwrap();
        Self::over(folder, engine, clock)
    }

    fn store_on(disk: &SimulatedDisk) -> EmbeddedStore {
        EmbeddedStore::open_on(Arc::new(disk.clone()), Path::new(LOG), SEGMENT_BYTES).unwrap()
    }

    /// Ends the process, and starts another on what the disk holds.
    pub fn restart_on_disk(self, disk: &SimulatedDisk) -> Self {
        self.engine.close();
        Self::open_on_disk(self.folder, disk)
    }

    async fn with_people(self) -> Self {
        let school = self;
        for (name, role) in [
            ("ana", Role::Slp),
            ("ben", Role::Ot),
            ("pia", Role::Para),
            ("tom", Role::Set),
            ("cora", Role::Coord),
        ] {
            school
                .add(LogEntry::Person(Person {
                    id: person(name),
                    external_id: name.into(),
                    name: name.to_owned().into(),
                    email: String::new().into(),
                    school: None,
                    role,
                }))
                .await;
        }
        school
            .add(LogEntry::Student(Student {
                id: maya(),
                external_id: "maya".into(),
                display_name: "Maya".to_owned().into(),
                grade: "03".into(),
                school: None,
                home_language: "en".into(),
            }))
            .await;
        for (name, role) in [("ana", Role::Slp), ("ben", Role::Ot), ("pia", Role::Para)] {
            school.grant(name, role, None).await;
        }
        school
    }

    /// Founds an empty school on a store whose disk can be told to fail.
    pub fn in_memory() -> (Self, MemoryDisk) {
        let folder = tempfile::tempdir().unwrap();
        let clock: ClockSetting = START.parse().unwrap();
        let settings = settings(&folder, clock);
        let disk = MemoryDisk::new([1; 16]);
        let keys = || ServerKeys::open_or_create(&settings.keys, false, system_random).unwrap();
        let founding = Founding { name: "Lake".into(), zone: Zone::named("America/Chicago").unwrap() };
        Engine::found_on(&mut MemoryStore::open(&disk), &settings, &keys(), founding).unwrap();
        let engine = Engine::open_on(Box::new(MemoryStore::open(&disk)), &settings, keys()).unwrap();
        (Self::over(folder, engine, clock), disk)
    }

    fn open(folder: tempfile::TempDir, clock: ClockSetting) -> Self {
        let engine = Engine::open(&settings(&folder, clock)).unwrap();
        Self::over(folder, engine, clock)
    }

    fn over(folder: tempfile::TempDir, engine: Arc<Engine>, clock: ClockSetting) -> Self {
        let router = shell(router(Arc::clone(&engine)), limits(), Arc::clone(&engine) as _);
        Self { folder, engine, router, clock }
    }

    /// Serves what a folder holds, a copy of a school's, if it can be served.
    pub fn serve(folder: tempfile::TempDir) -> Result<Self, OpenEngineError> {
        let clock: ClockSetting = START.parse().unwrap();
        let engine = Engine::open(&settings(&folder, clock))?;
        Ok(Self::over(folder, engine, clock))
    }

    /// Stops the server, and starts it on a log whose segments have this size.
    pub fn restart_rolling(self, segment_bytes: u64) -> Self {
        let Self { folder, engine, router, clock } = self;
        engine.close();
        drop((router, engine));
        let settings = settings(&folder, clock);
        let keys = ServerKeys::open(&settings.keys).unwrap();
        let store = EmbeddedStore::open_rolling(&settings.data, segment_bytes).unwrap();
        let engine = Engine::open_on(Box::new(store), &settings, keys).unwrap();
        Self::over(folder, engine, clock)
    }

    /// Stops and starts the server, after `between` had its way with the data folder.
    pub fn restart(self, between: impl FnOnce(&std::path::Path)) -> Self {
        let Self { folder, engine, router, clock } = self;
        engine.close();
        drop((router, engine));
        between(&folder.path().join("data"));
        Self::open(folder, clock)
    }

    /// Stops the server, and starts it under a version of the policy.
    pub fn restart_under(self, policy: PolicyVersion) -> Self {
        let Self { folder, engine, router, clock } = self;
        engine.close();
        drop((router, engine));
        let settings = Settings { policy: Some(policy), ..settings(&folder, clock) };
        Self::over(folder, Engine::open(&settings).unwrap(), clock)
    }

    pub fn restart_at(mut self, clock: &str) -> Self {
        self.clock = clock.parse().unwrap();
        self.restart(|_| {})
    }

    pub async fn add(&self, entry: LogEntry) {
        self.engine.decide(move |desk| desk.emit(entry).map(Ruling::Stands)).await.unwrap();
    }

    /// Gives a student a guardian.
    pub async fn guardian(&self, student: StudentId) -> GuardianId {
        let id = GuardianId(student.0);
        self.add(LogEntry::Guardian(Guardian {
            id,
            external_id: String::new(),
            student,
            name: "somebody".to_owned().into(),
            language: "en".into(),
            restricted: false,
        }))
        .await;
        id
    }

    pub async fn grant(&self, name: &str, role: Role, to: Option<&str>) {
        let grant = Grant {
            id: GrantId(derive("test grant", &[name.as_bytes(), role.code().as_bytes()])),
            student: maya(),
            person: person(name),
            role,
            from: "2026-08-20".parse().unwrap(),
            to: to.map(|day| day.parse().unwrap()),
            supervisor: None,
            reason: String::new().into(),
        };
        self.engine.decide(move |desk| desk.set_grant(grant).map(Ruling::Stands)).await.unwrap();
    }

    pub async fn set_state(&self, device: DeviceId, state: DeviceState) {
        self.add(LogEntry::DeviceState { device, state }).await;
    }

    pub fn document(&self, kind: DocumentKind, member: Option<&str>) -> DocumentName {
        DocumentName {
            org: self.engine.organisation(),
            kind,
            subject: maya(),
            period: "2026-27".into(),
            member: member.map(person),
        }
    }

    pub async fn code(&self, name: &str) -> String {
        let code = self.engine.new_code(person(name), 60_000).await.unwrap().unwrap();
        code.code.to_string()
    }

    /// Pairs a tablet for a person; the number tells tablets of one person apart.
    pub async fn tablet(&self, name: &str, number: u8) -> Tablet {
        let code = self.code(name).await;
        let key = SigningKey::from_bytes(&derive_32(name, number));
        let (status, answer) = self.pair(&code, &key).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["person_external_id"], name);
        let profile = Profile {
            org: answer["organisation"].as_str().unwrap().parse::<OrgId>().unwrap(),
            person: person(name),
            device: answer["device"].as_str().unwrap().parse().unwrap(),
        };
        let mut store = Memory::default();
        store.apply(paired(&profile));
        let given = |name: &str| URL_SAFE_NO_PAD.decode(answer[name].as_str().unwrap()).unwrap();
        let (certificate, sealing) = (given("certificate"), given("sealing_key"));
        let sealing = SealingKey(sealing.try_into().unwrap());
        let (counter, drawn, token) = (0, 0, String::new());
        Tablet { key, profile, store, counter, drawn, token, certificate, sealing, seals: false }
    }

    pub async fn pair(&self, code: &str, key: &SigningKey) -> (StatusCode, Value) {
        let public_key = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let body = json!({
            "code": code, "public_key": public_key, "tablet": ulid::Ulid::from(5_u128).to_string(), "app": "test",
        });
        let request = HttpRequest::post("/v1/pair").body(Body::from(body.to_string())).unwrap();
        in_json(self.send(request).await).await
    }

    pub async fn send(&self, request: HttpRequest<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str, token: &str) -> Response {
        let request = HttpRequest::get(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub fn admin_token(&self, name: Option<&str>) -> String {
        let person = name.map(|name| person(name).to_string());
        self.engine.tokens().issue_admin(person.as_deref(), 1, [9; 16], self.engine.now_s()).unwrap()
    }
}

fn derive_32(name: &str, number: u8) -> [u8; 32] {
    let half = derive("test key", &[name.as_bytes(), &[number]]);
    [half, half].concat().try_into().unwrap()
}

pub(super) async fn bytes(response: Response) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

pub(super) async fn in_json(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    (status, serde_json::from_slice(&bytes(response).await).unwrap())
}

/// A tablet as the SDK keeps it: the pure client over a store in memory.
#[derive(Clone)]
pub(super) struct Tablet {
    key: SigningKey,
    pub profile: Profile,
    pub store: Memory,
    counter: u64,
    drawn: u128,
    pub token: String,
    /// The server's word that it was paired.
    pub certificate: Vec<u8>,
    /// The server's key, to which acts are sealed.
    pub sealing: SealingKey,
    /// Whether it keeps each act a second time, sealed, as the SDK does.
    pub seals: bool,
}

impl Tablet {
    /// Logs a session in the student's log of this year, and returns its key.
    pub fn log(&mut self, name: &DocumentName, role: &str) -> SlotKey {
        let fields = |pairs: Vec<(&str, sync_core::document::slot::Value)>| -> Fields {
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        };
        let segment = fields(vec![
            ("mode", "push-in".into()),
            ("place", "general-class".into()),
            ("start", 1_795_183_200_000.into()),
            ("minutes", 30.into()),
        ]);
        self.make(
            name,
            "sessions",
            fields(vec![
                ("role", role.into()),
                ("segments", fields(vec![("1", segment.into())]).into()),
                ("state", "complete".into()),
            ]),
        )
    }

    pub fn make(&mut self, name: &DocumentName, container: &str, mut fields: Fields) -> SlotKey {
        self.drawn += 1;
        let drawn = ulid::Ulid::from((u128::from(self.profile.device.0[0]) << 64) + self.drawn);
        fields.insert("act".into(), drawn.to_string().into());
        fields.insert("at".into(), 1_795_183_200_000.into());
        fields.insert("offset".into(), 0.into());
        let key = SlotKey::new(self.profile.person, drawn);
        let slot = Slot { container: container.into(), key, fields };
        let randomness = Sha256::digest(drawn.to_bytes()).into();
        let seal = |act: &[u8]| self.sealing.seal(randomness, act).unwrap();
        let safe = Safe { key: &self.key, app: "test", seal: &seal };
        let safe = self.seals.then_some(&safe);
        let writes = keep(&self.store, name, ActId::from(drawn), vec![slot], safe).unwrap();
        self.store.apply(writes);
        key
    }

    /// Returns the key that the device signs with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    pub fn compose(&self) -> Outgoing {
        compose(&self.store, &self.key, "test", Moment(1_795_183_200_000), &|_| false).unwrap()
    }

    /// Sends bytes as this device, with a new counter.
    pub async fn post(&mut self, school: &School, path: &str, body: Vec<u8>) -> Response {
        self.counter += 1;
        self.post_again(school, path, body).await
    }

    /// Sends bytes under the last counter.
    pub async fn post_again(&self, school: &School, path: &str, body: Vec<u8>) -> Response {
        let assertion = Assertion::of(self.profile.org.0, self.profile.device.0, self.counter, &body);
        let request = HttpRequest::post(path)
            .header("authorization", format!("{SCHEME} {}", assertion.signed_by(&self.key)))
            .header("content-type", "application/cbor");
        school.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Exchanges once, and takes the reply.
    pub async fn sync(&mut self, school: &School) -> Brought {
        match self.try_sync(school).await {
            Ok(brought) => brought,
            Err((status, refused)) => panic!("{status}: {refused}"),
        }
    }

    /// Exchanges once, and takes the reply, or returns how the server refused.
    pub async fn try_sync(&mut self, school: &School) -> Result<Brought, (StatusCode, Value)> {
        let outgoing = self.compose();
        let response = self.post(school, "/v1/exchange", codec::encode(&outgoing.request)).await;
        if response.status() != StatusCode::OK {
            return Err(in_json(response).await);
        }
        self.token = response.headers()["x-carryover-token"].to_str().unwrap().to_owned();
        let reply: Reply = codec::decode(&bytes(response).await).unwrap();
        let (writes, brought) = take(&self.store, &outgoing, &reply, Moment(1_795_183_200_000)).unwrap();
        self.store.apply(writes);
        Ok(brought)
    }

    /// Signs from now on with another device's key, under its own name.
    pub fn take_key_of(&mut self, other: &Self) {
        self.key = other.key.clone();
    }

    /// Signs from now on above what another program of the same device has signed.
    pub fn take_counter_of(&mut self, other: &Self) {
        self.counter = self.counter.max(other.counter);
    }

    /// Returns a tablet of the same device that has forgotten all but who it is.
    pub fn emptied(&self) -> Self {
        let mut emptied = self.clone();
        emptied.store = Memory::default();
        emptied.store.apply(paired(&self.profile));
        emptied
    }

    pub fn stored(&self) -> Stored<'_> {
        Stored(&self.store)
    }

    pub fn has(&self, document: DocumentId, key: &SlotKey) -> bool {
        self.stored().record(document, key).unwrap().is_some()
    }
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}
