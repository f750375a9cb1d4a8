//! What is said of instances.

use super::{AlertLevel, AlertType, Alerts};
use crate::{
    error::{Result, Text},
    features::events::{InstanceTrouble, Mishap},
    platform::database::Transaction,
    text,
};

impl Alerts {
    pub(super) async fn instance_troubled(
        &self,
        transaction: &mut Transaction,
        trouble: &InstanceTrouble,
    ) -> Result<()> {
        let level = match trouble.what {
            Mishap::GivenUp { .. } => AlertLevel::Error,
            Mishap::DiskFull { .. } => AlertLevel::Warning,
        };
        self.raise_of_fact(transaction, (AlertType::Instance, level), (None, None), message(trouble)).await
    }
}

fn message(trouble: &InstanceTrouble) -> Text {
    let InstanceTrouble { prefix, user, what } = trouble;
    match what {
        Mishap::GivenUp { reason } => {
            text!("实例 {prefix}（{user}）无法运行: {reason}", "the instance {prefix} of {user} does not run: {reason}")
        }
        Mishap::DiskFull { limit_mb } => text!(
            "实例 {prefix}（{user}）写入磁盘超过 {limit_mb} MB，已停止",
            "the instance {prefix} of {user} was stopped, as it had written more than {limit_mb} MB"
        ),
    }
}
