//! What the command line says of the server, and what is made of it.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use tokio_rustls::rustls::ServerConfig;

use super::access::{Access, TOKEN_CHARACTERS_MIN};
use super::policy::Policy;
use super::tls;
use crate::failure::Failure;

/// A longer file holds no token.
const TOKEN_FILE_BYTES_MAX: u64 = 4 << 10;

/// Where and how to serve.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Dashboard")]
pub struct Options {
    /// Address and port of the dashboard
    ///
    /// On an address that others can reach a token is needed, which is made and told at the start unless a file holds one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8898")]
    pub listen: SocketAddr,
    /// A name that browsers may call the server by, besides its address and localhost
    ///
    /// May be given several times. Requests to other names are refused, since anyone can make a name lead here.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// File with the token to ask by, at least 16 characters; then one is needed on this machine, too
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// File with the certificate to serve HTTPS by, and those that vouch for it (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// File with the certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A field to keep from being shown or taken away, or `secrets`; e.g. --redact secrets --redact request.body..password
    ///
    /// May be given several times. `secrets` are the headers Authorization, Proxy-Authorization, Cookie and Set-Cookie, and
    /// cookies. Packets and the bytes of connections, which hold them, are not given then. What is recorded stays whole.
    #[arg(long, value_name = "FIELD")]
    redact: Vec<String>,
}

/// The same, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 is any that is free.
    pub listen: SocketAddr,
    /// Names besides addresses and localhost.
    pub hosts: Vec<String>,
    /// Who may ask.
    pub access: Access,
    /// The token, where it was made here and has to be told.
    pub new_token: Option<String>,
    /// Certificate and key, for HTTPS.
    pub tls: Option<Arc<ServerConfig>>,
    /// What is not shown.
    pub policy: Policy,
}

impl Options {
    /// Checks all of it; reads files.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<Config, Failure> {
        let policy =
            Policy::new(&self.redact).map_err(|error| Failure::CommandLine(format!("--redact: {error}")))?;
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(Arc::new(tls::config(certificate, key)?)),
            _ => None,
        };
        let is_reachable = !self.listen.ip().is_loopback();
        let mut new_token = None;
        let access = match &self.token_file {
            Some(path) => Access::token(&token_in(path)?, random()?),
            None if is_reachable => {
                let token = URL_SAFE_NO_PAD.encode(random()?);
                let access = Access::token(&token, random()?);
                new_token = Some(token);
                access
            }
            None => Access::Anyone,
        };
        if is_reachable && tls.is_none() {
            tracing::warn!(listen = %self.listen, "the token and all answers travel unencrypted: give --tls-cert and --tls-key");
        }
        Ok(Config { listen: self.listen, hosts: self.allow_host.clone(), access, new_token, tls, policy })
    }
}

fn token_in(path: &Path) -> anyhow::Result<String> {
    let wrong = || format!("cannot read the token in {}", path.display());
    let mut text = String::new();
    let file = fs::File::open(path).with_context(wrong)?;
    file.take(TOKEN_FILE_BYTES_MAX).read_to_string(&mut text).with_context(wrong)?;
    let token = text.trim();
    if token.chars().count() < TOKEN_CHARACTERS_MIN || token.contains(char::is_whitespace) {
        let path = path.display();
        return Err(anyhow!("{path} holds no token: one line of at least {TOKEN_CHARACTERS_MIN} characters"));
    }
    Ok(token.to_owned())
}

/// A number that nobody can guess.
fn random() -> anyhow::Result<[u8; 32]> {
    let mut number = [0; 32];
    let read = rustix::rand::getrandom(&mut number, rustix::rand::GetRandomFlags::empty());
    match read.context("the system has no random numbers")? {
        32 => Ok(number),
        _ => Err(anyhow!("the system has too few random numbers")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn config(line: &[&str]) -> Result<Config, Failure> {
        Line::try_parse_from([&["serve"], line].concat()).unwrap().options.check()
    }

    #[test]
    fn off_loopback_a_token_is_made() {
        let local = config(&[]).unwrap();
        assert!(matches!(local.access, Access::Anyone) && local.new_token.is_none());
        let reachable = config(&["--listen", "0.0.0.0:8898"]).unwrap();
        assert!(matches!(reachable.access, Access::Token(_)));
        let other = config(&["--listen", "[::]:8898"]).unwrap().new_token.unwrap();
        assert!(other.len() == 43 && reachable.new_token.unwrap() != other);
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let given = || config(&["--token-file", path.to_str().unwrap()]);
        assert!(given().is_err());
        for wrong in ["", "short\n", "two words of some length"] {
            fs::write(&path, wrong).unwrap();
            assert!(given().is_err(), "{wrong}");
        }
        fs::write(&path, "0123456789abcdef\n").unwrap();
        let config = given().unwrap();
        assert!(matches!(config.access, Access::Token(_)) && config.new_token.is_none());
    }
}
