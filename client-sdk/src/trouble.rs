//! What keeps a command from being done, in words for the person and codes for scripts.

use sync_core::document::deed::act::DeedError;
use sync_core::document::schema::Fault;
use sync_core::exchange::client::outbox::OutboxError;
use sync_core::exchange::client::reply::NotTaken;
use sync_core::kv::KvError;

use crate::chance::NoChance;
use crate::code::Code;
use crate::store::StoreError;
use crate::transport::{Failure, SinkError};

/// Why a command was not done. Whatever was saved before is saved still.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The tablet is not paired: nothing can be done before that.
    #[error("this tablet is not paired yet")]
    NotPaired,
    /// It is paired already.
    #[error("this tablet is paired already")]
    PairedAlready,
    /// What was given cannot be; nothing was made.
    #[error("{message}")]
    Value {
        /// What cannot be.
        message: String,
        /// What to change.
        help: String,
    },
    /// The person's place does not allow it, or there is no such thing: the two are not told apart. Nothing was made.
    #[error("{message}")]
    NotAllowed {
        /// What is not allowed.
        message: String,
        /// Who can help.
        help: String,
    },
    /// The person's place on this student's team has ended.
    #[error("your access to this student has ended")]
    AccessEnded,
    /// The device's access has ended.
    #[error("this device's access has ended")]
    DeviceEnded,
    /// The server was restored and waits for its administrator: it takes again what it had, and nothing new.
    #[error("the school's server was restored and waits for its administrator")]
    Restored,
    /// Another program is exchanging for this folder.
    #[error("another program is syncing this tablet")]
    Syncing,
    /// The call to the server brought nothing.
    #[error(transparent)]
    Server(#[from] Failure),
    /// A reply does not fit to what is here.
    #[error("the server's reply could not be used: {0}")]
    Reply(#[source] NotTaken),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no randomness.
    #[error(transparent)]
    Chance(#[from] NoChance),
    /// Something of this program itself is wrong.
    #[error("something went wrong in this app: {0}")]
    Internal(String),
}

impl Trouble {
    /// Makes the trouble of a value that cannot be.
    pub fn value(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Value { message: message.into(), help: help.into() }
    }

    /// Makes the trouble of something unknown or forbidden, which look alike.
    pub fn unknown(what: &str) -> Self {
        Self::NotAllowed {
            message: format!("there is no such {what} that you may see"),
            help: "check the id; ask the student's case manager if you should have access".into(),
        }
    }

    /// Returns the stable code: the server's own where it refused.
    pub fn code(&self) -> &str {
        let servers = if let Self::Server(failure) = self { failure.code() } else { None };
        servers.unwrap_or_else(|| self.own_code().as_str())
    }

    fn own_code(&self) -> Code {
        match self {
            Self::NotPaired => Code::NotPaired,
            Self::PairedAlready => Code::PairedAlready,
            Self::Value { .. } | Self::Server(Failure::Address) => Code::InvalidValue,
            Self::NotAllowed { .. } => Code::NotAllowed,
            Self::AccessEnded => Code::AccessEnded,
            Self::DeviceEnded => Code::DeviceRevoked,
            Self::Restored => Code::WaitingForConfirmation,
            Self::Syncing => Code::Busy,
            Self::Server(
                Failure::Unreachable | Failure::BrokeOff | Failure::Later { .. } | Failure::Refused(_),
            ) => Code::Unreachable,
            Self::Server(Failure::NotOurs) => Code::NotOurServer,
            Self::Reply(_) | Self::Server(Failure::Sink(SinkError::Misfit | SinkError::TooLarge)) => {
                Code::UnusableReply
            }
            Self::Store(_) | Self::Server(Failure::Sink(SinkError::Store(_))) => Code::StoreFailed,
            Self::Chance(_) | Self::Internal(_) => Code::Internal,
        }
    }

    /// Returns what can be done.
    pub fn help(&self) -> String {
        let help = match self {
            Self::NotPaired => "pair it with `pair --server URL --code CODE`",
            Self::PairedAlready => "use another folder for another person",
            Self::Value { help, .. } | Self::NotAllowed { help, .. } => help,
            Self::AccessEnded => {
                "what you logged before is kept and handed in; ask the student's case manager if you should still be on the team"
            }
            Self::DeviceEnded => {
                "what you logged is handed in; ask an administrator, then pair again in a new folder"
            }
            Self::Restored => {
                "sync again later; it gets back what it had, and everything is saved on this tablet"
            }
            Self::Syncing => "wait until it is done; everything is saved on this tablet",
            Self::Server(Failure::Refused(refusal)) => &refusal.help,
            Self::Server(Failure::Later { refusal: Some(refusal), .. }) => &refusal.help,
            Self::Server(Failure::NotOurs) => {
                "sign in to this network, or use another one; everything is saved on this tablet"
            }
            Self::Server(Failure::Address) => "give the server as https://name or http://name:port",
            Self::Server(Failure::Unreachable | Failure::BrokeOff | Failure::Later { refusal: None, .. }) => {
                "try again when there is a network; everything is saved on this tablet"
            }
            Self::Reply(_) | Self::Server(Failure::Sink(SinkError::Misfit)) => {
                "sync again; everything is saved on this tablet"
            }
            Self::Server(Failure::Sink(SinkError::TooLarge)) => {
                "ask for help with the student who is missing; the others are here, and everything is saved on this tablet"
            }
            Self::Store(error) | Self::Server(Failure::Sink(SinkError::Store(error))) => match error {
                StoreError::Full => "free some room on this device, then try again",
                StoreError::Busy => "wait until the other program is done, then try again",
                StoreError::Newer(_) => "update this app",
                StoreError::Damaged(_) | StoreError::Folder(_) | StoreError::Failed(_) => {
                    "keep the folder as it is and ask for help"
                }
            },
            Self::Chance(_) | Self::Internal(_) => "try again; if it stays, ask for help",
        };
        help.to_owned()
    }

    /// Returns the exit status of a program that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotPaired | Self::PairedAlready | Self::Value { .. } | Self::Server(Failure::Address) => 2,
            Self::Server(failure) if failure.is_passing() => 3,
            Self::Restored => 3,
            Self::Server(Failure::Refused(refusal)) => match refusal.code.as_str() {
                "device_revoked" => 6,
                "not_found" | "forbidden" => 7,
                "conflict" | "invalid_value" => 2,
                _ => 5,
            },
            Self::AccessEnded | Self::DeviceEnded => 6,
            Self::NotAllowed { .. } => 7,
            Self::Server(_)
            | Self::Syncing
            | Self::Reply(_)
            | Self::Store(_)
            | Self::Chance(_)
            | Self::Internal(_) => 1,
        }
    }
}

