//! Why a call brought nothing.

use std::time::Duration;

use serde::Deserialize;

use super::SinkError;

/// A refusal in the server's own words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// A stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What can be done.
    pub help: String,
    /// For a stale assertion, the last counter.
    #[serde(default)]
    pub last_counter: Option<u64>,
}

/// Why a call brought nothing. Work is safe on the tablet in every case.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody answered.
    #[error("the server could not be reached")]
    Unreachable,
    /// There was a connection, and it broke or fell silent.
    #[error("the connection to the server broke")]
    BrokeOff,
    /// Something answered that is not our server, such as the sign-in page of a guest network.
    #[error("what answered is not the school's server")]
    NotOurs,
    /// The server asks to come again.
    #[error("the server asks to try again later")]
    Later {
        /// After so long, where it says so.
        after: Option<Duration>,
        /// In its own words.
        refusal: Option<Refusal>,
    },
    /// The server refuses.
    #[error("the server refuses: {}", .0.message)]
    Refused(Refusal),
    /// The address is not one.
    #[error("the server's address cannot be used")]
    Address,
    /// What came cannot be kept.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl Failure {
    /// Returns whether the same call may succeed by itself later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable | Self::BrokeOff | Self::NotOurs | Self::Later { .. } => true,
            Self::Refused(_) | Self::Address | Self::Sink(_) => false,
        }
    }

    /// Returns the server's code, where it refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) | Self::Later { refusal: Some(refusal), .. } => Some(&refusal.code),
            Self::Unreachable
            | Self::BrokeOff
            | Self::NotOurs
            | Self::Later { refusal: None, .. }
            | Self::Address
            | Self::Sink(_) => None,
        }
    }
}
