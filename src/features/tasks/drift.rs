//! Whether a completed run brought other data than those before it: fields that are gone or of another type, far fewer
//! items.

use super::{Tasks, types::Claim};
use crate::{
    error::Result,
    features::events::{DataDrift, Drift},
    id::{SpiderId, TaskId},
    platform::documents::{Catalogue, Counts, FieldCount, ItemFilter, object::Kind},
};

/// So many runs a run is compared with, and so many there must be.
const RUNS: i64 = 5;
const LEAST_RUNS: usize = 3;
/// In percent of items: a field that is filled in so many of each former run is one that belongs there; filled in fewer than
/// that now, it is gone.
const BELONGS: i64 = 90;
const GONE: i64 = 5;
/// More are not told one by one.
const MOST_TOLD: usize = 10;

impl Tasks {
    /// How the run differs, if it does. Nothing is read of items themselves.
    pub(super) async fn drift_of(&self, claim: &Claim, counts: Counts) -> Result<Option<DataDrift>> {
        let former: Vec<(TaskId, i64)> = self
            .db
            .query(
                "SELECT id, total_count FROM tasks
                  WHERE spider_id = $1 AND NOT is_test AND finished_at IS NOT NULL AND status = 'completed' AND id <> $2
                  ORDER BY finished_at DESC, id DESC LIMIT $3",
            )
            .bind(&claim.spider_id)
            .bind(&claim.task_id)
            .bind(RUNS)
            .fetch_all()
            .await?;
        if former.len() < LEAST_RUNS || former.iter().all(|(_, count)| *count == 0) {
            return Ok(None);
        }
        let mut usual: Vec<i64> = former.iter().map(|(_, count)| *count).collect();
        usual.sort_unstable();
        let usual = usual[usual.len() / 2];
        let mut found = Vec::new();
        if counts.received.saturating_mul(2) < usual {
            found.push(Drift::FewItems { items: counts.received, usual });
        }
        if let Some(now) = self.catalogue_of(&claim.spider_id, &claim.task_id).await? {
            let mut before = Vec::new();
            for (task, _) in &former {
                before.extend(self.catalogue_of(&claim.spider_id, task).await?);
            }
            if before.len() >= LEAST_RUNS {
                found.extend(compare(&now, &before));
            }
        }
        let more = found.len().saturating_sub(MOST_TOLD);
        found.truncate(MOST_TOLD);
        let runs = i64::try_from(former.len()).unwrap_or(RUNS);
        Ok((!found.is_empty()).then(|| DataDrift {
            task_id: claim.task_id.clone(),
            spider_id: claim.spider_id.clone(),
            spider_name: String::new(),
            runs,
            found,
            more: i64::try_from(more).unwrap_or(i64::MAX),
        }))
    }

    /// None where the task has no items.
    async fn catalogue_of(&self, spider: &SpiderId, task: &TaskId) -> Result<Option<Catalogue>> {
        let filter =
            ItemFilter { spider_id: Some(spider.clone()), task_id: Some(task.clone()), ..ItemFilter::default() };
        let found = self.documents.catalogues_after(&filter, None, 1).await?;
        Ok(found.into_iter().next().map(|(_, catalogue)| catalogue).filter(|catalogue| catalogue.items > 0))
    }
}

/// What is other than in all of the former runs.
fn compare(now: &Catalogue, before: &[Catalogue]) -> Vec<Drift> {
    let field_of = |catalogue: &Catalogue, name: &str| -> Option<FieldCount> {
        catalogue.fields.iter().find(|field| field.name == name).cloned()
    };
    let percent = |field: &FieldCount, catalogue: &Catalogue| field.filled() * 100 / catalogue.items.max(1);
    let mut found = Vec::new();
    for field in &before[0].fields {
        let name = &field.name;
        let former: Option<Vec<(i64, Kind)>> = before
            .iter()
            .map(|catalogue| {
                let field = field_of(catalogue, name)?;
                Some((percent(&field, catalogue), kind_of(&field)))
            })
            .collect();
        let Some(former) = former.filter(|runs| runs.iter().all(|(filled, _)| *filled >= BELONGS)) else { continue };
        let usual = former.iter().map(|(filled, _)| filled).sum::<i64>() / i64::try_from(former.len()).unwrap_or(1);
        let present = field_of(now, name);
        let filled = present.as_ref().map_or(0, |field| percent(field, now));
        if filled < GONE {
            // Where not all fields are kept, it may just not have been.
            if !now.truncated {
                found.push(Drift::FieldGone { field: name.clone(), percent: filled, usual });
            }
            continue;
        }
        let (from, to) = (former[0].1, present.as_ref().map_or(Kind::Null, kind_of));
        if former.iter().all(|(_, kind)| *kind == from) && to != from && to != Kind::Null {
            let (from, to) = (from.as_str().to_owned(), to.as_str().to_owned());
            found.push(Drift::TypeChanged { field: name.clone(), from, to });
        }
    }
    found
}

/// The field's main type; 1 and 1.5 are alike.
fn kind_of(field: &FieldCount) -> Kind {
    match field.main_type() {
        Kind::Integer => Kind::Number,
        other => other,
    }
}
