//! The server's parts, as a library that the program and the tests use alike.

pub mod store;
