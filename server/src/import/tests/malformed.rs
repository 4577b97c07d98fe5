//! Every way to get a file wrong, by name, with the place and the code that it is answered with.

use super::*;

/// One file put into a district that has no other fault.
pub(super) struct Case {
    name: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    expected: Vec<(u64, u64, Code)>,
}

impl Case {
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        district_with(self.file, self.bytes.clone())
    }
}

const TERM: &str = "external_id,school,name,first_day,last_day\n";
const PERSON: &str = "external_id,name,email,school,role\np1,A,,,slp\np2,B,,,para\np4,D,,,set\n";
const STUDENT: &str = "external_id,display_name,grade,school,home_language\ns1,M,,,\ns2,L,,,\n";
const MEMBER: &str = "student,person,role,from,to,supervisor,reason\n";
const SERVICE: &str = "external_id,student,discipline,mode,place,sessions,period,minutes,from,to\n";
const GOAL: &str = "external_id,student,discipline,statement,plain_statement,kind,direction,target,baseline,baseline_date,target_date,criterion,assigned\n";
const GUARDIAN: &str = "external_id,student,name,language,restricted\n";

#[test]
fn each_is_answered_with_its_place_and_code() {
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    for case in cases {
        let found = read_new(&case.files()).map(|_| "read").expect_err(case.name);
        let expected: Vec<_> =
            case.expected.iter().map(|(line, column, code)| (case.file, *line, *column, *code)).collect();
        assert_eq!(places(&found), expected, "{}", case.name);
    }
}

#[test]
fn each_code_has_a_case() {
    // Limits on size, too large for a table, have tests of their own; so has what only shows beside what the organisation has.
    let elsewhere = [
        Code::FileTooLarge,
        Code::TooManyRows,
        Code::AndMore,
        Code::GoalFixed,
        Code::ServiceFixed,
        Code::ImportTooLarge,
    ];
    let cases = cases();
    for code in Code::ALL.iter().filter(|code| !elsewhere.contains(code)) {
        let has_case = cases.iter().any(|case| case.expected.iter().any(|(_, _, expected)| expected == code));
        assert!(has_case, "{code:?}");
    }
}

#[test]
fn a_name_in_the_message_is_the_columns() {
    let errors = read_new(&alone("people.csv", "role,name,external_id\nboss,Ana,p1\n")).unwrap_err();
    assert_eq!(places(&errors), [("people.csv", 2, 1, Code::UnknownWord)]);
    assert_eq!(
        errors[0].message,
        "role: this is not one of the words that may stand here; they are: \
         slp, ot, pt, psy, set, cm, para, asst, coord, admin"
    );
}

#[test]
fn a_fault_in_one_file_brings_no_echo_from_others() {
    // Everybody else refers to these; none of that is reported beside the one fault.
    for (file, bytes) in [
        ("students.csv", "external_id,display_name\ns1,\"open\n"),
        ("people.csv", "external_id,name\np1,Ana\n"),
        ("schools.csv", "\u{0}"),
        ("students.csv", "external_id,display_name\ns 1,M\ns2,L\n"),
        ("students.csv", "external_id,display_name\ns1\ns2,L\n"),
        ("people.csv", "external_id,name,role\np1,A,chief\np2,B,para\np4,D,set\n"),
    ] {
        let errors = read_new(&district_with(file, bytes)).unwrap_err();
        assert!(errors.len() == 1 && errors[0].file == file, "{errors:?}");
    }
}

