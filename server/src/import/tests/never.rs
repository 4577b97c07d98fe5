//! What never happens, whatever the bytes: a panic, a name in a message, an import half refused.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::import::{ERRORS_MAX, FIELD_CHARS_MAX, FILE_BYTES_MAX, FILE_NAMES, ROWS_MAX};

/// Bytes that often come near to being CSV.
fn nearly_csv() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        "external_id",
        "student",
        "name",
        "role",
        "first_day",
        "school",
        "p1",
        "s1",
        "oak",
        "slp",
        "2026-09-01",
        "true",
        "80",
        "-0.5",
        "\"",
        "\"\"",
        ",",
        ",",
        ",",
        ";",
        "\n",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "\0",
        "é",
        "\u{feff}",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

/// A district of which one byte was replaced, put in or taken out.
fn damaged_district() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    (select(FILE_NAMES.to_vec()), any::<prop::sample::Index>(), any::<u8>(), 0..3).prop_map(
        |(name, at, byte, how)| {
            let mut files = district();
            if let Some(bytes) = files.get_mut(name) {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            files
        },
    )
}

proptest! {
    #[test]
    fn no_bytes_panic(name in select(FILE_NAMES.to_vec()), bytes in nearly_csv()) {
        if let Err(errors) = read_new(&district_with(name, bytes)) {
            prop_assert!(!errors.is_empty() && errors.len() <= ERRORS_MAX + 1);
        }
    }

    #[test]
    fn damage_is_refused_with_a_place_within_the_file_or_read(files in damaged_district()) {
        if let Err(errors) = read_new(&files) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                let lines = files[&error.file].split(|byte| *byte == b'\n').count() as u64;
                prop_assert!(error.line >= 1 && error.line <= lines, "{error}");
            }
        }
    }

    #[test]
    fn the_order_of_the_columns_changes_nothing(order in Just((0..5).collect::<Vec<usize>>()).prop_shuffle()) {
        let reordered = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            order.iter().map(|index| cells[*index]).collect::<Vec<_>>().join(",")
        };
        let people = PEOPLE.lines().map(reordered).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(read_new(&district_with("people.csv", people)), read_new(&district()));
    }
}

#[test]
fn no_message_repeats_what_a_cell_says() {
    const SECRET: &str = "Zyx Quill";
    for name in FILE_NAMES {
        let text = String::from_utf8(district()[name].clone()).unwrap();
        let columns = text.lines().next().unwrap().split(',').count();
        let mut damaged = vec![
            format!("{SECRET},{SECRET}\n{SECRET},{SECRET}\n"),
            format!("{SECRET};{SECRET}\n"),
            format!("{text}{SECRET}\n"),
            format!("{text}\"{SECRET}"),
            format!("{text}\"{SECRET}\"{SECRET}"),
            format!("{text}{}\n", vec![SECRET; columns].join(",")),
            format!("{text}{}\n", vec!["\"Zyx\r Quill\""; columns].join(",")),
            format!("{text}{}\n", vec![SECRET.repeat(FIELD_CHARS_MAX); columns].join(",")),
        ];
        // One cell at a time: the name has slipped into a column that it is not for.
        damaged.extend((0..columns).map(|column| {
            let row = text.lines().nth(1).unwrap().split(',').enumerate();
            let row: Vec<_> = row.map(|(at, cell)| if at == column { SECRET } else { cell }).collect();
            format!("{text}{}\n", row.join(","))
        }));
        for text in damaged {
            let errors = read_new(&district_with(name, text)).unwrap_err();
            for error in errors {
                assert!(!error.message.contains("Zyx") && !error.message.contains("Quill"), "{error}");
            }
        }
    }
}

#[test]
fn no_debug_print_shows_a_name_or_a_sentence() {
    let print = format!("{:?}", read_new(&district()).unwrap());
    for text in ["Silva", "ana@", "Maya", "Rivera", "Says", "caseload", "4 of 5"] {
        assert!(!print.contains(text), "{text}");
    }
}

#[test]
fn every_message_ends_with_what_its_words_announce() {
    // A text such as "they are" must be followed by something, and one without must stand alone.
    let announces = |text: &str| {
        [" are", " is", "line", "within", "of", "in bytes", "in characters"]
            .iter()
            .any(|end| text.ends_with(end))
    };
    for case in malformed::cases() {
        for error in read_new(&case.files()).unwrap_err() {
            let text = error.code.text();
            let (_, detail) = error.message.split_once(text).unwrap();
            assert!(!announces(text) || detail.starts_with(": "), "{error}");
        }
    }
}

#[test]
fn the_largest_file_is_read_and_one_byte_more_is_refused() {
    let mut bytes = b"external_id,name\noak,Oak\n".to_vec();
    bytes.resize(FILE_BYTES_MAX, b'\n');
    assert_eq!(read_new(&alone("schools.csv", bytes.clone())).unwrap().schools.len(), 1);
    bytes.push(b'\n');
    let errors = read_new(&alone("schools.csv", bytes)).unwrap_err();
    assert_eq!(places(&errors), [("schools.csv", 0, 0, Code::FileTooLarge)]);
}

#[test]
fn the_most_rows_are_read_and_one_more_is_refused() {
    let mut text = "external_id,name\n".to_owned();
    for number in 0..ROWS_MAX {
        text.push_str(&format!("{number},a\n"));
    }
    assert_eq!(read_new(&alone("schools.csv", text.clone())).unwrap().schools.len(), ROWS_MAX);
    text.push_str("one,more\n");
    let errors = read_new(&alone("schools.csv", text)).unwrap_err();
    assert_eq!(places(&errors), [("schools.csv", ROWS_MAX as u64 + 2, 0, Code::TooManyRows)]);
}

#[test]
fn the_longest_field_is_read_and_one_character_more_is_refused() {
    let goals = |chars: usize| {
        let statement = "é".repeat(chars);
        let text = format!(
            "external_id,student,discipline,statement,kind,direction,target\ng1,s1,slp,{statement},count,increase,5\n"
        );
        read_new(&district_with("goals.csv", text))
    };
    assert!(goals(FIELD_CHARS_MAX).is_ok());
    assert_eq!(places(&goals(FIELD_CHARS_MAX + 1).unwrap_err()), [("goals.csv", 2, 4, Code::TooLong)]);
}

#[test]
fn errors_are_listed_up_to_the_most() {
    let text = format!("external_id,name\n{}", "oak,\n".repeat(ERRORS_MAX));
    let errors = read_new(&alone("schools.csv", text)).unwrap_err();
    assert_eq!(errors.len(), ERRORS_MAX + 1);
    let last = errors.last().unwrap();
    // Each row lacks a name, and each but the first repeats an id.
    assert_eq!((last.code, last.message.ends_with(&format!(": {}", ERRORS_MAX - 1))), (Code::AndMore, true));
}
