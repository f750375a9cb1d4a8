//! What stands in tables.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    archive,
    documents::OldDocuments,
    progress::{Part, Progress, say},
    rows::{OldRows, Row},
};
use crate::{
    app::App,
    error::{Error, Result},
    features::{
        alerts::{Alert, AlertLevel, AlertType},
        spiders::{AdoptedCode, Newcomer},
        tasks::{NOT_ENDED, PastTask, TaskStatus, Trigger},
    },
    id::{AlertId, AlertRuleId, ChannelId, DeploymentId, ProjectId, ProxyId, SpiderId, TaskId},
    platform::proxies::{Protocol, ProxyAddress},
};

const PROJECTS: &str = "crawlhub_projects";
const SPIDERS: &str = "crawlhub_spiders";
const DEPLOYMENTS: &str = "crawlhub_deployments";
const PROXIES: &str = "crawlhub_proxies";
const CHANNELS: &str = "crawlhub_notification_channels";
const RULES: &str = "crawlhub_alert_rules";
const TASKS: &str = "crawlhub_tasks";
const ALERTS: &str = "crawlhub_alerts";

/// In the order in which they refer to each other.
pub(super) const TABLES: [&str; 8] = [PROJECTS, SPIDERS, DEPLOYMENTS, PROXIES, CHANNELS, RULES, TASKS, ALERTS];

/// What is taken of a spider as it is.
const SPIDER_FIELDS: [&str; 22] = [
    "name",
    "description",
    "start_url",
    "script_content",
    "cron_expr",
    "entry_point",
    "source",
    "git_repo",
    "webhook_url",
    "timeout_seconds",
    "max_items",
    "memory_limit_mb",
    "requirements_txt",
    "env_vars",
    "proxy_enabled",
    "rate_limit_rps",
    "autothrottle_enabled",
    "dedup_enabled",
    "dedup_fields",
    "item_schema",
    "max_retries",
    "retry_delay_seconds",
];

pub(super) struct Tables<'a> {
    pub rows: &'a OldRows,
    /// Archives of code are there.
    pub documents: Option<&'a OldDocuments>,
    pub app: &'a App,
    pub activate: bool,
}

