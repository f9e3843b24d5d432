//! What the machine allows: the bytes of our protocol, written and read by hand over tokio.
//!
//! No tasks, no serde, no call table: N requests in one write, N replies read, repeat. A request to
//! add is 18 bytes (8 head, 8 method key, two numbers of a byte), a reply 9; one to echo has the
//! payload instead of the numbers.

use std::sync::Arc;

use anyhow::{Result, ensure};
use bytes::{Buf, BufMut, BytesMut};
use futures_util::future::BoxFuture;
use rpc_cli::load::record::Tally;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Info, Link, Listening, Role, Transport, operands};
use crate::{
    meter::{DIGITS, Meter, Phase, stopwatch},
    plan::{Job, Lane},
};

/// The hand-written echo of the protocol's bytes.
#[derive(Debug)]
pub(super) struct Limit;

impl Transport for Limit {
    fn info(&self) -> Info {
        Info {
            name: "limit",
            role: Role::Limit,
            settings: "hand-written tokio, TCP_NODELAY, one batch in flight per connection, no tasks, no serde",
        }
    }

    fn performs(&self, job: Job) -> bool {
        matches!(job, Job::Add | Job::Echo { .. })
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?.to_string();
            let accepting = tokio::spawn(accept(listener));
            Ok(Listening::new(address, accepting))
        })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let batches = Batches { stream: Arc::new(tokio::sync::Mutex::new(stream)) };
            Ok(Box::new(batches) as Box<dyn Link>)
        })
    }
}

async fn accept(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream));
    }
}

/// Answers everything that one read brought in one write, until the client goes away.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inbound = BytesMut::with_capacity(BUFFER);
    let mut outbound = BytesMut::with_capacity(BUFFER);
    loop {
        inbound.reserve(READ_AT_LEAST);
        if stream.read_buf(&mut inbound).await? == 0 {
            return Ok(());
        }
        while inbound.len() >= REQUEST {
            let head = u64::from_le_bytes(*inbound.first_chunk().expect("a request has a head"));
            if head & ECHO_KIND != 0 {
                let whole = HEAD + (head & LENGTH) as usize;
                if inbound.len() < whole {
                    inbound.reserve(whole - inbound.len());
                    break;
                }
                outbound.put_u64_le(head - KEY_LENGTH);
                let payload = &inbound[HEAD + KEY_LENGTH as usize..whole];
                if payload.len() < LONG {
                    outbound.put_slice(payload);
                } else {
                    stream.write_all(&outbound).await?;
                    outbound.clear();
                    stream.write_all(payload).await?;
                }
                inbound.advance(whole);
                continue;
            }
            inbound.advance(HEAD);
            let _key = inbound.get_u64_le();
            let sum = inbound.get_u8() + inbound.get_u8();
            outbound.put_u64_le((head & !LENGTH) | REPLY_PAYLOAD);
            outbound.put_u8(sum);
        }
        if !outbound.is_empty() {
            stream.write_all(&outbound).await?;
            outbound.clear();
        }
    }
}

/// One connection that is driven in batches, one at a time.
struct Batches {
    stream: Arc<tokio::sync::Mutex<TcpStream>>,
}

impl Link for Batches {
    fn drive(&self, lanes: Vec<Lane>, meter: Arc<Meter>) -> BoxFuture<'static, Result<Vec<Tally>>> {
        let stream = Arc::clone(&self.stream);
        Box::pin(async move {
            ensure!(lanes.len() == 1, "the limit drives one lane only");
            let mut stream = stream.lock().await;
            Ok(vec![match lanes[0].job {
                Job::Echo { bytes } => echo(&mut stream, lanes[0], bytes, &meter).await?,
                _ => repeat(&mut stream, lanes[0], &meter).await?,
            }])
        })
    }
}

