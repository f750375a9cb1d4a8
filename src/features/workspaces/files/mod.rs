//! Files of workspaces. All is done in the workspace's container, by its user, with what the image has of the GNU tools:
//! nothing of this machine is in reach there, whatever a path leads to, and no link is followed.

mod download;
mod listing;
mod path;
mod routes;
mod scripts;
mod upload;

use std::time::Duration;

pub(super) use routes::router;

use self::{
    path::WorkPath,
    scripts::{CHANGED, MAKE_FOLDER, REMOVE},
};
use super::{
    Workspaces,
    place::FOLDER,
    runs::{Held, Run},
    types::{Kind, Workspace},
};
use crate::{
    error::{Error, Result},
    features::accounts::Caller,
    platform::containers::{Exec, Finished, Running},
    text,
};

/// For what is no upload or download.
const PATIENCE: Duration = Duration::from_mins(1);
/// Of what is printed, where it is no listing.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Of what a tool says, in a message.
const SAID: usize = 300;

impl Workspaces {
    /// Begins a script of [`scripts`] in the workspace.
    async fn script(&self, run: &mut Run, script: &str, arguments: &[&str]) -> Result<Running> {
        let exec = || {
            let argv = ["sh", "-c", script, "sh"].into_iter().chain(arguments.iter().copied());
            Exec { working_dir: Some(FOLDER.to_owned()), mark: Some(run.mark), ..Exec::new(argv) }
        };
        let (container, running) = self.begin_command(&run.workspace, exec).await?;
        run.held = Some(Held::Shared(container));
        Ok(running)
    }

    /// Runs one to its end, which must come soon. An error where it is not 0.
    async fn done(&self, run: &mut Run, script: &str, arguments: &[&str], limit: usize) -> Result<Finished> {
        let running = self.script(run, script, arguments).await?;
        let done = tokio::time::timeout(PATIENCE, running.gathered(limit)).await.map_err(|_| too_slow())??;
        if done.code == 0 { Ok(done) } else { Err(refused(done.code, &done.stderr)) }
    }

    async fn make_folder(&self, caller: &Caller, workspace: Workspace, path: &WorkPath) -> Result<()> {
        self.has_room(&workspace)?;
        let mut run = self.enter(workspace, &caller.user_id, Kind::Files).await?;
        self.done(&mut run, MAKE_FOLDER, &path.parts(), LONGEST_ANSWER).await?;
        run.over().await
    }

    /// Also where the workspace is full: then there is room again.
    async fn remove_files(&self, caller: &Caller, workspace: Workspace, path: &WorkPath) -> Result<()> {
        let mut run = self.enter(workspace, &caller.user_id, Kind::Files).await?;
        self.done(&mut run, REMOVE, &path.name_and_folder()?, LONGEST_ANSWER).await?;
        if let Some(held) = &run.held
            && let Err(error) = self.measure(&run.workspace.id, held.container()).await
        {
            tracing::debug!("{error}");
        }
        run.over().await
    }
}

fn too_slow() -> Error {
    Error::conflict("workspace_busy", text!("工作区响应过慢，请稍后重试", "the workspace is too slow; try again later"))
}

/// What a script's exit code means.
fn refused(code: i64, stderr: &[u8]) -> Error {
    match code {
        scripts::NONE => {
            Error::not_found("file_not_found", text!("没有这个文件或文件夹", "there is no such file or folder"))
        }
        scripts::LINK => Error::bad_request(
            "not_a_file",
            text!("这是链接或其他特殊文件，不能读取", "it is a link, or no file at all, and cannot be read"),
        ),
        scripts::TAKEN => Error::conflict(
            "path_taken",
            text!("该路径上已有同名的文件或文件夹", "a file is in the place of a folder there, or the other way round"),
        ),
        CHANGED => {
            Error::conflict("file_changed", text!("文件正在变化，请重试", "it changes while it is read; try again"))
        }
        code => {
            let said = String::from_utf8_lossy(stderr);
            let said: String = said.chars().filter(|letter| !letter.is_control()).take(SAID).collect();
            Error::conflict(
                "workspace_refuses",
                text!("工作区无法完成（{code}）: {said}", "the workspace cannot do it ({code}): {said}"),
            )
        }
    }
}
