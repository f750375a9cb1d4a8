use std::time::Duration;

use tar::{Builder, EntryType, Header};

use super::{
    super::{pack::in_time, skipped::Skipped},
    *,
};
use crate::platform::disk::Disk;

const LIMITS: config::Spiders =
    config::Spiders { max_file_bytes: 3_000_000, max_total_bytes: 4_000_000, max_files: 20 };

/// As it is written, whatever the name is.
fn head(name: &str, kind: EntryType, size: u64) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    let mut entry = head(name, EntryType::Regular, content.len() as u64);
    entry.extend_from_slice(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn link(name: &str, to: &str) -> Vec<u8> {
    let mut header = Header::from_byte_slice(&head(name, EntryType::Link, 0)).clone();
    header.as_ustar_mut().unwrap().linkname[..to.len()].copy_from_slice(to.as_bytes());
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn whole(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

async fn opened(tar: ByteStream) -> Result<(Unpacked, Files, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::local(folder.path(), Disk::new(folder.path(), 0)).unwrap();
    Ok((unpack(tar, "workspace", &LIMITS, &files).await?, files, folder))
}

fn in_pieces(tar: &[u8]) -> ByteStream {
    let pieces: Vec<_> = tar.chunks(700).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed()
}

async fn refusal(tar: Vec<u8>) -> &'static str {
    code(opened(in_pieces(&tar)).await.unwrap_err())
}

fn code(error: Error) -> &'static str {
    match error {
        Error::Conflict(problem) | Error::TooLarge(problem) => problem.code,
        Error::Unavailable { .. } => "unavailable",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_an_engine_gives() {
    let mut tar = Builder::new(Vec::new());
    let mut add = |name: &str, mode: u32, content: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content).unwrap();
    };
    let long = format!("workspace/{}/爬虫.py", "d".repeat(150));
    add("workspace/main.py", 0o600, b"print(1)");
    add("workspace/run.sh", 0o755, b"#!/bin/sh");
    add(&long, 0o644, b"");
    add("workspace/large", 0o644, &vec![7; 2_000_000]);
    add("workspace/node_modules/huge", 0o644, &vec![0; 5_000_000]);
    add("workspace/back\\slash", 0o644, b"x");
    let mut entries = tar.into_inner().unwrap();
    entries.truncate(entries.len() - 1024);
    let rest = [
        head("workspace/", EntryType::Directory, 0),
        link("workspace/twin.py", "workspace/main.py"),
        head("workspace/link", EntryType::Symlink, 0),
        head("workspace/device", EntryType::Char, 0),
        head("workspace/pipe", EntryType::Fifo, 0),
        head("workspace/.git/link", EntryType::Symlink, 0),
    ];
    let tar = whole(&[entries, rest.concat()]);
    let (unpacked, files, _folder) = opened(in_pieces(&tar)).await.unwrap();
    let seen: Vec<_> =
        unpacked.files.iter().map(|(path, state)| (path.as_str(), state.size, state.executable)).collect();
    let long = long.trim_start_matches("workspace/");
    let wanted = [
        (long, 0, false),
        ("large", 2_000_000, false),
        ("main.py", 8, false),
        ("run.sh", 9, true),
        ("twin.py", 8, false),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(files.get(&unpacked.files["twin.py"].hash).await.unwrap(), &b"print(1)"[..]);
    assert_eq!(files.size(&unpacked.files["large"].hash).await.unwrap(), 2_000_000);
    let skipped = |path: &str, reason| Skipped { path: path.to_owned(), reason };
    let named = [
        skipped("back\\slash", NAME),
        skipped("link", NOT_A_FILE),
        skipped("device", NOT_A_FILE),
        skipped("pipe", NOT_A_FILE),
    ];
    assert_eq!(unpacked.left_out.named, named);
    assert!(unpacked.left_out.hides("link") && unpacked.left_out.hides("link/a"));
    assert!(!unpacked.left_out.hides("linked") && !unpacked.left_out.hides("node_modules/a"));
}

#[tokio::test]
async fn what_cannot_be_trusted() {
    let main = || file("workspace/main.py", b"1");
    let two_links = || [link("workspace/a", "workspace/main.py"), link("workspace/a", "workspace/main.py")].concat();
    for (what, entries, wanted) in [
        ("climbs", file("workspace/../../etc/passwd", b"1"), "archive_refused"),
        ("climbs at its end", file("workspace/a/..", b"1"), "archive_refused"),
        ("absolute", file("/workspace/a", b"1"), "archive_refused"),
        ("elsewhere", file("other/a", b"1"), "archive_refused"),
        ("a folder that climbs", head("workspace/../..", EntryType::Directory, 0), "archive_refused"),
        ("twice", main(), "archive_refused"),
        ("in two ways", link("workspace/main.py", "workspace/main.py"), "archive_refused"),
        ("two links", two_links(), "archive_refused"),
        ("a link out", link("workspace/a", "/etc/passwd"), "archive_refused"),
        ("a link that climbs", link("workspace/a", "workspace/../a"), "archive_refused"),
        ("a link to what is left out", link("workspace/a", "workspace/node_modules/a"), "archive_linked"),
        ("a link to nothing", link("workspace/a", ""), "archive_linked"),
        ("a huge file", head("workspace/a", EntryType::Regular, 1 << 40), "files_too_large"),
        ("a large file", file("workspace/a", &vec![0; 3_000_001]), "file_too_large"),
        ("a huge one that is left out", head("workspace/.git/a", EntryType::Regular, 1 << 40), "files_too_large"),
        ("no header", vec![1; 512], "archive_broken"),
    ] {
        assert_eq!(refusal(whole(&[main(), entries])).await, wanted, "{what}");
    }
    let large = |name: &str| file(name, &vec![0; 2_000_001]);
    assert_eq!(refusal(whole(&[large("workspace/a"), large("workspace/b")])).await, "files_too_large");
    let many: Vec<_> = (0..21).map(|at| file(&format!("workspace/{at}"), b"")).collect();
    assert_eq!(refusal(whole(&many)).await, "too_many_files");
    let many_links: Vec<_> = (0..20).map(|at| link(&format!("workspace/{at}"), "workspace/main.py")).collect();
    assert_eq!(refusal(whole(&[main(), many_links.concat()])).await, "too_many_files");
}

/// Files that did not come would count as removed.
#[tokio::test]
async fn what_ends_before_its_end() {
    let zeros = file("workspace/zeros", &[0; 4096]);
    let all = whole(&[file("workspace/a", &[1; 600]), zeros.clone()]);
    let (unpacked, ..) = opened(in_pieces(&all)).await.unwrap();
    assert_eq!(unpacked.files.len(), 2);
    for end in [0, 100, 512, 1000, 1536, 1700, 1536 + 512, 1536 + zeros.len()] {
        assert_eq!(refusal(all[..end].to_vec()).await, "archive_broken", "{end}");
    }
}

#[tokio::test]
async fn what_never_ends() {
    let repeated = |entry: Vec<u8>| stream::repeat_with(move || Ok(Bytes::from(entry.repeat(64)))).boxed();
    let left_out = repeated(head("workspace/.git/a", EntryType::Regular, 0));
    assert_eq!(code(opened(left_out).await.unwrap_err()), "too_many_files");
    assert_eq!(code(opened(repeated(vec![0; 512])).await.unwrap_err()), "archive_broken");
    // A name, held in memory.
    let name = head("././@LongLink", EntryType::GNULongName, 1 << 30);
    let name = stream::iter([Ok(Bytes::from(name))]).chain(repeated(vec![b'a'; 512])).boxed();
    assert_eq!(code(opened(name).await.unwrap_err()), "archive_broken");
    // Nothing at all, and a byte now and then.
    let a_while = Duration::from_millis(50);
    let silent = in_time(stream::pending(), a_while, Duration::from_mins(10));
    assert_eq!(code(opened(silent).await.unwrap_err()), "unavailable");
    let slow = stream::repeat(()).then(|()| async {
        tokio::task::yield_now().await;
        Ok(Bytes::from_static(&[0]))
    });
    let slow = in_time(slow.boxed(), Duration::from_mins(10), a_while);
    assert_eq!(code(opened(slow).await.unwrap_err()), "unavailable");
}
