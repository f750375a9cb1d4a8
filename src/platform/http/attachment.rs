//! `Content-Disposition`.

use std::fmt::Write;

/// A download named `name`, in any script: plain ASCII, and where that does not say it all, RFC 5987 beside it.
pub fn attachment(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    let encoded = name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    });
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::attachment;

    #[test]
    fn any_script_and_no_injection() {
        assert_eq!(attachment("data.csv"), "attachment; filename=\"data.csv\"");
        assert_eq!(
            attachment("爬虫\".zip"),
            "attachment; filename=\"___.zip\"; filename*=UTF-8''%E7%88%AC%E8%99%AB%22.zip"
        );
        assert!(!attachment("a\r\nX: b").contains('\n'));
    }
}
