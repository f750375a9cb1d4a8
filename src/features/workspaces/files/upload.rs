//! Into a workspace: files as they come, aside first, and in their places once all of them are there.

use std::io;

use axum::extract::Request;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::{
    LONGEST_ANSWER, WorkPath, Workspaces, path,
    scripts::{FORGET, PLACE, RECEIVE, UNFINISHED},
};
use crate::{
    error::{Error, Result},
    features::{
        accounts::Caller,
        workspaces::{
            place::FOLDER,
            runs::{Held, Run},
            types::{Kind, Workspace},
        },
    },
    platform::{
        containers::{ContainerError, Exec, Running},
        http::{FilePart, Part, Parts},
    },
    text,
};

/// Pieces that wait for the container.
const WAITING: usize = 8;
/// In one call.
const MOST_FILES: usize = 100;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkspaceUploaded)]
pub(super) struct Uploaded {
    pub files: Vec<UploadedFile>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkspaceUploadedFile)]
pub(super) struct UploadedFile {
    pub filename: String,
    /// From the workspace.
    pub path: String,
    pub size: u64,
}

/// One that is there, aside.
struct Received {
    aside: String,
    name: String,
    size: u64,
}

impl Workspaces {
    pub(super) async fn upload(&self, caller: &Caller, workspace: Workspace, request: Request) -> Result<Uploaded> {
        self.has_room(&workspace)?;
        let mut run = self.enter(workspace, &caller.user_id, Kind::Files).await?;
        let mut received = Vec::new();
        let id = run.id.clone();
        let uploaded = tokio::select! {
            uploaded = self.receive_all(&mut run, request, &mut received) => uploaded,
            () = self.renew(&id) => Err(super::too_slow()),
        };
        match uploaded {
            Ok(uploaded) => {
                if let Some(held) = &run.held {
                    self.measure_soon(&run.workspace.id, held.container());
                }
                run.over().await?;
                Ok(uploaded)
            }
            Err(error) => {
                let asides: Vec<&str> = received.iter().map(|file: &Received| file.aside.as_str()).collect();
                if !asides.is_empty() {
                    let _ = self.done(&mut run, FORGET, &asides, LONGEST_ANSWER).await;
                }
                run.end().await?;
                Err(error)
            }
        }
    }

    async fn receive_all(&self, run: &mut Run, request: Request, received: &mut Vec<Received>) -> Result<Uploaded> {
        let mut parts = Parts::of(request, |_: &str| self.full()).await?;
        let (mut path, mut room) = (String::new(), self.room(&run.workspace));
        while let Some(part) = parts.next().await? {
            match part {
                Part::Text(field, text) if field == "path" => path = text,
                Part::Text(..) => {}
                Part::File(file) => {
                    if received.len() == MOST_FILES {
                        let text = text!("一次最多上传 {MOST_FILES} 个文件", "takes {MOST_FILES} files at a time");
                        return Err(Error::invalid("body.file", "too_long", text));
                    }
                    self.receive(run, file, &mut room, received).await?;
                }
            }
        }
        self.put_in_place(run, &path, received).await
    }

    /// Takes one file into the container.
    async fn receive(
        &self,
        run: &mut Run,
        mut file: FilePart<'_>,
        room: &mut u64,
        received: &mut Vec<Received>,
    ) -> Result<()> {
        // As some browsers say it, with the folders that it comes from.
        let name = file.name.clone().unwrap_or_default();
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        if !path::is_name(&name) {
            return Err(path::refused(&name));
        }
        let aside = format!("{UNFINISHED}{}", crate::id::new());
        let (sender, feed_end) = mpsc::channel::<io::Result<Bytes>>(WAITING);
        let running = self.begin_receiving(run, &aside, feed_end).await?;
        received.push(Received { aside, name, size: 0 });
        let mut size = 0;
        let feed = async {
            while let Some(bytes) = file.chunk().await? {
                size += bytes.len() as u64;
                *room = room.checked_sub(bytes.len() as u64).ok_or_else(|| self.full())?;
                // What ended early says why.
                if sender.send(Ok(bytes)).await.is_err() {
                    break;
                }
            }
            drop(sender);
            Ok(())
        };
        let taken = async { Ok::<_, Error>(running.gathered(LONGEST_ANSWER).await?) };
        let ((), done) = tokio::try_join!(feed, taken)?;
        if done.code != 0 {
            return Err(self.too_large(done.code, &done.stderr));
        }
        if let Some(last) = received.last_mut() {
            last.size = size;
        }
        Ok(())
    }

    async fn begin_receiving(
        &self,
        run: &mut Run,
        aside: &str,
        pieces: mpsc::Receiver<io::Result<Bytes>>,
    ) -> Result<Running> {
        let pieces = stream::unfold(pieces, |mut pieces| async move { Some((pieces.recv().await?, pieces)) });
        let mut stdin = Some(pieces.boxed());
        // It can be begun once only: so there is somewhere before.
        self.awake(&run.workspace).await?;
        let (container, running) = self
            .begin(&run.workspace, |id| {
                let exec = stdin.take().map(|stdin| Exec {
                    working_dir: Some(FOLDER.to_owned()),
                    mark: Some(run.mark),
                    stdin: Some(stdin),
                    ..Exec::new(["sh", "-c", RECEIVE, "sh", aside])
                });
                async move {
                    let exec = exec.ok_or_else(|| ContainerError::failed("the container of an upload is gone"))?;
                    self.containers.exec(&id, exec).await
                }
            })
            .await?;
        run.held = Some(Held::Shared(container));
        Ok(running)
    }

    /// `path` is a folder where it ends with `/`, where there is one, or for several files; else it is the file's own.
    async fn put_in_place(&self, run: &mut Run, path: &str, received: &[Received]) -> Result<Uploaded> {
        let [first, ..] = received else {
            return Err(Error::invalid("body.file", "missing", text!("必填", "is required")));
        };
        let target = WorkPath::parse(path)?;
        let is_own = received.len() == 1 && !path.ends_with('/') && target.name().is_some();
        let (mut folder, mut last) = (target.parts(), "");
        if is_own {
            last = folder.pop().unwrap_or_default();
        }
        let count = received.len().to_string();
        let mut arguments = vec![count.as_str()];
        for file in received {
            arguments.extend([file.aside.as_str(), file.name.as_str(), last]);
        }
        arguments.extend(folder);
        let done = self.done(run, PLACE, &arguments, received.len() * LONGEST_ANSWER).await?;
        let said = String::from_utf8_lossy(&done.stdout);
        // The last comes first.
        let paths = said.lines().rev().map(|path| path.trim_start_matches('/'));
        let files = received.iter().zip(paths).map(|(file, path)| UploadedFile {
            filename: path.rsplit('/').next().unwrap_or(&first.name).to_owned(),
            path: path.to_owned(),
            size: file.size,
        });
        Ok(Uploaded { files: files.collect() })
    }

    fn too_large(&self, code: i64, stderr: &[u8]) -> Error {
        let said = String::from_utf8_lossy(stderr);
        // SIGXFSZ is 25.
        if code == 153 || said.contains("File too large") {
            let limit = self.settings.file_mb;
            return Error::too_large(
                "file_too_large",
                text!("单个文件最大 {limit} MB", "a file may have {limit} MB at most"),
            );
        }
        if said.contains("No space left") { self.full() } else { super::refused(code, stderr) }
    }
}
