//! Stores of the first version, whose rows were not counted, and whose checksums did not name their table.
//!
//! A sound one is brought to the present version when it is opened. In one with damage only SQLite's own structures say of which table a row
//! is, so its rows are read through them, from both ends of each table: what cannot be read, or is not as it was written, is left out.

use std::path::Path;

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use sync_core::kv::Pair;

use super::StoreError;
use super::carve::Rows;
use super::ledger::{LEDGER, Ledger};
use super::open::{self, STORE_VERSION, version};
use super::state::{Table, opened, sealed};

/// The version of the store's layout that knew no ledger.
pub(super) const FIRST_VERSION: i64 = 1;
/// What its checksums had for the name of every table.
const NO_TABLE: &str = "";

/// Brings a store of the first version to the present one, unless another program was faster.
pub(super) fn bring_up(connection: &Connection) -> Result<(), StoreError> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    if version(&transaction)? == FIRST_VERSION {
        transaction.execute_batch(&open::table(LEDGER))?;
        let mut ledger = Ledger::default();
        for table in Table::ALL {
            reseal(&transaction, table, &mut ledger)?;
        }
        ledger.write(&transaction)?;
        transaction.pragma_update(None, "user_version", STORE_VERSION)?;
    }
    Ok(transaction.commit()?)
}

/// Gives each row of a table the checksum of the present version.
fn reseal(connection: &Connection, table: Table, ledger: &mut Ledger) -> Result<(), StoreError> {
    let name = table.name();
    let mut rows = connection.prepare(&format!("SELECT key, value FROM {name}"))?;
    let rows: Vec<Pair> = rows.query_map([], pair)?.collect::<Result<_, _>>()?;
    for (key, stored) in rows {
        let value = opened(NO_TABLE, &key, stored)?;
        let stored = sealed(name, &key, &value);
        ledger.add(table, &key, &stored);
        connection
            .prepare_cached(&format!("UPDATE {name} SET value = ?2 WHERE key = ?1"))?
            .execute(params![key, stored])?;
    }
    Ok(())
}

/// Returns the rows of a store with damage in it that are as they were written; none where it is of another version, or cannot be opened.
pub(super) fn rows(file: &Path) -> Rows {
    let mut rows = Rows::new();
    let Ok(connection) = open::connect(file) else { return rows };
    if !version(&connection).is_ok_and(|version| version == FIRST_VERSION) {
        return rows;
    }
    for table in Table::ALL {
        for direction in ["ASC", "DESC"] {
            read_until_damaged(&connection, table, direction, &mut rows);
        }
    }
    rows
}

/// Reads a table from one end of it up to where SQLite cannot go on.
fn read_until_damaged(connection: &Connection, table: Table, direction: &str, rows: &mut Rows) {
    let sql = format!("SELECT key, value FROM {} ORDER BY key {direction}", table.name());
    let Ok(mut statement) = connection.prepare(&sql) else { return };
    let Ok(read) = statement.query_map(params![], pair) else { return };
    for (key, stored) in read.map_while(Result::ok) {
        if let Ok(value) = opened(NO_TABLE, &key, stored) {
            rows.insert((table.name(), key), value);
        }
    }
}

fn pair(row: &Row<'_>) -> rusqlite::Result<Pair> {
    Ok((row.get(0)?, row.get(1)?))
}
