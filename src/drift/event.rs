//! What happens about foreign changes, for people and for counters.

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriftEvent {
    /// Somebody else has changed what a plan released.
    Found {
        /// How many objects.
        objects: usize,
        /// What, by whom and when.
        message: String,
    },
    /// Everything is as it was released.
    Over,
    /// A release puts it back.
    Heals {
        /// Its name.
        release: String,
    },
    /// It is not put back, though the plan asks for that.
    NotHealed {
        /// Why.
        message: String,
    },
}

impl DriftEvent {
    /// One word for conditions, Events and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Found { .. } => "ForeignWrite",
            Self::Over => "AsReleased",
            Self::Heals { .. } => "Heals",
            Self::NotHealed { .. } => "NotHealed",
        }
    }

    /// Whether somebody should look.
    pub fn is_warning(&self) -> bool {
        match self {
            Self::Found { .. } | Self::NotHealed { .. } => true,
            Self::Over | Self::Heals { .. } => false,
        }
    }

    /// A sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Found {
                objects: _,
                message,
            }
            | Self::NotHealed { message } => message.clone(),
            Self::Over => "everything is as it was released".to_owned(),
            Self::Heals { release } => {
                format!("release `{release}` puts back what was changed, in order")
            }
        }
    }
}
