//! What a Secret holds for a repository, and what that says of the server at the other end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use git2::cert::Cert;
use git2::{CertificateCheckStatus, Cred, CredentialType, Error, ErrorClass, ErrorCode};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::error::SourceError;
use super::known_hosts::KnownHosts;
use crate::spec::{GitAddress, Transport};

const USERNAME: &str = "username";
const PASSWORD: &str = "password";
/// As Flux names it, and as Kubernetes names it in a Secret of the type `kubernetes.io/ssh-auth`.
const PRIVATE_KEYS: [&str; 2] = ["identity", "ssh-privatekey"];
const KNOWN_HOSTS: &str = "known_hosts";
const AUTHORITY: &str = "ca.crt";

/// What is shown to the server, and what the server must show. Prints none of it.
#[derive(Clone, Default)]
pub struct Credentials {
    username: Option<String>,
    password: Option<String>,
    private_key: Option<String>,
    known_hosts: Option<KnownHosts>,
    authority: Option<Arc<WebPkiServerVerifier>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials")
    }
}

impl Credentials {
    /// Reads the data of a Secret.
    ///
    /// Errors: a key that is no text, an authority that is no certificate, and for ssh a missing key or missing
    /// `known_hosts`: without them anybody on the way could answer.
    pub fn of(data: &BTreeMap<String, Vec<u8>>, address: &GitAddress) -> Result<Self, SourceError> {
        let text = |key: &str| match data.get(key).map(|bytes| String::from_utf8(bytes.clone())) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(unusable(
                format!("`{key}` of the Secret is no text"),
                "write it as text; `data` of a Secret is base64 once, not twice",
            )),
        };
        let mut private_key = None;
        for name in PRIVATE_KEYS {
            private_key = private_key.or(text(name)?);
        }
        let known_hosts = text(KNOWN_HOSTS)?
            .map(|text| KnownHosts::parse(&text))
            .transpose()?;
        let authority = text(AUTHORITY)?.map(|text| verifier(&text)).transpose()?;
        // A line break at the end is what `echo` and editors leave there.
        let trimmed = |text: Option<String>| text.map(|text| text.trim_end().to_owned());
        let credentials = Self {
            username: trimmed(text(USERNAME)?),
            password: trimmed(text(PASSWORD)?),
            private_key,
            known_hosts,
            authority,
        };
        credentials.check(address)?;
        Ok(credentials)
    }

    fn check(&self, address: &GitAddress) -> Result<(), SourceError> {
        match address.transport() {
            Transport::Ssh if self.private_key.is_none() => Err(unusable(
                "the source is reached by ssh, and there is no private key".to_owned(),
                "name a Secret in `secretRef` that has one as `identity`, and the server's keys as `known_hosts`",
            )),
            Transport::Ssh if self.known_hosts.is_none() => Err(unusable(
                "the Secret has no `known_hosts`, so nobody could tell the server from another one"
                    .to_owned(),
                "add what `ssh-keyscan HOST` prints, after comparing it with what the server's operators publish",
            )),
            Transport::Https | Transport::Ssh => Ok(()),
        }
    }

    /// Answers a server that asks for credentials. `tried` says whether it has had them already and asks again.
    pub(super) fn answer(
        &self,
        address: &GitAddress,
        allowed: CredentialType,
        tried: bool,
    ) -> Result<Cred, Error> {
        let refused = |message: &str| Error::new(ErrorCode::Auth, ErrorClass::Callback, message);
        // Asked for a name alone, ssh has not tried anything yet.
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(address.user().unwrap_or("git"));
        }
        if tried {
            return Err(refused("they were not accepted"));
        }
        match address.transport() {
            Transport::Ssh => match &self.private_key {
                Some(key) => Cred::ssh_key_from_memory(
                    address.user().unwrap_or("git"),
                    None,
                    key,
                    self.password.as_deref(),
                ),
                None => Err(refused("it asks for a key, and there is none")),
            },
            Transport::Https => match &self.password {
                // Where a token is all there is, servers take any name.
                Some(password) => {
                    Cred::userpass_plaintext(self.username.as_deref().unwrap_or("git"), password)
                }
                None => Err(refused(
                    "it asks for a name and a password, and there are none",
                )),
            },
        }
    }

    /// Whether the server may be talked to. Out: an error with the key or certificate that it showed.
    pub(super) fn check_server(
        &self,
        certificate: &Cert<'_>,
        address: &GitAddress,
    ) -> Result<CertificateCheckStatus, SourceError> {
        if let Some(key) = certificate.as_hostkey() {
            let untrusted = |message: String| {
                SourceError::Untrusted {
                message,
                next: "if that is its key, add what `ssh-keyscan HOST` prints to `known_hosts` of the Secret".to_owned(),
            }
            };
            let (Some(hosts), Some(shown)) = (&self.known_hosts, key.hostkey()) else {
                return Err(untrusted("the server's key cannot be compared".to_owned()));
            };
            let name = address.known_host();
            let kind = key.hostkey_type().map_or("unknown", |kind| kind.name());
            if hosts.knows(&name, shown) {
                return Ok(CertificateCheckStatus::CertificateOk);
            }
            return Err(untrusted(format!(
                "`known_hosts` has no such key for `{name}`: the server shows one of the type {kind}"
            )));
        }
        let (Some(authority), Some(shown)) = (&self.authority, certificate.as_x509()) else {
            // Without an authority of its own, those of the machine count.
            return Ok(CertificateCheckStatus::CertificatePassthrough);
        };
        verify(authority, shown.data(), address.host())
    }
}

fn unusable(message: String, next: &str) -> SourceError {
    SourceError::Secret {
        message,
        next: next.to_owned(),
    }
}

/// Who vouches for servers, from `ca.crt`.
fn verifier(text: &str) -> Result<Arc<WebPkiServerVerifier>, SourceError> {
    let broken = |why: String| {
        unusable(
            format!("`{AUTHORITY}` of the Secret is no certificate: {why}"),
            "give the authority's certificate in PEM form",
        )
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let certificate = certificate.map_err(|error| broken(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| broken(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| broken(error.to_string()))
}

/// libgit2 shows the server's own certificate and none in between, so the authority must have signed that one; an
/// authority in between can be in `ca.crt` too.
fn verify(
    authority: &WebPkiServerVerifier,
    shown: &[u8],
    host: &str,
) -> Result<CertificateCheckStatus, SourceError> {
    let untrusted = |why: String| SourceError::Untrusted {
        message: format!(
            "the certificate of `{host}` is not one of the authority in the Secret: {why}"
        ),
        next: format!(
            "`{AUTHORITY}` must hold the authority that signed the server's own certificate"
        ),
    };
    let name =
        ServerName::try_from(host.to_owned()).map_err(|error| untrusted(error.to_string()))?;
    authority
        .verify_server_cert(
            &CertificateDer::from(shown),
            &[],
            &name,
            &[],
            UnixTime::now(),
        )
        .map(|_| CertificateCheckStatus::CertificateOk)
        .map_err(|error| untrusted(error.to_string()))
}