#[test]
fn a_column_that_must_be_filled_may_be_neither_left_out_nor_empty() {
    let filled = [
        ("schools.csv", "external_id name"),
        ("terms.csv", "external_id name first_day last_day"),
        ("people.csv", "external_id name role"),
        ("students.csv", "external_id display_name"),
        ("team.csv", "student person role from"),
        ("services.csv", "external_id student discipline mode sessions period minutes from"),
        ("goals.csv", "external_id student discipline statement kind direction target"),
        ("guardians.csv", "external_id student name"),
    ];
    for (file, filled) in filled {
        let text = String::from_utf8(district()[file].clone()).unwrap();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let answer = |rows: Vec<Vec<&str>>| {
            let text: Vec<_> = rows.iter().map(|row| row.join(",")).collect();
            read_new(&district_with(file, text.join("\n"))).err().unwrap_or_default()
        };
        for (at, name) in rows[0].iter().enumerate() {
            let mut emptied = rows.clone();
            emptied[1][at] = "";
            let mut left_out = rows.clone();
            for row in &mut left_out {
                row.remove(at);
            }
            let must = filled.split(' ').any(|column| column == *name);
            let column = at as u64 + 1;
            assert_eq!(
                places(&answer(emptied)).contains(&(file, 2, column, Code::Required)),
                must,
                "{file} {name}"
            );
            assert_eq!(
                places(&answer(left_out)).contains(&(file, 1, 0, Code::MissingColumn)),
                must,
                "{file} {name}"
            );
        }
    }
}

