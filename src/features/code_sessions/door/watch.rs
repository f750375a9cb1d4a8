//! The loop that sees to open doors: sessions may be closed by other servers, and what users do is to be noted.

use std::{collections::HashMap, time::Duration};

use super::{Doors, opened::Moment};
use crate::id::CodeSessionId;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(2);
/// Nobody comes any more.
const ALONE: Duration = Duration::from_mins(1);

impl Doors {
    /// Ends what is open to sessions that no longer are, and notes what users did.
    pub async fn watch_once(&self) -> anyhow::Result<Duration> {
        let doors: Vec<_> = self.known().iter().map(|(id, door)| (id.clone(), door.clone())).collect();
        if doors.is_empty() {
            return Ok(PERIOD);
        }
        let ids: Vec<CodeSessionId> = doors.iter().map(|(id, _)| id.clone()).collect();
        let as_of = Moment::now(&self.clock);
        let open = self.open_ones(&ids).await?;
        let mut open: HashMap<_, _> = open.into_iter().map(|session| (session.id.clone(), session)).collect();
        let now = self.clock.now();
        for (id, door) in &doors {
            if let Some(at) = door.activity.due(now) {
                self.note_activity(id, at).await?;
                door.activity.noted(at);
            }
            match open.remove(id) {
                Some(session) => drop(door.learn(session, as_of, &self.stop)),
                None => self.close(id),
            }
            if door.is_left_alone_for(ALONE) {
                self.close(id);
            }
        }
        Ok(PERIOD)
    }
}
