//! The one test binary of this crate: each module is a family of checks, so that the whole links once.

mod access;
mod book;
