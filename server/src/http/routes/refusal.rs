//! What the engine could not do, in the words of the envelope.

use sync_core::exchange::codec::DecodeError;
use sync_core::exchange::server::answer::Unanswered;
use sync_core::exchange::server::restore::RESTORED_RETRY_S;
use sync_core::kv::KvError;

use crate::engine::{EngineError, PairingRefused, SnapshotError};
use crate::http::{ApiError, Code};

/// When a device that is over its quota is to ask again, in seconds: somebody has to review first.
const QUOTA_RETRY_S: u64 = 15 * 60;
/// When work that a full disk refused is asked for again, in seconds: somebody has to make room first.
const DISK_FULL_RETRY_S: u64 = 60;

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Busy => Code::Overloaded.into(),
            EngineError::Closing => Code::NotReady.into(),
            EngineError::DiskFull => Self::new(Code::StorageFull).retry_after_s(DISK_FULL_RETRY_S),
            EngineError::Storage(_) | EngineError::Index(KvError::Poisoned) => Code::StorageFailed.into(),
            EngineError::NotNoted(_) => Self::new(Code::StorageFailed)
                .message("this was done, but could not be noted beside the server's keys")
                .help("see to the disk with the keys folder: a restore would not know of it; the server goes on trying"),
            EngineError::Index(KvError::Unreadable(_) | KvError::Damaged(_)) => Code::StorageDamaged.into(),
            EngineError::Desk(_) | EngineError::Abandoned => Code::Internal.into(),
        }
    }
}

impl From<KvError> for ApiError {
    fn from(error: KvError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<SnapshotError> for ApiError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Unknown => Code::NotFound.into(),
            SnapshotError::Ahead => Self::new(Code::InvalidValue)
                .message("at_least lies beyond the end of the log")
                .help("ask again with the place that the last reply named"),
            SnapshotError::Broken(_) => Code::Internal.into(),
            SnapshotError::Engine(error) => error.into(),
        }
    }
}

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Malformed => Code::BadCbor.into(),
            DecodeError::Version(_) => Code::UnsupportedVersion.into(),
            DecodeError::TooLarge => Code::TooLarge.into(),
        }
    }
}

impl From<Unanswered> for ApiError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            // Nothing says whether the other one exists.
            Unanswered::OtherOrganisation | Unanswered::OtherDevice => Code::AssertionInvalid.into(),
            Unanswered::TooMany => Self::new(Code::TooLarge)
                .message("the request has more parts than one may have")
                .help("send it in parts"),
            Unanswered::OverQuota => Self::new(Code::QuotaExceeded).retry_after_s(QUOTA_RETRY_S),
            Unanswered::Waiting => {
                Self::new(Code::WaitingForConfirmation).retry_after_s(u64::from(RESTORED_RETRY_S))
            }
            // The new life is begun before the request is looked at, so that this is one that came in between.
            Unanswered::RolledBack => Code::NotReady.into(),
        }
    }
}

impl From<PairingRefused> for ApiError {
    fn from(refused: PairingRefused) -> Self {
        match refused {
            PairingRefused::Wrong => Code::PairingCodeInvalid.into(),
            PairingRefused::Used => Code::PairingCodeUsed.into(),
            PairingRefused::Expired => Code::PairingCodeExpired.into(),
            PairingRefused::KeyInUse => Self::new(Code::Conflict)
                .message("this key was paired before")
                .help("let the tablet make a new key and pair again"),
            PairingRefused::TooOften { wait_s } => Self::new(Code::RateLimited).retry_after_s(wait_s),
        }
    }
}
