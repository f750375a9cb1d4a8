//! Robots of DingTalk, Feishu, WeCom and Slack. All but Slack's answer 200 with an error's number in the body.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use serde_json::{Value, json};

use super::{ChannelType, Failure, Notice, Sent, Stamp, clipped, http::Http, webhook::hmac_sha256};

/// What WeCom takes at most; the others take more.
const WECOM_BYTES: usize = 4096;

pub(super) async fn send(
    http: &Http,
    robot: ChannelType,
    url: &str,
    secret: Option<&str>,
    stamp: Stamp<'_>,
    notice: &Notice,
) -> Result<Sent, Failure> {
    let Notice { title, message, .. } = notice;
    let (quiet_title, quiet_message) = (quiet(title), quiet(message));
    let (seconds, millis) = (stamp.now.timestamp(), stamp.now.timestamp_millis());
    let mut url = Url::parse(url).map_err(|error| Failure::for_good(format!("no address: {error}")))?;
    let body = match robot {
        ChannelType::Dingtalk => {
            if let Some(secret) = secret {
                let sign = dingtalk_sign(millis, secret);
                url.query_pairs_mut().append_pair("timestamp", &millis.to_string()).append_pair("sign", &sign);
            }
            // A single line break is none in Markdown.
            let text = format!("### {quiet_title}\n\n{}", quiet_message.replace('\n', "\n\n"));
            json!({"msgtype": "markdown", "markdown": {"title": title, "text": text}})
        }
        ChannelType::Feishu => {
            let mut body = json!({"msg_type": "text", "content": {"text": format!("{quiet_title}\n{quiet_message}")}});
            if let Some(secret) = secret {
                body["timestamp"] = json!(seconds.to_string());
                body["sign"] = json!(feishu_sign(seconds, secret));
            }
            body
        }
        ChannelType::Wecom => {
            let text = format!("**{quiet_title}**\n{quiet_message}");
            json!({"msgtype": "markdown", "markdown": {"content": clipped(&text, WECOM_BYTES)}})
        }
        ChannelType::Slack => json!({"text": format!("*{}*\n{}", plain(title), plain(message))}),
        ChannelType::Webhook | ChannelType::Email => unreachable!("no robots"),
    };
    let answer = http.post(url.as_str(), &[], body.to_string()).await?;
    if robot != ChannelType::Slack
        && let Some(reason) = refusal(&answer.body)
    {
        return Err(Failure { status: Some(answer.status), ..Failure::passing(None, reason) });
    }
    Ok(Sent { status: Some(answer.status) })
}

/// Of DingTalk: base64 of HMAC-SHA256 with the secret over "{milliseconds}\n{secret}".
fn dingtalk_sign(millis: i64, secret: &str) -> String {
    STANDARD.encode(hmac_sha256(secret.as_bytes(), format!("{millis}\n{secret}").as_bytes()))
}

/// Of Feishu: the same but that "{seconds}\n{secret}" is the key, and the message empty.
fn feishu_sign(seconds: i64, secret: &str) -> String {
    STANDARD.encode(hmac_sha256(format!("{seconds}\n{secret}").as_bytes(), b""))
}

/// What may not stand in Slack's text as it is: it could address everybody.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What may not stand in others' texts as it is: tags that address everybody, and links in Markdown. They know no
/// escapes in common, so that characters stand for them that look like them.
fn quiet(text: &str) -> String {
    text.replace('<', "＜").replace('>', "＞").replace("](", "］(")
}

/// What the robot says is wrong; none where it took the message. `errcode` of DingTalk and WeCom, `code` or `StatusCode`
/// of Feishu.
fn refusal(answer: &[u8]) -> Option<String> {
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return Some("answered 200 with what no robot answers".to_owned());
    };
    let number = ["errcode", "code", "StatusCode"].iter().find_map(|name| answer[*name].as_i64());
    match number {
        Some(0) => None,
        Some(number) => {
            let said = ["errmsg", "msg", "StatusMessage"].iter().find_map(|name| answer[*name].as_str());
            Some(format!("answered error {number}: {}", clipped(said.unwrap_or_default(), 200)))
        }
        None => Some("answered 200 with what no robot answers".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Computed by Python's hmac.
    #[test]
    fn signatures() {
        assert_eq!(dingtalk_sign(1_577_262_236_757, "this is secret"), "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=");
        assert_eq!(feishu_sign(1_599_360_473, "demo"), "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
    }

    #[test]
    fn an_error_in_the_body_is_one() {
        for taken in [r#"{"errcode":0,"errmsg":"ok"}"#, r#"{"code":0,"msg":"success"}"#, r#"{"StatusCode":0}"#] {
            assert_eq!(refusal(taken.as_bytes()), None, "{taken}");
        }
        for (refused, reason) in [
            (r#"{"errcode":310000,"errmsg":"sign not match"}"#, "310000: sign not match"),
            (r#"{"code":19021,"msg":"sign match fail"}"#, "19021: sign match fail"),
            ("<html>", "no robot"),
            ("{}", "no robot"),
        ] {
            assert!(refusal(refused.as_bytes()).unwrap().contains(reason), "{refused}");
        }
    }
}
