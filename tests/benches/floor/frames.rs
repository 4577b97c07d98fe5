//! What the floor and its tablets say to each other: the bytes of changes, and hardly anything else.
//!
//! ```text
//! batch    from u64 | students u32 | (student [16] | seen u32)* | changes u32 | (student [16] | length u32 | change)*
//! news     for each student asked about: seen u32 | changes u32 | (length u32 | change)*
//! ```
//!
//! All numbers are little endian; *seen* counts the changes of a student that were there already.

#![allow(dead_code, reason = "the floor reads batches and writes news, its tablets the other way round")]

/// What a tablet brings and asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch<'a> {
    /// Which tablet.
    pub from: u64,
    /// The students that it has, and how much of each it has seen.
    pub students: Vec<([u8; 16], u32)>,
    /// What it brings.
    pub changes: Vec<([u8; 16], &'a [u8])>,
}

impl<'a> Batch<'a> {
    /// Reads a batch; `None` where the bytes are none.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let from = u64::from_le_bytes(rest.array()?);
        let mut batch = Batch { from, ..Self::default() };
        for _ in 0..rest.number()? {
            batch.students.push((rest.array()?, rest.number()?));
        }
        for _ in 0..rest.number()? {
            batch.changes.push((rest.array()?, rest.counted()?));
        }
        rest.0.is_empty().then_some(batch)
    }

    /// Writes a batch.
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = self.from.to_le_bytes().to_vec();
        bytes.extend((self.students.len() as u32).to_le_bytes());
        for (student, seen) in &self.students {
            bytes.extend(student);
            bytes.extend(seen.to_le_bytes());
        }
        bytes.extend((self.changes.len() as u32).to_le_bytes());
        for (student, change) in &self.changes {
            bytes.extend(student);
            bytes.extend((change.len() as u32).to_le_bytes());
            bytes.extend(*change);
        }
        bytes
    }
}

/// What others brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News(Vec<u8>);

impl News {
    /// Adds what is new of a student.
    pub fn student<'a>(&mut self, seen: u32, changes: impl Iterator<Item = &'a [u8]>) {
        self.0.extend(seen.to_le_bytes());
        let at = self.0.len();
        self.0.extend([0; 4]);
        let mut count = 0u32;
        for change in changes {
            self.0.extend((change.len() as u32).to_le_bytes());
            self.0.extend(change);
            count += 1;
        }
        self.0.splice(at..at + 4, count.to_le_bytes());
    }

    /// Returns the bytes.
    pub fn encoded(self) -> Vec<u8> {
        self.0
    }
}

/// What is new of a student: how much was seen, and the changes.
pub type Told<'a> = (u32, Vec<&'a [u8]>);

/// Reads news; `None` where the bytes are none.
pub fn read_news(bytes: &[u8]) -> Option<Vec<Told<'_>>> {
    let (mut rest, mut news) = (Rest(bytes), Vec::new());
    while !rest.0.is_empty() {
        let seen = rest.number()?;
        let changes = (0..rest.number()?).map(|_| rest.counted()).collect::<Option<Vec<&[u8]>>>()?;
        news.push((seen, changes));
    }
    Some(news)
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}
