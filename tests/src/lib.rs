//! What the checks of this project share: the reviewed table of rights, and a whole district in one thread with its reference.

pub mod matrix;
pub mod model;
pub mod world;
