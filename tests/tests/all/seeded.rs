//! Every seeded bug has a line that names the test which finds it.

use sync_core::seeded::Bug;

#[test]
fn every_seeded_bug_has_its_test() {
    let table = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/seeded.txt")).unwrap();
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let named: Vec<&str> = lines.map(|line| line.split('|').next().unwrap().trim()).collect();
    let bugs: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
    assert_eq!(named, bugs);
    assert!(bugs.len() >= 15);
}
