//! The words that scripts may rely on are those of the code.

use std::collections::BTreeSet;
use std::fs;

use server::import::FILE_NAMES;
use sync_core::document::schema::{MODES, PLACES, REASONS, RecordKind};
use sync_core::document::slot::SlotKey;
use sync_core::ids::{DocumentId, PersonId};
use sync_core::measure::value::Measure;
use sync_core::record::{Flag, RecordRef};
use sync_core::roster::role::Role;
use sync_core::service::minutes;
use ulid::Ulid;

/// Returns the words that stand as code in the row of the page that begins so.
fn row<'a>(page: &'a str, begins: &str) -> Vec<&'a str> {
    let line = page.lines().find(|line| line.starts_with(&format!("| {begins} |")));
    let cell = line.unwrap_or_else(|| panic!("no row of {begins}"));
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn scripts_are_told_the_words_of_the_code() {
    let page = fs::read_to_string(super::top().join(super::CHAPTERS).join("scripts.md")).unwrap();
    assert_eq!(row(&page, "roles"), Role::CODES);
    assert_eq!(row(&page, "kinds of figures"), Measure::CODES);
    assert_eq!(row(&page, "modes"), [MODES, &["blended"]].concat());
    assert_eq!(row(&page, "places"), PLACES);
    assert_eq!(row(&page, "reasons of a missed session"), REASONS);
    let of_class = |asks: bool| -> BTreeSet<&str> {
        one_of_each().iter().filter(|flag| flag.asks() == asks).map(Flag::word).collect()
    };
    assert_eq!(row(&page, "flags that ask").into_iter().collect::<BTreeSet<_>>(), of_class(true));
    assert_eq!(row(&page, "other flags").into_iter().collect::<BTreeSet<_>>(), of_class(false));
    assert_eq!(row(&page, "flags of a week"), of_a_week().map(|flag| flag.word()));
    for file in FILE_NAMES {
        assert!(row(&page, &format!("`{file}`")).len() > 1, "{file}");
    }
}

fn one_of_each() -> Vec<Flag> {
    let key = SlotKey::new(PersonId([1; 16]), Ulid::from(1_u128));
    let document = DocumentId([2; 16]);
    let record = RecordRef { kind: RecordKind::Session, key, document };
    vec![
        Flag::Unfit { record, field: "minutes".into() },
        Flag::Faulty(record),
        Flag::Twin { record, of: key },
        Flag::TargetMissing { document, statement: key, target: key },
        Flag::Unreadable { document, statement: key },
        Flag::NotEditable { record, edit: key },
        Flag::NoReason { record, edit: key },
        Flag::VoidBesideAmendment(record),
        Flag::ClockOff(record),
        Flag::Newer { document, record: key },
        Flag::UnassignedGoal(record),
        Flag::UnknownGoal(record),
        Flag::SegmentsOverlap(record),
        Flag::SessionsOverlap(record, record),
        Flag::Duplicate(record, record),
        Flag::ModeMismatch(record),
        Flag::MissedBesideDelivered { missed: record, session: record },
        Flag::MadeUpAlready { session: record, missed: key },
        Flag::SameEventsOrShared { counted: record, set_aside: record },
    ]
}

fn of_a_week() -> [minutes::Flag<()>; 6] {
    use minutes::Flag;
    [
        Flag::Overlap(()),
        Flag::ModeMismatch(()),
        Flag::ExtraService(()),
        Flag::NotInForce(()),
        Flag::NotOwed(()),
        Flag::LiabilityUnknown(()),
    ]
}
