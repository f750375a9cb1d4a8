use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Proxies, Proxy, ProxyFilter, ProxyStatus,
    types::{LEAST_RATE, MOST_FAILURES, NEUTRAL, Reach, WEIGHT_OF_LAST},
};
use crate::{
    error::{Error, Result},
    id::ProxyId,
    platform::{
        database::{OnTaken, Transaction},
        http::Paging,
        proxies::ProxyAddress,
    },
    text,
};

/// With the status as it is at the time `$1`.
const SELECT: &str = "SELECT * FROM (SELECT proxies.*, password IS NOT NULL AS has_password,
    CASE WHEN is_off OR fail_count >= 3 OR success_rate < 0.5 THEN 'inactive' WHEN cooldown_until > $1 THEN 'cooldown' ELSE 'active' END
        AS status FROM proxies) AS proxies";
const _: () = assert!(MOST_FAILURES == 3 && LEAST_RATE == 0.5, "as above");
/// How many a choice is made among: those that were not used for the longest time.
const CANDIDATES: i64 = 200;

/// One that may be chosen.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Candidate {
    #[sqlx(flatten)]
    pub reach: Reach,
    pub success_rate: f64,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// One that is to be checked.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Due {
    #[sqlx(flatten)]
    pub reach: Reach,
    pub next_check_at: Option<DateTime<Utc>>,
}

impl Proxies {
    pub(super) async fn get(&self, id: &ProxyId) -> Result<Proxy> {
        let sql = format!("{SELECT} WHERE id = $2");
        let proxy = self.db.query_text(sql).bind(self.clock.now()).bind(id).fetch_optional().await?;
        proxy.ok_or_else(|| proxy_not_found(id))
    }

    pub(super) async fn list(&self, filter: &ProxyFilter, paging: &Paging) -> Result<Vec<Proxy>> {
        let sql = format!(
            "{SELECT} WHERE ($2 IS NULL OR status = $2) AND ($3 IS NULL OR protocol = $3) AND ($4 IS NULL OR id < $4)
              ORDER BY id DESC LIMIT $5 OFFSET $6"
        );
        self.db
            .query_text(sql)
            .bind(self.clock.now())
            .bind(filter.status)
            .bind(filter.protocol)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await
    }

    pub async fn count(&self, filter: &ProxyFilter) -> Result<i64> {
        let sql = format!(
            "SELECT COUNT(*) FROM ({SELECT} WHERE ($2 IS NULL OR status = $2) AND ($3 IS NULL OR protocol = $3)) AS found"
        );
        let query = self.db.query_text(sql).bind(self.clock.now()).bind(filter.status).bind(filter.protocol);
        let (count,) = query.fetch_one().await?;
        Ok(count)
    }

    pub(super) async fn reach(&self, id: &ProxyId) -> Result<Reach> {
        let reach: Option<Reach> =
            self.db.query("SELECT * FROM proxies WHERE id = $1").bind(id).fetch_optional().await?;
        reach.ok_or_else(|| proxy_not_found(id))
    }

    pub(super) async fn remove(&self, id: &ProxyId) -> Result<()> {
        let removed = self.db.query("DELETE FROM proxies WHERE id = $1").bind(id).execute().await?;
        if removed > 0 { Ok(()) } else { Err(proxy_not_found(id)) }
    }

    pub(super) fn cooldown_end(&self) -> DateTime<Utc> {
        self.clock.now() + TimeDelta::seconds(self.settings.cooldown_seconds)
    }

    /// Those to check now, the longest overdue first.
    pub(super) async fn due(&self, most: i64) -> Result<Vec<Due>> {
        self.db
            .query(
                "SELECT * FROM proxies
                  WHERE NOT is_off AND (next_check_at <= $1 OR ($2 AND next_check_at IS NULL))
                  ORDER BY next_check_at LIMIT $3",
            )
            .bind(self.clock.now())
            .bind(self.settings.check_minutes > 0)
            .bind(most)
            .fetch_all()
            .await
    }

    /// Whether it is this server's to check: not where another was faster.
    pub(super) async fn claim_check(&self, due: &Due) -> Result<bool> {
        let claimed = self
            .db
            .query(
                "UPDATE proxies SET next_check_at = $2
                  WHERE id = $1 AND (next_check_at = $3 OR ($4 AND next_check_at IS NULL))",
            )
            .bind(&due.reach.id)
            .bind(self.next_check())
            .bind(due.next_check_at)
            .bind(due.next_check_at.is_none())
            .execute()
            .await?;
        Ok(claimed > 0)
    }

    fn next_check(&self) -> Option<DateTime<Utc>> {
        let minutes = Some(self.settings.check_minutes).filter(|minutes| *minutes > 0)?;
        Some(self.clock.now() + TimeDelta::minutes(minutes))
    }

    /// How many there are to be checked at once.
    pub(super) async fn call_for_checks(&self) -> Result<u64> {
        self.db.query("UPDATE proxies SET next_check_at = $1 WHERE NOT is_off").bind(self.clock.now()).execute().await
    }

