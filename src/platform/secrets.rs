//! Secrets at rest and tokens: AES-256-GCM for what must be read again, HMAC-SHA256 for what must be recognised.

use std::{fs::Permissions, io::Write, os::unix::fs::PermissionsExt, path::Path};

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead, Payload},
};
use anyhow::{Context, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    config::Secret,
    error::{Error, Result},
};

const NONCE: usize = 12;

#[derive(Clone)]
pub struct Secrets {
    cipher: Aes256Gcm,
    /// Signs; derived, so that no key has two uses.
    signing: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets")
    }
}

impl Secrets {
    /// The configured key, or the one kept in the data directory, made at the first start.
    pub fn open(configured: &Secret, data_dir: &Path) -> anyhow::Result<Self> {
        let hex = if configured.is_empty() { kept_key(data_dir)? } else { configured.reveal().to_owned() };
        let key = decode_hex(hex.trim()).context("the secret key is not 64 hexadecimal digits")?;
        let mut signing = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&key).map_err(|_| anyhow!("key length"))?;
        signing.update(b"crawlhub task tokens");
        Ok(Self {
            cipher: Aes256Gcm::new_from_slice(&key).map_err(|_| anyhow!("key length"))?,
            signing: signing.finalize().into_bytes().into(),
        })
    }

    /// `owner` is bound in: a value moved to another row does not open there.
    pub fn seal(&self, owner: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE] = random();
        let sealed = self
            .cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: owner.as_bytes() })
            .map_err(|_| Error::internal(anyhow!("cannot encrypt")))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn open_sealed(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let failed = || Error::internal(anyhow!("cannot decrypt a secret of {owner}: was the secret key changed?"));
        let (nonce, body) = sealed.split_at_checked(NONCE).ok_or_else(failed)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| failed())?;
        self.cipher.decrypt(&Nonce::from(nonce), Payload { msg: body, aad: owner.as_bytes() }).map_err(|_| failed())
    }

    /// A text that only this server can have made for `subject`.
    pub fn sign(&self, subject: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(subject))
    }

    pub fn is_signed(&self, subject: &str, signature: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(signature)
            .is_ok_and(|given| bool::from(given.as_slice().ct_eq(self.mac(subject).as_slice())))
    }

    fn mac(&self, subject: &str) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.signing)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(subject.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// Whether `hex` is the HMAC-SHA256 of the message, which only who has the key can make.
pub fn is_hmac_of(key: &[u8], message: &[u8], hex: &str) -> bool {
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { return false };
    mac.update(message);
    decode_hex(hex).is_some_and(|given| mac.verify_slice(&given).is_ok())
}

/// 256 random bits as text that is safe in addresses and headers.
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// What is kept of a token: it is random and long, so a plain hash is enough.
pub fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn kept_key(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join("secret.key");
    // Complete or not there: an empty key after a crash would stop every later start.
    let mut new = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(data_dir)?;
    let key = hex(&random::<32>());
    new.write_all(key.as_bytes()).and_then(|()| new.as_file().sync_all()).context("cannot keep the secret key")?;
    match new.persist_noclobber(&path) {
        Ok(_) => Ok(key),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        }
        Err(error) => Err(error.error).with_context(|| format!("cannot make {}", path.display())),
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
