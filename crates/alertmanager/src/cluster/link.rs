//! The wire: packets of gossip, and connections for everything large.
//!
//! A packet is the magic, the cluster's label and gossip. A connection begins with the same, then a byte that says what
//! it is for, then frames: four bytes of length and that many bytes. With TLS packets go over connections as well.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Options;
use super::tls::Tls;

/// Names the protocol and its version.
const MAGIC: [u8; 4] = *b"FWA1";
/// The most bytes of gossip in a packet: fits every usual network unbroken.
pub(super) const PACKET_BYTES_MAX: usize = 1200;
/// The most bytes of a frame: a whole state of some hundred thousand records.
pub(super) const FRAME_BYTES_MAX: usize = 64 << 20;
/// Packets that wait for a connection to one member; further ones are dropped, as a network would.
const QUEUE_MAX: usize = 64;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Both sides send their whole state, the one that connected first.
    Exchange = 1,
    /// One frame of updates.
    Updates = 2,
    /// Packets, a frame each.
    Packets = 3,
}

impl Purpose {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Exchange, Self::Updates, Self::Packets].into_iter().find(|purpose| *purpose as u8 == byte)
    }
}

/// Both directions of a connection.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The ways to other members.
pub(super) struct Links {
    label: String,
    tcp_timeout: Duration,
    socket: Option<UdpSocket>,
    tls: Option<Arc<Tls>>,
    /// With TLS: where packets for each member wait for its connection.
    queues: Mutex<HashMap<SocketAddr, mpsc::Sender<Vec<u8>>>>,
}

impl Links {
    pub(super) fn new(options: &Options, socket: Option<UdpSocket>, tls: Option<Tls>) -> Self {
        Self {
            label: options.label.clone(),
            tcp_timeout: options.tcp_timeout,
            socket,
            tls: tls.map(Arc::new),
            queues: Mutex::default(),
        }
    }

    /// The next packet of gossip. Packets of other clusters and other programs are passed over.
    pub(super) async fn receive(&self) -> Vec<u8> {
        let Some(socket) = &self.socket else {
            return std::future::pending().await;
        };
        let mut buffer = [0; PACKET_BYTES_MAX + 512];
        loop {
            match socket.recv_from(&mut buffer).await {
                Ok((size, _)) => {
                    let packet = &buffer[..size];
                    if let Some(gossip) = packet.strip_prefix(self.preamble().as_slice()) {
                        return gossip.to_vec();
                    }
                }
                // The answer to an earlier packet that found nobody listening.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot receive packets of the cluster");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Sends a packet of gossip. That it arrives is not certain.
    pub(super) async fn send(self: &Arc<Self>, to: SocketAddr, gossip: &[u8]) {
        if let Some(socket) = &self.socket {
            let packet = [self.preamble().as_slice(), gossip].concat();
            if let Err(error) = socket.send_to(&packet, to).await {
                tracing::debug!(%to, %error, "packet not sent");
            }
            return;
        }
        let mut queues = self.queues.lock();
        queues.retain(|_, queue| !queue.is_closed());
        let queue = queues.entry(to).or_insert_with(|| {
            let (queue, packets) = mpsc::channel(QUEUE_MAX);
            // Ends by itself when the connection breaks or this value goes away.
            tokio::spawn(forward(Arc::clone(self), to, packets));
            queue
        });
        drop(queue.try_send(gossip.to_vec()));
    }

    fn preamble(&self) -> Vec<u8> {
        // Labels are checked to be short.
        let length = u8::try_from(self.label.len()).unwrap_or(u8::MAX);
        [&MAGIC[..], &[length], self.label.as_bytes()].concat()
    }

    /// Opens a connection to another member.
    pub(super) async fn connect(&self, to: SocketAddr, purpose: Purpose) -> io::Result<Connection> {
        let connecting = async {
            let stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            let mut stream: Box<dyn Duplex> = match &self.tls {
                None => Box::new(stream),
                Some(tls) => tls.connect(stream, to).await?,
            };
            let mut head = self.preamble();
            head.push(purpose as u8);
            stream.write_all(&head).await?;
            Ok(Connection { stream, tcp_timeout: self.tcp_timeout })
        };
        within(self.tcp_timeout, connecting).await
    }

    /// Takes a connection that another member opened.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(Purpose, Connection)> {
        let accepting = async {
            let mut stream: Box<dyn Duplex> = match &self.tls {
                None => Box::new(stream),
                Some(tls) => tls.accept(stream).await?,
            };
            let expected = self.preamble();
            let mut head = vec![0; expected.len() + 1];
            stream.read_exact(&mut head).await?;
            let purpose = head.strip_prefix(expected.as_slice()).and_then(|rest| Purpose::from_byte(*rest.first()?));
            let purpose = purpose.ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, "not a member of this cluster (see --cluster.label)")
            })?;
            Ok((purpose, Connection { stream, tcp_timeout: self.tcp_timeout }))
        };
        within(self.tcp_timeout, accepting).await
    }
}

/// Sends packets over one connection for as long as it lasts.
async fn forward(links: Arc<Links>, to: SocketAddr, mut packets: mpsc::Receiver<Vec<u8>>) {
    let sending = async {
        let mut connection = links.connect(to, Purpose::Packets).await?;
        while let Some(packet) = packets.recv().await {
            connection.send(&packet).await?;
        }
        io::Result::Ok(())
    };
    if let Err(error) = sending.await {
        tracing::debug!(%to, %error, "packets not sent");
    }
}

/// A connection between two members, past its preamble.
pub(super) struct Connection {
    stream: Box<dyn Duplex>,
    tcp_timeout: Duration,
}

impl Connection {
    /// Sends a frame.
    pub(super) async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len()).ok().filter(|_| frame.len() <= FRAME_BYTES_MAX);
        let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "frame is too large"))?;
        let stream = &mut self.stream;
        within(self.tcp_timeout, async {
            stream.write_all(&length.to_be_bytes()).await?;
            stream.write_all(frame).await?;
            stream.flush().await
        })
        .await
    }

    /// The next frame, of at most `bytes_max`.
    pub(super) async fn receive(&mut self, bytes_max: usize) -> io::Result<Vec<u8>> {
        within(self.tcp_timeout, self.read_frame(bytes_max)).await
    }

    /// As [`Connection::receive`], but waits for the frame's beginning as long as it takes.
    pub(super) async fn receive_patiently(&mut self, bytes_max: usize) -> io::Result<Vec<u8>> {
        self.read_frame(bytes_max).await
    }

    async fn read_frame(&mut self, bytes_max: usize) -> io::Result<Vec<u8>> {
        let length = self.stream.read_u32().await? as usize;
        if length > bytes_max {
            let message = format!("frame of {length} bytes is over the limit of {bytes_max}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        // Grows with what really comes: a length alone takes no memory.
        let mut frame = Vec::new();
        (&mut self.stream).take(length as u64).read_to_end(&mut frame).await?;
        if frame.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(frame)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
