//! Why tasks for the swarm wait.

use super::{Seen, Swarm};
use crate::{error::Text, id::TaskId, platform::containers::swarm, text};

impl Swarm {
    /// Why one waits that asks for these labels.
    pub(in super::super) fn reason(&self, labels: &[String]) -> Text {
        if self.manager.is_none() {
            return text!("没有设置 Swarm（swarm.host 为空）", "there is no swarm: swarm.host is empty");
        }
        if self.settings.api_url.is_empty() {
            return text!(
                "Swarm 容器不知道如何访问服务器，请设置 swarm.api_url 或 server.public_url",
                "containers of the swarm do not know where the server is: set swarm.api_url or server.public_url"
            );
        }
        let Seen { machines, obstacle, .. } = self.seen();
        if let Some(obstacle) = obstacle {
            return obstacle;
        }
        let fitting = || machines.iter().filter(|machine| labels.iter().all(|label| machine.has(label)));
        match (fitting().any(|machine| machine.is_ready), fitting().count(), labels.join(", ")) {
            (true, ..) => text!("等待 Swarm 的空闲执行槽", "waiting for a free slot of the swarm"),
            (false, 0, labels) if labels.is_empty() => text!("等待 Swarm 应答", "waiting for the swarm to answer"),
            (false, 0, labels) => {
                text!("Swarm 中没有机器带有标签 {labels}", "no machine of the swarm has the labels {labels}")
            }
            (false, _, labels) if labels.is_empty() => {
                text!("Swarm 中没有可用的机器", "no machine of the swarm is ready")
            }
            (false, _, labels) => text!(
                "Swarm 中带有标签 {labels} 的机器均不可用",
                "no machine of the swarm that has the labels {labels} is ready"
            ),
        }
    }

    /// Why the job of an attempt has not started, where the swarm says it.
    pub(in super::super) fn reason_of_start(&self, task: &TaskId, attempt: i64) -> Option<Text> {
        let Seen { mut unplaced, .. } = self.seen();
        let why = unplaced.remove(&(task.clone(), attempt))?;
        Some(if swarm::is_full(&why) {
            text!(
                "Swarm 中没有机器有足够的空闲内存和处理器: {why}",
                "no machine of the swarm has enough memory and processors to spare: {why}"
            )
        } else {
            text!("Swarm 尚未启动该任务: {why}", "the swarm has not started it yet: {why}")
        })
    }
}
