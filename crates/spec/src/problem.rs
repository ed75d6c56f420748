//! One thing that is wrong with what was written: where, what, and what to write instead.

use std::fmt;

use serde::Serialize;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is done while it is there.
    Error,
    /// Allowed, and probably not meant.
    Warning,
}

macro_rules! codes {
    ($($variant:ident = $id:literal, $title:literal;)*) => {
        /// The stable code of a kind of problem; numbers are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $variant,)* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as printed, for instance `TG0101`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// What the code means, in one line.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    UnknownField = "TG0101", "a field that does not exist";
    WrongType = "TG0102", "a value of another type than the field has";
    MissingField = "TG0103", "a required field is absent";
    InvalidValue = "TG0104", "a value that the field does not allow";
    DuplicateKey = "TG0105", "a key is written twice in one mapping";
    Syntax = "TG0106", "text that is not YAML";
    AliasBomb = "TG0107", "aliases that expand beyond the limit";
    TooDeep = "TG0108", "nesting beyond the limit";
    TooLarge = "TG0109", "a file, a document or a folder beyond the limit";
    NotText = "TG0110", "a file that is not UTF-8 text";
    NothingFound = "TG0111", "nothing to read";
    DuplicateObject = "TG0112", "the same object is written twice";
    NotAnObject = "TG0113", "a document that is no Kubernetes object";
    GenerateName = "TG0114", "an object whose name the server would make up";
    ForeignNamespace = "TG0115", "a namespace that the plan may not touch";
    NotSupported = "TG0116", "a setting that this version of tidegate does not carry out";
    UnknownService = "TG0120", "a service that the graph does not have";
    UnknownContract = "TG0121", "a contract that the callee does not serve";
    DuplicateService = "TG0122", "a service is declared twice";
    BareVersions = "TG0123", "versions without `all` or `any`";
    NoWorkload = "TG0124", "a service without a workload";
    SharedWorkload = "TG0125", "a workload that two services claim";
    MoreThanOneGraph = "TG0126", "more than one ServiceGraph";
    NoGraph = "TG0127", "no ServiceGraph";
    WaitsForSomebody = "TG0128", "a rollout that cannot end by itself";
    OneEnd = "TG0129", "a channel that nobody writes, or nobody reads";
    Cycle = "TG0201", "precedences that close a cycle";
    TargetUnsafe = "TG0202", "revisions that could not talk even when all is finished";
    BothWays = "TG0203", "no safe order exists between two services";
    CurrentUnsafe = "TG0204", "what runs now is already unsafe";
    SelfConflict = "TG0205", "two revisions of one service that cannot live together";
    UnknownInterface = "TG0206", "a contract that nobody declared";
    AssumedEdge = "TG0207", "an order that is assumed, not proved";
    SoftEdgeDropped = "TG0208", "an optional call that will fail for a while";
    PointOfNoReturn = "TG0209", "a Job that nothing undoes";
    Irreversible = "TG0210", "a way back that would have to undo what cannot be undone";
    Repaired = "TG0211", "a call that fails already, in a release that repairs";
    EndedCaller = "TG0212", "a caller from outside that counts as ended";
    StartedTogether = "TG0213", "new services that call each other and start together";
    NoSwitch = "TG0214", "a caller that should flip and has no switch";
    Unfinished = "TG0215", "a service outside the part that is asked for, in the middle of a rollout";
    KindMissing = "TG0301", "a kind that the cluster does not know";
    Forbidden = "TG0302", "an act that the plan's account may not do";
    Immutable = "TG0303", "a change that the API server refuses";
    FieldConflict = "TG0304", "a field that another manager owns";
    DryRunRefused = "TG0305", "an object that the API server refuses";
    NamespaceMissing = "TG0306", "a namespace that the cluster does not have";
    PodsLeftBehind = "TG0307", "pods of a deleted workload that still run";
    Claimed = "TG0308", "an object that another plan has";
    NotRecognised = "TG0401", "a file of no format that `discover` knows";
    NameChanged = "TG0402", "a name that a graph cannot have, written otherwise";
    LeftOut = "TG0403", "something seen that a graph cannot say";
    MatrixDiffers = "TG0404", "a verification that contradicts what is declared";
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// A place in a file. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as the user named it, or `<stdin>`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters to underline, at least 1.
    pub length: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A change of the text at a problem's place that can mean nothing else than what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// Another word, plain or quoted as it was.
    Rename {
        /// The word that stands there.
        from: String,
        /// The word that was meant.
        to: String,
    },
    /// The same in quotes.
    Quote {
        /// As it stands there.
        written: String,
    },
    /// The same without quotes.
    Unquote {
        /// What stands between the quotes.
        text: String,
    },
    /// Without this entry of a list.
    RemoveEntry {
        /// The entry, plain or quoted.
        text: String,
    },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The kind of problem.
    pub code: Code,
    /// Whether it stops anything.
    pub severity: Severity,
    /// Where in which file, if it came from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The field, for instance `spec.services[0].calls[1].version`; empty for a whole document.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What is wrong, in lower case without a final period.
    pub wrong: String,
    /// What to write or do instead; empty if nothing better is known than what `wrong` says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// What mends it for certain, if anything does.
    #[serde(skip)]
    pub fix: Option<Fix>,
}

impl Problem {
    /// An error at a field.
    pub fn error(code: Code, path: impl Into<String>, wrong: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            place: None,
            path: path.into(),
            wrong: wrong.into(),
            hint: String::new(),
            fix: None,
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same with what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with what mends it for certain, if anything does.
    #[must_use]
    pub fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }

    /// The same with its place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        write!(formatter, "{} [{}]", self.wrong, self.code)?;
        if !self.hint.is_empty() {
            write!(formatter, "; {}", self.hint)?;
        }
        Ok(())
    }
}

/// The candidate that the user most likely meant, if one is near enough.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    near(word, candidates).min().map(|(_, candidate)| candidate)
}

/// The candidate that can only be meant: it is near enough, and no other one is.
pub fn can_only_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut near = near(word, candidates);
    let (_, only) = near.next()?;
    near.next().is_none().then_some(only)
}

/// Near means a Damerau-Levenshtein distance of at most a third of the longer word.
fn near<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (usize, &'a str)> {
    candidates
        .into_iter()
        .map(move |candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(move |(distance, candidate)| {
            let longer = word.chars().count().max(candidate.chars().count());
            // One letter is not near another: they have nothing in common.
            *distance * 3 <= longer.max(3) && *distance < longer
        })
}
