//! Why something with a repository did not succeed, in one sentence and git's own last words.

use std::fmt;

use super::Revision;
use crate::{error::Error, text};

/// Of what kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The host's address is one that must not be called.
    Private,
    Unreachable,
    /// Who it is cannot be trusted: its certificate, or its key.
    Untrusted,
    Unauthenticated,
    NotFound,
    Redirect,
    NoRevision,
    TooLarge,
    TooManyFiles,
    TooLong,
    Memory,
    DiskFull,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    pub trouble: Trouble,
    sentence: String,
    /// Nothing secret is in them.
    words: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence)?;
        if self.words.is_empty() { Ok(()) } else { write!(formatter, " (git: {})", self.words) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::failed("git_failed", text!("{failure}", "{failure}"))
    }
}

impl Failure {
    pub(super) fn said(trouble: Trouble, sentence: impl Into<String>) -> Self {
        Self { trouble, sentence: sentence.into(), words: String::new() }
    }

    pub(super) fn local(doing: &str, error: &dyn fmt::Display) -> Self {
        Self::said(Trouble::Other, format!("{doing}: {error}"))
    }

    /// Of what git said before it ended by itself. The other side may have put words into its mouth: they decide no
    /// more than the sentence.
    pub(super) fn of_words(words: String) -> Self {
        let trouble = trouble_of(&words);
        Self { trouble, sentence: sentence_of(trouble).to_owned(), words }
    }

    pub(super) fn with_words(self, words: String) -> Self {
        Self { words, ..self }
    }

    pub(super) fn without_secrets(self, cut: impl Fn(&str) -> String) -> Self {
        Self { words: cut(&self.words), sentence: cut(&self.sentence), ..self }
    }

    /// The same where it is known what was asked for.
    pub(super) fn asked_for(self, revision: &Revision) -> Self {
        if self.trouble != Trouble::NoRevision {
            return self;
        }
        let sentence = match revision {
            Revision::Default => "the repository is empty, or has no default branch".to_owned(),
            Revision::Branch(name) => format!("the repository has no branch {name}"),
            Revision::Reference(name) => format!("the repository has no {name}"),
            Revision::Commit(id) => format!("the repository does not give the commit {id}"),
        };
        Self { sentence, ..self }
    }
}

/// The first that fits. What it says in English: git is run in no other language.
const KNOWN: [(Trouble, &[&str]); 9] = [
    (
        Trouble::Untrusted,
        &[
            "Host key verification failed",
            "HOST IDENTIFICATION HAS CHANGED",
            "SSL certificate",
            "certificate verif",
            "SSL peer certificate",
        ],
    ),
    (
        Trouble::Unauthenticated,
        &[
            "Authentication failed",
            "could not read Username",
            "could not read Password",
            "returned error: 401",
            "returned error: 403",
            "Permission denied (",
            "Permission denied, please",
        ],
    ),
    (Trouble::NoRevision, &["couldn't find remote ref", "not our ref", "unadvertised object", "no such ref"]),
    (Trouble::NotFound, &["not found", "returned error: 404", "does not appear to be a git repository", "not exist"]),
    (Trouble::Redirect, &["returned error: 30"]),
    (Trouble::TooLarge, &["died of signal 25", "File too large"]),
    (Trouble::DiskFull, &["No space left"]),
    (Trouble::TooLong, &["Operation too slow"]),
    (
        Trouble::Unreachable,
        &[
            "Could not resolve",
            "Failed to connect",
            "Couldn't connect",
            "Could not connect",
            "Connection refused",
            "Connection timed out",
            "Connection reset",
            "Connection closed",
            "unexpectedly closed",
            "No route to host",
            "Network is unreachable",
        ],
    ),
];

fn trouble_of(words: &str) -> Trouble {
    let found = KNOWN.iter().find(|(_, parts)| parts.iter().any(|part| words.contains(part)));
    found.map_or(Trouble::Other, |(trouble, _)| *trouble)
}

fn sentence_of(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Private => "the repository's address is private",
        Trouble::Unreachable => "the repository's server does not answer",
        Trouble::Untrusted => {
            "the repository's server is not the one it should be: its certificate is not trusted (git.ca_bundle names \
             further ones), or its host key has changed (forget_host_key takes the new one)"
        }
        Trouble::Unauthenticated => {
            "the repository's server does not let us in: its token (git_token, over https) or deploy key (git_key, over \
             ssh) is missing, wrong or expired"
        }
        Trouble::NotFound => "there is no such repository, or it is not shown to us without a token or key",
        Trouble::Redirect => "the address leads elsewhere, which is not followed; set the new one",
        Trouble::NoRevision => "the repository has no such branch",
        Trouble::TooLarge => "the repository is larger than git.max_mb",
        Trouble::TooManyFiles => "the repository has too many files",
        Trouble::TooLong => "the repository took too long",
        Trouble::Memory => "the repository took too much memory",
        Trouble::DiskFull => "the server's disk has no room for the repository",
        Trouble::Other => "the repository could not be fetched",
    }
}
