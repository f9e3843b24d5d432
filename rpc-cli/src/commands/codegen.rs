//! `rpc codegen`: typed clients for other languages, from a live server or a saved schema.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{
    api::Api,
    languages::{self, Language},
    output,
    patience::Patience,
    source,
};

const EXAMPLES: &str = "\
Examples:
  rpc codegen 127.0.0.1:7000 --lang python --out client
  rpc codegen api.json --lang typescript --out src/rpc --service Calculator";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A server's address, host:port or unix:/path, or a file from `rpc schema save`.
    source: String,
    /// What to generate.
    #[arg(short, long = "lang", value_name = "LANGUAGE")]
    language: Language,
    /// The folder to write to; it is made if it is not there.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Only this service; may be repeated.
    #[arg(short, long = "service", value_name = "NAME")]
    services: Vec<String>,
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let (document, name) = source::named(&args.source, patience).await?;
    let document = source::keep(document, &args.services)?;
    let title = name.as_deref().unwrap_or(languages::TITLE);
    for file in languages::generate(args.language, &Api::new(&document), title) {
        let path = args.out.join(&file.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        std::fs::write(&path, &file.text)
            .with_context(|| format!("cannot write {}", path.display()))?;
        output::line(&path.display().to_string());
    }
    Ok(())
}
