//! Proxies that come from elsewhere, with their ids.

use chrono::{DateTime, Utc};

use super::{
    Proxies,
    store::{insert, set_status},
    types::ProxyStatus,
};
use crate::{
    error::{Checks, Result},
    id::ProxyId,
    platform::proxies::ProxyAddress,
};

impl Proxies {
    /// False where the pool has it already, under whatever id. Nothing is known of how well it works.
    pub async fn adopt(
        &self,
        id: &ProxyId,
        address: &ProxyAddress,
        is_off: bool,
        created_at: DateTime<Utc>,
    ) -> Result<bool> {
        let mut checks = Checks::default();
        address.check("proxy", &mut checks);
        checks.finish()?;
        let sealed = self.seal(id, address)?;
        let mut transaction = self.db.begin().await?;
        let known: Option<(ProxyId,)> =
            transaction.query("SELECT id FROM proxies WHERE id = $1").bind(id).fetch_optional().await?;
        if known.is_some() || !insert(&mut transaction, (id, address, sealed.as_deref()), (created_at, None)).await? {
            return Ok(false);
        }
        if is_off {
            set_status(&mut transaction, id, ProxyStatus::Inactive, created_at).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}
