//! The name of one move of one service.

use std::fmt;

use tidegate_spec::ServiceName;

/// One move of one service: `orders`, or `orders/flip` where it moves more than once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepId {
    /// The service.
    pub service: ServiceName,
    /// Which of its moves; `None` where there is one.
    pub part: Option<Part>,
}

/// Which of the moves of a service; the words are those of plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What was written for it is waited out.
    Drain,
    /// What is new comes, and all that was there still works.
    Expand,
    /// What it calls changes.
    Flip,
    /// What is old goes.
    Contract,
}

impl Part {
    const ALL: [Self; 4] = [Self::Drain, Self::Expand, Self::Flip, Self::Contract];

    fn word(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Expand => "expand",
            Self::Flip => "flip",
            Self::Contract => "contract",
        }
    }
}

impl StepId {
    /// Reads a step's name; the error says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (service, part) = match text.split_once('/') {
            Some((service, word)) => {
                let known = Part::ALL.into_iter().find(|part| part.word() == word);
                let part = known.ok_or_else(|| format!("step `{text}`: there is no `{word}`"))?;
                (service, Some(part))
            }
            None => (text, None),
        };
        let service = ServiceName::parse(service);
        let service = service.map_err(|error| format!("step `{text}` {error}"))?;
        Ok(Self { service, part })
    }
}

impl From<ServiceName> for StepId {
    fn from(service: ServiceName) -> Self {
        Self {
            service,
            part: None,
        }
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            None => write!(formatter, "{}", self.service),
            Some(part) => write!(formatter, "{}/{}", self.service, part.word()),
        }
    }
}
