use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Instances,
    types::{Desired, Instance, StopReason},
};
use crate::{
    error::{Error, Result},
    features::{
        doors::Prefix,
        events::{Event, InstanceTrouble, Mishap},
    },
    id::{InstanceId, UserId},
    platform::{
        database::{OnTaken, Transaction},
        http::Paging,
    },
    text,
};

/// How long nobody else gets the prefix of one that was deleted.
const KEPT_FROM_OTHERS: TimeDelta = TimeDelta::days(30);

impl Instances {
    pub(super) async fn find(&self, id: &InstanceId) -> Result<Option<Instance>> {
        self.db.query("SELECT * FROM instances WHERE id = $1").bind(id).fetch_optional().await
    }

    /// Also one that is being deleted.
    pub(super) async fn find_named(&self, prefix: &str) -> Result<Option<Instance>> {
        self.db.query("SELECT * FROM instances WHERE prefix = $1").bind(prefix).fetch_optional().await
    }

    /// The user's, or everybody's, newest first.
    pub(super) async fn list(&self, user: Option<&UserId>, paging: &Paging) -> Result<(Vec<Instance>, i64)> {
        let instances = self
            .db
            .query(
                "SELECT * FROM instances
                  WHERE desired <> 'deleted' AND ($1 IS NULL OR user_id = $1) AND ($2 IS NULL OR id < $2)
                  ORDER BY id DESC LIMIT $3 OFFSET $4",
            )
            .bind(user)
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await?;
        let count = "SELECT COUNT(*) FROM instances WHERE desired <> 'deleted' AND ($1 IS NULL OR user_id = $1)";
        let (count,) = self.db.query(count).bind(user).fetch_one().await?;
        Ok((instances, count))
    }

    /// All of the user's, oldest first.
    pub(super) async fn all_of(&self, user: &UserId) -> Result<Vec<Instance>> {
        let all = "SELECT * FROM instances WHERE user_id = $1 AND desired <> 'deleted' ORDER BY id";
        self.db.query(all).bind(user).fetch_all().await
    }

    /// All for which there may be something to do.
    pub(super) async fn unsettled(&self) -> Result<Vec<Instance>> {
        let unsettled = "SELECT * FROM instances
                          WHERE desired = 'deleted' OR status IN ('creating', 'running') ORDER BY id";
        self.db.query(unsettled).fetch_all().await
    }

    /// Before anybody is served: whoever worked on an instance is gone, where no other server uses the database.
    pub async fn end_leases(&self) -> Result<()> {
        if self.db.is_shared() {
            return Ok(());
        }
        self.db.query("UPDATE instances SET deadline_at = NULL").execute().await.map(drop)
    }

    /// Writes what a step made of an instance, unless another step was faster: None then. What is wanted of it, who may
    /// come in, and activity are written by others.
    pub(super) async fn save(&self, instance: Instance) -> Result<Option<Instance>> {
        self.db
            .query(
                "UPDATE instances
                    SET status = $1, engine = $2, port = $3, container_id = $4, upstream = $5, deadline_at = $6,
                        started_at = $7, error_message = $8, restarts = $9, restarts_since = $10, restart_at = $11,
                        updated_at = $12, version = version + 1
                  WHERE id = $13 AND version = $14 RETURNING *",
            )
            .bind(instance.status)
            .bind(&instance.engine)
            .bind(instance.port)
            .bind(&instance.container_id)
            .bind(&instance.upstream)
            .bind(instance.deadline_at)
            .bind(instance.started_at)
            .bind(&instance.error_message)
            .bind(instance.restarts)
            .bind(instance.restarts_since)
            .bind(instance.restart_at)
            .bind(self.clock.now())
            .bind(&instance.id)
            .bind(instance.version)
            .fetch_optional()
            .await
    }

    /// Whoever works on a step says until when nobody else need to.
    pub(super) async fn prolong(&self, instance: &Instance, deadline: Option<DateTime<Utc>>) -> Result<()> {
        self.db
            .query("UPDATE instances SET deadline_at = $1 WHERE id = $2 AND version = $3")
            .bind(deadline)
            .bind(&instance.id)
            .bind(instance.version)
            .execute()
            .await
            .map(drop)
    }

    /// It is to be stopped or deleted, whatever is being done to it: that ends then. None where it is deleted already.
    pub(super) async fn want(
        &self,
        id: &InstanceId,
        desired: Desired,
        reason: Option<StopReason>,
    ) -> Result<Option<Instance>> {
        self.db
            .query(
                "UPDATE instances
                    SET desired = $1, stop_reason = $2, upstream = NULL, restart_at = NULL, deadline_at = $3,
                        updated_at = $4, version = version + 1
                  WHERE id = $5 AND desired <> 'deleted' RETURNING *",
            )
            .bind(desired)
            .bind(reason)
            .bind(self.lease())
            .bind(self.clock.now())
            .bind(id)
            .fetch_optional()
            .await
    }

    /// Somebody uses it now.
    pub(super) async fn touch(&self, id: &InstanceId) -> Result<()> {
        let touched = "UPDATE instances SET last_active_at = $1 WHERE id = $2";
        self.db.query(touched).bind(self.clock.now()).bind(id).execute().await.map(drop)
    }

    pub(super) async fn set_public(&self, id: &InstanceId, is_public: bool) -> Result<Option<Instance>> {
        self.db
            .query("UPDATE instances SET is_public = $1, updated_at = $2 WHERE id = $3 RETURNING *")
            .bind(is_public)
            .bind(self.clock.now())
            .bind(id)
            .fetch_optional()
            .await
    }

