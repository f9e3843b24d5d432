//! Servers that a file names.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{Stream, stream};

use super::{Discover, DiscoverError, Instance, Refresh};
use crate::transport::Address;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Servers that a file names, an address on each line: what `file:/etc/shop/servers` stands for. Empty lines, and what
/// follows a `#`, are passed over. It is read each second. A file that is gone, too long, names nothing, or has a line
/// that is not an address, changes nothing.
///
/// Whoever writes it writes another file and gives that its name, so that no half of one is read.
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
    every: Duration,
}

impl File {
    /// The servers that this file names.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), every: Duration::from_secs(1) }
    }

    /// Reads it this often. Default: each second.
    #[must_use]
    pub const fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    async fn look(&self) -> Result<Vec<Instance>, DiscoverError> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let text = read.map_err(DiscoverError::new)?.map_err(DiscoverError::new)?;
        instances(&text)
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(std::io::Error::other(format!("it is longer than {LONGEST} bytes")));
    }
    Ok(text)
}

/// The servers that a text names.
fn instances(text: &str) -> Result<Vec<Instance>, DiscoverError> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let wrong = |error| DiscoverError::new(format_args!("line {}: {error}", number + 1));
        found.push(Instance::new(line.parse().map_err(wrong)?));
    }
    match found.is_empty() {
        true => Err(DiscoverError::new("it names no server")),
        false => Ok(found),
    }
}

impl Discover for File {
    fn address(&self) -> Address {
        Address::File(self.path.clone())
    }

    fn watch(
        &self,
        _refresh: Refresh,
    ) -> impl Stream<Item = Result<Vec<Instance>, DiscoverError>> + Send {
        stream::unfold(None, move |mut last| async move {
            loop {
                if last.is_some() {
                    tokio::time::sleep(self.every).await;
                }
                let found = self.look().await;
                if last.as_ref() != Some(&found) {
                    return Some((found.clone(), Some(found)));
                }
                last = Some(found);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_server_and_what_is_none_is_pointed_at() {
        let addresses = |text: &str| -> Vec<String> {
            let found = instances(text).unwrap();
            found.iter().map(|instance| instance.address().to_string()).collect()
        };
        assert_eq!(
            addresses("# ours\n a:1 # the first\n\n unix:/tmp/x\ntls:b:2\n"),
            ["a:1", "unix:/tmp/x", "tls:b:2"]
        );
        let wrong = instances("a:1\nnonsense\n").unwrap_err().to_string();
        assert!(wrong.starts_with("line 2: \"nonsense\" is not an address"), "{wrong}");
        assert_eq!(instances("# nobody\n").unwrap_err().to_string(), "it names no server");
    }
}
