//! Bytes of the index's rows.
//!
//! A change through the gate reads and writes a dozen rows. Their fields have no names in the bytes, so reading one costs little more than
//! copying it; and so nothing in the bytes says of which form they are. Whoever keeps an index keeps [`ROW_FORMAT`] beside it, and builds it
//! anew from the log where that is another one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kv::KvError;

/// The form of the rows. It goes up with every change of a type that stands in a row, the order of an enum's variants included.
pub const ROW_FORMAT: u32 = 9;

/// Encodes the value of a row. The same value always gives the same bytes.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Writing to memory cannot fail, and none of the types in rows refuses to be serialised.
    postcard::to_extend(value, Vec::with_capacity(64)).unwrap_or_default()
}

/// Decodes the value of a row.
///
/// # Errors
/// [`KvError::Damaged`], also where bytes follow the value.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, KvError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(KvError::Damaged(std::any::type_name::<T>())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::{Debug, Write as _};

    use ulid::Ulid;

    use super::*;
    use crate::document::change::ChangeHash;
    use crate::document::name::{DocumentKind, DocumentName};
    use crate::document::slot::{ContentHash, SlotKey};
    use crate::exchange::message::EndReason;
    use crate::exchange::server::entry::Organisation;
    use crate::exchange::server::index::{
        ActorState, ChangeState, CodeState, DocumentState, Head, Quota, Reading, RefusalState, Standing,
    };
    use crate::ids::{DeviceId, GrantId, GuardianId, OrgId, PersonId, SchoolId, StudentId, TabletId};
    use crate::roster::role::Role;
    use crate::roster::version::PolicyVersion;
    use crate::roster::{Device, DeviceState, Grant, Guardian, Person, School, Student};
    use crate::time::{Moment, Zone};

    fn line<T: Serialize + DeserializeOwned + PartialEq + Debug>(out: &mut String, name: &str, value: &T) {
        let bytes = encode(value);
        assert_eq!(decode::<T>(&bytes).as_ref(), Ok(value), "{name}");
        for end in 0..bytes.len() {
            assert!(decode::<T>(&bytes[..end]).is_err(), "{name}, the first {end} bytes");
        }
        assert!(decode::<T>(&[bytes.as_slice(), &[0]].concat()).is_err(), "{name} and a byte");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "{name}: {hex}").unwrap();
    }

    /// Where this changes, [`ROW_FORMAT`] goes up.
    #[test]
    fn rows_keep_their_form() {
        let day = "2026-08-20".parse().unwrap();
        let key = SlotKey::new(PersonId([1; 16]), Ulid::from_bytes([2; 16]));
        let name = DocumentName {
            org: OrgId([3; 16]),
            kind: DocumentKind::Own,
            subject: StudentId([4; 16]),
            period: "fall".into(),
            member: Some(PersonId([1; 16])),
        };
        let mut out = format!("format {ROW_FORMAT}\n");
        let zone = Zone::named("America/Chicago").unwrap();
        line(&mut out, "organisation", &Organisation { id: OrgId([3; 16]), name: "Lakeview".into(), zone });
        line(&mut out, "policy", &PolicyVersion::V2);
        line(&mut out, "day", &jiff::civil::Date::constant(2026, 8, 20));
        let school = School { id: SchoolId([5; 16]), external_id: "a".into(), name: "b".into() };
        line(&mut out, "school", &school);
        let person = Person {
            id: PersonId([1; 16]),
            external_id: "p".into(),
            name: "n".to_owned().into(),
            email: "e".to_owned().into(),
            school: Some(SchoolId([5; 16])),
            role: Role::Cm,
        };
        line(&mut out, "person", &person);
        let student = Student {
            id: StudentId([4; 16]),
            external_id: "s".into(),
            display_name: "m".to_owned().into(),
            grade: "03".into(),
            school: None,
            home_language: "en".into(),
        };
        line(&mut out, "student", &student);
        let guardian = Guardian {
            id: GuardianId([6; 16]),
            external_id: "g".into(),
            student: StudentId([4; 16]),
            name: "n".to_owned().into(),
            language: "es".into(),
            restricted: true,
        };
        line(&mut out, "guardian", &guardian);
        let grant = Grant {
            id: GrantId([7; 16]),
            student: StudentId([4; 16]),
            person: PersonId([1; 16]),
            role: Role::Asst,
            from: day,
            to: Some(day),
            supervisor: Some(PersonId([8; 16])),
            reason: "caseload".to_owned().into(),
        };
        line(&mut out, "grant", &grant);
        for state in [DeviceState::Active, DeviceState::Revoked, DeviceState::Lost, DeviceState::Unconfirmed]
        {
            let (id, tablet) = (DeviceId([9; 16]), TabletId([10; 16]));
            let device = Device { id, key: [11; 32], person: PersonId([1; 16]), tablet, state };
            line(&mut out, "device", &device);
        }
        let code = CodeState { person: PersonId([1; 16]), expires: Moment(1_795_000_000_000), used: true };
        line(&mut out, "code", &code);
        let heads = vec![Head { hash: ChangeHash([12; 32]), max_op: 300, step: 1 }];
        let refused_for = name.id();
        let document = DocumentState {
            name,
            steps: 1,
            incarnation: 2,
            heads,
            max_op: 300,
            last: 70_000,
            changes: 9,
            renewed: 0,
            row: 69_000,
            newest: key.record.0,
        };
        line(&mut out, "document", &document);
        line(&mut out, "places", &vec![3u64, 70_000]);
        line(&mut out, "change", &ChangeState { max_op: 300, step: 1, seq: 70_000 });
        line(&mut out, "actor", &ActorState { seq: 3, hash: ChangeHash([12; 32]) });
        let standing = Standing {
            seq: 70_000,
            hash: ContentHash([13; 16]),
            container: "edits".into(),
            discipline: Some("slp".into()),
            edits: Some((key, "value.of".into())),
        };
        line(&mut out, "slot", &standing);
        let reading = Reading { begun: 5, roles: BTreeSet::from([Role::Slp, Role::Cm]), ended: None };
        line(&mut out, "reading", &reading);
        line(&mut out, "reading", &Reading { ended: Some((6, EndReason::GrantEnded)), ..reading });
        line(&mut out, "quota", &Quota { waiting: 1, refused_bytes: 500, recovered: 2 });
        let refusal = RefusalState {
            document: refused_for,
            device: DeviceId([9; 16]),
            code: "no_such_document".to_owned(),
        };
        line(&mut out, "refusal", &refusal);
        line(&mut out, "fact", &ContentHash([13; 16]));
        insta::assert_snapshot!(out);
    }
}
