//! The certificates of one throw-away cluster.
//!
//! In: names. Out: PEM texts. Nothing is kept: a cluster has a new authority every time.

use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};

/// Members of this group may do all.
pub(crate) const ADMINISTRATORS: &str = "system:masters";

/// Signs the certificates of one cluster.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Result<Self, Error> {
        let mut params = params("devcluster");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
        })
    }

    /// The certificate that clients trust.
    pub(crate) fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A client with all rights; its name is what the audit log shows.
    pub(crate) fn administrator(&self, name: &str) -> Result<Identity, Error> {
        let mut params = params(name);
        params
            .distinguished_name
            .push(DnType::OrganizationName, ADMINISTRATORS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    /// The API server, on loopback and behind the first address of the service network.
    pub(crate) fn api_server(&self, service_address: Ipv4Addr) -> Result<Identity, Error> {
        let mut params = params("kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.subject_alt_names = vec![
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::IpAddress(IpAddr::V4(service_address)),
            SanType::DnsName("localhost".try_into()?),
            SanType::DnsName("kubernetes.default.svc".try_into()?),
        ];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Identity, Error> {
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// The key pair that signs and checks the tokens of service accounts.
#[derive(Debug)]
pub(crate) struct TokenKeys {
    pub(crate) private: String,
    pub(crate) public: String,
}

impl TokenKeys {
    pub(crate) fn new() -> Result<Self, Error> {
        let keys = KeyPair::generate()?;
        Ok(Self {
            private: keys.serialize_pem(),
            public: keys.public_key_pem(),
        })
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identity_has_its_own_key_and_all_come_from_one_authority() {
        let authority = Authority::new().unwrap();
        let server = authority.api_server(Ipv4Addr::new(10, 96, 0, 1)).unwrap();
        let admin = authority.administrator("admin").unwrap();
        assert!(
            authority
                .certificate()
                .starts_with("-----BEGIN CERTIFICATE-----")
        );
        assert!(
            server
                .certificate
                .starts_with("-----BEGIN CERTIFICATE-----")
        );
        assert!(admin.key.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert_ne!(server.key, admin.key);
        let tokens = TokenKeys::new().unwrap();
        assert!(tokens.public.starts_with("-----BEGIN PUBLIC KEY-----"));
        assert_ne!(tokens.private, admin.key);
    }
}
