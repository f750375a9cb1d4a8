//! Commands in running containers.

use std::time::Duration;

use bollard::{
    exec::{CreateExecOptions, StartExecOptions, StartExecResults},
    query_parameters::ResizeExecOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};
use tokio_util::sync::CancellationToken;

use super::{
    A_MOMENT, Docker,
    answers::{found, is_hung_up, told_of, written},
    connection::PATIENCE,
    raw,
    streams::feeding,
};
use crate::platform::containers::{
    ContainerError, ContainerId, Ended, Exec, Output, Result, Running, Size, Terminal,
    marks::{self, BEGUN},
};

/// Of a command's output that is read at a time.
const PIECE: usize = 64 * 1024;
/// Between two questions whether a command has ended whose output is held: nobody waits for that but who left something
/// behind.
const SELDOM: Duration = Duration::from_millis(500);

impl Docker {
    async fn make(&self, id: &ContainerId, exec: Exec, reads: bool, tty: bool) -> Result<String> {
        let argv = match exec.mark {
            Some(mark) => mark.wrapping(exec.argv),
            None => exec.argv,
        };
        let options = CreateExecOptions {
            attach_stdin: Some(reads),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(tty),
            env: Some(exec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            cmd: Some(argv),
            working_dir: exec.working_dir,
            ..Default::default()
        };
        Ok(self.connection.ask(id, self.client().await?.create_exec(id, options)).await?.id)
    }

    pub(super) async fn run(&self, id: &ContainerId, mut exec: Exec) -> Result<Running> {
        let client = self.client().await?;
        let (stdin, is_marked) = (exec.stdin.take(), exec.mark.is_some());
        let made = self.make(id, exec, stdin.is_some(), false).await?;
        let how = StartExecOptions { output_capacity: Some(PIECE), ..Default::default() };
        let started = self.connection.ask(id, client.start_exec(&made, Some(how))).await?;
        let StartExecResults::Attached { output, input } = started else {
            return Err(ContainerError::failed("the engine did not attach to a command"));
        };
        let about = id.clone();
        // Whether the command has ended is told by its exit code.
        let output = output.take_while(|piece| ready(!piece.as_ref().is_err_and(is_hung_up)));
        let output = output.map(move |piece| piece.map(written).map_err(|error| told_of(error, &about)));
        let (output, is_silent) = told_at_end(output);
        let output = if is_marked { begun(output).await? } else { output };
        let output = feeding(output, stdin, input);
        Ok(Running { output, exit: exit_of(client, made, id.clone(), is_silent) })
    }

    pub(super) async fn run_at_terminal(&self, id: &ContainerId, exec: Exec, size: Size) -> Result<Terminal> {
        let client = self.client().await?;
        let is_marked = exec.mark.is_some();
        let made = self.make(id, exec, true, true).await?;
        let version = client.client_version().to_string();
        let address = self.connection.address();
        let beginning = tokio::time::timeout(PATIENCE, raw::begin(&address, &version, &made)).await;
        let late = |_| ContainerError::Unavailable(anyhow::anyhow!("it took too long to begin a terminal"));
        let (output, input) = beginning.map_err(late)??;
        let (output, is_silent) = told_at_end(output);
        let output = if is_marked { begun(output).await? } else { output };
        self.set_size(id, &made, size).await?;
        let exit = exit_of(client, made.clone(), id.clone(), is_silent);
        Ok(Terminal { id: made, output, input: Box::pin(input), exit })
    }

    pub(super) async fn set_size(&self, id: &ContainerId, terminal: &str, size: Size) -> Result<()> {
        let options = ResizeExecOptionsBuilder::default().w(size.columns.into()).h(size.rows.into()).build();
        let resized = self.connection.ask(id, self.client().await?.resize_exec(terminal, options).map(found)).await;
        match resized {
            // It has ended.
            Err(ContainerError::Failed(_) | ContainerError::Conflict(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    pub(super) async fn kill_marked(&self, id: &ContainerId, whom: Ended<'_>) -> Result<()> {
        let argv = marks::end(whom);
        let exec = Exec { working_dir: Some("/".to_owned()), ..Exec::new(argv.iter().map(String::as_str)) };
        let Running { mut output, exit } = self.run(id, exec).await?;
        while let Some(piece) = output.next().await {
            piece?;
        }
        match exit.await? {
            0 => Ok(()),
            code => Err(ContainerError::failed(format!("what is to end processes ended with {code}"))),
        }
    }
}

/// The same pieces, and what is cancelled after the last one.
fn told_at_end<T: Send + 'static>(
    pieces: impl Stream<Item = Result<T>> + Send + 'static,
) -> (BoxStream<'static, Result<T>>, CancellationToken) {
    let end = CancellationToken::new();
    let guard = end.clone().drop_guard();
    let last = stream::once(async move { drop(guard) }).filter_map(|()| ready(None));
    (pieces.chain(last).boxed(), end)
}

fn exit_of(
    client: bollard::Docker,
    command: String,
    about: ContainerId,
    is_silent: CancellationToken,
) -> BoxFuture<'static, Result<i64>> {
    async move {
        loop {
            tokio::select! {
                () = is_silent.cancelled() => {}
                () = tokio::time::sleep(SELDOM) => {}
            }
            let now = client.inspect_exec(&command).await.map_err(|error| told_of(error, &about))?;
            if let (Some(false), Some(code)) = (now.running, now.exit_code) {
                return Ok(code);
            }
            if is_silent.is_cancelled() {
                tokio::time::sleep(A_MOMENT).await;
            }
        }
    }
    .boxed()
}

/// The output of a marked command once it has its mark, without the word that it has. One that could not take it says why,
/// and has ended.
async fn begun<T: Begin>(mut output: BoxStream<'static, Result<T>>) -> Result<BoxStream<'static, Result<T>>> {
    let mut before = Vec::new();
    while let Some(piece) = output.next().await {
        match piece?.begin() {
            Ok(rest) => {
                before.extend(rest);
                break;
            }
            Err(other) => before.push(other),
        }
    }
    Ok(stream::iter(before.into_iter().map(Ok)).chain(output).boxed())
}

/// What may be the first piece of a marked command.
trait Begin: Sized + Send + 'static {
    /// What follows in it, if anything; the piece itself where it is another one.
    fn begin(self) -> Result<Option<Self>, Self>;
}

impl Begin for Bytes {
    fn begin(mut self) -> Result<Option<Self>, Self> {
        if self.first() != Some(&BEGUN) {
            return Err(self);
        }
        let rest = self.split_off(1);
        Ok(Some(rest).filter(|rest| !rest.is_empty()))
    }
}

impl Begin for Output {
    fn begin(self) -> Result<Option<Self>, Self> {
        match self {
            Self::Stdout(bytes) => bytes.begin().map(|rest| rest.map(Self::Stdout)).map_err(Self::Stdout),
            Self::Stderr(_) => Err(self),
        }
    }
}
