//! The gate: what arrives is judged before automerge sees it.
//!
//! Automerge trusts changes. One forged operation can make a document impossible to save or to load, or let two copies with equal heads
//! show different content; and applying a change to see what it does is neither complete (writes can be hidden) nor harmless. So bytes are
//! read without any document and turned into *a list of new slots*, or refused:
//!
//! 1. [`shape`]: its operations are nothing but new slots of this member, within limits. The one form in which automerge writes changes is
//!    read in one pass, without automerge;
//! 2. [`preparse`](preparse::preparse): what is in any other form is one plain change chunk of bounded size, so that decoding it
//!    cannot hang, bomb or run away;
//! 3. [`policy`]: one verdict for each slot, by its author's place on the team;
//! 4. [`verbatim`]: whether the change may be stored as it is; if not, [`issue`] makes the same slots anew on the document's heads.
//!
//! What cannot be shaped as it is, is shaped [act by act](apart): one that is misshapen is refused, and the others are judged.
//!
//! What a change says is judged apart from how it is wrapped. An odd wrapping costs nobody anything: the content is issued.

pub mod apart;
pub mod issue;
pub mod policy;
pub mod preparse;
pub mod refusal;
pub mod shape;
pub mod verbatim;

#[cfg(any(test, feature = "testing"))]
pub mod trial;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod mutations;
