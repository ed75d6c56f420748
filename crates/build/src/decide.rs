//! One build, one look at it: what comes next.

use super::image::is_digest;
use super::state::{Build, Stand};

/// What the engine shows of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// There is no object of its name.
    Absent,
    /// There is one.
    There(Found),
}

/// The object that builds, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its uid.
    pub uid: String,
    /// Whether this release made it.
    pub is_own: bool,
    /// Whether it is held back and runs nothing.
    pub is_held: bool,
    /// How far it is.
    pub progress: Progress,
    /// What it waits for where it cannot go on by itself, in somebody else's words.
    pub waits: Option<String>,
    /// What it is, for people: kind, namespace and name.
    pub object: String,
    /// Where people see it.
    pub link: Option<String>,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It has not ended.
    Going,
    /// It has ended well, and says that this is the digest of the image.
    Succeeded(Option<String>),
    /// It has ended badly.
    Failed {
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Wait,
    /// It is made, held back.
    Create,
    /// It is there: its uid is kept before anything of it runs.
    Keep {
        /// Its uid.
        uid: String,
        /// What it is.
        object: String,
        /// Where people see it.
        link: Option<String>,
    },
    /// It is let go.
    LetGo,
    /// It runs.
    Runs,
    /// It runs, and this is what there is to say of it: what it waits for, or nothing any more.
    Tell {
        /// A sentence, or nothing.
        message: String,
    },
    /// The image is there.
    Done {
        /// Its digest.
        digest: String,
    },
    /// There will be no image.
    Fail {
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
}

/// Decides.
///
/// Nothing of a build runs before its uid is saved. So one that is not there and has no uid was never begun, and one that is
/// not there and has a uid is gone: it is told and not built a second time.
pub fn next(build: &Build, seen: Option<&Seen>) -> Next {
    let Some(seen) = seen.filter(|_| build.stand.is_watched()) else {
        return Next::Wait;
    };
    let fail = |reason: &str, message: &str| Next::Fail {
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    match (seen, &build.uid) {
        (Seen::Absent, None) => Next::Create,
        (Seen::Absent, Some(_)) => fail("Gone", "it was deleted before its result was seen"),
        (Seen::There(found), None) if !found.is_own => fail(
            "NameTaken",
            "an object of its name is there that this release did not make",
        ),
        (Seen::There(found), None) => Next::Keep {
            uid: found.uid.clone(),
            object: found.object.clone(),
            link: found.link.clone(),
        },
        (Seen::There(found), Some(uid)) if *uid != found.uid => {
            fail("Gone", "it was replaced before its result was seen")
        }
        (Seen::There(found), Some(_)) => of_own(build, found),
    }
}

fn of_own(build: &Build, found: &Found) -> Next {
    let waits = || found.waits.clone().unwrap_or_default();
    match &found.progress {
        Progress::Going if found.is_held && build.stand == Stand::Beginning => Next::LetGo,
        Progress::Going if build.stand == Stand::Beginning => Next::Runs,
        Progress::Going if waits() != build.message => Next::Tell { message: waits() },
        Progress::Going => Next::Wait,
        Progress::Succeeded(Some(digest)) if is_digest(digest) => Next::Done {
            digest: digest.clone(),
        },
        Progress::Succeeded(digest) => Next::Fail {
            reason: "NoDigest".to_owned(),
            message: match digest {
                None => "it has ended well and gives no digest of an image".to_owned(),
                Some(_) => "it has ended well and what it gives as digest is none".to_owned(),
            },
        },
        Progress::Failed { reason, message } => Next::Fail {
            reason: reason.clone(),
            message: message.clone(),
        },
    }
}
