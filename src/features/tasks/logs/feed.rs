//! A log as it grows, for all who follow it: one reader a task, that renders each line once. Whoever keeps up is served from
//! its window, in memory that all of them share; whoever lags behind reads from the store, in steps of his own, until the
//! window has what comes next.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, stream};
use serde_json::json;
use tokio::{sync::watch, task::JoinSet};

use super::super::{TaskStatus, Tasks};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::{
        documents::StoredLine,
        http::{Event, event},
    },
};

/// Of rendered lines.
const WINDOW_BYTES: usize = 1 << 20;
/// How many lines are read at once.
const STEP: usize = 500;
/// Who hears of nothing looks again after so long: the task may run on another server.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The logs that are followed on this server.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Feeds(Arc<Mutex<HashMap<TaskId, Weak<Feed>>>>);

/// Lives as long as somebody follows; its reader ends with it.
#[derive(Debug)]
struct Feed {
    window: Arc<watch::Sender<Window>>,
    _reader: JoinSet<()>,
}

impl Feeds {
    fn of(&self, tasks: &Tasks, task: &TaskId) -> Arc<Feed> {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(task).and_then(Weak::upgrade) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let window = Arc::new(watch::Sender::new(Window::default()));
        let mut reader = JoinSet::new();
        reader.spawn(Reader { tasks: tasks.clone(), task: task.clone(), window: window.clone() }.run());
        let feed = Arc::new(Feed { window, _reader: reader });
        feeds.insert(task.clone(), Arc::downgrade(&feed));
        feed
    }
}

/// Lines that follow each other, rendered as events. Numbers may be missing in between, where lines are.
#[derive(Debug, Clone)]
struct Block {
    bytes: Bytes,
    /// The place of each line, and where its event ends.
    ends: Vec<(i64, usize)>,
}

impl Block {
    fn of(lines: &[StoredLine]) -> Self {
        let (mut bytes, mut ends) = (BytesMut::new(), Vec::with_capacity(lines.len()));
        for line in lines {
            bytes.put_slice(format!("id: {}\n", line.seq).as_bytes());
            bytes.put_slice(event(None, line).as_bytes());
            ends.push((line.seq, bytes.len()));
        }
        Self { bytes: bytes.freeze(), ends }
    }

    fn first_seq(&self) -> i64 {
        self.ends.first().map_or(0, |(seq, _)| *seq)
    }

    fn last_seq(&self) -> i64 {
        self.ends.last().map_or(0, |(seq, _)| *seq)
    }

    /// What stands in it behind that place.
    fn behind(&self, place: i64) -> Bytes {
        let skipped = self.ends.partition_point(|(seq, _)| *seq <= place);
        let start = skipped.checked_sub(1).map_or(0, |last| self.ends[last].1);
        self.bytes.slice(start..)
    }
}

/// How a log came to its end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// With its task.
    Ended(TaskStatus),
    /// The task was removed.
    Gone,
}

/// The newest lines.
#[derive(Debug, Default)]
struct Window {
    blocks: VecDeque<Block>,
    bytes: usize,
    /// Where it begins and ends: it has the lines behind `start`, up to and with `last`. Nothing is known before it is set.
    span: Option<(i64, i64)>,
    end: Option<End>,
}

/// What a follower does next.
enum Next {
    Send {
        events: Bytes,
        last: i64,
    },
    /// Read from the store up to that place.
    CatchUp(i64),
    Wait,
    End(End),
}

impl Window {
    fn behind(&self, place: i64) -> Next {
        match (self.span, self.end) {
            (Some((start, _)), _) if place < start => Next::CatchUp(start),
            (Some((_, last)), _) if place < last => {
                let at = self.blocks.partition_point(|block| block.last_seq() <= place);
                self.blocks
                    .get(at)
                    .map_or(Next::Wait, |block| Next::Send { events: block.behind(place), last: block.last_seq() })
            }
            (_, Some(end)) => Next::End(end),
            _ => Next::Wait,
        }
    }

    fn push(&mut self, block: Block) {
        let start = self.span.map_or(block.first_seq() - 1, |(start, _)| start);
        self.bytes += block.bytes.len();
        self.span = Some((start, block.last_seq()));
        self.blocks.push_back(block);
        while self.bytes > WINDOW_BYTES && self.blocks.len() > 1 {
            let Some(oldest) = self.blocks.pop_front() else { return };
            self.bytes -= oldest.bytes.len();
            self.span = Some((oldest.last_seq(), self.span.map_or(0, |(_, last)| last)));
        }
    }
}

/// Fills a window.
struct Reader {
    tasks: Tasks,
    task: TaskId,
    window: Arc<watch::Sender<Window>>,
}

