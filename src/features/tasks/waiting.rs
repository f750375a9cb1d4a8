//! Why pending tasks wait. Computed when they are read, so that it is always true.

use std::collections::HashMap;

use chrono::SecondsFormat;
use sqlx::types::Json;

use super::{Task, TaskStatus, Tasks};
use crate::{
    error::{DISK_SPACE, Error, Result, Text},
    features::{
        nodes::Node,
        spiders::{Overlap, Runner},
    },
    id::TaskId,
    platform::{database::in_list, http::said},
    protocol::SWARM_WORKERS,
    text,
};

/// What a task competes with.
#[derive(sqlx::FromRow)]
struct Surroundings {
    id: TaskId,
    overlap: Overlap,
    over_quota: bool,
    spider_limit: Option<i64>,
    spider_running: i64,
    project_name: String,
    project_limit: Option<i64>,
    project_running: i64,
    runner: Runner,
    node_id: Option<String>,
    node_labels: Json<Vec<String>>,
}

impl Tasks {
    /// Says of those that wait why they do, in the caller's language.
    pub(super) async fn explained(&self, mut tasks: Vec<Task>) -> Result<Vec<Task>> {
        // A swarm has those that wait there already.
        let is_there =
            |task: &&mut Task| task.status == TaskStatus::Running && task.worker_id.as_deref() == Some(SWARM_WORKERS);
        for task in tasks.iter_mut().filter(is_there) {
            task.pending_reason = self.swarm.reason_of_start(&task.id, task.attempt).map(said);
        }
        let waiting: Vec<&TaskId> =
            tasks.iter().filter(|task| task.status == TaskStatus::Pending).map(|task| &task.id).collect();
        if waiting.is_empty() {
            return Ok(tasks);
        }
        let surroundings = self.surroundings(&waiting).await?;
        let is_for_nodes = surroundings.values().any(|around| around.runner == Runner::Node);
        let nodes = if is_for_nodes { self.nodes.all().await? } else { Vec::new() };
        let obstacle = self.documents.check_room().err();
        for task in tasks.iter_mut().filter(|task| task.status == TaskStatus::Pending) {
            // Without any, it was claimed or removed a moment ago.
            let reason =
                surroundings.get(&task.id).map(|around| self.reason(task, (around, &nodes), obstacle.as_ref()));
            task.pending_reason = reason.map(said);
        }
        Ok(tasks)
    }

    fn reason(&self, task: &Task, (around, nodes): (&Surroundings, &[Node]), obstacle: Option<&Error>) -> Text {
        let now = self.clock.now();
        if let Some(at) = task.next_attempt_at.filter(|at| *at > now) {
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let (retry, of) = (task.retry_count, task.max_retries.max(task.retry_count));
            return text!("等待第 {retry}/{of} 次重试，时间 {at}", "waiting for retry {retry} of {of}, at {at}");
        }
        match obstacle {
            Some(Error::Unavailable { what, .. }) if *what != DISK_SPACE => {
                return text!(
                    "{what} 暂时不可用，无法保存数据和日志",
                    "{what} is away: items and logs could not be kept"
                );
            }
            Some(_) => return text!("服务器磁盘空间不足", "no room on the server's disk"),
            None => {}
        }
        if around.over_quota {
            return text!("爬虫保存的数据已达配额", "the spider keeps as much as its quota allows");
        }
        if !task.is_test {
            let running = around.spider_running;
            let limit = if around.overlap == Overlap::Allow { around.spider_limit } else { Some(1) };
            if let Some(limit) = limit.filter(|limit| running >= *limit) {
                return text!(
                    "等待该爬虫的其他任务结束（运行中 {running}，上限 {limit}）",
                    "waiting for the spider's other tasks to end ({running} running, {limit} allowed)"
                );
            }
            let (running, name) = (around.project_running, &around.project_name);
            if let Some(limit) = around.project_limit.filter(|limit| running >= *limit) {
                return text!(
                    "等待项目 {name} 的其他任务结束（运行中 {running}，上限 {limit}）",
                    "waiting for other tasks of project {name} to end ({running} running, {limit} allowed)"
                );
            }
        }
        if around.runner == Runner::Node {
            return self.reason_of_nodes(around, nodes);
        }
        if around.runner == Runner::Swarm {
            return self.swarm.reason(&around.node_labels.0);
        }
        text!("等待空闲的执行槽", "waiting for a free slot")
    }

    fn reason_of_nodes(&self, around: &Surroundings, nodes: &[Node]) -> Text {
        let now = self.clock.now();
        let labels = &around.node_labels.0;
        let fits = |node: &&Node| match &around.node_id {
            Some(id) => node.id.as_str() == id,
            None => node.has_labels(labels),
        };
        let fitting: Vec<&Node> = nodes.iter().filter(fits).collect();
        if fitting.is_empty() {
            return match (&around.node_id, labels.join(", ")) {
                (Some(id), _) => text!("没有节点 {id}", "there is no node {id}"),
                (None, labels) if labels.is_empty() => text!("还没有任何节点", "there is no node yet"),
                (None, labels) => text!("没有节点带有标签 {labels}", "no node has the labels {labels}"),
            };
        }
        let is_free = |node: &&&Node| node.obstacle(now).is_none();
        if let Some(node) = fitting.iter().find(is_free) {
            let name = &node.name;
            return match fitting.len() {
                1 => text!("等待节点 {name} 的空闲执行槽", "waiting for a free slot of node {name}"),
                _ => text!("等待节点的空闲执行槽", "waiting for a free slot of a node"),
            };
        }
        let why = fitting.iter().filter_map(|node| Some(node.obstacle(now)?.sentence(&node.name)));
        why.reduce(|all, one| Text {
            zh: format!("{}；{}", all.zh, one.zh).into(),
            en: format!("{}; {}", all.en, one.en).into(),
        })
        .unwrap_or_else(|| text!("等待节点", "waiting for a node"))
    }

    async fn surroundings(&self, tasks: &[&TaskId]) -> Result<HashMap<TaskId, Surroundings>> {
        let mut query = self.db.query_text(format!(
                "SELECT waiting.id, spiders.runner, spiders.node_id, spiders.node_labels, COALESCE(waiting.overlap, spiders.overlap) AS overlap, spiders.over_quota, spiders.max_concurrent AS spider_limit,
                        (SELECT COUNT(*) FROM tasks AS other
                          WHERE other.spider_id = waiting.spider_id AND other.status = 'running' AND NOT other.is_test)
                        AS spider_running,
                        projects.name AS project_name, projects.max_concurrent AS project_limit,
                        CASE WHEN projects.max_concurrent IS NULL THEN 0
                             ELSE (SELECT COUNT(*) FROM tasks AS other JOIN spiders AS sibling ON sibling.id = other.spider_id
                                    WHERE other.status = 'running' AND NOT other.is_test
                                      AND sibling.project_id = spiders.project_id) END AS project_running
                   FROM tasks AS waiting
                   JOIN spiders ON spiders.id = waiting.spider_id
                   JOIN projects ON projects.id = spiders.project_id
                  WHERE waiting.id IN ({})",
                in_list(1, tasks.len())
            ));
        for id in tasks {
            query = query.bind(*id);
        }
        let found: Vec<Surroundings> = query.fetch_all().await?;
        Ok(found.into_iter().map(|around| (around.id.clone(), around)).collect())
    }
}
