//! A peer that speaks the protocol by hand: sends any bytes, reads frames.

use std::{io, net::SocketAddr, time::Instant};

use rpc_core::{
    Address,
    proto::{
        CallId, Codec, Decoder, MethodKey, Opening, Piece, encode_preface,
        wire::{Flags, Head, Hello, Kind},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A TCP connection without the framework on this side.
#[derive(Debug)]
pub struct RawPeer {
    stream: TcpStream,
    decoder: Decoder,
    unread: Vec<u8>,
    /// Decoded frames that were not returned yet.
    frames: std::collections::VecDeque<(Head, Vec<u8>)>,
}

impl RawPeer {
    /// Connects without saying anything.
    ///
    /// # Errors
    /// Nothing listens there.
    pub async fn connect(address: &Address) -> io::Result<Self> {
        let address: SocketAddr =
            address.to_string().parse().map_err(|_| io::Error::other("not a TCP address"))?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// Speaks over a connection that is open.
    #[must_use]
    pub fn over(stream: TcpStream) -> Self {
        let decoder = Decoder::new((1 << 24) - 1);
        Self { stream, decoder, unread: Vec::new(), frames: Default::default() }
    }

    /// Preface and hello.
    #[must_use]
    pub fn greeting() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_preface(&mut bytes);
        Hello::default().encode(&mut bytes);
        bytes
    }

    /// A request in one frame.
    #[must_use]
    pub fn request(id: u32, key: MethodKey, arguments: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        let opening = Opening::new(key, Codec::Bincode);
        opening.encode(Instant::now(), 0, &mut payload);
        payload.extend_from_slice(arguments);
        Self::frame(Kind::Request, Flags::MINE, id, &payload)
    }

    /// Any frame.
    #[must_use]
    pub fn frame(kind: Kind, flags: Flags, id: u32, payload: &[u8]) -> Vec<u8> {
        let head = Head { kind, flags, id: CallId::new(id), length: payload.len() as u32 };
        let mut bytes = head.encode().to_vec();
        bytes.extend_from_slice(payload);
        bytes
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Says that nothing more comes.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Sends bytes one by one, each in a segment of its own as far as the system allows it.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_slowly(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            self.stream.write_all(std::slice::from_ref(byte)).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The next frame; `None` when the other side has closed.
    ///
    /// # Errors
    /// The connection was reset, or the bytes are not frames.
    pub async fn frame_or_end(&mut self) -> io::Result<Option<(Head, Vec<u8>)>> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(Some(frame));
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Ok(None);
            }
            let bytes = std::mem::take(&mut self.unread);
            let mut input = &bytes[..];
            while let Some(piece) = self.decoder.next(&mut input).map_err(io::Error::other)? {
                self.frames.push_back((piece.head, piece.payload.to_vec()));
            }
        }
    }

    /// Sends bytes whether or not the other side reads them all, and reads meanwhile: the payload of the goaway with
    /// which the other side closes; `None` if it answers the call `last`, with which the bytes end.
    ///
    /// # Errors
    /// The connection ended without a word.
    pub async fn flood(&mut self, bytes: &[u8], last: u32) -> io::Result<Option<Vec<u8>>> {
        let (mut read, mut write) = self.stream.split();
        let mut writing = std::pin::pin!(write.write_all(bytes));
        let mut written = false;
        loop {
            tokio::select! {
                // A failure to send is ignored: the goaway matters.
                _ = &mut writing, if !written => {
                    written = true;
                    continue;
                }
                count = read.read_buf(&mut self.unread) => if count? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                },
            }
            let unread = std::mem::take(&mut self.unread);
            let mut input = &unread[..];
            while let Some(Piece { head, payload, .. }) =
                self.decoder.next(&mut input).map_err(io::Error::other)?
            {
                match head.kind {
                    Kind::GoAway => return Ok(Some(payload.to_vec())),
                    Kind::Response | Kind::Error if head.id.value() == last => return Ok(None),
                    _ => {}
                }
            }
        }
    }

    /// The next frame of this kind, passing over others.
    ///
    /// # Errors
    /// The connection ended before.
    pub async fn next(&mut self, kind: Kind) -> io::Result<(Head, Vec<u8>)> {
        loop {
            match self.frame_or_end().await? {
                Some(frame) if frame.0.kind == kind => return Ok(frame),
                Some(_) => {}
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// Everything until the other side closes, as it came.
    ///
    /// # Errors
    /// The connection was reset.
    pub async fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// Closes the connection with a reset rather than in order.
    ///
    /// # Errors
    /// The socket does not take the option.
    pub fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }
}
