use super::{
    Proxies, Proxy,
    store::{insert, locked, set_address, set_status},
    types::{Checked, ProxyBatch, ProxyChange, ProxyNew, Reach},
};
use crate::{
    error::{Checks, Detail, Error, Result},
    id::ProxyId,
    platform::proxies::ProxyAddress,
    text,
};

impl Proxies {
    pub(super) async fn create(&self, new: ProxyNew) -> Result<Proxy> {
        let mut checks = Checks::default();
        let address = new.read("body", &mut checks);
        checks.finish()?;
        let added = self.add(vec![("body".to_owned(), address)], false).await.map_err(|error| match error {
            Error::Invalid(_) => Error::conflict("proxy_taken", text!("代理池中已有该代理", "the pool has it already")),
            other => other,
        })?;
        let id = added.first().ok_or_else(|| Error::internal(anyhow::anyhow!("a proxy was not added")))?;
        self.get(id).await
    }

    /// All of them, or none; how many.
    pub(super) async fn create_batch(&self, batch: ProxyBatch) -> Result<usize> {
        let skip_existing = batch.skip_existing;
        Ok(self.add(batch.read()?, skip_existing).await?.len())
    }

    /// The ids of those that are new.
    async fn add(&self, proxies: Vec<(String, ProxyAddress)>, skip_existing: bool) -> Result<Vec<ProxyId>> {
        let now = self.clock.now();
        let next_check = Some(now).filter(|_| self.settings.check_minutes > 0);
        let (mut added, mut taken) = (Vec::new(), Vec::new());
        let mut transaction = self.db.begin().await?;
        for (loc, address) in proxies {
            let id = ProxyId::generate();
            let sealed = self.seal(&id, &address)?;
            if insert(&mut transaction, (&id, &address, sealed.as_deref()), (now, next_check)).await? {
                added.push(id);
            } else if !skip_existing {
                let text =
                    text!("代理池中已有 {address}，或重复出现", "the pool has {address} already, or it is here twice");
                taken.push(Detail { loc, text, kind: "taken" });
            }
        }
        if !taken.is_empty() {
            return Err(Error::Invalid(taken));
        }
        transaction.commit().await?;
        self.check_due.notify_one();
        Ok(added)
    }

    pub(super) async fn change(&self, id: &ProxyId, change: ProxyChange) -> Result<Proxy> {
        let mut transaction = self.db.begin().await?;
        let mut former = locked(&mut transaction, id, self.clock.now()).await?;
        let status = change.status;
        if !change.keeps_password() {
            // It may be one that cannot be decrypted any more.
            former.sealed_password = None;
        }
        let address = change.applied_to(self.address_of(&former)?)?;
        let sealed = self.seal(id, &address)?;
        set_address(&mut transaction, id, &address, sealed.as_deref()).await?;
        if let Some(status) = status {
            set_status(&mut transaction, id, status, self.cooldown_end()).await?;
        }
        transaction.commit().await?;
        self.get(id).await
    }

    /// Asks the proxy now, and waits for what it says.
    pub(super) async fn check(&self, id: &ProxyId) -> Result<Checked> {
        let reach = self.reach(id).await?;
        let outcome = self.probe(&reach).await;
        self.record_check(id, &outcome).await?;
        Ok(Checked { ok: outcome.is_ok(), latency_ms: outcome.as_ref().ok().copied(), error: outcome.err() })
    }

    /// In how many milliseconds it answered, or why it did not.
    pub(super) async fn probe(&self, reach: &Reach) -> Result<i64, String> {
        let address = self.address_of(reach).map_err(|_| "its password cannot be decrypted".to_owned())?;
        let took = self.prober.probe(&address).await?;
        Ok(i64::try_from(took.as_millis()).unwrap_or(i64::MAX))
    }

    pub(super) fn address_of(&self, reach: &Reach) -> Result<ProxyAddress> {
        let password = match &reach.sealed_password {
            Some(sealed) => self.secrets.open_sealed(&owner(&reach.id), sealed)?,
            None => Vec::new(),
        };
        let password = String::from_utf8(password).map_err(Error::internal)?;
        let port = u16::try_from(reach.port).map_err(Error::internal)?;
        Ok(ProxyAddress::of(reach.protocol, &reach.host, port, reach.username.clone(), password))
    }

    pub(super) fn seal(&self, id: &ProxyId, address: &ProxyAddress) -> Result<Option<Vec<u8>>> {
        if address.password.is_empty() {
            return Ok(None);
        }
        self.secrets.seal(&owner(id), address.password.as_bytes()).map(Some)
    }
}

/// Encrypted passwords open for this row alone.
fn owner(id: &ProxyId) -> String {
    format!("proxy:{id}")
}
