//! Loop: items that are stored → rows in users' tables.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::FutureExt;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    super::Datasources,
    types::{Claimed, Due, Halt, Position, Step},
};
use crate::{
    error::{Error, Result},
    id::{DatasourceId, LinkId, TaskId},
    platform::{
        background::moved,
        documents::{Item, ItemFilter},
        sink::{Failure, Row, Sink, Table},
    },
};

/// Links that are delivered at once, one for each datasource: who hangs holds up nobody else.
const AT_ONCE: usize = 8;
/// Of these, such as failed before: those that never answer leave room for whoever may.
const FAILING_AT_ONCE: usize = AT_ONCE / 2;
/// Items in one transaction at the sink; fewer where they are large, or where it failed before.
const BATCH: i64 = 500;
/// After so long the datasource's other links have their turn.
const ROUND: Duration = Duration::from_secs(10);
/// While some are on their way, others become due.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// For those that are on their way when the server stops. What is cut off is done again.
const STOP_GRACE: Duration = Duration::from_secs(3);
/// A third of what a claim lasts.
const RENEWAL: Duration = Duration::from_secs(5);
/// After something of ours failed.
const PAUSE: TimeDelta = TimeDelta::seconds(5);

impl Datasources {
    /// Delivers until nothing is due. A server that dies leaves a lease and a position: the rows behind it are written
    /// again, with the same ids.
    pub async fn deliver_due(&self) -> anyhow::Result<()> {
        let (mut flying, mut busy) = (JoinSet::new(), HashMap::<_, Due>::new());
        let mut served = HashMap::new();
        let mut moves = self.clock.moves();
        while !self.stop.is_cancelled() {
            match self.due().await {
                Ok(due) => {
                    served.retain(|id, _| due.iter().any(|due| due.id == *id));
                    for link in next_of(due, &busy, &served) {
                        served.insert(link.id.clone(), Instant::now());
                        let (datasources, id) = (self.clone(), link.id.clone());
                        let task = flying.spawn(async move { datasources.deliver(&id).await });
                        busy.insert(task.id(), link);
                    }
                }
                Err(error) if flying.is_empty() => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "no further items can be delivered yet"),
            }
            if flying.is_empty() {
                self.sinks.close_idle().await;
                return Ok(());
            }
            tokio::select! {
                Some(ended) = flying.join_next_with_id() => {
                    let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
                    busy.remove(&task);
                }
                () = self.stored.notified() => {}
                () = moved(&mut moves) => {}
                () = sleep(LOOK_AGAIN) => {}
                () = self.stop.cancelled() => {}
            }
        }
        let _ = timeout(STOP_GRACE, async { while flying.join_next().await.is_some() {} }).await;
        Ok(())
    }

    /// Links with something to do, by what is stored and how far they have come.
    async fn due(&self) -> Result<Vec<Due>> {
        let open = self.open_tasks().await?;
        let mut tasks: Vec<TaskId> = open.iter().map(|open| open.task_id.clone()).collect();
        tasks.sort();
        tasks.dedup();
        let counts = self.documents.counts(&tasks).await?;
        let stored = |task: &TaskId| counts.get(task).map_or(0, |counts| counts.stored);
        let with_items = open.into_iter().filter(|open| !open.is_under_way || stored(&open.task_id) > open.passed);
        let due = with_items.map(|open| open.link).chain(self.links_to_see_to().await?);
        let due: BTreeMap<LinkId, Due> = due.map(|due| (due.id.clone(), due)).collect();
        Ok(due.into_values().collect())
    }

    /// Delivers what a link has, until all is written down.
    async fn deliver(&self, id: &LinkId) {
        let link = match self.claim_link(id).await {
            Ok(Some(link)) => link,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, link = %id, "a link to a datasource cannot be claimed"),
        };
        let delivery = AssertUnwindSafe(self.deliver_claimed(&link)).catch_unwind();
        let outcome = tokio::select! {
            outcome = delivery => {
                outcome.unwrap_or_else(|_| Err(Halt::Own(Error::internal(anyhow::anyhow!("delivery panicked")))))
            }
            () = self.keep_claim(&link) => Err(Halt::Lost),
        };
        if let Err(error) = self.settle(&link, outcome).await {
            tracing::warn!(%error, link = %id, "what became of a delivery cannot be written down");
        }
    }

    /// Renews the claim, which a slow sink would outlast, until it is lost.
    async fn keep_claim(&self, link: &Claimed) {
        loop {
            sleep(RENEWAL).await;
            match self.renew_link(link).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, link = %link.id, "cannot renew the claim on a link yet"),
            }
        }
    }

    async fn settle(&self, link: &Claimed, outcome: Result<(), Halt>) -> Result<()> {
        match outcome {
            Ok(()) => {
                self.release(link).await?;
                self.note_news(&link.datasource_id, None).await
            }
            Err(Halt::Lost) => Ok(()),
            Err(Halt::Sink(failure)) => {
                let reason = failure.reason();
                tracing::warn!(link = %link.id, failures = link.failures + 1, "items are not delivered: {reason}");
                self.put_off(link, &failure).await?;
                self.sinks.forget(&link.datasource_id).await;
                self.note_news(&link.datasource_id, Some(reason)).await
            }
            Err(Halt::Own(error)) => {
                tracing::warn!(%error, link = %link.id, "items cannot be delivered yet");
                self.give_back(link, self.clock.now() + PAUSE).await
            }
        }
    }

    async fn deliver_claimed(&self, link: &Claimed) -> Result<(), Halt> {
        if !link.is_enrolled {
            self.enrol(link).await?;
        }
        let source = self.get(&link.datasource_id).await?;
        let address = self.address(&source)?;
        let sink = self.sinks.get(&source.id, source.updated_at, &address).await?;
        let table = Table::named(source.kind, &link.target_table, link.create_table);
        self.retry_refused(link, &*sink, &table).await?;
        let round = Round { end: Instant::now() + ROUND };
        for position in self.positions(&link.id).await? {
            if self.stop.is_cancelled() || round.is_over() {
                break;
            }
            self.deliver_task(link, &sink, &table, position, round).await?;
        }
        Ok(())
    }

    /// Delivers what the task has now.
    async fn deliver_task(
        &self,
        link: &Claimed,
        sink: &Arc<dyn Sink>,
        table: &Table,
        mut position: Position,
        round: Round,
    ) -> Result<(), Halt> {
        // In this order: what is stored after the counts were read is delivered or waits, and is not taken for gone.
        let counts = self.documents.counts(std::slice::from_ref(&position.task_id)).await?;
        let stored = counts.get(&position.task_id).map_or(0, |counts| counts.stored);
        if position.is_under_way && stored <= position.passed + position.gone {
            return Ok(());
        }
        let filter = ItemFilter { task_id: Some(position.task_id.clone()), ..ItemFilter::default() };
        if let Some(upto) = self.documents.last_item_id(&filter).await? {
            let mut batch = first_batch(link.failures);
            loop {
                let items = self.documents.items_after(&filter, position.last_item_id.as_deref(), &upto, batch).await?;
                let Some(last) = items.last() else { break };
                self.check_refusals(&link.id).await?;
                position.last_item_id = Some(last.id.clone());
                let step = write(&**sink, table, &items, &mut position).await?;
                self.record(link, &position, step).await?;
                batch = (batch * 2).min(BATCH);
                if self.stop.is_cancelled() || round.is_over() {
                    return Ok(());
                }
            }
        }
        // Removed, or with ids before some that were there: servers' clocks may differ.
        let missing = (stored - position.passed - position.gone).max(0);
        if missing > 0 {
            position.gone += missing;
            self.record(link, &position, Step::default()).await?;
        }
        if position.is_under_way {
            return Ok(());
        }
        if position.gone > 0 && !position.is_second {
            position = Position { last_item_id: None, passed: 0, gone: 0, is_second: true, ..position };
            self.record(link, &position, Step::default()).await?;
            return Box::pin(self.deliver_task(link, sink, table, position, round)).await;
        }
        self.close_position(link, &position).await
    }
}