/// Returns the table. Where a case is about rows, they stand below a header of all columns.
pub(super) fn cases() -> Vec<Case> {
    let case = |name, file, text: &str, expected: &[(u64, u64, Code)]| Case {
        name,
        file,
        bytes: text.as_bytes().to_vec(),
        expected: expected.to_vec(),
    };
    let bytes = |name, file, bytes: &[u8], expected: &[(u64, u64, Code)]| Case {
        name,
        file,
        bytes: bytes.to_vec(),
        expected: expected.to_vec(),
    };
    let school = |name, rows: &str, expected: &[(u64, u64, Code)]| {
        case(name, "schools.csv", &format!("external_id,name\noak,Oak\nelm,Elm\n{rows}"), expected)
    };
    let term = |name, rows: &str, expected: &[(u64, u64, Code)]| {
        case(name, "terms.csv", &format!("{TERM}{rows}"), expected)
    };
    let person = |name, rows: &str, expected: &[(u64, u64, Code)]| {
        case(name, "people.csv", &format!("{PERSON}{rows}"), expected)
    };
    let student = |name, rows: &str, expected: &[(u64, u64, Code)]| {
        case(name, "students.csv", &format!("{STUDENT}{rows}"), expected)
    };
    let member = |name, rows: &str, expected: &[(u64, u64, Code)]| {
        case(name, "team.csv", &format!("{MEMBER}{rows}"), expected)
    };
    let service = |name, rows: &str, expected: &[(u64, u64, Code)]| {
        case(name, "services.csv", &format!("{SERVICE}{rows}"), expected)
    };
    let goal = |name, rows: &str, expected: &[(u64, u64, Code)]| {
        case(name, "goals.csv", &format!("{GOAL}{rows}"), expected)
    };
    let guardian = |name, rows: &str, expected: &[(u64, u64, Code)]| {
        case(name, "guardians.csv", &format!("{GUARDIAN}{rows}"), expected)
    };
    let long = |chars: usize| "x".repeat(chars);
    vec![
        // The file's name and frame.
        case("a name in the singular", "student.csv", STUDENT, &[(0, 0, Code::UnknownFile)]),
        case("a name in capitals", "People.csv", PERSON, &[(0, 0, Code::UnknownFile)]),
        case("a name with a folder", "old/people.csv", PERSON, &[(0, 0, Code::UnknownFile)]),
        bytes("latin-1", "schools.csv", b"external_id,name\noak,Oak\nelm,\xc9lm\n", &[(3, 2, Code::NotUtf8)]),
        bytes(
            "broken UTF-8 behind lines within quotes",
            "schools.csv",
            b"external_id,name\n\"a\",\"b\n\nc\"\nd,\xff\n",
            &[(5, 2, Code::NotUtf8)],
        ),
        bytes(
            "UTF-8 cut off at the end",
            "schools.csv",
            b"external_id,name\noak,\xc3",
            &[(2, 2, Code::NotUtf8)],
        ),
        bytes("UTF-16", "schools.csv", b"\xff\xfee\0x\0", &[(1, 1, Code::NotUtf8)]),
        bytes("a surrogate", "schools.csv", b"external_id,name\n\xed\xa0\x80,x\n", &[(2, 1, Code::NotUtf8)]),
        school("a quote within a word", "ash,5\" Ash\n", &[(4, 2, Code::StrayQuote)]),
        school("a space before the quote", "ash, \"Ash, North\"\n", &[(4, 2, Code::StrayQuote)]),
        school("letters behind the quote", "ash,\"Ash\" North\n", &[(4, 2, Code::StrayQuote)]),
        school("a quote never closed", "ash,\"Ash\nfir,Fir\n", &[(4, 2, Code::UnclosedQuote)]),
        case(
            "lines that end in a carriage return alone",
            "schools.csv",
            "external_id,name\roak,Oak\r",
            &[(1, 2, Code::CarriageReturn)],
        ),
        school("a carriage return within quotes", "ash,\"A\rsh\"\n", &[(4, 2, Code::CarriageReturn)]),
        school(
            "CRLF within quotes",
            "ash,\"A\r\nsh\"\nfir,\n",
            &[(4, 2, Code::CarriageReturn), (6, 2, Code::Required)],
        ),
        // The header.
        case("no byte at all", "schools.csv", "", &[(1, 0, Code::MissingHeader)]),
        case("only a byte order mark", "schools.csv", "\u{feff}", &[(1, 0, Code::MissingHeader)]),
        case("only empty lines", "schools.csv", "\n\n\n", &[(1, 0, Code::MissingHeader)]),
        case("no header", "schools.csv", "oak,Oak\nelm,Elm\n", &[(1, 0, Code::MissingHeader)]),
        case("a header of empty cells", "schools.csv", "\n,\n", &[(2, 0, Code::MissingHeader)]),
        case("semicolons", "schools.csv", "external_id;name\noak;Oak\n", &[(1, 0, Code::WrongSeparator)]),
        case("tabs", "schools.csv", "external_id\tname\noak\tOak\n", &[(1, 0, Code::WrongSeparator)]),
        case(
            "a column that is none",
            "schools.csv",
            "external_id,name,phone\noak,Oak,1\nelm,Elm,2\n",
            &[(1, 3, Code::UnknownColumn)],
        ),
        case(
            "a column without name",
            "schools.csv",
            "external_id,name,\noak,Oak,\nelm,Elm,\n",
            &[(1, 3, Code::UnknownColumn)],
        ),
        case(
            "a column in capitals",
            "schools.csv",
            "external_id,Name\noak,Oak\n",
            &[(1, 0, Code::MissingColumn), (1, 2, Code::UnknownColumn)],
        ),
        case(
            "a column twice",
            "schools.csv",
            "external_id,name,name\noak,Oak,Oak\n",
            &[(1, 3, Code::DuplicateColumn)],
        ),
        case("a column missing", "people.csv", "external_id,name\np1,Ana\n", &[(1, 0, Code::MissingColumn)]),
        case(
            "two columns missing",
            "people.csv",
            "external_id\np1\n",
            &[(1, 0, Code::MissingColumn), (1, 0, Code::MissingColumn)],
        ),
        // Rows and cells.
        school("a field too few", "ash\n", &[(4, 0, Code::RaggedRow)]),
        school("a comma without quotes", "ash,Ash, North\n", &[(4, 0, Code::RaggedRow)]),
        school(
            "a short row behind lines within quotes",
            "ash,\"A\n\nsh\"\nfir\n",
            &[(4, 2, Code::ControlCharacter), (7, 0, Code::RaggedRow)],
        ),
        school("an empty name", "ash,\n", &[(4, 2, Code::Required)]),
        school("a name of spaces", "ash, \u{a0} \n", &[(4, 2, Code::Required)]),
        school("an empty id", ",Ash\n", &[(4, 1, Code::Required)]),
        school("a name too long", &format!("ash,{}\n", long(201)), &[(4, 2, Code::TooLong)]),
        school("a line break in a name", "ash,\"A\nsh\"\n", &[(4, 2, Code::ControlCharacter)]),
        school("a zero byte in a name", "ash,A\0sh\n", &[(4, 2, Code::ControlCharacter)]),
        school("a space in an id", "ash north,Ash\n", &[(4, 1, Code::BadExternalId)]),
        school("a semicolon in an id", "ash;1,Ash\n", &[(4, 1, Code::BadExternalId)]),
        school("an id too long", &format!("{},Ash\n", long(65)), &[(4, 1, Code::TooLong)]),
        school("an id twice", "fir,Fir\noak,Oak\n", &[(5, 1, Code::DuplicateId)]),
        school(
            "an id three times",
            "oak,A\noak,B\n",
            &[(4, 1, Code::DuplicateId), (5, 1, Code::DuplicateId)],
        ),
        // Terms.
        term("a day before the month", "f,,Fall,24/08/2026,2026-12-18\n", &[(2, 4, Code::NotADate)]),
        term("a day that is none", "f,,Fall,2026-02-30,2026-12-18\n", &[(2, 4, Code::NotADate)]),
        term("a day with time", "f,,Fall,2026-08-24T00:00,2026-12-18\n", &[(2, 4, Code::NotADate)]),
        term("a year with a slip", "f,,Fall,0206-08-24,2026-12-18\n", &[(2, 4, Code::DateOutOfRange)]),
        term("a year too far", "f,,Fall,2026-08-24,2206-12-18\n", &[(2, 5, Code::DateOutOfRange)]),
        term("both days wrong", "f,,Fall,x,y\n", &[(2, 4, Code::NotADate), (2, 5, Code::NotADate)]),
        term("a term that ends first", "f,,Fall,2026-12-18,2026-12-17\n", &[(2, 5, Code::EndsBeforeStart)]),
        term("a term of no school", "f,ash,Fall,2026-08-24,2026-12-18\n", &[(2, 2, Code::UnknownSchool)]),
        term(
            "terms that share a day",
            "f,oak,Fall,2026-08-24,2026-12-18\ns,oak,Spring,2026-12-18,2027-05-28\n",
            &[(3, 4, Code::TermsOverlap)],
        ),
        term(
            "a term within an earlier one, and one behind both",
            "y,,Year,2026-08-01,2027-07-31\nf,,Fall,2026-09-01,2026-10-01\ns,,Spring,2027-01-01,2027-02-01\n",
            &[(3, 4, Code::TermsOverlap), (4, 4, Code::TermsOverlap)],
        ),
        term(
            "a school's term within one of all schools",
            "own,oak,Own,2026-09-01,2026-10-01\nf,,Fall,2026-08-24,2026-12-18\n",
            &[(2, 4, Code::TermsOverlap)],
        ),
        // People and students.
        person("a role that is none", "p9,N,,,teacher\n", &[(5, 5, Code::UnknownWord)]),
        person("no role", "p9,N,,,\n", &[(5, 5, Code::Required)]),
        person("an address without at-sign", "p9,N,n.oak,,slp\n", &[(5, 3, Code::BadEmail)]),
        person("an address with a name", "p9,N,N <n@oak>,,slp\n", &[(5, 3, Code::BadEmail)]),
        person("an address too long", &format!("p9,N,n@{},,slp\n", long(253)), &[(5, 3, Code::TooLong)]),
        person("a school that is none", "p9,N,,ash,slp\n", &[(5, 4, Code::UnknownSchool)]),
        person("a school in other case", "p9,N,,OAK,slp\n", &[(5, 4, Code::UnknownSchool)]),
        person(
            "all at once",
            "p 9,,x,a b,chief\n",
            &[
                (5, 1, Code::BadExternalId),
                (5, 2, Code::Required),
                (5, 3, Code::BadEmail),
                (5, 4, Code::BadExternalId),
                (5, 5, Code::UnknownWord),
            ],
        ),
        student("a student's school that is none", "s9,N,3,ash,\n", &[(4, 4, Code::UnknownSchool)]),
        student("a student twice", "s1,N,3,oak,\n", &[(4, 1, Code::DuplicateId)]),
        student("a grade too long", &format!("s9,N,{},oak,\n", long(21)), &[(4, 3, Code::TooLong)]),
        student("a language too long", &format!("s9,N,3,oak,{}\n", long(36)), &[(4, 5, Code::TooLong)]),
        // Teams.
        member("no such student", "s9,p1,slp,2026-08-24,,,\n", &[(2, 1, Code::UnknownStudent)]),
        member("no such person", "s1,p9,slp,2026-08-24,,,\n", &[(2, 2, Code::UnknownPerson)]),
        member("no such supervisor", "s1,p2,para,2026-08-24,,p9,\n", &[(2, 6, Code::UnknownPerson)]),
        member("a para without supervisor", "s1,p2,para,2026-08-24,,,\n", &[(2, 6, Code::SupervisorMissing)]),
        member(
            "an assistant without supervisor",
            "s1,p2,asst,2026-08-24,,,\n",
            &[(2, 6, Code::SupervisorMissing)],
        ),
        member(
            "a coordinator supervises",
            "s1,p2,para,2026-08-24,,p3,\n",
            &[(2, 6, Code::SupervisorNotClinician)],
        ),
        member("a para supervises", "s1,p1,slp,2026-08-24,,p2,\n", &[(2, 6, Code::SupervisorNotClinician)]),
        member("one supervises oneself", "s1,p1,asst,2026-08-24,,p1,\n", &[(2, 6, Code::OwnSupervisor)]),
        member(
            "a grant that ends first",
            "s1,p1,slp,2026-08-24,2026-08-23,,\n",
            &[(2, 5, Code::EndsBeforeStart)],
        ),
        member("a grant without first day", "s1,p1,slp,,,,\n", &[(2, 4, Code::Required)]),
        member(
            "a grant twice",
            "s1,p1,slp,2026-08-24,,,\ns1,p1,cm,2026-08-24,,,\ns1,p1,SLP,2026-08-24,2026-09-01,,\n",
            &[(4, 4, Code::DuplicateGrant)],
        ),
        member(
            "a reason too long",
            &format!("s1,p1,slp,2026-08-24,,,{}\n", long(301)),
            &[(2, 7, Code::TooLong)],
        ),
        // Services.
        service(
            "no such student of a service",
            "v,s9,ot,push-in,,2,week,30,2026-08-24,\n",
            &[(2, 2, Code::UnknownStudent)],
        ),
        service(
            "a discipline of no clinician",
            "v,s1,para,push-in,,2,week,30,2026-08-24,\n",
            &[(2, 3, Code::UnknownWord)],
        ),
        service(
            "a mode of output alone",
            "v,s1,ot,blended,,2,week,30,2026-08-24,\n",
            &[(2, 4, Code::UnknownWord)],
        ),
        service(
            "a place that is none",
            "v,s1,ot,push-in,classroom,2,week,30,2026-08-24,\n",
            &[(2, 5, Code::UnknownWord)],
        ),
        service(
            "sessions in words",
            "v,s1,ot,push-in,,two,week,30,2026-08-24,\n",
            &[(2, 6, Code::NotANumber)],
        ),
        service(
            "sessions below none",
            "v,s1,ot,push-in,,-1,week,30,2026-08-24,\n",
            &[(2, 6, Code::NotANumber)],
        ),
        service(
            "too many sessions",
            "v,s1,ot,push-in,,51,week,30,2026-08-24,\n",
            &[(2, 6, Code::NumberOutOfRange)],
        ),
        service(
            "a period that is none",
            "v,s1,ot,push-in,,2,weekly,30,2026-08-24,\n",
            &[(2, 7, Code::UnknownWord)],
        ),
        service("no minute", "v,s1,ot,push-in,,2,week,0,2026-08-24,\n", &[(2, 8, Code::NumberOutOfRange)]),
        service(
            "too many minutes",
            "v,s1,ot,push-in,,2,week,481,2026-08-24,\n",
            &[(2, 8, Code::NumberOutOfRange)],
        ),
        service("half a minute", "v,s1,ot,push-in,,2,week,30.5,2026-08-24,\n", &[(2, 8, Code::NotANumber)]),
        service(
            "a service that ends first",
            "v,s1,ot,push-in,,2,week,30,2026-08-24,2026-08-01\n",
            &[(2, 10, Code::EndsBeforeStart)],
        ),
        // Goals.
        goal(
            "no such student of a goal",
            "g,s9,ot,S,,count,increase,5,,,,,\n",
            &[(2, 2, Code::UnknownStudent)],
        ),
        goal("a kind that is none", "g,s1,ot,S,,rubric,increase,5,,,,,\n", &[(2, 6, Code::UnknownWord)]),
        goal("a direction that is none", "g,s1,ot,S,,count,up,5,,,,,\n", &[(2, 7, Code::UnknownWord)]),
        goal("a sign of percent", "g,s1,ot,S,,percent,increase,80%,,,,,\n", &[(2, 8, Code::NotANumber)]),
        goal("a decimal too many", "g,s1,ot,S,,count,increase,0.1234,,,,,\n", &[(2, 8, Code::NotANumber)]),
        goal("a decimal comma", "g,s1,ot,S,,count,increase,\"1,5\",,,,,\n", &[(2, 8, Code::NotANumber)]),
        goal(
            "more than all",
            "g,s1,ot,S,,percent,increase,100.001,,,,,\n",
            &[(2, 8, Code::NumberOutOfRange)],
        ),
        goal("less than none", "g,s1,ot,S,,count,decrease,2,-0.001,,,,\n", &[(2, 9, Code::NumberOutOfRange)]),
        goal(
            "a count beyond counting",
            "g,s1,ot,S,,probe,increase,1000000.001,,,,,\n",
            &[(2, 8, Code::NumberOutOfRange)],
        ),
        goal(
            "a target reached at the start",
            "g,s1,ot,S,,count,increase,5,5.000,,,,\n",
            &[(2, 8, Code::TargetNotBeyondBaseline)],
        ),
        goal(
            "an increase that falls",
            "g,s1,ot,S,,count,increase,4.999,5,,,,\n",
            &[(2, 8, Code::TargetNotBeyondBaseline)],
        ),
        goal(
            "a decrease that rises",
            "g,s1,ot,S,,count,decrease,5.001,5,,,,\n",
            &[(2, 8, Code::TargetNotBeyondBaseline)],
        ),
        goal(
            "due on the day of the baseline, and in the wrong direction",
            "g,s1,ot,S,,count,decrease,6,5,2026-09-01,2026-09-01,,\n",
            &[(2, 8, Code::TargetNotBeyondBaseline), (2, 11, Code::TargetDateNotLater)],
        ),
        goal(
            "a statement too long",
            &format!("g,s1,ot,{},,count,increase,5,,,,,\n", long(2001)),
            &[(2, 4, Code::TooLong)],
        ),
        goal(
            "a plain statement too long",
            &format!("g,s1,ot,S,{},count,increase,5,,,,,\n", long(601)),
            &[(2, 5, Code::TooLong)],
        ),
        goal(
            "a criterion too long",
            &format!("g,s1,ot,S,,count,increase,5,,,,{},\n", long(301)),
            &[(2, 12, Code::TooLong)],
        ),
        goal(
            "two of three assigned are nobody",
            "g,s1,ot,S,,count,increase,5,,,,,p8;p1;p9\n",
            &[(2, 13, Code::UnknownPerson), (2, 13, Code::UnknownPerson)],
        ),
        goal(
            "names assigned",
            "g,s1,ot,S,,count,increase,5,,,,,Ana Silva\n",
            &[(2, 13, Code::BadExternalId)],
        ),
        goal(
            "too many assigned",
            &format!(
                "g,s1,ot,S,,count,increase,5,,,,,{}\n",
                (0..21).map(|n| format!("p{n};")).collect::<String>()
            ),
            &[(2, 13, Code::TooManyIds)],
        ),
        // Guardians.
        guardian("a student of no guardian", "u,s9,N,,\n", &[(2, 2, Code::UnknownStudent)]),
        guardian("neither true nor false", "u,s1,N,,yes\n", &[(2, 5, Code::NotTrueOrFalse)]),
        guardian("a guardian without name", "u,s1,,,true\n", &[(2, 3, Code::Required)]),
        guardian("a guardian twice", "u,s1,N,,\nu,s2,N,,\n", &[(3, 1, Code::DuplicateId)]),
    ]
}
