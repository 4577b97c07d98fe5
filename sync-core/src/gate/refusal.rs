//! Why bytes are refused. Nothing that an honest tablet sends is.

use crate::document::collect::NotSlots;
use crate::document::cursor::Malformed;

/// Bytes or slots that are no list of new slots of this member. The sender keeps them and is told the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// Not one whole change chunk: other bytes, a bundle, a document, or something behind the end.
    #[error("not a change")]
    NotAChange,
    /// A deflated chunk or column. Bodies are compressed, changes never: inflating could go on without bound.
    #[error("a compressed change")]
    Compressed,
    /// The bytes are not those that were written.
    #[error("the checksum is wrong")]
    WrongChecksum,
    /// More bytes than a change or a list of slots may have.
    #[error("too large")]
    TooLarge,
    /// More rows in a column than a change may have operations.
    #[error("too many rows")]
    TooManyRows,
    /// A key longer than any name that we use.
    #[error("a key is too long")]
    KeyTooLong,
    /// The columns make no sense, or do not fit one another.
    #[error("the columns cannot be decoded")]
    Undecodable,
    /// Nothing is said.
    #[error("no slots")]
    Empty,
    /// An operation names a predecessor, deletes, inserts, counts up or marks.
    #[error("an operation that touches what stands")]
    Predecessor,
    /// A list, a table or a text is made.
    #[error("an object that is not a map")]
    NotAMap,
    /// A value is not text, a whole number or a flag.
    #[error("a value of a foreign type")]
    ForeignScalar,
    /// A container that the document does not have, or an object that was not made in the same change.
    #[error("no such container")]
    UnknownContainer,
    /// What is put into a container is no map, or its key is no slot's key.
    #[error("not a slot")]
    NotASlot,
    /// A key stands twice in one map, or a slot twice in one container.
    #[error("a key twice")]
    KeyTwice,
    /// Maps in maps beyond what a slot may have.
    #[error("too deep")]
    TooDeep,
    /// A slot under another member's key.
    #[error("a slot of another member")]
    OtherMember,
    /// A key that only the server gives: that of an admitted twin, or one in a container that only the server writes.
    #[error("a slot that only the server makes")]
    ServerOnly,
    /// More slots than one change may make.
    #[error("too many slots")]
    TooManySlots,
    /// More fields than one map may have.
    #[error("too many fields")]
    TooManyFields,
    /// A field without a name.
    #[error("a field without a name")]
    NamelessField,
    /// A text longer than any field may hold.
    #[error("a text is too long")]
    TextTooLong,
    /// A slot larger than any record.
    #[error("a slot is too large")]
    SlotTooLarge,
}

impl Refusal {
    /// Returns the code on the wire and in the book. Codes are never reused.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAChange => "not_a_change",
            Self::Compressed => "compressed",
            Self::WrongChecksum => "wrong_checksum",
            Self::TooLarge => "too_large",
            Self::TooManyRows => "too_many_rows",
            Self::KeyTooLong => "key_too_long",
            Self::Undecodable => "undecodable",
            Self::Empty => "empty",
            Self::Predecessor => "predecessor",
            Self::NotAMap => "not_a_map",
            Self::ForeignScalar => "foreign_scalar",
            Self::UnknownContainer => "unknown_container",
            Self::NotASlot => "not_a_slot",
            Self::KeyTwice => "key_twice",
            Self::TooDeep => "too_deep",
            Self::OtherMember => "other_member",
            Self::ServerOnly => "server_only",
            Self::TooManySlots => "too_many_slots",
            Self::TooManyFields => "too_many_fields",
            Self::NamelessField => "nameless_field",
            Self::TextTooLong => "text_too_long",
            Self::SlotTooLarge => "slot_too_large",
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::Undecodable
    }
}

impl From<NotSlots> for Refusal {
    fn from(why: NotSlots) -> Self {
        match why {
            NotSlots::Empty => Self::Empty,
            NotSlots::TouchesOther => Self::Predecessor,
            NotSlots::NotAMap => Self::NotAMap,
            NotSlots::ForeignScalar => Self::ForeignScalar,
            NotSlots::UnknownContainer => Self::UnknownContainer,
            NotSlots::NotASlot => Self::NotASlot,
            NotSlots::KeyTwice => Self::KeyTwice,
            NotSlots::TooDeep => Self::TooDeep,
        }
    }
}
