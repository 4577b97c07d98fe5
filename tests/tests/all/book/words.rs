//! The words that scripts may rely on are those of the code.

use std::fs;

use server::import::FILE_NAMES;
use sync_core::document::schema::{MODES, PLACES, REASONS};
use sync_core::measure::value::Measure;
use sync_core::roster::role::Role;

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
    for file in FILE_NAMES {
        assert!(row(&page, &format!("`{file}`")).len() > 1, "{file}");
    }
}
