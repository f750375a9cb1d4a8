//! What an import has to say.

use std::time::{Duration, Instant};

/// Between two lines about the same long part.
const EVERY: Duration = Duration::from_secs(2);
/// So many troubles are listed; the others are counted.
const LISTED: usize = 1000;
/// Of one trouble, in characters.
const LONGEST: usize = 300;

#[derive(Debug, Default)]
pub(super) struct Progress {
    troubles: Vec<String>,
    more_troubles: usize,
}

/// One part of it: a table, a collection.
#[derive(Debug)]
pub(super) struct Part {
    name: &'static str,
    began: Instant,
    said: Instant,
    pub new: u64,
    /// Left alone, as they are here already.
    pub known: u64,
}

#[expect(clippy::print_stdout, reason = "what the command was asked to tell")]
pub(super) fn say(text: &str) {
    println!("{text}");
}

impl Progress {
    /// Something that could not be kept, or not wholly.
    pub(super) fn trouble(&mut self, what: impl Into<String>) {
        let what: String = what.into();
        if self.troubles.len() < LISTED {
            let line = what.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
            self.troubles.push(line.take(LONGEST).collect());
        } else {
            self.more_troubles += 1;
        }
    }

    /// Lists what could not be kept. Whether there was nothing.
    pub(super) fn finish(mut self) -> bool {
        if self.troubles.is_empty() {
            say("all of it is here");
            return true;
        }
        let count = self.troubles.len() + self.more_troubles;
        say(&format!("{count} could not be kept, or not wholly:"));
        for trouble in std::mem::take(&mut self.troubles) {
            say(&format!("  {trouble}"));
        }
        if self.more_troubles > 0 {
            say(&format!("  and {} more", self.more_troubles));
        }
        false
    }
}

impl Part {
    pub(super) fn begin(name: &'static str) -> Self {
        let now = Instant::now();
        Self { name, began: now, said: now, new: 0, known: 0 }
    }

    /// How it goes, now and then.
    pub(super) fn tell(&mut self) {
        if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            say(&self.line());
        }
    }

    pub(super) fn end(&self) {
        say(&self.line());
    }

    fn line(&self) -> String {
        let Self { name, new, known, .. } = self;
        let seconds = self.began.elapsed().as_millis().max(1);
        let rate = u128::from(*new) * 1000 / seconds;
        format!("{name}: {new} new ({rate}/s), {known} here already")
    }
}
