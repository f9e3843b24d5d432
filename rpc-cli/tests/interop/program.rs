//! The program itself: values that JSON or a terminal makes hard.

use std::process::Stdio;

use tokio::process::Command;

use crate::beside_server;

/// What `rpc call` writes to stdout.
async fn call(address: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rpc"));
    command.args(["call", address]).args(arguments).stdin(Stdio::null());
    let done = command.output().await.unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

#[tokio::test]
async fn integers_keep_all_their_digits() {
    beside_server(async |address| {
        for (method, value) in [
            ("Types.u128", u128::MAX.to_string()),
            ("Types.i128", i128::MIN.to_string()),
            ("Types.u64", u64::MAX.to_string()),
        ] {
            for argument in [format!("value={value}"), format!(r#"{{"value":{value}}}"#)] {
                let printed = call(&address, &[method, &argument]).await;
                assert_eq!(String::from_utf8(printed).unwrap(), format!("{value}\n"));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn control_characters_are_printed_raw_only_where_that_is_asked_for() {
    beside_server(async |address| {
        let argument = r#"value:="\u001b[2J\u009b\u202e""#;
        let printed = call(&address, &["Types.string", argument]).await;
        assert_eq!(printed, b"\"\\u001b[2J\\u009b\\u202e\"\n");
        let printed = call(&address, &["--raw", "Types.string", argument]).await;
        assert_eq!(String::from_utf8(printed).unwrap(), "\u{1b}[2J\u{9b}\u{202e}\n");
    })
    .await;
}

#[tokio::test]
async fn items_that_are_bytes_are_written_as_they_are() {
    beside_server(async |address| {
        let arguments = ["Exchange.blocks", "count=3", "size=2"];
        assert_eq!(call(&address, &arguments).await, b"[0,0]\n[1,1]\n[2,2]\n");
        let raw = call(&address, &[&["--raw"], &arguments[..]].concat()).await;
        assert_eq!(raw, [0, 0, 1, 1, 2, 2]);
    })
    .await;
}
