//! What one server lets the others know at once, so that nobody there has to wait for his next look: words over
//! PostgreSQL's LISTEN and NOTIFY. Only hints: whoever waits for something looks again by himself as well, so that a word
//! that is lost costs a moment and nothing else. With SQLite there is nobody to tell.
//!
//! Words are gathered and sent ten times a second at most, each once, however often it was said, in statements of their
//! own: what runs fast is not held up by them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Database;
use crate::error::Result;

const CHANNEL: &str = "crawlhub";
/// PostgreSQL takes less than 8000 bytes.
const MOST_BYTES: usize = 7900;
/// Between two times that words are sent.
const PAUSE: Duration = Duration::from_millis(100);

/// Called with what it was said of; with nothing where words may have been lost.
type Hearer = Box<dyn Fn(Option<&str>) + Send + Sync>;

/// Clones are the same one.
#[derive(Clone)]
pub struct Wakes {
    db: Database,
    known: Arc<Known>,
}

struct Known {
    /// This server among those that hear what it says.
    own: String,
    hearers: Mutex<HashMap<&'static str, Hearer>>,
    /// What is to be said, by its kind.
    unsaid: Mutex<BTreeMap<&'static str, BTreeSet<String>>>,
    due: Arc<Notify>,
}

impl fmt::Debug for Wakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Wakes")
    }
}

impl Wakes {
    pub fn new(db: &Database) -> Self {
        let known =
            Known { own: crate::id::new(), hearers: Mutex::default(), unsaid: Mutex::default(), due: Arc::default() };
        Self { db: db.clone(), known: Arc::new(known) }
    }

    /// `hearer` is called for what other servers say of that kind, with what they say it of; with nothing where it may
    /// be anything. One a kind.
    pub fn hear(&self, kind: &'static str, hearer: impl Fn(Option<&str>) + Send + Sync + 'static) {
        self.known.hearers().insert(kind, Box::new(hearer));
    }

    /// Lets the other servers know, soon. `of` has neither spaces nor line ends.
    pub fn say(&self, kind: &'static str, of: &str) {
        if !self.db.is_shared() {
            return;
        }
        let mut unsaid = self.known.unsaid();
        let words = unsaid.entry(kind).or_default();
        if !words.contains(of) {
            words.insert(of.to_owned());
            self.known.due.notify_one();
        }
    }

    /// Notified when there is something to send.
    pub fn due(&self) -> Arc<Notify> {
        self.known.due.clone()
    }

    /// Sends what is to be said, and lets some time pass.
    pub async fn send(&self) -> Result<()> {
        let unsaid = std::mem::take(&mut *self.known.unsaid());
        if unsaid.is_empty() {
            return Ok(());
        }
        for text in letters(&self.known.own, &unsaid) {
            // What cannot be sent is found by the next look of whoever waits for it.
            self.db
                .query("SELECT CAST(pg_notify($1, $2) AS TEXT)")
                .bind(CHANNEL)
                .bind(text)
                .fetch_one::<(String,)>()
                .await?;
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// Hears what other servers say, over a connection of its own, until the stop or an error.
    pub async fn listen(&self, stop: &CancellationToken) -> Result<()> {
        let Database::Postgres(pool) = &self.db else {
            stop.cancelled().await;
            return Ok(());
        };
        tokio::select! {
            heard = self.listen_on(pool) => heard,
            () = stop.cancelled() => Ok(()),
        }
    }

    async fn listen_on(&self, pool: &PgPool) -> Result<()> {
        let options = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let own = options.connect_with(pool.connect_options().as_ref().clone()).await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(CHANNEL).await?;
        self.known.hear_anything();
        loop {
            match listener.try_recv().await? {
                Some(heard) => self.known.hear_letter(heard.payload()),
                // The connection was lost, and there is a new one.
                None => self.known.hear_anything(),
            }
        }
    }
}

impl Known {
    fn hearers(&self) -> MutexGuard<'_, HashMap<&'static str, Hearer>> {
        self.hearers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsaid(&self) -> MutexGuard<'_, BTreeMap<&'static str, BTreeSet<String>>> {
        self.unsaid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear_anything(&self) {
        for hearer in self.hearers().values() {
            hearer(None);
        }
    }

    fn hear_letter(&self, letter: &str) {
        let mut lines = letter.lines();
        if lines.next() == Some(&self.own) {
            return;
        }
        for line in lines {
            // A newer server may say what nobody here knows.
            let Some((kind, of)) = line.split_once(' ') else { continue };
            if let Some(hearer) = self.hearers().get(kind) {
                hearer(Some(of));
            }
        }
    }
}

/// Who says it, and a line for each word: as many texts as it takes.
fn letters(own: &str, words: &BTreeMap<&'static str, BTreeSet<String>>) -> Vec<String> {
    let mut letters = vec![own.to_owned()];
    for (kind, of) in words.iter().flat_map(|(kind, all)| all.iter().map(move |of| (kind, of))) {
        let is_full = letters.last().is_some_and(|last| last.len() + kind.len() + of.len() + 2 > MOST_BYTES);
        if is_full {
            letters.push(own.to_owned());
        }
        if let Some(last) = letters.last_mut() {
            last.push('\n');
            last.push_str(kind);
            last.push(' ');
            last.push_str(of);
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_go_out_in_letters_that_are_taken() {
        let tasks: BTreeSet<String> = (0..1000).map(|n| format!("0190f3e2-0000-7000-8000-{n:012}")).collect();
        let words = BTreeMap::from([("queue", BTreeSet::from([String::new()])), ("task", tasks)]);
        let letters = letters("me", &words);
        assert!(letters.len() > 1 && letters.iter().all(|letter| letter.len() <= MOST_BYTES));
        let lines: Vec<&str> = letters.iter().flat_map(|letter| letter.strip_prefix("me\n").unwrap().lines()).collect();
        assert_eq!((lines.len(), lines[0]), (1001, "queue "));
    }
}