async fn repeat(stream: &mut TcpStream, lane: Lane, meter: &Meter) -> Result<Tally> {
    let mut tally = Tally::new(DIGITS);
    let mut inbound = BytesMut::with_capacity(BUFFER);
    let mut outbound = BytesMut::with_capacity(BUFFER);
    for batch in 0..meter.calls_per_caller() {
        if meter.phase() == Phase::Closed {
            break;
        }
        let started = stopwatch(batch, 1);
        let (a, b) = operands(batch);
        for id in 0..lane.in_flight as u64 {
            outbound.put_u64_le((id << 32) | REQUEST_KIND | REQUEST_PAYLOAD);
            outbound.put_u64_le(KEY);
            outbound.put_slice(&[zigzag(a), zigzag(b)]);
        }
        stream.write_all(&outbound).await?;
        outbound.clear();
        let mut awaited = lane.in_flight;
        while awaited > 0 {
            inbound.reserve(READ_AT_LEAST);
            ensure!(stream.read_buf(&mut inbound).await? > 0, "the server closed the connection");
            while inbound.len() >= REPLY {
                inbound.advance(HEAD);
                ensure!(inbound.get_u8() == zigzag(a + b), "a wrong sum came back");
                awaited -= 1;
            }
        }
        if meter.phase() == Phase::Counting {
            tally.count(lane.in_flight as u64, started.map(|at| at.elapsed()));
        }
    }
    Ok(tally)
}

/// Sends payloads and reads them back at once: long ones do not fit into the kernel's buffers.
async fn echo(stream: &mut TcpStream, lane: Lane, bytes: usize, meter: &Meter) -> Result<Tally> {
    let mut tally = Tally::new(DIGITS);
    let (mut reader, mut writer) = stream.split();
    let mut request = BytesMut::with_capacity(HEAD + bytes + KEY_LENGTH as usize);
    request.put_u64_le(ECHO_KIND | (KEY_LENGTH + bytes as u64));
    request.put_u64_le(KEY);
    request.put_bytes(PAYLOAD, bytes);
    let at_once = (BUFFER / request.len()).clamp(1, lane.in_flight);
    let requests = request.repeat(at_once);
    let mut inbound = BytesMut::with_capacity(BUFFER);
    for batch in 0..meter.calls_per_caller() {
        if meter.phase() == Phase::Closed {
            break;
        }
        let started = stopwatch(batch, 1);
        let write = async {
            let mut left = lane.in_flight;
            while left > 0 {
                let now = left.min(at_once);
                writer.write_all(&requests[..now * request.len()]).await?;
                left -= now;
            }
            anyhow::Ok(())
        };
        let read = async {
            let mut awaited = lane.in_flight;
            while awaited > 0 {
                inbound.reserve(HEAD + bytes);
                ensure!(reader.read_buf(&mut inbound).await? > 0, "the server went away");
                while awaited > 0 && inbound.len() >= HEAD + bytes {
                    let (first, last) = (inbound[HEAD], inbound[HEAD + bytes - 1]);
                    ensure!((first, last) == (PAYLOAD, PAYLOAD), "another payload came back");
                    inbound.advance(HEAD + bytes);
                    awaited -= 1;
                }
            }
            anyhow::Ok(())
        };
        tokio::try_join!(write, read)?;
        if meter.phase() == Phase::Counting {
            tally.count(lane.in_flight as u64, started.map(|at| at.elapsed()));
        }
    }
    Ok(tally)
}

/// A small number as our codec writes it: sums of two such bytes are the byte of the sum.
fn zigzag(small: i64) -> u8 {
    u8::try_from(small * 2).expect("operands are small and not negative")
}

const HEAD: usize = 8;
const REQUEST_PAYLOAD: u64 = 10;
const REQUEST: usize = HEAD + REQUEST_PAYLOAD as usize;
const REPLY_PAYLOAD: u64 = 1;
const REPLY: usize = HEAD + REPLY_PAYLOAD as usize;
/// The bits of the head that hold the payload's length.
const LENGTH: u64 = 0xFF_FFFF;
const REQUEST_KIND: u64 = 1 << 24;
const ECHO_KIND: u64 = 1 << 25;
/// Bytes of the key, which a request has before its payload.
const KEY_LENGTH: u64 = 8;
const PAYLOAD: u8 = 0xA5;
/// What is at least so long is written as it is, not copied into a batch.
const LONG: usize = 16 << 10;
/// Any key costs the same; the server does not look at it.
const KEY: u64 = 0x0123_4567_89AB_CDEF;
const BUFFER: usize = 64 << 10;
const READ_AT_LEAST: usize = 16 << 10;
