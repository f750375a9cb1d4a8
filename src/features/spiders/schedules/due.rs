//! What is due, as the loop sees it that judges.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::FromRow;

use super::super::{Code, Misfire, Overlap, Spiders, cron::Timetable};
use crate::{
    error::Result,
    id::{DeploymentId, ScheduleId, SpiderId},
    platform::{
        database::{Readable, Transaction, in_list, rows},
        files::Hash,
    },
};

/// A schedule whose time has come, with what its spider says to it.
#[derive(Debug, FromRow)]
pub struct Due {
    pub id: ScheduleId,
    pub name: String,
    pub spider_id: SpiderId,
    pub spider_name: String,
    pub cron_expr: String,
    pub timezone: String,
    /// The first planned time that nobody has judged.
    pub next_run_at: DateTime<Utc>,
    /// The last planned time from then on that started a task: the clock was set back since.
    pub started_at: Option<DateTime<Utc>>,
    /// What was planned before is skipped.
    pub active_since: DateTime<Utc>,
    pub misfire: Misfire,
    pub overlap: Overlap,
    pub priority: i64,
    /// Whether the spider keeps as much as its quota allows.
    pub over_quota: bool,
    pub max_retries: i64,
    #[sqlx(json)]
    pub params: Map<String, Value>,
    #[sqlx(json)]
    pub spider_params: Map<String, Value>,
    /// The version that it is pinned to, or the spider's active one.
    pub deployment_id: Option<DeploymentId>,
    pub deployment_version: Option<i64>,
    pub deployed_code: Option<Hash>,
    /// The commit of that version, or of the files where there is none.
    pub git_commit: Option<String>,
    /// Of the files as they are, where it is known.
    pub files_code: Option<Hash>,
}

impl Due {
    /// None where a saved expression no longer parses.
    pub fn timetable(&self) -> Option<Timetable> {
        Timetable::parse(&self.cron_expr, &self.timezone).ok()
    }

    /// What it is to run. `codes` are those of spiders whose rows do not say it; none where it is not there either.
    pub fn code(&self, codes: &HashMap<SpiderId, Hash>) -> Option<Code> {
        let (deployment_id, deployment_version) = (self.deployment_id.clone(), self.deployment_version);
        let of_files = || self.files_code.as_ref().or_else(|| codes.get(&self.spider_id));
        let code_hash = self.deployed_code.as_ref().or_else(of_files)?.clone();
        let git_commit = self.git_commit.clone();
        Some(Code { deployment_id, deployment_version, git_commit, code_hash })
    }
}

/// The place of a due schedule in their order.
pub type Place = (DateTime<Utc>, ScheduleId);

/// A schedule that has been judged up to now.
#[derive(Debug)]
pub struct Advance {
    pub id: ScheduleId,
    pub from: DateTime<Utc>,
    pub to: Option<DateTime<Utc>>,
    /// The planned time at which it started a task.
    pub started: Option<DateTime<Utc>>,
}

const IS_DUE: &str = "schedules.is_active AND spiders.is_active AND schedules.next_run_at <= $1";

