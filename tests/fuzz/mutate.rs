//! Changes inputs: small faults, pieces of the format in the wrong place, parts of other inputs.

/// Random numbers that are the same for the same seed (splitmix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit; 0 where the limit is 0.
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.throw() % limit).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.throw().to_le_bytes()[0]
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

/// What any format may be broken by.
const WORDS: &[&str] = &[
    "",
    "\n",
    " ",
    "\t",
    "\r\n",
    "\0",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "#",
    "- ",
    "? ",
    "&a ",
    "*a ",
    "<<: *a",
    "!!str ",
    "---\n",
    "...\n",
    "|\n  ",
    ">-\n",
    "null",
    "~",
    "true",
    "on",
    "-1",
    "0",
    "1",
    "1e999",
    "0x1f",
    "18446744073709551616",
    "1.5",
    "NaN",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\u{7}",
    "é",
    "\u{1f600}",
    "\\u0000",
    "\\ud800",
    "\\x",
    "a",
    "b",
    "web",
    "orders",
];

/// One input out of those that are kept, with up to eight changes.
pub(super) fn change(kept: &[Vec<u8>], words: &[&str], dice: &mut Dice, most: usize) -> Vec<u8> {
    let mut bytes = dice.one_of(kept).cloned().unwrap_or_default();
    for _ in 0..=dice.below(8) {
        change_once(&mut bytes, kept, words, dice);
    }
    bytes.truncate(most);
    bytes
}

fn change_once(bytes: &mut Vec<u8>, kept: &[Vec<u8>], words: &[&str], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let end = (at + 1 + dice.below(24)).min(bytes.len());
    match dice.below(10) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        1 => bytes.insert(at, dice.byte()),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes.get(at..end).unwrap_or_default().to_vec();
            let to = dice.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        // A line twice, or away: the formats are of lines and entries.
        4 => {
            let (from, to) = line_at(bytes, at);
            let line = bytes.get(from..to).unwrap_or_default().to_vec();
            bytes.splice(to..to, line);
        }
        5 => {
            let (from, to) = line_at(bytes, at);
            bytes.drain(from..to);
        }
        6 | 7 => {
            let word = dice.one_of(words).copied().unwrap_or_default();
            let end = if dice.below(2) == 0 { at } else { end };
            bytes.splice(at..end, word.bytes());
        }
        8 => {
            let word = dice.one_of(WORDS).copied().unwrap_or_default();
            bytes.splice(at..end, word.bytes());
        }
        _ => {
            let other = dice.one_of(kept).cloned().unwrap_or_default();
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(200)).min(other.len());
            bytes.splice(
                at..at,
                other.get(from..to).unwrap_or_default().iter().copied(),
            );
        }
    }
}

/// Where the line around a byte begins and ends, its line break included.
fn line_at(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = bytes.get(..at).unwrap_or_default();
    let from = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |it| it + 1);
    let after = bytes.get(at..).unwrap_or_default();
    let to = after
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |it| at + it + 1);
    (from, to)
}