    /// What a check found.
    pub(super) async fn record_check(&self, id: &ProxyId, outcome: &Result<i64, String>) -> Result<()> {
        let (latency, error) = (outcome.as_ref().ok(), outcome.as_ref().err());
        self.db
            .query(
                "UPDATE proxies
                    SET last_check_at = $2, latency_ms = COALESCE($3, latency_ms), last_error = $4,
                        fail_count = CASE WHEN $4 IS NULL THEN 0 ELSE fail_count + 1 END,
                        success_rate = success_rate * (1 - CAST($5 AS DOUBLE PRECISION))
                                     + CASE WHEN $4 IS NULL THEN CAST($5 AS DOUBLE PRECISION) ELSE 0 END
                  WHERE id = $1",
            )
            .bind(id)
            .bind(self.clock.now())
            .bind(latency)
            .bind(error)
            .bind(WEIGHT_OF_LAST)
            .execute()
            .await
            .map(drop)
    }
}

/// As it is, and stays until the transaction ends.
pub(super) async fn locked(transaction: &mut Transaction, id: &ProxyId, now: DateTime<Utc>) -> Result<Reach> {
    let query = transaction.query("UPDATE proxies SET updated_at = $2 WHERE id = $1 RETURNING *");
    query.bind(id).bind(now).fetch_optional().await?.ok_or_else(|| proxy_not_found(id))
}

pub(super) async fn set_address(
    transaction: &mut Transaction,
    id: &ProxyId,
    address: &ProxyAddress,
    sealed: Option<&[u8]>,
) -> Result<()> {
    transaction
        .query("UPDATE proxies SET protocol = $2, host = $3, port = $4, username = $5, password = $6 WHERE id = $1")
        .bind(id)
        .bind(address.protocol)
        .bind(&address.host)
        .bind(i64::from(address.port))
        .bind(&address.username)
        .bind(sealed)
        .execute()
        .await
        .map(drop)
        .on_taken(|| Error::conflict("proxy_taken", text!("代理池中已有 {address}", "the pool has {address} already")))
}

/// Becomes what it is set to: in use again, its failures forgotten; out of use; or left alone until `cooldown_until`.
pub(super) async fn set_status(
    transaction: &mut Transaction,
    id: &ProxyId,
    status: ProxyStatus,
    cooldown_until: DateTime<Utc>,
) -> Result<()> {
    let query = match status {
        ProxyStatus::Active => transaction
            .query(
                "UPDATE proxies
                    SET is_off = FALSE, fail_count = 0, cooldown_until = NULL,
                        success_rate = CASE WHEN success_rate < $2 THEN $2 ELSE success_rate END
                  WHERE id = $1",
            )
            .bind(id)
            .bind(NEUTRAL),
        ProxyStatus::Inactive => transaction.query("UPDATE proxies SET is_off = TRUE WHERE id = $1").bind(id),
        ProxyStatus::Cooldown => {
            transaction.query("UPDATE proxies SET cooldown_until = $2 WHERE id = $1").bind(id).bind(cooldown_until)
        }
    };
    query.execute().await.map(drop)
}

/// False where the pool has it already.
pub(super) async fn insert(
    transaction: &mut Transaction,
    (id, address, sealed): (&ProxyId, &ProxyAddress, Option<&[u8]>),
    (now, next_check): (DateTime<Utc>, Option<DateTime<Utc>>),
) -> Result<bool> {
    let inserted = transaction
        .query(
            "INSERT INTO proxies (id, protocol, host, port, username, password, is_off, success_rate, fail_count,
                                  next_check_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, 0, $8, $9, $9)
             ON CONFLICT (protocol, host, port, username) DO NOTHING",
        )
        .bind(id)
        .bind(address.protocol)
        .bind(&address.host)
        .bind(i64::from(address.port))
        .bind(&address.username)
        .bind(sealed)
        .bind(NEUTRAL)
        .bind(next_check)
        .bind(now)
        .execute()
        .await?;
    Ok(inserted > 0)
}

/// Those that may be used now, the longest unused first.
pub(super) async fn candidates(transaction: &mut Transaction, now: DateTime<Utc>) -> Result<Vec<Candidate>> {
    transaction
        .query(
            "SELECT * FROM proxies
              WHERE NOT is_off AND fail_count < $1 AND success_rate >= $2
                AND (cooldown_until IS NULL OR cooldown_until <= $3)
              ORDER BY last_used_at NULLS FIRST LIMIT $4",
        )
        .bind(MOST_FAILURES)
        .bind(LEAST_RATE)
        .bind(now)
        .bind(CANDIDATES)
        .fetch_all()
        .await
}

pub(super) async fn mark_used(transaction: &mut Transaction, id: &ProxyId, now: DateTime<Utc>) -> Result<()> {
    transaction.query("UPDATE proxies SET last_used_at = $2 WHERE id = $1").bind(id).bind(now).execute().await.map(drop)
}

/// A spider found it failing. While it cools down, others only say the same of the same failure.
pub(super) async fn mark_failed(
    transaction: &mut Transaction,
    address: &ProxyAddress,
    (now, cooldown_until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    transaction
        .query(
            "UPDATE proxies
                SET fail_count = fail_count + 1, cooldown_until = $6,
                    success_rate = success_rate * (1 - CAST($7 AS DOUBLE PRECISION))
              WHERE protocol = $1 AND host = $2 AND port = $3 AND username = $4
                AND (cooldown_until IS NULL OR cooldown_until <= $5)",
        )
        .bind(address.protocol)
        .bind(&address.host)
        .bind(i64::from(address.port))
        .bind(&address.username)
        .bind(now)
        .bind(cooldown_until)
        .bind(WEIGHT_OF_LAST)
        .execute()
        .await
        .map(drop)
}

pub(super) fn proxy_not_found(id: &ProxyId) -> Error {
    Error::not_found("proxy_not_found", text!("代理 {id} 不存在", "there is no proxy {id}"))
}
