//! What automerge says of a change: decoded, and written again.
//!
//! The gate reads the one form in which automerge writes by itself. Here automerge does the same work in its own way, and every answer of
//! the gate is compared with it: the same slots at the same place in history, and the same word on whether it would write these bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::Change;

use crate::document::change::{Outline, expand, outline_of};
use crate::document::collect::collect;
use crate::document::container::Containers;
use crate::document::slot::Slot;
use crate::gate::preparse::preparse;
use crate::gate::refusal::Refusal;
use crate::gate::shape::{Shaped, Wrapping, Writer, shape_slots};
use crate::gate::verbatim::Oddity;
use crate::ids::PersonId;

/// What automerge reads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Read {
    slots: Vec<Slot>,
    outline: Outline,
    step: u32,
    /// Whether automerge writes the same bytes again.
    canonical: bool,
}

/// Returns whether the gate's answer is the one that automerge's reading leads to.
pub(super) fn agrees(
    answer: &Result<Shaped, Refusal>,
    bytes: &[u8],
    containers: &Containers,
    member: PersonId,
) -> bool {
    let read = read(bytes, containers);
    let allowed = |read: &Read| shape_slots(read.slots.clone(), containers, Writer::Member(member)).is_ok();
    match (answer, read) {
        (Err(_), Err(_)) => true,
        (Err(_), Ok(read)) => !allowed(&read),
        (Ok(_), Err(_)) => false,
        (Ok(shaped), Ok(read)) => {
            allowed(&read)
                && shaped.slots() == read.slots
                && shaped.wrapping().is_some_and(|wrapping| fits(wrapping, &read, bytes))
        }
    }
}

fn fits(wrapping: &Wrapping, read: &Read, bytes: &[u8]) -> bool {
    // A message and extra bytes are written again as they are: they are odd for what they are, not for how they are written.
    let canonical = match wrapping.odd {
        None => read.canonical,
        Some(Oddity::NotCanonical | Oddity::DepsOutOfOrder) => !read.canonical || repeats(&read.outline),
        Some(_) => true,
    };
    let time = wrapping.outline.time == read.outline.time.plus_ms(0);
    let outline = Outline { time: wrapping.outline.time, ..read.outline.clone() };
    canonical && time && wrapping.outline == outline && wrapping.step == read.step && wrapping.bytes == bytes
}

/// Automerge sorts deps, and leaves one that stands twice.
fn repeats(outline: &Outline) -> bool {
    outline.deps.windows(2).any(|pair| pair[0] == pair[1])
}

fn read(bytes: &[u8], containers: &Containers) -> Result<Read, Refusal> {
    // Without bounds, a few bytes keep automerge busy for ever.
    let preparsed = preparse(bytes)?;
    let panicked = |_| Refusal::Undecodable;
    let change = catch_unwind(AssertUnwindSafe(|| Change::try_from(bytes))).map_err(panicked)?;
    let change = change.map_err(|_| Refusal::Undecodable)?;
    let expanded = expand(&change).map_err(|_| Refusal::Undecodable)?;
    let collected = collect(containers, &expanded)?;
    let outline = outline_of(&change).map_err(|_| Refusal::Undecodable)?;
    let outline = Outline { hash: preparsed.hash(), ..outline };
    let again = catch_unwind(AssertUnwindSafe(|| Change::from(expanded)));
    let canonical = again.is_ok_and(|again| again.raw_bytes() == bytes);
    Ok(Read { slots: collected.slots, outline, step: collected.step, canonical })
}
