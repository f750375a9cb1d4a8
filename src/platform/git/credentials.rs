//! What a repository asks for: a token over https, a key over ssh.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Address;
use crate::{error::Text, text};

const LONGEST_TOKEN: usize = 4096;
const LONGEST_KEY: usize = 16 * 1024;
/// Forges look at the token and take any user; this one is GitHub's own word for it.
const ANY_USER: &str = "x-access-token";

/// Never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// `token`, or `user:token` where the forge wants a certain user.
    pub token: Option<String>,
    /// A private key in PEM, without a passphrase.
    pub key: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials")
    }
}

impl Credentials {
    /// Why a token cannot be used.
    pub fn check_token(token: &str) -> Result<(), Text> {
        if token.len() > LONGEST_TOKEN || token.chars().any(char::is_control) || token.trim() != token {
            return Err(text!(
                "令牌过长，或包含空白、控制字符",
                "is too long, or has spaces around it or control characters in it"
            ));
        }
        Ok(())
    }

    /// The key as ssh wants it, or why it cannot be used.
    pub fn usable_key(key: &str) -> Result<String, Text> {
        let key = key.replace("\r\n", "\n").trim().to_owned() + "\n";
        let is_pem = key.starts_with("-----BEGIN ") && key.contains("PRIVATE KEY-----") && key.contains("\n-----END ");
        if key.len() > LONGEST_KEY || !is_pem || key.contains('\0') {
            return Err(text!(
                "须为 PEM 格式的私钥（以 -----BEGIN … PRIVATE KEY----- 开头）",
                "must be a private key in PEM, which begins with -----BEGIN … PRIVATE KEY-----"
            ));
        }
        if has_passphrase(&key) {
            return Err(text!(
                "私钥设有口令，请为部署生成一把没有口令的密钥",
                "has a passphrase, which nobody could type; make a key without one for this"
            ));
        }
        Ok(key)
    }

    /// User and password over https.
    fn basic(&self, address: &Address) -> Option<(String, String)> {
        let token = self.token.as_deref()?;
        Some(match (token.split_once(':'), address.user()) {
            (Some((user, token)), _) => (user.to_owned(), token.to_owned()),
            (None, user) => (user.unwrap_or(ANY_USER).to_owned(), token.to_owned()),
        })
    }

    /// The value of `Authorization` for https.
    pub(super) fn authorization(&self, address: &Address) -> Option<String> {
        let (user, token) = self.basic(address)?;
        Some(format!("Basic {}", STANDARD.encode(format!("{user}:{token}"))))
    }

    /// Without what is secret.
    pub(super) fn cut_from(&self, text: &str, address: &Address) -> String {
        let mut secrets = Vec::new();
        if let Some((user, token)) = self.basic(address) {
            secrets.extend([STANDARD.encode(format!("{user}:{token}")), STANDARD.encode(&token), token]);
        }
        let lines = self.key.iter().flat_map(|key| key.lines()).filter(|line| line.len() >= 16);
        secrets.extend(lines.filter(|line| !line.starts_with("-----")).map(str::to_owned));
        secrets
            .iter()
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "******"))
    }
}

/// In the old form of PEM a header says it, in OpenSSH's own the name of what made a key of it.
fn has_passphrase(key: &str) -> bool {
    if key.contains("ENCRYPTED") {
        return true;
    }
    let body: String = key.lines().filter(|line| !line.starts_with("-----")).collect();
    let head = STANDARD.decode(body).unwrap_or_default();
    head.starts_with(b"openssh-key-v1\0") && head.windows(6).take(64).any(|part| part == b"bcrypt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_said() {
        let address = Address::parse("https://git.example/a").unwrap();
        for (token, basic) in [("s3cret", "x-access-token:s3cret"), ("me:s3cret", "me:s3cret")] {
            let credentials = Credentials { token: Some(token.to_owned()), key: None };
            let encoded = STANDARD.encode(basic);
            assert_eq!(credentials.authorization(&address), Some(format!("Basic {encoded}")));
            let said = credentials.cut_from(&format!("fatal: s3cret and {encoded} at x"), &address);
            assert_eq!(said, "fatal: ****** and ****** at x");
            assert_eq!(format!("{credentials:?}"), "Credentials");
        }
    }

    #[test]
    fn keys_that_can_be_used() {
        let plain = "-----BEGIN OPENSSH PRIVATE KEY-----\r\nAAAA\r\n-----END OPENSSH PRIVATE KEY-----";
        let usable = Credentials::usable_key(plain).unwrap();
        assert_eq!(usable, plain.replace("\r\n", "\n") + "\n");
        let locked = STANDARD.encode(b"openssh-key-v1\0\0\0\0\x0aaes256-ctr\0\0\0\x06bcrypt\0");
        for refused in [
            String::new(),
            "ssh-ed25519 AAAA me".to_owned(),
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{locked}\n-----END OPENSSH PRIVATE KEY-----"),
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n-----END RSA PRIVATE KEY-----".to_owned(),
        ] {
            assert!(Credentials::usable_key(&refused).is_err(), "{refused}");
        }
    }
}
