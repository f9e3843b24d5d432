//! Makes what the programs include: the compiler's version, which is written beside figures, and the code of the
//! peers that generate theirs, gRPC from a list of methods and Cap'n Proto from its compiled schema.

use std::{env, fs::File, process::Command};

use capnpc::codegen::CodeGenerationCommand;
use tonic_build::manual::{Builder, Method, Service};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC for build scripts");
    let output = Command::new(rustc).arg("--version").output().expect("the compiler runs");
    let version = String::from_utf8(output.stdout).expect("its version is text");
    println!("cargo::rustc-env=BENCHES_RUSTC={}", version.trim());
    grpc();
    cap_n_proto();
}

/// The service over the messages of `transport/messages.rs` and `jobs.rs`.
fn grpc() {
    const MESSAGES: &str = "crate::transport::messages::";
    let method = |name: &str, route: &str, input: String, output: String| {
        let method = Method::builder().name(name).route_name(route);
        method.input_type(input).output_type(output).codec_path("tonic_prost::ProstCodec")
    };
    let message = |name: &str| format!("{MESSAGES}{name}");
    let order = || "crate::jobs::Order".to_owned();
    let service = Service::builder()
        .name("Jobs")
        .package("benches")
        .method(method("add", "Add", message("AddRequest"), message("Number")).build())
        .method(method("work", "Work", message("WorkRequest"), message("Number")).build())
        .method(method("echo", "Echo", message("Payload"), message("Payload")).build())
        .method(method("record", "Record", order(), order()).build())
        .method(
            method("items", "Items", message("Nothing"), message("Triple"))
                .server_streaming()
                .build(),
        )
        .build();
    Builder::new().compile(&[service]);
}

/// The request is what `capnp compile -o- peer.capnp` writes for generators; `bash .ci/schema` holds it to the
/// schema where that program is installed.
fn cap_n_proto() {
    const REQUEST: &str = "schema/peer.capnp.request";
    println!("cargo::rerun-if-changed={REQUEST}");
    let request = File::open(REQUEST).expect("the compiled schema is beside this file");
    let folder = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    CodeGenerationCommand::new()
        .output_directory(folder)
        .default_parent_module(vec!["transport".into(), "generated".into()])
        .run(request)
        .expect("the compiled schema is read");
}
