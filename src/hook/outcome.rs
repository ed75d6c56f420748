//! What becomes of a delivery: the status and the sentence that its sender gets, and the word that is counted.

use super::meaning::{Meaning, Unreadable};

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was a try, and is kept.
    Pong,
    /// It is kept, and the repository is looked at.
    Taken,
    /// It is kept; there is nothing to do.
    Nothing(&'static str),
    /// It was kept before.
    Known,
    /// It is not authentic. Nothing tells why, or whether there is such a plan.
    Refused,
    /// It is authentic, and not what its sender sends.
    Unreadable(Unreadable),
    /// It is larger than is allowed.
    TooLarge {
        /// How many bytes are.
        bytes_max: usize,
    },
    /// It took too long.
    TooSlow {
        /// How long it may.
        seconds_max: u64,
    },
    /// It ended before its end.
    Broken,
    /// There are too many at once.
    Busy,
    /// It is authentic and could not be kept.
    NotKept,
}

impl Outcome {
    /// Of one that is authentic, has been kept, and is new.
    pub fn of(meaning: &Meaning) -> Self {
        match meaning {
            Meaning::Ping => Self::Pong,
            Meaning::Push { commit: _ } => Self::Taken,
            Meaning::Other => Self::Nothing("it tells of no commits"),
            Meaning::Elsewhere => Self::Nothing("it is about another repository"),
        }
    }

    /// The status code of HTTP.
    pub fn status(&self) -> u16 {
        match self {
            Self::Pong | Self::Known => 200,
            Self::Taken | Self::Nothing(_) => 202,
            Self::Unreadable(_) | Self::Broken => 400,
            Self::Refused => 401,
            Self::TooSlow { .. } => 408,
            Self::TooLarge { .. } => 413,
            Self::Busy | Self::NotKept => 503,
        }
    }

    /// The word for counters.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pong => "ping",
            Self::Taken => "taken",
            Self::Nothing(_) => "nothing",
            Self::Known => "known",
            Self::Refused => "refused",
            Self::Unreadable(_) => "unreadable",
            Self::TooLarge { .. } => "tooLarge",
            Self::TooSlow { .. } => "tooSlow",
            Self::Broken => "broken",
            Self::Busy => "busy",
            Self::NotKept => "notKept",
        }
    }

    /// A sentence for whoever sent it.
    pub fn sentence(&self) -> String {
        match self {
            Self::Pong => "the webhook works".to_owned(),
            Self::Taken => "the repository is looked at".to_owned(),
            Self::Nothing(why) => format!("nothing to do: {why}"),
            Self::Known => "this delivery is known; nothing is done twice".to_owned(),
            Self::Refused => "the delivery is not authentic".to_owned(),
            Self::Unreadable(place) => format!(
                "the delivery is authentic, and no JSON of a push at {place}; choose `application/json` as its content type"
            ),
            Self::TooLarge { bytes_max } => {
                format!("the delivery is larger than {bytes_max} bytes")
            }
            Self::TooSlow { seconds_max } => {
                format!("the delivery took longer than {seconds_max} s")
            }
            Self::Broken => "the delivery ended before its end".to_owned(),
            Self::Busy => "there are too many deliveries at once; send it again later".to_owned(),
            Self::NotKept => {
                "the delivery could not be kept, so it is not acknowledged; the repository is looked at all the same"
                    .to_owned()
            }
        }
    }
}
