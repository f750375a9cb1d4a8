//! Proxies of this machine: HTTP (absolute addresses and CONNECT) and SOCKS 5, with or without a sign-in.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

/// Who may use it: username and password.
type User = Option<(&'static str, &'static str)>;

pub struct TestProxy {
    pub port: u16,
    carried: Arc<AtomicUsize>,
    dead: CancellationToken,
}

impl TestProxy {
    pub async fn http(user: User) -> Self {
        Self::start(user, false).await
    }

    pub async fn socks5(user: User) -> Self {
        Self::start(user, true).await
    }

    async fn start(user: User, socks: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (carried, dead) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let (count, end) = (carried.clone(), dead.clone());
        tokio::spawn(dead.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = count.clone();
                tokio::spawn(end.clone().run_until_cancelled_owned(async move {
                    // Whoever hangs up is none of ours.
                    let _ =
                        if socks { relay_socks(stream, user, &count).await } else { relay(stream, user, &count).await };
                }));
            }
        }));
        Self { port, carried, dead }
    }

    /// How many requests or tunnels it has carried.
    pub fn carried(&self) -> usize {
        self.carried.load(Ordering::SeqCst)
    }

    /// Gone, with all that goes through it.
    pub fn kill(&self) {
        self.dead.cancel();
    }
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn relay(stream: TcpStream, user: User, carried: &AtomicUsize) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line);
    }
    let wanted = user.map(|(name, password)| {
        format!("proxy-authorization: basic {}", STANDARD.encode(format!("{name}:{password}")).to_lowercase())
    });
    let is_known = wanted.is_none_or(|wanted| head.iter().any(|line| line.trim().to_lowercase() == wanted));
    if !is_known {
        return stream.write_all(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    }
    let first: Vec<String> = head[0].split_whitespace().map(str::to_owned).collect();
    let is_tunnel = first[0] == "CONNECT";
    let url = if is_tunnel { format!("http://{}", first[1]) } else { first[1].clone() };
    let url = Url::parse(&url).unwrap();
    let place = (url.host_str().unwrap(), url.port_or_known_default().unwrap());
    // No name is known here.
    let Ok(mut site) = TcpStream::connect(format!("{}:{}", place.0, place.1)).await else {
        return stream.write_all(b"HTTP/1.1 502 Nobody\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    };
    carried.fetch_add(1, Ordering::SeqCst);
    if is_tunnel {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut request = format!("{} {}{query} HTTP/1.1\r\n", first[0], url.path());
        for line in &head[1..] {
            if !["proxy-", "connection:"].iter().any(|name| line.to_lowercase().starts_with(name)) {
                request.push_str(line);
            }
        }
        site.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).await?;
    }
    copy_bidirectional(&mut stream, &mut site).await.map(drop)
}

async fn relay_socks(mut stream: TcpStream, user: User, carried: &AtomicUsize) -> std::io::Result<()> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let mut methods = vec![0; head[1].into()];
    stream.read_exact(&mut methods).await?;
    let method = if user.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        return stream.write_all(&[5, 0xff]).await;
    }
    stream.write_all(&[5, method]).await?;
    if let Some((name, password)) = user {
        let _version = stream.read_u8().await?;
        let mut said = Vec::new();
        for _ in 0..2 {
            let length = stream.read_u8().await?;
            let mut word = vec![0; length.into()];
            stream.read_exact(&mut word).await?;
            said.push(word);
        }
        let is_known = said == [name.as_bytes(), password.as_bytes()];
        stream.write_all(&[1, u8::from(!is_known)]).await?;
        if !is_known {
            return Ok(());
        }
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = if request[3] == 1 {
        let mut address = [0; 4];
        stream.read_exact(&mut address).await?;
        std::net::Ipv4Addr::from(address).to_string()
    } else {
        let length = stream.read_u8().await?;
        let mut name = vec![0; length.into()];
        stream.read_exact(&mut name).await?;
        String::from_utf8(name).unwrap()
    };
    let port = stream.read_u16().await?;
    let Ok(mut site) = TcpStream::connect(format!("{host}:{port}")).await else {
        return stream.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    };
    carried.fetch_add(1, Ordering::SeqCst);
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut stream, &mut site).await.map(drop)
}