impl Tables<'_> {
    pub(super) async fn bring(&self, progress: &mut Progress) -> Result<()> {
        for table in TABLES {
            let Some(mut pages) = self.rows.pages(table).await? else {
                say(&format!("{table}: there is no such table"));
                continue;
            };
            let mut part = Part::begin(table);
            loop {
                let rows = pages.next().await?;
                if rows.is_empty() {
                    break;
                }
                self.bring_page(table, &rows, &mut part, progress).await?;
                part.tell();
            }
            part.end();
        }
        Ok(())
    }

    async fn bring_page(&self, table: &str, rows: &[Row], part: &mut Part, progress: &mut Progress) -> Result<()> {
        if table == TASKS {
            return self.bring_tasks(rows, part, progress).await;
        }
        if table == ALERTS {
            return self.bring_alerts(rows, part).await;
        }
        for row in rows {
            let brought = match table {
                PROJECTS => self.bring_project(row, progress).await,
                SPIDERS => self.bring_spider(row, progress).await,
                DEPLOYMENTS => self.bring_code(row, progress).await,
                PROXIES => self.bring_proxy(row).await,
                CHANNELS => self.bring_channel(row).await,
                _ => self.bring_rule(row, progress).await,
            };
            match brought {
                Ok(true) => part.new += 1,
                Ok(false) => part.known += 1,
                // It will be so each time.
                Err(error @ (Error::Invalid(_) | Error::BadRequest(_) | Error::TooLarge(_) | Error::Conflict(_))) => {
                    progress.trouble(format!("{table} {}: {error}", row.text("id")));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn bring_project(&self, row: &Row, progress: &mut Progress) -> Result<bool> {
        let (id, name) = (ProjectId::from(row.text("id").to_owned()), row.text("name"));
        let adopted = self.app.projects().adopt(&id, (name, row.text("description")), row.times()).await?;
        if let Some(new) = adopted.as_ref().filter(|new| *new != name) {
            progress.trouble(format!("{PROJECTS} {id}: its name {name} is taken, it is {new} here"));
        }
        Ok(adopted.is_some())
    }

    async fn bring_spider(&self, row: &Row, progress: &mut Progress) -> Result<bool> {
        let id = SpiderId::from(row.text("id").to_owned());
        let (created_at, updated_at) = row.times();
        let is_active = row.flag("is_active");
        let mut fields = row.fields(&SPIDER_FIELDS);
        // Two systems that run the same schedules would crawl everything twice.
        fields.insert("is_active".to_owned(), Value::Bool(is_active && self.activate));
        let project_id = ProjectId::from(row.text("project_id").to_owned());
        let newcomer = Newcomer { id: id.clone(), project_id, fields, created_at, updated_at };
        let Some(left_out) = self.app.spiders().adopt(newcomer).await? else {
            if is_active && self.activate && self.app.spiders().activate_untouched(&id, updated_at).await? {
                say(&format!("{SPIDERS} {id} is active now"));
            }
            return Ok(false);
        };
        for left_out in left_out {
            progress.trouble(format!("{SPIDERS} {id}: {left_out}"));
        }
        Ok(true)
    }

    /// The version that runs, where nobody has changed the spider here. Versions of old stay where they are.
    async fn bring_code(&self, row: &Row, progress: &mut Progress) -> Result<bool> {
        let Some(documents) = self.documents.filter(|_| row.text("status").eq_ignore_ascii_case("active")) else {
            return Ok(false);
        };
        let (id, spider) =
            (DeploymentId::from(row.text("id").to_owned()), SpiderId::from(row.text("spider_id").to_owned()));
        let Some(updated_at) = self.spider_updated_at(&spider).await? else { return Ok(false) };
        match self.app.spiders().is_untouched(&spider, updated_at).await {
            Ok(true) => {}
            Ok(false) | Err(Error::NotFound(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
        let Some(archive) = documents.archive(row.text("file_archive_id")).await? else {
            progress.trouble(format!("{DEPLOYMENTS} {id}: its archive is not there"));
            return Ok(false);
        };
        let files = match archive::files_of(&archive) {
            Ok(files) => files,
            Err(error) => {
                progress.trouble(format!("{DEPLOYMENTS} {id}: its archive cannot be read: {error:#}"));
                return Ok(false);
            }
        };
        let code = AdoptedCode {
            id,
            version: row.number("version"),
            entry_point: row.some_text("entry_point"),
            note: row.text("deploy_note").chars().take(500).collect(),
            created_at: row.times().0,
            files,
        };
        self.app.spiders().adopt_code(&spider, code, updated_at).await
    }

    /// As the predecessor has it.
    async fn spider_updated_at(&self, id: &SpiderId) -> Result<Option<DateTime<Utc>>> {
        Ok(self.rows.one(SPIDERS, id.as_str()).await?.map(|row| row.times().1))
    }

    async fn bring_proxy(&self, row: &Row) -> Result<bool> {
        let protocol = row.text("protocol").to_lowercase().parse().unwrap_or(Protocol::Http);
        let port = u16::try_from(row.number("port")).unwrap_or_default();
        let (username, password) = (row.text("username").to_owned(), row.text("password").to_owned());
        let address = ProxyAddress::of(protocol, row.text("host"), port, username, password);
        let is_off = row.text("status").eq_ignore_ascii_case("inactive");
        let id = ProxyId::from(row.text("id").to_owned());
        self.app.proxies().adopt(&id, &address, is_off, row.times().0).await
    }

    async fn bring_channel(&self, row: &Row) -> Result<bool> {
        let mut fields = row.fields(&["name", "config", "is_enabled"]);
        fields.insert("channel_type".to_owned(), row.text("channel_type").to_lowercase().into());
        self.app.alerts().adopt_channel(ChannelId::from(row.text("id").to_owned()), fields, row.times()).await
    }

    /// One whose channel is not here is kept, and tells nobody.
    async fn bring_rule(&self, row: &Row, progress: &mut Progress) -> Result<bool> {
        const CHANNEL: &str = "notification_channel_id";
        let id = AlertRuleId::from(row.text("id").to_owned());
        let mut fields = row.fields(&["name", "condition", "spider_id", CHANNEL, "is_enabled", "cooldown_minutes"]);
        fields.insert("rule_type".to_owned(), row.text("rule_type").to_lowercase().into());
        let adopted = self.app.alerts().adopt_rule(id.clone(), fields.clone(), row.times()).await;
        let lacks_channel = |error: &Error| matches!(error, Error::Invalid(details) if details.iter().any(|detail| detail.loc.contains(CHANNEL)));
        match adopted {
            Err(error) if lacks_channel(&error) => {
                progress.trouble(format!("{RULES} {id}: {error}; it tells nobody here"));
                fields.remove(CHANNEL);
                self.app.alerts().adopt_rule(id, fields, row.times()).await
            }
            adopted => adopted,
        }
    }

    async fn bring_tasks(&self, rows: &[Row], part: &mut Part, progress: &mut Progress) -> Result<()> {
        let mut tasks = Vec::with_capacity(rows.len());
        for row in rows {
            let spider = SpiderId::from(row.text("spider_id").to_owned());
            let spider_name = match self.app.spiders().get(&spider).await {
                Ok(spider) => spider.name,
                Err(Error::NotFound(_)) => String::new(),
                Err(error) => return Err(error),
            };
            let task = past_task(row, spider, spider_name);
            if task.error_message.as_deref() == Some(NOT_ENDED) {
                progress.trouble(format!("{TASKS} {}: {NOT_ENDED}", task.id));
            }
            tasks.push(task);
        }
        let new = self.app.tasks().adopt(&tasks).await?;
        part.new += new;
        part.known += tasks.len() as u64 - new;
        Ok(())
    }

    async fn bring_alerts(&self, rows: &[Row], part: &mut Part) -> Result<()> {
        let alerts: Vec<Alert> = rows.iter().map(alert).collect();
        let new = self.app.alerts().adopt(&alerts).await?;
        part.new += new;
        part.known += alerts.len() as u64 - new;
        Ok(())
    }
}

fn past_task(row: &Row, spider_id: SpiderId, spider_name: String) -> PastTask {
    let status = row.text("status").to_lowercase().parse().unwrap_or(TaskStatus::Failed);
    let (created_at, updated_at) = row.times();
    let is_test = row.flag("is_test");
    PastTask {
        id: TaskId::from(row.text("id").to_owned()),
        spider_id,
        spider_name,
        status: if status.is_final() { status } else { TaskStatus::Cancelled },
        trigger: match row.text("trigger_type").to_lowercase().as_str() {
            _ if is_test => Trigger::Test,
            "schedule" => Trigger::Schedule,
            _ => Trigger::Manual,
        },
        is_test,
        retry_count: row.number("retry_count").max(0),
        max_retries: row.number("max_retries").max(0),
        progress: row.number("progress").clamp(0, 100),
        total_count: row.number("total_count"),
        success_count: row.number("success_count"),
        failed_count: row.number("failed_count"),
        error_category: row.text("error_category").to_lowercase().parse().ok(),
        error_message: if status.is_final() { row.some_text("error_message") } else { Some(NOT_ENDED.to_owned()) },
        worker_id: row.some_text("worker_id"),
        items_per_second: row.float("items_per_second"),
        peak_memory_mb: row.float("peak_memory_mb"),
        checkpoint: checkpoint(row.get("checkpoint_data")),
        started_at: row.time("started_at"),
        finished_at: row.time("finished_at").unwrap_or(updated_at),
        created_at,
        updated_at,
    }
}

/// JSON, or the JSON text of it.
fn checkpoint(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(json) => serde_json::from_str::<Value>(json).is_ok_and(|it| it.is_object()).then(|| json.clone()),
        other => Some(other.to_string()),
    }
}

fn alert(row: &Row) -> Alert {
    let id = |column: &str| row.some_text(column);
    Alert {
        id: AlertId::from(row.text("id").to_owned()),
        // The message says what it was; ours are what people filter by.
        alert_type: row.text("type").to_lowercase().parse().unwrap_or(AlertType::TaskFailed),
        level: row.text("level").to_lowercase().parse().unwrap_or(AlertLevel::Warning),
        message: row.text("message").to_owned(),
        spider_id: id("spider_id").map(SpiderId::from),
        task_id: id("task_id").map(TaskId::from),
        rule_id: None,
        is_read: row.flag("is_read"),
        created_at: row.times().0,
    }
}
