use chrono::{DateTime, Utc};

use super::{
    super::{Spiders, change::has_nul_in, cron, store::get_in as spider_in},
    PRIORITIES, Schedule, ScheduleChange, ScheduleFilter, own, store,
};
use crate::{
    error::{Checks, Error, Result},
    id::{ScheduleId, SpiderId},
    platform::{
        database::Transaction,
        http::{Page, Paging},
    },
    text,
};

impl Spiders {
    pub(super) async fn schedules(&self, filter: &ScheduleFilter, paging: &Paging) -> Result<Page<Schedule>> {
        let now = self.clock.now();
        let rows = self.schedule_rows(filter, paging).await?;
        let items = rows.into_iter().map(|schedule| schedule.shown(now)).collect();
        let total = if paging.cursor.is_none() { Some(self.count_schedules(filter).await?) } else { None };
        Ok(Page::new(paging, items, total, |schedule: &Schedule| schedule.id.to_string()))
    }

    pub(super) async fn get_schedule(&self, id: &ScheduleId) -> Result<Schedule> {
        Ok(self.schedule_row(id).await?.shown(self.clock.now()))
    }

    /// The planned times to come; none while it, or its spider, is paused.
    pub(in super::super) async fn upcoming(&self, id: &ScheduleId, count: usize) -> Result<Vec<DateTime<Utc>>> {
        Ok(self.schedule_row(id).await?.upcoming(self.clock.now(), count))
    }

    pub(super) async fn create_schedule(&self, new: ScheduleChange) -> Result<Schedule> {
        let required = |loc: &str| Error::invalid(loc, "missing", text!("必填", "is required"));
        let spider_id = new.spider_id.clone().ok_or_else(|| required("body.spider_id"))?;
        let cron_expr = new.cron_expr.as_deref().map(str::trim).unwrap_or_default().to_owned();
        if cron_expr.is_empty() {
            return Err(required("body.cron_expr"));
        }
        let now = self.clock.now();
        new.check(now)?;
        self.require(&spider_id).await.map_err(|error| match error {
            Error::NotFound(problem) => Error::invalid("body.spider_id", "value_error", problem.text),
            other => other,
        })?;
        let mut transaction = self.change_schedules(&spider_id).await?;
        let spider = spider_in(&mut transaction, &spider_id).await?;
        let mut schedule = Schedule {
            id: ScheduleId::generate(),
            spider_id,
            spider_name: spider.name,
            name: cron_expr.clone(),
            is_own: false,
            cron_expr,
            timezone: spider.timezone,
            params: serde_json::Map::new(),
            priority: 0,
            is_active: true,
            misfire: None,
            overlap: None,
            deployment_id: None,
            next_run_at: None,
            last_run_at: None,
            created_at: now,
            updated_at: now,
            active_since: now,
            spider_is_active: spider.is_active,
        };
        new.apply(&mut schedule, now);
        schedule.next_run_at = schedule.timetable()?.next_after(now);
        require_deployment(&mut transaction, &schedule).await?;
        store::insert(&mut transaction, &schedule).await?;
        transaction.commit().await?;
        self.schedules_changed.notify_one();
        Ok(schedule.shown(now))
    }

    pub(super) async fn change_schedule(&self, id: &ScheduleId, change: ScheduleChange) -> Result<Schedule> {
        let now = self.clock.now();
        change.check(now)?;
        let is_new_version = change.deployment_id.is_some();
        self.edit_schedule(id, now, move |schedule| {
            change.apply(schedule, now);
            is_new_version
        })
        .await
    }

    /// Pauses it, or lets it go on.
    pub(super) async fn toggle_schedule(&self, id: &ScheduleId) -> Result<Schedule> {
        let now = self.clock.now();
        self.edit_schedule(id, now, |schedule| {
            let is_active = Some(!schedule.is_active);
            ScheduleChange { is_active, ..ScheduleChange::default() }.apply(schedule, now);
            false
        })
        .await
    }

