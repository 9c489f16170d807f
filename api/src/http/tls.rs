//! Certificate and key from files.

use std::path::Path;

use anyhow::{Context, anyhow};
use std::sync::Arc;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a TLS server needs: TLS 1.2 and 1.3 with the ciphers that rustls takes for safe.
///
/// # Errors
/// When a file can't be read, or certificate and key don't belong together.
pub fn config(certificate: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("cannot read certificates in {}", certificate.display()))?;
    if chain.is_empty() {
        return Err(anyhow!("{} holds no certificate", certificate.display()));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read the key in {}", key.display()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .with_no_client_auth();
    let mut config = builder
        .with_single_cert(chain, private)
        .with_context(|| format!("{} and {} can't be used", certificate.display(), key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
