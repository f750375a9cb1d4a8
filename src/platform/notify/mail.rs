//! Mail through the operator's SMTP server.

use std::time::{Duration, SystemTime};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};

use super::{Failure, FailureKind, Notice, Sent, Stamp};
use crate::config::{self, MailTls};

/// Of the whole conversation.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn send(
    settings: &config::Mail,
    to: &[Mailbox],
    stamp: Stamp<'_>,
    notice: &Notice,
) -> Result<Sent, Failure> {
    if settings.host.is_empty() {
        let reason = "no SMTP server is set: mail.host (CRAWLHUB_MAIL_HOST)".to_owned();
        return Err(Failure { status: None, reason, kind: FailureKind::Unset("mail.host (CRAWLHUB_MAIL_HOST)") });
    }
    let message = message(settings, to, stamp, notice).map_err(|reason| Failure::passing(None, reason))?;
    let transport = transport(settings).map_err(|error| Failure::passing(None, error.to_string()))?;
    match tokio::time::timeout(TIMEOUT, transport.send(message)).await {
        Ok(Ok(_)) => Ok(Sent { status: None }),
        Ok(Err(error)) => {
            let reason = format!("the mail server: {error}");
            // A number is an answer.
            Err(if error.status().is_some() { Failure::passing(None, reason) } else { Failure::unreachable(reason) })
        }
        Err(_) => Err(Failure::unreachable(format!("the mail server: no end within {} seconds", TIMEOUT.as_secs()))),
    }
}

fn message(settings: &config::Mail, to: &[Mailbox], stamp: Stamp<'_>, notice: &Notice) -> Result<Message, String> {
    let host = &settings.host;
    let from = if settings.from.is_empty() { format!("CrawlHub <crawlhub@{host}>") } else { settings.from.clone() };
    let from = from.parse::<Mailbox>().map_err(|error| format!("mail.from is no e-mail address: {error}"))?;
    let domain = from.email.domain().to_owned();
    let mut builder = Message::builder()
        .from(from)
        .date(SystemTime::from(stamp.now))
        .message_id(Some(format!("<{}@{domain}>", stamp.id)))
        .subject(notice.title.replace(char::is_control, " "));
    for receiver in to {
        builder = builder.to(receiver.clone());
    }
    let html = format!("<h3>{}</h3><p>{}</p>", escaped(&notice.title), escaped(&notice.message));
    let plain = format!("{}\n\n{}\n", notice.title, notice.message);
    builder.multipart(MultiPart::alternative_plain_html(plain, html)).map_err(|error| error.to_string())
}

fn transport(settings: &config::Mail) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
    let host = settings.host.as_str();
    let tls = match settings.tls {
        MailTls::Starttls => Tls::Required(TlsParameters::new(host.to_owned())?),
        MailTls::Tls => Tls::Wrapper(TlsParameters::new(host.to_owned())?),
        MailTls::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(settings.port)
        .tls(tls)
        .timeout(Some(TIMEOUT));
    if !settings.username.is_empty() {
        builder =
            builder.credentials(Credentials::new(settings.username.clone(), settings.password.reveal().to_owned()));
    }
    Ok(builder.build())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::Map;

    use super::*;

    #[test]
    fn nothing_becomes_a_header_that_is_none() {
        let settings = config::Mail {
            host: "mail.example".to_owned(),
            port: 25,
            username: String::new(),
            password: config::Secret::default(),
            from: String::new(),
            tls: MailTls::None,
        };
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let stamp = Stamp { id: "d1", event: "task_failed", now };
        let title = "失败\r\nBcc: victim@example.org\r\n\r\nbody".to_owned();
        let notice = Notice { title, message: "<b>1 & 2</b>".to_owned(), timestamp: now, facts: Map::new() };
        let to = ["a@example.org".parse().unwrap()];
        let text = String::from_utf8(message(&settings, &to, stamp, &notice).unwrap().formatted()).unwrap();
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
        for header in ["Message-ID: <d1@mail.example>", "From: CrawlHub <crawlhub@mail.example>", "To: a@example.org"] {
            assert!(headers.contains(header), "{headers}");
        }
        assert!(body.contains("&lt;b&gt;1 &amp; 2&lt;/b&gt;"), "{body}");
    }
}
