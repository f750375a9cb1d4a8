//! The loop that sees to open doors: rooms may be closed by other servers, and what users do is to be noted.

use std::time::Duration;

use super::{Doors, Room, opened::Moment};

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(2);
/// Nobody comes any more.
const ALONE: Duration = Duration::from_mins(1);

impl Doors {
    /// Ends what is open to rooms that no longer are, and notes what users did.
    pub async fn watch_once(&self) -> anyhow::Result<Duration> {
        let doors: Vec<_> = self.known().iter().map(|(room, door)| (room.clone(), door.clone())).collect();
        if doors.is_empty() {
            return Ok(PERIOD);
        }
        let rooms: Vec<Room> = doors.iter().map(|(room, _)| room.clone()).collect();
        let as_of = Moment::now(&self.clock);
        let mut there = self.there_are(&rooms).await?;
        let now = self.clock.now();
        for (room, door) in &doors {
            if let Some(at) = door.activity.due(now) {
                self.note_activity(room, at).await?;
                door.activity.noted(at);
            }
            match there.remove(room) {
                Some(known) => drop(door.learn(known, as_of, &self.stop)),
                None => {
                    self.ends(room, door, as_of);
                }
            }
            if door.is_left_alone_for(ALONE) {
                self.shut(room);
            }
        }
        Ok(PERIOD)
    }
}
