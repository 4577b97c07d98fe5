//! The network: bytes that are lost, come twice, late, in another order, or cut off.

use sync_core::random::Random;

/// What goes wrong, in percent of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Lost.
    pub lost: usize,
    /// Twice.
    pub doubled: usize,
    /// Cut off.
    pub cut: usize,
    /// Much later than others.
    pub late: usize,
}

impl Weather {
    /// Nothing goes wrong.
    pub const FAIR: Self = Self { lost: 0, doubled: 0, cut: 0, late: 0 };
    /// A school's hallway.
    pub const FOUL: Self = Self { lost: 12, doubled: 10, cut: 4, late: 15 };
}

/// In which direction a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// To the tablet.
    Down,
}

/// One message on its way.
#[derive(Debug, Clone)]
pub struct Message {
    /// Where it goes.
    pub way: Way,
    /// Which tablet sent it, or is to get it.
    pub tablet: usize,
    /// Which exchange it belongs to.
    pub number: u64,
    /// The message.
    pub bytes: Vec<u8>,
    due: u64,
}

/// All that is under way.
#[derive(Debug, Clone, Default)]
pub struct Network {
    flying: Vec<Message>,
    step: u64,
}

/// Something that happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It is gone.
    Lost,
    /// It comes twice.
    Doubled,
    /// Its end is missing.
    Cut,
    /// It comes much later.
    Late,
}

impl Network {
    /// Sends a message.
    pub fn send(
        &mut self,
        random: &mut Random,
        weather: Weather,
        (way, tablet, number): (Way, usize, u64),
        mut bytes: Vec<u8>,
    ) -> Vec<Mishap> {
        let mut mishaps = Vec::new();
        if random.chance(weather.lost) {
            return vec![Mishap::Lost];
        }
        if random.chance(weather.cut) {
            bytes.truncate(random.below(bytes.len()));
            mishaps.push(Mishap::Cut);
        }
        let copies = 1 + usize::from(random.chance(weather.doubled));
        if copies > 1 {
            mishaps.push(Mishap::Doubled);
        }
        for _ in 0..copies {
            let late = random.chance(weather.late);
            if late {
                mishaps.push(Mishap::Late);
            }
            let delay = if late { 5 + random.below(30) } else { random.below(3) };
            let due = self.step + delay as u64;
            self.flying.push(Message { way, tablet, number, bytes: bytes.clone(), due });
        }
        mishaps
    }

    /// Lets a moment pass, and returns a message that has arrived, any of them.
    pub fn arrival(&mut self, random: &mut Random) -> Option<Message> {
        self.step += 1;
        let arrived: Vec<usize> =
            (0..self.flying.len()).filter(|at| self.flying[*at].due <= self.step).collect();
        random.pick(&arrived).map(|at| self.flying.swap_remove(*at))
    }

    /// Returns whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.flying.is_empty()
    }

    /// Loses everything.
    pub fn clear(&mut self) {
        self.flying.clear();
    }
}
