//! A spider of `source` `git`: a folder of its project's repository, at the commit that was fetched last.
//!
//! Its files are merged three ways: what the last commit had, what the spider has, what the new commit has. What users
//! changed stays; where the commit changed the same file, theirs stands aside. What comes of it is the next version, which
//! runs, unless somebody has chosen another one than the newest: that choice stays until a pull is forced. All of it is one
//! transaction, which counts only as long as the project's claim does.

mod choose;
mod follow;
mod routes;
mod store;
mod take;
mod types;

pub(super) use routes::router;
pub(super) use store::forget;

use super::{Source, Spider, Spiders};
use crate::{
    error::{Error, Result},
    text,
};

impl Spiders {
    /// Whether a repository can be what the spider is made from, where it is to be.
    pub(super) async fn check_repository(&self, spider: &Spider) -> Result<()> {
        if spider.source != Source::Git {
            return Ok(());
        }
        choose::folder_of(&spider.git_repo).map_err(|flaw| Error::invalid("body.git_repo", "path", flaw.text()))?;
        if self.projects.get(&spider.project_id).await?.git_url.is_none() {
            return Err(Error::invalid(
                "body.project_id",
                "value_error",
                text!(
                    "source 为 git 的爬虫须属于设置了 git_url 的项目",
                    "a spider of source git belongs to a project with a repository; set the project's git_url first"
                ),
            ));
        }
        Ok(())
    }
}