impl From<KvError> for Trouble {
    fn from(error: KvError) -> Self {
        Self::Store(error.into())
    }
}

impl From<NotTaken> for Trouble {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::Store(error) => error.into(),
            NotTaken::NotPaired => Self::NotPaired,
            error @ (NotTaken::OtherCursor | NotTaken::Unreadable) => Self::Reply(error),
        }
    }
}

impl From<OutboxError> for Trouble {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Store(error) => error.into(),
            OutboxError::NotPaired => Self::NotPaired,
            OutboxError::Misshapen(_) => {
                Self::value(error.to_string(), "make it shorter, or in parts; nothing was saved")
            }
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let help = help_with(&fault);
        Self::Value { message: fault.to_string(), help }
    }
}

impl From<DeedError> for Trouble {
    fn from(error: DeedError) -> Self {
        match error.fault() {
            Some(fault) => Self::Value { message: error.to_string(), help: help_with(fault) },
            None => Self::Internal(error.to_string()),
        }
    }
}

fn help_with(fault: &Fault) -> String {
    let field = fault.field();
    match fault {
        Fault::Missing(_) => format!("give {field}"),
        Fault::UnknownField(_) => format!("leave {field} out, or check its name"),
        Fault::WrongType(_)
        | Fault::OutOfRange(_)
        | Fault::TooLong(_)
        | Fault::UnknownWord(_)
        | Fault::Disagrees(_) => {
            format!("change {field}; nothing was saved")
        }
    }
}
