//! What is said of editors.

use super::{AlertLevel, AlertType, Alerts};
use crate::{
    error::{Result, Text},
    features::events::{EditorTrouble, Trouble},
    platform::database::Transaction,
    text,
};

impl Alerts {
    pub(super) async fn editor_troubled(&self, transaction: &mut Transaction, trouble: &EditorTrouble) -> Result<()> {
        let level = match trouble.what {
            Trouble::SyncFailed { .. } | Trouble::Lost { .. } | Trouble::Crashed { .. } => AlertLevel::Error,
            Trouble::Conflicts { .. } | Trouble::LeftOut { .. } | Trouble::DiskFull { .. } => AlertLevel::Warning,
            Trouble::Closing { .. } => AlertLevel::Info,
        };
        let kind = (AlertType::Editor, level);
        self.raise_of_spider(transaction, kind, (&trouble.spider_id, None), message(trouble)).await
    }
}

fn message(trouble: &EditorTrouble) -> Text {
    let EditorTrouble { spider_name: name, user, what, .. } = trouble;
    match what {
        Trouble::SyncFailed { reason } => text!(
            "爬虫 [{name}] 的编辑器（{user}）文件同步失败，容器已保留: {reason}",
            "the files of {user}'s editor of the spider [{name}] cannot be brought back; it is kept: {reason}"
        ),
        Trouble::Conflicts { paths, more } => {
            let paths = paths.join(", ");
            let (zh, en) = if *more > 0 {
                (format!("等（另有 {more} 个）"), format!(" and {more} more"))
            } else {
                (String::new(), String::new())
            };
            text!(
                "爬虫 [{name}] 的文件在服务器和编辑器（{user}）中都被修改，编辑器的版本另存为: {paths}{zh}",
                "files of the spider [{name}] were changed here and in {user}'s editor; the editor's are kept as: {paths}{en}"
            )
        }
        Trouble::LeftOut { paths } => {
            let paths = paths.join(", ");
            text!(
                "爬虫 [{name}] 的编辑器（{user}）已关闭，以下文件名无法保存，文件未保留: {paths}",
                "{user}'s editor of the spider [{name}] was closed, and files were not kept whose names a spider cannot have: {paths}"
            )
        }
        Trouble::Lost { since } => {
            let since = since.format("%F %T UTC");
            text!(
                "爬虫 [{name}] 的编辑器（{user}）的容器已不存在，{since} 之后的修改可能已丢失",
                "the container of {user}'s editor of the spider [{name}] is gone; what was saved in it since {since} may be missing"
            )
        }
        Trouble::Crashed { reason } => text!(
            "爬虫 [{name}] 的编辑器（{user}）多次异常退出，文件已保存: {reason}",
            "{user}'s editor of the spider [{name}] ended by itself again and again; its files are saved: {reason}"
        ),
        Trouble::DiskFull { limit_mb } => text!(
            "爬虫 [{name}] 的编辑器（{user}）写入磁盘超过 {limit_mb} MB，已关闭，文件已保存",
            "{user}'s editor of the spider [{name}] was closed, as it had written more than {limit_mb} MB; its files are saved"
        ),
        Trouble::Closing { at, is_idle } => {
            let at = at.format("%F %T UTC");
            if *is_idle {
                text!(
                    "爬虫 [{name}] 的编辑器（{user}）长时间未使用，将于 {at} 关闭，文件会先保存",
                    "{user}'s editor of the spider [{name}] is not used and will be closed at {at}; its files are saved first"
                )
            } else {
                text!(
                    "爬虫 [{name}] 的编辑器（{user}）即将达到最长时限，将于 {at} 关闭，文件会先保存",
                    "{user}'s editor of the spider [{name}] was open for long and will be closed at {at}; its files are saved first"
                )
            }
        }
    }
}
