//! Asks a repository for a commit, and keeps its objects in a folder without a work tree.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::{
    AutotagOption, Direction, Error, ErrorClass, ErrorCode, FetchOptions, Oid, RemoteCallbacks,
    RemoteRedirect, Repository,
};

use super::credentials::Credentials;
use super::error::SourceError;
use super::limits::Limits;
use super::reference::Wanted;
use crate::manifest::Text;
use crate::spec::GitAddress;

/// Where the fetched commit is remembered in the cache.
const FETCHED: &str = "refs/tidegate/fetched";
/// How much of the first line of a message is kept.
const SUBJECT_CHARACTERS_MAX: usize = 200;
/// How many packs a cache may collect before it is begun anew: libgit2 does not tidy up, and a fresh fetch of one commit
/// costs little more than the next one.
const PACKS_MAX: usize = 50;

/// A repository somewhere else.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Where it is.
    pub address: GitAddress,
    /// What is shown to it, and what it must show.
    pub credentials: Credentials,
}

/// A commit that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its 40 digits.
    pub id: String,
    /// What named it, for instance `refs/heads/main`; empty where it was asked for by its digits.
    pub reference: String,
    /// The first line of its message, for people.
    pub subject: String,
}

/// A folder that keeps what was fetched for one plan.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    limits: Limits,
}

impl Cache {
    /// A cache in a folder, which is made when it is needed.
    pub fn new(folder: PathBuf, limits: Limits) -> Self {
        Self { folder, limits }
    }

    /// Gets the commit that is meant now. Where the server still names the one that is here, nothing is fetched.
    pub fn fetch(&self, remote: &Remote, wanted: &Wanted) -> Result<Commit, SourceError> {
        self.discard_if_large();
        let repository = self.open()?;
        let call = Call {
            remote,
            limits: &self.limits,
            until: Instant::now() + self.limits.fetch,
            stopped: RefCell::new(None),
        };
        let found = call.look(&repository, wanted)?;
        if let (Some(id), true) = (found.id, kept(&repository) == found.id)
            && repository.find_commit(id).is_ok()
        {
            return commit(&repository, id, &found.reference);
        }
        call.download(&repository, &found, wanted)?;
        let id = kept(&repository).ok_or_else(|| lacks(wanted))?;
        commit(&repository, id, &found.reference)
    }

    /// The files of a commit that is here, below a path.
    pub fn read(&self, commit: &str, path: Option<&str>) -> Result<Vec<Text>, SourceError> {
        let repository = self.open()?;
        let id = Oid::from_str(commit).map_err(|error| cache_error(&error))?;
        super::tree::read(&repository, id, path, &self.limits)
    }

    pub(super) fn open(&self) -> Result<Repository, SourceError> {
        libgit2_settings::settle().map_err(SourceError::Cache)?;
        match Repository::open_bare(&self.folder) {
            Ok(repository) => Ok(repository),
            Err(error) if error.code() == ErrorCode::NotFound => self.make(),
            // Left half made by a crash, perhaps: nothing in it is not to be had again.
            Err(_) => {
                discard(&self.folder)?;
                self.make()
            }
        }
    }

    fn make(&self) -> Result<Repository, SourceError> {
        std::fs::create_dir_all(&self.folder)
            .map_err(|error| SourceError::Cache(format!("{}: {error}", self.folder.display())))?;
        let repository =
            Repository::init_bare(&self.folder).map_err(|error| cache_error(&error))?;
        repository
            .config()
            .and_then(|mut config| config.set_bool("http.followRedirects", false))
            .map_err(|error| cache_error(&error))?;
        Ok(repository)
    }

    fn discard_if_large(&self) {
        let packs = std::fs::read_dir(self.folder.join("objects/pack"));
        if packs.is_ok_and(|packs| packs.count() > 2 * PACKS_MAX) {
            // If it cannot be, the next look at it says so.
            discard(&self.folder).unwrap_or_default();
        }
    }
}

fn discard(folder: &Path) -> Result<(), SourceError> {
    std::fs::remove_dir_all(folder)
        .map_err(|error| SourceError::Cache(format!("{}: {error}", folder.display())))
}

pub(super) fn cache_error(error: &Error) -> SourceError {
    SourceError::Cache(error.message().to_owned())
}

/// The commit that was fetched last.
fn kept(repository: &Repository) -> Option<Oid> {
    let reference = repository.find_reference(FETCHED).ok()?;
    Some(reference.peel_to_commit().ok()?.id())
}

fn commit(repository: &Repository, id: Oid, reference: &str) -> Result<Commit, SourceError> {
    let commit = repository
        .find_commit(id)
        .map_err(|error| cache_error(&error))?;
    let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
    let subject = message.lines().next().unwrap_or_default();
    Ok(Commit {
        id: id.to_string(),
        reference: reference.to_owned(),
        subject: subject
            .chars()
            .filter(|c| !c.is_control())
            .take(SUBJECT_CHARACTERS_MAX)
            .collect(),
    })
}

fn lacks(wanted: &Wanted) -> SourceError {
    wanted.missing(std::iter::empty())
}

/// What a server named.
struct Found {
    reference: String,
    id: Option<Oid>,
}

/// One conversation with a server.
struct Call<'a> {
    remote: &'a Remote,
    limits: &'a Limits,
    until: Instant,
    /// Why we broke it off: libgit2 only knows that we did.
    stopped: RefCell<Option<SourceError>>,
}

