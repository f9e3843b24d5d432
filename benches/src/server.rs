//! The process of a server: what `program server NAME` does.

use std::io::{self, Read as _, Write as _};

use anyhow::Result;

use crate::{
    fleet, overload, plan::Threading, runtime, sound, strangers, streams, survive, transport,
};

/// Serves a transport in this process: prints the address, returns when stdin closes.
///
/// # Errors
///
/// When the transport is unknown or cannot listen.
pub fn serve(name: &str, threading: Threading) -> Result<()> {
    let runtime = runtime::on(threading)?;
    let listening = if streams::is_ours(name) {
        runtime.block_on(streams::serve(name))?
    } else if overload::is_ours(name) {
        runtime.block_on(overload::serve(name))?
    } else if sound::is_ours(name) {
        runtime.block_on(sound::serve(name))?
    } else if strangers::is_ours(name) {
        runtime.block_on(strangers::serve(name))?
    } else if fleet::is_ours(name) {
        runtime.block_on(fleet::serve(name))?
    } else if survive::is_ours(name) {
        runtime.block_on(survive::serve(name))?
    } else {
        runtime.block_on(transport::find(name)?.serve())?
    };
    writeln!(io::stdout(), "{}", listening.address())?;
    // A runtime of one thread runs while this one waits for it.
    let closed = || io::stdin().read_to_end(&mut Vec::new());
    runtime.block_on(async { tokio::task::spawn_blocking(closed).await })??;
    drop(listening);
    runtime.shutdown_background();
    Ok(())
}