impl Reader {
    async fn run(self) {
        let signal = self.tasks.signals.of(&self.task);
        loop {
            // Registered before looking: a change in between is not missed.
            let changed = signal.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.look().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(Error::NotFound(_)) => self.window.send_modify(|window| window.end = Some(End::Gone)),
                // Who follows stays connected; what he misses now he gets when the database is back.
                Err(error) => tracing::warn!(%error, "a log that is followed cannot be read"),
            }
            if self.window.borrow().end.is_some() {
                return;
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, changed).await;
        }
    }

    /// Whether there was something new.
    async fn look(&self) -> Result<bool> {
        let span = self.window.borrow().span;
        let place = match span {
            Some((_, last)) => last,
            None => self.tasks.documents.place_near_end(&self.task).await?,
        };
        let lines = self.tasks.documents.lines_after(&self.task, place, STEP).await?;
        if !lines.is_empty() {
            let block = Block::of(&lines);
            self.window.send_modify(|window| window.push(block));
            return Ok(true);
        }
        let status = self.tasks.get(&self.task).await?.status;
        // The last lines are stored before the end is written.
        if status.is_final() {
            let is_all = self.tasks.documents.lines_after(&self.task, place, 1).await?.is_empty();
            if is_all {
                self.window.send_modify(|window| window.end = Some(End::Ended(status)));
            }
            return Ok(!is_all);
        }
        Ok(false)
    }
}

/// One who follows a log.
struct Follower {
    tasks: Tasks,
    task: TaskId,
    window: watch::Receiver<Window>,
    /// Keeps the window filled.
    _feed: Arc<Feed>,
    /// The last line that was sent.
    place: i64,
}

impl Follower {
    /// The next events; the log's end with the last of them.
    async fn next(&mut self) -> Option<(Event, bool)> {
        loop {
            let next = self.window.borrow_and_update().behind(self.place);
            match next {
                Next::Send { events, last } => {
                    self.place = last;
                    return Some((Event::from(events), false));
                }
                Next::CatchUp(start) => match self.tasks.documents.lines_after(&self.task, self.place, STEP).await {
                    // They were removed meanwhile.
                    Ok(lines) if lines.is_empty() => self.place = start,
                    Ok(lines) => {
                        let block = Block::of(&lines);
                        self.place = block.last_seq();
                        return Some((Event::from(block.bytes), false));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a follower cannot catch up yet");
                        tokio::time::sleep(LOOK_AGAIN).await;
                    }
                },
                Next::Wait => self.window.changed().await.ok()?,
                Next::End(End::Ended(status)) => return Some((event(Some("end"), &json!({ "status": status })), true)),
                Next::End(End::Gone) => return None,
            }
        }
    }
}

impl Tasks {
    /// Each line behind the place `after` as an event, as it comes, to the end of the task.
    pub(super) fn follow_log(&self, task: &TaskId, after: i64) -> impl Stream<Item = Event> + Send + 'static {
        let feed = self.feeds.of(self, task);
        let window = feed.window.subscribe();
        let follower = Follower { tasks: self.clone(), task: task.clone(), window, _feed: feed, place: after };
        stream::unfold(Some(follower), |follower| async {
            let mut follower = follower?;
            let (events, is_end) = follower.next().await?;
            Some((events, (!is_end).then_some(follower)))
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::platform::documents::Stream as Printed;

    fn block(seqs: impl IntoIterator<Item = i64>, length: usize) -> Block {
        let line = |seq| StoredLine {
            seq,
            attempt: 1,
            stream: Printed::Stdout,
            level: None,
            timestamp: DateTime::UNIX_EPOCH,
            line: "x".repeat(length),
        };
        Block::of(&seqs.into_iter().map(line).collect::<Vec<_>>())
    }

    /// The places of the lines that come from the window, until it has no more.
    fn sent(window: &Window, mut place: i64) -> Vec<i64> {
        let mut seqs = Vec::new();
        while let Next::Send { events, last } = window.behind(place) {
            let text = String::from_utf8(events.to_vec()).unwrap();
            seqs.extend(text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse::<i64>().ok()));
            place = last;
        }
        seqs
    }

    #[test]
    fn from_any_place_each_line_comes_once() {
        let mut window = Window::default();
        assert!(matches!(window.behind(0), Next::Wait));
        window.push(block(4..=6, 10));
        window.push(block(7..=7, 10));
        for place in 3..=7 {
            assert_eq!(sent(&window, place), (place + 1..=7).collect::<Vec<_>>(), "{place}");
        }
        assert!(matches!(window.behind(2), Next::CatchUp(3)));
        assert!(matches!(window.behind(9), Next::Wait));
    }

    #[test]
    fn lines_behind_a_gap_come_once() {
        let mut window = Window::default();
        window.push(block([4, 5, 9, 10], 10));
        window.push(block([15, 16], 10));
        let seqs = [4, 5, 9, 10, 15, 16];
        for place in 3..=16 {
            let left: Vec<i64> = seqs.into_iter().filter(|seq| *seq > place).collect();
            assert_eq!(sent(&window, place), left, "{place}");
        }
        assert_eq!(window.span, Some((3, 16)));
    }

    #[test]
    fn what_is_old_goes() {
        let mut window = Window::default();
        for n in 0..100 {
            window.push(block(2 * n + 1..=2 * n + 2, WINDOW_BYTES / 10));
        }
        assert!(window.bytes <= WINDOW_BYTES + WINDOW_BYTES / 4);
        let Next::CatchUp(start) = window.behind(0) else { panic!("it has all") };
        assert_eq!(sent(&window, start), (start + 1..=200).collect::<Vec<_>>());
        // Longer than the window, and kept all the same: somebody has to get it.
        window.push(block(201..=201, 2 * WINDOW_BYTES));
        assert_eq!(sent(&window, 200), [201]);
    }
}
