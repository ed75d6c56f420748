//! The keys by which ssh servers are known.

use ssh_key::known_hosts::{HostPatterns, Marker};

use super::error::SourceError;

/// The lines of a `known_hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownHosts {
    /// Host as written, and its key as it goes over the wire.
    keys: Vec<(String, Vec<u8>)>,
    /// Keys that are to be refused, whoever shows them.
    revoked: Vec<Vec<u8>>,
}

impl KnownHosts {
    /// Reads them.
    ///
    /// Errors: a line that is none, and forms that are not taken, since a line that counts for nothing would not be
    /// noticed: hashed names, patterns and certificate authorities.
    pub(super) fn parse(text: &str) -> Result<Self, SourceError> {
        let unusable = |wrong: String| SourceError::Secret {
            message: format!("`known_hosts` of the Secret: {wrong}"),
            next: "write one line `HOST TYPE KEY` a key, as `ssh-keyscan HOST` prints them"
                .to_owned(),
        };
        let mut hosts = Self {
            keys: Vec::new(),
            revoked: Vec::new(),
        };
        for entry in ssh_key::KnownHosts::new(text) {
            let entry =
                entry.map_err(|error| unusable(format!("a line cannot be read: {error}")))?;
            let key = entry
                .public_key()
                .to_bytes()
                .map_err(|error| unusable(format!("a key cannot be read: {error}")))?;
            match entry.marker() {
                Some(Marker::Revoked) => {
                    hosts.revoked.push(key);
                    continue;
                }
                Some(Marker::CertAuthority) => {
                    return Err(unusable("certificate authorities are not taken".to_owned()));
                }
                None => {}
            }
            let names = match entry.host_patterns() {
                HostPatterns::Patterns(names) => names,
                HostPatterns::HashedName { .. } => {
                    return Err(unusable("hashed host names are not taken".to_owned()));
                }
            };
            for name in names {
                if name.contains(['*', '?', '!']) {
                    return Err(unusable(format!(
                        "`{name}` is a pattern, and patterns are not taken"
                    )));
                }
                hosts.keys.push((name.clone(), key.clone()));
            }
        }
        if hosts.keys.is_empty() {
            return Err(unusable("it has no key".to_owned()));
        }
        Ok(hosts)
    }

    /// Whether a host may show a key.
    pub(super) fn knows(&self, host: &str, key: &[u8]) -> bool {
        !self.revoked.iter().any(|revoked| revoked == key)
            && self
                .keys
                .iter()
                .any(|(name, known)| name.eq_ignore_ascii_case(host) && known == key)
    }
}

#[cfg(test)]
mod tests {
    use super::KnownHosts;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn a_host_is_known_by_its_own_key_and_port_only() {
        let text = format!("# comment\n[example.org]:2222,other.org ssh-ed25519 {KEY}\n");
        let hosts = KnownHosts::parse(&text).expect("hosts");
        let key = &hosts.keys.first().expect("a key").1.clone();
        assert!(hosts.knows("[example.org]:2222", key) && hosts.knows("Other.org", key));
        assert!(!hosts.knows("example.org", key));
        assert!(!hosts.knows("other.org", b"another key"));
        let revoked = format!("{text}@revoked * ssh-ed25519 {KEY}\n");
        assert!(
            !KnownHosts::parse(&revoked)
                .expect("hosts")
                .knows("other.org", key)
        );
    }

    #[test]
    fn a_line_that_would_count_for_nothing_is_an_error() {
        let wrong = [
            String::new(),
            "example.org".to_owned(),
            format!("*.example.org ssh-ed25519 {KEY}"),
            format!(
                "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 {KEY}"
            ),
            format!("@cert-authority example.org ssh-ed25519 {KEY}"),
        ]
        .map(|text| KnownHosts::parse(&text).expect_err("an error").to_string());
        insta::assert_snapshot!(wrong.join("\n"), @r"
        `known_hosts` of the Secret: it has no key; write one line `HOST TYPE KEY` a key, as `ssh-keyscan HOST` prints them
        `known_hosts` of the Secret: a line cannot be read: format encoding error; write one line `HOST TYPE KEY` a key, as `ssh-keyscan HOST` prints them
        `known_hosts` of the Secret: `*.example.org` is a pattern, and patterns are not taken; write one line `HOST TYPE KEY` a key, as `ssh-keyscan HOST` prints them
        `known_hosts` of the Secret: hashed host names are not taken; write one line `HOST TYPE KEY` a key, as `ssh-keyscan HOST` prints them
        `known_hosts` of the Secret: certificate authorities are not taken; write one line `HOST TYPE KEY` a key, as `ssh-keyscan HOST` prints them
        ");
    }
}
