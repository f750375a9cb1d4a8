//! Commands that are ended with all that they started, terminals, and volumes.

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use super::{Tested, on_each};
use crate::platform::containers::{
    ContainerError, ContainerId, ContainerSpec, Ended, Exec, Mark, Piece, Running, Size, Terminal,
};

impl Tested {
    /// A container whose own process has its mark.
    async fn with_marks(&self) -> ContainerId {
        let command = Mark::MAIN.wrapping(["sleep", "1000"].map(str::to_owned));
        self.started(&ContainerSpec { command: Some(command), ..self.spec("") }).await
    }

    async fn begin(&self, id: &ContainerId, mark: Option<Mark>, command: &str) -> Running {
        let exec = Exec { mark, ..Exec::new(["sh", "-c", command]) };
        self.containers.exec(id, exec).await.unwrap()
    }
}

async fn ended(running: Running) -> (String, i64) {
    let (mut pieces, mut text) = (running.pieces(), String::new());
    loop {
        match pieces.next().await.unwrap().unwrap() {
            Piece::Stdout(bytes) | Piece::Stderr(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Piece::Silent => {}
            Piece::Ended(code) => return (text, code),
        }
    }
}

#[tokio::test]
async fn a_command_ends_with_its_own_process() {
    on_each(|tested| async move {
        let id = tested.with_marks().await;
        let running = tested.begin(&id, Some(Mark::new()), "sleep 1000 & echo printed; exit 3").await;
        assert_eq!(ended(running).await, ("printed\n".to_owned(), 3));
        let running = tested.begin(&id, None, "yes & exit 4").await;
        assert_eq!(ended(running).await.1, 4);
        tested.containers.end(&id, Ended::Others(&[Mark::MAIN])).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn all_of_a_command_is_ended_and_nothing_else() {
    on_each(|tested| async move {
        let (engine, id) = (&tested.containers, tested.with_marks().await);
        let (kept, gone) = (Mark::new(), Mark::new());
        let other = tested.begin(&id, Some(kept), "while ! [ -e go ]; do sleep 0.01; done; echo done").await;
        // Out of its group, its session, its environment; deaf; and one that is always another process.
        let hiding = if tested.is_real {
            "trap '' TERM INT HUP; (setsid env -i sh -c 'trap \"\" TERM; while true; do sleep 300; done' &) ;
             ulimit -x 7 2>/dev/null || ulimit -w 7; (setsid sh -c 'while true; do sleep 299; done' &);
             sh -c 'f() { (f &) ; exit; }; f' & echo up; sleep 298"
        } else {
            "(setsid sleep 300 &); echo up; sleep 298"
        };
        let mut hiding = tested.begin(&id, Some(gone), hiding).await.pieces();
        assert_eq!(hiding.next().await.unwrap().unwrap(), Piece::Stdout("up\n".into()));
        engine.end(&id, Ended::Others(&[Mark::MAIN, kept])).await.unwrap();
        while !matches!(hiding.next().await.unwrap().unwrap(), Piece::Ended(137)) {}
        if tested.is_real {
            let left = tested.run(&id, "grep -l -a '^sleep.\\(29\\|300\\)' /proc/[0-9]*/cmdline | wc -l").await;
            assert_eq!(left.stdout, b"0\n");
        }
        tested.run(&id, "touch go").await;
        assert_eq!(ended(other).await, ("done\n".to_owned(), 0));
        // Where nobody is to be spared but the container itself.
        let all = tested.begin(&id, Some(gone), "sleep 1000").await;
        engine.end(&id, Ended::Others(&[Mark::MAIN])).await.unwrap();
        assert_eq!(ended(all).await.1, 137);
        assert!(engine.inspect(&id).await.unwrap().unwrap().state.is_running());
        // A container whose own process nobody marked.
        let unmarked = tested.started(&tested.spec("sleep 1000")).await;
        let other = tested.begin(&unmarked, Some(kept), "while ! [ -e go ]; do sleep 0.01; done; echo done").await;
        let own =
            tested.begin(&unmarked, None, "ulimit -t 500; while ! [ -e go ]; do sleep 0.01; done; echo own").await;
        let lost = if tested.is_real { "ulimit -x 7 2>/dev/null || ulimit -w 7; (setsid sleep 1000 &);" } else { "" };
        let mut all = tested.begin(&unmarked, Some(gone), &format!("{lost} echo up; sleep 1000")).await.pieces();
        assert_eq!(all.next().await.unwrap().unwrap(), Piece::Stdout("up\n".into()));
        engine.end(&unmarked, Ended::Of(gone)).await.unwrap();
        while !matches!(all.next().await.unwrap().unwrap(), Piece::Ended(137)) {}
        tested.run(&unmarked, "touch go").await;
        assert_eq!(ended(other).await, ("done\n".to_owned(), 0));
        assert_eq!(ended(own).await, ("own\n".to_owned(), 0));
        assert!(engine.inspect(&unmarked).await.unwrap().unwrap().state.is_running());
    })
    .await;
}

#[tokio::test]
async fn terminals() {
    on_each(|tested| async move {
        let (engine, id) = (&tested.containers, tested.with_marks().await);
        let exec = Exec { mark: Some(Mark::new()), ..Exec::new(["sh"]) };
        let size = Size { columns: 70, rows: 20 };
        let Terminal { id: terminal, mut output, mut input, exit } = engine.terminal(&id, exec, size).await.unwrap();
        let mut seen = String::new();
        let mut until = async |input: &mut std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>, typed: &str, shown| {
            input.write_all(typed.as_bytes()).await.unwrap();
            input.flush().await.unwrap();
            while !seen.contains(shown) {
                seen.push_str(&String::from_utf8_lossy(&output.next().await.unwrap().unwrap()));
            }
        };
        until(&mut input, "stty size; test -t 0 && echo is''atty\n", "isatty").await;
        until(&mut input, "", "20 70").await;
        engine.resize(&id, &terminal, Size { columns: 100, rows: 30 }).await.unwrap();
        until(&mut input, "stty size\n", "30 100").await;
        // What looks like the frames of another command.
        until(&mut input, "printf '\\001\\377\\377\\377\\377\\377\\377\\377\\377'; echo af''ter\n", "after").await;
        until(&mut input, "echo sta''rts; cat; echo inter''rupted\n", "starts").await;
        until(&mut input, "\u{4}", "interrupted").await;
        until(&mut input, "echo la''st; exit 5\n", "last").await;
        assert_eq!(exit.await.unwrap(), 5);
        engine.resize(&id, &terminal, size).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn volumes_outlive_containers() {
    on_each(|tested| async move {
        let engine = &tested.containers;
        let name = format!("crawlhub-test-{}", crate::id::new());
        let labels = engine.labels("test");
        for _ in 0..2 {
            engine.make_volume(&name, &labels, tested.image).await.unwrap();
        }
        let unknown = engine.make_volume("crawlhub-test-none", &labels, "crawlhub-none:none").await;
        assert!(matches!(unknown, Err(ContainerError::NoImage(_))), "{unknown:?}");
        let spec = || ContainerSpec {
            volumes: vec![(name.clone(), "/workspace".to_owned())],
            read_only: true,
            without_log: true,
            ..tested.spec("sleep 1000")
        };
        let id = tested.started(&spec()).await;
        assert_eq!(tested.run(&id, "echo kept > file; mkdir folder").await.code, 0);
        assert!(matches!(engine.remove_volume(&name).await, Err(ContainerError::Conflict(_))));
        if tested.is_real {
            let tried = "touch /etc/x /home/x 2>/dev/null; cp /bin/true /tmp/ && /tmp/true && echo runs; id -u; \
                         stat -c '%u %a' /workspace; df -m /tmp | tail -1 | tr -s ' ' | cut -d ' ' -f 2; ls /workspace";
            assert_eq!(tested.run(&id, tried).await.stdout, b"runs\n1000\n1000 755\n64\nfile\nfolder\n");
            assert_ne!(tested.run(&id, "touch /etc/x").await.code, 0);
        }
        engine.remove(&id).await.unwrap();
        let id = tested.started(&spec()).await;
        assert_eq!(tested.run(&id, "cat file").await.stdout, b"kept\n");
        engine.remove(&id).await.unwrap();
        let found = engine.own_volumes("test").await.unwrap();
        assert_eq!(found.iter().map(|volume| volume.name.as_str()).collect::<Vec<_>>(), [name.as_str()]);
        for _ in 0..2 {
            engine.remove_volume(&name).await.unwrap();
        }
        assert_eq!(engine.own_volumes("test").await.unwrap(), []);
    })
    .await;
}