impl Spiders {
    /// When the next schedule is due; the time may have passed.
    pub async fn next_due(&self, after: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>> {
        let first: Option<(DateTime<Utc>,)> = self
            .db
            .query(
                "SELECT schedules.next_run_at FROM schedules JOIN spiders ON spiders.id = schedules.spider_id
                  WHERE schedules.is_active AND spiders.is_active AND ($1 IS NULL OR schedules.next_run_at > $1)
                    AND schedules.next_run_at IS NOT NULL
                  ORDER BY schedules.next_run_at, schedules.id LIMIT 1",
            )
            .bind(after)
            .fetch_optional()
            .await?;
        Ok(first.map(|(at,)| at))
    }

    /// Spiders of due schedules whose files' code is needed, but not known.
    pub async fn due_without_code(
        &self,
        now: DateTime<Utc>,
        after: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<SpiderId>> {
        let rows: Vec<(SpiderId,)> = self
            .db
            .query_text(format!(
                "SELECT DISTINCT spider_id FROM (
                     SELECT schedules.spider_id FROM schedules JOIN spiders ON spiders.id = schedules.spider_id
                      WHERE {IS_DUE} AND ($2 IS NULL OR (schedules.next_run_at, schedules.id) > ($2, $3))
                        AND schedules.deployment_id IS NULL AND spiders.active_deployment_id IS NULL
                        AND spiders.code_hash IS NULL
                      ORDER BY schedules.next_run_at, schedules.id LIMIT $4) AS due"
            ))
            .bind(now)
            .bind(after.map(|(at, _)| *at))
            .bind(after.map(|(_, id)| id))
            .bind(limit)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}

/// What one transaction judges.
#[derive(Debug, Default)]
pub struct Held {
    /// By time.
    pub due: Vec<Due>,
    /// The last place that was looked at, of those that cannot be read, too.
    pub last: Option<Place>,
    /// Why one cannot be read, where that is so.
    pub unreadable: Option<String>,
}

/// The schedules that are due, by time, in the place after `after`; holds their spiders' rows to the end of the
/// transaction, so that no one changes or runs them meanwhile.
pub async fn hold(
    transaction: &mut Transaction,
    now: DateTime<Utc>,
    after: Option<&Place>,
    limit: i64,
) -> Result<Held> {
    let due: Vec<(ScheduleId, SpiderId, DateTime<Utc>)> = transaction
        .query_text(format!(
            "SELECT schedules.id, schedules.spider_id, schedules.next_run_at
               FROM schedules JOIN spiders ON spiders.id = schedules.spider_id
              WHERE {IS_DUE} AND ($2 IS NULL OR (schedules.next_run_at, schedules.id) > ($2, $3))
              ORDER BY schedules.next_run_at, schedules.id LIMIT $4"
        ))
        .bind(now)
        .bind(after.map(|(at, _)| *at))
        .bind(after.map(|(_, id)| id))
        .bind(limit)
        .fetch_all()
        .await?;
    let Some(last) = due.last().map(|(id, _, at)| (*at, id.clone())) else { return Ok(Held::default()) };
    let spiders: BTreeSet<&SpiderId> = due.iter().map(|(_, spider, _)| spider).collect();
    let ids = in_list(1, spiders.len());
    let mut held = transaction.query_text(format!("UPDATE spiders SET id = id WHERE id IN ({ids})"));
    for spider in spiders {
        held = held.bind(spider);
    }
    held.execute().await?;
    // Again, as they are now that nobody else changes them.
    let mut query = transaction.query_text(format!(
        "SELECT schedules.id, schedules.name, schedules.spider_id, spiders.name AS spider_name, schedules.cron_expr,
                schedules.timezone, schedules.next_run_at, schedules.active_since, schedules.priority,
                COALESCE(schedules.misfire, spiders.misfire) AS misfire,
                COALESCE(schedules.overlap, spiders.overlap) AS overlap, spiders.over_quota,
                spiders.max_retries, schedules.params, spiders.params AS spider_params, deployments.id AS deployment_id,
                deployments.version AS deployment_version, deployments.code_hash AS deployed_code,
                CASE WHEN deployments.id IS NULL THEN spiders.git_commit ELSE deployments.git_commit END AS git_commit,
                spiders.code_hash AS files_code,
                (SELECT planned_at FROM fires
                  WHERE schedule_id = schedules.id AND planned_at >= schedules.next_run_at AND planned_at <= $1
                    AND task_id IS NOT NULL
                  ORDER BY planned_at DESC LIMIT 1) AS started_at
           FROM schedules
           JOIN spiders ON spiders.id = schedules.spider_id
           LEFT JOIN deployments ON deployments.id = COALESCE(schedules.deployment_id, spiders.active_deployment_id)
          WHERE {IS_DUE} AND schedules.id IN ({})
          ORDER BY schedules.next_run_at, schedules.id",
        in_list(2, due.len())
    ));
    query = query.bind(now);
    for (id, ..) in &due {
        query = query.bind(id);
    }
    let mut held = Held { last: Some(last), ..Held::default() };
    for Readable(row) in query.fetch_all().await? {
        match row {
            Ok(row) => held.due.push(row),
            Err(error) => held.unreadable = Some(error.to_string()),
        }
    }
    Ok(held)
}

/// Moves schedules on, each from where it was; how many still were there.
pub async fn advance(transaction: &mut Transaction, advances: &[Advance]) -> Result<usize> {
    let mut query = transaction.query_text(format!(
        "UPDATE schedules SET next_run_at = v.column3, last_run_at = COALESCE(v.column4, schedules.last_run_at)
           FROM (VALUES {}) AS v
          WHERE schedules.id = v.column1 AND schedules.next_run_at = v.column2",
        rows(advances.len(), 4)
    ));
    for advance in advances {
        query = query.bind(&advance.id).bind(advance.from).bind(advance.to).bind(advance.started);
    }
    let moved = query.execute().await?;
    Ok(usize::try_from(moved).unwrap_or(usize::MAX))
}
