//! Why a command was not done, for scripts: codes that are stable for good.
//!
//! What the server refuses comes with the server's own code; these are the tablet's.

/// Writes the enum, the list of all codes and their words from one table.
macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $code:literal,)*) => {
        /// Why a command was not done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])* $variant,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the code as it is printed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

codes! {
    /// The command line is none.
    Usage = "usage",
    /// The tablet is not paired.
    NotPaired = "not_paired",
    /// It is paired already.
    PairedAlready = "paired_already",
    /// What was given cannot be.
    InvalidValue = "invalid_value",
    /// Not allowed, or not known: the two are not told apart.
    NotAllowed = "not_allowed",
    /// The person's place on this student's team has ended.
    AccessEnded = "access_ended",
    /// The device's access has ended.
    DeviceRevoked = "device_revoked",
    /// The server was restored and waits for its administrator.
    WaitingForConfirmation = "waiting_for_confirmation",
    /// Another program is exchanging for this folder.
    Busy = "busy",
    /// The server could not be reached.
    Unreachable = "unreachable",
    /// Something answered that is not the server.
    NotOurServer = "not_our_server",
    /// The reply does not fit to what is here.
    UnusableReply = "unusable_reply",
    /// The tablet's own store failed.
    StoreFailed = "store_failed",
    /// Something of the program itself is wrong.
    Internal = "internal",
}
