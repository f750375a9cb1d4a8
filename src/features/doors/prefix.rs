//! What an instance is called: the first word of its host.

use std::fmt;

use rand::seq::IndexedRandom;
use serde::Serialize;
use utoipa::ToSchema;

const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// 82 bits.
const MADE: usize = 16;
const LEAST: usize = 8;
/// What DNS lets a word of a name be.
const MOST: usize = 63;

/// Names that people would take for the platform's own, or that its operators need for mail and certificates.
const RESERVED: [&str; 19] = [
    "accounts",
    "administrator",
    "autoconfig",
    "autodiscover",
    "broadcasthost",
    "codeserver",
    "crawlhub",
    "dashboard",
    "hostmaster",
    "instances",
    "localdomain",
    "localhost",
    "platform",
    "postmaster",
    "security",
    "settings",
    "webmaster",
    "workspace",
    "workspaces",
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, sqlx::Type, ToSchema)]
#[sqlx(transparent)]
#[serde(transparent)]
#[schema(value_type = String, example = "shop2026")]
pub struct Prefix(String);

impl Prefix {
    /// None where it is not 8 to 63 of a–z and 0–9.
    pub fn new(text: &str) -> Option<Self> {
        let is_one = (LEAST..=MOST).contains(&text.len()) && text.bytes().all(|byte| LETTERS.contains(&byte));
        is_one.then(|| Self(text.to_owned()))
    }

    /// One that nobody can guess.
    pub fn random() -> Self {
        let mut random = rand::rng();
        // Each letter is as likely as any other.
        Self((0..MADE).filter_map(|_| LETTERS.choose(&mut random)).map(|byte| char::from(*byte)).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.as_str())
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn only_words_of_a_name() {
        for text in ["shop2026", "12345678", &"a".repeat(63)] {
            assert!(Prefix::new(text).is_some_and(|prefix| !prefix.is_reserved()), "{text}");
        }
        for text in ["", "shop202", &"a".repeat(64), "Shop2026", "shop-2026", "shop.2026", "shop2026\n", "schöne26"] {
            assert_eq!(Prefix::new(text), None, "{text}");
        }
        for word in RESERVED {
            assert!(Prefix::new(word).is_some_and(|prefix| prefix.is_reserved()), "{word} is no prefix anyway");
        }
    }

    #[test]
    fn made_ones_differ_in_every_letter() {
        let made: Vec<Prefix> = (0..2000).map(|_| Prefix::random()).collect();
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), made.len());
        for place in 0..MADE {
            let letters: HashSet<u8> = made.iter().map(|prefix| prefix.as_str().as_bytes()[place]).collect();
            assert_eq!(letters.len(), LETTERS.len());
        }
    }
}
