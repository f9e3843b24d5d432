//! What a method of a trait costs to build: a program of one method and a program of many, for us and for tarpc, each as a
//! crate of its own in the profiles that everybody has. The difference is that of the methods.

mod source;

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike as _},
};

pub use source::Framework;

/// What is built, and how often.
#[derive(Debug)]
pub struct CompilePlan {
    /// How many methods the larger program has.
    pub methods: usize,
    /// How often each is built; figures are medians.
    pub rounds: usize,
    /// Where the crates are written and built; what is there already is used again.
    pub folder: PathBuf,
}

/// What one build took.
#[derive(Clone, Copy, Debug)]
struct Built {
    /// Seconds of CPU of `cargo build --release`.
    release: f64,
    /// Seconds of CPU of `cargo check`.
    check: f64,
    /// The size of the program.
    bytes: u64,
}

const FRAMEWORKS: [Framework; 2] = [Framework::RpcCore, Framework::Tarpc];

/// Builds both programs of both frameworks, in turns, and says what a method costs.
///
/// # Errors
/// A crate cannot be written, or does not build.
pub fn compile(plan: &CompilePlan, progress: &mut impl Write) -> Result<String> {
    ensure!(plan.methods > 1, "a trait of at least 2 methods is needed");
    let crates = FRAMEWORKS.map(|framework| Crate { framework, folder: &plan.folder });
    for of in &crates {
        writeln!(progress, "building what {} needs", of.framework.name())?;
        of.write_manifest()?;
        of.build(1)?;
    }
    let mut rows = Vec::new();
    let mut rounds: Vec<[[Built; 2]; 2]> = Vec::new();
    for round in 1..=plan.rounds {
        writeln!(progress, "round {round} of {}", plan.rounds)?;
        let of = |of: &Crate<'_>| Ok::<_, anyhow::Error>([of.build(1)?, of.build(plan.methods)?]);
        rounds.push([of(&crates[0])?, of(&crates[1])?]);
    }
    for (at, of) in crates.iter().enumerate() {
        let more = (plan.methods - 1) as f64;
        let each = |figure: fn(&Built) -> f64| {
            let each = rounds.iter().map(|round| figure(&round[at][1]) - figure(&round[at][0]));
            median(each.collect()) / more
        };
        let whole = |figure: fn(&Built) -> f64| {
            median(rounds.iter().map(|round| figure(&round[at][1])).collect())
        };
        rows.push(format!(
            "{:<10} {:>9.1} {:>9.1} {:>9.2} {:>12.3} {:>10.4} {:>9.1}",
            of.framework.name(),
            whole(|built| built.release),
            whole(|built| built.check),
            whole(|built| built.bytes as f64) / 1e6,
            each(|built| built.release),
            each(|built| built.check),
            each(|built| built.bytes as f64) / 1e3,
        ));
    }
    let head = format!(
        "{:<10} {:>9} {:>9} {:>9} {:>12} {:>10} {:>9}",
        "", "release s", "check s", "MB", "s a method", "check s", "KB"
    );
    Ok(format!(
        "A trait of {} methods, served and called: CPU of cargo, size of the program, and both a method.\n\n\
         {head}\n{}\n",
        plan.methods,
        rows.join("\n")
    ))
}

/// A crate for one framework.
struct Crate<'a> {
    framework: Framework,
    folder: &'a Path,
}

impl Crate<'_> {
    fn path(&self) -> PathBuf {
        self.folder.join(self.framework.name())
    }

    fn name(&self) -> String {
        format!("methods-of-{}", self.framework.name())
    }

    /// The manifest, and the versions that this workspace is locked to.
    fn write_manifest(&self) -> Result<()> {
        let workspace = workspace()?;
        fs::create_dir_all(self.path().join("src"))?;
        fs::copy(workspace.join("Cargo.lock"), self.path().join("Cargo.lock"))?;
        let of = match self.framework {
            Framework::RpcCore => {
                format!("rpc-core = {{ path = {:?} }}", workspace.join("rpc-core"))
            }
            Framework::Tarpc => "futures-util = \"0.3\"\n\
                 tarpc = { version = \"0.38\", default-features = false, features = [\"serde-transport\", \
                 \"serde-transport-bincode\", \"tcp\", \"tokio1\"] }"
                .to_owned(),
        };
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n\
             tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n{of}\n",
            self.name()
        );
        fs::write(self.path().join("Cargo.toml"), manifest)?;
        Ok(())
    }

    fn build(&self, methods: usize) -> Result<Built> {
        let program = self.path().join("src/main.rs");
        fs::write(&program, self.framework.program(methods))?;
        let check = self.cargo(&["check"])?;
        let release = self.cargo(&["build", "--release"])?;
        let bytes = fs::metadata(self.target().join("release").join(self.name()))?.len();
        Ok(Built { release, check, bytes })
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Runs cargo, and gives the seconds of CPU that it and all that it started have taken.
    fn cargo(&self, arguments: &[&str]) -> Result<f64> {
        let before = children()?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(arguments)
            .args(["--quiet", "--manifest-path"])
            .arg(self.path().join("Cargo.toml"))
            // What this process was started with concerns its own build.
            .env_remove("CARGO_INCREMENTAL")
            .env_remove("RUSTFLAGS")
            .env("CARGO_TARGET_DIR", self.target())
            .output()
            .context("cargo does not start")?;
        ensure!(
            output.status.success(),
            "the program for {} does not build:\n{}",
            self.framework.name(),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(children()? - before)
    }
}

/// The seconds of CPU that all ended children of this process have taken.
fn children() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn workspace() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    folder.map(Path::to_owned).context("the crate is in no workspace")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
