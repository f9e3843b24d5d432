//! A cable between a client and the server that is cut after so many bytes, wherever in a frame that is.

use std::{io, net::SocketAddr};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// One connection to `server` through this process. Ends by itself when it is cut or either side closes.
pub(super) struct Cable {
    address: SocketAddr,
    carrying: JoinHandle<io::Result<()>>,
}

impl Cable {
    /// Lays a cable that carries so many bytes to the server, and so many back.
    pub(super) async fn lay(server: &str, there: u64, back: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = server.to_owned();
        let carrying = tokio::spawn(async move {
            let (client, _) = listener.accept().await?;
            carry(client, TcpStream::connect(server).await?, there, back).await
        });
        Ok(Self { address, carrying })
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until both sockets are closed.
    pub(super) async fn gone(self) -> Result<()> {
        // A reset that was met while carrying is an end like any other.
        let _ = self.carrying.await?;
        Ok(())
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    there: u64,
    back: u64,
) -> io::Result<()> {
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
        // Closed by a reset, as by a machine that is gone.
        socket.set_zero_linger()?;
    }
    let (from_client, mut to_client) = client.split();
    let (from_server, mut to_server) = server.split();
    let there = async {
        copy(&mut from_client.take(there), &mut to_server).await?;
        to_server.flush().await
    };
    let back = async {
        copy(&mut from_server.take(back), &mut to_client).await?;
        to_client.flush().await
    };
    tokio::select! {
        ended = there => ended,
        ended = back => ended,
    }
}
