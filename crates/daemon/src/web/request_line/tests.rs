//! Which bytes are changed, and which are not.

use std::future::poll_fn;
use std::pin::Pin;

use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _};

use super::{EscapedRequestLines, Start, start};

fn escaped(line: &str) -> String {
    match start(line.as_bytes()) {
        Start::Escaped(line, _) => String::from_utf8(line).expect("what is escaped is ASCII"),
        other => format!("{other:?}"),
    }
}

#[test]
fn quotes_and_their_like_are_escaped_in_targets() {
    let check = |line: &str, expected: &str| assert_eq!(escaped(line), expected, "{line}");
    check("GET /x?a={b=\"c\"} HTTP/1.1\r\n", "GET /x?a={b=%22c%22} HTTP/1.1\r");
    check("POST /x?q=a<b>c\\d^e`f HTTP/1.0\r\n", "POST /x?q=a%3Cb%3Ec%5Cd%5Ee%60f HTTP/1.0\r");
    check("GET /x?a+b={c=~\".+\"}+d HTTP/1.1\r\n", "GET /x?a+b={c=~%22.%2B%22}+d HTTP/1.1\r");
    check("GET /x?a=\"\\\"+\"+ HTTP/1.1\r\n", "GET /x?a=%22%5C%22%2B%22+ HTTP/1.1\r");
    check("GET /ü HTTP/1.1\r\n", "GET /%C3%BC HTTP/1.1\r");
}

#[test]
fn everything_else_stays_as_it_is() {
    for text in [
        "GET /x?a=b HTTP/1.1\r\n",
        "{\"a\": \"GET\"}\n",
        "GET \"a\"\n",
        "GET /\"a\" HTTP/2\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "\n",
        "\u{16}\u{3}\u{1}\"",
    ] {
        assert_eq!(start(text.as_bytes()), Start::Plain, "{text:?}");
    }
    for text in ["", "G", "GET /\"", "OPTIONS"] {
        assert_eq!(start(text.as_bytes()), Start::More, "{text:?}");
    }
    let endless = format!("GET /{}", "\"".repeat(super::LINE_BYTES_MAX));
    assert_eq!(start(endless.as_bytes()), Start::Plain);
}

#[tokio::test]
async fn each_request_of_a_connection_is_escaped_and_no_body() {
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let mut server = EscapedRequestLines::new(server);
    let mut read = async |length: usize, server: &mut EscapedRequestLines<_>| {
        let mut bytes = vec![0; length];
        server.read_exact(&mut bytes).await.expect("the bytes come");
        String::from_utf8(bytes).expect("text")
    };
    // The first line comes in parts, with its body right behind.
    client.write_all(b"POST /\"a\"").await.expect("written");
    client.write_all(b" HTTP/1.1\r\ncontent-length: 5\r\n\r\nGET \"").await.expect("written");
    let expected = "POST /%22a%22 HTTP/1.1\r\ncontent-length: 5\r\n\r\nGET \"";
    assert_eq!(read(expected.len(), &mut server).await, expected);
    // More of the body: nothing was written since, so no request can begin here.
    let more = "GET /\"b\" HTTP/1.1\r\n";
    client.write_all(more.as_bytes()).await.expect("written");
    assert_eq!(read(more.len(), &mut server).await, more);
    let written = poll_fn(|context| Pin::new(&mut server).poll_write(context, b"HTTP/1.1 200 OK\r\n\r\n")).await;
    assert!(written.is_ok());
    client.write_all(b"GET /\"c\" HTTP/1.1\r\n\r\n").await.expect("written");
    let expected = "GET /%22c%22 HTTP/1.1\r\n\r\n";
    assert_eq!(read(expected.len(), &mut server).await, expected);
}
