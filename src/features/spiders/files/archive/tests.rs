use std::io::{Cursor, Write};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

const LIMITS: config::Spiders = config::Spiders { max_file_bytes: 1000, max_total_bytes: 5000, max_files: 10 };

type Writer = ZipWriter<Cursor<Vec<u8>>>;

fn zip(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    write(&mut writer);
    writer.finish().unwrap().into_inner()
}

fn add(writer: &mut Writer, name: &str, content: &[u8]) {
    writer.start_file(name, SimpleFileOptions::default()).unwrap();
    writer.write_all(content).unwrap();
}

fn zip_of(names: &[&str]) -> Vec<u8> {
    zip(|writer| names.iter().for_each(|name| add(writer, name, name.as_bytes())))
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let found: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

fn open(bytes: &[u8]) -> Result<Upload> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Upload::open(file, &LIMITS)
}

fn paths(bytes: &[u8]) -> Vec<String> {
    open(bytes).unwrap().entries.into_iter().map(|entry| entry.path).collect()
}

/// The codes, or the kinds with their places.
fn refusal(bytes: &[u8]) -> Vec<String> {
    match open(bytes).unwrap_err() {
        Error::Invalid(details) => {
            details.into_iter().map(|detail| format!("{} {}", detail.kind, detail.loc)).collect()
        }
        Error::TooLarge(problem) => vec![problem.code.to_owned()],
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_with_their_content_and_permissions() {
    let bytes = zip(|writer| {
        writer.add_directory("pkg/empty", SimpleFileOptions::default()).unwrap();
        add(writer, "爬虫.py", "print('你好')".as_bytes());
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o755);
        writer.start_file("pkg/run.sh", stored).unwrap();
        writer.write_all(b"#!/bin/sh").unwrap();
    });
    let mut upload = open(&bytes).unwrap();
    let seen: Vec<_> = upload.entries.iter().map(|entry| (entry.path.as_str(), entry.size, entry.executable)).collect();
    assert_eq!(seen, [("爬虫.py", 15, false), ("pkg/run.sh", 9, true)]);
    assert_eq!(upload.read(0).unwrap(), "print('你好')".as_bytes());
    assert_eq!(upload.read(1).unwrap(), b"#!/bin/sh");
}

#[test]
fn what_is_never_part_of_a_spider_is_left_out() {
    let deep = format!("node_modules/{}", "a/".repeat(600));
    let bytes = zip(|writer| {
        for name in ["main.py", "__pycache__/main.pyc", ".git/HEAD", "__MACOSX/._main.py", &format!("{deep}x"), "env"] {
            add(writer, name, b"");
        }
        writer.add_symlink("venv/bin/python", "/usr/bin/python3", SimpleFileOptions::default()).unwrap();
    });
    assert_eq!(paths(&bytes), ["main.py", "env"]);
    assert_eq!(refusal(&zip_of(&["a/__pycache__/b.pyc", ".DS_Store"])), ["zip_empty body.file"]);
}

#[test]
fn one_folder_around_everything_is_dropped() {
    assert_eq!(paths(&zip_of(&["a/main.py", "a/b/c.py"])), ["main.py", "b/c.py"]);
    assert_eq!(paths(&zip_of(&["repo-main/scrapy.cfg", "repo-main/p/s.py"])), ["scrapy.cfg", "p/s.py"]);
    assert_eq!(paths(&zip_of(&["__MACOSX/x", "a/main.py"])), ["main.py"]);
    assert_eq!(paths(&zip_of(&["a/main.py", "README"])), ["a/main.py", "README"]);
    assert_eq!(paths(&zip_of(&["pkg/__init__.py", "pkg/x.py"])), ["pkg/__init__.py", "pkg/x.py"]);
    assert_eq!(paths(&zip_of(&["a/b/main.py"])), ["a/b/main.py"]);
    assert_eq!(paths(&zip_of(&["ab/main.py", "a/main.py"])), ["ab/main.py", "a/main.py"]);
}

#[test]
fn entries_that_cannot_be_kept_are_all_named() {
    let long = "x".repeat(300);
    let bytes = zip(|writer| {
        for name in ["ok.py", "../a", "/b", "C:/c", "d\\e", "f//g", "./h", "i\nj", "../node_modules/k", &long] {
            add(writer, name, b"");
        }
        writer.add_symlink("link", "ok.py", SimpleFileOptions::default()).unwrap();
    });
    let mut wanted: Vec<String> = ["../a", "/b", "C:/c", "d\\e", "f//g", "./h", "i\nj", "../node_modules/k"]
        .map(|name| format!("path file.{name}"))
        .into();
    wanted.push(format!("path file.{}…", "x".repeat(120)));
    wanted.push("path file.link".to_owned());
    assert_eq!(refusal(&bytes), wanted);

    let many: Vec<String> = (0..25).map(|at| format!("../{at}")).collect();
    let refused = refusal(&zip_of(&many.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!((refused.len(), refused[20].as_str()), (21, "path body.file"));
}

#[test]
fn collisions() {
    assert_eq!(refusal(&zip_of(&["Main.py", "main.py"])), ["path file.main.py"]);
    assert_eq!(refusal(&zip_of(&["caf\u{e9}.py", "cafe\u{301}.py"])), ["path file.cafe\u{301}.py"]);
    assert_eq!(refusal(&zip_of(&["a/b.py", "A"])), ["path file.A"]);
    assert_eq!(refusal(&zip_of(&["a", "a/b.py"])), ["path file.a/b.py"]);
    assert_eq!(refusal(&replaced(&zip_of(&["one.py", "two.py"]), b"two.py", b"one.py")), ["zip_collision body.file"]);
}

#[test]
fn names_in_another_encoding() {
    // "爬虫.py" in GBK, as a Chinese Windows writes it.
    let gbk = replaced(&zip_of(&["XXXX.py", "main.py"]), b"XXXX.py", b"\xc5\xc0\xb3\xe6.py");
    assert_eq!(refusal(&gbk), ["path file.\u{fffd}\u{fffd}\u{fffd}\u{fffd}.py"]);
}

#[test]
fn limits_count_what_comes_out_and_not_what_headers_say() {
    assert_eq!(refusal(&zip(|writer| add(writer, "a", &[0; 1001]))), ["file_too_large"]);
    let six = |writer: &mut Writer| (0..6).for_each(|at| add(writer, &format!("f{at}"), &[0; 1000]));
    assert_eq!(refusal(&zip(six)), ["files_too_large"]);
    let names: Vec<String> = (0..11).map(|at| format!("f{at}")).collect();
    assert_eq!(refusal(&zip_of(&names.iter().map(String::as_str).collect::<Vec<_>>())), ["too_many_files"]);

    assert_eq!(refusal(&zip(|writer| add(writer, "bomb", &vec![0; 30_000_000]))), ["file_too_large"]);
    // One that says it is ten bytes is unpacked so far, and found to be damaged.
    let size = 30_000_000_u32;
    let bomb = zip(|writer| add(writer, "bomb", &vec![0; size as usize]));
    assert!(bomb.len() < 100_000);
    let lying = replaced(&bomb, &size.to_le_bytes(), &10_u32.to_le_bytes());
    assert_eq!(refusal(&lying), ["zip_broken body.file"]);
}

#[test]
fn what_is_no_zip_or_a_broken_one() {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let good = zip(|writer| {
        writer.start_file("a.py", stored).unwrap();
        writer.write_all(b"print(1)").unwrap();
    });
    assert_eq!(refusal(b""), ["zip_broken body.file"]);
    assert_eq!(refusal(b"print(1)"), ["zip_broken body.file"]);
    assert_eq!(refusal(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), ["zip_broken body.file"]);
    assert_eq!(refusal(&good[..good.len() - 30]), ["zip_broken body.file"]);
    assert_eq!(refusal(&replaced(&good, b"print(1)", b"print(2)")), ["zip_broken body.file"]);
    assert_eq!(refusal(&zip(|_| {})), ["zip_empty body.file"]);

    // Bit 0 of the flags: encrypted.
    let mut encrypted = good.clone();
    let central = good.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    encrypted[6] |= 1;
    encrypted[central + 8] |= 1;
    assert_eq!(refusal(&encrypted), ["zip_encrypted body.file"]);

    // Method 12: bzip2.
    let mut other = good.clone();
    other[8] = 12;
    other[central + 10] = 12;
    assert_eq!(refusal(&other), ["zip_unsupported body.file"]);

    let end = good.windows(4).position(|bytes| bytes == b"PK\x05\x06").unwrap();
    let mut huge = good.clone();
    huge[end + 10..end + 12].copy_from_slice(&[0xff; 2]);
    assert_eq!(refusal(&huge), ["zip_unsupported body.file"]);
    huge[end + 8..end + 12].copy_from_slice(&60_000_u32.to_le_bytes());
    assert_eq!(refusal(&huge), ["zip_broken body.file"]);
}