    /// There is nothing left of it. Its prefix is kept from others for a while.
    pub(super) async fn forget(&self, instance: &Instance) -> Result<()> {
        let mut transaction = self.db.begin().await?;
        transaction.query("DELETE FROM instances WHERE id = $1").bind(&instance.id).execute().await?;
        transaction
            .query("UPDATE instance_prefixes SET released_at = $1 WHERE prefix = $2")
            .bind(self.clock.now())
            .bind(&instance.prefix)
            .execute()
            .await?;
        transaction.commit().await
    }

    /// Whether there was an instance of that prefix that is deleted.
    pub(super) async fn was_released(&self, prefix: &str) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM instance_prefixes WHERE prefix = $1 AND released_at IS NOT NULL";
        let (count,): (i64,) = self.db.query(sql).bind(prefix).fetch_one().await?;
        Ok(count > 0)
    }

    /// Tells whoever acts on facts.
    pub(super) async fn tell(&self, instance: &Instance, what: Mishap) -> Result<()> {
        let user: Option<(String,)> =
            self.db.query("SELECT email FROM users WHERE id = $1").bind(&instance.user_id).fetch_optional().await?;
        let event = Event::InstanceTrouble(Box::new(InstanceTrouble {
            prefix: instance.prefix.to_string(),
            user: user.map(|(email,)| email).unwrap_or_default(),
            what,
        }));
        let mut transaction = self.db.begin().await?;
        self.events.record(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        self.events.announce();
        Ok(())
    }
}

/// How many there are: the user's, those of them that run, and all that run.
pub(super) async fn count_in(transaction: &mut Transaction, user: &UserId) -> Result<(i64, i64, i64)> {
    let own = "SELECT COUNT(*) FROM instances WHERE user_id = $1 AND desired <> 'deleted'";
    let (own,) = transaction.query(own).bind(user).fetch_one().await?;
    let running = "SELECT COUNT(*) FROM instances
                    WHERE user_id = $1 AND desired = 'running' AND status IN ('creating', 'running')";
    let (running,) = transaction.query(running).bind(user).fetch_one().await?;
    let all = "SELECT COUNT(*) FROM instances WHERE desired = 'running' AND status IN ('creating', 'running')";
    let (all,) = transaction.query(all).fetch_one().await?;
    Ok((own, running, all))
}

/// Whether the prefix was free, or the user's before, and is his now.
pub(super) async fn claim_prefix_in(
    transaction: &mut Transaction,
    prefix: &Prefix,
    user: &UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let claimed = transaction
        .query(
            "INSERT INTO instance_prefixes (prefix, user_id, released_at) VALUES ($1, $2, NULL)
             ON CONFLICT (prefix) DO UPDATE SET user_id = excluded.user_id, released_at = NULL
              WHERE instance_prefixes.released_at IS NOT NULL
                AND (instance_prefixes.user_id = excluded.user_id OR instance_prefixes.released_at < $3)",
        )
        .bind(prefix)
        .bind(user)
        .bind(now - KEPT_FROM_OTHERS)
        .execute()
        .await?;
    Ok(claimed > 0)
}

pub(super) async fn insert_in(transaction: &mut Transaction, instance: &Instance) -> Result<()> {
    transaction
        .query(
            "INSERT INTO instances (id, prefix, user_id, desired, status, engine, image, command, env, container_port,
                                    port, port_is_asked, cpus, memory_mb, is_public, deadline_at, last_active_at,
                                    created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        )
        .bind(&instance.id)
        .bind(&instance.prefix)
        .bind(&instance.user_id)
        .bind(instance.desired)
        .bind(instance.status)
        .bind(&instance.engine)
        .bind(&instance.image)
        .bind(&instance.command)
        .bind(&instance.env)
        .bind(instance.container_port)
        .bind(instance.port)
        .bind(instance.port_is_asked)
        .bind(instance.cpus)
        .bind(instance.memory_mb)
        .bind(instance.is_public)
        .bind(instance.deadline_at)
        .bind(instance.last_active_at)
        .bind(instance.created_at)
        .bind(instance.updated_at)
        .execute()
        .await
        .map(drop)
        // Its prefix is claimed: it can only be the port.
        .on_taken(|| Error::conflict("port_taken", text!("端口已被占用，请重试", "the port is in use; try again")))
}

/// It is to run, on that engine. None where it changed meanwhile.
pub(super) async fn begin_in(
    transaction: &mut Transaction,
    instance: &Instance,
    engine: &str,
    now: DateTime<Utc>,
) -> Result<Option<Instance>> {
    transaction
        .query(
            "UPDATE instances
                SET desired = 'running', status = 'creating', engine = $1, upstream = NULL, deadline_at = NULL,
                    last_active_at = $2, stop_reason = NULL, error_message = NULL, restarts = 0, restarts_since = NULL,
                    restart_at = NULL, updated_at = $3, version = version + 1
              WHERE id = $4 AND version = $5 RETURNING *",
        )
        .bind(engine)
        .bind(now)
        .bind(now)
        .bind(&instance.id)
        .bind(instance.version)
        .fetch_optional()
        .await
}

pub(super) fn not_found() -> Error {
    Error::not_found("no_instance", text!("没有这个实例", "there is no such instance"))
}
