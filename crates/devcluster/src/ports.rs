//! Free ports on loopback.
//!
//! A port is free at the moment of the question only: whoever starts a program on it must be ready
//! to ask again, which [`is_taken`] recognizes from the program's log.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// As many different free ports as asked for.
pub(crate) fn free<const COUNT: usize>() -> io::Result<[u16; COUNT]> {
    // All are held until all are known, or the same one could come twice.
    let mut held = Vec::with_capacity(COUNT);
    let mut ports = [0; COUNT];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Whether a program's log says that somebody else took its port.
pub(crate) fn is_taken(log: &str) -> bool {
    log.contains("address already in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_are_different_and_can_be_bound() {
        let [first, second] = free().unwrap();
        assert_ne!(first, second);
        TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
    }

    #[test]
    fn a_taken_port_is_known_from_the_log() {
        assert!(is_taken(
            "listen tcp 127.0.0.1:6443: bind: address already in use"
        ));
        assert!(!is_taken("open ca.crt: no such file or directory"));
    }
}
