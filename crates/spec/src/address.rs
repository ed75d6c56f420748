//! The address of a Git repository: which forms are taken, and why others are not.

use std::net::IpAddr;

use http::Uri;

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Git over https.
    Https,
    /// Git over ssh.
    Ssh,
}

/// An address that may be asked. Its text holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitAddress {
    text: String,
    transport: Transport,
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

impl GitAddress {
    /// Reads an address. Errors: a sentence, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let no = |wrong: String, hint: &str| Err((wrong, hint.to_owned()));
        let form = "write `https://host/path` or `ssh://git@host/path`";
        let Some((scheme, _)) = text.split_once("://") else {
            // `git@host:path` would be read as a path of this machine by some.
            return no("it has no scheme".to_owned(), form);
        };
        let transport = match scheme {
            "https" => Transport::Https,
            "ssh" => Transport::Ssh,
            "http" => {
                return no(
                    "`http` shows what is released, and the token, to everybody on the way"
                        .to_owned(),
                    "use `https`, with `ca.crt` in the Secret where the server has an authority of its own",
                );
            }
            other => return no(format!("`{other}` is no way to a repository here"), form),
        };
        let Ok(uri) = text.parse::<Uri>() else {
            return no("it is no address".to_owned(), form);
        };
        let (Some(authority), Some(host)) = (uri.authority(), uri.host()) else {
            return no("it names no host".to_owned(), form);
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| user);
        match (transport, user) {
            (Transport::Https, Some(_)) => {
                return no(
                    "it holds credentials, which everybody would see who may read the plan"
                        .to_owned(),
                    "put `username` and `password` into a Secret and name that in `secretRef`",
                );
            }
            (Transport::Ssh, None) => {
                return no(
                    "it does not say as whom to log in".to_owned(),
                    "write `ssh://git@host/path`",
                );
            }
            (Transport::Ssh, Some(user)) if user.contains(':') || user.is_empty() => {
                return no(
                    "it holds a password, or no user".to_owned(),
                    "write `ssh://git@host/path`; the key is in the Secret that `secretRef` names",
                );
            }
            (Transport::Https, None) | (Transport::Ssh, Some(_)) => {}
        }
        // An argument where a name is meant, for programs of others on the way.
        if host.starts_with('-') || user.is_some_and(|user| user.starts_with('-')) {
            return no("its host or user begins with `-`".to_owned(), form);
        }
        if is_link_local(&host) {
            return no(
                format!(
                    "`{host}` is an address of the machine's own network, where clouds keep credentials"
                ),
                "name the Git server's host",
            );
        }
        Ok(Self {
            text: text.to_owned(),
            transport,
            user: user.map(ToOwned::to_owned),
            host,
            port: authority.port_u16(),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is reached.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// As whom ssh logs in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The host's name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as `known_hosts` writes it: with its port where that is not 22.
    pub fn known_host(&self) -> String {
        match self.port {
            None | Some(22) => self.host.clone(),
            Some(port) => format!("[{}]:{port}", self.host),
        }
    }
}

fn is_link_local(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_unicast_link_local()
                || address
                    .to_ipv4_mapped()
                    .is_some_and(|mapped| mapped.is_link_local())
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::GitAddress;

    #[test]
    fn addresses_are_taken_by_https_and_ssh_without_credentials() {
        for good in [
            "https://example.org/team/shop.git",
            "https://[::1]:8443/shop",
            "ssh://git@example.org:2222/team/shop.git",
        ] {
            GitAddress::parse(good).expect(good);
        }
        let known = GitAddress::parse("ssh://git@example.org:2222/shop").expect("an address");
        assert_eq!(known.known_host(), "[example.org]:2222");
    }

    #[test]
    fn everything_else_is_refused_with_what_to_write() {
        let wrong = [
            "/srv/shop.git",
            "git@example.org:team/shop",
            "file:///srv/shop.git",
            "ext::sh -c id",
            "http://example.org/shop",
            "https://me:hunter2@example.org/shop",
            "ssh://example.org/shop",
            "ssh://git:hunter2@example.org/shop",
            "ssh://-oProxyCommand=id@example.org/shop",
            "https://169.254.169.254/latest",
            "https://[::ffff:169.254.169.254]/latest",
            "https://",
        ]
        .map(|text| {
            let (wrong, hint) = GitAddress::parse(text).expect_err(text);
            assert!(
                !wrong.contains("hunter2") && !hint.contains("hunter2"),
                "{wrong}"
            );
            format!("{wrong}; {hint}")
        });
        insta::assert_snapshot!(wrong.join("\n"), @r"
        it has no scheme; write `https://host/path` or `ssh://git@host/path`
        it has no scheme; write `https://host/path` or `ssh://git@host/path`
        `file` is no way to a repository here; write `https://host/path` or `ssh://git@host/path`
        it has no scheme; write `https://host/path` or `ssh://git@host/path`
        `http` shows what is released, and the token, to everybody on the way; use `https`, with `ca.crt` in the Secret where the server has an authority of its own
        it holds credentials, which everybody would see who may read the plan; put `username` and `password` into a Secret and name that in `secretRef`
        it does not say as whom to log in; write `ssh://git@host/path`
        it holds a password, or no user; write `ssh://git@host/path`; the key is in the Secret that `secretRef` names
        its host or user begins with `-`; write `https://host/path` or `ssh://git@host/path`
        `169.254.169.254` is an address of the machine's own network, where clouds keep credentials; name the Git server's host
        `::ffff:169.254.169.254` is an address of the machine's own network, where clouds keep credentials; name the Git server's host
        it is no address; write `https://host/path` or `ssh://git@host/path`
        ");
    }
}
