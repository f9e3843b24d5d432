//! A cable that can be cut: carries the bytes of connections to one server.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

pub(crate) struct Cable {
    pub(crate) address: String,
    wires: Arc<Mutex<Vec<AbortHandle>>>,
    listening: AbortHandle,
}

impl Cable {
    pub(crate) async fn to(server: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let wires: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let (server, kept) = (server.to_owned(), Arc::clone(&wires));
        let listening = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let server = server.clone();
                let wire = tokio::spawn(async move {
                    let _ = near.set_nodelay(true);
                    if let Ok(mut far) = TcpStream::connect(server).await {
                        let _ = far.set_nodelay(true);
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
                let mut wires = kept.lock().unwrap_or_else(PoisonError::into_inner);
                wires.retain(|wire: &AbortHandle| !wire.is_finished());
                wires.push(wire.abort_handle());
            }
        });
        Ok(Self { address, wires, listening: listening.abort_handle() })
    }

    /// Cuts all connections; others may be made.
    pub(crate) fn cut(&self) {
        for wire in self.wires.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            wire.abort();
        }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.cut();
        self.listening.abort();
    }
}
