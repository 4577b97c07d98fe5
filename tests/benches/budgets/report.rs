//! The table, and the same figures for scripts.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::measure::Failed;

/// Where the figures go for scripts, from the workspace's root.
const FILE: &str = "target/bench/budgets.json";

/// What a figure must keep.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Bound {
    fn keeps(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
        }
    }

    fn show(self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => {
                format!("≤ {}", said(most, unit).unwrap_or_else(|| format!("{most}{unit}")))
            }
            Self::AtLeast(least) => {
                format!("≥ {}", said(least, unit).unwrap_or_else(|| format!("{least}{unit}")))
            }
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    number: &'static str,
    what: &'static str,
    measured: String,
    anchor: String,
    /// What the bounds speak of.
    figure: f64,
    unit: &'static str,
    first: Bound,
    goal: Bound,
    note: String,
    /// Whether it is shown by something else than this program.
    elsewhere: bool,
}

impl Row {
    /// Makes the row of a ratio: `measured` against `anchor`, both in `unit`.
    pub fn ratio(number: &'static str, what: &'static str, measured: f64, anchor: f64, unit: &str) -> Self {
        let figure = if anchor > 0.0 { measured / anchor } else { f64::INFINITY };
        Self { anchor: show(anchor, unit), ..Self::of(number, what, show(measured, unit), figure, "x") }
    }

    /// Makes the row of a figure that is held against a number.
    pub fn absolute(number: &'static str, what: &'static str, figure: f64, unit: &'static str) -> Self {
        Self::of(number, what, show(figure, unit), figure, unit)
    }

    fn of(
        number: &'static str,
        what: &'static str,
        measured: String,
        figure: f64,
        unit: &'static str,
    ) -> Self {
        let (anchor, none) = ("-".to_owned(), Bound::AtMost(f64::INFINITY));
        let note = String::new();
        Self { number, what, measured, anchor, figure, unit, first: none, goal: none, note, elsewhere: false }
    }

    /// Makes the row of what is not measured here; its note says by what it is shown.
    pub fn elsewhere(number: &'static str, what: &'static str, note: impl Into<String>) -> Self {
        let row = Self::of(number, what, "-".to_owned(), f64::NAN, "");
        Self { elsewhere: true, ..row }.note(note)
    }

    /// Says what must be kept already, and where it is going.
    pub fn bounds(self, first: Bound, goal: Bound) -> Self {
        Self { first, goal, ..self }
    }

    /// Adds what else is worth knowing; it is printed below the table.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    fn verdict(&self) -> &'static str {
        match (self.goal.keeps(self.figure), self.first.keeps(self.figure)) {
            (true, _) => "goal",
            (false, true) => "first",
            (false, false) => "MISSED",
        }
    }

    fn cells(&self) -> [String; 8] {
        if self.elsewhere {
            let none = || "-".to_owned();
            let (number, what) = (self.number.to_owned(), self.what.to_owned());
            return [number, what, none(), none(), none(), none(), none(), "see below".to_owned()];
        }
        [
            self.number.to_owned(),
            self.what.to_owned(),
            self.measured.clone(),
            self.anchor.clone(),
            show(self.figure, self.unit),
            self.first.show(self.unit),
            self.goal.show(self.unit),
            self.verdict().to_owned(),
        ]
    }

    fn as_json(&self) -> Value {
        if self.elsewhere {
            return json!({ "row": self.number, "what": self.what, "note": self.note });
        }
        json!({
            "row": self.number, "what": self.what, "measured": self.measured, "anchor": self.anchor,
            "figure": self.figure, "unit": self.unit, "first": self.first.show(self.unit),
            "goal": self.goal.show(self.unit), "verdict": self.verdict(), "note": self.note,
        })
    }
}

/// Says a ratio that is far below one as people do: a part of so many.
fn said(figure: f64, unit: &str) -> Option<String> {
    (unit == "x" && figure > 0.0 && figure < 0.1).then(|| format!("1/{:.0}", 1.0 / figure))
}

/// Writes a figure with three digits that matter.
pub fn show(figure: f64, unit: &str) -> String {
    if let Some(said) = said(figure, unit) {
        return said;
    }
    let digits = match figure.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ if figure.fract() == 0.0 => 0,
        _ => 2,
    };
    format!("{figure:.digits$}{unit}")
}

/// Prints the table, and keeps the same figures as JSON.
pub fn keep(rows: &[Row]) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    print(rows, &mut out)?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let figures: Vec<Value> = rows.iter().map(Row::as_json).collect();
    fs::write(&file, serde_json::to_string_pretty(&json!({ "rows": figures }))? + "\n")?;
    writeln!(out, "\nThe same for scripts: {FILE}")?;
    Ok(())
}

fn print(rows: &[Row], out: &mut impl io::Write) -> io::Result<()> {
    let head = ["row", "what", "measured", "anchor", "figure", "first", "goal", "verdict"];
    let mut table = vec![head.map(str::to_owned)];
    table.extend(rows.iter().map(Row::cells));
    let width = |at: usize| table.iter().map(|cells| cells[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    writeln!(out)?;
    for cells in &table {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "{}", padded.collect::<Vec<String>>().join("  ").trim_end())?;
    }
    writeln!(out)?;
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        writeln!(out, "{:>5}  {}", row.number, row.note)?;
    }
    Ok(())
}
