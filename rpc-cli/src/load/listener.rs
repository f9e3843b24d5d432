//! Which process on this machine listens at an address: the kernel's tables of sockets name an inode, and
//! the open files of a process name it too.

use std::{fs, io::ErrorKind, net::SocketAddr};

use rpc_core::Address;

/// The process that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub pid: u32,
}

/// Finds who listens there.
///
/// # Errors
/// Why nobody was found, in words.
pub(crate) async fn find(address: &Address) -> Result<Server, String> {
    if !cfg!(target_os = "linux") {
        return Err("only Linux says which process listens where".to_owned());
    }
    let inodes = match address {
        Address::Tcp { host, port } => {
            let found = tokio::net::lookup_host((host.as_str(), *port)).await;
            let addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
            if !addresses.iter().any(is_here) {
                return Err("it is on another machine".to_owned());
            }
            let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(read);
            tables.iter().flat_map(|table| listening(table, *port)).collect()
        }
        Address::Unix(path) => bound(&read("/proc/net/unix"), &path.to_string_lossy()),
        _ => Vec::new(),
    };
    if inodes.is_empty() {
        return Err("nothing on this machine listens there, as far as /proc/net says".to_owned());
    }
    holder(&inodes)
        .ok_or_else(|| "the process that listens there belongs to another user".to_owned())
}

/// Whether an address is one of this machine: only those can be bound.
fn is_here(address: &SocketAddr) -> bool {
    match std::net::UdpSocket::bind((address.ip(), 0)) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::AddrNotAvailable,
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The inodes of sockets in `/proc/net/tcp` that listen at a port.
fn listening(table: &str, port: u16) -> Vec<u64> {
    let port = format!(":{port:04X}");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 9 && row[3] == LISTEN && row[1].ends_with(&port))
        .filter_map(|row| row[9].parse().ok())
        .collect()
}

/// The inodes of sockets in `/proc/net/unix` that accept at a path.
fn bound(table: &str, path: &str) -> Vec<u64> {
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 7 && row[3] == ACCEPTS && row[7] == path)
        .filter_map(|row| row[6].parse().ok())
        .collect()
}

/// The process that has one of these sockets open.
fn holder(inodes: &[u64]) -> Option<Server> {
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let pids = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        files
            .flatten()
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|target| wanted.iter().any(|socket| target.as_os_str() == socket.as_str()))
    })
    .map(|pid| Server { pid })
}

/// The state of a TCP socket that listens, as the kernel writes it.
const LISTEN: &str = "0A";
/// The flags of a Unix socket that accepts.
const ACCEPTS: &str = "00010000";

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_listens_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = Address::Tcp { host: "127.0.0.1".to_owned(), port };
        assert_eq!(find(&address).await, Ok(Server { pid: std::process::id() }));
    }

    #[tokio::test]
    async fn a_far_address_is_not_looked_for_here() {
        let address = Address::Tcp { host: "192.0.2.1".to_owned(), port: 1 };
        assert_eq!(find(&address).await, Err("it is on another machine".to_owned()));
    }

    #[test]
    fn tables_of_the_kernel_are_read() {
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  \
                   timeout inode\n   0: 0100007F:1B58 00000000:0000 0A 00000000:00000000 00:00000000 \
                   00000000     0        0 4711 1 0 100 0 0 10 0\n   1: 0100007F:1B58 0100007F:9C40 01 \
                   00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n";
        assert_eq!(listening(tcp, 7000), [4711]);
        assert!(listening(tcp, 7001).is_empty());
        let unix = "Num       RefCount Protocol Flags    Type St Inode Path\n0: 00000002 00000000 \
                    00010000 0001 01 815 /run/rpc.sock\n";
        assert_eq!(bound(unix, "/run/rpc.sock"), [815]);
    }
}
