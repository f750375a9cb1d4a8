//! Which proxy a task goes through.

use chrono::TimeDelta;
use rand::seq::IndexedRandom;

use super::{
    Proxies,
    store::{Candidate, candidates, mark_failed, mark_used},
};
use crate::{config::WhenNone, error::Result, platform::proxies::ProxyAddress};

impl Proxies {
    /// What becomes of a run while none can be used.
    pub fn when_none(&self) -> WhenNone {
        self.settings.when_none
    }

    /// A proxy that works as far as is known, other than the one that `failed`, which is remembered to have done so.
    /// None where there is none.
    ///
    /// At random, weighted by success rate, among those that nobody was given for a short time; among all, where
    /// everybody was. Choices of all servers are made one after the other, so that they see each other.
    pub async fn choose(&self, failed: Option<&ProxyAddress>) -> Result<Option<ProxyAddress>> {
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        transaction.take_turn("proxies").await?;
        if let Some(failed) = failed {
            mark_failed(&mut transaction, failed, (now, self.cooldown_end())).await?;
        }
        let mut found = candidates(&mut transaction, now).await?;
        found.retain(|candidate| !failed.is_some_and(|failed| candidate.is(failed)));
        let rested = now - TimeDelta::seconds(self.settings.rest_seconds);
        if found.iter().any(|candidate| candidate.last_used_at.is_none_or(|at| at <= rested)) {
            found.retain(|candidate| candidate.last_used_at.is_none_or(|at| at <= rested));
        }
        let mut chosen = None;
        while chosen.is_none() && !found.is_empty() {
            let Ok(candidate) = found.choose_weighted(&mut rand::rng(), |candidate| candidate.success_rate) else {
                break;
            };
            let id = candidate.reach.id.clone();
            match self.address_of(&candidate.reach) {
                Ok(address) => {
                    mark_used(&mut transaction, &id, now).await?;
                    chosen = Some(address);
                }
                Err(error) => {
                    tracing::warn!(proxy = %id, "a proxy cannot be used: {error}");
                    found.retain(|candidate| candidate.reach.id != id);
                }
            }
        }
        transaction.commit().await?;
        Ok(chosen)
    }
}

impl Candidate {
    fn is(&self, address: &ProxyAddress) -> bool {
        let reach = &self.reach;
        (reach.protocol, &reach.host, reach.port, &reach.username)
            == (address.protocol, &address.host, i64::from(address.port), &address.username)
    }
}