/// How long a link may go on before others have their turn.
#[derive(Debug, Clone, Copy)]
struct Round {
    end: Instant,
}

impl Round {
    fn is_over(self) -> bool {
        Instant::now() >= self.end
    }
}

/// Half as many after each failure: what a slow sink does not get done in time is not asked of it for ever.
fn first_batch(failures: i64) -> i64 {
    (BATCH >> failures.clamp(0, 9)).max(1)
}

/// Which of them come next, one of each datasource: such as did not fail first, and of these who waits longest.
fn next_of(mut due: Vec<Due>, busy: &HashMap<tokio::task::Id, Due>, served: &HashMap<LinkId, Instant>) -> Vec<Due> {
    due.sort_by_key(|due| (due.failures, served.get(&due.id).copied()));
    let mut taken: Vec<&DatasourceId> = busy.values().map(|due| &due.datasource_id).collect();
    let mut failing = busy.values().filter(|due| due.failures > 0).count();
    let mut next = Vec::new();
    for link in &due {
        let may = link.failures == 0 || failing < FAILING_AT_ONCE;
        if taken.len() < AT_ONCE && may && !taken.contains(&&link.datasource_id) {
            failing += usize::from(link.failures > 0);
            taken.push(&link.datasource_id);
            next.push(link.clone());
        }
    }
    next
}

