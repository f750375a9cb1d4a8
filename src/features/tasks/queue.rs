//! Tasks that schedules queue: many in one statement.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, types::Json};

use super::{
    Task,
    types::{NewTask, TaskStatus},
};
use crate::{
    error::Result,
    features::spiders::Code,
    id::{ScheduleId, SpiderId, TaskId},
    platform::database::{Transaction, in_list},
};

/// Rows a statement: below what either engine takes.
const BATCH: usize = 500;
/// Values that differ from row to row, or would: each stands once, in order, as SQLite is slow else.
const VALUES: usize = 15;

/// A task of a planned time.
#[derive(Debug)]
pub(super) struct PlannedTask {
    pub task: NewTask,
    pub schedule_id: ScheduleId,
    pub code: Code,
    pub planned_at: DateTime<Utc>,
}

/// Queues the tasks. Whoever calls holds their spiders' rows, and has looked at what else is active.
pub(super) async fn insert_all(
    transaction: &mut Transaction,
    tasks: &[&PlannedTask],
    now: DateTime<Utc>,
) -> Result<()> {
    for batch in tasks.chunks(BATCH) {
        let values: Vec<String> = (0..batch.len()).map(|row| row_of(1 + row * VALUES)).collect();
        let mut query = transaction.query_text(format!(
            "INSERT INTO tasks (id, spider_id, spider_name, code_hash, trigger_type, priority, max_retries, scheduled_at,
                                params, schedule_id, deployment_id, deployment_version, git_commit, overlap, status, is_test, attempt, retry_count, progress,
                                total_count, success_count, failed_count, created_at, updated_at)
             VALUES {}",
            values.join(", ")
        ));
        for planned in batch {
            let PlannedTask { task, schedule_id, code, planned_at } = planned;
            query = query
                .bind(&task.id)
                .bind(&task.spider_id)
                .bind(&task.spider_name)
                .bind(&code.code_hash)
                .bind(task.priority)
                .bind(task.max_retries)
                .bind(planned_at)
                .bind(Json(&task.params))
                .bind(schedule_id)
                .bind(&code.deployment_id)
                .bind(code.deployment_version)
                .bind(&code.git_commit)
                .bind(task.overlap)
                .bind(now)
                .bind(now);
        }
        query.execute().await?;
    }
    Ok(())
}

/// What all have in common stands in the text.
fn row_of(first: usize) -> String {
    let [
        id,
        spider,
        name,
        code,
        priority,
        retries,
        planned,
        params,
        schedule,
        deployment,
        version,
        commit,
        overlap,
        created,
        updated,
    ]: [usize; VALUES] = std::array::from_fn(|place| first + place);
    format!(
        "(${id}, ${spider}, ${name}, ${code}, 'schedule', ${priority}, ${retries}, ${planned}, ${params}, ${schedule},
          ${deployment}, ${version}, ${commit}, ${overlap}, 'pending', FALSE, 0, 0, 0, 0, 0, 0, ${created}, ${updated})"
    )
}

/// A task that has not ended.
#[derive(Debug, FromRow)]
pub(super) struct Active {
    pub id: TaskId,
    pub spider_id: SpiderId,
    pub status: TaskStatus,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// The oldest active task of each of the spiders. Tests do not count.
pub(super) async fn oldest_active(transaction: &mut Transaction, spiders: &[&SpiderId]) -> Result<Vec<Active>> {
    if spiders.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = transaction.query_text(format!(
        "SELECT id, spider_id, status, next_attempt_at FROM tasks WHERE id IN
             (SELECT MIN(id) FROM tasks
               WHERE spider_id IN ({}) AND status IN ('pending', 'running') AND NOT is_test GROUP BY spider_id)",
        in_list(1, spiders.len())
    ));
    for spider in spiders {
        query = query.bind(*spider);
    }
    query.fetch_all().await
}

/// Ends what is active of the spiders, but for the tasks `but`: the cancelled ones, and those that run and are to stop.
pub(super) async fn replace(
    transaction: &mut Transaction,
    spiders: &[&SpiderId],
    but: &[&TaskId],
    now: DateTime<Utc>,
) -> Result<(Vec<Task>, Vec<TaskId>)> {
    if spiders.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let of_spiders = in_list(2, spiders.len());
    // PostgreSQL knows no empty list.
    let but_for = match but {
        [] => String::new(),
        _ => format!("AND id NOT IN ({})", in_list(2 + spiders.len(), but.len())),
    };
    let mut pending = transaction.query_text(format!(
        "UPDATE tasks SET status = 'cancelled', next_attempt_at = NULL, finished_at = $1, updated_at = $1,
                cancel_requested_at = $1
          WHERE status = 'pending' AND NOT is_test AND spider_id IN ({of_spiders}) {but_for}
      RETURNING *"
    ));
    pending = pending.bind(now);
    for spider in spiders {
        pending = pending.bind(*spider);
    }
    for task in but {
        pending = pending.bind(*task);
    }
    let cancelled: Vec<Task> = pending.fetch_all().await?;
    let mut running = transaction.query_text(format!(
        "UPDATE tasks SET cancel_requested_at = COALESCE(cancel_requested_at, $1), updated_at = $1
          WHERE status = 'running' AND NOT is_test AND spider_id IN ({of_spiders})
      RETURNING id"
    ));
    running = running.bind(now);
    for spider in spiders {
        running = running.bind(*spider);
    }
    let stopping: Vec<(TaskId,)> = running.fetch_all().await?;
    Ok((cancelled, stopping.into_iter().map(|(id,)| id).collect()))
}
