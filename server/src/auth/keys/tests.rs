use super::*;

/// A random source that can be told apart draw by draw, and is the same in every test.
fn counting() -> impl FnMut(&mut [u8]) -> io::Result<()> {
    let mut draw = 0;
    move |bytes| {
        draw += 1;
        bytes.fill(draw);
        Ok(())
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn fresh() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data.keys");
    (parent, folder)
}

#[test]
fn the_first_start_makes_keys_and_the_next_finds_them() {
    let (_parent, folder) = fresh();
    let made = ServerKeys::open_or_create(&folder, false, counting()).unwrap();
    let found = ServerKeys::open_or_create(&folder, true, |_| panic!("no draw for keys that exist")).unwrap();
    assert_eq!(made.access().kid(), found.access().kid());
    assert_eq!(made.certificate().kid(), found.certificate().kid());
    assert_eq!(made.secret().hash(Purpose::Cursor, b"x"), found.secret().hash(Purpose::Cursor, b"x"));
    assert_ne!(made.access().kid(), made.certificate().kid(), "each key is a draw of its own");
}

#[test]
fn nobody_else_can_read_what_was_made() {
    let (_parent, folder) = fresh();
    ServerKeys::open_or_create(&folder, false, counting()).unwrap();
    assert_eq!(mode(&folder), FOLDER_MODE);
    for file in [ACCESS, CERTIFICATE, SECRET] {
        assert_eq!(mode(&folder.join(file)), FILE_MODE, "{file}");
    }
}

#[test]
fn data_without_its_keys_is_an_error_and_makes_none() {
    let (_parent, folder) = fresh();
    assert!(matches!(ServerKeys::open_or_create(&folder, true, counting()), Err(KeysError::Missing(_))));
    assert!(matches!(ServerKeys::open(&folder), Err(KeysError::Missing(_))));
    assert!(!folder.exists());
}

#[test]
fn an_empty_folder_made_ready_is_filled_for_new_data_alone() {
    let (_parent, folder) = fresh();
    DirBuilder::new().mode(FOLDER_MODE).create(&folder).unwrap();
    assert!(matches!(ServerKeys::open_or_create(&folder, true, counting()), Err(KeysError::Missing(_))));
    assert!(ServerKeys::open_or_create(&folder, false, counting()).is_ok());
}

#[test]
fn one_missing_file_is_never_made_anew() {
    for file in [ACCESS, CERTIFICATE, SECRET] {
        let (_parent, folder) = fresh();
        ServerKeys::open_or_create(&folder, false, counting()).unwrap();
        fs::remove_file(folder.join(file)).unwrap();
        let opened = ServerKeys::open_or_create(&folder, false, counting());
        assert!(matches!(opened, Err(KeysError::Incomplete(path)) if path.ends_with(file)), "{file}");
    }
}

#[test]
fn open_permissions_are_refused_on_folder_and_files() {
    let (_parent, folder) = fresh();
    ServerKeys::open_or_create(&folder, false, counting()).unwrap();
    for open in [0o750, 0o701, 0o707] {
        set_mode(&folder, open);
        assert!(matches!(ServerKeys::open(&folder), Err(KeysError::TooOpen { mode, .. }) if mode == open));
    }
    set_mode(&folder, FOLDER_MODE);
    for file in [ACCESS, CERTIFICATE, SECRET] {
        set_mode(&folder.join(file), 0o640);
        assert!(matches!(ServerKeys::open(&folder), Err(KeysError::TooOpen { .. })), "{file}");
        set_mode(&folder.join(file), FILE_MODE);
    }
    assert!(ServerKeys::open(&folder).is_ok());
}

#[test]
fn a_file_of_another_length_or_a_link_is_no_key() {
    let (_parent, folder) = fresh();
    ServerKeys::open_or_create(&folder, false, counting()).unwrap();
    let path = folder.join(SECRET);
    for length in [0, KEY_BYTES, FILE_BYTES - 1, FILE_BYTES + 1] {
        fs::write(&path, vec![1; length]).unwrap();
        assert!(matches!(ServerKeys::open(&folder), Err(KeysError::NotAKey(_))), "{length}");
    }
    fs::remove_file(&path).unwrap();
    // A link has a length, too: that of the name it leads to.
    let elsewhere = "k".repeat(FILE_BYTES);
    fs::copy(folder.join(ACCESS), folder.join(&elsewhere)).unwrap();
    std::os::unix::fs::symlink(elsewhere, &path).unwrap();
    assert!(matches!(ServerKeys::open(&folder), Err(KeysError::NotAKey(_))));
}

#[test]
fn a_start_cut_off_before_the_rename_leaves_no_half_a_folder() {
    let (_parent, folder) = fresh();
    let mut draws = 0;
    let failing = |bytes: &mut [u8]| {
        draws += 1;
        bytes.fill(9);
        if draws == 2 { Err(io::Error::other("no randomness")) } else { Ok(()) }
    };
    assert!(matches!(ServerKeys::open_or_create(&folder, false, failing), Err(KeysError::Random(_))));
    assert!(!folder.exists());
    assert!(
        ServerKeys::open_or_create(&folder, false, counting()).is_ok(),
        "the next start is not in its way"
    );
}

#[test]
fn the_default_folder_lies_beside_the_data() {
    assert_eq!(default_folder(Path::new("/srv/carryover/data")), Path::new("/srv/carryover/data.keys"));
    assert_eq!(default_folder(Path::new("data/")), Path::new("data.keys"));
}

#[test]
fn the_keyed_hash_is_hmac_sha_256_of_label_and_message() {
    let secret = HashSecret::new([0x0b; KEY_BYTES]);
    let mut mac = Hmac::<Sha256>::new_from_slice(&[0x0b; KEY_BYTES]).unwrap();
    mac.update(b"carryover cursor v1\0hello");
    assert_eq!(secret.hash(Purpose::Cursor, b"hello").as_slice(), mac.finalize().into_bytes().as_slice());
}

#[test]
fn a_hash_verifies_for_its_purpose_message_and_secret_alone() {
    let secret = HashSecret::new([1; KEY_BYTES]);
    let hash = secret.hash(Purpose::Cursor, b"place");
    assert!(secret.verifies(Purpose::Cursor, b"place", &hash));
    assert!(secret.verifies(Purpose::Cursor, b"place", &hash[..HASH_BYTES_MIN]));
    assert!(!secret.verifies(Purpose::Cursor, b"place", &hash[..HASH_BYTES_MIN - 1]));
    assert!(!secret.verifies(Purpose::Cursor, b"place", &[]));
    assert!(!secret.verifies(Purpose::Cursor, b"elsewhere", &hash));
    assert!(!HashSecret::new([2; KEY_BYTES]).verifies(Purpose::Cursor, b"place", &hash));
    for other in [Purpose::Receipt, Purpose::PairingLocator, Purpose::PairingCode, Purpose::Invitation] {
        assert!(!secret.verifies(other, b"place", &hash), "{other:?}");
    }
}

#[test]
fn the_system_fills_every_byte() {
    let mut bytes = [0; 64];
    system_random(&mut bytes).unwrap();
    assert!(bytes.iter().any(|byte| *byte != 0));
}

#[test]
fn no_flipped_bit_passes_for_another_key_and_no_key_for_its_neighbour() {
    let (_parent, folder) = fresh();
    ServerKeys::open_or_create(&folder, false, counting()).unwrap();
    for file in [ACCESS, CERTIFICATE, SECRET] {
        let path = folder.join(file);
        let bytes = fs::read(&path).unwrap();
        for bit in 0..FILE_BYTES * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bad).unwrap();
            let opened = ServerKeys::open(&folder);
            assert!(
                matches!(opened, Err(KeysError::Damaged(ref named)) if *named == path),
                "{file}, bit {bit}"
            );
        }
        fs::write(&path, &bytes).unwrap();
    }
    fs::copy(folder.join(ACCESS), folder.join(SECRET)).unwrap();
    assert!(matches!(ServerKeys::open(&folder), Err(KeysError::Damaged(_))));
}
