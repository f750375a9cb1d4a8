use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Dashboard,
    types::{Day, NextFire, NodeCounts, ProxyCounts, SpiderCounts, Stats, TaskCounts, TrendsFilter},
};
use crate::{
    error::Result,
    features::{
        nodes::NodeStatus,
        proxies::{ProxyFilter, ProxyStatus},
    },
};

const MOST_FIRES: i64 = 8;

impl Dashboard {
    pub(super) async fn stats(&self) -> Result<Stats> {
        let now = self.clock.now();
        let spiders: SpiderCounts = self
            .db
            .query("SELECT COUNT(*) AS total, COUNT(CASE WHEN is_active THEN 1 END) AS active FROM spiders")
            .fetch_one()
            .await?;
        let (unread_alerts,): (i64,) =
            self.db.query("SELECT COUNT(*) FROM alerts WHERE NOT is_read").fetch_one().await?;
        let (code_sessions,): (i64,) = self
            .db
            .query("SELECT COUNT(*) FROM code_sessions WHERE status IN ('pending', 'starting', 'ready', 'syncing')")
            .fetch_one()
            .await?;
        Ok(Stats {
            spiders,
            tasks_24h: self.task_counts(now).await?,
            proxies: self.proxy_counts().await?,
            unread_alerts,
            code_sessions,
            nodes: self.node_counts().await?,
            disk: self.disk.room()?,
            next_fires: self.next_fires().await?,
        })
    }

    pub(super) async fn trends(&self, filter: &TrendsFilter) -> Result<Vec<Day>> {
        let mut days = Vec::new();
        for (date, day) in filter.days(self.clock.now())? {
            let ended = self.ended_in(day).await?;
            let Ended { completed, failed, cancelled, items } = ended;
            days.push(Day { date, total: completed + failed + cancelled, completed, failed, items });
        }
        Ok(days)
    }

    async fn task_counts(&self, now: DateTime<Utc>) -> Result<TaskCounts> {
        let Ended { completed, failed, cancelled, items } =
            self.ended_in(now - TimeDelta::days(1)..now + TimeDelta::days(1)).await?;
        let active: Vec<(String, i64)> = self
            .db
            .query(
                "SELECT status, COUNT(*) FROM tasks WHERE status IN ('pending', 'running') AND NOT is_test
                  GROUP BY status",
            )
            .fetch_all()
            .await?;
        let count = |wanted| active.iter().find(|(status, _)| status == wanted).map_or(0, |(_, count)| *count);
        let (pending, running) = (count("pending"), count("running"));
        #[expect(clippy::cast_precision_loss, reason = "of a percentage with one decimal")]
        let success_rate = match completed + failed {
            0 => 0.0,
            judged => (completed as f64 / judged as f64 * 1000.0).round() / 10.0,
        };
        let total = completed + failed + cancelled + pending + running;
        Ok(TaskCounts { total, completed, failed, cancelled, running, pending, success_rate, items })
    }

    async fn ended_in(&self, time: Range<DateTime<Utc>>) -> Result<Ended> {
        let counts: Vec<(String, i64, i64)> = self
            .db
            .query(
                "SELECT status, COUNT(*), CAST(COALESCE(SUM(success_count), 0) AS BIGINT) FROM tasks
                  WHERE finished_at >= $1 AND finished_at < $2 AND NOT is_test GROUP BY status",
            )
            .bind(time.start)
            .bind(time.end)
            .fetch_all()
            .await?;
        let count = |wanted| counts.iter().find(|(status, ..)| status == wanted).map_or(0, |(_, count, _)| *count);
        Ok(Ended {
            completed: count("completed"),
            failed: count("failed"),
            cancelled: count("cancelled"),
            items: counts.iter().map(|(.., items)| items).sum(),
        })
    }

    async fn proxy_counts(&self) -> Result<ProxyCounts> {
        let count = async |status| self.proxies.count(&ProxyFilter { status, protocol: None }).await;
        Ok(ProxyCounts {
            total: count(None).await?,
            active: count(Some(ProxyStatus::Active)).await?,
            inactive: count(Some(ProxyStatus::Inactive)).await?,
        })
    }

    async fn node_counts(&self) -> Result<NodeCounts> {
        let nodes = self.nodes.all().await?;
        let count = |status| nodes.iter().filter(|node| node.status == status).count();
        let (online, offline) = (count(NodeStatus::Online), count(NodeStatus::Offline));
        Ok(NodeCounts { total: nodes.len(), online, offline })
    }

    async fn next_fires(&self) -> Result<Vec<NextFire>> {
        self.db
            .query(
                "SELECT schedules.id AS schedule_id, spiders.id AS spider_id, spiders.name AS spider_name,
                        schedules.name, schedules.timezone, schedules.next_run_at AS at
                   FROM schedules JOIN spiders ON spiders.id = schedules.spider_id
                  WHERE schedules.is_active AND spiders.is_active AND schedules.next_run_at IS NOT NULL
                  ORDER BY schedules.next_run_at, schedules.id LIMIT $1",
            )
            .bind(MOST_FIRES)
            .fetch_all()
            .await
    }
}

struct Ended {
    completed: i64,
    failed: i64,
    cancelled: i64,
    items: i64,
}