    /// `edit` says whether the version is to be looked at.
    async fn edit_schedule(
        &self,
        id: &ScheduleId,
        now: DateTime<Utc>,
        edit: impl FnOnce(&mut Schedule) -> bool + Send,
    ) -> Result<Schedule> {
        let spider = self.schedule_row(id).await?.spider_id;
        let mut transaction = self.change_schedules(&spider).await?;
        let former = store::get_in(&mut transaction, id).await?.ok_or_else(|| store::schedule_not_found(id))?;
        let mut changed = former.clone();
        if edit(&mut changed) {
            require_deployment(&mut transaction, &changed).await?;
        }
        if changed.is_own {
            store::set_own(&mut transaction, &changed).await?;
        }
        let is_same_plan = (&former.cron_expr, &former.timezone) == (&changed.cron_expr, &changed.timezone);
        let is_paused_now = former.is_active && !changed.is_active;
        if !is_same_plan {
            own::reset(&mut transaction, &former, changed, now, own::CHANGED).await?;
        } else if is_paused_now || changed.next_run_at.is_none() {
            own::reset(&mut transaction, &former, changed, now, own::PAUSED).await?;
        } else {
            store::update(&mut transaction, &changed).await?;
        }
        transaction.commit().await?;
        self.schedules_changed.notify_one();
        self.get_schedule(id).await
    }

    /// Removes it and its ledger. A spider's own: it has no `cron_expr` then.
    pub(super) async fn delete_schedule(&self, id: &ScheduleId) -> Result<()> {
        let schedule = self.schedule_row(id).await?;
        let mut transaction = self.change_schedules(&schedule.spider_id).await?;
        if schedule.is_own {
            store::clear_own(&mut transaction, &schedule.spider_id, self.clock.now()).await?;
        }
        store::remove(&mut transaction, id).await?;
        transaction.commit().await
    }

    /// When each of these spiders runs next by any of its schedules, for those of which the rows say a time that has
    /// passed: it is being judged.
    pub(in super::super) async fn next_runs(&self, spiders: &[SpiderId]) -> Result<Vec<(SpiderId, DateTime<Utc>)>> {
        let now = self.clock.now();
        let schedules = self.live_schedules(spiders).await?;
        Ok(schedules
            .into_iter()
            .filter_map(|schedule| Some((schedule.spider_id.clone(), schedule.shown(now).next_run_at?)))
            .collect())
    }
}

async fn require_deployment(transaction: &mut Transaction, schedule: &Schedule) -> Result<()> {
    let Some(id) = &schedule.deployment_id else { return Ok(()) };
    if store::has_deployment(transaction, &schedule.spider_id, id).await? {
        return Ok(());
    }
    let text = text!("该爬虫没有版本 {id}", "the spider has no version {id}");
    Err(Error::invalid("body.deployment_id", "value_error", text))
}

impl ScheduleChange {
    fn check(&self, now: DateTime<Utc>) -> Result<()> {
        let mut checks = Checks::default();
        if let Some(name) = &self.name {
            checks.not_empty("body.name", name);
            checks.length("body.name", name, 255);
        }
        for (loc, text, limit) in [("body.cron_expr", &self.cron_expr, 255), ("body.timezone", &self.timezone, 64)] {
            checks.length(loc, text.as_deref().unwrap_or_default(), limit);
        }
        if let Some(expr) = &self.cron_expr {
            checks.not_empty("body.cron_expr", expr);
        }
        checks.require(
            self.priority.is_none_or(|priority| PRIORITIES.contains(&priority)),
            "body.priority",
            "value_error",
            || text!("须在 -100 到 100 之间", "must be between -100 and 100"),
        );
        checks.require(!self.params.as_ref().is_some_and(has_nul_in), "body.params", "value_error", || {
            text!("不能包含空字符", "must not contain NUL")
        });
        checks.finish()?;
        // Whether an expression ever fires does not depend on the zone.
        let expr = self.cron_expr.as_deref().map(str::trim).unwrap_or_default();
        cron::check(expr, self.timezone.as_deref().unwrap_or("UTC"), now)
    }

    fn apply(self, schedule: &mut Schedule, now: DateTime<Utc>) {
        fn set<T>(field: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *field = new;
            }
        }
        if self.is_active == Some(true) && !schedule.is_active {
            schedule.active_since = now;
        }
        schedule.updated_at = now;
        set(&mut schedule.name, self.name);
        set(&mut schedule.cron_expr, self.cron_expr.map(|expr| expr.trim().to_owned()));
        set(&mut schedule.timezone, self.timezone);
        set(&mut schedule.params, self.params);
        set(&mut schedule.priority, self.priority);
        set(&mut schedule.is_active, self.is_active);
        // An own one has the spider's, which is never null.
        set(&mut schedule.misfire, self.misfire.filter(|misfire| misfire.is_some() || !schedule.is_own));
        set(&mut schedule.overlap, self.overlap.filter(|overlap| overlap.is_some() || !schedule.is_own));
        set(&mut schedule.deployment_id, self.deployment_id);
    }
}