/// Writes the items, counts them in the position, and says what of that is news.
async fn write(sink: &dyn Sink, table: &Table, items: &[Item], position: &mut Position) -> Result<Step, Failure> {
    let rows: Vec<Row<'_>> = items.iter().map(row_of).collect();
    let written = sink.write(table, &rows).await?;
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    position.passed += count(items.len());
    let refused = written.refused.into_iter();
    let refused: Vec<(String, String)> =
        refused.filter_map(|(place, reason)| Some((items.get(place)?.id.clone(), reason))).collect();
    // The second time most were counted before.
    let delivered = if position.is_second { written.added } else { items.len() - refused.len() };
    Ok(Step { delivered: count(delivered), refused })
}

pub(super) fn row_of(item: &Item) -> Row<'_> {
    Row {
        id: &item.id,
        task_id: item.task_id.as_str(),
        spider_id: item.spider_id.as_str(),
        created_at: item.created_at,
        data: &item.data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_halved_down_to_one_item() {
        assert_eq!([0, 1, 3, 8, 9, i64::MAX].map(first_batch), [500, 250, 62, 1, 1, 1]);
    }

    #[test]
    fn links_of_a_datasource_take_turns() {
        let due = |id: &str, datasource: &str, failures| Due {
            id: LinkId::from(id.to_owned()),
            datasource_id: DatasourceId::from(datasource.to_owned()),
            failures,
        };
        let links = vec![due("a", "1", 0), due("b", "1", 0), due("c", "1", 1), due("d", "2", 0)];
        let now = Instant::now();
        let next = |served: &[(&str, u64)]| {
            let served = served.iter().map(|(id, at)| (LinkId::from((*id).to_owned()), now + Duration::from_secs(*at)));
            let next = next_of(links.clone(), &HashMap::new(), &served.collect());
            let mut next: Vec<String> = next.iter().map(|due| due.id.as_str().to_owned()).collect();
            next.sort();
            next.join("")
        };
        assert_eq!(next(&[]), "ad");
        assert_eq!(next(&[("a", 1), ("d", 1)]), "bd");
        assert_eq!(next(&[("a", 2), ("b", 1)]), "bd");
    }
}
