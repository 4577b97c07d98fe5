//! What a well-formed import becomes.

use jiff::civil::Date;

use super::*;
use crate::import::FILE_NAMES;
use sync_core::document::word::{Direction, Discipline, Place};
use sync_core::measure::value::Measure;
use sync_core::service::line::{Mode, Period};

#[test]
fn a_district_becomes_typed_rows() {
    let roster = read_new(&district()).unwrap();
    assert_eq!((roster.schools.len(), roster.terms.len(), roster.guardians.len()), (2, 2, 2));
    assert_eq!(roster.terms[0].school, None);
    assert_eq!(roster.terms[1].last_day, Date::constant(2027, 5, 28));

    let ana = &roster.people[0];
    assert_eq!(
        (ana.external_id.as_str(), ana.name.expose().as_str(), ana.role),
        ("p1", "Ana Silva", Role::Slp)
    );
    assert_eq!(ana.email.as_ref().unwrap().expose(), "ana@oak.example");
    assert_eq!((ana.school.as_ref().unwrap().as_str(), ana.line.get()), ("oak", 2));
    assert_eq!((&roster.people[2].school, &roster.people[1].email), (&None, &None));

    let maya = &roster.students[0];
    assert_eq!((maya.display_name.expose().as_str(), maya.grade.as_deref()), ("Maya R.", Some("3")));
    assert_eq!((maya.home_language.as_deref(), &roster.students[1].school), (Some("es"), &None));

    let para = &roster.team[1];
    assert_eq!((para.role, para.supervisor.as_ref().unwrap().as_str()), (Role::Para, "p1"));
    assert_eq!((para.from, para.to), (Date::constant(2026, 8, 24), Some(Date::constant(2027, 5, 28))));
    assert_eq!(roster.team[0].reason.as_ref().unwrap().expose(), "caseload");

    let (first, second) = (&roster.services[0], &roster.services[1]);
    assert_eq!(
        (first.discipline, first.mode, first.place),
        (Discipline::Slp, Mode::PushIn, Some(Place::GeneralClass))
    );
    assert_eq!((first.sessions, first.period, first.minutes), (2, Period::Week, 30));
    assert_eq!((second.place, second.sessions, second.minutes, second.to), (None, 0, 480, None));

    let (sound, seat) = (&roster.goals[0], &roster.goals[1]);
    assert_eq!((sound.kind, sound.direction), (Measure::Percent, Direction::Increase));
    assert_eq!((sound.target.0, sound.baseline.map(|figure| figure.0)), (80_000, Some(42_500)));
    assert_eq!(sound.assigned.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["p1", "p2"]);
    assert!(seat.baseline.is_none() && seat.criterion.is_none() && seat.assigned.is_empty());

    assert_eq!(roster.guardians.iter().map(|row| row.restricted).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_missing_file_means_nothing_of_that_kind() {
    let roster = read_new(&BTreeMap::new()).unwrap();
    assert!(roster.schools.is_empty() && roster.goals.is_empty());
    for name in FILE_NAMES {
        let files = district().into_iter().filter(|(file, _)| file == name).collect();
        let readable = read(&files, &Has).is_ok();
        // A file stands alone if it refers to nothing, or to what is there already.
        let stands = ["schools.csv", "terms.csv", "students.csv", "guardians.csv"].contains(&name);
        assert_eq!(readable, stands, "{name}");
    }
}

#[test]
fn references_may_lead_to_what_the_organisation_has() {
    let team = "student,person,role,from,supervisor\ns1,p2,para,2026-08-24,p1\n";
    assert!(read(&alone("team.csv", team), &Has).is_ok());
    let codes = |files| read_new(&files).unwrap_err().iter().map(|error| error.code).collect::<Vec<_>>();
    assert_eq!(
        codes(alone("team.csv", team)),
        [Code::UnknownStudent, Code::UnknownPerson, Code::UnknownPerson]
    );
    assert!(read(&alone("students.csv", "external_id,display_name,school\nx,X,oak\n"), &Has).is_ok());
}

#[test]
fn a_role_in_the_import_wins_over_the_one_that_is_known() {
    let team = "student,person,role,from,supervisor\ns1,p2,para,2026-08-24,p1\n";
    let mut files = alone("team.csv", team);
    files.insert("people.csv".to_owned(), b"external_id,name,role\np1,Ana,coord\n".to_vec());
    assert_eq!(places(&read(&files, &Has).unwrap_err()), [("team.csv", 2, 5, Code::SupervisorNotClinician)]);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let with_mark = [b"\xef\xbb\xbf".as_slice(), PEOPLE.as_bytes()].concat();
    let quoted = b"\xef\xbb\xbf\"external_id\",\"name\"\noak,Oak\nelm,Elm\n".to_vec();
    assert_eq!(read_new(&district_with("people.csv", with_mark)), read_new(&district()));
    assert_eq!(read_new(&alone("schools.csv", quoted)).unwrap().schools[1].line.get(), 3);
}

#[test]
fn columns_may_stand_in_any_order_and_empty_ones_be_left_out() {
    let people = "role,external_id,name\nslp,p1,Ana\n";
    let roster = read_new(&alone("people.csv", people)).unwrap();
    assert_eq!((roster.people[0].role, roster.people[0].external_id.as_str()), (Role::Slp, "p1"));
    assert_eq!(roster.people[0].email, None);
}

#[test]
fn every_file_reads_the_same_with_crlf() {
    let crlf = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace('\n', "\r\n").into_bytes();
    let files = district().into_iter().map(|(name, bytes)| (name, crlf(bytes))).collect();
    assert_eq!(read_new(&files), read_new(&district()));
}

#[test]
fn the_last_line_may_end_without_a_line_break() {
    let roster = read_new(&alone("schools.csv", "external_id,name\noak,Oak\nelm,Elm")).unwrap();
    assert_eq!(roster.schools[1].name, "Elm");
}

#[test]
fn a_quoted_text_keeps_commas_quotes_and_lines_and_the_next_row_its_line() {
    let goals = "external_id,student,discipline,statement,kind,direction,target\n\
        g1,s1,slp,\"Says \"\"r\"\",\nin words\n\nand sentences\",count,increase,5\n\
        \n\
        g2,s1,slp,Listens,count,increase,0.125\n";
    for goals in [goals.to_owned(), goals.replace("5\n", "5\r\n").replace("target\n", "target\r\n")] {
        let roster = read(&alone("goals.csv", goals), &Has).unwrap();
        assert_eq!(roster.goals[0].statement.expose(), "Says \"r\",\nin words\n\nand sentences");
        assert_eq!(roster.goals.iter().map(|row| row.line.get()).collect::<Vec<_>>(), [2, 7]);
        assert_eq!(roster.goals[1].target.0, 125);
    }
}

#[test]
fn empty_lines_and_rows_of_empty_cells_are_no_rows() {
    let schools = "\n\nexternal_id,name\n\noak,Oak\n , \n,\n,,,,\n\"\",\"\"\nelm,Elm\n";
    let roster = read_new(&alone("schools.csv", schools)).unwrap();
    assert_eq!(roster.schools.iter().map(|row| row.line.get()).collect::<Vec<_>>(), [5, 10]);
}

#[test]
fn space_around_a_value_is_not_part_of_it() {
    let roster = read_new(&alone("schools.csv", " external_id,name \n oak\t,\" Oak\u{a0}\"\n")).unwrap();
    assert_eq!((roster.schools[0].external_id.as_str(), roster.schools[0].name.as_str()), ("oak", "Oak"));
}

#[test]
fn what_looks_like_a_formula_is_kept_as_text() {
    for cell in ["=1+1", "+1", "-x", "@SUM(A1)", "=HYPERLINK(1)", "'=1", "|cmd"] {
        let row = format!("external_id,name\nid,{cell}\n");
        assert_eq!(read_new(&alone("schools.csv", row)).unwrap().schools[0].name, cell);
        let row = format!("external_id,name,role\n{cell},{cell},SLP\n");
        let roster = read_new(&alone("people.csv", row)).unwrap();
        assert_eq!(
            (roster.people[0].name.expose().as_str(), roster.people[0].external_id.as_str()),
            (cell, cell)
        );
    }
}

#[test]
fn terms_may_follow_each_other_day_by_day_and_differ_between_schools() {
    let terms = "external_id,school,name,first_day,last_day\n\
        t1,oak,A,2026-08-01,2026-12-31\nt2,oak,B,2027-01-01,2027-06-30\nt3,elm,A,2026-09-01,2027-02-01\n";
    assert!(read_new(&district_with("terms.csv", terms)).is_ok());
}
