//! Kept files that are damaged, too many, or left behind half.

use super::*;

fn made(bytes: &[u8]) -> Snapshot {
    let hash = Sha256::digest(rest_of(3, 9, bytes)).into();
    Snapshot { bytes: bytes.into(), hash, incarnation: 3, seq: 9 }
}

#[test]
fn a_kept_file_reads_back_whole_and_with_no_bit_flipped() {
    let snapshot = made(b"saved");
    let file = encode(&snapshot);
    assert_eq!(decode(&file), Some(snapshot));
    for bit in 0..file.len() * 8 {
        let mut bent = file.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(decode(&bent), None, "bit {bit}");
    }
    for end in 0..file.len() {
        assert_eq!(decode(&file[..end]), None, "first {end}");
    }
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let id = |n| DocumentId([n; 16]);
    let mut kept = Kept::default();
    (1..=3).for_each(|n| kept.used(id(n), 10));
    kept.used(id(1), 15);
    assert_eq!((kept.bytes, kept.surplus(3, 35)), (35, None));
    assert_eq!((kept.surplus(2, 35), kept.surplus(3, 34)), (Some(id(2)), Some(id(2))));
    kept.forget(id(2));
    kept.forget(id(3));
    assert_eq!(kept.surplus(0, 0), None, "the one just built stays");
}

#[test]
fn unfinished_files_are_removed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::open(folder.path()).unwrap();
    snapshots.keep(DocumentId([1; 16]), &made(b"saved")).unwrap();
    fs::write(folder.path().join("half.new"), b"x").unwrap();
    let again = Snapshots::open(folder.path()).unwrap();
    assert_eq!(again.read(DocumentId([1; 16])), Some(made(b"saved")));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