impl Call<'_> {
    /// Which commit the server names now.
    fn look(&self, repository: &Repository, wanted: &Wanted) -> Result<Found, SourceError> {
        let mut remote = self.remote(repository)?;
        let connection = remote
            .connect_auth(Direction::Fetch, Some(self.callbacks()), None)
            .map_err(|error| self.error(&error))?;
        let heads = connection.list().map_err(|error| self.error(&error))?;
        if heads.len() > self.limits.references {
            return Err(SourceError::Limit {
                what: format!("{} branches and tags", heads.len()),
                limit: self.limits.references.to_string(),
            });
        }
        let names = heads.iter().map(git2::RemoteHead::name);
        let reference = match wanted {
            Wanted::Commit(digits) => {
                return Ok(Found {
                    reference: String::new(),
                    id: Oid::from_str(digits).ok(),
                });
            }
            Wanted::Branch(_) | Wanted::Tag(_) | Wanted::Range(_) => wanted.choose(names)?,
        };
        let id_of = |name: &str| {
            let mut heads = heads.iter();
            Some(heads.find(|head| head.name() == name)?.oid())
        };
        // The commit behind a tag that has a message of its own.
        let id = id_of(&format!("{reference}^{{}}")).or_else(|| id_of(&reference));
        Ok(Found { reference, id })
    }

    fn download(
        &self,
        repository: &Repository,
        found: &Found,
        wanted: &Wanted,
    ) -> Result<(), SourceError> {
        let one = match (found.reference.as_str(), found.id) {
            ("", Some(id)) => id.to_string(),
            (reference, _) => reference.to_owned(),
        };
        match self.fetch(repository, &[format!("+{one}:{FETCHED}")], 1) {
            Ok(()) => return Ok(()),
            Err(error) => match (wanted, &error) {
                // Not every server gives a commit that no branch or tag ends in.
                (
                    Wanted::Commit(_),
                    SourceError::Unreachable(_) | SourceError::NoReference { .. },
                ) => {}
                (Wanted::Branch(_) | Wanted::Tag(_) | Wanted::Range(_) | Wanted::Commit(_), _) => {
                    return Err(error);
                }
            },
        }
        let all = ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:refs/tidegate/{kind}/*"));
        self.fetch(repository, &all, 0)?;
        let id = found.id.filter(|id| repository.find_commit(*id).is_ok());
        let id = id.ok_or_else(|| lacks(wanted))?;
        repository
            .reference(FETCHED, id, true, "fetched")
            .map(|_| ())
            .map_err(|error| cache_error(&error))
    }

    fn fetch(
        &self,
        repository: &Repository,
        references: &[String],
        depth: i32,
    ) -> Result<(), SourceError> {
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(self.callbacks())
            .follow_redirects(RemoteRedirect::None)
            .download_tags(AutotagOption::None)
            .update_fetchhead(false)
            .depth(depth);
        self.remote(repository)?
            .fetch(references, Some(&mut options), None)
            .map_err(|error| self.error(&error))
    }

    fn remote<'r>(&self, repository: &'r Repository) -> Result<git2::Remote<'r>, SourceError> {
        repository
            .remote_anonymous(self.remote.address.text())
            .map_err(|error| cache_error(&error))
    }

    fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        let mut tried = false;
        callbacks.credentials(move |_, _, allowed| {
            let answer = self
                .remote
                .credentials
                .answer(&self.remote.address, allowed, tried);
            tried = tried || !allowed.contains(git2::CredentialType::USERNAME);
            answer
        });
        callbacks.certificate_check(|certificate, _| {
            match self
                .remote
                .credentials
                .check_server(certificate, &self.remote.address)
            {
                Ok(status) => Ok(status),
                Err(error) => Err(self.stop(error)),
            }
        });
        callbacks.transfer_progress(|progress| self.may_go_on(progress.received_bytes()));
        callbacks.sideband_progress(|_| self.may_go_on(0));
        callbacks
    }

    fn may_go_on(&self, received: usize) -> bool {
        let limits = self.limits;
        let over = if received > limits.received_bytes {
            (
                "more was sent for one commit than is allowed,",
                format!("{} MiB", limits.received_bytes >> 20),
            )
        } else if Instant::now() > self.until {
            (
                "the fetch has taken time",
                format!("{} s", limits.fetch.as_secs()),
            )
        } else {
            return true;
        };
        let (what, limit) = over;
        self.stop(SourceError::Limit {
            what: what.to_owned(),
            limit,
        });
        false
    }

    fn stop(&self, error: SourceError) -> Error {
        let words = Error::new(ErrorCode::User, ErrorClass::Callback, error.to_string());
        self.stopped.borrow_mut().get_or_insert(error);
        words
    }

    /// What an error of libgit2 means: why we broke off, if we did.
    fn error(&self, error: &Error) -> SourceError {
        if let Some(stopped) = self.stopped.borrow_mut().take() {
            return stopped;
        }
        let message = error.message().trim().to_owned();
        let is_refused =
            message.contains("status code: 401") || message.contains("status code: 403");
        let is_untrusted = error.class() == ErrorClass::Ssl && message.contains("certificate");
        let is_refused = is_refused || error.code() == ErrorCode::Auth;
        let is_untrusted = is_untrusted || error.code() == ErrorCode::Certificate;
        if is_refused {
            SourceError::Credentials {
                message,
                next: "check the Secret that `secretRef` names, and what its account may read"
                    .to_owned(),
            }
        } else if is_untrusted {
            SourceError::Untrusted {
                message: format!("the server cannot be trusted: {message}"),
                next: "add its authority to the Secret as `ca.crt`".to_owned(),
            }
        } else {
            SourceError::Unreachable(message)
        }
    }
}
