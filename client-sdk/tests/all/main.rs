//! Everything that is tested of the crate from outside, in one program.
