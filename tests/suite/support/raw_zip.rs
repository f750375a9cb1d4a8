//! Zips as no well-behaved program writes them.

use std::fmt::Write as _;

/// One entry, byte for byte.
#[derive(Clone)]
pub struct RawEntry {
    pub name: Vec<u8>,
    /// As it lies in the zip.
    pub stored: Vec<u8>,
    /// What the headers claim that it is when it is unpacked.
    pub claimed_size: u32,
    /// 0 stored, 8 deflated.
    pub method: u16,
    pub crc: u32,
    /// Bit 0: encrypted; bit 11: the name is UTF-8.
    pub flags: u16,
    /// As Unix knows it, with the type of file.
    pub mode: u32,
}

impl RawEntry {
    pub fn new(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        Self {
            name: name.as_ref().to_vec(),
            stored: content.to_vec(),
            claimed_size: u32::try_from(content.len()).unwrap(),
            method: 0,
            crc: crc32(content),
            flags: 1 << 11,
            mode: 0o100_644,
        }
    }

    pub fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub fn flags(self, flags: u16) -> Self {
        Self { flags, ..self }
    }
}

pub fn raw_zip(entries: &[RawEntry]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = u32::try_from(zip.len()).unwrap();
        let mut head = Vec::new();
        for short in [20, entry.flags, entry.method, 0, 0x21] {
            head.extend(short.to_le_bytes());
        }
        head.extend(entry.crc.to_le_bytes());
        head.extend(u32::try_from(entry.stored.len()).unwrap().to_le_bytes());
        head.extend(entry.claimed_size.to_le_bytes());
        head.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        head.extend([0, 0]);
        zip.extend(b"PK\x03\x04".iter().chain(&head).chain(&entry.name).chain(&entry.stored));
        // Made on Unix; no comment, no attributes but the mode.
        directory.extend(b"PK\x01\x02\x14\x03".iter().chain(&head).chain(&[0; 6]));
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let (count, start) = (u16::try_from(entries.len()).unwrap(), u32::try_from(zip.len()).unwrap());
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    zip.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

fn crc32(content: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    };
    !content.iter().fold(u32::MAX, step)
}

/// So many megabytes of zeros, deflated (about a thousandth of it).
pub async fn deflated_zeros(megabytes: u32) -> Vec<u8> {
    let mut program = String::from("import sys, zlib\ndeflate = zlib.compressobj(6, zlib.DEFLATED, -15)\n");
    let _ = writeln!(program, "for _ in range({megabytes}):");
    program.push_str(
        "    sys.stdout.buffer.write(deflate.compress(bytes(1 << 20)))\nsys.stdout.buffer.write(deflate.flush())\n",
    );
    let output = tokio::process::Command::new("python3").args(["-c", &program]).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}
