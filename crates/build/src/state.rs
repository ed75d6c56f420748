//! Where the build of one image stands.

use jiff::Timestamp;

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stand {
    /// There is no room for it yet.
    Waiting,
    /// Decided and saved; the object that builds may or may not be there, and runs nothing yet.
    Creating,
    /// It is there and its uid is saved; it may or may not run.
    Beginning,
    /// It runs.
    Running,
    /// The image is there.
    Succeeded,
    /// The same input was built before.
    Skipped,
    /// There will be no image.
    Failed,
    /// It is being ended, since nobody needs it any more.
    Cancelling,
    /// It was ended.
    Cancelled,
}

impl Stand {
    const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Creating,
        Self::Beginning,
        Self::Running,
        Self::Succeeded,
        Self::Skipped,
        Self::Failed,
        Self::Cancelling,
        Self::Cancelled,
    ];

    /// The word in `.status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Creating => "Creating",
            Self::Beginning => "Beginning",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Skipped => "Skipped",
            Self::Failed => "Failed",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stand| stand.word() == word)
    }

    /// Whether something may be running for it.
    pub fn is_under_way(self) -> bool {
        match self {
            Self::Creating | Self::Beginning | Self::Running | Self::Cancelling => true,
            Self::Waiting | Self::Succeeded | Self::Skipped | Self::Failed | Self::Cancelled => {
                false
            }
        }
    }

    /// Whether it is looked at.
    pub fn is_watched(self) -> bool {
        self.is_under_way() && self != Self::Cancelling
    }
}

/// The build of one image in one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The digest of all that goes in.
    pub input: String,
    /// Where it stands.
    pub stand: Stand,
    /// How often it was tried before.
    pub attempt: u32,
    /// The image by its digest.
    pub image: Option<String>,
    /// What builds it.
    pub object: Option<String>,
    /// The uid of that.
    pub uid: Option<String>,
    /// Where people see it.
    pub link: Option<String>,
    /// One word: why it was skipped, or has failed.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When it was decided to start it.
    pub started: Option<Timestamp>,
    /// When its end was seen.
    pub ended: Option<Timestamp>,
}

impl Build {
    /// One that nobody has begun.
    pub fn waiting(input: &str) -> Self {
        Self {
            input: input.to_owned(),
            stand: Stand::Waiting,
            attempt: 0,
            image: None,
            object: None,
            uid: None,
            link: None,
            reason: String::new(),
            message: String::new(),
            started: None,
            ended: None,
        }
    }

    /// The same, to be tried once more under another name.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            attempt: self.attempt.saturating_add(1),
            ..Self::waiting(&self.input)
        }
    }
}
